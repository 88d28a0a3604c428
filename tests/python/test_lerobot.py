"""LeRobot data sets: conversion, frames by their times."""

import json
import pickle
import shutil
import subprocess
import sys
import types

import numpy as np
import pytest
from conftest import FPS, FRAMES, HEIGHT, WIDTH, draw

import diffy
from diffy import lerobot

needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
KEY = "observation.images.top"


def write_mp4(path, frames):
    path.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["ffmpeg", "-v", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(FPS),
                    "-i", "-", "-c:v", "libx264", "-qp", "4", "-pix_fmt", "yuv420p", "-g", "2", str(path)],
                   input=b"".join(f.tobytes() for f in frames), check=True)


def write_info(root, version, video_path):
    info = {"codebase_version": version, "fps": FPS, "video_path": video_path, "total_episodes": 2,
            "features": {KEY: {"dtype": "video", "shape": [HEIGHT, WIDTH, 3],
                               "info": {"video.fps": FPS, "video.codec": "av1", "video.pix_fmt": "yuv420p"}},
                         "action": {"dtype": "float32", "shape": [2]}}}
    (root / "meta").mkdir(parents=True)
    (root / "meta" / "info.json").write_text(json.dumps(info))


@pytest.fixture
def set_v21(tmp_path):
    root = tmp_path / "push"
    write_info(root, "v2.1", "videos/chunk-{episode_chunk:03d}/{video_key}/episode_{episode_index:06d}.mp4")
    lengths = (20, 31)
    with open(root / "meta" / "episodes.jsonl", "w") as rows:
        for episode, length in enumerate(lengths):
            rows.write(json.dumps({"episode_index": episode, "length": length, "tasks": ["push"]}) + "\n")
            write_mp4(root / f"videos/chunk-000/{KEY}/episode_{episode:06d}.mp4", [draw(i + 7 * episode) for i in range(length)])
    (root / "data" / "chunk-000").mkdir(parents=True)
    (root / "data" / "chunk-000" / "episode_000000.parquet").write_bytes(b"PAR1 as it is")
    return root


@needs_ffmpeg
def test_version_2_1(set_v21):
    said = []
    made = lerobot.convert(set_v21, quality=60, effort=1, progress=lambda *a: said.append(a))
    assert made == set_v21.with_name("push_dfy") and len(said) == 3
    info = json.loads((made / "meta" / "info.json").read_text())
    assert info["video_path"] == "videos/chunk-{episode_chunk:03d}/{video_key}/episode_{episode_index:06d}.dfy"
    assert info["features"][KEY]["info"]["video.codec"] == "dfy" and info["features"]["action"]["shape"] == [2]
    assert (made / "data/chunk-000/episode_000000.parquet").read_bytes() == b"PAR1 as it is"
    for episode, length in enumerate((20, 31)):
        path = made / info["video_path"].format(episode_chunk=0, video_key=KEY, episode_index=episode)
        frames = lerobot.decode_video_frames(path, [i / FPS for i in range(length)], 1e-4)
        assert len(frames) == length and len(diffy.VideoDecoder(path)) == length
        error = np.abs(np.moveaxis(np.asarray(frames), 1, -1) * 255 - [draw(i + 7 * episode) for i in range(length)]).mean()
        assert error < 12  # 4:2:0, twice
    assert not list(made.rglob("*.mp4")) and len(list(set_v21.rglob("*.mp4"))) == 2
    assert lerobot.convert(set_v21) == made  # a second time finds all done


@needs_ffmpeg
def test_version_3_beside_the_mp4(tmp_path):
    root = tmp_path / "three"
    template = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
    write_info(root, "v3.0", template)
    write_mp4(root / template.format(video_key=KEY, chunk_index=0, file_index=0), [draw(i) for i in range(40)])
    lerobot.convert(root, root, quality=40, effort=1)
    info = json.loads((root / "meta" / "info.json").read_text())
    path = root / info["video_path"].format(video_key=KEY, chunk_index=0, file_index=0)
    assert path.suffix == ".dfy" and path.with_suffix(".mp4").exists()
    # An episode is a range of times in the file.
    frames = lerobot.decode_video_frames(path, [20 / FPS + i / FPS for i in range(4)], 1e-4, return_uint8=True)
    assert frames.shape == (4, 3, HEIGHT, WIDTH)


