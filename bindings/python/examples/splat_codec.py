"""
A splat codec of one's own, in Python: opacities in 8 bits, of which later frames store those that changed.

Alone it gives models that have opacities only; combined with Diffy's codec for positions it adds those to them:
python3 splat_codec.py FIRST.ply FORMAT_{:04d}.ply OUTPUT.dfy
"""

import sys
from dataclasses import dataclass

import numpy as np

from diffy.splat import Payload
from diffy.splat.combinations import register_decoder, register_encoder
from diffy.splat.compress.zstd import ZstdDeserializer, ZstdSerializer
from diffy.splat.interframe import (
    InterframeCodecContext,
    InterframeCodecInterface,
    InterframeDecoder,
    InterframeEncoder,
    InterframeEncoderInitConfig,
)
from diffy.splat.interframe.combine import CombinedInterframeCodecInterface, CombinedInterframeEncoderInitConfig
from diffy.splat.io import FrameReader
from diffy.splat.xyz import XYZQuantInterframeCodecConfig, XYZQuantInterframeCodecInterface


@dataclass
class OpacityConfig(InterframeEncoderInitConfig):
    levels: int = 255


@dataclass
class OpacityContext(InterframeCodecContext):
    values: np.ndarray  # uint8
    levels: int


@dataclass
class OpacityKeyPayload(Payload):
    values: np.ndarray
    levels: int


@dataclass
class OpacityInterPayload(Payload):
    changed: np.ndarray  # bool
    values: np.ndarray


class OpacityCodec(InterframeCodecInterface):
    def keyframe_to_context(self, frame, init_config):
        alpha = 1 / (1 + np.exp(-np.asarray(frame._opacity, np.float64).ravel()))
        return OpacityContext(np.rint(alpha * init_config.levels).astype(np.uint8), init_config.levels)

    def interframe_to_context(self, frame, prev_context):
        return self.keyframe_to_context(frame, OpacityConfig(prev_context.levels))

    def encode_keyframe(self, context):
        return OpacityKeyPayload(context.values, context.levels)

    def encode_interframe(self, prev_context, next_context):
        changed = prev_context.values != next_context.values
        return OpacityInterPayload(changed, next_context.values[changed])

    def decode_keyframe(self, payload):
        return OpacityContext(payload.values, payload.levels)

    def decode_interframe(self, payload, prev_context):
        values = prev_context.values.copy()
        values[payload.changed] = payload.values
        return OpacityContext(values, prev_context.levels)

    def context_to_frame(self, context, frame):
        alpha = np.clip(context.values / context.levels, 1e-4, 1 - 1e-4)
        frame._opacity = np.log(alpha / (1 - alpha)).astype(np.float32)[:, None]
        return frame


def encoder(config=None):
    """The codec alone."""
    return InterframeEncoder(serializer=ZstdSerializer(), interface=OpacityCodec(), init_config=config or OpacityConfig())


def decoder(config=None):
    return InterframeDecoder(deserializer=ZstdDeserializer(), interface=OpacityCodec())


def combined():
    """The codec after Diffy's for positions."""
    interface = CombinedInterframeCodecInterface([XYZQuantInterframeCodecInterface(), OpacityCodec()])
    configs = CombinedInterframeEncoderInitConfig([XYZQuantInterframeCodecConfig(), OpacityConfig()])
    return (InterframeEncoder(serializer=ZstdSerializer(), interface=interface, init_config=configs),
            InterframeDecoder(deserializer=ZstdDeserializer(), interface=interface))


register_encoder("opacity", encoder, OpacityConfig, "opacities in 8 bits")
register_decoder("opacity", decoder, OpacityConfig, "the same")


def main(first, others, output):
    coder, back = combined()
    with open(output, "wb") as file:
        for data in coder.encode_stream(FrameReader(first, others).read()):
            file.write(data)
    with open(output, "rb") as file:
        models = list(back.decode_stream([file.read()]))
    print(f"{len(models)} models of {len(models[0]._xyz)} splats")


if __name__ == "__main__":
    main(*sys.argv[1:4])
