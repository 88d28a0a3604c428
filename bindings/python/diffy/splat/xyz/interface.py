"""Positions on a uniform grid, as fine as the splats are close together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Optional

import numpy as np

from .._base import Payload
from .._part import PartContext, PartInterface, PartPayload, broken, checked_mask
from ..interframe.interface import InterframeEncoderInitConfig

__all__ = ["XYZQuantInterframeCodecConfig", "XYZQuantInterframeCodecContext", "XYZQuantInterframeCodecInterface",
           "XYZQuantInterframePayload", "XYZQuantKeyframePayload"]

FURTHEST = 1 << 29  # steps from the origin


@dataclass
class XYZQuantInterframeCodecConfig(InterframeEncoderInitConfig):
    """
    The grid's step is alpha times a quantile of the distances to the k-th neighbours of sample_size splats, within
    min_step and max_step. A position that moved by no more than tolerance steps counts as unmoved.
    """

    k: int = 1
    sample_size: Optional[int] = 10000
    seed: Optional[int] = 42
    quantile: float = 0.05
    alpha: float = 0.2
    min_step: Optional[float] = None
    max_step: Optional[float] = None
    tolerance: int = 0


def unfold(values: np.ndarray) -> np.ndarray:
    """0, 1, 2, 3 ... stand for 0, -1, 1, -2 ..."""
    wide = values.astype(np.int64)
    return (wide >> 1) ^ -(wide & 1)


def fold(values: np.ndarray) -> np.ndarray:
    return ((values << 1) ^ (values >> 63)).astype(np.uint32)


class XYZQuantInterframeCodecContext(PartContext):
    """Positions in steps from an origin."""

    @property
    def count(self) -> int:
        if len(self.streams) != 2 or len(self.streams[0][1]) != 4 or len(self.streams[1][1]) % 3:
            raise broken("positions")
        return len(self.streams[1][1]) // 3

    @property
    def origin(self) -> np.ndarray:
        return self.streams[0][1][:3].view(np.float32)

    @property
    def step_size(self) -> float:
        return float(self.streams[0][1][3:].view(np.float32)[0])

    @property
    def quantized_xyz(self) -> np.ndarray:
        """N x 3 numbers of steps."""
        return unfold(self.streams[1][1]).reshape(-1, 3)


@dataclass
class XYZQuantKeyframePayload(PartPayload):
    pass


@dataclass
class XYZQuantInterframePayload(PartPayload):
    pass


class XYZQuantInterframeCodecInterface(PartInterface):
    part, what, attributes = "xyz", "positions", ("_xyz",)
    context_class = XYZQuantInterframeCodecContext
    key_class = XYZQuantKeyframePayload

    def settings(self, config: Any) -> Dict[str, Any]:
        c = config if config is not None else XYZQuantInterframeCodecConfig()
        return {"neighbour": c.k, "samples": (1 << 31) - 1 if c.sample_size is None else c.sample_size,
                "seed": 42 if c.seed is None else c.seed, "quantile": float(c.quantile), "alpha": float(c.alpha),
                "min_step": float(c.min_step or 0), "max_step": float(c.max_step or 0), "xyz_tolerance": float(c.tolerance)}

    def encode_interframe(self, prev_context: Any, next_context: Any) -> XYZQuantInterframePayload:
        ways = next_context.quantized_xyz - prev_context.quantized_xyz
        moved = ways.any(axis=1)
        return XYZQuantInterframePayload([(2, moved.astype(np.uint32)), (0, fold(ways[moved].ravel()))])

    def decode_interframe(self, payload: Payload, prev_context: Any) -> XYZQuantInterframeCodecContext:
        if not isinstance(payload, XYZQuantInterframePayload) or len(payload.streams) != 2:
            raise broken(self.what)
        moved = checked_mask(payload.streams[0], prev_context.count, self.what)
        ways = payload.streams[1][1]
        if len(ways) != 3 * np.count_nonzero(moved):
            raise broken(self.what)
        places = prev_context.quantized_xyz
        places[moved] += unfold(ways).reshape(-1, 3)
        if len(places) and np.abs(places).max() > FURTHEST:
            raise broken(self.what)
        return XYZQuantInterframeCodecContext([prev_context.streams[0], (0, fold(places.ravel()))], {})
