"""
Frames that a program makes, pushed one by one: python3 encode_frames.py OUTPUT.dfy

With a Hugging Face data set it is the same loop: encoder.push_frame(np.asarray(row["image"])).
"""

import sys

import numpy as np

from diffy import DiffyDecoder, DiffyEncoder


def frames(count=60, height=120, width=160):
    y, x = np.mgrid[0:height, 0:width]
    background = np.stack([(x + y) % 200, (2 * x) % 180, (3 * y) % 160], axis=2).astype(np.uint8)
    for index in range(count):
        frame = background.copy()
        left = 4 * index % (width - 24)
        frame[40:64, left : left + 24] = (240, 60, 30)
        yield frame


def main(path):
    encoder = DiffyEncoder(path, fps=30, quality=25)
    for frame in frames():
        encoder.push_frame(frame)
    print(f"{encoder.encode()} bytes")
    decoder = DiffyDecoder(path)
    print(f"{sum(1 for _ in decoder.iter_frames())} frames, {decoder.metadata['fps']:g} a second")


if __name__ == "__main__":
    main(sys.argv[1])
