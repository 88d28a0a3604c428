"""VideoDecoder: TorchCodec's interface."""

import io
import multiprocessing
import os
import pickle
import random
import threading

import numpy as np
import pytest
from conftest import FPS, FRAMES, HEIGHT, WIDTH, draw

import diffy
from diffy._video import torch_module

torch = torch_module()


def numpy_of(data):
    return np.asarray(data)


def hwc(data):
    return np.moveaxis(numpy_of(data), -3, -1)


@pytest.fixture
def decoder(clip):
    return diffy.VideoDecoder(clip)


def test_metadata(decoder):
    meta = decoder.metadata
    assert (meta.num_frames, meta.width, meta.height, meta.codec) == (FRAMES, WIDTH, HEIGHT, "dfy")
    assert meta.average_fps == pytest.approx(FPS) and meta.duration_seconds == pytest.approx(FRAMES / FPS)
    assert meta.begin_stream_seconds == 0 and len(decoder) == FRAMES


def test_frames_are_tensors_where_there_is_torch(decoder):
    assert isinstance(decoder[0], torch.Tensor if torch else np.ndarray)


def test_indexing(decoder, shown):
    assert decoder[7].shape == (3, HEIGHT, WIDTH)
    assert (hwc(decoder[7]) == shown[7]).all()
    assert (hwc(decoder[-1]) == shown[-1]).all()
    assert (hwc(decoder[np.int64(3)]) == shown[3]).all()
    assert (hwc(decoder[10:20:3]) == np.stack(shown[10:20:3])).all()
    assert (hwc(decoder[5:2:-1]) == np.stack(shown[5:2:-1])).all()
    assert decoder[4:4].shape == (0, 3, HEIGHT, WIDTH)
    assert sum(1 for _ in decoder) == FRAMES


def test_nhwc(clip, shown):
    decoder = diffy.VideoDecoder(clip, dimension_order="NHWC")
    assert (numpy_of(decoder.get_frames_at([4, 2]).data) == np.stack([shown[4], shown[2]])).all()


def test_get_frame_at(decoder, shown):
    frame = decoder.get_frame_at(30)
    data, pts, duration = frame
    assert (hwc(data) == shown[30]).all()
    assert pts == pytest.approx(30 / FPS) and duration == pytest.approx(1 / FPS)
    assert "data (shape)" in repr(frame)


@pytest.mark.parametrize("threads", [1, 3])
def test_batches_in_any_order(clip, shown, threads):
    decoder = diffy.VideoDecoder(clip, num_threads=threads)
    order = random.Random(5)
    for _ in range(4):
        wanted = [order.randrange(-FRAMES, FRAMES) for _ in range(24)] + [3, 3, 3]
        batch = decoder.get_frames_at(indices=wanted)
        assert (hwc(batch.data) == np.stack([shown[i] for i in wanted])).all()
        assert np.allclose(batch.pts_seconds, [i % FRAMES / FPS for i in wanted])
    one = next(iter(batch))
    assert one.data.shape == (3, HEIGHT, WIDTH) and len(batch) == 27 and len(batch[2:5]) == 3


@pytest.mark.skipif(torch is None, reason="torch is not installed")
def test_indices_as_a_tensor(decoder, shown):
    assert (hwc(decoder.get_frames_at(torch.tensor([5, 1])).data) == np.stack([shown[5], shown[1]])).all()
    assert decoder.get_frames_played_at(torch.tensor([0.0, 0.5])).data.shape[0] == 2


def test_ranges(decoder, shown):
    assert (hwc(decoder.get_frames_in_range(2, 12, 4).data) == np.stack(shown[2:12:4])).all()
    assert (hwc(decoder.get_frames_in_range(-3, 1000).data) == np.stack(shown[-3:])).all()
    with pytest.raises(ValueError):
        decoder.get_frames_in_range(0, 3, 0)


