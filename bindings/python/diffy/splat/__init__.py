"""
Sequences of Gaussian-splat models.

    from diffy.splat import SplatEncoder, SplatDecoder      # whole files, Diffy's own codec, errors chosen
    from diffy.splat.combinations import VQXYZZstdEncoder   # the layers of gsvvcompressor, on Diffy's codec

    python -m diffy.splat encode vqxyzzstd input.first_frame_path=frame_0000.ply \\
        input.subsequent_format="frame_{:04d}.ply" output.path=sequence.dfy
"""

from ._base import AbstractDecoder, AbstractDeserializer, AbstractEncoder, AbstractSerializer, Payload
from ._model import GaussianModel, compare
from ._sequence import SequenceDecoder, SequenceEncoder, SplatDecoder, SplatEncoder, codecs

__all__ = ["AbstractDecoder", "AbstractDeserializer", "AbstractEncoder", "AbstractSerializer", "GaussianModel", "Payload",
           "SequenceDecoder", "SequenceEncoder", "SplatDecoder", "SplatEncoder", "codecs", "compare"]
