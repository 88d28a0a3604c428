"""Splat sequences: the layers, Diffy's own codec, the command line, codecs in Python, hostile streams."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import diffy
from diffy._video import torch_module
from diffy.splat import AbstractSerializer, GaussianModel, Payload, SequenceEncoder, SplatDecoder, SplatEncoder, codecs, compare
from diffy.splat._stored import dump, load
from diffy.splat.combinations import (
    DECODERS,
    ENCODERS,
    VQXYZZstdDecoder,
    VQXYZZstdEncoder,
    VQXYZZstdEncoderConfig,
    build_vqxyzzstd_decoder,
    build_vqxyzzstd_encoder,
)
from diffy.splat.compress.zstd import ZstdDeserializer, ZstdSerializer
from diffy.splat.interframe import InterframeDecoder, InterframeEncoder
from diffy.splat.interframe.combine import CombinedInterframeCodecInterface
from diffy.splat.io import BytesReader, BytesWriter, FrameReader, FrameWriter
from diffy.splat.vq import VQInterframeCodecConfig, VQInterframeCodecInterface
from diffy.splat.xyz import XYZQuantInterframeCodecConfig, XYZQuantInterframeCodecInterface

EXAMPLES = Path(__file__).resolve().parents[2] / "bindings/python/examples"
sys.path.insert(0, str(EXAMPLES))
import splat_codec  # noqa: E402

NAMES = ("_xyz", "_features_dc", "_features_rest", "_scaling", "_rotation", "_opacity")
torch = torch_module()
SMALL = VQInterframeCodecConfig(num_clusters=16, max_iter=20)


def model(count=200, degree=1, seed=1, shift=0.0):
    random = np.random.default_rng(seed)
    frame = GaussianModel(degree)
    frame._xyz = random.normal(size=(count, 3)).astype(np.float32)
    frame._xyz[: count // 10] += np.float32(shift)
    frame._features_dc = random.normal(size=(count, 1, 3)).astype(np.float32)
    frame._features_rest = (0.2 * random.normal(size=(count, (degree + 1) ** 2 - 1, 3))).astype(np.float32)
    frame._scaling = random.uniform(-6, -3, (count, 3)).astype(np.float32)
    frame._rotation = random.normal(size=(count, 4)).astype(np.float32)
    frame._opacity = random.normal(size=(count, 1)).astype(np.float32)
    return frame


@pytest.fixture(scope="module")
def frames():
    return [model(shift=0.1 * i) for i in range(5)]


@pytest.fixture(scope="module")
def coded(frames):
    return b"".join(VQXYZZstdEncoder(vq_config=SMALL).encode_stream(frames))


def same(a, b):
    return all((np.asarray(getattr(a, n)) == np.asarray(getattr(b, n))).all() for n in NAMES)


# ---------------------------------------------------------------- the layers


def test_a_stream_in_pieces(frames, coded):
    for size in (1, 7, 1000, len(coded)):
        pieces = [coded[i:i + size] for i in range(0, len(coded), size)]
        back = list(VQXYZZstdDecoder(payload_device="cpu").decode_stream(pieces))
        assert len(back) == len(frames)
    assert back[0]._xyz.shape == (200, 3) and back[0]._features_rest.shape == (200, 3, 3)
    assert isinstance(back[0]._xyz, torch.Tensor if torch else np.ndarray)
    errors = compare(frames[3], back[3])
    assert errors["compared"] == 200 and errors["position"][0] < 0.02


def test_the_stream_is_a_file_that_the_c_codec_plays(frames, coded):
    own = b"".join(SequenceEncoder("vqxyz-zstd", key_interval=0, iterations=20,
                                   **{f"clusters_{n}": 16 for n in ("rotation_re", "rotation_im", "opacity", "scale", "dc",
                                                                    "rest_0", "rest_1", "rest_2")}).encode_stream(frames))
    assert own == coded
    decoder = SplatDecoder(coded)
    assert decoder.info["codec"] == "vqxyz-zstd" and len(decoder) == 5
    assert all(same(a, b) for a, b in zip(decoder, VQXYZZstdDecoder().decode_stream([coded])))


@pytest.mark.parametrize("codec", ["vqxyz-range", "vqxyz-zlib"])
def test_files_of_the_c_codec_are_read_by_the_layers(frames, codec):
    data = b"".join(SequenceEncoder(codec).encode_stream(frames))
    assert all(same(a, b) for a, b in zip(SplatDecoder(data), VQXYZZstdDecoder().decode_stream([data])))


def test_the_order_of_splats_is_kept(frames, coded):
    back = list(VQXYZZstdDecoder().decode_stream([coded]))
    assert np.abs(np.asarray(back[4]._xyz) - frames[4]._xyz).max() < 0.2


def test_finer_settings_cost_bytes_and_give_precision(frames, coded):
    fine = VQXYZZstdEncoder(vq_config=VQInterframeCodecConfig(num_clusters=128, num_clusters_features_rest=[64, 64, 64]),
                            xyz_config=XYZQuantInterframeCodecConfig(alpha=0.02, k=2, sample_size=100), zstd_level=19)
    data = b"".join(fine.encode_stream(frames))
    better = compare(frames[2], list(VQXYZZstdDecoder().decode_stream([data]))[2])
    worse = compare(frames[2], list(VQXYZZstdDecoder().decode_stream([coded]))[2])
    assert len(data) > len(coded) and better["dc"][0] < worse["dc"][0] and better["position"][0] < worse["position"][0]


def test_tolerance_of_positions(frames):
    moved = [model(shift=0), model(shift=1e-4)]
    xyz = {"alpha": 1.0}
    strict, slack = (b"".join(VQXYZZstdEncoder(vq_config=SMALL, xyz_config=XYZQuantInterframeCodecConfig(tolerance=t, **xyz))
                              .encode_stream(moved)) for t in (0, 2))
    assert len(slack) <= len(strict)


def test_another_number_of_splats_begins_anew(frames):
    sequence = [frames[0], model(150, 1, 2), model(150, 1, 2, 0.1)]
    data = b"".join(VQXYZZstdEncoder(vq_config=SMALL).encode_stream(sequence))
    assert [len(m._xyz) for m in VQXYZZstdDecoder().decode_stream([data])] == [200, 150, 150]
    assert SplatDecoder(data).info["key_frames"] == 2


def test_two_passes_fit_all_frames():
    dim, bright = model(seed=3), model(seed=3)
    bright._features_dc = bright._features_dc + np.float32(4)
    errors = []
    for two_pass in (False, True):
        data = b"".join(VQXYZZstdEncoder(vq_config=SMALL, two_pass=two_pass).encode_stream([dim, bright]))
        errors.append(compare(bright, list(VQXYZZstdDecoder().decode_stream([data]))[1])["dc"][0])
    assert errors[1] < errors[0] / 2


def test_each_part_alone(frames):
    for interface, config, names in (
        (XYZQuantInterframeCodecInterface(), XYZQuantInterframeCodecConfig(), ("_xyz",)),
        (VQInterframeCodecInterface(), SMALL, NAMES[1:]),
    ):
        data = b"".join(InterframeEncoder(serializer=ZstdSerializer(level=3), interface=interface, init_config=config)
                        .encode_stream(frames))
        back = list(InterframeDecoder(deserializer=ZstdDeserializer(), interface=interface).decode_stream([data]))
        assert len(back) == 5 and all(len(getattr(back[2], n)) == 200 for n in names)


def test_contexts_do_not_share_state(frames):
    """Two sequences by one interface, in turn."""
    interface, config = XYZQuantInterframeCodecInterface(), XYZQuantInterframeCodecConfig()
    first = interface.keyframe_to_context(frames[0], config)
    other = interface.keyframe_to_context(model(seed=9), config)
    before = first.quantized_xyz.copy()
    interface.interframe_to_context(frames[1], other)
    assert (first.quantized_xyz == before).all() and first.step_size > 0 and first.origin.shape == (3,)


@pytest.mark.skipif(torch is None, reason="torch is not installed")
def test_tensors_as_models(frames, coded):
    tensors = []
    for frame in frames:
        other = type("Model", (), {})()
        for name in NAMES:
            setattr(other, name, torch.nn.Parameter(torch.from_numpy(np.array(getattr(frame, name)))))
        tensors.append(other)
    assert b"".join(VQXYZZstdEncoder(vq_config=SMALL).encode_stream(tensors)) == coded


def test_models_that_are_none(frames):
    with pytest.raises(TypeError, match="_xyz"):
        next(VQXYZZstdEncoder().encode_frame(object()))
    bad = model()
    bad._rotation = bad._rotation[:50]
    with pytest.raises(ValueError, match="_rotation"):
        next(VQXYZZstdEncoder().encode_frame(bad))
    with pytest.raises(ValueError):
        VQXYZZstdEncoder(zstd_level=99)
    with pytest.raises(ValueError, match="clusters"):
        next(VQXYZZstdEncoder(vq_config=VQInterframeCodecConfig(num_clusters=0)).encode_frame(model()))


def test_registry(frames):
    assert "vqxyzzstd" in ENCODERS and "tree" in DECODERS and ENCODERS["vqxyzzstd"].description
    encoder = build_vqxyzzstd_encoder(VQXYZZstdEncoderConfig(vq=SMALL, xyz=XYZQuantInterframeCodecConfig(), zstd_level=3))
    data = b"".join(encoder.encode_stream(frames))
    assert len(list(build_vqxyzzstd_decoder(DECODERS["vqxyzzstd"].config_class()).decode_stream([data]))) == 5


# ---------------------------------------------------------------- codecs in Python


def test_a_codec_in_python_alone(frames):
    data = b"".join(splat_codec.encoder().encode_stream(frames))
    back = list(splat_codec.decoder().decode_stream([data]))
    alpha = [1 / (1 + np.exp(-np.asarray(m._opacity, float))) for m in (frames[2], back[2])]
    assert len(back) == 5 and np.abs(alpha[0] - alpha[1]).max() < 1 / 255
    with pytest.raises(diffy.DiffyError, match="python-zstd"):
        SplatDecoder(data)


def test_a_codec_in_python_combined(frames):
    encoder, decoder = splat_codec.combined()
    data = b"".join(encoder.encode_stream(frames))
    back = list(decoder.decode_stream([data[:100], data[100:]]))
    assert len(back) == 5 and back[4]._xyz.shape == (200, 3) and back[4]._opacity.shape == (200, 1)
    assert np.abs(np.asarray(back[4]._xyz) - frames[4]._xyz).max() < 0.2


def test_other_codecs_than_those_that_made_it(frames):
    data = b"".join(splat_codec.combined()[0].encode_stream(frames))
    three = CombinedInterframeCodecInterface([XYZQuantInterframeCodecInterface()] * 3)
    with pytest.raises(diffy.DamagedError, match="parts"):
        list(InterframeDecoder(deserializer=ZstdDeserializer(), interface=three).decode_stream([data]))
    with pytest.raises(diffy.DamagedError):
        list(VQXYZZstdDecoder().decode_stream([data]))


def test_the_example(tmp_path, frames):
    for i, frame in enumerate(frames):
        frame.save_ply(tmp_path / f"f_{i:04d}.ply")
    done = subprocess.run([sys.executable, EXAMPLES / "splat_codec.py", tmp_path / "f_0000.ply", tmp_path / "f_{:04d}.ply",
                           tmp_path / "o.dfy"], capture_output=True, text=True)
    assert done.stdout == "5 models of 200 splats\n", done.stderr


# ---------------------------------------------------------------- streams from strangers


def test_damaged_streams(coded):
    for cut in (3, 10, 60, len(coded) // 2, len(coded) - 1):
        with pytest.raises((diffy.DiffyError, ValueError)):
            list(VQXYZZstdDecoder().decode_stream([coded[:cut]]))
    random = np.random.default_rng(0)
    for _ in range(60):
        data = bytearray(coded)
        data[random.integers(4, len(data))] ^= 3 << random.integers(7)  # of one bit the checksum tells which
        with pytest.raises((diffy.DiffyError, ValueError)):
            list(VQXYZZstdDecoder().decode_stream([bytes(data)]))
    with pytest.raises(diffy.DiffyError, match="DFY"):
        list(VQXYZZstdDecoder().decode_stream([b"\x80\x04pickle"]))


def test_damage_behind_right_checksums(coded):
    """What a stranger may write: every checksum right, any byte of a frame wrong."""
    from diffy import _native

    decoder = ZstdDeserializer()
    decoder._held += coded
    decoder._check_magic()
    chunks = []
    while (chunk := decoder._chunk()) is not None:
        chunks.append(chunk)
    random = np.random.default_rng(1)
    for _ in range(80):
        pieces = []
        container = _native.Container(pieces.append)
        for kind, flags, payload in chunks:
            payload = bytearray(payload)
            if kind == 0x11:
                payload[random.integers(len(payload))] = random.integers(256)
            if kind in (0x10, 0x11):
                container.chunk(kind, flags, bytes(payload), 0, int(kind == 0x11))
        container.finish()
        try:
            list(VQXYZZstdDecoder().decode_stream([b"".join(pieces)]))
        except (diffy.DiffyError, ValueError, MemoryError):
            pass


class Evil:
    made = []

    def __reduce__(self):
        return (Evil.made.append, (1,))


def test_payloads_are_plain_values():
    with pytest.raises(TypeError, match="Evil"):
        dump(splat_codec.OpacityKeyPayload(Evil(), 255))
    with pytest.raises(TypeError, match="object"):
        dump(splat_codec.OpacityKeyPayload(np.array([Evil()], object), 255))
    value = splat_codec.OpacityKeyPayload({"a": [1, -(2**70), 2.5, None, True, "ä", b"\0", (np.float32(3),)]}, -1)
    back = load(dump(value))
    assert back == value and type(back) is splat_codec.OpacityKeyPayload


def test_classes_that_are_no_payloads_are_not_made():
    good = dump(splat_codec.OpacityKeyPayload(np.zeros(3, np.uint8), 255))
    name = b"splat_codec.OpacityKeyPayload"
    for other in (b"subprocess.Popen", b"builtins.eval", b"splat_codec.OpacityCodec"):
        with pytest.raises(diffy.DamagedError, match="not known"):
            load(good.replace(len(name).to_bytes(8, "little") + name, len(other).to_bytes(8, "little") + other))
    with pytest.raises(diffy.DamagedError, match="no field"):
        load(good.replace(b"levels", b"__init"))
    for cut in range(len(good)):
        with pytest.raises(diffy.DamagedError):
            load(good[:cut])
    random = np.random.default_rng(2)
    for _ in range(300):
        data = bytearray(good)
        data[random.integers(len(data))] = random.integers(256)
        try:
            load(bytes(data))
        except diffy.DamagedError:
            pass


def test_modules_may_have_another_name_when_reading():
    """A script is __main__ when it encodes and a module of its own when it is imported to decode."""
    good = dump(splat_codec.OpacityKeyPayload(np.zeros(3, np.uint8), 255))
    name, other = b"splat_codec.OpacityKeyPayload", b"__main__.OpacityKeyPayload"
    data = good.replace(len(name).to_bytes(8, "little") + name, len(other).to_bytes(8, "little") + other)
    assert type(load(data)) is splat_codec.OpacityKeyPayload


# ---------------------------------------------------------------- Diffy's own codec, files


def test_own_codec(tmp_path, frames):
    path = tmp_path / "s.dfy"
    with SplatEncoder(path, quality=60, key_interval=3, keep_order=0) as encoder:
        for frame in frames:
            encoder.push_frame(frame)
        order = encoder.order
    assert encoder.stats["frames"] == 5 and path.stat().st_size == encoder.stats["bytes"]
    decoder = SplatDecoder(path)
    assert len(decoder) == 5 and decoder.info["key_frames"] == 2 and decoder.info["complete"]
    last = decoder[-1]
    assert sorted(order.tolist()) == list(range(200))
    assert np.abs(np.asarray(last._xyz) - np.asarray(frames[4]._xyz)[order]).max() < 0.05
    with pytest.raises(IndexError):
        decoder[5]


def test_errors_of_attributes_are_chosen(tmp_path, frames):
    measured = []
    for error in (0.2, 0.01):
        with SplatEncoder(tmp_path / "s.dfy", error_dc=error) as encoder:
            encoder.push_frame(frames[0])
        measured.append(compare(frames[0], SplatDecoder(tmp_path / "s.dfy")[0])["dc"][0])
    assert measured[0] == pytest.approx(0.2, rel=0.5) and measured[1] == pytest.approx(0.01, rel=0.5)


@pytest.mark.parametrize("settings, error", [({"codec": "none"}, ValueError), ({"quality": 0}, ValueError),
                                             ({"colour": 1}, TypeError), ({"effort": 12}, ValueError)])
def test_settings_that_are_wrong(tmp_path, settings, error):
    with pytest.raises(error):
        SplatEncoder(tmp_path / "s.dfy", **settings)
    assert os.listdir(tmp_path) == []


def test_codecs():
    assert next(iter(codecs())) == "tree-range"


@pytest.mark.parametrize("ending", ["ply", "spz", "splat"])
def test_model_files(tmp_path, frames, ending):
    path = tmp_path / f"m.{ending}"
    frames[0].save_ply(path)
    back = GaussianModel(1)
    back.load_ply(path)
    assert len(back) == 200 and back._features_rest.shape == (200, 3, 3)
    assert compare(frames[0], back)["position"][0] < 1e-3
    with pytest.raises(diffy.DiffyError, match="no.txt"):
        (tmp_path / "no.txt").write_text("no model")
        back.load_ply(tmp_path / "no.txt")


def test_readers_and_writers(tmp_path, frames):
    writer = FrameWriter(first_frame_path=str(tmp_path / "a" / "f_0000.ply"),
                         subsequent_format=str(tmp_path / "a" / "f_{:04d}.ply"), start_index=1)
    writer.write(iter(frames))
    with pytest.raises(FileExistsError):
        writer.write(iter(frames))
    reader = FrameReader(first_frame_path=str(tmp_path / "a" / "f_0000.ply"),
                         subsequent_format=str(tmp_path / "a" / "f_{:04d}.ply"), start_index=1, sh_degree=3)
    back = list(reader.read())
    assert len(back) == 5 and back[0]._features_rest.shape == (200, 15, 3)
    assert np.allclose(back[3]._xyz, frames[3]._xyz)
    BytesWriter(str(tmp_path / "b.bin")).write([b"ab", b"cd", b"e"])
    assert list(BytesReader(str(tmp_path / "b.bin"), chunk_size=2).read()) == [b"ab", b"cd", b"e"]
    with pytest.raises(FileNotFoundError):
        list(FrameReader(str(tmp_path / "none.ply")).read())


# ---------------------------------------------------------------- the command line


def command(*arguments):
    return subprocess.run([sys.executable, "-m", "diffy.splat", *map(str, arguments)], capture_output=True, text=True)


@pytest.mark.parametrize("codec, settings", [("vqxyzzstd", ["codec.vq.num_clusters=16", "codec.xyz.alpha=0.1",
                                                            "codec.vq.num_clusters_features_rest=[8,8,8]"]),
                                             ("tree", ["codec.quality=40"])])
def test_command_line(tmp_path, frames, codec, settings):
    for i, frame in enumerate(frames[:3]):
        frame.save_ply(tmp_path / f"f_{i:04d}.ply")
    done = command("encode", codec, f"input.first_frame_path={tmp_path}/f_0000.ply",
                   f"input.subsequent_format={tmp_path}/f_{{:04d}}.ply", f"output.path={tmp_path}/s.dfy", *settings)
    assert done.returncode == 0, done.stderr
    done = command("decode", codec, f"input.path={tmp_path}/s.dfy", f"output.first_frame_path={tmp_path}/out/g_0000.ply",
                   f"output.subsequent_format={tmp_path}/out/g_{{:04d}}.ply")
    assert done.returncode == 0, done.stderr
    assert sorted(os.listdir(tmp_path / "out")) == ["g_0000.ply", "g_0001.ply", "g_0002.ply"]


@pytest.mark.parametrize("arguments, status, word", [
    ([], 2, "usage"),
    (["--help"], 0, ""),
    (["pack", "tree"], 2, "pack"),
    (["encode", "nothing"], 2, "nothing"),
    (["encode", "tree", "--help"], 0, ""),
    (["encode", "tree", "input.first_frame_path=x.ply"], 2, "output.path"),
    (["encode", "tree", "codec.colour=1"], 2, "codec.colour"),
    (["encode", "tree", "codec.effort=much"], 2, "codec.effort"),
    (["encode", "tree", "codec.__class__=1"], 2, "codec.__class__"),
    (["encode", "tree", "input.first_frame_path=/none.ply", "output.path=/tmp/none.dfy"], 1, "/none.ply"),
    (["decode", "tree", "input.path=/none.dfy", "output.first_frame_path=/tmp/none.ply"], 1, "/none.dfy"),
])
def test_command_lines_that_are_wrong(arguments, status, word):
    done = command(*arguments)
    assert done.returncode == status and word in done.stderr and "Traceback" not in done.stderr


def test_base_classes_are_open():
    """A serialiser of one's own."""
    class Lines(AbstractSerializer):
        def serialize_frame(self, payload):
            yield repr(type(payload).__name__).encode()

        def flush(self):
            yield b"end"

    made = list(InterframeEncoder(Lines(), splat_codec.OpacityCodec(), splat_codec.OpacityConfig())
                .encode_stream([model(), model(shift=1)]))
    assert made == [b"'OpacityKeyPayload'", b"'OpacityInterPayload'", b"end"]
    assert Payload().to("cpu") is not None
