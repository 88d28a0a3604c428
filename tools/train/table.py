#!/usr/bin/env python3
"""Writes src/video/syntax/initial_models.c from what tools/train/train.c found: one byte a model."""
import sys

models = open(sys.argv[1], "rb").read()
out = []
i = 0
while i < len(models):
    run = 0
    while i + run < len(models) and run < 256 and models[i + run] == 0:
        run += 1
    out += [0, run - 1] if run else [models[i]]
    i += max(run, 1)
print("/* Made by tools/train from real recordings; see its README before you change DfyContexts. */")
print('#include "video/syntax/initial_models.h"\n')
print("/* clang-format off */")
print("const uint8_t dfy_initial_models[] = {")
for at in range(0, len(out), 28):
    print("    " + ",".join(map(str, out[at : at + 28])) + ",")
print("};")
print(f"{len(out)} bytes, {len(models)} models", file=sys.stderr)
