"""
A torch data set of frames: every frame of every ``.dfy`` in a folder, with the frames around it if asked for.

    from diffy.data import FrameDataset, NearSampler
    from torch.utils.data import DataLoader

    data = FrameDataset("recordings/", delta_timestamps=[-0.1, 0.0, 0.1])
    loader = DataLoader(data, batch_size=16, sampler=NearSampler(data, seed=1), num_workers=4)
    for batch in loader:
        batch["frames"]            # 16 x 3 x 3 x height x width
"""

from __future__ import annotations

import bisect
import os
import random
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Sequence, Union

import numpy as np

from ._video import VideoDecoder, as_tensor, torch_module
from .lerobot import DecoderCache

__all__ = ["FrameDataset", "NearSampler"]

_torch = torch_module()
_Dataset: Any = _torch.utils.data.Dataset if _torch is not None else object
_Sampler: Any = _torch.utils.data.Sampler if _torch is not None else object


def _files(root: Union[str, "os.PathLike[str]", Iterable[Any]]) -> List[str]:
    if isinstance(root, (str, os.PathLike)):
        path = Path(root)
        if path.is_dir():
            found = sorted(str(p) for p in path.rglob("*.dfy"))
        elif path.exists():
            found = [str(path)]
        else:
            raise FileNotFoundError(f"{path} is not there: name a folder with .dfy files, or a .dfy.")
    else:
        found = [os.fspath(item) for item in root]
    if not found:
        raise FileNotFoundError(f"There is no .dfy file in {root}.")
    return found


def _range_around(decoder: VideoDecoder, frame: int) -> "tuple[range, float, float]":
    """Frames of the episode that a frame is in, or else of the video; where it begins and ends in seconds."""
    meta = decoder.metadata
    begin, end = meta.begin_stream_seconds or 0.0, meta.end_stream_seconds or 0.0
    at = bisect.bisect_right([e.first_frame for e in meta.episodes], frame) - 1
    if at < 0 or frame >= meta.episodes[at].stop:
        return range(len(decoder)), begin, end
    episode = meta.episodes[at]
    return episode.frames, begin + episode.start_seconds, min(end, begin + episode.start_seconds + episode.duration_seconds)


