"""What a codec that codes a frame after the one before it consists of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, List

from .._base import Payload

__all__ = ["InterframeCodecContext", "InterframeCodecInterface", "InterframeEncoderInitConfig", "PassOneContext",
           "TwoPassInterframeCodecInterface"]


@dataclass
class InterframeEncoderInitConfig:
    """An encoder's settings, of which a decoder needs none. Derive a codec's own from it."""


@dataclass
class InterframeCodecContext:
    """A frame as it is coded: what encoder and decoder both know of the last one. Derive a codec's own from it."""


class InterframeCodecInterface(ABC):
    """A codec: frames to contexts, contexts to payloads, and back."""

    @abstractmethod
    def keyframe_to_context(self, frame: Any, init_config: Any) -> Any:
        """The context of a frame that is coded on its own."""

    @abstractmethod
    def interframe_to_context(self, frame: Any, prev_context: Any) -> Any:
        """The context of a frame that is coded after another. May raise NeedsKeyframe."""

    @abstractmethod
    def encode_keyframe(self, context: Any) -> Payload:
        """A payload that holds all of a context."""

    @abstractmethod
    def encode_interframe(self, prev_context: Any, next_context: Any) -> Payload:
        """A payload that holds what is different from the context before."""

    @abstractmethod
    def decode_keyframe(self, payload: Payload) -> Any:
        """The context of a payload of encode_keyframe."""

    @abstractmethod
    def decode_interframe(self, payload: Payload, prev_context: Any) -> Any:
        """The context of a payload of encode_interframe."""

    @abstractmethod
    def context_to_frame(self, context: Any, frame: Any) -> Any:
        """Sets on a frame what this codec is about, and returns it."""

    def decode_keyframe_for_encode(self, payload: Payload, context: Any) -> Any:
        """What the decoder will make of a payload, for the encoder; where coding loses nothing, the context itself."""
        return self.decode_keyframe(payload)

    def decode_interframe_for_encode(self, payload: Payload, prev_context: Any) -> Any:
        """The same of a frame that was coded after another."""
        return self.decode_interframe(payload, prev_context)


class NeedsKeyframe(Exception):
    """A frame can't be coded after the one before it, for example because it has another number of splats."""


@dataclass
class PassOneContext:
    """What the first of two passes has gathered: the frames so far, unless a codec keeps something of its own."""

    init_config: Any = None
    frames: List[Any] = field(default_factory=list)


class TwoPassInterframeCodecInterface(InterframeCodecInterface):
    """A codec that may look at all frames before the first is coded: then keyframe_to_context gets a PassOneContext."""

    def keyframe_to_context_pass_one(self, frame: Any, init_config: Any) -> Any:
        """Looks at the first frame."""
        return PassOneContext(init_config, [frame])

    def interframe_to_context_pass_one(self, frame: Any, prev_pass_one_context: Any) -> Any:
        """Looks at another frame."""
        prev_pass_one_context.frames.append(frame)
        return prev_pass_one_context
