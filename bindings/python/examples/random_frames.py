"""
Frames in random order from a video: python3 random_frames.py VIDEO.dfy [COUNT]

Prints how long the first batch of 16 frames took and each further one.
"""

import random
import sys
import time

from diffy import VideoDecoder


def main(path, count=5):
    decoder = VideoDecoder(path)
    order = random.Random(0)
    for number in range(count):
        wanted = [order.randrange(len(decoder)) for _ in range(16)]
        start = time.perf_counter()
        batch = decoder.get_frames_at(wanted)
        print(f"batch {number}: {tuple(batch.data.shape)} in {1000 * (time.perf_counter() - start):.1f} ms")


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:3]))
