"""DiffyEncoder and DiffyDecoder."""

import io
import os
import signal
import threading
import time
import warnings

import numpy as np
import pytest
from conftest import FPS, FRAMES, HEIGHT, WIDTH, draw

import diffy


def psnr(a, b):
    return 10 * np.log10(255**2 / np.mean((np.asarray(a, float) - np.asarray(b, float)) ** 2))


def test_frames_come_back(film, shown):
    assert len(shown) == FRAMES
    assert shown[0].shape == (HEIGHT, WIDTH, 3) and shown[0].dtype == np.uint8
    # The film has colours at full resolution, of which 4:2:0 keeps a quarter.
    assert psnr(film, shown) > 25


def test_lossless_grey_is_exact(tmp_path):
    grey = [np.repeat(draw(i)[:, :, :1], 3, axis=2) for i in range(8)]
    path = tmp_path / "grey.dfy"
    with diffy.DiffyEncoder(path, quality=100) as encoder:
        for frame in grey:
            encoder.push_frame(frame)
    back = list(diffy.DiffyDecoder(path))
    assert max(np.abs(a.astype(int) - b).max() for a, b in zip(grey, back)) <= 1  # RGB to limited YCbCr rounds


def test_facts(clip):
    decoder = diffy.DiffyDecoder(str(clip))
    assert (len(decoder), decoder.width, decoder.height, decoder.fps) == (FRAMES, WIDTH, HEIGHT, FPS)
    assert decoder.metadata["fps"] == FPS and decoder.metadata["frames"] == FRAMES
    assert decoder.imu is None and isinstance(decoder.cycles, list)
    decoder.verify()


def test_sizes_as_the_original_program_wants_them(tmp_path):
    path = tmp_path / "a.dfy"
    encoder = diffy.DiffyEncoder(str(path), fps=30, width=WIDTH, height=HEIGHT, quality=25, warmup_frames=300,
                                 use_temporal=True, use_bbox=True, use_vq=False)
    for i in range(5):
        encoder.push_frame(draw(i))
    assert not path.exists()
    size = encoder.encode()
    assert encoder.bytes_written == size == path.stat().st_size
    assert encoder.stats["frames"] == 5


@pytest.mark.parametrize("settings", [{"use_vq": True}, {"use_bbox": False}, {"format": 1}])
def test_format_1(tmp_path, settings):
    path = tmp_path / "one.dfy"
    with diffy.DiffyEncoder(path, **settings) as encoder:
        for i in range(12):
            encoder.push_frame(draw(i))
    assert path.read_bytes()[:4] == b"DFY\x01"
    assert len(list(diffy.DiffyDecoder(path).iter_frames())) == 12
    assert len(diffy.VideoDecoder(path)) == 12


def test_imu(tmp_path):
    path = tmp_path / "imu.dfy"
    with diffy.DiffyEncoder(path, fps=30) as encoder:
        for i in range(10):
            encoder.push_frame(draw(i))
            encoder.push_imu([0.0, 0.0, 0.01], 1 / 30)
    decoder = diffy.DiffyDecoder(path)
    assert decoder.imu.shape[1] == 4 and len(decoder.imu) >= 9
    assert np.allclose(np.linalg.norm(decoder.imu, axis=1), 1, atol=1e-2)


@pytest.mark.parametrize("format", [1, 2])
def test_imu_in_both_formats(tmp_path, format):
    path = tmp_path / "turned.dfy"
    with diffy.DiffyEncoder(path, fps=30, format=format) as encoder:
        for i in range(10):
            encoder.push_frame(draw(i))
            encoder.push_imu([0.0, 0.0, 0.3], 1 / 30)
    decoder = diffy.DiffyDecoder(path)
    assert decoder.metadata is not None and path.read_bytes()[3] == format
    assert len(decoder.imu) == 10 and abs(decoder.imu[9][2]) > 0.03
    steady = next(iter(diffy.DiffyDecoder(path, unwarp=True).iter_frames()))
    assert steady.shape == draw(0).shape


def test_imu_too_late(tmp_path):
    encoder = diffy.DiffyEncoder(tmp_path / "late.dfy")
    encoder.push_frame(draw(0))
    encoder.push_frame(draw(1))
    with pytest.raises(ValueError, match="too late"):
        encoder.push_imu([0, 0, 0])


