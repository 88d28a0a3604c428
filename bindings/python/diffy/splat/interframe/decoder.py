"""The decoder of a codec that codes a frame after the one before it."""

from __future__ import annotations

from typing import Any, Callable, Iterator, Optional

from ..._native import DamagedError
from .._base import AbstractDecoder, AbstractDeserializer, Payload, is_keyframe
from .._model import GaussianModel
from .interface import InterframeCodecInterface

__all__ = ["InterframeDecoder"]


class InterframeDecoder(AbstractDecoder):
    """Decodes what InterframeEncoder made. new_frame makes the empty models that are filled."""

    def __init__(self, deserializer: AbstractDeserializer, interface: InterframeCodecInterface, payload_device: Any = None,
                 new_frame: Callable[[], Any] = GaussianModel) -> None:
        super().__init__(deserializer, payload_device)
        self._interface = interface
        self._new_frame = new_frame
        self._prev_context: Optional[Any] = None

    def unpack(self, payload: Payload) -> Iterator[Any]:
        key = is_keyframe(payload)
        if key is None:
            key = self._prev_context is None
        if key:
            self._prev_context = self._interface.decode_keyframe(payload)
        elif self._prev_context is None:
            raise DamagedError("The stream does not begin with a key frame: its beginning is missing.")
        else:
            self._prev_context = self._interface.decode_interframe(payload, self._prev_context)
        yield self._interface.context_to_frame(self._prev_context, self._new_frame())

    def flush_unpack(self) -> Iterator[Any]:
        return iter(())
