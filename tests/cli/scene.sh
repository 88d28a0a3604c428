#!/usr/bin/env bash
# The test scene's command line.
. "$(dirname "$0")/tap.bash"
check "--help" bash -c '"$1" --help | grep -q "^usage: scene"' - "$scene"
check "an unknown preset is bad usage" fails_with 2 "$scene" --preset loud x.y4m
check "a size that isn't one is bad usage" fails_with 2 "$scene" --size 10 x.y4m
for preset in quiet busy noisy; do
    check "$preset" "$scene" --preset $preset --size 64x36 --seconds 2 --fps 10 --cycles $preset.csv $preset.y4m
done
is() { echo "$1"; [ "$1" = "$2" ]; }
check "20 frames are 20 frames" is "$(y4m_facts busy.y4m)" "64 36 10:1 20"
check "the same options give the same bytes" bash -c '"$1" --preset busy --size 64x36 --seconds 2 --fps 10 - | cmp - busy.y4m' - "$scene"
check "another seed does not" bash -c '! "$1" --preset busy --size 64x36 --seconds 2 --fps 10 --seed 2 - | cmp -s - busy.y4m' - "$scene"
check "cycles cover all frames" bash -c '"$1" --size 16x16 --frames 500 --cycle 2 --cycles c.csv /dev/null &&
    awk -F, "NR > 1 { if (\$2 != next_frame) exit 1; next_frame = \$2 + \$3 } END { exit next_frame != 500 }" c.csv' - "$scene"
check "cycles as JSON" bash -c '"$1" --size 16x16 --frames 99 --cycles c.json /dev/null && node -e "JSON.parse(require(\"fs\").readFileSync(\"c.json\"))"' - "$scene"
finish
