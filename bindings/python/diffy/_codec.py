"""DiffyEncoder and DiffyDecoder: frames in, a file out, and back."""

from __future__ import annotations

import json
import os
import tempfile
import threading
import warnings
from fractions import Fraction
from typing import Any, Dict, Iterator, List, Optional, Tuple, Union

import numpy as np

from . import _cli, _native
from ._episodes import Episode, episodes_of
from ._source import Source, SourceLike, is_turned, upright

__all__ = ["DiffyDecoder", "DiffyEncoder"]

TIME_BASE = 90000  # ticks a second of frames that are pushed with times of their own


def _pixels(frame: Any) -> np.ndarray:
    """A frame as contiguous H x W x 3 or 4 of uint8."""
    if hasattr(frame, "detach"):
        frame = frame.detach().cpu().numpy()
    array = np.asarray(frame)
    if array.dtype != np.uint8:
        raise TypeError(f"A frame must be of uint8, not {array.dtype}: scale it to 0..255 and convert it.")
    if array.ndim == 2:
        array = np.repeat(array[:, :, None], 3, axis=2)
    if array.ndim != 3 or array.shape[2] not in (3, 4):
        raise ValueError(f"A frame must be height x width x 3, not {' x '.join(map(str, array.shape))}: "
                         "transpose channels to the end.")
    return np.ascontiguousarray(array)


