#!/usr/bin/env python3
"""
A quick look while working on the codec: diffy at a few qualities on the shared clips, and its BD-rate against the
anchors that were measured before (anchors.json beside the clips). For the whole comparison see `make bench`.

  tools/bench/bdrate.py                                   all seven clips, 300 frames
  tools/bench/bdrate.py --clips bin,franka --qualities 15,25,40 -- --effort 3
  tools/bench/bdrate.py --frames 60                       a fast look: no anchors then, only the points
"""
import argparse
import json
import math
import os
import subprocess
import sys
import time

import bd
import clips

ANCHOR_NAMES = {"x264-medium": "x264", "x265-medium": "x265", "svtav1-p8": "svt-p8", "svtav1-p4": "svt-p4"}


def measure(diffy, path, quality, extra, frames):
    """One encode, decode and comparison: a dict with bytes, psnr_*, fps."""
    out = os.path.join(clips.WORK, "bdrate-%d.dfy" % os.getpid())
    command = [diffy, "encode", "-q", str(quality), "--progress", "never"] + extra
    command += ["--frames", str(frames)] if frames else []
    start = time.monotonic()
    clips.run(command + [path, out])
    encode_seconds = time.monotonic() - start
    start = time.monotonic()
    subprocess.run([diffy, "decode", out, "-"], stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, check=True)
    decode_seconds = time.monotonic() - start
    command = [diffy, "compare", "--json"] + (["--frames", str(frames)] if frames else [])
    result = json.loads(clips.run(command + [path, out]).stdout)
    point = {k: (math.inf if result[k] is None else result[k]) for k in ("psnr_y", "psnr_u", "psnr_v")}
    point.update(quality=quality, bytes=os.path.getsize(out), frames=result["frames"],
                 encode_fps=result["frames"] / encode_seconds, decode_fps=result["frames"] / decode_seconds)
    os.remove(out)
    return point


def curve(points, metric):
    if metric == "y":
        return [(p["bytes"], p["psnr_y"]) for p in points]
    return [(p["bytes"], bd.psnr_all(p["psnr_y"], p["psnr_u"], p["psnr_v"])) for p in points]


def percent(value):
    return "     --" if value is None else "%+6.1f%%" % value


def mean(values):
    known = [v for v in values if v is not None]
    return sum(known) / len(known) if known else None


def show_clip(name, points, anchors, table):
    for p in points:
        print("%-11s q%-3d %9d bytes %8.1f a frame   Y %.3f U %.3f V %.3f   encode %.0f decode %.0f fps" %
              (name, p["quality"], p["bytes"], p["bytes"] / p["frames"], p["psnr_y"], p["psnr_u"], p["psnr_v"],
               p["encode_fps"], p["decode_fps"]))
    known = anchors.get(name, {})
    if not known or any(p["frames"] != points[0]["frames"] for ps in known.values() for p in ps):
        return
    row = {(e, m): bd.bd_rate(curve(known[e], m), curve(points, m)) for e in ANCHOR_NAMES for m in ("y", "all")}
    table.append((name, row))
    print("%-11s BD-rate Y  %s" % (name, "  ".join(s + percent(row[e, "y"]) for e, s in ANCHOR_NAMES.items())))


def show_table(table):
    for metric, title in (("y", "BD-rate, Y-PSNR"), ("all", "BD-rate, (6Y+U+V)/8")):
        print("\n%-12s" % title + "".join("%9s" % s for s in ANCHOR_NAMES.values()))
        for name, row in table:
            print("  %-18s" % name + "".join("%9s" % percent(row[e, metric]) for e in ANCHOR_NAMES))
        print("  %-18s" % "mean" + "".join(
            "%9s" % percent(mean([row[e, metric] for _, row in table])) for e in ANCHOR_NAMES))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = [n for n in clips.NAMES if n in clips.REAL or n == clips.CYCLIC]
    parser.add_argument("--clips", default=",".join(default), help="names, or paths of .y4m files, with commas")
    parser.add_argument("--qualities", default="10,20,30,45,65")
    parser.add_argument("--frames", type=int, default=0, help="the first N frames only (then without anchors)")
    parser.add_argument("--diffy", default=os.path.join(clips.TOP, "build", "diffy"))
    parser.add_argument("--anchors", help="another anchors.json")
    parser.add_argument("--save", help="also writes the points into this file, in the anchors' form")
    parser.add_argument("extra", nargs="*", help="options for diffy encode, behind --")
    args = parser.parse_args()
    if clips.shared_folder() is None:
        sys.exit("bdrate: the shared clips are not there: set DIFFY_SHARED to the folder that holds clips/.")
    with open(args.anchors or os.path.join(clips.shared_folder(), "anchors.json")) as file:
        anchors = json.load(file)
    table, saved = [], {}
    for name in args.clips.split(","):
        path = clips.clip(name) if name in clips.NAMES else name
        points = [measure(args.diffy, path, int(q), args.extra, args.frames) for q in args.qualities.split(",")]
        saved[name] = {"diffy": points}
        show_clip(name, points, anchors, table)
        sys.stdout.flush()
    if table:
        show_table(table)
    if args.save:
        with open(args.save, "w") as file:
            json.dump(saved, file)


if __name__ == "__main__":
    main()