def test_times_of_irregular_frames(tmp_path):
    times = [0.0, 0.1, 0.15, 0.5, 0.52, 3.0]
    path = tmp_path / "times.dfy"
    with diffy.DiffyEncoder(path, fps=25) as encoder:
        for i, t in enumerate(times):
            encoder.push_frame(draw(i), timestamp=t)
    decoder = diffy.VideoDecoder(path)
    assert np.allclose(decoder.times_of(range(6)), times, atol=1e-4)
    assert decoder.get_frame_played_at(0.3).pts_seconds == pytest.approx(0.15, abs=1e-4)
    assert float(decoder.get_frame_at(3).duration_seconds) == pytest.approx(0.02, abs=1e-4)
    with pytest.raises(ValueError, match="timestamp"):
        encoder = diffy.DiffyEncoder(tmp_path / "b.dfy")
        encoder.push_frame(draw(0), timestamp=0.0)
        encoder.push_frame(draw(1))


def test_a_range_of_frames(clip, shown):
    some = list(diffy.DiffyDecoder(clip).iter_frames(40, 45))
    assert len(some) == 5 and all((a == b).all() for a, b in zip(some, shown[40:45]))
    with pytest.raises(IndexError):
        diffy.DiffyDecoder(clip).iter_frames(1000)


@pytest.mark.parametrize("frame, error", [
    (np.zeros((HEIGHT, WIDTH, 3), np.float32), TypeError),
    (np.zeros((3, HEIGHT, WIDTH), np.uint8), ValueError),
    (np.zeros((HEIGHT + 2, WIDTH, 3), np.uint8), ValueError),
])
def test_frames_that_do_not_fit(tmp_path, frame, error):
    with diffy.DiffyEncoder(tmp_path / "a.dfy") as encoder:
        encoder.push_frame(draw(0))
        with pytest.raises(error, match="frame|Frame"):
            encoder.push_frame(frame)
    assert len(diffy.DiffyDecoder(tmp_path / "a.dfy")) == 1  # the good one is kept


@pytest.mark.parametrize("settings", [{"quality": 0}, {"quality": 101}, {"fps": -1}, {"mode": "best"}, {"effort": 77},
                                      {"use_vq": True, "format": 2}])
def test_settings_out_of_range(tmp_path, settings):
    with pytest.raises(ValueError):
        with diffy.DiffyEncoder(tmp_path / "a.dfy", **settings) as encoder:
            encoder.push_frame(draw(0))
    assert os.listdir(tmp_path) == []


def test_nothing_is_left_of_what_failed(tmp_path):
    path = tmp_path / "a.dfy"
    with pytest.raises(RuntimeError, match="mine"):
        with diffy.DiffyEncoder(path) as encoder:
            encoder.push_frame(draw(0))
            raise RuntimeError("mine")
    with pytest.raises(ValueError, match="no frame"):
        diffy.DiffyEncoder(path).encode()
    encoder = diffy.DiffyEncoder(path)
    encoder.push_frame(draw(0))
    del encoder
    assert os.listdir(tmp_path) == []


def test_other_files_are_not_overwritten(tmp_path, clip):
    notes = tmp_path / "notes.txt"
    notes.write_text("mine")
    with pytest.raises(FileExistsError):
        diffy.DiffyEncoder(notes)
    old = tmp_path / "old.dfy"
    old.write_bytes(clip.read_bytes())
    encoder = diffy.DiffyEncoder(old)
    encoder.push_frame(draw(0))
    assert old.read_bytes() == clip.read_bytes()
    encoder.encode()
    assert len(diffy.DiffyDecoder(old)) == 1


def test_a_file_object_as_target():
    target = io.BytesIO()
    with diffy.DiffyEncoder(target) as encoder:
        for i in range(4):
            encoder.push_frame(draw(i))
    assert len(list(diffy.DiffyDecoder(target.getvalue()))) == 4


class Full(OSError):
    pass


def test_an_error_of_the_target_is_the_error_one_sees():
    class Target:
        def write(self, data):
            raise Full("the disk is full")

    with pytest.raises(Full):
        with diffy.DiffyEncoder(Target()) as encoder:
            for i in range(80):
                encoder.push_frame(draw(i))


def test_ctrl_c_stops_encoding(tmp_path):
    encoder = diffy.DiffyEncoder(tmp_path / "a.dfy", effort=9)

    def stop(*unused):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, stop)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        with pytest.raises(KeyboardInterrupt):
            for i in range(2000):
                encoder.push_frame(draw(i, 240, 320))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    encoder.close()
    assert os.listdir(tmp_path) == []


