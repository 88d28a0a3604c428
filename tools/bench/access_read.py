"""
How long frames take to read from a video, in any order: access_read.py VIDEO [FRAMES_READ], run by access.py.

A .dfy is read by the Python package, anything else by PyAV (libav, with dav1d for AV1), each on one thread and to RGB
arrays. Times are of the processor, in milliseconds; with several workers, frames a second by the clock. Prints JSON.
"""
import json
import multiprocessing
import os
import random
import sys
import time

import numpy as np


class Diffy:
    def __init__(self, path):
        import diffy

        self.decoder = diffy.VideoDecoder(path, dimension_order="NHWC", num_threads=1)
        self.frames, self.rate = len(self.decoder), self.decoder.metadata.average_fps

    def read(self, indices):
        return np.asarray(self.decoder.get_frames_at(indices).data)


class Av:
    """As LeRobot reads with PyAV: to the key frame before, then on to the frame; frames on the way are used."""

    def __init__(self, path):
        import av

        self.container = av.open(path)
        self.stream = self.container.streams.video[0]
        self.stream.codec_context.thread_count = 1
        self.frames, self.rate = self.stream.frames, float(self.stream.average_rate)

    def _number(self, frame):
        return round(float(frame.pts * self.stream.time_base) * self.rate)

    def read(self, indices):
        found, wanted = {}, sorted(set(indices))
        while wanted:
            at = round(wanted[0] / self.rate / float(self.stream.time_base))
            self.container.seek(at, stream=self.stream)
            last = wanted[0]
            for frame in self.container.decode(self.stream):
                number = self._number(frame)
                if number >= wanted[0]:
                    found[wanted.pop(0)] = frame.to_ndarray(format="rgb24")
                    last = number
                if not wanted or wanted[0] > last + 2:  # a key frame is nearer
                    break
        return np.stack([found[i] for i in indices])


def reader(path):
    return (Diffy if path.endswith(".dfy") else Av)(path)


def milliseconds(work, times):
    start = time.process_time()
    for _ in range(times):
        work()
    return 1000 * (time.process_time() - start) / times


def work(path, seed, count, ready):
    own, order = reader(path), random.Random(seed)
    for _ in range(count):  # what an open reader keeps is there
        own.read([order.randrange(own.frames)])
    ready.wait()
    for _ in range(count):
        own.read([order.randrange(own.frames)])


def throughput(path, workers, count):
    """Random frames a second of so many processes, each with a warm reader."""
    context = multiprocessing.get_context("fork")
    ready = context.Barrier(workers + 1)
    processes = [context.Process(target=work, args=(path, seed, count, ready)) for seed in range(workers)]
    for process in processes:
        process.start()
    ready.wait()
    start = time.perf_counter()
    for process in processes:
        process.join()
    if any(process.exitcode for process in processes):
        sys.exit("access_read: a worker failed.")
    return workers * count / (time.perf_counter() - start)


def main(path, count=30):
    order, warm = random.Random(1), reader(path)
    for _ in range(count):  # what an open reader keeps is there
        warm.read([order.randrange(warm.frames)])

    def cold():
        reader(path).read([order.randrange(warm.frames)])

    def near():
        step = max(1, round(0.1 * warm.rate))
        first = order.randrange(max(1, warm.frames - 5 * step))
        warm.read([min(first + k * step, warm.frames - 1) for k in range(6)])

    result = {
        "cold": milliseconds(cold, max(3, count // 5)),
        "warm": milliseconds(lambda: warm.read([order.randrange(warm.frames)]), count),
        "batch16": milliseconds(lambda: warm.read([order.randrange(warm.frames) for _ in range(16)]), max(2, count // 8)),
        "near6": milliseconds(near, max(2, count // 5)),
    }
    run = min(warm.frames, 60)
    start = time.process_time()
    for index in range(run):
        if isinstance(warm, Diffy):
            warm.read([index])
    if not isinstance(warm, Diffy):
        for index, frame in enumerate(reader(path).container.decode(video=0)):
            frame.to_ndarray(format="rgb24")
            if index + 1 == run:
                break
    result["sequential"] = 1000 * (time.process_time() - start) / run
    for workers in (1, 2, 4):
        result[f"workers{workers}"] = throughput(path, workers, count)
    print(json.dumps(result))


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.modules["torch"] = None  # arrays on both sides
    main(sys.argv[1], *map(int, sys.argv[2:3]))
