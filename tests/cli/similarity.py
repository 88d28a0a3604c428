"""SSIM and MS-SSIM of two Y4M files by NumPy, written from the papers and not from measure.c: what compare.sh compares
`diffy compare --json --moving` with.

    similarity.py A.y4m B.y4m RESULT.json

Prints nothing where they agree, else what differs; exits with 1 then."""
import json
import math
import sys

import numpy as np


def frames(path):
    with open(path, "rb") as file:
        header = file.readline().decode().split()
        width, height = (int(next(f[1:] for f in header if f[0] == letter)) for letter in "WH")
        chroma = 2 * ((width + 1) // 2) * ((height + 1) // 2)
        while file.readline():
            yield np.frombuffer(file.read(width * height), np.uint8).reshape(height, width).astype(float)
            file.read(chroma)


def windows(x, size):
    return np.lib.stride_tricks.sliding_window_view(x, (size, size))


def maps(a, b, weights):
    """Luminance, and contrast times structure, of every window."""
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    a, b = (windows(x, len(weights)) for x in (a, b))
    mean = lambda x: (x * weights).sum((2, 3))
    ma, mb = mean(a), mean(b)
    va = mean((a - ma[..., None, None]) ** 2)
    vb = mean((b - mb[..., None, None]) ** 2)
    covariance = mean((a - ma[..., None, None]) * (b - mb[..., None, None]))
    return (2 * ma * mb + c1) / (ma**2 + mb**2 + c1), (2 * covariance + c2) / (va + vb + c2)


def ssim_map(a, b):
    luminance, structure = maps(a, b, np.full((8, 8), 1 / 64))
    return luminance * structure


def half(x):
    x = np.pad(x, ((0, x.shape[0] % 2), (0, x.shape[1] % 2)), "edge")
    return (x[::2, ::2] + x[1::2, ::2] + x[::2, 1::2] + x[1::2, 1::2]) / 4


def ms_ssim(a, b):
    gauss = np.exp(-np.arange(-5, 6) ** 2 / (2 * 1.5**2))
    weights = np.outer(gauss, gauss) / gauss.sum() ** 2
    exponents = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333]
    values = []
    while len(values) < 5 and min(a.shape) >= 11:
        luminance, structure = maps(a, b, weights)
        values.append((structure.mean(), (luminance * structure).mean()))
        a, b = half(a), half(b)
    exponents = np.array(exponents[: len(values)]) / sum(exponents[: len(values)])
    chosen = [s for s, _ in values[:-1]] + [values[-1][1]]
    return math.prod(max(v, 0) ** e for v, e in zip(chosen, exponents))


def moving(before, a):
    for y in range(0, a.shape[0], 16):
        for x in range(0, a.shape[1], 16):
            block = np.s_[y : y + 16, x : x + 16]
            if abs(a[block] - before[block]).mean() >= 4:
                yield block


def main(first, second, result):
    told = json.load(open(result))
    failed, before, sums, found = [], None, {"ssim_y": 0, "ms_ssim_y": 0}, []

    def agree(name, mine, theirs):
        if abs(mine - theirs) > 2e-5:
            failed.append(f"{name}: {mine:.6f} by NumPy, {theirs} by diffy")

    for i, (a, b) in enumerate(zip(frames(first), frames(second))):
        for name, value in (("ssim_y", ssim_map(a, b)[::4, ::4].mean()), ("ms_ssim_y", ms_ssim(a, b))):
            agree(f"frame {i} {name}", value, told["per_frame"][i][name])
            sums[name] += value / len(told["per_frame"])
        if before is not None:
            for block in moving(before, a):
                if min(a[block].shape) >= 8:
                    found += list(ssim_map(a[block], b[block])[::4, ::4].flat)
        before = a
    for name, value in sums.items():
        agree(name, value, told[name])
    agree("moving_ssim_y", sum(found) / len(found), told["moving_ssim_y"])
    print("\n".join(failed), end="")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
