"""
``python -m diffy.splat encode|decode CODEC key.field=value ...``: dotted keys set any field of the configurations
``input``, ``output`` and ``codec``.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import typing
from typing import Any, Iterable, Iterator, List

from .. import DiffyError
from .combinations import DECODERS, ENCODERS
from .io import (
    BytesReaderConfig,
    BytesWriterConfig,
    FrameReaderConfig,
    FrameWriterConfig,
    build_bytes_reader,
    build_bytes_writer,
    build_frame_reader,
    build_frame_writer,
)

PROGRAM = "python -m diffy.splat"


class UsageError(Exception):
    """A command line that says nothing that can be done."""


def _converted(text: str, kind: Any, key: str) -> Any:
    """A value of a field's type."""
    kinds = [k for k in (typing.get_args(kind) or (kind,))]
    if text.lower() in ("null", "none") and type(None) in kinds:
        return None
    for one in kinds:
        origin = typing.get_origin(one) or one
        try:
            if origin is bool and text.lower() in ("true", "false", "1", "0", "yes", "no"):
                return text.lower() in ("true", "1", "yes")
            if origin is int:
                return int(text)
            if origin is float:
                return float(text)
            if origin is list and text.startswith("["):
                value = json.loads(text)
                if isinstance(value, list) and all(isinstance(v, (int, float)) for v in value):
                    return value
        except ValueError:
            continue
        if origin is str:
            return text
    names = " or ".join(getattr(k, "__name__", str(k)) for k in kinds if k is not type(None))
    raise UsageError(f"{key} must be {names}, not {text!r}.")


def _assign(configs: "dict[str, Any]", setting: str) -> None:
    key, equals, text = setting.partition("=")
    if not equals:
        raise UsageError(f"{setting!r} is no setting: write key.field=value.")
    *path, name = key.lstrip("+").split(".")
    at: Any = configs.get(path[0]) if path else None
    for step in path[1:]:
        at = getattr(at, step, None)
    if at is None or not dataclasses.is_dataclass(at) or name not in {f.name for f in dataclasses.fields(at)}:
        raise UsageError(f"There is no setting {key}: {PROGRAM} COMMAND CODEC --help lists them.")
    kind = typing.get_type_hints(type(at))[name]
    if dataclasses.is_dataclass(kind):
        raise UsageError(f"{key} has fields of its own: name one of them.")
    setattr(at, name, _converted(text, kind, key))


def _listed(config: Any, prefix: str) -> Iterator[str]:
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if dataclasses.is_dataclass(value):
            yield from _listed(value, f"{prefix}.{field.name}")
        else:
            yield f"  {prefix}.{field.name}={'null' if value is None else value}"


def _counted(items: Iterable[Any], what: str) -> Iterator[Any]:
    for number, item in enumerate(items):
        if sys.stderr.isatty():
            print(f"\r{what} {number + 1}", end="", file=sys.stderr, flush=True)
        yield item
    if sys.stderr.isatty():
        print(file=sys.stderr)


def _required(configs: "dict[str, Any]", *keys: str) -> None:
    for key in keys:
        part, name = key.split(".")
        if not getattr(configs[part], name):
            raise UsageError(f"{key} is missing: {PROGRAM} COMMAND CODEC {key}=...")


def usage() -> str:
    lines = [f"usage: {PROGRAM} encode|decode CODEC [key.field=value ...]", "", "encoders:"]
    lines += [f"  {name:12} {entry.description}" for name, entry in ENCODERS.items()]
    lines += ["decoders:"] + [f"  {name:12} {entry.description}" for name, entry in DECODERS.items()]
    return "\n".join([*lines, "", f"{PROGRAM} encode CODEC --help lists a codec's settings."])


def run(arguments: List[str]) -> None:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        if not arguments:
            raise UsageError(usage())
        print(usage())
        return
    command, name = arguments[0], arguments[1] if len(arguments) > 1 else ""
    if command not in ("encode", "decode"):
        raise UsageError(f"There is no command {command!r}: encode and decode are.")
    entries: Any = ENCODERS if command == "encode" else DECODERS
    if name not in entries:
        raise UsageError(f"There is no {command}r {name!r}: choose from {', '.join(entries)}.")
    entry = entries[name]
    configs = {"input": FrameReaderConfig(), "output": BytesWriterConfig(), "codec": entry.config_class()}
    if command == "decode":
        configs.update(input=BytesReaderConfig(), output=FrameWriterConfig())
    for setting in arguments[2:]:
        if setting in ("-h", "--help"):
            print("\n".join(line for part, config in configs.items() for line in _listed(config, part)))
            return
        _assign(configs, setting)
    if command == "encode":
        _required(configs, "input.first_frame_path", "output.path")
        frames = _counted(build_frame_reader(configs["input"]).read(), "frame")
        build_bytes_writer(configs["output"]).write(entry.factory(configs["codec"]).encode_stream(frames))
    else:
        _required(configs, "input.path", "output.first_frame_path")
        models = entry.factory(configs["codec"]).decode_stream(build_bytes_reader(configs["input"]).read())
        build_frame_writer(configs["output"]).write(_counted(models, "frame"))


def main() -> int:
    try:
        run(sys.argv[1:])
    except UsageError as error:
        print(str(error) if str(error).startswith("usage") else f"diffy.splat: {error}", file=sys.stderr)
        return 2
    except (OSError, ValueError, TypeError, DiffyError) as error:
        print(f"diffy.splat: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
