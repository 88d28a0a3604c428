"""The clips that the bench measures on, as Y4M files under build/bench/clips; made when they are first needed."""
import os
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WORK = os.path.join(TOP, "build", "bench")
FRAMES = 300

# name -> (file in the shared folder's clips, ffmpeg filter or None)
REAL = {
    "bin": ("bin3.mp4", "crop=356:312:922:362"),
    "franka": ("franka.mp4", None),
    "delta": ("delta.mp4", None),
    "vtest": ("vtest.avi", None),
    "car": ("car.mp4", None),
    "person": ("person.mp4", None),
}
CYCLIC = "cyc_franka"
SCENES = ("quiet", "busy", "noisy")
STILL = "still3000"
NAMES = ["bin", "franka", "delta", CYCLIC, "vtest", "car", "person"] + ["scene_" + s for s in SCENES] + [STILL]


def shared_folder():
    folder = os.environ.get("DIFFY_SHARED") or os.path.join(os.path.dirname(TOP), "shared")
    return os.path.join(folder, "clips") if os.path.isdir(os.path.join(folder, "clips")) else None


def python_with_numpy():
    """This interpreter, or the system's: Debian's numpy belongs to /usr/bin/python3."""
    for interpreter in (sys.executable, "/usr/bin/python3"):
        if subprocess.run([interpreter, "-c", "import numpy"], stderr=subprocess.DEVNULL).returncode == 0:
            return interpreter
    sys.exit("bench: python3-numpy is missing: install it (tools/setup.sh --bench does).")


def run(command, **options):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, **options)
    if done.returncode:
        sys.exit("bench: %s\nfailed: %s" % (" ".join(command), done.stderr.strip()[-400:]))
    return done


def to_y4m(source, target, frames, video_filter=None):
    part = target + ".part.y4m"
    command = ["ffmpeg", "-v", "error", "-y", "-i", source, "-frames:v", str(frames), "-pix_fmt", "yuv420p"]
    command += ["-vf", video_filter] if video_filter else []
    run(command + [part])
    os.replace(part, target)


def _make(name, target, frames):
    folder = shared_folder()
    if name in REAL:
        file, video_filter = REAL[name]
        to_y4m(os.path.join(folder, file), target, frames, video_filter)
    elif name == CYCLIC:
        source = clip("franka", FRAMES)
        part = target + ".part"
        run([python_with_numpy(), os.path.join(folder, "make_cyclic.py"), source, part, "60", "50", "5", "1.2", "1"])
        os.replace(part, target)
    elif name == STILL:
        part = target + ".part.y4m"
        run(["ffmpeg", "-v", "error", "-y", "-i", clip("scene_quiet", FRAMES), "-vf",
             "trim=end_frame=1,loop=loop=2999:size=1,setpts=N/FR/TB", part])
        os.replace(part, target)
    else:
        part = target + ".part"
        run([os.path.join(TOP, "build", "scene"), "--preset", name[len("scene_"):], "--frames", str(frames), part])
        os.replace(part, target)


def available(name):
    return shared_folder() is not None or not (name in REAL or name == CYCLIC)


def clip(name, frames=FRAMES):
    """Path of the clip's Y4M. The cyclic and the still clip are measured whole, whatever frames says."""
    whole = name in (CYCLIC, STILL)
    target = os.path.join(WORK, "clips", name + ("" if whole or frames == FRAMES else "-%d" % frames) + ".y4m")
    if not os.path.exists(target):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        _make(name, target, frames)
    return target


def facts(path):
    """width, height, frames, frames a second of a 4:2:0 Y4M file."""
    with open(path, "rb") as file:
        header = file.readline()
        tags = {t[:1]: t[1:] for t in header.decode().split()[1:]}
        width, height = int(tags["W"]), int(tags["H"])
        num, den = (int(x) for x in tags.get("F", "30:1").split(":"))
        picture = width * height + 2 * ((width + 1) // 2) * ((height + 1) // 2)
        frames = (os.path.getsize(path) - len(header)) // (picture + len("FRAME\n"))
    return width, height, frames, num / den
