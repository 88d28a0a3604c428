#!/usr/bin/env python3
"""splats.py FOLDER: small sequences of splat models for make.sh: FOLDER (the same splats move) and beside it changing (some come and go)
and noisy (everything of every splat moves a little, and all drift together)."""
import math
import os
import random
import struct
import sys

chance = random.Random(5)
COUNT, FRAMES, REST = 90, 4, 9  # 9: degree 1


def splat():
    return {
        'place': [chance.uniform(-1, 1) for _ in range(3)],
        'rest': [chance.gauss(0, 0.15) for _ in range(REST)],
        'colour': [chance.gauss(0, 0.8) for _ in range(3)],
        'opacity': chance.gauss(1, 2),
        'scale': [chance.gauss(-4, 0.6) for _ in range(3)],
        'turn': [chance.gauss(0, 1) for _ in range(4)],
        'speed': [0.02, 0.01, 0.0] if chance.random() < 0.4 else [0.0] * 3,
    }


def write(path, splats):
    names = ['x', 'y', 'z'] + [f'f_dc_{i}' for i in range(3)] + [f'f_rest_{i}' for i in range(REST)] + ['opacity']
    names += [f'scale_{i}' for i in range(3)] + [f'rot_{i}' for i in range(4)]
    with open(path, 'wb') as file:
        header = ['ply', 'format binary_little_endian 1.0', f'element vertex {len(splats)}']
        file.write('\n'.join(header + [f'property float {name}' for name in names] + ['end_header', '']).encode())
        for s in splats:
            length = math.sqrt(sum(x * x for x in s['turn']))
            values = s['place'] + s['colour'] + s['rest'] + [s['opacity']] + s['scale'] + [x / length for x in s['turn']]
            file.write(struct.pack(f'<{len(values)}f', *values))


def move(splats):
    for s in splats:
        s['place'] = [a + b for a, b in zip(s['place'], s['speed'])]
        if any(s['speed']):
            s['colour'][0] += 0.05


def tremble(splats, frame):
    shaken = []
    for s in splats:
        turn = [x + chance.gauss(0, 0.05) for x in s['turn']]
        shaken.append({key: [x + chance.gauss(0.03 * frame if key == 'place' else 0, 0.05) for x in s[key]] for key in ('place', 'rest', 'colour', 'scale')})
        shaken[-1].update(turn=turn, opacity=s['opacity'] + chance.gauss(0, 0.2))
    return shaken


models = sys.argv[1]
changing, noisy = (os.path.join(os.path.dirname(models), name) for name in ('changing', 'noisy'))
for folder in (models, changing):
    os.makedirs(folder)
    splats = [splat() for _ in range(COUNT)]
    splats[7]['place'][1] = 900.0  # too far for the grid
    splats[8]['colour'][2] = math.nan
    for frame in range(FRAMES):
        write(os.path.join(folder, f'{frame}.ply'), splats)
        move(splats)
        if folder == changing:
            splats = splats[3:] + [splat() for _ in range(5)]
os.makedirs(noisy)
splats = [splat() for _ in range(COUNT)]
for frame in range(2 * FRAMES):
    write(os.path.join(noisy, f'{frame}.ply'), tremble(splats, frame))
