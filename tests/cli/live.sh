#!/usr/bin/env bash
# Recordings from cameras: a real RTSP server on the loopback, killed and started again while it is recorded.
. "$(dirname "$0")/tap.bash"
python=/usr/bin/python3 server=
if ! "$python" -c 'import gi; gi.require_version("GstRtspServer", "1.0"); from gi.repository import GstRtspServer' 2>err.txt; then
    skip "recording from an RTSP server" "gir1.2-gst-rtsp-server-1.0 and python3-gi are not there"
    finish
fi
port=$((20000 + RANDOM % 20000)) address=
start_server() {
    "$python" "$top/tests/cli/rtsp_server.py" $port >server.txt 2>&1 &
    server=$!
    echo $server >server.pid # it may be started within a check, whose variables are its own
    for ((i = 0; i < 100; i++)); do grep -q serving server.txt && return 0; sleep 0.1; done
    cat server.txt
    return 1
}
stop_server() { kill -KILL "$(cat server.pid)"; sleep 0.3; }
trap '[ ! -e server.pid ] || kill -KILL "$(cat server.pid)" 2>/dev/null; rm -rf "$work"' EXIT
address=rtsp://127.0.0.1:$port/camera
fact() { "$diffy" info --json "$1" | tr -d ' \t' | sed -n "s/^\"$2\":\([0-9.]*\),*$/\1/p"; }
started() { date -d "$("$diffy" info --json "$1" | sed -n 's/.*"start":.*"\(.*\)".*/\1/p')" +%s.%N; } # seconds since 1970
until_size() { for ((i = 0; i < 200; i++)); do [ "$(stat -c %s "$1" 2>/dev/null || echo 0)" -gt "$2" ] && return 0; sleep 0.1; done; return 1; }

check "a camera that isn't there fails" fails_with 1 "$diffy" encode "$address" none.dfy
start_server || { skip "recording from an RTSP server" "it does not start here"; finish; }

drops() { # killed for 3 s in the middle: the gap is in the times, and SIGTERM completes the file
    local began=$(date +%s.%N) encoder status=0
    "$diffy" encode --effort 1 "$address" drop.dfy >drop.out 2>drop.txt &
    encoder=$!
    until_size drop.dfy.part 300 || { kill -KILL $encoder; cat drop.txt; return 1; }
    sleep 2
    stop_server
    sleep 3
    start_server || return 1
    for ((i = 0; i < 200; i++)); do grep -q "is back" drop.txt && break; sleep 0.1; done
    sleep 3
    kill -TERM $encoder
    wait $encoder || status=$?
    local wall=$(awk "BEGIN { print $(date +%s.%N) - $began }") frames seconds
    frames=$(frames_of drop.dfy) seconds=$(fact drop.dfy seconds)
    cat drop.txt
    echo "$frames frames in $seconds s of $wall s, status $status"
    [ $status = 0 ] && "$diffy" verify drop.dfy && [ ! -e drop.dfy.part ] && grep -q "is disconnected" drop.txt || return 1
    awk "BEGIN { exit !($seconds > $wall - 4 && $seconds < $wall + 0.5 && $frames / 15 < $seconds - 2.5 && $frames > 45) }"
}
check "a camera that is away for a while leaves a gap as long, and SIGTERM completes the file" drops
starts() { local start=$(started drop.dfy); echo "$start"; awk "BEGIN { now = $(date +%s); exit !($start > now - 100 && $start < now) }"; }
check "the file says when it started" starts

splits() { # every 2 s another file; none of the frames is lost; old ones go
    touch "split-20200101T000000Z.dfy" "split-20200101T000000Z.txt" "other-20200101T000000Z.dfy"
    "$diffy" encode --effort 1 --split 2 --keep 1d "$address" split.dfy >split.out 2>split.txt &
    local encoder=$! status=0 name frames total=0 count=0
    for ((i = 0; i < 300; i++)); do [ "$(ls split-2*.dfy 2>/dev/null | wc -l)" -ge 4 ] && break; sleep 0.1; done
    kill -TERM $encoder
    wait $encoder || status=$?
    cat split.txt
    [ $status = 0 ] && ! ls split*.part 2>/dev/null || return 1
    [ ! -e split-20200101T000000Z.dfy ] && [ -e split-20200101T000000Z.txt ] && [ -e other-20200101T000000Z.dfy ] || return 1
    for name in split-2*.dfy; do
        "$diffy" verify "$name" || return 1
        count=$((count + 1)) frames=$(frames_of "$name") total=$((total + frames))
        [ $count -gt 1 ] || first=$(started "$name")
        last=$(started "$name") length=$(fact "$name" seconds)
    done
    echo "$count files, $total frames, $(awk "BEGIN { print ($last - $first) + $length }") s"
    # The camera gives 15 a second: all of them, from the first to the last.
    [ $count -ge 3 ] && awk "BEGIN { d = $total - 15 * (($last - $first) + $length); exit !(d > -3 && d < 3) }"
}
falls_behind() { # stopped for a while, as by a machine that is too slow: the effort goes down, and is told
    "$diffy" encode --progress always --effort 5 "$address" slow.dfy >slow.out 2>slow.txt &
    local encoder=$! status=0
    until_size slow.dfy.part 300 || { kill -KILL $encoder; cat slow.txt; return 1; }
    kill -STOP $encoder
    sleep 4.5
    kill -CONT $encoder
    for ((i = 0; i < 100; i++)); do grep -q "the effort is 4" slow.txt && break; sleep 0.1; done
    sleep 1
    kill -TERM $encoder
    wait $encoder || status=$?
    cat slow.txt
    [ $status = 0 ] && grep -q "can't keep up.*the effort from frame.*to 4" slow.txt && grep -q "effort 4 to 5" slow.txt && "$diffy" verify slow.dfy
}
check "where the machine can't keep up the effort goes down" falls_behind
check "--split begins files without losing a frame, and --keep deletes old ones" splits
split_file() { # a file is split alike, by number, and its pieces join to all of its frames
    "$scene" --size 96x64 --frames 100 --fps 10 clip.y4m && "$diffy" encode --effort 1 --split 4s clip.y4m piece.dfy || return 1
    ls piece* && [ "$(ls piece-*.dfy | wc -l)" = 3 ] && "$diffy" join piece-*.dfy joined.dfy && [ "$(frames_of joined.dfy)" = 100 ] && psnr_above 30 clip.y4m joined.dfy
}
check "a file is split alike" split_file
check "--keep alone is bad usage" fails_with 2 "$diffy" encode --keep 1d clip.y4m x.dfy
check "a time that isn't one is bad usage" fails_with 2 "$diffy" encode --split 1week clip.y4m x.dfy
stop_server
if [ -e /dev/video0 ]; then
    device() { "$diffy" encode --effort 1 --frames 20 /dev/video0 device.dfy && [ "$(frames_of device.dfy)" = 20 ]; }
    check "a video device is recorded" device
else
    skip "a video device is recorded" "there is no /dev/video0: v4l2loopback needs a kernel module"
fi
finish
