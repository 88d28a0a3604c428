"""
The encoders that are compared: for each, how it is called at a quality, and what is measured: bytes, PSNR by frame
number (through `diffy compare`), frames a second of encoding and decoding, and the largest memory of the process.
"""
import hashlib
import json
import math
import os
import subprocess
import sys
import time

import clips

X264 = ["-c:v", "libx264", "-preset", "medium", "-tune", "psnr", "-g", "9999"]
X265 = ["-c:v", "libx265", "-preset", "medium", "-tune", "psnr", "-x265-params", "keyint=-1:log-level=none"]
SVT = ["-c:v", "libsvtav1", "-g", "9999", "-preset"]

# name -> (label, arguments for ffmpeg or None for diffy itself, qualities from fine to coarse)
ENCODERS = {
    "diffy": ("diffy", None, (65, 45, 30, 20, 10)),
    "x264-medium": ("x264 medium", X264, (24, 29, 34, 39, 44)),
    "x265-medium": ("x265 medium", X265, (24, 29, 34, 39, 44)),
    "svtav1-p8": ("SVT-AV1 preset 8", SVT + ["8"], (26, 35, 44, 53, 62)),
    "svtav1-p4": ("SVT-AV1 preset 4", SVT + ["4"], (26, 35, 44, 53, 62)),
}
ANCHORS = [name for name in ENCODERS if name != "diffy"]


def timed(command):
    """Runs a command; seconds it took and the most memory it held, in MB."""
    environment = dict(os.environ, SVT_LOG="0")
    start = time.monotonic()
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                             env=environment)
    error = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit("bench: %s\nfailed: %s" % (" ".join(command), error.decode(errors="replace").strip()[-400:]))
    return time.monotonic() - start, usage.ru_maxrss / 1024


def packet_bytes(path):
    """Bytes of the video packets, without the container's own."""
    listed = clips.run(["ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "packet=size", "-of",
                        "csv=p=0", path]).stdout
    return sum(int(line.split(",")[0]) for line in listed.split())


def compare(diffy, reference, other):
    result = json.loads(clips.run([diffy, "compare", "--json", reference, other]).stdout)
    return {k: (math.inf if result[k] is None else result[k]) for k in ("psnr_y", "psnr_u", "psnr_v", "ssim_y")}


def _encode(name, diffy, clip, quality, out, extra):
    arguments = ENCODERS[name][1]
    if arguments is None:
        return [diffy, "encode", "--progress", "never", "-q", str(quality)] + extra + [clip, out]
    return ["ffmpeg", "-v", "error", "-y", "-i", clip] + arguments + ["-crf", str(quality), "-fps_mode", "passthrough", out]


def _decode(name, diffy, out):
    if ENCODERS[name][1] is None:
        return [diffy, "decode", "--progress", "never", out, "-"]
    return ["ffmpeg", "-v", "error", "-i", out, "-fps_mode", "passthrough", "-f", "rawvideo", "-y", "/dev/null"]


def measure(name, diffy, clip, quality, extra):
    """One point of a curve, as a dict."""
    out = os.path.join(clips.WORK, "bench-%d%s" % (os.getpid(), ".dfy" if ENCODERS[name][1] is None else ".mkv"))
    frames = clips.facts(clip)[2]
    encode_seconds, encode_memory = timed(_encode(name, diffy, clip, quality, out, extra))
    decode_seconds, decode_memory = timed(_decode(name, diffy, out))
    point = {"quality": quality, "frames": frames,
             "bytes": os.path.getsize(out) if ENCODERS[name][1] is None else packet_bytes(out),
             "encode_fps": frames / encode_seconds, "decode_fps": frames / decode_seconds,
             "memory_mb": max(encode_memory, decode_memory)}
    point.update(compare(diffy, clip, out))
    os.remove(out)
    return point


def _clip_sum(clip):
    """Tells clips apart wherever they are: size, and a megabyte from the beginning, the middle and the end."""
    size, digest = os.path.getsize(clip), hashlib.sha256()
    with open(clip, "rb") as file:
        for place in (0, size // 2, max(0, size - (1 << 20))):
            file.seek(place)
            digest.update(file.read(1 << 20))
    return "%d-%s" % (size, digest.hexdigest())


def _cache_path(name, clip, quality):
    facts = "%s|%s|%s" % (_clip_sum(clip), ENCODERS[name][1], quality)
    return os.path.join(clips.WORK, "cache", hashlib.sha256(facts.encode()).hexdigest()[:20] + ".json")


def point(name, diffy, clip, quality, extra=()):
    """As measure; what other encoders made of a clip is kept under build/bench/cache and not made again."""
    if ENCODERS[name][1] is None:
        return measure(name, diffy, clip, quality, list(extra))
    path = _cache_path(name, clip, quality)
    if os.path.exists(path):
        with open(path) as file:
            return json.load(file)
    result = measure(name, diffy, clip, quality, [])
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".part", "w") as file:
        json.dump(result, file)
    os.replace(path + ".part", path)
    return result
