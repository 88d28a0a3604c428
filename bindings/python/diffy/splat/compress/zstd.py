"""
Payloads as a ``.dfy`` file, compressed by zstd. What the codecs of Diffy's own parts make (positions on a grid, then
attributes by vector quantisation) is a file that every program with Diffy's codec plays; what codecs written in Python
make is a file that says so, and that this module reads.
"""

from __future__ import annotations

import struct
from typing import Any, Iterator, List, Optional, Tuple

import numpy as np

from ... import _native
from ..._native import DamagedError, DiffyError
from .._base import AbstractDeserializer, AbstractSerializer, Payload, is_keyframe, mark_keyframe
from .._part import PartPayload, Stream, numbers
from .._stored import dump, load
from ..interframe.combine import CombinedPayload
from ..vq.interface import VQInterframePayload, VQKeyframePayload
from ..xyz.interface import XYZQuantInterframePayload, XYZQuantKeyframePayload

__all__ = ["ZstdDeserializer", "ZstdSerializer"]

STREAM, SEGMENT, END = 0x10, 0x11, 0x13
SPLATS, ENTRY, KEY, INTER = 2, 1, 0, 1
HEAD_BYTES, LARGEST = 8, 1 << 28
STATED = 12  # errors that a head can state: none are
PATCHED, ORDERED = 1, 2  # bits of a frame's sections
OWN, PYTHON = "vqxyz", "python"
KEYS, INTERS = (XYZQuantKeyframePayload, VQKeyframePayload), (XYZQuantInterframePayload, VQInterframePayload)


def _own_kind(payload: Payload) -> Optional[int]:
    """KEY or INTER of what Diffy's own parts made together, positions first; else None."""
    parts = payload.payloads if isinstance(payload, CombinedPayload) else []
    for kind, classes in ((KEY, KEYS), (INTER, INTERS)):
        if tuple(type(part) for part in parts) == classes:
            return kind
    return None


def _streams(payload: CombinedPayload) -> List[Stream]:
    return [stream for part in payload.payloads if isinstance(part, PartPayload) for stream in part.streams]


class ZstdSerializer(AbstractSerializer):
    """level: 1 (quick) to 22 (small). fps: nominal frames a second, for players."""

    compressor = "zstd"

    def __init__(self, level: int = 7, fps: int = 30) -> None:
        if not 1 <= level <= 22:
            raise ValueError(f"zstd has levels 1 to 22, not {level}.")
        self._level = level
        self._fps = fps
        self._pieces: List[bytes] = []
        self._container: Any = None
        self._codec = ""
        self._frames = 0

    def _taken(self) -> Iterator[bytes]:
        pieces, self._pieces[:] = b"".join(self._pieces), []
        if pieces:
            yield pieces

    def _begin(self, payload: Payload) -> None:
        own = _own_kind(payload) == KEY
        self._codec = f"{OWN if own else PYTHON}-{self.compressor}"
        degree = payload.payloads[1].streams[0][1][1] if own else 0  # type: ignore[attr-defined]
        name = self._codec.encode()
        head = bytes([SPLATS, _native.SPLAT_STREAM_VERSION, len(name)]) + name + struct.pack(">BHHB", int(degree), self._fps, 1, 0)
        head += bytes(4 * STATED + 2)  # and no access frames
        self._container = _native.Container(self._pieces.append)
        self._container.chunk(STREAM, 0, head, 0, 0)
        self._frames = 0

    def serialize_frame(self, payload: Payload) -> Iterator[bytes]:
        if self._container is None:
            self._begin(payload)
        kind = _own_kind(payload)
        if self._codec.startswith(OWN):
            if kind is None:
                raise TypeError("Payloads of other codecs can't follow those of Diffy's own in a stream.")
            streams = _streams(payload)  # type: ignore[arg-type]
        else:
            key = is_keyframe(payload)
            kind = KEY if key or (key is None and not self._frames) else INTER
            streams = [(256, np.frombuffer(dump(payload), np.uint8).astype(np.uint32))]
        data = bytes([kind, 0]) + _native.streams_write(self.compressor, self._level, streams)
        self._container.chunk(SEGMENT, ENTRY if kind == KEY else 0, data, self._frames, 1)
        self._frames += 1
        yield from self._taken()

    def flush(self) -> Iterator[bytes]:
        if self._container is not None:
            self._container.finish()
            self._container = None
        yield from self._taken()


