#!/usr/bin/env python3
"""The reader in container.py and the C decoder (its lines in pictures.txt) say the same of every vector of version 2."""
import os
import sys

from container import Damaged, read_file

folder = os.path.dirname(os.path.abspath(__file__))


def expected():
    """name -> the lines of pictures.txt."""
    lines, name = {}, None
    with open(os.path.join(folder, 'pictures.txt'), encoding='utf-8') as file:
        for line in file.read().splitlines():
            if line.startswith('== '):
                name = line[3:]
                lines[name] = []
            else:
                lines[name].append(line)
    return lines


def frames_of(lines):
    """frame -> (pts, crc), and the frames that are lost."""
    found, lost = {}, set()
    for line in lines:
        words = line.split()
        if len(words) == 2 and words[1] == 'lost':
            first, last = words[0].split('..')
            lost.update(range(int(first), int(last) + 1))
        elif len(words) == 3 and words[0].isdigit():
            found[int(words[0])] = (int(words[1]), words[2])
    return found, lost


REFUSED = {'v2_feature': 'required features', 'v2_index': 'the index says other frames'}
seen = set()


def note_features(f):
    stream = f['stream']
    seen.update(chunk.name for chunk in f['chunks'])
    for bit, name in ((1, 'clones'), (2, 'long-term references'), (4, 'lossless')):
        if stream['required'] & bit:
            seen.add(name)
    if stream['optional']:
        seen.add('optional feature')
    if stream['width'] & 1 and stream['height'] & 1:
        seen.add('odd size')
    if stream['access']:
        seen.add('access')
    for chunk in f['chunks']:
        head = getattr(chunk, 'head', None)
        if not head:
            continue
        for bit, name in ((1, 'times'), (2, 'plate of a segment'), (4, 'set of a segment')):
            if head['flags'] & bit:
                seen.add(name)
        for group in head.get('groups', []):
            seen.add('still group' if group['still'] else f'past {min(group["past"], 2)}')
            if group['damaged']:
                seen.add('damaged pictures')
            if 0 in group['sizes'][1:]:
                seen.add('picture of no bytes')


def check(name, lines):
    with open(os.path.join(folder, name + '.dfy'), 'rb') as file:
        data = file.read()
    try:
        f = read_file(data)
    except Damaged as reason:
        assert name in REFUSED and str(reason).startswith(REFUSED[name]), f'refused: {reason}'
        return
    if f['stream']['kind'] != 1:
        return
    note_features(f)
    found, lost = frames_of(lines)
    assert name not in REFUSED, 'not refused'
    assert (name == 'v2_gap') == bool(f['impossible']), 'a gap that is not possible'
    for frame, (pts, _) in found.items():
        assert f['times'][frame] == pts, f'frame {frame}: time {f["times"][frame]}, the decoder says {pts}'
    assert max(set(found) | lost, default=-1) + 1 == f['frames'], f'{f["frames"]} frames'
    for frame, source in f['sources'].items():
        if frame in found and source in found:
            assert found[frame][1] == found[source][1], f'frame {frame} does not show frame {source}'
    packets = [line.split()[1:3] for line in lines if line.startswith('packet ')]
    assert packets == [[str(at), str(duration)] for at, duration, _ in f['packets']], 'packets of sound'
    damaged = any(not c.whole for c in f['chunks']) or f['skipped']
    assert lost == set() or damaged, 'frames are lost of a file that is whole'


def main():
    failures = 0
    lines = expected()
    names = [name for name in lines if name.startswith('v2_')]
    for number, name in enumerate(names, 1):
        try:
            check(name, lines[name])
            print(f'ok {number} - {name}')
        except (AssertionError, Damaged, IndexError, KeyError) as problem:
            failures += 1
            print(f'not ok {number} - {name}: {problem!r}')
    wanted = {'STREAM', 'BACKGROUND', 'SEGMENT', 'METADATA', 'INDEX', 'END', 'CYCLES', 'CLONE', 'EPISODES', 'SOUND', 'LAST', 'unknown',
              'clones', 'long-term references', 'lossless', 'optional feature', 'odd size', 'access', 'times', 'plate of a segment',
              'set of a segment', 'still group', 'past 0', 'past 1', 'damaged pictures', 'picture of no bytes'}  # fmt: skip
    missing = wanted - seen
    print(f'{"not ok" if missing else "ok"} {len(names) + 1} - the vectors have every feature{": not " + ", ".join(sorted(missing)) if missing else ""}')
    print(f'1..{len(names) + 1}')
    return 1 if failures or missing else 0


if __name__ == '__main__':
    sys.exit(main())
