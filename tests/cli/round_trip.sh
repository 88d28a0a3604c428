#!/usr/bin/env bash
# The shortest way through everything: a scene into both formats and back, and what the command line says of them.
. "$(dirname "$0")/tap.bash"
"$scene" --preset busy --size 146x90 --frames 40 --fps 10 clip.y4m >/dev/null || exit 1
round_trip() { # DB OPTIONS...: coded, whole, as long, and like what went in
    "$diffy" encode --progress never "${@:2}" clip.y4m x.dfy && "$diffy" verify x.dfy && [ "$(frames_of x.dfy)" = 40 ] &&
        "$diffy" decode --progress never x.dfy x.y4m && same_y4m_facts clip.y4m x.y4m && psnr_above "$1" clip.y4m x.dfy
}
check "format 2, effort 1" round_trip 30 --effort 1
check "format 2" round_trip 32
check "format 2, upload mode" round_trip 30 --mode upload
check "format 1" round_trip 25 --format 1
lossless() { round_trip 60 -q 100 && cmp <(tail -n +2 clip.y4m) <(tail -n +2 x.y4m); }
check "quality 100 gives back every byte" lossless
part() {
    local frame=$((146 * 90 * 3 / 2 + 6))
    "$diffy" decode --progress never --frames 30:33 x.dfy part.y4m &&
        cmp <(tail -n +2 part.y4m) <(tail -n +2 clip.y4m | tail -c +$((30 * frame + 1)) | head -c $((3 * frame)))
}
check "and any part of it" part
finish
