"""Attributes by vector quantisation."""

from .interface import (
    VQInterframeCodecConfig,
    VQInterframeCodecContext,
    VQInterframeCodecInterface,
    VQInterframePayload,
    VQKeyframePayload,
)

__all__ = ["VQInterframeCodecConfig", "VQInterframeCodecContext", "VQInterframeCodecInterface", "VQInterframePayload",
           "VQKeyframePayload"]
