#!/usr/bin/env bash
# Files for reading frames in random order: --access, --preset, and what the file says of them.
. "$(dirname "$0")/tap.bash"
"$scene" --size 160x90 --frames 140 clip.y4m
says() { "$diffy" info --json "$1" | grep -c "\"access_pictures\":.$2,"; }
makes() { # PICTURES OPTIONS...
    "$diffy" encode "${@:2}" clip.y4m out.dfy && says out.dfy "$1" && "$diffy" verify out.dfy
}
check "--preset dataset is --access 4" makes 4 --preset dataset
"$diffy" decode out.dfy whole.y4m >/dev/null
one_frame() { # FRAME: cut out of the whole, and decoded alone from a file just opened
    local bytes=$((160 * 90 * 3 / 2 + 6)) header
    "$diffy" decode --frames "$1:$(($1 + 1))" out.dfy one.y4m || return 1
    header=$(head -n 1 one.y4m | wc -c)
    cmp <(tail -c +$((header + 1)) one.y4m) <(tail -c +$((header + 1)) whole.y4m | tail -c +$((1 + $1 * bytes)) | head -c $bytes)
}
for frame in 0 1 63 64 65 101 139; do check "frame $frame alone is as when played" one_frame "$frame"; done
check "an option counts for more than the preset" makes 3 --preset dataset --access 3
check "a preset without limit" makes 0 --preset draft
quality_of() { "$diffy" info --json out.dfy | tr -d '\t' | sed -n 's/^"quality":\([0-9]*\),.*/\1/p'; }
makes_quality() { # QUALITY OPTIONS...
    "$diffy" encode --frames 3 "${@:2}" clip.y4m out.dfy && [ "$(quality_of)" = "$1" ]
}
check "--preset draft has the page's quality" makes_quality 10 --preset draft
check "--preset hq too" makes_quality 60 --preset hq
check "a quality that is said counts for more" makes_quality 31 --preset hq -q 31
check "a quality after --preset dataset is the usual one" makes_quality 25 --preset dataset
check "--access 1 is out of range" fails_with 2 "$diffy" encode --access 1 clip.y4m no.dfy
check "a preset that is none" fails_with 2 "$diffy" encode --preset best clip.y4m no.dfy
check "clones and access exclude each other" fails_with 1 "$diffy" encode --access 4 --mode upload clip.y4m no.dfy
finish
