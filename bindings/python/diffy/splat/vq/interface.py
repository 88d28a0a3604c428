"""Everything but positions by vector quantisation: each attribute is a number in a codebook."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Union

import numpy as np

from .._base import Payload
from .._part import PartContext, PartInterface, PartPayload, broken, checked_mask
from ..interframe.interface import InterframeEncoderInitConfig

__all__ = ["VQInterframeCodecConfig", "VQInterframeCodecContext", "VQInterframeCodecInterface", "VQInterframePayload",
           "VQKeyframePayload"]


@dataclass
class VQInterframeCodecConfig(InterframeEncoderInitConfig):
    """
    Numbers of clusters, each num_clusters where not said; features_rest is one number for each band of the spherical
    harmonics, or one for all. tol and max_iter end the clustering.
    """

    num_clusters: int = 256
    num_clusters_rotation_re: Optional[int] = None
    num_clusters_rotation_im: Optional[int] = None
    num_clusters_opacity: Optional[int] = None
    num_clusters_scaling: Optional[int] = None
    num_clusters_features_dc: Optional[int] = None
    num_clusters_features_rest: Union[int, List[int]] = field(default_factory=list)
    max_sh_degree: int = 3
    tol: float = 1e-6
    max_iter: int = 500


class VQInterframeCodecContext(PartContext):
    """Codebooks, and each splat's numbers in them: a head, then for each group of attributes the two."""

    @property
    def count(self) -> int:
        if len(self.streams) < 1 or len(self.streams[0][1]) != 2 or len(self.streams) != 1 + 2 * (5 + self.degree):
            raise broken("attributes")
        count = int(self.streams[0][1][0])
        if any(len(ids) != count for _, ids in self.streams[2::2]):
            raise broken("attributes")
        return count

    @property
    def degree(self) -> int:
        return min(int(self.streams[0][1][1]), 255)


@dataclass
class VQKeyframePayload(PartPayload):
    pass


@dataclass
class VQInterframePayload(PartPayload):
    pass


class VQInterframeCodecInterface(PartInterface):
    part, what = "vq", "attributes"
    attributes = ("_rotation", "_scaling", "_opacity", "_features_dc", "_features_rest")
    context_class = VQInterframeCodecContext
    key_class = VQKeyframePayload

    def settings(self, config: Any) -> Dict[str, Any]:
        c = config if config is not None else VQInterframeCodecConfig()
        rest = c.num_clusters_features_rest
        bands = [rest] * 3 if isinstance(rest, int) else list(rest or ())
        if len(bands) > 3:
            raise ValueError(f"num_clusters_features_rest has {len(bands)} numbers: the bands are 3.")
        bands += [c.num_clusters] * (3 - len(bands))

        def clusters(value: Optional[int]) -> int:
            return int(c.num_clusters if value is None else value)

        return {"clusters_rotation_re": clusters(c.num_clusters_rotation_re),
                "clusters_rotation_im": clusters(c.num_clusters_rotation_im),
                "clusters_opacity": clusters(c.num_clusters_opacity), "clusters_scale": clusters(c.num_clusters_scaling),
                "clusters_dc": clusters(c.num_clusters_features_dc),
                **{f"clusters_rest_{i}": int(n) for i, n in enumerate(bands)},
                "max_degree": c.max_sh_degree, "tolerance": float(c.tol), "iterations": c.max_iter}

    def encode_interframe(self, prev_context: Any, next_context: Any) -> VQInterframePayload:
        streams = []
        for (limit, before), (_, ids) in zip(prev_context.streams[2::2], next_context.streams[2::2]):
            changed = before != ids
            streams += [(2, changed.astype(np.uint32)), (limit, ids[changed])]
        return VQInterframePayload(streams)

    def decode_interframe(self, payload: Payload, prev_context: Any) -> VQInterframeCodecContext:
        before = prev_context.streams
        if not isinstance(payload, VQInterframePayload) or len(payload.streams) != len(before) - 1:
            raise broken(self.what)
        streams = [before[0]]
        for group in range(1, len(before), 2):
            limit, ids = before[group + 1]
            changed = checked_mask(payload.streams[group - 1], len(ids), self.what)
            new = payload.streams[group][1]
            if len(new) != np.count_nonzero(changed) or (len(new) and new.max() >= max(limit, 1)):
                raise broken(self.what)
            ids = ids.copy()
            ids[changed] = new
            streams += [before[group], (limit, ids)]
        return VQInterframeCodecContext(streams, {})
