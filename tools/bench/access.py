#!/usr/bin/env python3
"""
Measures how well single frames are read from Diffy's files, beside what learning data sets use today: AV1 with a key
frame every 2nd or 10th frame (SVT-AV1 preset 8, yuv420p: LeRobot's setting) and H.264 with one every 2nd. Prints a table
and writes it with the curves to build/bench/access.md and build/bench/access.svg.

  make bench-access                                     the shared clips and a test scene
  make bench-access ACCESS="--clips franka --frames 150 --reads 10"
"""
import argparse
import json
import math
import os
import subprocess
import sys

import bd
import clips
import encoders
import plot

AV1, H264 = ["-c:v", "libsvtav1", "-preset", "8"], ["-c:v", "libx264", "-preset", "medium"]
# name -> (label, colour, ffmpeg's arguments, qualities; the one at which reading is timed)
OTHERS = {
    "av1-g2": ("AV1, g = 2", "#2ca02c", AV1 + ["-g", "2"], (22, 30, 40, 50), 30),
    "av1-g10": ("AV1, g = 10", "#9467bd", AV1 + ["-g", "10"], (22, 30, 40, 50), 30),
    "h264-g2": ("H.264, g = 2", "#7f7f7f", H264 + ["-g", "2"], (18, 24, 30, 36), 24),
}
QUALITIES = (75, 60, 45, 30)
TIMES = ("cold", "warm", "batch16", "near6", "sequential")
HEADS = ("1 frame, cold", "1 frame, warm", "16 random frames", "6 frames 0.1 s apart", "sequential, a frame")
WORKERS = ("workers1", "workers2", "workers4")


def diffy_settings(diffy):
    """The preset for data sets where this build has it."""
    known = subprocess.run([diffy, "encode", "--help"], capture_output=True, text=True).stdout
    return ["--preset", "dataset"] if "--preset" in known and "dataset" in known else []


def encode(name, diffy, settings, source, quality, target):
    if name == "diffy":
        clips.run([diffy, "encode", "--progress", "never", "-q", str(quality), *settings, source, target])
    else:
        arguments = OTHERS[name][2]
        clips.run(["ffmpeg", "-v", "error", "-y", "-i", source, *arguments, "-crf", str(quality), "-pix_fmt", "yuv420p", target],
                  env=dict(os.environ, SVT_LOG="0"))
    return os.path.getsize(target) if name == "diffy" else encoders.packet_bytes(target)


def read_times(path, reads):
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "access_read.py")
    environment = dict(os.environ, PYTHONPATH=os.path.join(clips.TOP, "build", "python", "site"))
    return json.loads(clips.run(["/usr/bin/python3", script, path, str(reads)], env=environment).stdout)


def measure(clip, source, frames, diffy, settings, reads, folder):
    """{name: (points of (bytes, PSNR), times at the quality that is timed)}"""
    measured = {}
    anchor = None
    for name in (*OTHERS, "diffy"):
        points, paths = [], []
        for quality in QUALITIES if name == "diffy" else OTHERS[name][3]:
            path = os.path.join(folder, "%s-%s-%d.%s" % (clip, name, quality, "dfy" if name == "diffy" else "mp4"))
            size = encode(name, diffy, settings, source, quality, path)
            facts = encoders.compare(diffy, source, path)
            points.append((size, facts["psnr_y"]))
            paths.append((quality, path))
        if name == "diffy":  # timed where it is as good as AV1 at LeRobot's quality
            chosen = min(range(len(points)), key=lambda i: abs(points[i][1] - anchor))
        else:
            chosen = OTHERS[name][3].index(OTHERS[name][4])
        if name == "av1-g2":
            anchor = points[chosen][1]
        measured[name] = (points, read_times(paths[chosen][1], reads), points[chosen])
        print("%s, %s: %d bytes a frame at %.1f dB" % (clip, label(name), points[chosen][0] / frames, points[chosen][1]),
              file=sys.stderr)
    return measured


