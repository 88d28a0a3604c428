"""Codecs that code a frame after the one before it: the interface, its encoders and its decoder."""

from .decoder import InterframeDecoder
from .encoder import InterframeEncoder
from .interface import (
    InterframeCodecContext,
    InterframeCodecInterface,
    InterframeEncoderInitConfig,
    NeedsKeyframe,
    PassOneContext,
    TwoPassInterframeCodecInterface,
)
from .twopass import TwoPassInterframeEncoder

__all__ = ["InterframeCodecContext", "InterframeCodecInterface", "InterframeDecoder", "InterframeEncoder",
           "InterframeEncoderInitConfig", "NeedsKeyframe", "PassOneContext", "TwoPassInterframeCodecInterface",
           "TwoPassInterframeEncoder"]