def test_by_time(decoder, shown):
    assert (hwc(decoder.get_frame_played_at(1.01).data) == shown[25]).all()
    assert decoder.get_frame_played_at(1.0).pts_seconds == pytest.approx(1.0)
    batch = decoder.get_frames_played_at(seconds=[2.0, 0.0, 1.999])
    assert np.allclose(batch.pts_seconds, [2.0, 0.0, 1.96])
    for i in range(FRAMES):
        assert decoder.get_frame_played_at(i * (1 / FPS)).pts_seconds == pytest.approx(i / FPS), i
    assert np.allclose(decoder.get_frames_played_in_range(1.0, 1.2).pts_seconds, [1.0, 1.04, 1.08, 1.12, 1.16])
    assert len(decoder.get_frames_played_in_range(1.0, 1.0)) == 0


@pytest.mark.parametrize("call, error", [
    (lambda d: d[FRAMES], IndexError),
    (lambda d: d[-FRAMES - 1], IndexError),
    (lambda d: d.get_frame_at(10**6), IndexError),
    (lambda d: d.get_frames_at([0, FRAMES]), IndexError),
    (lambda d: d.get_frame_played_at(-0.1), IndexError),
    (lambda d: d.get_frame_played_at(FRAMES / FPS), IndexError),
    (lambda d: d.get_frame_played_at(float("nan")), IndexError),
    (lambda d: d.get_frames_played_in_range(1, 0), ValueError),
    (lambda d: d.get_frames_played_in_range(0, 100), ValueError),
    (lambda d: d.get_frames_played_in_range(-1, 1), ValueError),
    (lambda d: d["a"], TypeError),
    (lambda d: d.get_frame_at(1.5), TypeError),
])
def test_what_is_not_there(decoder, call, error):
    with pytest.raises(error) as caught:
        call(decoder)
    assert len(str(caught.value)) > 20
    assert decoder[0].shape == (3, HEIGHT, WIDTH)  # it goes on


def test_bad_arguments(clip):
    for arguments in ({"dimension_order": "CHWN"}, {"num_threads": -1}, {"seek_mode": "x"}, {"stream_index": 3}):
        with pytest.raises(ValueError):
            diffy.VideoDecoder(clip, **arguments)
    with pytest.raises(TypeError, match="Unknown source type"):
        diffy.VideoDecoder(123)
    with pytest.raises(TypeError, match="binary reading"):
        with open(clip, errors="replace") as text:
            diffy.VideoDecoder(text)
    with pytest.raises(FileNotFoundError):
        diffy.VideoDecoder("/nowhere/x.dfy")


def test_sources(clip, shown):
    data = clip.read_bytes()
    sources = [data, bytearray(data), io.BytesIO(data), np.frombuffer(data, np.uint8)]
    if torch is not None:
        sources.append(torch.frombuffer(bytearray(data), dtype=torch.uint8))
    for source in sources:
        assert (hwc(diffy.VideoDecoder(source)[9]) == shown[9]).all()
    with open(clip, "rb") as file:
        decoder = diffy.VideoDecoder(file, num_threads=2)
        assert (hwc(decoder.get_frames_at([80, 5, 40]).data) == np.stack([shown[i] for i in (80, 5, 40)])).all()


class Broken(io.BytesIO):
    """A file whose disk fails once it is told to."""

    failing = False

    def read(self, size=-1):
        if self.failing:
            raise OSError(5, "Input/output error")
        return super().read(size)


def test_errors_of_a_file_object_come_through(clip):
    file = Broken(clip.read_bytes())
    decoder = diffy.VideoDecoder(file)
    file.failing = True
    with pytest.raises(OSError, match="Input/output"):
        decoder[70]
    file.failing = False
    assert decoder[70].shape == (3, HEIGHT, WIDTH)


