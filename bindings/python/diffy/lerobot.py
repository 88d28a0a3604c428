"""
LeRobot data sets with ``.dfy`` videos: conversion of a folder of version 2.1 or 3, and frames by their times.

    python -m diffy.lerobot DATASET [OUTPUT]

    from diffy.lerobot import convert, decode_video_frames
    convert("datasets/pusht")                     # makes datasets/pusht_dfy beside it
    frames = decode_video_frames(path, [0.0, 0.1], tolerance_s=1e-4)

``install()`` makes LeRobot's own loader read ``.dfy`` files.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import shutil
import sys
import threading
import warnings
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple, Union

import numpy as np

from ._codec import DiffyEncoder
from ._native import DiffyError
from ._video import VideoDecoder, torch_module

__all__ = ["DecoderCache", "FrameTimestampError", "convert", "decode_video_frames", "install"]


class FrameTimestampError(AssertionError, ValueError):
    """No frame is near enough to a time asked for. (LeRobot raised an AssertionError first, a ValueError since.)"""


class DecoderCache:
    """
    Decoders of the files used last, by path. Every process has its own: after a fork the cache begins empty, and pickled
    it takes only its settings along.
    """

    def __init__(self, capacity: int = 16, **decoder_arguments: Any) -> None:
        if capacity < 1:
            raise ValueError(f"A cache must have room for at least 1 decoder, not {capacity}.")
        self.capacity = capacity
        self._arguments = decoder_arguments
        self._reset()

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._decoders: "collections.OrderedDict[str, Any]" = collections.OrderedDict()

    def __getstate__(self) -> Dict[str, Any]:
        return {"capacity": self.capacity, "arguments": self._arguments}

    def __setstate__(self, state: Dict[str, Any]) -> None:
        self.__init__(state["capacity"], **state["arguments"])  # type: ignore[misc]

    def get(self, path: Union[str, "os.PathLike[str]"]) -> VideoDecoder:
        """The decoder of a file; opened again when the file has changed."""
        if self._pid != os.getpid():
            self._reset()
        name = os.path.abspath(os.fspath(path))
        facts = os.stat(name)
        stamp = (facts.st_size, facts.st_mtime_ns, facts.st_ino)
        with self._lock:
            known = self._decoders.pop(name, None)
            if known is None or known[0] != stamp:
                known = (stamp, VideoDecoder(name, **self._arguments))
            self._decoders[name] = known
            while len(self._decoders) > self.capacity:
                self._decoders.popitem(last=False)  # who still uses it holds it
            return known[1]

    def __len__(self) -> int:
        return len(self._decoders)

    size = __len__

    def clear(self) -> None:
        if self._pid == os.getpid():
            with self._lock:
                self._decoders.clear()


_default_cache = DecoderCache()


def decode_video_frames(
    video_path: Union[str, "os.PathLike[str]"],
    timestamps: Sequence[float],
    tolerance_s: float,
    backend: Optional[str] = None,
    return_uint8: bool = False,
    *,
    decoder_cache: Optional[DecoderCache] = None,
) -> Any:
    """
    The frames whose times are nearest to ``timestamps``, as LeRobot's function of that name gives them: float32 in 0..1
    (or uint8), N x 3 x height x width.

    Raises FrameTimestampError when a time is farther than ``tolerance_s`` from every frame's. ``backend`` is taken for
    LeRobot's sake and changes nothing.
    """
    wanted = [float(t) for t in timestamps]
    decoder = (decoder_cache or _default_cache).get(video_path)
    indices, times = decoder.nearest(wanted)
    far = [(w, t) for w, t in zip(wanted, times) if not abs(w - t) < tolerance_s]
    if far:
        listed = ", ".join(f"{w:.6f} s (nearest {t:.6f} s)" for w, t in far[:5])
        raise FrameTimestampError(
            f"One or several query timestamps unexpectedly violate the tolerance of {tolerance_s} s: {listed}. "
            f"The closest frame is too far away in time: the data set's timestamps and the video don't belong together. "
            f"Video: {video_path}")
    data = decoder.get_frames_at(indices).data
    if return_uint8:
        return data
    torch = torch_module()
    return data.to(torch.float32) / 255 if torch is not None else data.astype(np.float32) / 255


# ---------------------------------------------------------------- conversion


def _read_info(root: Path) -> Dict[str, Any]:
    path = root / "meta" / "info.json"
    try:
        info = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FileNotFoundError(f"{root} is not a LeRobot data set: it has no meta/info.json.") from None
    except ValueError as error:
        raise DiffyError(f"{path} is not JSON: {error}.") from None
    version = str(info.get("codebase_version", ""))
    if not version.startswith(("v2.", "v3.")):
        raise DiffyError(f"{root} is a data set of version {version or 'unknown'}: versions 2.0, 2.1 and 3 can be converted.")
    if not info.get("video_path"):
        raise DiffyError(f"{root} has no videos: its images are kept in other files.")
    return info


def _videos(root: Path) -> List[Path]:
    found = sorted((root / "videos").rglob("*.mp4"))
    if not found:
        raise FileNotFoundError(f"There is no .mp4 in {root / 'videos'}.")
    return found


def _episode_lengths(root: Path) -> Dict[int, int]:
    """Frames of each episode, where the data set lists them as JSON (version 2)."""
    path = root / "meta" / "episodes.jsonl"
    if not path.exists():
        return {}
    rows = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    return {int(row["episode_index"]): int(row["length"]) for row in rows}


def _episode_starts(root: Path, video: Path, template: str) -> List[Tuple[float, str]]:
    """
    Where episodes begin in a joined video of version 3, in seconds, and their names. The lists are Parquet: without
    pyarrow, which LeRobot itself needs, none is known, and the ranges are those lists' alone.
    """
    tables = sorted((root / "meta" / "episodes").rglob("*.parquet"))
    if not tables or "{file_index" not in template:
        return []
    try:
        from pyarrow import parquet
    except ImportError:
        warnings.warn("pyarrow is not installed: episodes get no names in the .dfy files.", stacklevel=3)
        return []
    found = []
    for table in tables:
        for row in parquet.read_table(str(table)).to_pylist():
            for column in row:
                if not column.startswith("videos/") or not column.endswith("/from_timestamp"):
                    continue
                key = column[len("videos/"):-len("/from_timestamp")]
                own = template.format(video_key=key, chunk_index=row[f"videos/{key}/chunk_index"],
                                      file_index=row[f"videos/{key}/file_index"])
                if root / own == video:
                    found.append((float(row[column]), f"episode_{int(row['episode_index']):06d}"))
    return sorted(found)


def _check_length(video: Path, decoder: VideoDecoder, lengths: Dict[int, int]) -> None:
    stem = video.stem
    if not stem.startswith("episode_") or not stem[8:].isdigit():
        return
    length = lengths.get(int(stem[8:]))
    if length is not None and length != len(decoder):
        raise DiffyError(f"{video} has {len(decoder)} frames but its episode has {length}: it was not converted.")


def _new_info(info: Dict[str, Any]) -> Dict[str, Any]:
    new = json.loads(json.dumps(info))
    new["video_path"] = new["video_path"][:-4] + ".dfy" if new["video_path"].endswith(".mp4") else new["video_path"]
    for feature in new.get("features", {}).values():
        if feature.get("dtype") != "video":
            continue
        for about in (feature.get("info"), feature.get("video_info")):
            if isinstance(about, dict):
                about["video.codec"] = "dfy"
                about["video.pix_fmt"] = "yuv420p"
    return new


def _copy_rest(root: Path, output: Path) -> None:
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root)
        if path.is_dir():
            (output / relative).mkdir(parents=True, exist_ok=True)
        elif path.suffix != ".mp4" and relative != Path("meta/info.json"):
            (output / relative).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, output / relative)


def convert(
    root: Union[str, "os.PathLike[str]"],
    output: Union[str, "os.PathLike[str]", None] = None,
    *,
    quality: int = 25,
    progress: Optional[Callable[[int, int, Path], None]] = None,
    **settings: Any,
) -> Path:
    """
    Converts the videos of a LeRobot data set to ``.dfy`` and copies everything else: same frames at the same times under
    the same names but for the ending, so that every episode's range stays what it was. Videos that version 3 joined of
    several episodes stay joined, and name these as "episode_000012". info.json is written last.

    Args:
        root: the data set's folder. output: a new folder, by default ``root`` with ``_dfy`` behind its name; ``root``
            itself puts each ``.dfy`` beside its ``.mp4``, which is kept.
        quality, settings: as of ``DiffyEncoder.from_video``; ``access`` is 4 unless said: any frame of the files needs
            few pictures, as frames are read in random order.
        progress: called with the number of videos done, of all, and the one to come.

    A conversion that was stopped goes on where it was when it is called again. Returns the new folder.
    """
    source = Path(root)
    settings.setdefault("access", 4)
    info = _read_info(source)
    target = Path(output) if output is not None else source.with_name(source.name + "_dfy")
    inside = target.resolve() == source.resolve()
    if not inside and source.resolve() in target.resolve().parents:
        raise ValueError(f"{target} is inside the data set itself: choose a folder next to it.")
    videos, lengths = _videos(source), _episode_lengths(source)
    if not inside:
        _copy_rest(source, target)
    for number, video in enumerate(videos):
        if progress:
            progress(number, len(videos), video)
        made = (target / video.relative_to(source)).with_suffix(".dfy")
        made.parent.mkdir(parents=True, exist_ok=True)
        if not made.exists():
            starts = _episode_starts(source, video, info["video_path"])
            DiffyEncoder.from_video(video, made, quality=quality, **settings, **({"episodes": starts} if starts else {}))
        try:
            with VideoDecoder(made, num_threads=1) as decoder:
                _check_length(video, decoder, lengths)
        except DiffyError:
            made.unlink()
            raise
    if progress:
        progress(len(videos), len(videos), target)
    part = target / "meta" / "info.json.part"
    part.write_text(json.dumps(_new_info(info), indent=4) + "\n", encoding="utf-8")
    os.replace(part, target / "meta" / "info.json")
    return target


def install() -> None:
    """Makes LeRobot's loader read ``.dfy`` files: its decode_video_frames is replaced by one that knows them."""
    found = False
    for name in ("lerobot.datasets.video_utils", "lerobot.common.datasets.video_utils"):
        try:
            module = __import__(name, fromlist=["decode_video_frames"])
        except ImportError:
            continue
        original = module.decode_video_frames

        def decode(video_path: Any, *arguments: Any, _original: Any = original, **named: Any) -> Any:
            own = str(video_path).endswith(".dfy")
            return (decode_video_frames if own else _original)(video_path, *arguments, **named)

        for other in list(sys.modules.values()):
            if getattr(other, "decode_video_frames", None) is original and (other.__name__ or "").startswith("lerobot"):
                other.decode_video_frames = decode  # type: ignore[attr-defined]
        found = True
    if not found:
        raise ImportError("LeRobot is not installed: there is nothing to make read .dfy files.")


def _main(arguments: Optional[List[str]] = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m diffy.lerobot", description=(
        "Converts the videos of a LeRobot data set (version 2 or 3) to .dfy. Everything else is copied."))
    parser.add_argument("dataset", help="the data set's folder")
    parser.add_argument("output", nargs="?", help="a new folder; by default the data set's name with _dfy behind it")
    parser.add_argument("-q", "--quality", type=int, default=25, help="1 smallest, 100 best (default 25)")
    parser.add_argument("--effort", type=int, help="1 fastest, 9 smallest (default 5)")
    chosen = parser.parse_args(arguments)
    settings = {name: value for name, value in (("effort", chosen.effort),) if value is not None}

    def say(done: int, all_: int, path: Path) -> None:
        print(f"{done} of {all_} {path}", file=sys.stderr)

    try:
        print(convert(chosen.dataset, chosen.output, quality=chosen.quality, progress=say, **settings))
    except (OSError, ValueError, DiffyError) as error:
        print(f"diffy.lerobot: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_main())
