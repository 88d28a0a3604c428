"""Positions on a grid and attributes by vector quantisation, by zstd; in one pass or two."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Optional

from ..compress.zstd import ZstdDeserializer, ZstdSerializer
from ..interframe import InterframeDecoder, InterframeEncoder, TwoPassInterframeEncoder
from ..interframe.combine import CombinedInterframeCodecInterface, CombinedInterframeEncoderInitConfig
from ..vq import VQInterframeCodecConfig, VQInterframeCodecInterface
from ..xyz import XYZQuantInterframeCodecConfig, XYZQuantInterframeCodecInterface
from .registry import register_decoder, register_encoder

__all__ = ["VQXYZZstdDecoder", "VQXYZZstdDecoderConfig", "VQXYZZstdEncoder", "VQXYZZstdEncoderConfig",
           "build_vqxyzzstd_decoder", "build_vqxyzzstd_encoder"]


def _interface() -> CombinedInterframeCodecInterface:
    return CombinedInterframeCodecInterface([XYZQuantInterframeCodecInterface(), VQInterframeCodecInterface()])


def VQXYZZstdEncoder(
    vq_config: Optional[VQInterframeCodecConfig] = None,
    xyz_config: Optional[XYZQuantInterframeCodecConfig] = None,
    zstd_level: int = 7,
    payload_device: Any = "cpu",
    two_pass: bool = False,
) -> InterframeEncoder:
    """An encoder whose files every program with Diffy's codec plays. two_pass: codebooks and grid fit all frames."""
    config = CombinedInterframeEncoderInitConfig([xyz_config or XYZQuantInterframeCodecConfig(),
                                                  vq_config or VQInterframeCodecConfig()])
    made = TwoPassInterframeEncoder if two_pass else InterframeEncoder
    return made(serializer=ZstdSerializer(level=zstd_level), interface=_interface(), init_config=config,
                payload_device=payload_device)


def VQXYZZstdDecoder(payload_device: Any = "cpu") -> InterframeDecoder:
    """The decoder of VQXYZZstdEncoder's files."""
    return InterframeDecoder(deserializer=ZstdDeserializer(), interface=_interface(), payload_device=payload_device)


@dataclass
class VQXYZZstdEncoderConfig:
    vq: VQInterframeCodecConfig = field(default_factory=VQInterframeCodecConfig)
    xyz: XYZQuantInterframeCodecConfig = field(default_factory=XYZQuantInterframeCodecConfig)
    zstd_level: int = 7
    payload_device: Optional[str] = "cpu"
    two_pass: bool = False


@dataclass
class VQXYZZstdDecoderConfig:
    payload_device: Optional[str] = "cpu"


def build_vqxyzzstd_encoder(config: Any) -> InterframeEncoder:
    return VQXYZZstdEncoder(config.vq, config.xyz, config.zstd_level, config.payload_device,
                            getattr(config, "two_pass", False))


def build_vqxyzzstd_decoder(config: Any) -> InterframeDecoder:
    return VQXYZZstdDecoder(config.payload_device)


register_encoder("vqxyzzstd", build_vqxyzzstd_encoder, VQXYZZstdEncoderConfig,
                 "positions on a grid, attributes by vector quantisation, zstd")
register_decoder("vqxyzzstd", build_vqxyzzstd_decoder, VQXYZZstdDecoderConfig, "the same")
