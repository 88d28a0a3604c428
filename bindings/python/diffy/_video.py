"""VideoDecoder: any frames of a video as tensors, with the interface of TorchCodec."""

from __future__ import annotations

import dataclasses
import numbers
import os
import threading
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple, Union

import numpy as np

from ._episodes import Episode, episodes_of
from ._native import Decoder
from ._source import Source, SourceLike, is_turned, upright

__all__ = ["Frame", "FrameBatch", "VideoDecoder", "VideoStreamMetadata"]

ROUNDING = 1e-9  # seconds that a time which was computed from a frame's own may be below it

_torch: Any = None
_torch_looked_for = False


def torch_module() -> Any:
    """torch, or None where it is not installed."""
    global _torch, _torch_looked_for
    if not _torch_looked_for:
        try:
            import torch

            _torch = torch
        except ImportError:
            _torch = None
        _torch_looked_for = True
    return _torch


def as_tensor(array: np.ndarray) -> Any:
    """A tensor that shares the array's memory, or the array itself where there is no torch."""
    torch = torch_module()
    return torch.from_numpy(array) if torch is not None else array


def _described(item: Any) -> str:
    lines = [type(item).__name__ + ":"]
    for field in dataclasses.fields(item):
        value = getattr(item, field.name)
        lines.append(f"  data (shape): {tuple(value.shape)}" if field.name == "data" else f"  {field.name}: {value}")
    return "\n".join(lines)


@dataclasses.dataclass(repr=False)
class Frame:
    """A frame: its data (3 x height x width or height x width x 3, uint8), its time and duration in seconds."""

    data: Any
    pts_seconds: float
    duration_seconds: float

    def __iter__(self) -> Iterator[Any]:
        return iter((self.data, self.pts_seconds, self.duration_seconds))

    __repr__ = _described


@dataclasses.dataclass(repr=False)
class FrameBatch:
    """Frames: data with one dimension more, times and durations as tensors of float64."""

    data: Any
    pts_seconds: Any
    duration_seconds: Any

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, key: Any) -> "FrameBatch":
        return FrameBatch(self.data[key], self.pts_seconds[key], self.duration_seconds[key])

    def __iter__(self) -> Iterator["FrameBatch"]:
        return (self[i] for i in range(len(self)))

    __repr__ = _described


@dataclasses.dataclass
class VideoStreamMetadata:
    """Facts about a video, under TorchCodec's names."""

    duration_seconds: Optional[float]
    begin_stream_seconds: Optional[float]
    end_stream_seconds: Optional[float]
    num_frames: int
    average_fps: Optional[float]
    width: int
    height: int
    codec: str
    bit_rate: Optional[float]
    stream_index: int = 0
    duration_seconds_from_header: Optional[float] = None
    bit_rate_from_header: Optional[float] = None
    begin_stream_seconds_from_header: Optional[float] = None
    end_stream_seconds_from_header: Optional[float] = None
    num_frames_from_header: Optional[int] = None
    average_fps_from_header: Optional[float] = None
    episodes: List[Episode] = dataclasses.field(default_factory=list)

    def episode(self, name: str) -> Episode:
        """The episode of that name; KeyError where there is none."""
        for episode in self.episodes:
            if episode.name == name:
                return episode
        raise KeyError(f"There is no episode {name!r}: the file has {len(self.episodes)}.")


