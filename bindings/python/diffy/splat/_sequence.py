"""Sequences by the C codecs as a whole: files of any codec, and Diffy's own with errors chosen for each attribute."""

from __future__ import annotations

import os
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Dict, Iterator, List, Optional, Union

import numpy as np

from .. import _native
from .._codec import _Output
from .._native import DiffyError
from .._source import Source, SourceLike
from ._base import AbstractDecoder, AbstractDeserializer, AbstractEncoder, AbstractSerializer, Payload
from ._model import from_tuple, to_tuple

__all__ = ["BytesPayload", "SequenceDecoder", "SequenceEncoder", "SplatDecoder", "SplatEncoder", "TreeDecoderConfig",
           "TreeEncoderConfig", "codecs"]


def codecs() -> Dict[str, str]:
    """Names and descriptions of the C codecs, the default first."""
    return dict(_native.splat_codecs())


def _settings(fps: Union[float, Fraction], given: Dict[str, Any]) -> Dict[str, Any]:
    rate = Fraction(fps).limit_denominator(1001)
    plain = {name: value for name, value in given.items() if value is not None}
    for name, value in plain.items():
        if isinstance(value, bool):
            plain[name] = int(value)
        elif name.startswith(("error_", "max_error_")):
            plain[name] = float(value)
    return {"frame_rate_num": rate.numerator, "frame_rate_den": rate.denominator, **plain}


class SplatEncoder:
    """
    Encodes models into a ``.dfy`` file, which appears under its name when ``encode()`` is done.

    Args:
        path: the file, or an object with ``write(bytes)``.
        codec: one of ``codecs()``; the default is Diffy's own.
        fps: nominal frames a second.
        settings: of Diffy's own codec ``quality`` (1 to 100), or ``error_position`` (in the models' unit; 0: a
            part of the distance between neighbours), ``error_scale``, ``error_alpha``, ``error_dc``, ``error_rotation`` (degrees), ``error_sh``: wanted RMS
            errors; ``effort`` (1 to 9), ``canonical``. Of all codecs ``max_error_position`` and so on (no splat is
            farther off), ``keep_order`` (1, 0, or -1: where the second model has as many splats as the first),
            ``key_interval``, ``access``, ``two_pass``, ``degree``.
    """

    def __init__(self, path: Any, *, codec: str = "tree-range", fps: Union[float, Fraction] = 30, **settings: Any) -> None:
        self._output: Optional[_Output] = _Output(path)
        self.stats: Dict[str, int] = {}
        try:
            self._encoder = _native.SplatEncoder(self._output.native, codec, _settings(fps, settings))
        except BaseException:
            self.close()
            raise

    def push_frame(self, frame: Any) -> None:
        """Takes a model: any object with the attributes of GaussianModel."""
        if self._output is None:
            raise ValueError("The encoder is finished or closed: open another.")
        self._encoder.push(to_tuple(frame))

    @property
    def order(self) -> Optional[np.ndarray]:
        """Without keep_order: which splat of the model pushed last each decoded one is; None where they keep their order."""
        order = self._encoder.order()
        return None if order is None else np.frombuffer(order, np.uint32)

    def encode(self) -> int:
        """Completes the file. Returns its size in bytes."""
        if self._output is None:
            raise ValueError("The encoder is finished or closed: open another.")
        self.stats = self._encoder.finish()
        self._output.close(True)
        self._output = None
        return self.stats["bytes"]

    def close(self) -> None:
        """Gives up what was not encoded."""
        if self._output is not None:
            self._output.close(False)
            self._output = None

    def __enter__(self) -> "SplatEncoder":
        return self

    def __exit__(self, kind: Any, *rest: Any) -> None:
        if kind is None and self._output is not None:
            try:
                self.encode()
            finally:
                self.close()
        else:
            self.close()

    def __del__(self) -> None:
        if getattr(self, "_output", None) is not None:
            self.close()


