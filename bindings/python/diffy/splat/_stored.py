"""
Payloads of codecs written in Python as bytes, and back, safe to read from strangers: values are plain, and of classes only
those derived from Payload that this program has defined are made, field by field, without calling anything of theirs.
"""

from __future__ import annotations

import dataclasses
import struct
from typing import Any, List

import numpy as np

from .._native import DamagedError
from .._video import torch_module
from ._base import Payload, payload_class

__all__ = ["dump", "load"]

DEEPEST = 32
KINDS = "?bBhHiIlLqQefd"


def dump(value: Any) -> bytes:
    """The bytes of a payload."""
    pieces: List[bytes] = []
    _put(pieces, value, 0)
    return b"".join(pieces)


def _size(number: int) -> bytes:
    return struct.pack("<Q", number)


def _text(value: str) -> bytes:
    data = value.encode()
    return _size(len(data)) + data


def _put_array(pieces: List[bytes], kind: bytes, array: np.ndarray) -> None:
    if array.dtype.char not in KINDS:
        raise TypeError(f"A payload's array can't be of {array.dtype}: numbers are needed.")
    plain = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"), copy=False))
    pieces += [kind, _text(plain.dtype.str), _size(array.ndim), *map(_size, array.shape), plain.tobytes()]


def _fields(payload: Payload) -> "dict[str, Any]":
    if dataclasses.is_dataclass(payload):
        return {f.name: getattr(payload, f.name) for f in dataclasses.fields(payload)}
    return {n: v for n, v in vars(payload).items() if not n.startswith("_diffy_")}


def _put(pieces: List[bytes], value: Any, depth: int) -> None:
    if depth > DEEPEST:
        raise ValueError(f"A payload holds values more than {DEEPEST} deep in each other.")
    if value is None or isinstance(value, bool):
        pieces.append(b"N" if value is None else b"T" if value else b"F")
    elif isinstance(value, int):
        data = value.to_bytes((value.bit_length() + 8) // 8, "little", signed=True)
        pieces += [b"i", _size(len(data)), data]
    elif isinstance(value, float):
        pieces += [b"f", struct.pack("<d", value)]
    elif isinstance(value, str):
        pieces += [b"s", _text(value)]
    elif isinstance(value, (bytes, bytearray)):
        pieces += [b"b", _size(len(value)), bytes(value)]
    elif isinstance(value, (list, tuple)):
        pieces += [b"l" if isinstance(value, list) else b"t", _size(len(value))]
        for item in value:
            _put(pieces, item, depth + 1)
    elif isinstance(value, dict):
        pieces += [b"d", _size(len(value))]
        for key, item in value.items():
            _put(pieces, key, depth + 1)
            _put(pieces, item, depth + 1)
    elif isinstance(value, Payload):
        fields = _fields(value)
        pieces += [b"P", _text(f"{type(value).__module__}.{type(value).__qualname__}"), _size(len(fields))]
        for name, item in fields.items():
            pieces.append(_text(name))
            _put(pieces, item, depth + 1)
    elif hasattr(value, "detach"):
        _put_array(pieces, b"A", value.detach().cpu().numpy())
    elif isinstance(value, np.generic):
        _put_array(pieces, b"g", np.asarray(value))
    elif isinstance(value, np.ndarray):
        _put_array(pieces, b"a", value)
    else:
        raise TypeError(f"A payload can't hold a {type(value).__name__}: numbers, texts, bytes, arrays, tensors, payloads, "
                        "lists, tuples and dicts of those can be stored.")


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, count: int) -> bytes:
        if count > len(self.data) - self.at:
            raise DamagedError("A payload ends before it is whole.")
        piece = self.data[self.at:self.at + count]
        self.at += count
        return piece

    def size(self) -> int:
        return struct.unpack("<Q", self.take(8))[0]

    def items(self) -> int:
        """A number of values, each of a byte at least."""
        count = self.size()
        if count > len(self.data) - self.at:
            raise DamagedError("A payload claims more values than it has bytes.")
        return count

    def text(self) -> str:
        try:
            return self.take(self.size()).decode()
        except UnicodeDecodeError:
            raise DamagedError("A payload's text is damaged.") from None

    def array(self) -> np.ndarray:
        try:
            kind = np.dtype(self.text())
        except TypeError:
            raise DamagedError("A payload's array is of no known type.") from None
        if kind.char not in KINDS or kind.itemsize > 8:
            raise DamagedError("A payload's array is of no known type.")
        dimensions = self.size()
        if dimensions > 16:
            raise DamagedError("A payload's array has too many dimensions.")
        shape, count = tuple(self.size() for _ in range(dimensions)), 1
        for length in shape:
            count *= length
        return np.frombuffer(self.take(count * kind.itemsize), kind).astype(kind.newbyteorder("=")).reshape(shape)

    def payload(self, depth: int) -> Payload:
        name = self.text()
        made = payload_class(name)
        if made is None:
            raise DamagedError(f"The stream holds payloads of a class {name}, which is not known here: "
                               "import the codec that made it.")
        known = {f.name for f in dataclasses.fields(made)} if dataclasses.is_dataclass(made) else None
        payload = made.__new__(made)
        for _ in range(self.items()):
            field = self.text()
            if (known is not None and field not in known) or field.startswith("__"):
                raise DamagedError(f"A payload of class {name} has no field {field}.")
            object.__setattr__(payload, field, self.value(depth + 1))
        missing = (known or set()) - set(vars(payload))
        if missing:
            raise DamagedError(f"A payload of class {name} lacks its field {min(missing)}.")
        return payload

    def value(self, depth: int) -> Any:
        if depth > DEEPEST:
            raise DamagedError("A payload's values lie too deep in each other.")
        kind = self.take(1)
        if kind in b"NTF":
            return {b"N": None, b"T": True, b"F": False}[kind]
        if kind == b"i":
            return int.from_bytes(self.take(self.size()), "little", signed=True)
        if kind == b"f":
            return struct.unpack("<d", self.take(8))[0]
        if kind == b"s":
            return self.text()
        if kind == b"b":
            return self.take(self.size())
        if kind in b"lt":
            items = [self.value(depth + 1) for _ in range(self.items())]
            return items if kind == b"l" else tuple(items)
        if kind == b"d":
            return self.dict(depth)
        if kind == b"P":
            return self.payload(depth)
        if kind in b"aAg":
            array = self.array()
            torch = torch_module() if kind == b"A" else None
            return torch.from_numpy(array) if torch is not None else array[()] if kind == b"g" else array
        raise DamagedError("A payload holds a value of no known kind.")

    def dict(self, depth: int) -> "dict[Any, Any]":
        made = {}
        for _ in range(self.items()):
            key = self.value(depth + 1)
            if not isinstance(key, (str, int, float, bool, bytes, type(None))):
                raise DamagedError("A payload's dict has a key that is no text or number.")
            made[key] = self.value(depth + 1)
        return made


def load(data: bytes) -> Payload:
    """The payload of bytes; DamagedError for anything that is none."""
    reader = _Reader(data)
    value = reader.value(0)
    if not isinstance(value, Payload) or reader.at != len(data):
        raise DamagedError("These bytes are not those of a payload.")
    return value
