"""Where a decoder's bytes come from: a path, bytes, or a file object that can seek."""

from __future__ import annotations

import io
import os
import stat
import threading
from typing import Any, Tuple, Union

from . import _native

__all__ = ["Source", "SourceLike", "is_turned", "upright"]

SourceLike = Union[str, "os.PathLike[str]", bytes, bytearray, memoryview, io.RawIOBase, io.BufferedIOBase, Any]


def is_turned(orientation: int) -> bool:
    """Whether a picture of this EXIF orientation lies on its side."""
    return orientation >= 5


def upright(pictures: Any, orientation: int, rows: int) -> Any:
    """
    An array of pictures as they are to be shown: EXIF's orientations, 1 for upright, to 8. `rows` is the axis of rows, the
    next one that of columns.
    """
    if orientation < 2 or orientation > 8:
        return pictures
    if is_turned(orientation):
        pictures = pictures.swapaxes(rows, rows + 1)
    upside_down, mirrored = orientation in (3, 4, 7, 8), orientation in (2, 3, 6, 7)
    turn = [slice(None)] * pictures.ndim
    turn[rows] = slice(None, None, -1 if upside_down else 1)
    turn[rows + 1] = slice(None, None, -1 if mirrored else 1)
    return pictures[tuple(turn)].copy()


class Source:
    """Remembers a source, so that it can be opened again: in the child of a fork, or where a decoder was sent to."""

    def __init__(self, source: SourceLike) -> None:
        self.data: Any = None
        self.path = ""
        self.file: Any = None
        if hasattr(source, "detach") and hasattr(source, "numpy"):  # a torch tensor
            source = source.detach().cpu().numpy()
        if isinstance(source, (str, os.PathLike)):
            self.path = os.path.abspath(os.fspath(source))
        elif isinstance(source, (bytes, bytearray, memoryview)):
            self.data = bytes(source)
        elif hasattr(source, "__array_interface__"):
            self.data = source.tobytes()
        elif isinstance(source, io.TextIOBase):
            raise TypeError("The file is open as text: open it for binary reading, as open(path, 'rb') does.")
        elif hasattr(source, "read") and hasattr(source, "seek"):
            self.file = source
        else:
            raise TypeError(
                f"Unknown source type {type(source).__name__}: a path, bytes, or a file object with read and seek is needed."
            )

    def __str__(self) -> str:
        return self.path or (f"{len(self.data)} bytes" if self.data is not None else repr(self.file))

    def _reader(self) -> Tuple[Any, int]:
        file, lock = self.file, threading.Lock()
        size = file.seek(0, os.SEEK_END)
        if size is None:
            size = file.tell()

        def read(offset: int, count: int) -> bytes:
            pieces = []
            with lock:  # several threads of a batch may ask at once
                file.seek(offset, os.SEEK_SET)
                while count > 0:
                    piece = file.read(count)
                    if not piece:
                        break
                    pieces.append(piece)
                    count -= len(piece)
            return pieces[0] if len(pieces) == 1 else b"".join(pieces)

        return read, size

    def open(self, threads: int = 1, memory_limit: int = 0, unwarp: bool = False) -> "_native.Decoder":
        """A decoder of its own."""
        options = {"threads": threads, "memory_limit": memory_limit, "unwarp": unwarp}
        if self.data is not None:
            return _native.Decoder(self.data, len(self.data), **options)
        if self.file is not None:
            read, size = self._reader()
            return _native.Decoder(read, size, **options)
        descriptor = os.open(self.path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
        try:
            facts = os.fstat(descriptor)
            if stat.S_ISDIR(facts.st_mode):
                raise IsADirectoryError(f"{self.path} is a folder: name a .dfy file in it.")
            try:
                return _native.Decoder(descriptor, facts.st_size, **options)
            except _native.DiffyError as error:
                raise type(error)(f"{self.path}: {error}") from None
        finally:
            os.close(descriptor)
