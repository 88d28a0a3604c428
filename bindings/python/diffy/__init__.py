"""
Very small files from long video of repetitive work, and any frame of them at once.

    from diffy import DiffyEncoder, DiffyDecoder, VideoDecoder

    with DiffyEncoder("cell.dfy", fps=30, quality=25) as encoder:
        for frame in frames:                      # height x width x 3, uint8, RGB
            encoder.push_frame(frame)

    for frame in DiffyDecoder("cell.dfy").iter_frames():
        ...

    decoder = VideoDecoder("cell.dfy")            # as TorchCodec's: tensors, any frame in any order
    decoder[100], decoder.get_frames_at([3, 400, 17]).data

Parts: encoding and playing (here), ``diffy.decoders`` (TorchCodec's names), ``diffy.data`` (data sets for learning),
``diffy.lerobot`` (LeRobot data sets), ``diffy.splat`` (Gaussian-splat sequences; ``python -m diffy.splat``).
"""

from ._codec import DiffyDecoder, DiffyEncoder
from ._episodes import Episode
from ._native import DamagedError, DiffyError
from ._native import version as __version__
from ._video import Frame, FrameBatch, VideoDecoder, VideoStreamMetadata

__all__ = [
    "DamagedError",
    "DiffyDecoder",
    "DiffyEncoder",
    "DiffyError",
    "Episode",
    "Frame",
    "FrameBatch",
    "VideoDecoder",
    "VideoStreamMetadata",
    "__version__",
]
