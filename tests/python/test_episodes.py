"""Many recordings of one camera in one file, each found by its name."""

import sys
import types

import numpy as np
import pytest
from conftest import FPS, HEIGHT, WIDTH, draw
from test_lerobot import KEY, needs_ffmpeg, write_info, write_mp4

import diffy
import diffy.data
from diffy import lerobot

LENGTHS = (9, 1, 14)
NAMES = ("reach", "the shortest", "\u53d6 \U0001f600")


@pytest.fixture(params=[0, 4], ids=["usual", "access"])
def joined(tmp_path, request):
    path = tmp_path / "joined.dfy"
    with diffy.DiffyEncoder(path, fps=FPS, quality=60, effort=1, access=request.param) as encoder:
        for name, length in zip(NAMES, LENGTHS):
            encoder.begin_episode(name)
            for i in range(length):
                encoder.push_frame(draw(i + 7 * length))
    return path


def test_names_and_ranges(joined):
    decoder = diffy.VideoDecoder(joined)
    episodes = decoder.metadata.episodes
    assert [e.name for e in episodes] == list(NAMES)
    assert [(e.first_frame, e.num_frames, e.stop) for e in episodes] == [(0, 9, 9), (9, 1, 10), (10, 14, 24)]
    assert np.allclose([e.start_seconds for e in episodes], [0, 9 / FPS, 10 / FPS])
    assert np.allclose([e.duration_seconds for e in episodes], [9 / FPS, 1 / FPS, 14 / FPS])
    assert diffy.DiffyDecoder(joined).episodes == episodes
    episode = decoder.metadata.episode("reach")
    assert isinstance(episode, diffy.Episode) and list(episode.frames) == list(range(9))
    with pytest.raises(KeyError, match="no episode 'nobody'"):
        decoder.metadata.episode("nobody")


def test_frames_of_an_episode(joined):
    decoder = diffy.VideoDecoder(joined, dimension_order="NHWC")
    for name, length in zip(NAMES, LENGTHS):
        batch = decoder.get_frames_at(decoder.metadata.episode(name).frames)
        wanted = np.array([draw(i + 7 * length) for i in range(length)], float)
        assert np.abs(np.asarray(batch.data) - wanted).mean() < 12
        assert np.allclose(np.diff(np.asarray(batch.pts_seconds)), 1 / FPS)


def test_names_that_can_not_be(tmp_path):
    with diffy.DiffyEncoder(tmp_path / "a.dfy", fps=FPS, effort=1) as encoder:
        encoder.push_frame(draw(0))
        encoder.push_frame(draw(1))
        for name in ("", "two\nlines", "x" * 256):
            with pytest.raises(ValueError, match="name must be 1 to 255 bytes of UTF-8"):
                encoder.begin_episode(name)
        encoder.begin_episode("once")
        encoder.push_frame(draw(2))
        with pytest.raises(ValueError, match="There is already an episode once"):
            encoder.begin_episode("once")
    assert [e.first_frame for e in diffy.DiffyDecoder(tmp_path / "a.dfy").episodes] == [2]
    with pytest.raises(ValueError, match="Format 1"):
        diffy.DiffyEncoder(tmp_path / "b.dfy", format=1).begin_episode("x")
    assert diffy.DiffyDecoder(tmp_path / "a.dfy").info["episodes"] == 1


@needs_ffmpeg
def test_a_folder_of_videos(tmp_path):
    for name, length in zip(("b", "a"), (5, 8)):
        write_mp4(tmp_path / "in" / f"{name}.mp4", [draw(i) for i in range(length)])
    diffy.DiffyEncoder.from_video(tmp_path / "in", tmp_path / "all.dfy", effort=1, episodes=True)
    episodes = diffy.VideoDecoder(tmp_path / "all.dfy").metadata.episodes
    assert [(e.name, e.num_frames) for e in episodes] == [("a", 8), ("b", 5)]


def test_windows_end_with_their_episode(joined):
    data = diffy.data.FrameDataset(joined, delta_timestamps=[-1 / FPS, 0, 1 / FPS])
    pads = {i: list(np.asarray(data[i]["is_pad"])) for i in (0, 8, 9, 10, 11, 23)}
    assert pads == {0: [True, False, False], 8: [False, False, True], 9: [True, False, True], 10: [True, False, False],
                    11: [False, False, False], 23: [False, False, True]}
    first, last = np.asarray(data[10]["frames"]), np.asarray(data[8]["frames"])
    assert (first[0] == first[1]).all() and (last[2] == last[1]).all()  # padding is of the episode itself


def episode_rows():
    """As LeRobot 3 lists them: two episodes in a file, and one in another."""
    for index, (file, start, length) in enumerate(((0, 0, 12), (0, 12, 18), (1, 0, 10))):
        yield {"episode_index": index, "length": length, f"videos/{KEY}/chunk_index": 0, f"videos/{KEY}/file_index": file,
               f"videos/{KEY}/from_timestamp": start / FPS, f"videos/{KEY}/to_timestamp": (start + length) / FPS}


def write_table(path, rows):
    """By pyarrow where that is, else an empty file that a stand-in for its reader goes with."""
    path.parent.mkdir(parents=True)
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        path.touch()
        table = types.SimpleNamespace(to_pylist=lambda: rows)
        parquet = types.ModuleType("pyarrow.parquet")
        parquet.read_table = lambda name: table
        package = types.ModuleType("pyarrow")
        package.parquet = parquet
        return {"pyarrow": package, "pyarrow.parquet": parquet}
    parquet.write_table(pyarrow.Table.from_pylist(rows), str(path))
    return {}


@needs_ffmpeg
def test_joined_videos_of_lerobot_3(tmp_path, monkeypatch):
    root = tmp_path / "three"
    template = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
    write_info(root, "v3.0", template)
    for file, length in enumerate((30, 10)):
        write_mp4(root / template.format(video_key=KEY, chunk_index=0, file_index=file), [draw(i) for i in range(length)])
    for name, module in write_table(root / "meta/episodes/chunk-000/file-000.parquet", list(episode_rows())).items():
        monkeypatch.setitem(sys.modules, name, module)
    made = lerobot.convert(root, effort=1)
    paths = [(made / template.format(video_key=KEY, chunk_index=0, file_index=file)).with_suffix(".dfy") for file in (0, 1)]
    found = [[(e.name, e.first_frame, e.num_frames) for e in diffy.VideoDecoder(p).metadata.episodes] for p in paths]
    assert found == [[("episode_000000", 0, 12), ("episode_000001", 12, 18)], [("episode_000002", 0, 10)]]
    assert diffy.DiffyDecoder(paths[0]).info["access_pictures"] == 4
    assert (made / "meta/episodes/chunk-000/file-000.parquet").exists()
    # Episodes are read by the times that the data set states.
    frames = lerobot.decode_video_frames(paths[0], [12 / FPS, 29 / FPS], 1e-4, return_uint8=True)
    assert frames.shape == (2, 3, HEIGHT, WIDTH)


@needs_ffmpeg
def test_joined_videos_without_pyarrow(tmp_path, monkeypatch):
    root = tmp_path / "three"
    template = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
    write_info(root, "v3.0", template)
    write_mp4(root / template.format(video_key=KEY, chunk_index=0, file_index=0), [draw(i) for i in range(5)])
    (root / "meta/episodes").mkdir()
    (root / "meta/episodes/a.parquet").touch()
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.warns(UserWarning, match="pyarrow"):
        lerobot.convert(root, effort=1)
