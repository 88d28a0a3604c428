"""
Builds diffy._native from the C sources two folders up, and brings the command line along.

The C library is the Makefile's (`make lib`), the command line too (`make cli`).
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def version():
    text = (ROOT / "include" / "diffy" / "version.h").read_text()
    return re.search(r'DFY_VERSION "([^"]+)"', text).group(1)


def make(*arguments):
    jobs = str(os.cpu_count() or 1)
    environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    subprocess.run(["make", "-s", "-j", jobs, *arguments], cwd=ROOT, env=environment, check=True)


class BuildNative(build_ext):
    def run(self):
        make("build/libdiffy.a")
        super().run()


class BuildPython(build_py):
    """Adds the command line to the package."""

    def run(self):
        super().run()
        make("cli")
        target = Path(self.build_lib) / "diffy" / "bin" / "diffy"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / "build" / "diffy", target)
        subprocess.run(["strip", target], check=True)  # debug information is ten times the program


try:
    from wheel.bdist_wheel import bdist_wheel

    class StableWheel(bdist_wheel):
        """One wheel for CPython 3.9 and later."""

        def get_tag(self):
            _, _, platform = super().get_tag()
            return "cp39", "abi3", platform

    commands = {"bdist_wheel": StableWheel}
except ImportError:
    commands = {}

setup(
    version=version(),
    ext_modules=[
        Extension(
            "diffy._native",
            sources=sorted(str(p.relative_to(HERE)) for p in (HERE / "native").glob("*.c")),
            depends=sorted(str(p.relative_to(HERE)) for p in (HERE / "native").glob("*.h")),
            include_dirs=[str(ROOT / "include"), str(ROOT / "src")],
            define_macros=[("_POSIX_C_SOURCE", "200809L")],
            extra_compile_args=["-std=c11", "-Wall", "-Wextra", "-Wshadow", "-Wno-missing-field-initializers", "-fvisibility=hidden"],
            extra_objects=[str(ROOT / "build" / "libdiffy.a")],
            extra_link_args=["-Wl,--exclude-libs,ALL", "-Wl,--strip-all"],
            libraries=["jpeg", "z", "cjson", "zstd", "webp", "m", "pthread"],
            py_limited_api=True,
        )
    ],
    cmdclass={"build_ext": BuildNative, "build_py": BuildPython, **commands},
)