def test_the_global_lock_is_released():
    """Two encoders at work for a while let a third thread count on."""
    counted, done = [0], threading.Event()

    def count():
        while not done.is_set():
            counted[0] += 1
            time.sleep(0.001)

    thread = threading.Thread(target=count)
    target = io.BytesIO()
    encoder = diffy.DiffyEncoder(target, effort=9, threads=1)
    for i in range(40):
        encoder.push_frame(draw(i, 240, 320))
    thread.start()
    before = counted[0]
    start = time.monotonic()
    encoder.encode()
    took = time.monotonic() - start
    during = counted[0] - before
    done.set()
    thread.join()
    if took > 0.1:
        assert during > 5, f"counted {during} in {took:.2f} s"


def test_damage_is_stepped_over(tmp_path, clip, shown):
    data = bytearray(clip.read_bytes())
    data[len(data) // 2:len(data) // 2 + 8] = b"\xff" * 8
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        frames = list(diffy.DiffyDecoder(bytes(data)))
    assert 0 < len(frames) < FRAMES
    assert any("lost" in str(w.message) for w in caught)
    with pytest.raises(diffy.DamagedError):
        diffy.DiffyDecoder(bytes(data)).verify()


def test_a_cut_file_warns(clip):
    data = clip.read_bytes()
    with pytest.warns(UserWarning, match="incomplete"):
        decoder = diffy.DiffyDecoder(data[: len(data) * 2 // 3])
    assert 0 < len(decoder) < FRAMES


@pytest.mark.parametrize("data", [b"", b"DFY", b"RIFF0000WEBP", b"DFY\x63rest", b"DFY\x02"])
def test_what_is_no_dfy(data):
    with pytest.raises(diffy.DiffyError):
        diffy.DiffyDecoder(data)


def test_from_video(tmp_path, clip, shown):
    made = diffy.DiffyEncoder.from_video(clip, tmp_path / "again.dfy", quality=60, frames=20)
    assert made.bytes_written == (tmp_path / "again.dfy").stat().st_size and made.stats["frames"] == 20
    assert len(diffy.DiffyDecoder(tmp_path / "again.dfy")) == 20
    with pytest.raises(diffy.DiffyError, match="nope"):
        diffy.DiffyEncoder.from_video(tmp_path / "nope.mp4", tmp_path / "x.dfy")
    with pytest.raises(TypeError, match="colour"):
        diffy.DiffyEncoder.from_video(clip, tmp_path / "x.dfy", colour=3)


def test_a_fork_does_not_harm_the_parent(tmp_path):
    encoder = diffy.DiffyEncoder(tmp_path / "a.dfy", threads=2)
    for i in range(40):
        encoder.push_frame(draw(i))
    child = os.fork()
    if not child:
        code = 1
        try:
            encoder.push_frame(draw(0))
        except ValueError:
            code = 0
        del encoder
        os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    encoder.encode()
    assert len(list(diffy.DiffyDecoder(tmp_path / "a.dfy"))) == 40


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_come_upright(tmp_path, orientation):
    """By EXIF's rules: what is done to the stored picture before it is shown."""
    path = tmp_path / "turned.dfy"
    with diffy.DiffyEncoder(path, quality=95, orientation=orientation) as encoder:
        encoder.push_frame(draw(0))
    stored = tmp_path / "plain.dfy"
    with diffy.DiffyEncoder(stored, quality=95) as encoder:
        encoder.push_frame(draw(0))
    plain = next(diffy.DiffyDecoder(stored).iter_frames())
    wanted = {1: lambda a: a, 2: lambda a: a[:, ::-1], 3: lambda a: a[::-1, ::-1], 4: lambda a: a[::-1],
              5: lambda a: a.swapaxes(0, 1), 6: lambda a: np.rot90(a, -1), 7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
              8: lambda a: np.rot90(a, 1)}[orientation](plain)
    decoder, tensors = diffy.DiffyDecoder(path), diffy.VideoDecoder(path)
    assert (decoder.height, decoder.width) == (tensors.metadata.height, tensors.metadata.width) == wanted.shape[:2]
    assert (next(decoder.iter_frames()) == wanted).all()
    assert (np.moveaxis(np.asarray(tensors[0]), 0, -1) == wanted).all()
    assert (np.asarray(diffy.VideoDecoder(path, dimension_order="NHWC")[0]) == wanted).all()


def test_metadata_comes_back(tmp_path):
    path = tmp_path / "said.dfy"
    with diffy.DiffyEncoder(path, metadata={"camera": "dock 3", "fps": "as said"}) as encoder:
        encoder.push_frame(draw(0))
    assert diffy.DiffyDecoder(path).metadata["camera"] == "dock 3"
    assert diffy.DiffyDecoder(path).metadata["fps"] == "as said"
