#!/usr/bin/env bash
# The bench: BD-rate of curves whose answer is known, and one small run of the whole.
. "$(dirname "$0")/tap.bash"
if ! command -v python3 >/dev/null; then
    skip "bench" "python3 is not there"
    finish
fi
gives() { # EXPRESSION RATE: within a thousandth
    PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$top/tools/bench" python3 -c "
import bd
a = [(100, 30), (200, 34), (400, 37), (800, 39.5)]
value = bd.bd_rate(a, $1)
print(value)
raise SystemExit(0 if $2 is value or (value is not None and $2 is not None and abs(value - ($2 or 0)) < 1e-3) else 1)"
}
check "a curve against itself" gives "a" 0
check "half the bytes" gives "[(r / 2, p) for r, p in a]" -50
check "a quarter more bytes, in another order" gives "[(r * 1.25, p) for r, p in a][::-1]" 25
check "half the bytes, over a part of the range" gives "[(r / 2, p) for r, p in a[1:3]]" -50
check "curves that don't overlap have no BD-rate" gives "[(r, p + 20) for r, p in a]" None
whole() { PYTHONDONTWRITEBYTECODE=1 "$top/tools/bench/bench" --clips scene_quiet --frames 8 --encoders diffy,x264-medium >report.md &&
    grep -q "^| scene_quiet | [-+]" report.md && grep -q "<polyline" "$top/build/bench/curves.svg"; }
check "a whole bench, small" whole
finish
