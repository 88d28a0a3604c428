#!/bin/sh
# Encodes every video in a folder that has no .dfy yet, and keeps going when one can't be read: night_shift.sh FOLDER
for video in "$1"/*.mp4 "$1"/*.y4m; do
    [ -e "$video" ] && [ ! -e "${video%.*}.dfy" ] || continue
    diffy encode --effort 3 --resume "$video" "${video%.*}.dfy" && diffy verify "${video%.*}.dfy" || echo "left: $video" >&2
done
