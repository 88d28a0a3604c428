"""What the tests share: a film that is quick to draw, as frames and as files."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import diffy

HEIGHT, WIDTH, FRAMES, FPS = 64, 96, 90, 25


def draw(index, height=HEIGHT, width=WIDTH):
    """A frame: a textured background and a square that goes round."""
    y, x = np.mgrid[0:height, 0:width]
    frame = np.stack([(x * 5 + y * 3) % 97 + 60, (x + y * 7) % 83 + 70, (x * 2 + y) % 61 + 80], axis=2).astype(np.uint8)
    left = index * 3 % (width - 16)
    frame[20:36, left:left + 16] = (230, 40 + index % 100, 30)
    return frame


@pytest.fixture(scope="session")
def film():
    return [draw(i) for i in range(FRAMES)]


@pytest.fixture(scope="session")
def clip(tmp_path_factory, film):
    """Path of the film as a file."""
    path = tmp_path_factory.mktemp("clip") / "film.dfy"
    with diffy.DiffyEncoder(path, fps=FPS, quality=80, effort=1, threads=1, segment_seconds=1) as encoder:
        for frame in film:
            encoder.push_frame(frame)
    return path


@pytest.fixture(scope="session")
def shown(clip):
    """The film's frames as they come back."""
    return list(diffy.DiffyDecoder(clip).iter_frames())


@pytest.fixture
def run_python(tmp_path):
    """Runs a script in a process of its own and gives what it printed."""

    def run(script, *arguments, check=True, timeout=120):
        path = tmp_path / "script.py"
        path.write_text(script)
        done = subprocess.run([sys.executable, str(path), *map(str, arguments)], capture_output=True, text=True,
                              timeout=timeout, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
        assert not check or done.returncode == 0, done.stderr
        return done.stdout.strip() if check else done

    return run


@pytest.fixture(scope="session")
def shared():
    """The folder of real recordings that tests may use."""
    path = os.environ.get("DIFFY_SHARED", "")
    if not path or not Path(path, "clips").is_dir():
        pytest.skip("the shared clips are not there")
    return Path(path)
