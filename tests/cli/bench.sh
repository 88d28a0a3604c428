#!/usr/bin/env bash
# The bench: BD-rate of curves whose answer is known, and one small run of the whole.
. "$(dirname "$0")/tap.bash"
if ! command -v python3 >/dev/null; then
    skip "bench" "python3 is not there"
    finish
fi
gives() { # CURVES RATE: of the second against the first
    PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$top/tools/bench" python3 -c "
import bd
a = [(100, 30), (200, 34), (400, 37), (800, 39.5)]
line = [(100, 30), (200, 33), (400, 36), (800, 39), (1600, 42)]
value, wanted = bd.bd_rate($1), $2
print(value)
raise SystemExit(value != wanted if None in (value, wanted) else abs(value - wanted) > 1e-3)"
}
check "a curve against itself" gives "a, a" 0
check "half the bytes" gives "a, [(r / 2, p) for r, p in a]" -50
check "a quarter more bytes, in another order" gives "a, [(r * 1.25, p) for r, p in a][::-1]" 25
check "half the bytes, over a part of the range" gives "line, [(r / 2, p) for r, p in line[1:4]]" -50
check "curves that don't overlap have no BD-rate" gives "a, [(r, p + 20) for r, p in a]" None
whole() { PYTHONDONTWRITEBYTECODE=1 "$top/tools/bench/bench" --clips scene_quiet --frames 8 --encoders diffy,x264-medium >report.md &&
    grep -q "^| scene_quiet | [-+]" report.md && grep -q "<polyline" "$top/build/bench/curves.svg"; }
if [ -n "${DIFFY_BUILD:-}" ]; then
    skip "a whole bench, small" "it measures the plain build"
else
    check "a whole bench, small" whole
fi
finish
