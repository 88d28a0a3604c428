#!/usr/bin/env bash
# Many recordings of one camera in one file: each is found by its name, and together they take less.
. "$(dirname "$0")/tap.bash"
ffmpeg() { command ffmpeg -v error -y -nostdin "$@"; }
"$scene" --size 160x96 --frames 96 clip.y4m
frame_bytes=$((160 * 96 * 3 / 2 + 6))
header=$(head -n 1 clip.y4m | wc -c)
cut() { { head -n 1 clip.y4m; tail -c +$((header + 1 + $1 * frame_bytes)) clip.y4m | head -c $(($2 * frame_bytes)); } >"$3"; }
mkdir -p in/b
for i in 0 1 2; do cut $((i * 30)) 30 "in/take $i.y4m"; done
cut 90 6 in/b/last.y4m
check "a folder of recordings becomes one file" "$diffy" encode --episodes --preset dataset in all.dfy
lists() { # FILE: names and ranges
    "$diffy" info --json "$1" | python3 -c 'import json, sys
for e in json.load(sys.stdin)["episodes"]: print(e["name"], e["first_frame"], e["frames"], "%.3f %.3f" % (e["start_seconds"], e["seconds"]))'
}
wanted="b_last 0 6 0.000 0.200
take 0 6 30 0.200 1.000
take 1 36 30 1.200 1.000
take 2 66 30 2.200 1.000"
is_listed() { lists "$1" && [ "$(lists "$1")" = "$wanted" ]; }
check "info lists names, ranges and times" is_listed all.dfy
check "info tells people, too" bash -c '"$1" info all.dfy | grep -q "take 2"' - "$diffy"
check "it is whole" "$diffy" verify all.dfy
"$diffy" decode all.dfy whole.y4m >/dev/null
same_frames() { # FIRST COUNT FILE: of whole.y4m
    local own
    own=$(head -n 1 "$3" | wc -c)
    cmp <(tail -c +$((header + 1 + $1 * frame_bytes)) whole.y4m | head -c $(($2 * frame_bytes))) <(tail -c +$((own + 1)) "$3")
}
decodes() { # NAME FIRST COUNT [OPTIONS...]
    "$diffy" decode --episode "$1" "${@:4}" all.dfy one.y4m && same_frames "$2" "$3" one.y4m
}
header=$(head -n 1 whole.y4m | wc -c)
check "an episode by its name" decodes "take 1" 36 30
check "frames within an episode" decodes "take 2" 70 5 --frames 4:9
check "an episode that isn't there" fails_with 1 "$diffy" decode --episode nobody all.dfy x.y4m
check "frames outside the episode" fails_with 1 "$diffy" decode --episode b_last --frames 5:7 all.dfy x.y4m
smaller() { # one file takes 15 % less than many
    "$diffy" encode --preset dataset in apart/ || return 1
    local one many
    one=$(stat -c %s all.dfy)
    many=$(cat apart/*.dfy | wc -c)
    echo "$one bytes in one file, $many in four"
    [ $((one * 100)) -le $((many * 85)) ]
}
check "one file takes less than many" smaller
check "episodes stay when a .dfy is encoded again" bash -c '"$1" encode --effort 1 all.dfy again.dfy' - "$diffy"
check "with the same ranges" is_listed again.dfy
printf '0,one\n1.2,two 2\n3.1,three\n' >starts.csv
check "episodes of one recording by their starts" "$diffy" encode --effort 1 --episode-starts starts.csv clip.y4m starts.dfy
by_starts() { lists starts.dfy; [ "$(lists starts.dfy | sed 's/ [0-9.]* [0-9.]*$//')" = $'one 0 36\ntwo 2 36 57\nthree 93 3' ]; }
check "are where they were said to be" by_starts
printf '0,one\n0,two\n' >starts.csv
check "starts out of order are refused" fails_with 1 "$diffy" encode --episode-starts starts.csv clip.y4m x.dfy
mkdir bad && cp "in/take 0.y4m" bad/a.y4m && "$scene" --size 96x64 --frames 3 bad/b.y4m
check "another size is refused" fails_with 1 "$diffy" encode --episodes bad x.dfy
rm bad/b.y4m && : >bad/b.y4m && cp "in/take 1.y4m" bad/c.y4m
check "an empty recording stops" fails_with 1 "$diffy" encode --episodes bad x.dfy
skips() {
    ! "$diffy" encode --episodes --on-error skip --effort 1 bad skipped.dfy 2>err.txt || return 1
    cat err.txt
    grep -q "1 unreadable piece of bad was skipped" err.txt && [ "$(lists skipped.dfy | wc -l)" = 2 ]
}
check "or is skipped, and told" skips
check "--episodes needs a file" fails_with 2 "$diffy" encode --episodes in out/
told_to_finish() { # an encode that can't be resumed does not advise to
    mkdir -p long && "$scene" --size 96x64 --frames 150 long/a.y4m && : >long/b.y4m
    ! "$diffy" encode --episodes --effort 1 --segment-seconds 1 long stopped.dfy 2>err.txt || return 1
    cat err.txt
    grep -q 'stopped.dfy.part: finish it with "diffy repair stopped.dfy.part stopped.dfy"' err.txt || return 1
    ! grep -q -e --resume err.txt || return 1
    ! "$diffy" encode --episodes --effort 1 in stopped.dfy 2>err.txt || return 1
    cat err.txt
    grep -q "would be lost.*repair" err.txt && ! grep -q -e --resume err.txt || return 1
    "$diffy" repair stopped.dfy.part stopped.dfy && "$diffy" verify stopped.dfy
}
check "a failed --episodes encode says how to finish its part, not to resume it" told_to_finish
check "--episodes can't be resumed" fails_with 2 "$diffy" encode --episodes --resume in x.dfy
odd() {
    mkdir -p odd && cp in/b/last.y4m "odd/$(printf 'a\nb\xff 😀').y4m" && "$diffy" encode --episodes --effort 1 odd odd.dfy || return 1
    lists odd.dfy
    [ "$(lists odd.dfy | cut_name)" = "a_b_ 😀" ]
}
cut_name() { sed 's/ 0 6 .*//'; }
check "odd names are made usable" odd
finish