def label(name):
    return "Diffy" if name == "diffy" else OTHERS[name][0]


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def ratio(anchor, tested):
    """Bytes of `tested` for one of `anchor` at equal PSNR."""
    rate = bd.bd_rate(anchor, tested)
    return None if rate is None else 1 + rate / 100


def shown(value, form="%.2f"):
    return "-" if value is None else form % value


def report(results, frames, settings):
    parts = ["# Reading single frames\n", "Diffy: %s.\n" % ("`%s`" % " ".join(settings) if settings else "ordinary settings, as this build has no preset for data sets")]
    rows, ratios = [], {name: [] for name in OTHERS}
    for clip, measured in results.items():
        row = [clip]
        for name in OTHERS:
            value = ratio(measured[name][0], measured["diffy"][0])
            ratios[name].append(value)
            row.append(shown(value))
        rows.append(row)
    means = [[v for v in ratios[name] if v is not None] for name in OTHERS]
    rows.append(["mean", *[shown(math.exp(sum(map(math.log, m)) / len(m)) if m else None) for m in means]])
    parts += ["## Bytes of Diffy for one of the other's, at equal PSNR\n", table(["clip", *[label(n) for n in OTHERS]], rows)]
    rows = [[clip, label(name), "%d" % (measured[name][2][0] / frames[clip]), "%.1f" % measured[name][2][1],
             *["%.1f" % measured[name][1][t] for t in TIMES]]
            for clip, measured in results.items() for name in measured]
    parts += ["## Milliseconds of processor time, to RGB, one thread\n",
              table(["clip", "", "bytes a frame", "dB", *HEADS], rows)]
    rows = [[clip, label(name), *["%.0f" % measured[name][1][w] for w in WORKERS]]
            for clip, measured in results.items() for name in measured]
    parts += ["## Random frames a second by the clock, with workers\n", table(["clip", "", "1", "2", "4"], rows)]
    return "\n".join(parts)


def main():
    parser = argparse.ArgumentParser(description="Reading single frames: Diffy beside AV1 and H.264 with frequent key frames.")
    parser.add_argument("--clips", default="franka,delta,bin,scene_quiet")
    parser.add_argument("--frames", type=int, default=clips.FRAMES)
    parser.add_argument("--reads", type=int, default=30, help="single frames that are read for a mean")
    chosen = parser.parse_args()
    if subprocess.run(["/usr/bin/python3", "-c", "import av, numpy"], stderr=subprocess.DEVNULL).returncode:
        sys.exit("access: python3-av or python3-numpy is missing: install it (tools/setup.sh --bench does).")
    names = [n for n in chosen.clips.split(",") if n in clips.NAMES and clips.available(n)]
    if not names:
        sys.exit("access: none of the clips %s is there." % chosen.clips)
    diffy = os.path.join(clips.TOP, "build", "diffy")
    settings, folder = diffy_settings(diffy), os.path.join(clips.WORK, "access")
    os.makedirs(folder, exist_ok=True)
    results, frames = {}, {}
    for name in names:
        source = clips.clip(name, chosen.frames)
        frames[name] = clips.facts(source)[2]
        results[name] = measure(name, source, frames[name], diffy, settings, chosen.reads, folder)
    text = report(results, frames, settings)
    print(text)
    with open(os.path.join(clips.WORK, "access.md"), "w") as file:
        file.write(text)
    plot.COLOURS.update({name: OTHERS[name][1] for name in OTHERS})
    charts = [(clip, {name: [(b / frames[clip], p) for b, p in measured[name][0]] for name in measured})
              for clip, measured in results.items()]
    with open(os.path.join(clips.WORK, "access.svg"), "w") as file:
        file.write(plot.svg(charts, {name: label(name) for name in ("diffy", *OTHERS)}))


if __name__ == "__main__":
    main()
