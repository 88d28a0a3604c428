"""Several codecs as one, each for its part of a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, List, Sequence

from ..._native import DamagedError
from .._base import Payload
from .interface import (
    InterframeCodecContext,
    InterframeCodecInterface,
    InterframeEncoderInitConfig,
    PassOneContext,
    TwoPassInterframeCodecInterface,
)

__all__ = ["CombinedInterframeCodecContext", "CombinedInterframeCodecInterface", "CombinedInterframeEncoderInitConfig",
           "CombinedPayload"]


@dataclass
class CombinedPayload(Payload):
    payloads: List[Payload]

    def to(self, device: Any) -> "CombinedPayload":
        return CombinedPayload([p.to(device) for p in self.payloads])


@dataclass
class CombinedInterframeEncoderInitConfig(InterframeEncoderInitConfig):
    init_configs: List[Any]


@dataclass
class CombinedInterframeCodecContext(InterframeCodecContext):
    contexts: List[Any]


class CombinedInterframeCodecInterface(TwoPassInterframeCodecInterface):
    """Calls each codec in turn. Its init_config is a CombinedInterframeEncoderInitConfig, one for each."""

    def __init__(self, interfaces: Sequence[InterframeCodecInterface]) -> None:
        if not interfaces:
            raise ValueError("At least one codec must be given.")
        self.interfaces = list(interfaces)

    def _payloads(self, payload: Payload) -> List[Payload]:
        parts = getattr(payload, "payloads", None)
        if not isinstance(parts, list) or len(parts) != len(self.interfaces) or not all(isinstance(p, Payload) for p in parts):
            raise DamagedError(f"A payload is not of {len(self.interfaces)} parts: it was made by other codecs.")
        return parts

    def keyframe_to_context(self, frame: Any, init_config: Any) -> CombinedInterframeCodecContext:
        seen = init_config if isinstance(init_config, PassOneContext) else None
        configs = (seen.init_config if seen else init_config).init_configs
        if len(configs) != len(self.interfaces):
            raise ValueError(f"{len(self.interfaces)} codecs need as many configurations, not {len(configs)}.")
        return CombinedInterframeCodecContext([
            codec.keyframe_to_context(frame, self._seen(codec, config, seen) if seen else config)
            for codec, config in zip(self.interfaces, configs)])

    @staticmethod
    def _seen(codec: InterframeCodecInterface, config: Any, seen: PassOneContext) -> Any:
        """What a part has seen in the first pass; a codec of one pass gets its configuration."""
        if not isinstance(codec, TwoPassInterframeCodecInterface):
            return config
        context = codec.keyframe_to_context_pass_one(seen.frames[0], config)
        for frame in seen.frames[1:]:
            context = codec.interframe_to_context_pass_one(frame, context)
        return context

    def interframe_to_context(self, frame: Any, prev_context: Any) -> CombinedInterframeCodecContext:
        return CombinedInterframeCodecContext([
            codec.interframe_to_context(frame, before) for codec, before in zip(self.interfaces, prev_context.contexts)])

    def encode_keyframe(self, context: Any) -> CombinedPayload:
        return CombinedPayload([codec.encode_keyframe(own) for codec, own in zip(self.interfaces, context.contexts)])

    def encode_interframe(self, prev_context: Any, next_context: Any) -> CombinedPayload:
        return CombinedPayload([codec.encode_interframe(before, own) for codec, before, own in
                                zip(self.interfaces, prev_context.contexts, next_context.contexts)])

    def decode_keyframe(self, payload: Payload) -> CombinedInterframeCodecContext:
        return CombinedInterframeCodecContext([
            codec.decode_keyframe(part) for codec, part in zip(self.interfaces, self._payloads(payload))])

    def decode_interframe(self, payload: Payload, prev_context: Any) -> CombinedInterframeCodecContext:
        return CombinedInterframeCodecContext([
            codec.decode_interframe(part, before) for codec, part, before in
            zip(self.interfaces, self._payloads(payload), prev_context.contexts)])

    def decode_keyframe_for_encode(self, payload: Payload, context: Any) -> CombinedInterframeCodecContext:
        return CombinedInterframeCodecContext([
            codec.decode_keyframe_for_encode(part, own) for codec, part, own in
            zip(self.interfaces, self._payloads(payload), context.contexts)])

    def decode_interframe_for_encode(self, payload: Payload, prev_context: Any) -> CombinedInterframeCodecContext:
        return CombinedInterframeCodecContext([
            codec.decode_interframe_for_encode(part, before) for codec, part, before in
            zip(self.interfaces, self._payloads(payload), prev_context.contexts)])

    def context_to_frame(self, context: Any, frame: Any) -> Any:
        for codec, own in zip(self.interfaces, context.contexts):
            frame = codec.context_to_frame(own, frame)
        return frame
