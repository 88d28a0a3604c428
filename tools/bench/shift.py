#!/usr/bin/env python3
"""The shift itself: hours of a robot cell at work, 1080p30, rendered and encoded in one go, in both modes.

    tools/bench/shift.py [--hours 8] [--size 1920x1080] [--modes training,upload] [--effort N] [--out build/shift]

Prints bytes (as they are and for 8 hours), PSNR and SSIM of samples (the whole picture, blocks that move, planted events
apart), how many of them are told as departures, speed, memory over time, and what one picture from anywhere costs at the end; a plot is in OUT/shift.svg, all
figures are in OUT/shift.json. The scene: jitter 5 %, pauses, light that drifts, noise, an event in every tenth cycle.
"""
import argparse
import json
import math
import os
import random
import resource
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DIFFY, SCENE = os.path.join(TOP, "build", "diffy"), os.path.join(TOP, "build", "scene")
RATE, SHIFT_HOURS, SAMPLE_FRAMES, SEEKS, PATIENCE = 30, 8, 12, 10, 30
COLOURS = {"training": "#1f77b4", "upload": "#d62728"}


def scene_command(size, first, frames, output, *more):
    return [SCENE, "--preset", "quiet", "--size", size, "--jitter", "5", "--pauses", "0.4", "--noise", "0.8", "--drift", "1.2",
            "--planted", "0.1", "--first", str(first), "--frames", str(frames), *more, output]