class ZstdDeserializer(AbstractDeserializer):
    """Reads what ZstdSerializer made, and files of Diffy's vqxyz codecs with one mask an attribute, wherever made."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._offset = 0
        self._begun = self._ended = False
        self._codec = ""

    def _chunk(self) -> Optional[Tuple[int, int, bytes]]:
        """The next whole chunk: type, flags, payload."""
        held = self._held
        if len(held) < HEAD_BYTES:
            return None
        kind, flags, size, check = struct.unpack(">BBIH", held[:HEAD_BYTES])
        if check != _native.crc32c(bytes(held[:6])) & 0xFFFF or size > LARGEST:
            raise DamagedError(f"The stream is damaged at byte {self._offset}.")
        whole = HEAD_BYTES + size + 4
        if len(held) < whole:
            return None
        body = bytes(held[:whole - 4])
        if struct.unpack(">I", held[whole - 4:whole])[0] != _native.crc32c(body):
            raise DamagedError(f"The stream is damaged at byte {self._offset}: a checksum is wrong.")
        del held[:whole]
        self._offset += whole
        return kind, flags, body[HEAD_BYTES:]

    def _check_magic(self) -> bool:
        if len(self._held) < 4:
            return False
        if self._held[:4] != b"DFY\x02":
            raise DiffyError("This is no .dfy stream of splats: it does not begin with DFY and version 2.")
        del self._held[:4]
        self._offset = 4
        return True

    def _read_head(self, head: bytes) -> None:
        if len(head) < 3 or head[0] != SPLATS:
            raise DiffyError("This .dfy holds a video, no splats.")
        if head[1] != _native.SPLAT_STREAM_VERSION:
            raise DiffyError(f"This .dfy's splats are of version {head[1]}, which this package does not know.")
        self._codec = head[3:3 + head[2]].decode("ascii", "replace")
        name, _, compressor = self._codec.partition("-")
        if name not in (OWN, PYTHON) or compressor not in ("zstd", "zlib", "range"):
            raise DiffyError(f"This .dfy's codec is {self._codec}: decode it with diffy.splat.SplatDecoder or 'diffy'.")

    def _payload(self, data: bytes) -> Payload:
        if not self._codec:
            raise DamagedError("The stream has frames before it says what they are.")
        if not data or data[0] not in (KEY, INTER):
            raise DamagedError("A frame is damaged: it is neither a key frame nor another.")
        name, _, compressor = self._codec.partition("-")
        most = _native.MOST_KEY_SYMBOLS + _native.MOST_SYMBOLS_A_BYTE * len(data)
        if len(data) < 2 or data[1] > (PATCHED | ORDERED):
            raise DamagedError("A frame is damaged: it has sections that there are not.")
        if data[1]:
            raise DiffyError("This .dfy keeps numbers exactly beside its codec: decode it with diffy.splat.SplatDecoder.")
        streams = numbers(_native.streams_read(compressor, data[2:], most))
        if name == PYTHON:
            if len(streams) != 1 or streams[0][0] != 256:
                raise DamagedError("A frame's payload is damaged.")
            return mark_keyframe(load(streams[0][1].astype(np.uint8).tobytes()), data[0] == KEY)
        classes = KEYS if data[0] == KEY else INTERS
        parts = [made(own) for made, own in zip(classes, (streams[:2], streams[2:]))]
        return mark_keyframe(CombinedPayload(parts), data[0] == KEY)

    def deserialize_frame(self, data: bytes) -> Iterator[Payload]:
        self._held += data
        if not self._begun:
            self._begun = self._check_magic()
            if not self._begun:
                return
        while True:
            chunk = self._chunk()
            if chunk is None:
                return
            if chunk[0] == STREAM:
                self._read_head(chunk[2])
            elif chunk[0] == SEGMENT:
                yield self._payload(chunk[2])
            elif chunk[0] == END:
                self._ended = True

    def flush(self) -> Iterator[Payload]:
        if self._held or not self._ended:
            raise DamagedError("The stream is cut: its end is missing. The frames before it are whole.")
        return iter(())
