"""The wheel, the command line in it, the examples."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import diffy
from diffy._video import torch_module

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "bindings" / "python" / "examples"


def run(*arguments):
    done = subprocess.run([sys.executable, *map(str, arguments)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_version():
    assert f'"{diffy.__version__}"' in (ROOT / "include/diffy/version.h").read_text()


def test_wheel():
    wheels = list((ROOT / "build/python/dist").glob("*.whl"))
    if not wheels:
        pytest.skip("the tests run without a wheel")
    assert wheels[0].name.startswith("diffy-") and "-cp39-abi3-linux" in wheels[0].name
    names = zipfile.ZipFile(wheels[0]).namelist()
    for name in ("diffy/_native.abi3.so", "diffy/_native.pyi", "diffy/py.typed", "diffy/bin/diffy"):
        assert name in names
    assert not [n for n in names if "test" in n]


def test_command_line(clip):
    assert "encode" in run("-m", "diffy", "--help")
    assert "frames" in run("-m", "diffy", "info", clip)


def test_the_extension_keeps_the_codec_to_itself():
    library = next(Path(diffy.__file__).parent.glob("_native*.so"))
    done = subprocess.run(["nm", "-D", "--defined-only", library], capture_output=True, text=True)
    if done.returncode:
        pytest.skip("nm is not installed")
    symbols = [line.split()[-1] for line in done.stdout.splitlines()]
    assert symbols == ["PyInit__native"]


def test_only_the_stable_abi_is_used():
    """What is not in the limited API begins with an underscore, but for those names that its own macros use."""
    library = next(Path(diffy.__file__).parent.glob("_native*.so"))
    done = subprocess.run(["nm", "-D", "--undefined-only", library], capture_output=True, text=True)
    if done.returncode:
        pytest.skip("nm is not installed")
    private = {line.split()[-1] for line in done.stdout.splitlines() if line.split()[-1].startswith("_Py")}
    private = {name for name in private if not name.endswith("_SizeT")}
    assert private <= {"_Py_Dealloc", "_Py_NoneStruct", "_Py_TrueStruct", "_Py_FalseStruct"}, private


def test_example_encode_frames(tmp_path):
    assert "60 frames, 30 a second" in run(EXAMPLES / "encode_frames.py", tmp_path / "a.dfy")


def test_example_random_frames(clip):
    assert run(EXAMPLES / "random_frames.py", clip, 2).count("(16, 3,") == 2


@pytest.mark.skipif(torch_module() is None, reason="torch is not installed")
def test_example_train(clip):
    assert "windows in" in run(EXAMPLES / "train.py", clip.parent)


def test_the_bench_reads(clip):
    """What `make bench-access` times, on a file of its own."""
    import json

    times = json.loads(run(ROOT / "tools/bench/access_read.py", clip, 4))
    assert set(times) == {"cold", "warm", "batch16", "near6", "sequential", "workers1", "workers2", "workers4"}
    assert all(value > 0 for value in times.values())