def _default_threads() -> int:
    """All processors; one in a worker process, beside which others run."""
    import multiprocessing

    if multiprocessing.parent_process() is not None:
        return 1
    return min(8, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


class VideoDecoder:
    """
    Any frames of a ``.dfy`` video, in any order. Batches are decoded in one pass, in the order of the file, and where
    frames are far apart by several threads; the global lock is not held meanwhile. Safe across forks (the child opens
    the file again) and, for paths and bytes, to pickle.

    Args:
        source: a path, bytes, a uint8 tensor, or a file object with read and seek.
        dimension_order: "NCHW" or "NHWC".
        num_threads: threads that frames in order, or a batch, may use; by default as many as there are processors, one in a worker process.
        device: where tensors are moved to.
        stream_index, seek_mode, num_ffmpeg_threads: taken for TorchCodec's sake. Access is always exact.
        memory_limit: bytes that decoding may need, 0 for 1 GiB.
    """

    def __init__(
        self,
        source: SourceLike,
        *,
        stream_index: Optional[int] = None,
        dimension_order: str = "NCHW",
        num_threads: Optional[int] = None,
        num_ffmpeg_threads: Optional[int] = None,
        device: Any = "cpu",
        seek_mode: str = "exact",
        memory_limit: int = 0,
    ) -> None:
        if dimension_order not in ("NCHW", "NHWC"):
            raise ValueError(f"Invalid dimension order ({dimension_order}): choose 'NCHW' or 'NHWC'.")
        if seek_mode not in ("exact", "approximate"):
            raise ValueError(f"Invalid seek mode ({seek_mode}): choose 'exact' or 'approximate'.")
        if stream_index not in (None, 0):
            raise ValueError(f"{stream_index} is not a valid stream: a .dfy has one, number 0.")
        threads = num_threads if num_threads is not None else num_ffmpeg_threads
        if threads is not None and (not isinstance(threads, numbers.Integral) or threads < 0):
            raise ValueError(f"{threads} is not a number of threads: choose 0 (automatic) or more.")
        if str(device) != "cpu" and torch_module() is None:
            raise ValueError(f"Frames can't be moved to {device}: that needs torch.")
        self._source = Source(source)
        self._device = device
        self._channels_first = dimension_order == "NCHW"
        self._arguments: Dict[str, Any] = {"dimension_order": dimension_order, "num_threads": num_threads,
                                           "num_ffmpeg_threads": num_ffmpeg_threads, "device": device,
                                           "memory_limit": memory_limit}
        self._threads = int(threads) if threads else _default_threads()
        self._open()
        self.stream_index = 0
        self.metadata = self._metadata()

    # ------------------------------------------------------------ the decoder

    def _open(self) -> None:
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._decoder: Optional[Decoder] = self._source.open(self._threads, self._arguments["memory_limit"])
        self._info = self._decoder.info()
        self._seconds_a_tick = self._info["time_base"]

    def _own(self) -> Decoder:
        """The decoder of this process: in the child of a fork it is opened again, since threads and file positions stay
        with the parent."""
        if self._pid != os.getpid():
            if self._source.file is not None:
                raise RuntimeError("A file object can't be read on in the child of a fork: open the video by its path.")
            self._open()
        if self._decoder is None:
            raise RuntimeError("The decoder is closed.")
        return self._decoder

    def close(self) -> None:
        """Frees the decoder's memory and file."""
        if self._decoder is not None and self._pid == os.getpid():
            with self._lock:
                self._decoder.close()
        self._decoder = None

    def __enter__(self) -> "VideoDecoder":
        return self

    def __exit__(self, *unused: Any) -> None:
        self.close()

    def __reduce__(self) -> Tuple[Any, ...]:
        if self._source.file is not None:
            raise TypeError("A decoder of a file object can't be pickled: open the video by its path.")
        source = self._source.path or self._source.data
        return _rebuild, (source, self._arguments)

    def __repr__(self) -> str:
        return f"VideoDecoder({self._source}, {self.metadata.width} x {self.metadata.height}, {len(self)} frames)"

    # ------------------------------------------------------------ times

    def _ticks(self, first: int, count: int) -> np.ndarray:
        times = np.empty(count, np.int64)
        self._own().times(first, times)
        return times

    def _to_seconds(self, ticks: Any) -> Any:
        num, den = self._seconds_a_tick
        return ticks * num / den

    def _nominal_ticks(self) -> int:
        (rate_num, rate_den), (num, den) = self._info["frame_rate"], self._seconds_a_tick
        return max(1, round(rate_den * den / (rate_num * num)))

    def _durations(self, indices: np.ndarray, ticks: np.ndarray) -> np.ndarray:
        """Ticks until the next frame; of the last one, the nominal ones."""
        ends = np.empty_like(ticks)
        for k, index in enumerate(indices):
            last = index + 1 >= len(self)
            ends[k] = ticks[k] + self._nominal_ticks() if last else self._ticks(int(index) + 1, 1)[0]
        return ends - ticks

    def _metadata(self) -> VideoStreamMetadata:
        frames, (num, den) = self._info["frames"], self._info["frame_rate"]
        begin = end = None
        if frames:
            with self._lock:
                begin = float(self._to_seconds(int(self._ticks(0, 1)[0])))
                end = float(self._to_seconds(int(self._ticks(frames - 1, 1)[0]) + self._nominal_ticks()))
        duration = None if begin is None or end is None else end - begin
        size = os.path.getsize(self._source.path) if self._source.path else len(self._source.data or b"")
        return VideoStreamMetadata(
            duration_seconds=duration, begin_stream_seconds=begin, end_stream_seconds=end, num_frames=frames,
            average_fps=frames / duration if duration else num / den,
            width=self._info["height" if is_turned(self._info["orientation"]) else "width"],
            height=self._info["width" if is_turned(self._info["orientation"]) else "height"], codec="dfy", bit_rate=size * 8 / duration if duration and size else None,
            duration_seconds_from_header=frames * den / num, begin_stream_seconds_from_header=begin,
            end_stream_seconds_from_header=end, num_frames_from_header=self._info["frames_stated"],
            average_fps_from_header=num / den, episodes=episodes_of(self._decoder))

    def _index_at(self, seconds: float) -> int:
        """The last frame that is shown at or before a time within the video."""
        meta, count = self.metadata, len(self)
        limit = seconds + ROUNDING

        def time(index: int) -> float:
            return self._to_seconds(int(self._ticks(index, 1)[0]))

        begin = meta.begin_stream_seconds or 0.0
        guess = min(count - 1, max(0, int((limit - begin) * (meta.average_fps or 1))))
        low, high = (guess, count) if time(guess) <= limit else (0, guess)
        if low == guess and low + 1 < count and time(low + 1) > limit:
            return low
        while high - low > 1:  # time(low) <= limit < time(high)
            middle = (low + high) // 2
            if time(middle) <= limit:
                low = middle
            else:
                high = middle
        return low

    def _checked_time(self, seconds: Any) -> float:
        begin, end = self.metadata.begin_stream_seconds, self.metadata.end_stream_seconds
        value = float(seconds)
        if begin is None or end is None or not begin <= value < end:
            raise IndexError(f"Invalid pts in seconds: {value}. It must be greater than or equal to {begin} and less than {end}.")
        return value

    # ------------------------------------------------------------ frames

    def __len__(self) -> int:
        return self._info["frames"]

    def _checked_index(self, index: Any) -> int:
        if isinstance(index, bool) or not hasattr(index, "__index__"):
            raise TypeError(f"A frame's index must be an integer, not {type(index).__name__}.")
        number, count = index.__index__(), len(self)
        if not -count <= number < count:
            raise IndexError(f"Index {number} is out of bounds: it must be less than {count}, the number of frames"
                             f"{f', and at least -{count}' if number < 0 else ''}.")
        return number % count

    def _read(self, indices: Sequence[int]) -> Tuple[np.ndarray, np.ndarray]:
        """Frames and their ticks, in the order asked for."""
        wanted = np.asarray(indices, np.int64)
        height, width = self._info["height"], self._info["width"]
        shape = (3, height, width) if self._channels_first else (height, width, 3)
        data, ticks = np.empty((len(wanted), *shape), np.uint8), np.empty(len(wanted), np.int64)
        if len(wanted):
            slots = np.argsort(wanted, kind="stable").astype(np.int64)
            self._own().read(np.ascontiguousarray(wanted[slots]), slots, data, ticks, self._channels_first)
        return upright(data, self._info["orientation"], 2 if self._channels_first else 1), ticks

    def _moved(self, data: np.ndarray) -> Any:
        tensor = as_tensor(data)
        return tensor if str(self._device) == "cpu" else tensor.to(self._device)

    def _batch(self, indices: Sequence[int]) -> FrameBatch:
        self._own()
        with self._lock:
            data, ticks = self._read(indices)
            durations = self._durations(np.asarray(indices, np.int64), ticks)
        return FrameBatch(self._moved(data), as_tensor(np.asarray(self._to_seconds(ticks), np.float64)),
                          as_tensor(np.asarray(self._to_seconds(durations), np.float64)))

    def _frame(self, index: int) -> Frame:
        batch = self._batch([index])
        return Frame(batch.data[0], float(batch.pts_seconds[0]), float(batch.duration_seconds[0]))

    def _data(self, indices: Sequence[int]) -> Any:
        self._own()
        with self._lock:
            return self._moved(self._read(indices)[0])

    def __getitem__(self, key: Union[int, slice]) -> Any:
        if isinstance(key, slice):
            return self._data(range(*key.indices(len(self))))
        if not isinstance(key, numbers.Integral) and not hasattr(key, "__index__"):
            raise TypeError(f"Unsupported key type: {type(key)}. Supported types are int and slice.")
        return self._data([self._checked_index(key)])[0]

    def __iter__(self) -> Iterator[Any]:
        for index in range(len(self)):
            yield self._data([index])[0]

    def get_frame_at(self, index: int) -> Frame:
        """The frame of that number; negative ones count from the end."""
        return self._frame(self._checked_index(index))

    def get_frames_at(self, indices: Any) -> FrameBatch:
        """The frames of these numbers (a list or an integer tensor), in that order."""
        return self._batch([self._checked_index(i) for i in _listed(indices)])

    def get_frames_in_range(self, start: int, stop: int, step: int = 1) -> FrameBatch:
        """The frames start, start + step ... before stop, as of a slice."""
        if step < 1:
            raise ValueError(f"Step ({step}) must be greater than 0.")
        return self._batch(range(*slice(start, stop, step).indices(len(self))))

    def get_frame_played_at(self, seconds: float) -> Frame:
        """The frame that is shown at that time."""
        time = self._checked_time(seconds)
        self._own()
        with self._lock:
            index = self._index_at(time)
        return self._frame(index)

    def get_frames_played_at(self, seconds: Any) -> FrameBatch:
        """The frames that are shown at these times (a list or a tensor)."""
        times = [self._checked_time(s) for s in _listed(seconds)]
        self._own()
        with self._lock:
            indices = [self._index_at(t) for t in times]
        return self._batch(indices)

    def get_frames_played_in_range(self, start_seconds: float, stop_seconds: float) -> FrameBatch:
        """The frames that are shown from start_seconds up to, but not at, stop_seconds."""
        begin, end = self.metadata.begin_stream_seconds, self.metadata.end_stream_seconds
        if not start_seconds <= stop_seconds:
            raise ValueError(f"Invalid start seconds: {start_seconds}. It must be less than or equal to stop seconds ({stop_seconds}).")
        if begin is None or end is None or not begin <= start_seconds < end:
            raise ValueError(f"Invalid start seconds: {start_seconds}. It must be greater than or equal to {begin} and less than {end}.")
        if not stop_seconds <= end:
            raise ValueError(f"Invalid stop seconds: {stop_seconds}. It must be less than or equal to {end}.")
        if start_seconds == stop_seconds:
            return self._batch([])
        self._own()
        with self._lock:
            first, last = self._index_at(float(start_seconds)), self._index_at(float(stop_seconds) - 2 * ROUNDING)
        return self._batch(range(first, last + 1))

    def times_of(self, indices: Sequence[int]) -> np.ndarray:
        """Times in seconds of frames; none is decoded."""
        self._own()
        with self._lock:
            return np.array([float(self._to_seconds(int(self._ticks(self._checked_index(i), 1)[0]))) for i in indices])

    def nearest(self, seconds: Sequence[float]) -> Tuple[List[int], List[float]]:
        """Numbers and times of the frames whose times are nearest to these; none is decoded."""
        self._own()
        meta, indices, times = self.metadata, [], []
        if not len(self):
            raise IndexError("The video has no frames.")
        begin = meta.begin_stream_seconds or 0.0
        with self._lock:
            for wanted in seconds:
                index = self._index_at(max(begin, float(wanted)))
                after = min(index + 1, len(self) - 1)
                near = [(abs(t - wanted), i, t) for i, t in
                        ((i, float(self._to_seconds(int(self._ticks(i, 1)[0])))) for i in (index, after))]
                _, index, time = min(near)
                indices.append(index)
                times.append(time)
        return indices, times


def _listed(values: Any) -> List[Any]:
    if hasattr(values, "tolist"):
        values = values.tolist()
    if not isinstance(values, (list, tuple, range)):
        values = list(values)
    return list(values)


def _rebuild(source: Any, arguments: Dict[str, Any]) -> VideoDecoder:
    return VideoDecoder(source, **arguments)
