"""Models and bytes from and to files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Iterable, Iterator, Optional

from .._model import GaussianModel

__all__ = ["BytesReader", "BytesReaderConfig", "BytesWriter", "BytesWriterConfig", "FrameReader", "FrameReaderConfig",
           "FrameWriter", "FrameWriterConfig", "build_bytes_reader", "build_bytes_writer", "build_frame_reader",
           "build_frame_writer"]


def _path_of(pattern: str, index: int) -> str:
    try:
        return pattern.format(index)
    except (IndexError, KeyError, ValueError) as error:
        raise ValueError(f"The format {pattern!r} takes no frame's number ({error}): write it as in 'frame_{{:04d}}.ply'.") from None


class FrameReader:
    """Models of a sequence of files: the first, then those whose numbers go on from start_index while they are there."""

    def __init__(self, first_frame_path: str, subsequent_format: Optional[str] = None, start_index: int = 1,
                 sh_degree: int = 3, max_frames: Optional[int] = None, device: Any = None) -> None:
        self._first, self._format, self._start = first_frame_path, subsequent_format, start_index
        self._degree, self._most, self._device = sh_degree, max_frames, device

    def to(self, device: Any) -> "FrameReader":
        """Moves models that are read to a device."""
        self._device = device
        return self

    def _read_one(self, path: str) -> GaussianModel:
        model = GaussianModel(self._degree)
        model.load_ply(path)
        return model if self._device is None else model.to(self._device)

    def read(self) -> Iterator[GaussianModel]:
        yield self._read_one(self._first)
        count, index = 1, self._start
        while self._format and (self._most is None or count < self._most):
            path = _path_of(self._format, index)
            if not os.path.exists(path):
                return
            yield self._read_one(path)
            count, index = count + 1, index + 1


class FrameWriter:
    """Models to a sequence of files, named likewise. A file that is there is an error unless overwrite is set."""

    def __init__(self, first_frame_path: str, subsequent_format: Optional[str] = None, start_index: int = 1,
                 overwrite: bool = False) -> None:
        self._first, self._format, self._start, self._overwrite = first_frame_path, subsequent_format, start_index, overwrite

    def write(self, frames: Iterable[Any]) -> None:
        index = self._start
        for number, frame in enumerate(frames):
            if number and not self._format:
                raise ValueError("There is more than one frame: say how later ones are named (subsequent_format).")
            path = self._first if not number else _path_of(self._format or "", index)
            index += number > 0
            if os.path.exists(path) and not self._overwrite:
                raise FileExistsError(f"{path} already exists: choose another name, or set overwrite.")
            os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
            model = frame if hasattr(frame, "save_ply") else _as_model(frame)
            model.save_ply(path)


def _as_model(frame: Any) -> GaussianModel:
    from .._model import from_tuple, to_tuple

    return from_tuple(to_tuple(frame))


class BytesReader:
    """A file's bytes, piece by piece."""

    DEFAULT_CHUNK_SIZE = 65536

    def __init__(self, path: str, chunk_size: int = DEFAULT_CHUNK_SIZE) -> None:
        if chunk_size < 1:
            raise ValueError(f"Pieces must have at least 1 byte, not {chunk_size}.")
        self._path, self._chunk_size = path, chunk_size

    def read(self) -> Iterator[bytes]:
        with open(self._path, "rb") as file:
            while True:
                data = file.read(self._chunk_size)
                if not data:
                    return
                yield data


class BytesWriter:
    """Pieces of bytes to a file, which has its name only once it is complete."""

    def __init__(self, path: str, overwrite: bool = True) -> None:
        self._path, self._overwrite = path, overwrite

    def write(self, chunks: Iterable[bytes]) -> None:
        path = os.fspath(self._path)
        if os.path.exists(path) and not self._overwrite:
            raise FileExistsError(f"{path} already exists: choose another name, or set overwrite.")
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        part = f"{path}.{os.getpid()}.part"
        try:
            with open(part, "wb") as file:
                for data in chunks:
                    file.write(data)
            os.replace(part, path)
        finally:
            if os.path.exists(part):
                os.unlink(part)


@dataclass
class FrameReaderConfig:
    first_frame_path: str = ""
    subsequent_format: Optional[str] = None
    start_index: int = 1
    sh_degree: int = 3
    max_frames: Optional[int] = None
    device: Optional[str] = None


@dataclass
class FrameWriterConfig:
    first_frame_path: str = ""
    subsequent_format: Optional[str] = None
    start_index: int = 1
    overwrite: bool = False


@dataclass
class BytesReaderConfig:
    path: str = ""
    chunk_size: int = BytesReader.DEFAULT_CHUNK_SIZE


@dataclass
class BytesWriterConfig:
    path: str = ""
    overwrite: bool = True


def build_frame_reader(config: FrameReaderConfig) -> FrameReader:
    return FrameReader(config.first_frame_path, config.subsequent_format, config.start_index, config.sh_degree,
                       config.max_frames, config.device)


def build_frame_writer(config: FrameWriterConfig) -> FrameWriter:
    return FrameWriter(config.first_frame_path, config.subsequent_format, config.start_index, config.overwrite)


def build_bytes_reader(config: BytesReaderConfig) -> BytesReader:
    return BytesReader(config.path, config.chunk_size)


def build_bytes_writer(config: BytesWriterConfig) -> BytesWriter:
    return BytesWriter(config.path, config.overwrite)