def call(command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        sys.exit("shift: %s: %s" % (" ".join(command), done.stderr.strip()))
    return done.stdout


def memory_of(pid):
    """Resident megabytes of a process; 0 when it has ended."""
    try:
        with open("/proc/%d/status" % pid) as status:
            return next((int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS")), 0)
    except OSError:
        return 0


def frames_in(path):
    """Frames that a file being written has so far, and whether that can be told."""
    done = subprocess.run([DIFFY, "info", "--json", path], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return json.loads(done.stdout)["frames"] if done.returncode == 0 else 0


def watch(encoder, part, began, interval):
    """Frames, bytes and memory over time until the encoder ends."""
    track, due = [], began + min(interval, 5)
    while encoder.poll() is None:
        time.sleep(0.2)
        if time.time() < due:
            continue
        due = time.time() + interval
        if os.path.exists(part):
            track.append({"seconds": time.time() - began, "frames": frames_in(part), "bytes": os.path.getsize(part),
                          "memory_mb": memory_of(encoder.pid)})
    return track


def encode(mode, args, frames, output):
    """Renders into the encoder; the track and the processor time of both."""
    began, before = time.time(), resource.getrusage(resource.RUSAGE_CHILDREN)
    scene = subprocess.Popen(scene_command(args.size, 0, frames, "-"), stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    command = [DIFFY, "encode", "--progress", "never", "--mode", mode, "-q", str(args.quality), "-", output]
    if args.effort:
        command[2:2] = ["--effort", str(args.effort)]
    encoder = subprocess.Popen(command, stdin=scene.stdout)
    scene.stdout.close()
    track = watch(encoder, output + ".part", began, args.interval)
    if scene.wait() or encoder.wait():
        sys.exit("shift: encoding failed")
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"seconds": time.time() - began, "track": track, "bytes": os.path.getsize(output),
            "peak_mb": max([point["memory_mb"] for point in track], default=0),
            "processor_ms_a_frame": 1000 * (used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime) / frames}


def compare(args, coded, first, count, folder):
    """Squared errors of some frames; their reference is rendered anew."""
    reference, decoded = os.path.join(folder, "reference.y4m"), os.path.join(folder, "decoded.y4m")
    call(scene_command(args.size, first, count, reference))
    call([DIFFY, "decode", "--frames", "%d:%d" % (first, first + count), coded, decoded])
    result = json.loads(call([DIFFY, "compare", "--json", "--moving", reference, decoded]))
    os.remove(reference)
    os.remove(decoded)
    return result


def psnr(error):
    return 10 * math.log10(255 * 255 / error) if error > 0 else float("inf")


def mean(results):
    """PSNR from the summed errors, SSIM as the mean of the pictures."""
    if not results:
        return None
    frames = sum(r["frames"] for r in results)
    moving = sum(r["moving_samples"] for r in results)
    return {"frames": frames,
            "psnr_y": psnr(sum(r["mse_y"] * r["frames"] for r in results) / frames),
            "ssim_y": sum(r["ssim_y"] * r["frames"] for r in results) / frames,
            "psnr_y_moving": psnr(sum(r["moving_mse_y"] * r["moving_samples"] for r in results) / moving) if moving else None}


def sample(args, coded, frames, events):
    """Routine and events apart: events are sampled in their middle, routine where there is none."""
    chance = random.Random(1)
    busy = [(e["first_frame"], e["first_frame"] + e["frames"] + e["aftermath_frames"]) for e in events]
    places = []
    while len(places) < args.samples and frames > SAMPLE_FRAMES:
        at = chance.randrange(frames - SAMPLE_FRAMES)
        if not any(a < at + SAMPLE_FRAMES and at < b for a, b in busy) or len(busy) * 600 > frames:
            places.append(at)
    middles = [e["first_frame"] + e["frames"] // 2 - SAMPLE_FRAMES // 2 for e in events]
    middles = [m for m in middles if 0 <= m and m + SAMPLE_FRAMES <= frames]
    chance.shuffle(middles)
    return {"routine": mean([compare(args, coded, p, SAMPLE_FRAMES, args.out) for p in places]),
            "events": mean([compare(args, coded, p, SAMPLE_FRAMES, args.out) for p in middles[:args.samples]])}


def seek(coded, frames):
    """Milliseconds of processor and wall-clock time of one picture from anywhere, file opening included."""
    chance, wall, processor, given_up = random.Random(2), [], [], 0
    for _ in range(SEEKS):
        at = chance.randrange(frames)
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.time()
        try:
            subprocess.run([DIFFY, "decode", "--frames", "%d:%d" % (at, at + 1), coded, "-"], stdout=subprocess.DEVNULL,
                           check=True, timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            given_up += 1
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        wall.append(1000 * (time.time() - began))
        processor.append(1000 * (used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime))
    return {"wall_ms": sum(wall) / SEEKS, "worst_ms": max(wall), "processor_ms": sum(processor) / SEEKS,
            "given_up": given_up}


def judge_departures(coded, events):
    """Planted events that the file tells as departures, and departures that are none, half a second about them aside."""
    told = json.loads(call([DIFFY, "info", "--json", coded]))["departures"]
    found, false_alarms = 0, 0
    spans = [(e["first_frame"], e["first_frame"] + e["frames"] + e["aftermath_frames"]) for e in events]
    for first, end in spans:
        found += any(d["first_frame"] < end and first < d["first_frame"] + d["frames"] for d in told)
    for d in told:
        false_alarms += not any(d["first_frame"] < end + RATE // 2 and first - RATE // 2 < d["first_frame"] + d["frames"]
                                for first, end in spans)
    return {"events": len(events), "found": found, "false_alarms": false_alarms}


def chart(title, unit, curves, left, top):
    """A small chart over hours of video: {name: [(hours, value)]}."""
    wide, high = 380, 200
    points = [p for curve in curves.values() for p in curve]
    most_x, most_y = max(x for x, _ in points) or 1, 1.1 * max(y for _, y in points) or 1
    out = ['<g transform="translate(%d %d)"><text class="title" y="-8">%s</text>' % (left, top, title)]
    for i in range(5):
        y = high * i / 4
        out.append('<path class="grid" d="M0 %.1fH%d"/><text x="-6" y="%.1f" text-anchor="end">%.4g</text>' %
                   (y, wide, y + 4, most_y * (4 - i) / 4))
    for name, curve in curves.items():
        out.append('<polyline fill="none" stroke="%s" stroke-width="2" points="%s"/>' % (COLOURS[name], " ".join(
            "%.1f,%.1f" % (wide * x / most_x, high * (1 - y / most_y)) for x, y in curve)))
    out.append('<text x="%d" y="%d" text-anchor="middle">hours of video (to %.3g); %s</text></g>' % (wide / 2, high + 18, most_x, unit))
    return out


def plot(results, path):
    def over(key):
        return {mode: [(p["frames"] / RATE / 3600, key(p)) for p in r["track"] if p["frames"]] for mode, r in results.items()}
    if not any(over(lambda p: 0).values()):
        return
    out = ['<svg xmlns="http://www.w3.org/2000/svg" width="1340" height="290">',
           '<style>text{font:11px sans-serif;fill:#333}.title{font-weight:bold;font-size:13px}.grid{stroke:#ddd}</style>',
           '<rect width="100%" height="100%" fill="#fff"/>']
    out += chart("Memory", "MB", over(lambda p: p["memory_mb"]), 50, 50)
    out += chart("Speed", "frames per second", over(lambda p: p["frames"] / p["seconds"]), 490, 50)
    out += chart("Size", "MB", over(lambda p: p["bytes"] / 1e6), 930, 50)
    for i, mode in enumerate(results):
        out.append('<text x="%d" y="18" style="fill:%s">%s</text>' % (50 + 90 * i, COLOURS[mode], mode))
    with open(path, "w") as file:
        file.write("\n".join(out + ["</svg>", ""]))


def tell(mode, r, frames):
    print("%s: %d bytes for %.3g hours, %.1f bytes per frame; 8 hours at that rate: %.1f MB" % (
        mode, r["bytes"], frames / RATE / 3600, r["bytes"] / frames, r["bytes"] / frames * RATE * 3600 * SHIFT_HOURS / 1e6))
    half = [p for p in r["track"] if p["frames"] >= frames / 2]
    if half:
        rate = (r["bytes"] - half[0]["bytes"]) / max(1, frames - half[0]["frames"])
        print("  second half alone: %.1f bytes per frame; 8 hours: %.1f MB" % (rate, rate * RATE * 3600 * SHIFT_HOURS / 1e6))
    for name in ("routine", "events"):
        q = r["quality"][name]
        if q:
            moving = "%.2f" % q["psnr_y_moving"] if q["psnr_y_moving"] else "-"
            print("  %s (%d frames): PSNR Y %.2f dB, blocks that move %s dB, SSIM %.4f" % (
                name, q["frames"], q["psnr_y"], moving, q["ssim_y"]))
    print("  %.1f frames per second with the rendering, %.1f ms of processor time per frame for both, at most %.0f MB" % (
        frames / r["seconds"], r["processor_ms_a_frame"], r["peak_mb"]))
    d = r["departures"]
    print("  departures: %d of %d planted events found, %d false alarms in %.1f minutes" % (
        d["found"], d["events"], d["false_alarms"], frames / RATE / 60))
    s = r["seek"]
    print("  one picture from anywhere, opening included: %.0f ms (worst %.0f), %.0f ms of processor time%s" % (
        s["wall_ms"], s["worst_ms"], s["processor_ms"],
        "; %d of %d given up after %d s" % (s["given_up"], SEEKS, PATIENCE) if s["given_up"] else ""))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--hours", type=float, default=SHIFT_HOURS)
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--modes", default="training,upload")
    parser.add_argument("--quality", type=int, default=25)
    parser.add_argument("--effort", type=int)
    parser.add_argument("--samples", type=int, default=20, help="places that quality is measured at, and events")
    parser.add_argument("--interval", type=float, default=30, help="seconds between looks at memory and size")
    parser.add_argument("--out", default=os.path.join(TOP, "build", "shift"))
    args = parser.parse_args()
    frames = max(1, int(args.hours * 3600 * RATE))
    os.makedirs(args.out, exist_ok=True)
    truth = os.path.join(args.out, "events.json")
    call(scene_command(args.size, 0, frames, "/dev/null", "--events", truth, "--only-truth"))
    with open(truth) as file:
        events = json.load(file)
    print("%s, %d frames, %d planted events, started %s" % (args.size, frames, len(events), time.strftime("%Y-%m-%d %H:%M")))
    results = {}
    for mode in args.modes.split(","):
        coded = os.path.join(args.out, mode + ".dfy")
        for old in (coded, coded + ".part"):
            if os.path.exists(old):
                os.remove(old)
        r = results[mode] = encode(mode, args, frames, coded)
        r["quality"] = sample(args, coded, frames, events)
        r["departures"] = judge_departures(coded, events)
        r["seek"] = seek(coded, frames)
        tell(mode, r, frames)
        sys.stdout.flush()
    with open(os.path.join(args.out, "shift.json"), "w") as file:
        json.dump({"size": args.size, "frames": frames, "events": len(events), "results": results}, file, indent=1)
    plot(results, os.path.join(args.out, "shift.svg"))


if __name__ == "__main__":
    main()
