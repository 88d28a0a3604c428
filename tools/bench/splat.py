#!/usr/bin/env python3
"""`make bench-splat`: what `diffy splat` makes of a sequence of splat models, beside what is known of others.

Bytes and errors are exact; seconds are processor time, the best of five runs, less that of
a command that does nothing. "best" is --effort 9, "canonical" --canonical.

Errors are those of `diffy splat compare`.
"""
import json
import pathlib
import resource
import subprocess
import sys
import tempfile

DIFFY = "build/diffy"
NAMES = ["position", "scale", "alpha", "dc", "rotation", "sh"]
# RMS errors on playbot, positions in its unit (its bounding box has a diagonal of 0.870919); bytes of all 8 frames, of an inter frame, of a splat in a key frame.
OTHERS = [
    ("gsvvcompressor 1.2", [1.94e-4 * 0.870919, 0.432, 0.0015, 0.1135, 10.3, 0.078], 283479, 5200, 20.6),
    ("SPZ v4", [5.6e-5 * 0.870919, 0.018, 0.001, 0.053, 0.09, 0.041], None, None, 25.0),
]
RUNS = 5


def run(*arguments):
    return subprocess.run([DIFFY, "splat", *map(str, arguments)], check=True, capture_output=True, text=True).stdout


def processor_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def seconds(*arguments):
    """Best of RUNS, in processor time, which other work on the machine disturbs least."""
    best = float("inf")
    for _ in range(RUNS):
        start = processor_seconds()
        run(*arguments)
        best = min(best, processor_seconds() - start)
    return best


def measure(source, out, options):
    """Bytes, errors and times of one encoding."""
    file = out / "sequence.dfy"
    nothing = seconds("--help")
    one = seconds("encode", *options, "--frames", 1, source, file)
    every = seconds("encode", *options, source, file)
    info = json.loads(run("info", "--json", file))
    worst = {name: 0.0 for name in NAMES}
    compared = 0
    for frame in json.loads(run("compare", "--json", source, file))["frames"]:
        compared = compared or frame["compared"]
        for name in NAMES:
            worst[name] = max(worst[name], frame[name]["rms"])
    sizes = info["frame_bytes"]
    inter = sizes[1:] or [0]
    return {
        "total": info["bytes"],
        "inter": sum(inter) / len(inter),
        "key": sizes[0] / max(compared, 1),
        "errors": [worst[name] for name in NAMES],
        "first": one - nothing,
        "other": (every - one) / max(len(sizes) - 1, 1),
    }


def row(name, total, inter, key, errors, first="", other=""):
    cells = [f"{total:>9,}" if total else " " * 9, f"{inter:>7.0f}" if inter else " " * 7, f"{key:>6.2f}"]
    print(f"{name:<40}", *cells, *(f"{e:>9.3g}" for e in errors), f"{first:>8}", f"{other:>8}")


def main():
    source = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/splats/playbot")
    if not source.exists():
        sys.exit(f"{source} isn't there: give a folder of models, make bench-splat SPLATS=folder")
    print(f"{source}: reading included, worst frame's RMS errors\n")
    heads = ["bytes", "inter", "B/splat", *NAMES, "first s", "other s"]
    widths = [9, 7, 6, *[9] * 6, 8, 8]
    print(f"{'':<40}", *(f"{head:>{width}}" for head, width in zip(heads, widths)))
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder)
        for name, errors, total, inter, key in OTHERS:
            if source.name == "playbot":
                row(name, total, inter, key, errors)
            wanted = ",".join(f"{a}={e:g}" for a, e in zip(NAMES, errors))
            for title, effort in (("", []), (", in order", ["--keep-order"]), (", best", ["--effort", 9]), (", canonical", ["--canonical"])):
                got = measure(source, out, [*(["--any-order"] if "--keep-order" not in effort else []), "--error", wanted, *effort])
                row(f"diffy{title}, errors of {name}", got["total"], got["inter"], got["key"], got["errors"],
                    f"{got['first']:.3f}", f"{got['other']:.4f}")
        for codec in ("vqxyz-range", "vqxyz-zstd"):
            got = measure(source, out, ["--codec", codec])
            row(f"diffy, {codec}", got["total"], got["inter"], got["key"], got["errors"],
                f"{got['first']:.3f}", f"{got['other']:.4f}")


if __name__ == "__main__":
    main()
