#!/usr/bin/env bash
# Files that other programs wrote, and real clips, where the shared folder is there.
. "$(dirname "$0")/tap.bash"
vectors="$shared/vectors/v1" clips="$shared/clips"
if [ -d "$vectors" ]; then
    for file in "$vectors"/*.dfy; do
        name=$(basename "$file" .dfy)
        wanted=$(node -p 'const v = JSON.parse(require("fs").readFileSync(process.argv[1])); v.decoded_frames ?? v.frames' "${file%.dfy}.json")
        decodes() {
            "$diffy" decode "$file" out.y4m || return 1
            set -- $(y4m_facts out.y4m)
            echo "$4 frames, $wanted wanted"
            [ "$4" = "$wanted" ]
        }
        check "$name: every frame comes out" decodes
        check "$name: info tells it" bash -c '"$1" info "$2" && "$1" info --json "$2" && "$1" verify "$2"' - "$diffy" "$file"
    done
else
    skip "version 1 vectors" "the shared folder is not there"
fi
if [ -d "$clips" ]; then
    for clip in bin3.mp4 franka.mp4 delta.mp4 vtest.avi; do
        real() { "$diffy" encode -q 50 --frames 24 --max-width 320 "$clips/$clip" out.dfy && "$diffy" decode out.dfy out.y4m &&
            [ "$(frames_of out.dfy)" = 24 ]; }
        check "$clip goes there and back" real
    done
else
    skip "real clips" "the shared folder is not there"
fi
finish
