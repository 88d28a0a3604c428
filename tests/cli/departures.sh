#!/usr/bin/env bash
# Where the work leaves its routine: planted events come out of `diffy info`, in both modes, whole or joined of parts.
. "$(dirname "$0")/tap.bash"
scene_options=(--preset quiet --size 160x90 --jitter 5 --pauses 0.4 --drift 1.2 --planted 0.3 --seed 3 --frames 3000)
"$scene" "${scene_options[@]}" --events truth.csv cell.y4m
# Events of the truth in one file that no row of the other overlaps; both have first frame and frames somewhere.
missed() {
    awk -F, 'NR == FNR { if (FNR > 1) { from[FNR] = $2; to[FNR] = $2 + $3 } next }
        FNR > 1 { found = 0; for (i in from) if (from[i] < $3 + $4 + $5 && $3 < to[i]) found = 1; if (!found) print }' "$1" truth.csv
}
none_missed() { missed "$1"; [ "$(missed "$1" | wc -l)" = 0 ]; }
for mode in training upload; do
    check "$mode: encoded" "$diffy" encode --effort 1 -q 15 --mode $mode cell.y4m $mode.dfy
    check "$mode: departures as CSV" "$diffy" info --departures $mode.csv $mode.dfy
    check "$mode: no planted event is missed" none_missed $mode.csv
done
check "events there are" bash -c '[ "$(wc -l <truth.csv)" -gt 2 ]'
check "both modes tell the same" cmp training.csv upload.csv
check "on stdout nothing else is told" bash -c '"$1" info --departures - training.dfy | cmp - training.csv' - "$diffy"
check "for people" bash -c '"$1" info training.dfy | grep -q "departure  first frame"' - "$diffy"
check "as JSON there are as many" bash -c '"$1" info --json training.dfy | node -e "
    const list = JSON.parse(require(\"fs\").readFileSync(0)).departures;
    const rows = require(\"fs\").readFileSync(\"training.csv\", \"utf8\").trim().split(\"\\n\").length - 1;
    process.exit(Number(list.length !== rows || !list.every((d) => d.frames > 0 && d.right > d.left)))"' - "$diffy"
check "the input is not written over" fails_with 1 "$diffy" info --departures training.dfy training.dfy
"$diffy" encode --effort 1 -q 15 --frames 200 cell.y4m before.dfy
check "joined behind another file" "$diffy" join before.dfy training.dfy both.dfy
check "they have moved on by its frames" bash -c '"$1" info --departures - both.dfy | awk -F, "NR > 1 { print \$2 - 200 }" >moved
    awk -F, "NR > 1 { print \$2 }" training.csv | cmp - moved' - "$diffy"
finish
