#!/usr/bin/env bash
# The arrows of docs/ARCHITECTURE.md: a room includes only what lies below it.
. "$(dirname "$0")/../cli/tap.bash"
# Room, and what its files may include beside itself and the public headers.
rooms="
base
dsp            base
entropy        base
container      base
analysis       base dsp
video/syntax   base dsp entropy container analysis
video/decode   base dsp entropy container analysis video/syntax
video/encode   base dsp entropy container analysis video/syntax video/decode
splat          base dsp entropy container
v1             base dsp entropy container analysis
api            base dsp entropy container splat v1 video
"
only_below() { # ROOM BELOW...
    local room=$1 pattern
    pattern=$(printf '%s\n' "$@" diffy | paste -sd '|')
    ! grep -rnE '^#include "' "$top/src/$room" --include='*.[ch]' | grep -vE "#include \"($pattern)/"
}
while read -r room below; do
    [ -n "$room" ] && check "$room includes ${below:-nothing else}" only_below $room $below
done <<<"$rooms"
all_told() { # every folder of src is in the table
    local folder
    for folder in "$top"/src/*/; do
        grep -qE "^$(basename "$folder")(/| |$)" <<<"$rooms" || { echo "src/$(basename "$folder") is not in the table"; return 1; }
    done
}
check "every room is in the table" all_told
drawn() { # and on the map
    local folder
    for folder in "$top"/src/*/; do
        grep -q "src/$(basename "$folder")/" "$top/docs/ARCHITECTURE.md" || { echo "src/$(basename "$folder")"; return 1; }
    done
}
check "every room is on the map" drawn
finish
