# What the tests of the command line share: each check is one line of TAP, and a failed one tells what it saw.
# A script sources this, calls `check NAME COMMAND...` and ends with `finish`.
# A pipe out of diffy ends in grep -c, not -q: grep -q leaves at the first hit, and diffy then fails because its reader is gone.
set -uo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
diffy="${DIFFY_BUILD:-$top/build}/diffy" scene="$top/build/scene"
shared="${DIFFY_SHARED:-$(cd "$top/.." && pwd)/shared}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
tests=0 failures=0

check() { # NAME COMMAND...: passes when the command does
    local name=$1 output
    shift
    tests=$((tests + 1))
    if output=$("$@" 2>&1); then
        echo "ok $tests - $name"
    else
        failures=$((failures + 1))
        echo "not ok $tests - $name"
        printf '%s\n' "$output" | head -n 20 | sed 's/^/# /'
    fi
}

skip() { # NAME REASON
    tests=$((tests + 1))
    echo "ok $tests # SKIP $1: $2"
}

finish() {
    echo "1..$tests"
    exit $((failures > 0))
}

# fails_with STATUS COMMAND...: ends with that status, with one line on stderr and nothing on stdout.
fails_with() {
    local wanted=$1 status=0
    shift
    "$@" >stdout.txt 2>stderr.txt </dev/null || status=$?
    [ "$status" = "$wanted" ] || { echo "status $status, not $wanted: $(cat stderr.txt)"; return 1; }
    [ "$(wc -l <stderr.txt)" = 1 ] || { echo "not one line on stderr:"; cat stderr.txt; return 1; }
    [ ! -s stdout.txt ] || { echo "something on stdout:"; cat stdout.txt; return 1; }
}

# psnr_above DB REFERENCE OTHER: luma over all frames, and as many frames in both.
psnr_above() {
    local line
    line=$("$diffy" compare --summary "$2" "$3") || { echo "$line"; return 1; }
    echo "$line"
    awk -v low="$1" '{ for (i = 1; i < NF; i++) if ($i == "Y") { exit !($(i + 1) == "inf" || $(i + 1) > low) } exit 1 }' <<<"$line"
}

frames_of() { "$diffy" info --json "$1" | sed -n 's/^\t"frames":\t\([0-9]*\),$/\1/p'; }

# y4m_facts FILE: size, rate and number of frames.
y4m_facts() {
    local header width height
    header=$(head -n 1 "$1")
    width=$(sed -E 's/.* W([0-9]+).*/\1/' <<<"$header") height=$(sed -E 's/.* H([0-9]+).*/\1/' <<<"$header")
    echo "$width $height $(sed -E 's/.* F([0-9:]+).*/\1/' <<<"$header")" \
        $((($(stat -c %s "$1") - ${#header} - 1) / (width * height + 2 * ((width + 1) / 2) * ((height + 1) / 2) + 6)))
}
same_y4m_facts() {
    echo "$(y4m_facts "$1") and $(y4m_facts "$2")"
    [ "$(y4m_facts "$1")" = "$(y4m_facts "$2")" ]
}
