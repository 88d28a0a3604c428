"""The encoder that sees all frames before it chooses."""

from __future__ import annotations

from typing import Any, Iterator, List, Optional

from .._base import AbstractSerializer, Payload
from .encoder import InterframeEncoder
from .interface import PassOneContext, TwoPassInterframeCodecInterface

__all__ = ["PassOneContext", "TwoPassInterframeCodecInterface", "TwoPassInterframeEncoder"]


class TwoPassInterframeEncoder(InterframeEncoder):
    """Holds all frames until the last is there; then the codec has seen them all and codes them."""

    def __init__(self, serializer: AbstractSerializer, interface: TwoPassInterframeCodecInterface, init_config: Any = None,
                 payload_device: Any = None) -> None:
        super().__init__(serializer, interface, init_config, payload_device)
        self._two_pass = interface
        self._frames: List[Any] = []
        self._seen: Optional[Any] = None

    def pack(self, frame: Any) -> Iterator[Payload]:
        if self._seen is None:
            self._seen = self._two_pass.keyframe_to_context_pass_one(frame, self._init_config)
        else:
            self._seen = self._two_pass.interframe_to_context_pass_one(frame, self._seen)
        self._frames.append(frame)
        return iter(())

    def flush_pack(self) -> Iterator[Payload]:
        own, self._init_config = self._init_config, self._seen
        try:
            for frame in self._frames:
                yield from super().pack(frame)
        finally:
            self._init_config, self._seen, self._frames = own, None, []
