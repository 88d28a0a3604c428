"""Payloads to bytes."""

from .zstd import ZstdDeserializer, ZstdSerializer

__all__ = ["ZstdDeserializer", "ZstdSerializer"]
