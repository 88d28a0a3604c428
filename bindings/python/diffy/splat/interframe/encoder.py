"""The encoder of a codec that codes a frame after the one before it."""

from __future__ import annotations

from typing import Any, Iterator, Optional

from .._base import AbstractEncoder, AbstractSerializer, Payload, mark_keyframe
from .interface import InterframeCodecInterface, NeedsKeyframe

__all__ = ["InterframeEncoder"]


class InterframeEncoder(AbstractEncoder):
    """
    Codes the first frame on its own and each further one after what the decoder has of the one before it. A frame that
    can't be coded so begins anew.
    """

    def __init__(self, serializer: AbstractSerializer, interface: InterframeCodecInterface, init_config: Any = None,
                 payload_device: Any = None) -> None:
        super().__init__(serializer, payload_device)
        self._interface = interface
        self._init_config = init_config
        self._prev_context: Optional[Any] = None

    def pack(self, frame: Any) -> Iterator[Payload]:
        codec, before = self._interface, self._prev_context
        if before is not None:
            try:
                context = codec.interframe_to_context(frame, before)
            except NeedsKeyframe:
                before = None
        if before is None:
            context = codec.keyframe_to_context(frame, self._init_config)
            payload = codec.encode_keyframe(context)
            self._prev_context = codec.decode_keyframe_for_encode(payload, context)
        else:
            payload = codec.encode_interframe(before, context)
            self._prev_context = codec.decode_interframe_for_encode(payload, before)
        yield mark_keyframe(payload, before is None)

    def flush_pack(self) -> Iterator[Payload]:
        return iter(())
