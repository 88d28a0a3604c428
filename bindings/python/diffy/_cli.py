"""The command line ``diffy``, which the package brings along: it reads every video that ffmpeg's libraries read."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import List, NoReturn

from ._native import DiffyError

__all__ = ["main", "run"]


def program() -> str:
    """Path of the command line: of ``$DIFFY``, of this package, or of the system."""
    own = os.path.join(os.path.dirname(__file__), "bin", "diffy")
    for path in (os.environ.get("DIFFY"), own, shutil.which("diffy")):
        if path and os.access(path, os.X_OK) and not os.path.isdir(path):
            return path
    raise DiffyError("The command line 'diffy' was not found: reinstall the package, or set DIFFY to its path.")


def run(arguments: List[str]) -> None:
    """Runs the command line and raises its sentence when it fails."""
    done = subprocess.run([program(), *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, check=False)
    if done.returncode == 0:
        return
    lines = done.stderr.decode(errors="replace").strip().splitlines() or ["It gave no reason."]
    sentence = lines[-1]
    if sentence.startswith("diffy: "):
        sentence = sentence[len("diffy: "):]
    raise (ValueError if done.returncode == 2 else DiffyError)(sentence)


def main() -> NoReturn:
    """Becomes the command line."""
    path = program()
    os.execv(path, [path, *sys.argv[1:]])
