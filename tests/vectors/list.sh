#!/usr/bin/env bash
# list.sh [-v2] COMMAND...: what COMMAND prints of each vector, as pictures.txt has it; with -v2 of videos of version 2 alone.
set -euo pipefail
which='*'
[ "$1" = -v2 ] && which='v2_*' && shift
for file in "$(dirname "$0")"/$which.dfy; do
    echo "== $(basename "$file" .dfy)"
    "$@" <"$file"
done
