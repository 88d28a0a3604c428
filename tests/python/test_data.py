"""FrameDataset and NearSampler, in a real DataLoader with workers."""

import shutil

import numpy as np
import pytest
from conftest import FPS, FRAMES, HEIGHT, WIDTH

import diffy.data
from diffy._video import torch_module

torch = torch_module()
needs_torch = pytest.mark.skipif(torch is None, reason="torch is not installed")


@pytest.fixture(scope="module")
def folder(tmp_path_factory, clip):
    path = tmp_path_factory.mktemp("data")
    (path / "b").mkdir()
    shutil.copy(clip, path / "a.dfy")
    shutil.copy(clip, path / "b" / "c.dfy")
    return path


def test_items(folder, shown):
    data = diffy.data.FrameDataset(folder)
    assert len(data) == 2 * FRAMES
    item = data[FRAMES + 5]
    assert item["frame_index"] == 5 and item["file_index"] == 1 and item["timestamp"] == pytest.approx(5 / FPS)
    assert (np.moveaxis(np.asarray(item["frames"]), 0, -1) == shown[5]).all()
    assert data[-1]["frame_index"] == FRAMES - 1
    with pytest.raises(IndexError):
        data[2 * FRAMES]


def test_windows(folder, shown):
    data = diffy.data.FrameDataset(folder, delta_timestamps=[-2 / FPS, 0, 1 / FPS])
    first, middle = data[0], data[40]
    assert first["frames"].shape == (3, 3, HEIGHT, WIDTH)
    assert list(np.asarray(first["is_pad"])) == [True, False, False]
    assert (np.moveaxis(np.asarray(middle["frames"]), 1, -1) == np.stack([shown[i] for i in (38, 40, 41)])).all()
    assert list(np.asarray(data[FRAMES - 1]["is_pad"])) == [False, False, True]


def test_deltas_between_frames(folder):
    data = diffy.data.FrameDataset(folder, delta_timestamps=[0.5 / FPS])
    with pytest.raises(ValueError, match="tolerance_s"):
        data[3]


def test_strides(folder):
    data = diffy.data.FrameDataset(folder, stride=7)
    assert len(data) == 2 * ((FRAMES + 6) // 7) and data[1]["frame_index"] == 7


def test_nothing_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        diffy.data.FrameDataset(tmp_path)
    with pytest.raises(FileNotFoundError):
        diffy.data.FrameDataset(tmp_path / "nowhere")


def test_sampler(folder):
    data = diffy.data.FrameDataset(folder)
    sampler = diffy.data.NearSampler(data, run=8, mixed=2, seed=4)
    first, second = list(sampler), list(sampler)
    assert sorted(first) == sorted(second) == list(range(len(data))) and first != second
    sampler.set_epoch(0)
    assert list(sampler) == first
    assert len(sampler) == len(data)
    near = [len({i // 8 for i in first[k:k + 16]}) for k in range(0, len(first) - 16, 16)]
    assert max(near) <= 4  # of 23 runs


@needs_torch
@pytest.mark.parametrize("method, workers", [(None, 0), ("fork", 2), ("spawn", 1)])
def test_data_loader(folder, shown, method, workers):
    data = diffy.data.FrameDataset(folder, delta_timestamps=[0.0, 1 / FPS], stride=3)
    data[3]  # the parent has decoders open when its workers begin
    loader = torch.utils.data.DataLoader(data, batch_size=10, sampler=diffy.data.NearSampler(data), num_workers=workers,
                                         multiprocessing_context=method if workers else None, timeout=60 if workers else 0)
    seen = 0
    for batch in loader:
        assert batch["frames"].shape[1:] == (2, 3, HEIGHT, WIDTH)
        for frames, index in zip(batch["frames"], batch["frame_index"]):
            assert (frames[0].permute(1, 2, 0).numpy() == shown[int(index)]).all()
        seen += len(batch["frames"])
    assert seen == len(data)
