"""
What the codecs on C parts share. A context is what a key frame of it holds: streams of numbers, each with the limit that
its numbers are below (0: any). The C part makes them of a frame and a frame of them; the difference of two is NumPy's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Tuple

import numpy as np

from .. import _native
from .._native import DamagedError
from ._base import Payload
from ._model import ATTRIBUTES, empty_tuple, from_tuple, to_tuple
from .interframe.interface import InterframeCodecContext, NeedsKeyframe, PassOneContext, TwoPassInterframeCodecInterface

Stream = Tuple[int, np.ndarray]

__all__ = ["PartContext", "PartInterface", "PartPayload", "Stream", "broken", "checked_mask"]


def numbers(streams: List[Tuple[int, Any]]) -> List[Stream]:
    """Streams as arrays of uint32."""
    return [(limit, np.frombuffer(data, np.uint32)) for limit, data in streams]


def broken(what: str) -> DamagedError:
    return DamagedError(f"A frame's {what} are damaged.")


def checked_mask(stream: Stream, count: int, what: str) -> np.ndarray:
    """Which of the splats changed."""
    mask = stream[1]
    if len(mask) != count or (len(mask) and mask.max() > 1):
        raise broken(what)
    return mask.astype(bool)


@dataclass
class PartContext(InterframeCodecContext):
    """A frame as its part codes it."""

    streams: List[Stream]
    settings: Dict[str, Any]

    @property
    def count(self) -> int:
        raise NotImplementedError


@dataclass
class PartPayload(Payload):
    """Streams of a frame. They are arrays on the CPU wherever the models are."""

    streams: List[Stream]


class PartInterface(TwoPassInterframeCodecInterface):
    """A codec on a part of the C library."""

    part = ""
    what = ""
    attributes: Tuple[str, ...] = ()
    context_class = PartContext
    key_class = PartPayload

    def settings(self, config: Any) -> Dict[str, Any]:
        """A configuration in the C library's names."""
        raise NotImplementedError

    def keyframe_to_context(self, frame: Any, init_config: Any) -> PartContext:
        models = []
        if isinstance(init_config, PassOneContext):
            models = [to_tuple(seen) for seen in init_config.frames]
            init_config = init_config.init_config
        settings = self.settings(init_config)
        model = to_tuple(frame)
        made = _native.part_key(self.part, settings, model, models) if models else _native.part_key(self.part, settings, model)
        return self.context_class(numbers(made), settings)

    def interframe_to_context(self, frame: Any, prev_context: PartContext) -> PartContext:
        model = to_tuple(frame)
        if len(model[1]) != prev_context.count:
            raise NeedsKeyframe("Another number of splats needs a key frame.")
        made = _native.part_inter(self.part, prev_context.settings, prev_context.streams, model)
        return self.context_class(numbers(made), prev_context.settings)

    def encode_keyframe(self, context: PartContext) -> PartPayload:
        return self.key_class(context.streams)

    def decode_keyframe(self, payload: Payload) -> PartContext:
        if not isinstance(payload, self.key_class):
            raise broken(self.what)
        context = self.context_class(payload.streams, {})
        context.count  # raises where it has none
        return context

    def decode_keyframe_for_encode(self, payload: Payload, context: PartContext) -> PartContext:
        return context  # what is lost is lost in the context already

    def decode_interframe_for_encode(self, payload: Payload, prev_context: PartContext) -> PartContext:
        context = self.decode_interframe(payload, prev_context)
        context.settings = prev_context.settings
        return context

    def context_to_frame(self, context: PartContext, frame: Any) -> Any:
        names = self.attributes or ATTRIBUTES
        model = _native.part_frame(self.part, context.streams, empty_tuple(context.count, 0))
        return from_tuple(model, frame, names)
