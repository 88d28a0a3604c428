#!/usr/bin/env python3
"""Draws docs/images/results.svg from the table of results in README.md, so that both show the same figures."""
import os
import re

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
COLOURS = ['#2563a8', '#b9c2cc', '#8a97a6']
LEFT, BAR, GAP, WIDTH = 190, 20, 26, 560


def table():
    """(names of the codecs, [(scene, bytes per frame of each)])"""
    with open(os.path.join(TOP, 'README.md'), encoding='utf-8') as file:
        rows = [[cell.strip() for cell in line.strip().strip('|').split('|')] for line in file if line.startswith('|')]
    head = next(i for i, row in enumerate(rows) if row[0].startswith('scene'))
    scenes = []
    for row in rows[head + 2 :]:
        found = [re.match(r'(\d+) bytes', cell) for cell in row[1:]]
        if not all(found):
            break
        scenes.append((row[0], [int(match[1]) for match in found]))
    return rows[head][1:], scenes


def main():
    names, scenes = table()
    most = max(max(values) for _, values in scenes)
    out, y = [], 24
    for scene, values in scenes:
        out.append(f'<text x="{LEFT - 10}" y="{y + BAR * len(values) / 2 + 5}" text-anchor="end">{scene.split(",")[0]}</text>')
        for index, value in enumerate(values):
            length = value / most * (WIDTH - LEFT - 60)
            out.append(f'<rect x="{LEFT}" y="{y}" width="{length:.1f}" height="{BAR - 3}" fill="{COLOURS[index]}"/>')
            out.append(f'<text x="{LEFT + length + 6:.1f}" y="{y + 13}">{value}</text>')
            y += BAR
        y += GAP
    for index, name in enumerate(names):
        out.append(f'<rect x="{LEFT}" y="{y}" width="12" height="12" fill="{COLOURS[index]}"/><text x="{LEFT + 18}" y="{y + 11}">{name}</text>')
        y += 20
    title = f'<text x="{LEFT}" y="14" font-weight="bold">bytes per frame at the same PSNR</text>'
    with open(os.path.join(TOP, 'docs/images/results.svg'), 'w', encoding='utf-8') as file:
        file.write(f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y + 6}" font-family="sans-serif" font-size="13" fill="#222">\n')
        file.write('<rect width="100%" height="100%" fill="#fff"/>\n' + title + '\n' + '\n'.join(out) + '\n</svg>\n')


if __name__ == '__main__':
    main()
