#!/usr/bin/env python3
"""make bench-record: appends today's figures to docs/bench-history.csv, a line a scene: what a change did is seen by comparing lines.

Scenes are rendered (always the same pictures), coded by one thread; seconds are processor time, the least of RUNS. Lines of
different machines can't be compared by their seconds; the machine's processor stands in the line.
"""
import csv
import datetime
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DIFFY, SCENE = os.path.join(TOP, 'build/diffy'), os.path.join(TOP, 'build/scene')
HISTORY = os.path.join(TOP, 'docs/bench-history.csv')
RUNS = 2
SCENES = [  # name, scene's options, encoder's options
    ('quiet-360', ['--preset', 'quiet', '--size', '640x360', '--frames', '120'], []),
    ('busy-360', ['--preset', 'busy', '--size', '640x360', '--frames', '90'], []),
    ('busy-360-fast', ['--preset', 'busy', '--size', '640x360', '--frames', '90'], ['--effort', '1']),
    ('noisy-360', ['--preset', 'noisy', '--size', '640x360', '--frames', '60'], []),
    ('cycles-upload', ['--preset', 'quiet', '--size', '640x360', '--cycle', '4', '--jitter', '0', '--frames', '300'], ['--mode', 'upload']),
]


def seconds(command):
    """Processor time of a command, its children's included."""
    best = None
    for _ in range(RUNS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        best = spent if best is None else min(best, spent)
    return best


def processor():
    with open('/proc/cpuinfo', encoding='utf-8') as file:
        names = [line.split(':', 1)[1].strip() for line in file if line.startswith('model name')]
    return names[0] if names else platform.machine()


def git(*arguments):
    return subprocess.run(['git', '-C', TOP, *arguments], check=True, capture_output=True, text=True).stdout.strip()


def measure(work, scene, options):
    clip, coded, back = (os.path.join(work, name) for name in ('clip.y4m', 'coded.dfy', 'back.y4m'))
    subprocess.run([SCENE, *scene, clip], check=True, stdout=subprocess.DEVNULL)
    common = ['--progress', 'never', '--threads', '1']
    encode = seconds([DIFFY, 'encode', *common, *options, clip, coded])
    decode = seconds([DIFFY, 'decode', *common, coded, back])
    told = json.loads(subprocess.run([DIFFY, 'compare', '--json', clip, coded], check=True, capture_output=True, text=True).stdout)
    return {'frames': told['frames'], 'bytes': os.path.getsize(coded), 'psnr_y': told['psnr_y'], 'encode_s': round(encode, 3), 'decode_s': round(decode, 3)}


def main():
    line = {'date': datetime.date.today().isoformat(), 'commit': git('rev-parse', '--short=10', 'HEAD') + ('+' if git('status', '--porcelain', '--', 'src', 'include', 'tools') else '')}
    fields = ['date', 'commit', 'scene', 'frames', 'bytes', 'psnr_y', 'encode_s', 'decode_s', 'processor']
    new = not os.path.exists(HISTORY)
    with open(HISTORY, 'a', newline='', encoding='utf-8') as file, tempfile.TemporaryDirectory() as work:
        writer = csv.DictWriter(file, fields, lineterminator='\n')
        if new:
            writer.writeheader()
        for name, scene, options in SCENES:
            row = {**line, 'scene': name, **measure(work, scene, options), 'processor': processor()}
            writer.writerow(row)
            print(*(f'{key} {row[key]}' for key in fields[2:8]))


if __name__ == '__main__':
    sys.exit(main())
