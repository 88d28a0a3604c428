#!/usr/bin/env bash
# A file of version 2 decodes to the same bytes in the plain build and in the one with sanitizers, which is compiled
# otherwise (no vectorisation worth the name, other inlining) and stops at anything undefined.
. "$(dirname "$0")/../cli/tap.bash"
sanitized="$top/build/san/diffy"
"$scene" --preset busy --size 130x74 --frames 45 --fps 10 scene.y4m >/dev/null || exit 1
same_decoded() { # OPTIONS...
    "$diffy" encode --progress never "$@" scene.dfy && "$diffy" decode --progress never scene.dfy plain.y4m &&
        "$sanitized" decode --progress never scene.dfy sanitized.y4m && cmp plain.y4m sanitized.y4m
}
for quality in 15 60 100; do
    if [ -x "$sanitized" ]; then
        check "quality $quality decodes alike in both builds" same_decoded -q $quality scene.y4m
    else
        skip "quality $quality decodes alike in both builds" "there is no build with sanitizers"
    fi
done
if [ -x "$sanitized" ]; then
    "$scene" --preset quiet --size 160x90 --jitter 0 --cycle 3 --seconds 15 cycles.y4m >/dev/null || exit 1
    check "clones decode alike in both builds" same_decoded --mode upload cycles.y4m
    check "and there are some" bash -c '"$1" info scene.dfy | grep CLONE' - "$diffy"
else
    skip "clones decode alike in both builds" "there is no build with sanitizers"
fi
finish
