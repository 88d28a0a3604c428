#!/usr/bin/env bash
# Whether the vectors are of the syntax that this tree writes. While the format is a draft its version moves on, and the vectors
# are made anew now and then. Once it is frozen this file goes, and with it every test's right to pass the vectors over.
cd "$(dirname "$0")" || exit 1
now=$(sed -n 's/^#define DFY_VIDEO_VERSION \([0-9]*\).*/\1/p' ../../src/video/syntax/stream.h)
[ -n "$now" ] && [ "$(od -An -tu1 -j13 -N1 v2_odd.dfy | tr -d ' ')" = "$now" ]
