"""
The layers: an encoder packs models into payloads, a serialiser makes bytes of payloads; and back.

Payloads are read from strangers' files, so they are not pickled: what is stored of one is its class's name and its
fields, and only classes derived from Payload that the reading program has defined itself are made again.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Dict, Iterable, Iterator, List, Optional, Type

__all__ = ["AbstractDecoder", "AbstractDeserializer", "AbstractEncoder", "AbstractSerializer", "Payload", "is_keyframe",
           "mark_keyframe"]

_classes: Dict[str, List[Type["Payload"]]] = {}


class Payload:
    """
    What a frame is packed into. Derive a dataclass from it; its fields may be numbers, texts, bytes, arrays, tensors,
    other payloads, and lists, tuples and dicts of those.
    """

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        for name in (f"{cls.__module__}.{cls.__qualname__}", cls.__qualname__):
            _classes.setdefault(name, []).insert(0, cls)

    def to(self, device: Any) -> "Payload":
        """The payload with its tensors on a device: this one, unless a class knows better."""
        return self


def payload_class(name: str) -> Optional[Type[Payload]]:
    """The class of that name, as module.name or, where the module has another name now, the last part alone."""
    found = _classes.get(name)
    if not found and "." in name:
        found = next((c for n, c in _classes.items() if n == name.rsplit(".", 1)[1]), None)
    return found[0] if found else None


def mark_keyframe(payload: Payload, key: bool) -> Payload:
    """Notes whether decoding can begin with a payload."""
    object.__setattr__(payload, "_diffy_keyframe", key)
    return payload


def is_keyframe(payload: Payload) -> Optional[bool]:
    """Whether decoding can begin with a payload; None where nobody noted it."""
    return getattr(payload, "_diffy_keyframe", None)


def _to_device(payload: Payload, device: Any) -> Payload:
    if device is None:
        return payload
    moved, key = payload.to(device), is_keyframe(payload)
    return moved if key is None else mark_keyframe(moved, key)


class AbstractSerializer(ABC):
    """Payloads to bytes."""

    @abstractmethod
    def serialize_frame(self, payload: Payload) -> Iterator[bytes]:
        """Yields the bytes of a payload; may hold some back."""

    @abstractmethod
    def flush(self) -> Iterator[bytes]:
        """Yields what was held back, behind the last payload."""


class AbstractDeserializer(ABC):
    """Bytes to payloads."""

    @abstractmethod
    def deserialize_frame(self, data: bytes) -> Iterator[Payload]:
        """Takes bytes cut anywhere and yields the payloads that are whole by then."""

    @abstractmethod
    def flush(self) -> Iterator[Payload]:
        """Yields what was held back; an error when bytes are missing."""


class AbstractEncoder(ABC):
    """Models to payloads, and by its serialiser to bytes. payload_device: where payloads are moved to before that."""

    def __init__(self, serializer: AbstractSerializer, payload_device: Any = None) -> None:
        self._serializer = serializer
        self._payload_device = payload_device

    @abstractmethod
    def pack(self, frame: Any) -> Iterator[Payload]:
        """Yields the payloads of a frame; may hold some back."""

    @abstractmethod
    def flush_pack(self) -> Iterator[Payload]:
        """Yields what was held back, behind the last frame."""

    def encode_frame(self, frame: Any) -> Iterator[bytes]:
        for payload in self.pack(frame):
            yield from self._serializer.serialize_frame(_to_device(payload, self._payload_device))

    def flush(self) -> Iterator[bytes]:
        for payload in self.flush_pack():
            yield from self._serializer.serialize_frame(_to_device(payload, self._payload_device))
        yield from self._serializer.flush()

    def encode_stream(self, stream: Iterable[Any]) -> Iterator[bytes]:
        """Yields the bytes of a sequence of models."""
        for frame in stream:
            yield from self.encode_frame(frame)
        yield from self.flush()


class AbstractDecoder(ABC):
    """Bytes to payloads by its deserialiser, and those to models. payload_device: where payloads are moved to."""

    def __init__(self, deserializer: AbstractDeserializer, payload_device: Any = None) -> None:
        self._deserializer = deserializer
        self._payload_device = payload_device

    @abstractmethod
    def unpack(self, payload: Payload) -> Iterator[Any]:
        """Yields the models of a payload; may hold some back."""

    @abstractmethod
    def flush_unpack(self) -> Iterator[Any]:
        """Yields what was held back, behind the last payload."""

    def decode_frame(self, data: bytes) -> Iterator[Any]:
        for payload in self._deserializer.deserialize_frame(data):
            yield from self.unpack(_to_device(payload, self._payload_device))

    def flush(self) -> Iterator[Any]:
        for payload in self._deserializer.flush():
            yield from self.unpack(_to_device(payload, self._payload_device))
        yield from self.flush_unpack()

    def decode_stream(self, stream: Iterable[bytes]) -> Iterator[Any]:
        """Yields the models of a stream of bytes, cut anywhere."""
        for data in stream:
            yield from self.decode_frame(data)
        yield from self.flush()
