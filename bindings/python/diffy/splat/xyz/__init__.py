"""Positions."""

from .interface import (
    XYZQuantInterframeCodecConfig,
    XYZQuantInterframeCodecContext,
    XYZQuantInterframeCodecInterface,
    XYZQuantInterframePayload,
    XYZQuantKeyframePayload,
)

__all__ = ["XYZQuantInterframeCodecConfig", "XYZQuantInterframeCodecContext", "XYZQuantInterframeCodecInterface",
           "XYZQuantInterframePayload", "XYZQuantKeyframePayload"]