@needs_ffmpeg
def test_an_episode_of_another_length(set_v21):
    rows = set_v21 / "meta" / "episodes.jsonl"
    rows.write_text(rows.read_text().replace('"length": 31', '"length": 30'))
    with pytest.raises(diffy.DiffyError, match="31 frames but its episode has 30"):
        lerobot.convert(set_v21, effort=1)
    assert not (set_v21.with_name("push_dfy") / "meta" / "info.json").exists()


@needs_ffmpeg
def test_command_line(set_v21, tmp_path):
    done = subprocess.run([sys.executable, "-m", "diffy.lerobot", set_v21, tmp_path / "out", "--effort", "1"],
                          capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.strip() == str(tmp_path / "out")
    done = subprocess.run([sys.executable, "-m", "diffy.lerobot", tmp_path / "nowhere"], capture_output=True, text=True)
    assert done.returncode == 1 and "meta/info.json" in done.stderr and "Traceback" not in done.stderr


def test_sets_that_can_not_be_converted(tmp_path):
    with pytest.raises(FileNotFoundError, match="info.json"):
        lerobot.convert(tmp_path)
    write_info(tmp_path / "old", "v1.6", "x")
    with pytest.raises(diffy.DiffyError, match="v1.6"):
        lerobot.convert(tmp_path / "old")
    write_info(tmp_path / "none", "v2.1", None)
    with pytest.raises(diffy.DiffyError, match="no videos"):
        lerobot.convert(tmp_path / "none")


def test_times_outside_the_tolerance(clip):
    for error in (ValueError, AssertionError, lerobot.FrameTimestampError):
        with pytest.raises(error, match="tolerance"):
            lerobot.decode_video_frames(clip, [0.0, 0.5 / FPS], 1e-4)
    with pytest.raises(lerobot.FrameTimestampError):
        lerobot.decode_video_frames(clip, [FRAMES / FPS + 5], 1e-4)
    with pytest.raises(lerobot.FrameTimestampError):
        lerobot.decode_video_frames(clip, [-0.5], 1e-4)
    near = lerobot.decode_video_frames(clip, [0.4 / FPS], 0.5 / FPS, backend="torchcodec")
    assert near.shape == (1, 3, HEIGHT, WIDTH)


def test_values(clip, shown):
    frames = lerobot.decode_video_frames(str(clip), [0.2, 0.04], 1e-4)
    assert np.asarray(frames).dtype == np.float32
    assert np.allclose(np.moveaxis(np.asarray(frames), 1, -1) * 255, [shown[5], shown[1]], atol=1e-3)


def test_cache(tmp_path, clip):
    cache = lerobot.DecoderCache(2, num_threads=1)
    names = [tmp_path / f"{i}.dfy" for i in range(3)]
    for name in names:
        shutil.copy(clip, name)
        cache.get(name)
    assert len(cache) == 2
    assert cache.get(names[2]) is cache.get(names[2])
    old = cache.get(names[0])
    names[0].write_bytes(clip.read_bytes()[: len(clip.read_bytes()) // 2])
    with pytest.raises(FileNotFoundError):
        cache.get(tmp_path / "none.dfy")
    assert cache.get(names[0]) is not old  # it changed
    again = pickle.loads(pickle.dumps(cache))
    assert again.capacity == 2 and len(again) == 0
    cache.clear()
    assert cache.size() == 0


def test_install(clip, monkeypatch):
    """A stand-in for LeRobot: the names that its loader imports."""
    parent, datasets, utils, loader = (types.ModuleType(n) for n in (
        "lerobot", "lerobot.datasets", "lerobot.datasets.video_utils", "lerobot.datasets.lerobot_dataset"))
    utils.decode_video_frames = lambda video_path, timestamps, tolerance_s, backend=None: "theirs"
    loader.decode_video_frames = utils.decode_video_frames
    parent.datasets, datasets.video_utils = datasets, utils
    for module in (parent, datasets, utils, loader):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    lerobot.install()
    assert loader.decode_video_frames("x.mp4", [0.0], 1e-4) == "theirs"
    assert loader.decode_video_frames(clip, [0.0], 1e-4, "pyav").shape == (1, 3, HEIGHT, WIDTH)


def test_install_without_lerobot(monkeypatch):
    monkeypatch.setitem(sys.modules, "lerobot", None)
    with pytest.raises(ImportError, match="LeRobot"):
        lerobot.install()
