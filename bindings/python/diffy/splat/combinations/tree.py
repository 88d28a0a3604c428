"""Diffy's own codec."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from .._sequence import SequenceDecoder, SequenceEncoder, TreeDecoderConfig, TreeEncoderConfig
from .registry import register_decoder, register_encoder


def build_tree_encoder(config: Any) -> SequenceEncoder:
    return SequenceEncoder("tree-range", **asdict(config))


def build_tree_decoder(config: Any) -> SequenceDecoder:
    return SequenceDecoder()


register_encoder("tree", build_tree_encoder, TreeEncoderConfig, "Diffy's own: space partition, errors are chosen")
register_decoder("tree", build_tree_decoder, TreeDecoderConfig, "files of any of Diffy's codecs")