class SplatDecoder:
    """The models of a ``.dfy`` file of any codec: in order, by number, and how many there are."""

    def __init__(self, source: SourceLike) -> None:
        self._source = Source(source)
        if self._source.path:
            with open(self._source.path, "rb") as file:
                try:
                    self._decoder = _native.SplatDecoder(file.fileno(), os.fstat(file.fileno()).st_size)
                except DiffyError as error:
                    raise type(error)(f"{self._source.path}: {error}") from None
        elif self._source.data is not None:
            self._decoder = _native.SplatDecoder(self._source.data)
        else:
            self._decoder = _native.SplatDecoder(*self._source._reader())
        self.info: Dict[str, Any] = self._decoder.info()

    def __len__(self) -> int:
        return self.info["frames"]

    def __getitem__(self, index: int) -> Any:
        count = len(self)
        if not -count <= index < count:
            raise IndexError(f"Index {index} is out of bounds: the sequence has {count} frames.")
        self._decoder.seek(index % count)
        return from_tuple(self._decoder.next())  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[Any]:
        for index in range(len(self)):
            yield self[index]


# ---------------------------------------------------------------- as layers


@dataclass
class BytesPayload(Payload):
    """A piece of a coded stream."""

    data: bytes


class BytesSerializer(AbstractSerializer):
    def serialize_frame(self, payload: Payload) -> Iterator[bytes]:
        yield payload.data  # type: ignore[attr-defined]

    def flush(self) -> Iterator[bytes]:
        return iter(())


class BytesDeserializer(AbstractDeserializer):
    def deserialize_frame(self, data: bytes) -> Iterator[Payload]:
        yield BytesPayload(data)

    def flush(self) -> Iterator[Payload]:
        return iter(())


@dataclass
class TreeEncoderConfig:
    """Settings of Diffy's own codec; see SplatEncoder. None leaves what quality chooses."""

    quality: int = 50
    effort: int = 5
    error_position: Optional[float] = None
    error_scale: Optional[float] = None
    error_alpha: Optional[float] = None
    error_dc: Optional[float] = None
    error_rotation: Optional[float] = None
    error_sh: Optional[float] = None
    max_error_position: Optional[float] = None
    max_error_scale: Optional[float] = None
    max_error_alpha: Optional[float] = None
    max_error_dc: Optional[float] = None
    max_error_rotation: Optional[float] = None
    max_error_sh: Optional[float] = None
    keep_order: Optional[bool] = None
    key_interval: int = 90
    two_pass: bool = False
    canonical: bool = False
    fps: float = 30


@dataclass
class TreeDecoderConfig:
    """Nothing to choose."""


class SequenceEncoder(AbstractEncoder):
    """A C codec as an encoder of the layered kind."""

    def __init__(self, codec: str = "tree-range", fps: float = 30, **settings: Any) -> None:
        super().__init__(BytesSerializer())
        self._pieces: List[bytes] = []
        self._encoder = _native.SplatEncoder(self._pieces.append, codec, _settings(fps, settings))

    def _taken(self) -> Iterator[Payload]:
        pieces, self._pieces[:] = b"".join(self._pieces), []
        if pieces:
            yield BytesPayload(pieces)

    def pack(self, frame: Any) -> Iterator[Payload]:
        self._encoder.push(to_tuple(frame))
        yield from self._taken()

    def flush_pack(self) -> Iterator[Payload]:
        self._encoder.finish()
        yield from self._taken()


class SequenceDecoder(AbstractDecoder):
    """Files of any C codec; it needs all of a file before it gives the first model."""

    def __init__(self) -> None:
        super().__init__(BytesDeserializer())
        self._pieces: List[bytes] = []

    def unpack(self, payload: Payload) -> Iterator[Any]:
        self._pieces.append(payload.data)  # type: ignore[attr-defined]
        return iter(())

    def flush_unpack(self) -> Iterator[Any]:
        data, self._pieces = b"".join(self._pieces), []
        yield from SplatDecoder(data)