class FrameDataset(_Dataset):
    """
    Args:
        root: a folder, whose ``.dfy`` files are taken in the order of their names, with sub-folders; or a list of files.
        delta_timestamps: seconds from the frame itself of the frames that belong to an item. ``None``: the frame alone.
        tolerance_s: how far a delta may be from a frame's time.
        stride: take every so many frames as items.
        transform: called with an item's frames (uint8, T x 3 x height x width, or 3 x height x width) and gives what
            takes their place.
        dimension_order: "NCHW" or "NHWC". open_files: decoders that each process keeps open.

    An item is a dict: ``frames``, ``timestamp`` (seconds), ``frame_index``, ``file_index``, and with deltas ``is_pad``:
    which of the frames lie outside the video and are its first or last one instead. In a file of several episodes windows
    end where the frame's own episode does.
    """

    def __init__(
        self,
        root: Any,
        *,
        delta_timestamps: Optional[Sequence[float]] = None,
        tolerance_s: float = 1e-3,
        stride: int = 1,
        transform: Optional[Callable[[Any], Any]] = None,
        dimension_order: str = "NCHW",
        num_threads: Optional[int] = None,
        open_files: int = 8,
    ) -> None:
        if stride < 1:
            raise ValueError(f"The stride must be at least 1, not {stride}.")
        self.files = _files(root)
        self.delta_timestamps = None if delta_timestamps is None else [float(d) for d in delta_timestamps]
        self.tolerance_s = float(tolerance_s)
        self.stride = stride
        self.transform = transform
        self._cache = DecoderCache(open_files, dimension_order=dimension_order, num_threads=num_threads)
        self.lengths: List[int] = []
        for path in self.files:
            with VideoDecoder(path, num_threads=1) as decoder:
                self.lengths.append(len(decoder))
        items = [(length + stride - 1) // stride for length in self.lengths]
        self._ends: List[int] = np.cumsum(items).tolist()

    def __len__(self) -> int:
        return self._ends[-1]

    def locate(self, index: int) -> "tuple[int, int]":
        """Number of the file and of the frame in it."""
        count = len(self)
        if not -count <= index < count:
            raise IndexError(f"Item {index} is out of bounds: the data set has {count}.")
        index %= count
        file = bisect.bisect_right(self._ends, index)
        return file, (index - (self._ends[file - 1] if file else 0)) * self.stride

    def __getitem__(self, index: int) -> Dict[str, Any]:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> List[Dict[str, Any]]:
        """A batch: the frames of each file are decoded in one pass."""
        places = [self.locate(int(i)) for i in indices]
        items: List[Any] = [None] * len(places)
        for file in sorted({f for f, _ in places}):
            which = [k for k, (f, _) in enumerate(places) if f == file]
            for k, item in zip(which, self._items_of(file, [places[k][1] for k in which])):
                items[k] = item
        return items

    def _window(self, decoder: VideoDecoder, frame: int, time: float) -> "tuple[List[int], List[bool]]":
        """Frames at the deltas from a frame, and which of them are padding."""
        frames, begin, end = _range_around(decoder, frame)
        wanted = [time + delta for delta in self.delta_timestamps or ()]
        outside = [w < begin - self.tolerance_s or w >= end for w in wanted]
        indices, times = decoder.nearest([min(max(w, begin), end - 1e-6) for w in wanted])
        for w, got, pad in zip(wanted, times, outside):
            if not pad and abs(got - w) > self.tolerance_s:
                raise ValueError(f"No frame is within {self.tolerance_s} s of {w:.6f} s: the nearest is at {got:.6f} s. "
                                 "Choose deltas that are multiples of the frame's duration, or a larger tolerance_s.")
        return [min(max(i, frames[0]), frames[-1]) for i in indices], outside

    def _items_of(self, file: int, frames: List[int]) -> List[Dict[str, Any]]:
        decoder = self._cache.get(self.files[file])
        times = [float(t) for t in decoder.times_of(frames)]
        deltas = self.delta_timestamps is not None
        windows = [self._window(decoder, f, t) for f, t in zip(frames, times)] if deltas else [([f], [False]) for f in frames]
        data = decoder.get_frames_at([i for window, _ in windows for i in window]).data
        items, at = [], 0
        for frame, time, (window, outside) in zip(frames, times, windows):
            own = data[at:at + len(window)] if deltas else data[at]
            at += len(window)
            item: Dict[str, Any] = {"frames": self.transform(own) if self.transform else own, "timestamp": time,
                                    "frame_index": frame, "file_index": file}
            if deltas:
                item["is_pad"] = as_tensor(np.array(outside))
            items.append(item)
        return items


class NearSampler(_Sampler):
    """
    Shuffles a data set without losing what makes reading quick: runs of ``run`` items that follow each other stay
    together, ``mixed`` runs at a time are shuffled into each other. ``run=1`` is an ordinary shuffle.
    """

    def __init__(self, data: Any, *, run: int = 32, mixed: int = 8, seed: int = 0) -> None:
        if run < 1 or mixed < 1:
            raise ValueError("run and mixed must be at least 1.")
        self.count, self.run, self.mixed, self.seed, self.epoch = len(data), run, mixed, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Chooses another order; without it, every iteration takes the next."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[int]:
        order = random.Random(f"{self.seed}-{self.epoch}")
        self.epoch += 1
        starts = list(range(0, self.count, self.run))
        order.shuffle(starts)
        for k in range(0, len(starts), self.mixed):
            items = [i for start in starts[k:k + self.mixed] for i in range(start, min(start + self.run, self.count))]
            order.shuffle(items)
            yield from items