def test_a_file_that_shrinks_while_it_is_read(tmp_path, clip):
    path = tmp_path / "a.dfy"
    path.write_bytes(clip.read_bytes())
    decoder = diffy.VideoDecoder(path)
    decoder[0]
    os.truncate(path, path.stat().st_size // 3)
    with pytest.raises((RuntimeError, OSError)) as caught:
        decoder[FRAMES - 1]
    assert len(str(caught.value)) > 20


def test_not_a_dfy(tmp_path):
    path = tmp_path / "film.mp4"
    path.write_bytes(b"\0\0\0\x18ftypmp42" + bytes(100))
    with pytest.raises(RuntimeError, match="film.mp4.*not a .dfy"):
        diffy.VideoDecoder(path)


def test_an_empty_video_file(clip):
    decoder = diffy.VideoDecoder(clip.read_bytes()[:120])
    assert len(decoder) == 0 and decoder.metadata.duration_seconds is None
    with pytest.raises(IndexError):
        decoder[0]


def test_closing(clip):
    with diffy.VideoDecoder(clip) as decoder:
        decoder[0]
    decoder.close()
    with pytest.raises(RuntimeError, match="closed"):
        decoder[0]


def test_pickling(clip, shown):
    decoder = pickle.loads(pickle.dumps(diffy.VideoDecoder(clip, dimension_order="NHWC")))
    assert (numpy_of(decoder[3]) == shown[3]).all()
    with pytest.raises(TypeError, match="path"):
        pickle.dumps(diffy.VideoDecoder(io.BytesIO(clip.read_bytes())))


def test_many_threads_share_a_decoder(decoder, shown):
    wrong = []

    def work(seed):
        order = random.Random(seed)
        for _ in range(15):
            i = order.randrange(FRAMES)
            if not (hwc(decoder[i]) == shown[i]).all():
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def _child(decoder, index, queue):
    queue.put(np.asarray(decoder[index]).sum())


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers(clip, shown, method):
    decoder = diffy.VideoDecoder(clip, num_threads=3)
    decoder.get_frames_at([80, 1, 40])
    context = multiprocessing.get_context(method)
    queue = context.Queue()
    processes = [context.Process(target=_child, args=(decoder, i, queue)) for i in (10, 70)]
    for process in processes:
        process.start()
    sums = {queue.get(timeout=60) for _ in processes}
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    assert sums == {shown[10].sum(), shown[70].sum()}
    assert (hwc(decoder[80]) == shown[80]).all()


def test_without_torch(clip, run_python):
    out = run_python("""
import sys
sys.modules["torch"] = None
import numpy, diffy, diffy.data, diffy.lerobot
d = diffy.VideoDecoder(sys.argv[1])
b = d.get_frames_at([3, 1])
assert type(b.data) is numpy.ndarray and type(b.pts_seconds) is numpy.ndarray
f = diffy.lerobot.decode_video_frames(sys.argv[1], [0.0, 0.04], 1e-3)
assert f.dtype == numpy.float32 and f.max() <= 1
item = diffy.data.FrameDataset(sys.argv[1], delta_timestamps=[0, 0.04])[0]
print(item["frames"].shape)
""", clip)
    assert out == f"(2, 3, {HEIGHT}, {WIDTH})"


def test_longer_than_one_batch_of_memory_is_refused_with_a_sentence(clip):
    with pytest.raises(MemoryError, match="memory"):
        diffy.VideoDecoder(clip, memory_limit=1000)


def test_the_names_of_torchcodec():
    from diffy.decoders import VideoDecoder

    assert VideoDecoder is diffy.VideoDecoder


def test_odd_sizes(tmp_path):
    path = tmp_path / "odd.dfy"
    with diffy.DiffyEncoder(path, quality=90) as encoder:
        for i in range(3):
            encoder.push_frame(draw(i, 37, 53))
    chw, rgb = diffy.VideoDecoder(path)[2], next(diffy.DiffyDecoder(path).iter_frames(2))
    assert chw.shape == (3, 37, 53) and (hwc(chw) == rgb).all()