class _Output:
    """A file that has its name only once it is complete, or any object with write()."""

    def __init__(self, target: Any) -> None:
        self.path = ""
        self.part = ""
        self.descriptor = -1
        if hasattr(target, "write"):
            self.native: Any = target.write
            return
        self.path = os.path.abspath(os.fspath(target))
        if os.path.isdir(self.path):
            raise IsADirectoryError(f"{self.path} is a folder: name a file in it.")
        if os.path.exists(self.path) and os.path.getsize(self.path):
            with open(self.path, "rb") as old:
                if old.read(3) != b"DFY":
                    raise FileExistsError(f"{self.path} already exists and is not a .dfy: choose another name, or delete it.")
        self.part = f"{self.path}.{os.getpid()}.part"
        self.descriptor = os.open(self.part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_CLOEXEC", 0), 0o666)
        self.native = self.descriptor

    def close(self, complete: bool) -> None:
        if self.descriptor < 0:
            return
        os.close(self.descriptor)
        self.descriptor = -1
        if complete:
            os.replace(self.part, self.path)
        else:
            os.unlink(self.part)


class DiffyEncoder:
    """
    Encodes frames into a ``.dfy`` file, which appears under its name when ``encode()`` is done.

    Args:
        path: the file, or an object with ``write(bytes)``.
        fps: nominal frames a second.
        width, height: pixels; taken from the first frame if not said.
        quality: 1 (smallest) to 100 (lossless in format 2).
        warmup_frames: frames the first background is learnt from.
        use_temporal, use_bbox, use_vq: of format 1, which is chosen when one of them differs from its default.
        mode: "training" keeps every frame's own pixels, "upload" shows repetitions as what they repeat.
        format: 2 (default) or 1.
        effort: 1 (fastest) to 9 (smallest). threads: 0 for as many as there are processors.
        target_size: bytes to reach instead of a quality; ``expected_frames`` makes that exact.
        segment_seconds: longest time the file waits for pictures already coded, 0 for the usual.
        clone_distance: of mode "upload", in 8-bit levels. memory_limit: bytes, of format 1.
        access: for reading frames in random order, the most pictures that any of them needs, 2 to 7; 0 for no limit.
        orientation: EXIF's, 1 (upright) to 8: how frames are turned before they are shown; decoders here turn them.
        metadata: what else the file is to say of itself, as ``DiffyDecoder.metadata`` gives it back; format 2.
    """

    def __init__(
        self,
        path: Any,
        fps: Union[float, Fraction] = 30,
        width: Optional[int] = None,
        height: Optional[int] = None,
        quality: int = 25,
        warmup_frames: int = 300,
        use_temporal: bool = True,
        use_bbox: bool = True,
        use_vq: bool = False,
        mode: str = "training",
        *,
        format: Optional[int] = None,
        effort: int = 5,
        threads: int = 0,
        target_size: int = 0,
        expected_frames: int = 0,
        segment_seconds: float = 0,
        clone_distance: float = 2,
        memory_limit: int = 0,
        access: int = 0,
        orientation: int = 1,
        metadata: Optional[Dict[str, Any]] = None,
    ) -> None:
        if mode not in ("training", "upload"):
            raise ValueError(f"There is no mode {mode!r}: choose 'training' or 'upload'.")
        if not 0 < fps < 100000:
            raise ValueError(f"{fps} is not a frame rate: it must be a positive number of frames per second.")
        rate = Fraction(fps).limit_denominator(1001)
        self._rate = rate
        self._settings: Dict[str, Any] = {
            "quality": int(quality), "frame_rate_num": rate.numerator, "frame_rate_den": rate.denominator,
            "mode": int(mode == "upload"), "effort": int(effort), "threads": int(threads),
            "target_size_bytes": int(target_size), "expected_frames": int(expected_frames),
            "segment_seconds": float(segment_seconds), "clone_distance": float(clone_distance),
            "memory_limit_bytes": int(memory_limit), "warmup_frames": int(warmup_frames),
            "access_pictures": int(access), "orientation": int(orientation), "use_temporal": int(use_temporal), "use_bbox": int(use_bbox), "use_vq": int(use_vq),
        }
        if metadata is not None:
            self._settings["metadata"] = json.dumps(dict(metadata)).encode() + b"\0"
        if width is not None:
            self._settings["width"] = int(width)
        if height is not None:
            self._settings["height"] = int(height)
        old = use_vq or not use_temporal or not use_bbox
        if old and format == 2:
            raise ValueError("use_vq, use_temporal and use_bbox are of format 1: leave them or choose format=1.")
        self._settings["format"] = format or (1 if old else 2)
        self._lock = threading.Lock()
        self._encoder: Optional[_native.Encoder] = None
        self._first: Optional[Tuple[np.ndarray, Optional[float]]] = None  # until it is known whether IMU samples come
        self._gyro: List[Tuple[float, float, float, float]] = []
        self._timed = False
        self._frames = 0
        self._episode: Optional[str] = None  # that the first frame begins
        self._done = False
        self._stats: Dict[str, int] = {}
        self._output: Optional[_Output] = _Output(path)

    # ------------------------------------------------------------ frames

    def push_frame(self, frame: Any, timestamp: Optional[float] = None) -> None:
        """
        Takes a frame: height x width x 3, uint8, RGB. ``timestamp`` in seconds is for frames that do not come
        regularly; either all frames have one or none.
        """
        pixels = _pixels(frame)
        with self._lock:
            self._usable()
            if not self._frames:
                self._timed = timestamp is not None
                self._settings.setdefault("width", pixels.shape[1])
                self._settings.setdefault("height", pixels.shape[0])
            if (timestamp is not None) != self._timed:
                raise ValueError("Either all frames have a timestamp or none.")
            if pixels.shape[:2] != (self._settings["height"], self._settings["width"]):
                raise ValueError(
                    f"Frame {self._frames} is {pixels.shape[1]} x {pixels.shape[0]} pixels but the recording is "
                    f"{self._settings['width']} x {self._settings['height']}: scale it, or encode it separately.")
            if not self._frames:
                self._first = (pixels.copy(), timestamp)
            else:
                self._open()
                self._push(pixels, self._frames, timestamp)
            self._frames += 1

    def begin_episode(self, name: str) -> None:
        """
        The next frame begins an episode of that name, which goes on to the next one or the end. Episodes of one camera
        in one file share its backgrounds; ``VideoDecoder.metadata.episodes`` finds them. Frames and times count on.
        Format 2.
        """
        with self._lock:
            self._usable()
            if self._settings["format"] != 2:
                raise ValueError("Format 1 has no episodes: leave format out or choose format=2.")
            if not self._frames:
                self._episode = str(name)
                return
            self._open()
            assert self._encoder is not None
            self._encoder.begin_episode(str(name))

    def push_imu(self, gyro: Any, dt: Optional[float] = None) -> None:
        """
        Takes a gyroscope sample: angular velocity about x, y, z in rad/s, and the seconds since the sample before it
        (one frame by default). The first must come before the second frame.
        """
        x, y, z = (float(value) for value in gyro)
        with self._lock:
            self._usable()
            if self._encoder is None:
                self._settings["has_imu"] = 1
            elif not self._settings.get("has_imu"):
                raise ValueError("Gyroscope samples came too late: push the first before the second frame.")
            sample = (x, y, z, float(1 / self._rate) if dt is None else float(dt))
            if self._encoder is None:
                self._gyro.append(sample)
            else:
                self._encoder.push_gyro(*sample)

    def encode(self) -> int:
        """Writes all that is still held and completes the file. Returns its size in bytes."""
        with self._lock:
            self._usable()
            if not self._frames:
                self._give_up()
                raise ValueError("There was no frame to encode: push frames first.")
            assert self._output is not None
            try:
                self._open()
                assert self._encoder is not None
                self._stats = self._encoder.finish()
            except BaseException:
                self._give_up()
                raise
            self._encoder.close()
            self._output.close(True)
            self._done = True
        return self._stats["bytes"]

    def close(self) -> None:
        """Gives up what was not encoded; nothing is left of it. Does nothing after ``encode()``."""
        with self._lock:
            if not self._done:
                self._give_up()

    def __enter__(self) -> "DiffyEncoder":
        return self

    def __exit__(self, kind: Any, *rest: Any) -> None:
        if kind is None and not self._done:
            self.encode()
        else:
            self.close()

    def __del__(self) -> None:
        if getattr(self, "_output", None) is not None and not self._done and self._encoder_is_ours():
            self._give_up()

    @property
    def bytes_written(self) -> int:
        """Bytes of the file so far."""
        if self._done:
            return self._stats["bytes"]
        return self._encoder.bytes_written() if self._encoder is not None else 0

    @property
    def stats(self) -> Dict[str, int]:
        """After ``encode()``: frames, bytes, cycles and canonicals found."""
        return dict(self._stats)

    @classmethod
    def from_video(cls, source: Any, target: Any, quality: int = 25, **settings: Any) -> "DiffyEncoder":
        """
        Encodes any video that ffmpeg's libraries read (also a folder or zip of images, or a .dfy) and returns the
        finished encoder. Settings: those of the constructor, and ``max_width`` and ``frames``; ``episodes=True`` makes
        one file of all recordings in a folder or zip, each an episode of its own name, and a list of (seconds, name)
        says where in one recording episodes begin.
        """
        episodes = settings.pop("episodes", None)
        arguments = ["encode", "--progress", "never", "--quality", str(quality)]
        switches = {"use_vq": ("--vq", True), "use_temporal": ("--no-temporal", False), "use_bbox": ("--no-bbox", False)}
        known = ("fps", "format", "mode", "effort", "threads", "max_width", "frames", "target_size",
                 "clone_distance", "warmup_frames", "segment_seconds", "access")
        for name, value in settings.items():
            if name in switches:
                if value == switches[name][1]:
                    arguments.append(switches[name][0])
            elif name in known:
                if value is not None:
                    arguments += ["--" + name.replace("_", "-"), str(value)]
            else:
                raise TypeError(f"from_video has no setting {name!r}.")
        path = os.fspath(target)
        with tempfile.TemporaryDirectory() as folder:
            if episodes is True:
                arguments.append("--episodes")
            elif episodes:
                starts = os.path.join(folder, "starts.csv")
                with open(starts, "w", encoding="utf-8") as file:
                    file.writelines(f"{seconds:.9f},{name}\n" for seconds, name in episodes)
                arguments += ["--episode-starts", starts]
            _cli.run([*arguments, os.fspath(source), path])
        finished = cls.__new__(cls)
        finished._lock = threading.Lock()
        finished._output, finished._encoder, finished._done = None, None, True
        decoder = Source(path).open()
        finished._stats = {"bytes": os.path.getsize(path), **{n: decoder.info()[n] for n in ("frames", "cycles", "canonicals")}}
        return finished

    # ------------------------------------------------------------ inside

    def _usable(self) -> None:
        if self._done:
            raise ValueError("The encoder is finished: open another for more frames.")
        if self._output is None:
            raise ValueError("The encoder is closed.")
        if not self._encoder_is_ours():
            raise ValueError("An encoder can't be used in the child of a fork: open one there.")

    def _encoder_is_ours(self) -> bool:
        part = self._output.part if self._output is not None else ""
        return not part or part.endswith(f".{os.getpid()}.part")

    def _push(self, pixels: np.ndarray, number: int, timestamp: Optional[float]) -> None:
        assert self._encoder is not None
        ticks = number if timestamp is None else round(timestamp * TIME_BASE)
        self._encoder.push(pixels, ticks, pixels.shape[2])

    def _open(self) -> None:
        """Opens the encoder and gives it the frame that waited."""
        if self._encoder is not None:
            return
        assert self._first is not None and self._output is not None
        if self._timed:
            self._settings.update(time_base_num=1, time_base_den=TIME_BASE)
        self._encoder = _native.Encoder(self._output.native, self._settings)
        for sample in self._gyro:
            self._encoder.push_gyro(*sample)
        if self._episode is not None:
            self._encoder.begin_episode(self._episode)
        self._push(self._first[0], 0, self._first[1])
        self._first = None
        self._gyro = []

    def _give_up(self) -> None:
        if self._encoder is not None:
            self._encoder.close()
            self._encoder = None
        if self._output is not None:
            self._output.close(False)
            self._output = None


class DiffyDecoder:
    """
    Plays a ``.dfy`` file of format 1 or 2.

    Args:
        source: a path, bytes, or a file object with read and seek.
        unwarp: of files with IMU samples, turn pictures to where the camera first looked (format 1: undo the encoder's warp). memory_limit: bytes, 0 for 1 GiB.
    """

    def __init__(self, source: SourceLike, *, unwarp: bool = False, memory_limit: int = 0) -> None:
        self._source = Source(source)
        self._options = {"unwarp": unwarp, "memory_limit": memory_limit}
        self._decoder = self._source.open(**self._options)
        self._info = self._decoder.info()
        if not self._info["complete"]:
            warnings.warn(f"{self._source}: {self._decoder.message() or 'The file is incomplete.'}", stacklevel=2)

    def __len__(self) -> int:
        return self._info["frames"]

    def __iter__(self) -> Iterator[np.ndarray]:
        return self.iter_frames()

    def iter_frames(self, start: int = 0, stop: Optional[int] = None) -> Iterator[np.ndarray]:
        """
        Yields frames as height x width x 3, uint8, RGB. Each is an array of its own. A damaged stretch is stepped over
        with a warning.
        """
        if start < 0 or (start > len(self)):
            raise IndexError(f"There is no frame {start}: the video has {len(self)}.")
        return self._frames(start, len(self) if stop is None else min(stop, len(self)))

    def _frames(self, start: int, stop: int) -> Iterator[np.ndarray]:
        decoder = self._source.open(**self._options)
        shape = (self._info["height"], self._info["width"], 3)
        begun = start == 0
        while start < stop:
            frame = np.empty(shape, np.uint8)
            try:
                if not begun:
                    decoder.seek(start)
                    begun = True
                got = decoder.next(frame)
            except _native.DamagedError as error:
                begun = True
                if decoder.position() <= start:
                    raise
                start = decoder.position()
                warnings.warn(f"{self._source}: {error}", stacklevel=2)
                continue
            if got is None or got[0] >= stop:
                return
            start = got[0] + 1
            yield upright(frame, self._info["orientation"], 0)

    @property
    def width(self) -> int:
        """Of pictures as they are shown: upright."""
        return self._info["height" if is_turned(self._info["orientation"]) else "width"]

    @property
    def height(self) -> int:
        return self._info["width" if is_turned(self._info["orientation"]) else "height"]

    @property
    def fps(self) -> float:
        num, den = self._info["frame_rate"]
        return num / den

    @property
    def info(self) -> Dict[str, Any]:
        """What the codec knows of the file: format, sizes, rates, counts."""
        return dict(self._info)

    @property
    def metadata(self) -> Dict[str, Any]:
        """The file's own metadata, with what every file says: width, height, fps, frames, quality, mode, format."""
        try:
            own = json.loads(self._decoder.metadata())
        except ValueError:
            own = {}
        facts = {"width": self.width, "height": self.height, "fps": self.fps,
                 **{name: self._info[name] for name in ("frames", "quality", "mode", "format", "complete")}}
        return {**facts, **(own if isinstance(own, dict) else {})}

    @property
    def episodes(self) -> List[Episode]:
        """Ranges of frames that have names, in their order."""
        return episodes_of(self._decoder)

    @property
    def imu(self) -> Optional[np.ndarray]:
        """Unit quaternions x, y, z, w, one a frame, as N x 4; None without IMU samples."""
        count = self._info["imu_samples"]
        return np.array([self._decoder.imu(i) for i in range(count)]) if count else None

    @property
    def cycles(self) -> List[Dict[str, Any]]:
        """Every repetition of the work: first_frame, frames, start_seconds, seconds, canonical, is_canonical, is_clone
        and distance (None where it was not recorded)."""
        return [self._decoder.cycle(i) for i in range(self._info["cycles"])]

    @property
    def departures(self) -> List[Dict[str, Any]]:
        """Where the work left its routine: first_frame, frames, start_seconds, seconds, is_slow, box (left, top, right,
        bottom in pixels) and size (levels; of a slow cycle, times as long as usual)."""
        found: List[Dict[str, Any]] = []
        while (departure := self._decoder.departure(len(found))) is not None:
            found.append(departure)
        return found

    def verify(self) -> None:
        """Reads the whole file and checks every checksum; raises a sentence on the first thing that is wrong."""
        self._decoder.verify()

    def close(self) -> None:
        self._decoder.close()

    def __enter__(self) -> "DiffyDecoder":
        return self

    def __exit__(self, *unused: Any) -> None:
        self.close()


