"""Encoders and decoders by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Dict, Type

from .._base import AbstractDecoder, AbstractEncoder

__all__ = ["DECODERS", "DecoderEntry", "ENCODERS", "EncoderEntry", "register_decoder", "register_encoder"]


@dataclass
class EncoderEntry:
    name: str
    factory: Callable[..., AbstractEncoder]
    config_class: Type[Any]
    description: str = ""


@dataclass
class DecoderEntry:
    name: str
    factory: Callable[..., AbstractDecoder]
    config_class: Type[Any]
    description: str = ""


ENCODERS: Dict[str, EncoderEntry] = {}
DECODERS: Dict[str, DecoderEntry] = {}


def register_encoder(name: str, factory: Callable[..., AbstractEncoder], config_class: Type[Any], description: str = "") -> None:
    """Makes an encoder known: factory(config) makes it of an instance of config_class, a dataclass."""
    ENCODERS[name] = EncoderEntry(name, factory, config_class, description)


def register_decoder(name: str, factory: Callable[..., AbstractDecoder], config_class: Type[Any], description: str = "") -> None:
    """Makes a decoder known, likewise."""
    DECODERS[name] = DecoderEntry(name, factory, config_class, description)
