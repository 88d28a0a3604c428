"""
A data set of windows of frames for learning, read by workers: python3 train.py FOLDER

FOLDER holds .dfy files. Needs torch.
"""

import sys
import time

from torch.utils.data import DataLoader

from diffy.data import FrameDataset, NearSampler


def main(folder):
    data = FrameDataset(folder, delta_timestamps=[0.0, 0.1], tolerance_s=0.04)
    loader = DataLoader(data, batch_size=8, sampler=NearSampler(data, run=16), num_workers=2)
    start, count = time.perf_counter(), 0
    for batch in loader:
        frames = batch["frames"].float() / 255  # batch x 2 x 3 x height x width: what a model would be given
        count += len(frames)
    print(f"{count} windows in {time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    main(sys.argv[1])
