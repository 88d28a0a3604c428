"""Encoders and decoders put together, by name."""

from .registry import DECODERS, ENCODERS, DecoderEntry, EncoderEntry, register_decoder, register_encoder
from .tree import build_tree_decoder, build_tree_encoder
from .vq_xyz_zstd import (
    VQXYZZstdDecoder,
    VQXYZZstdDecoderConfig,
    VQXYZZstdEncoder,
    VQXYZZstdEncoderConfig,
    build_vqxyzzstd_decoder,
    build_vqxyzzstd_encoder,
)

# The names that some versions of gsvvcompressor have.
VqXyzZstdEncoderConfig = VQXYZZstdEncoderConfig
VqXyzZstdDecoderConfig = VQXYZZstdDecoderConfig

__all__ = ["DECODERS", "DecoderEntry", "ENCODERS", "EncoderEntry", "VQXYZZstdDecoder", "VQXYZZstdDecoderConfig",
           "VQXYZZstdEncoder", "VQXYZZstdEncoderConfig", "VqXyzZstdDecoderConfig", "VqXyzZstdEncoderConfig",
           "build_tree_decoder", "build_tree_encoder", "build_vqxyzzstd_decoder", "build_vqxyzzstd_encoder",
           "register_decoder", "register_encoder"]
