"""The names of ``torchcodec.decoders``, so that a script needs another import and nothing else."""

from ._video import Frame, FrameBatch, VideoDecoder, VideoStreamMetadata

__all__ = ["Frame", "FrameBatch", "VideoDecoder", "VideoStreamMetadata"]
