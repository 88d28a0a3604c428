#!/usr/bin/env bash
# Kernels give the same where char is unsigned, as on ARM and for whoever compiles with -funsigned-char.
. "$(dirname "$0")/../cli/tap.bash"
kernels() { make -s -C "$top" B=build/uchar OPT='-O3 -funsigned-char' V1=0 build/uchar/bare/test_"$1"_kernels && "$top/build/uchar/bare/test_$1_kernels"; }
check "kernels for video" kernels video
check "kernels for RGB blocks" kernels v1
finish
