#!/usr/bin/env bash
# Nothing is lost: what a kill, a full disk, a failing input or a second Ctrl-C leaves can be played, finished and gone
# on with; parts coded apart become one file.
. "$(dirname "$0")/tap.bash"
export ASAN_OPTIONS=verify_asan_link_order=0
"$scene" --size 160x90 --frames 360 --seed 3 clip.y4m
head=$(head -n 1 clip.y4m | wc -c) frame=$((160 * 90 * 3 / 2 + 6))
options=(--effort 1 --stretch-seconds 3)
"$diffy" encode "${options[@]}" clip.y4m whole.dfy

# frames_from FIRST COUNT: of the clip, without its header.
frames_from() { dd if=clip.y4m iflag=skip_bytes,count_bytes skip=$((head + $1 * frame)) count=$(($2 * frame)) bs=64K status=none 2>/dev/null; }

# ---- a kill at any moment
"$diffy" encode "${options[@]}" --segment-seconds 2 - undisturbed.dfy <clip.y4m
killed() { # TIMES: the part always plays, loses at most 2 s of what went in, is repaired and resumed to the same bytes
    local i lost=0 read pid
    for ((i = 0; i < $1; i++)); do
        rm -f kill.dfy kill.dfy.part
        : >count
        { head -c "$head" clip.y4m; for ((n = 0; n < 360; n += 5)); do
            frames_from $n 5 || break; echo $((n + 5)) >count; sleep 0.02; done; } 2>/dev/null |
            "$diffy" encode "${options[@]}" --segment-seconds 2 - kill.dfy &
        pid=$!
        sleep $((i % 3 == 0)).$((RANDOM % 10))$((RANDOM % 10))
        kill -KILL $pid 2>/dev/null
        wait $pid 2>/dev/null
        read=$(cat count)
        [ -e kill.dfy ] && continue # it was too late
        [ -s kill.dfy.part ] || continue
        cp kill.dfy.part before.part
        local frames=0
        if "$diffy" repair before.part repaired.dfy >repair.txt 2>&1; then
            frames=$(frames_of repaired.dfy)
            "$diffy" verify repaired.dfy && "$diffy" decode repaired.dfy repaired.y4m || return 1
        fi
        # The pipe holds up to 64 KB that the encoder has not read yet: 4 frames, and one chunk of 5 is on its way.
        [ $((${read:-0} - frames)) -le $((60 + 9)) ] || { echo "only $frames of $read frames are there"; return 1; }
        [ $((${read:-0} - frames)) -gt $lost ] && lost=$((${read:-0} - frames))
        "$diffy" encode "${options[@]}" --segment-seconds 2 --resume - kill.dfy <clip.y4m || return 1
        cmp kill.dfy undisturbed.dfy || return 1
        [ ! -e kill.dfy.part ] || return 1
    done
    echo "at most $lost frames lost"
}
check "killed at six random moments: at most 2 s are lost, repaired and resumed each time" killed 6

# ---- cut anywhere
cut_anywhere() { # what is there is resumed to the same bytes, from every place a write can end
    local size=$(stat -c %s whole.dfy) n
    for n in 0 3 4 20 $((size / 5)) $((size / 3)) $((size / 2)) $((size * 2 / 3)) $((size - 30)) $((size - 1)) $size; do
        head -c $n whole.dfy >cut.dfy.part
        "$diffy" encode "${options[@]}" --resume clip.y4m cut.dfy && cmp cut.dfy whole.dfy || { echo "cut at $n"; return 1; }
        [ ! -e cut.dfy.part ] && rm cut.dfy || return 1
    done
}
check "a part cut anywhere is gone on with to the same bytes" cut_anywhere
resumes_torn() { # a power cut leaves zeros where the last chunk was to be
    { head -c $(($(stat -c %s whole.dfy) * 2 / 3)) whole.dfy; head -c 3000 /dev/zero; } >torn.dfy.part
    "$diffy" encode "${options[@]}" --resume clip.y4m torn.dfy && cmp torn.dfy whole.dfy
}
check "so is one whose end is zeros" resumes_torn
check "--resume of a file that is complete does nothing" "$diffy" encode "${options[@]}" --resume clip.y4m whole.dfy
check "--resume without a part begins at the start" bash -c '"$1" encode --effort 1 --stretch-seconds 3 --resume clip.y4m fresh.dfy && cmp fresh.dfy whole.dfy' - "$diffy"

refuses() { # NAME SAYS COMMAND...: fails with one line that says so, and the part stays as it is
    local name=$1 says=$2 before=$(md5sum <"$1")
    fails_with 1 "${@:3}" && cat stderr.txt && grep -q "$says" stderr.txt && [ "$(md5sum <"$name")" = "$before" ]
}
head -c $(($(stat -c %s whole.dfy) * 2 / 3)) whole.dfy >other.dfy.part
"$scene" --size 160x90 --frames 360 --seed 4 other.y4m
check "another input is refused" refuses other.dfy.part "does not match this input" "$diffy" encode "${options[@]}" --resume other.y4m other.dfy
check "other options are refused" refuses other.dfy.part "does not match this input" "$diffy" encode "${options[@]}" -q 40 --resume clip.y4m other.dfy
head -c $((head + 100 * frame)) clip.y4m >short.y4m
check "an input that ends too soon is refused" refuses other.dfy.part "" "$diffy" encode --effort 1 --stretch-seconds 3 --resume short.y4m other.dfy
check "a part is not overwritten by the next encode" refuses other.dfy.part "would be lost.*--resume.*repair" "$diffy" encode clip.y4m other.dfy
: >empty.dfy.part
check "one with nothing in it is" "$diffy" encode --effort 1 --frames 20 clip.y4m empty.dfy

# ---- repair
repairs() { # the bytes of the whole chunks are the same, and the part is gone
    head -c $(($(stat -c %s whole.dfy) * 2 / 3)) whole.dfy >fix.dfy.part
    "$diffy" info fix.dfy.part | grep "cut off or never finished" || return 1
    "$diffy" repair fix.dfy.part fix.dfy && "$diffy" verify fix.dfy && [ ! -e fix.dfy.part ] || return 1
    "$diffy" decode fix.dfy fix.y4m && "$diffy" decode --frames 0:"$(frames_of fix.dfy)" whole.dfy same.y4m && cmp fix.y4m same.y4m
}
check "repair finishes a part losslessly" repairs
check "repair of a whole file gives the same file" bash -c '"$1" repair whole.dfy again.dfy && cmp again.dfy whole.dfy' - "$diffy"
repairs_middle() { # a chunk whose checksum is wrong is left out, the rest plays
    cp whole.dfy bad.dfy
    printf 'xxxx' | dd of=bad.dfy bs=1 seek=$(($(stat -c %s whole.dfy) / 2)) conv=notrunc status=none
    "$diffy" repair bad.dfy mended.dfy | grep "left out" && [ "$(stat -c %s mended.dfy)" -lt "$(stat -c %s bad.dfy)" ] && [ -e bad.dfy ]
}
check "repair leaves a damaged chunk out and says so" repairs_middle
head -c 30 whole.dfy >stump
check "repair of what holds no frame fails" fails_with 1 "$diffy" repair stump x.dfy
check "and leaves nothing" bash -c '! ls | grep "^x\."'

# ---- faults
if cc -shared -fPIC -o faults.so "$top/tests/cli/faults.c" -ldl; then
    faulty() { env LD_PRELOAD="$work/faults.so" "$@"; }
    full_disk() { # the part stays and ends with a whole chunk; the message says what to do; then it is resumed
        local size=$(($(stat -c %s whole.dfy) * 2 / 3))
        FAULT_FILE=full.dfy.part FAULT_WRITE=$size fails_with 1 env LD_PRELOAD="$work/faults.so" "$diffy" encode "${options[@]}" clip.y4m full.dfy || return 1
        cat stderr.txt
        grep -q "full.dfy can't be written (No space left on device): free some space.*full.dfy.part.*--resume.*diffy repair" stderr.txt || return 1
        cp full.dfy.part copy.dfy.part
        "$diffy" repair copy.dfy.part copy.dfy && ! "$diffy" repair full.dfy.part x.dfy | grep "no whole chunk" && rm x.dfy || return 1
        "$diffy" encode "${options[@]}" --resume clip.y4m full.dfy && cmp full.dfy whole.dfy
    }
    check "a full disk: the part stays, and is gone on with" full_disk
    tells_before() { FAULT_FILE=room.dfy.part FAULT_ROOM=2000000 faulty "$diffy" encode --effort 1 - room.dfy <clip.y4m 2>err.txt && cat err.txt &&
        grep -q "warning: The disk with room.dfy has only 2.0 MB free" err.txt && [ "$(wc -l <err.txt)" = 1 ]; }
    check "a disk that is nearly full is told before it is" tells_before
    cut_read() { # INPUT BYTES: reading fails in the middle
        rm -f read.dfy*
        FAULT_FILE=$1 FAULT_READ=$2 fails_with 1 env LD_PRELOAD="$work/faults.so" "$diffy" encode --effort 1 --segment-seconds 2 "$1" read.dfy || return 1
        cat stderr.txt && grep -q "$1 can't be read after frame.*(Input/output error).*read.dfy.part" stderr.txt && [ ! -e read.dfy ] || return 1
        "$diffy" encode --effort 1 --segment-seconds 2 --resume "$1" read.dfy && "$diffy" encode --effort 1 --segment-seconds 2 "$1" straight.dfy && cmp read.dfy straight.dfy
    }
    check "a Y4M that can't be read any more is not at its end" cut_read clip.y4m $((300 * frame))
    ffmpeg -v error -y -nostdin -i clip.y4m -c:v libx264 -crf 12 -movflags +faststart clip.mp4
    check "nor is a video" cut_read clip.mp4 $(($(stat -c %s clip.mp4) * 9 / 10))
else
    skip "faults of disks and inputs" "there is no C compiler to build them with"
fi

# ---- signals
"$diffy" encode --effort 1 --segment-seconds 1 - signalled.dfy <clip.y4m
stops() { # SIGNAL...: stops an encode that has frames in its part, and that more will come for
    rm -f stop.dfy*
    { head -c $((head + 300 * frame)) clip.y4m; sleep 8; } |
        "$diffy" encode --effort 1 --segment-seconds 1 - stop.dfy 2>stop.txt &
    local pid=$! signal status=0 before=-1
    while [ "$(stat -c %s stop.dfy.part 2>/dev/null || echo 0)" != $before ] || [ $before = 0 ]; do
        before=$(stat -c %s stop.dfy.part 2>/dev/null || echo 0)
        sleep 0.7
    done
    for signal in "$@"; do kill -"$signal" $pid; sleep 0.3; done
    wait $pid || status=$?
    cat stop.txt
    return $status
}
resumes_stop() { # WORDS: says so, and the part is gone on with
    cat stop.txt
    grep -q "$1.*stop.dfy.part.*--resume" stop.txt && [ ! -e stop.dfy ] && "$diffy" info stop.dfy.part >info.txt || return 1
    "$diffy" encode --effort 1 --segment-seconds 1 --resume - stop.dfy <clip.y4m && cmp stop.dfy signalled.dfy
}
hangs_up() { ! stops HUP && resumes_stop "terminal was closed"; }
check "SIGHUP: the part stays, and is gone on with" hangs_up
gives_up() { # while the first one completes the file, which the shim makes take its time
    LD_PRELOAD="$work/faults.so" FAULT_FILE=stop.dfy.part FAULT_SLEEP=1 stops INT INT
    [ $? = 130 ] && resumes_stop "Stopped immediately"
}
[ ! -e faults.so ] || check "a second Ctrl-C: the part stays, and is gone on with" gives_up
terminates() { ! stops TERM && [ -e stop.dfy ] && [ ! -e stop.dfy.part ] && "$diffy" verify stop.dfy; }
check "SIGTERM completes the file" terminates
locked() { # two that write the same file: the second gives up, the first isn't disturbed
    { head -c $((head + 100 * frame)) clip.y4m; sleep 1; } | "$diffy" encode --effort 1 - two.dfy &
    local pid=$!
    sleep 0.5
    fails_with 1 "$diffy" encode --effort 1 clip.y4m two.dfy && cat stderr.txt && grep -q "is being written by another" stderr.txt && wait $pid && [ "$(frames_of two.dfy)" = 100 ]
}
check "two can't write the same file at once" locked

# ---- parts
parts() { # N: coded apart, in any order, and joined: the bytes of one run
    local i
    "$diffy" encode --effort 1 --parts "$1" clip.y4m run.dfy || return 1
    for ((i = $1; i >= 1; i--)); do "$diffy" encode --effort 1 --part "$i/$1" clip.y4m "part$i.dfy" && "$diffy" verify "part$i.dfy" || return 1; done
    "$diffy" join $(seq -f 'part%g.dfy' 1 "$1") joined.dfy && cmp joined.dfy run.dfy && "$diffy" verify joined.dfy && [ "$(frames_of joined.dfy)" = 360 ]
}
check "three parts become the file of one run" parts 3
check "and the pictures of the input" psnr_above 34 clip.y4m joined.dfy
check "seven, which don't divide the frames" parts 7
analysed() { # parts that share a background: the bytes of one run, with that background once, and fewer in all; also resumed
    local i before
    "$diffy" encode --effort 1 --parts 3 clip.y4m run.dfy && before=$(stat -c %s run.dfy) || return 1
    "$diffy" analyse clip.y4m clip.dfya && "$diffy" encode --effort 1 --analysis clip.dfya --parts 3 clip.y4m run.dfy || return 1
    for i in 3 1 2; do "$diffy" encode --effort 1 --analysis clip.dfya --part $i/3 clip.y4m shared$i.dfy && "$diffy" decode shared$i.dfy shared$i.y4m || return 1; done
    "$diffy" join shared1.dfy shared2.dfy shared3.dfy joined.dfy && cmp joined.dfy run.dfy && "$diffy" decode joined.dfy joined.y4m || return 1
    { cat shared1.y4m; tail -n +2 shared2.y4m; tail -n +2 shared3.y4m; } | cmp - joined.y4m || return 1
    "$diffy" decode --frames 200:201 joined.dfy some.y4m && tail -n +2 some.y4m | cmp - <(tail -c +$((1 + $(head -1 joined.y4m | wc -c) + 200 * frame)) joined.y4m | head -c $frame) || return 1
    head -c $(($(stat -c %s run.dfy) * 3 / 4)) run.dfy >again3.dfy.part
    "$diffy" encode --effort 1 --analysis clip.dfya --parts 3 --resume clip.y4m again3.dfy && cmp again3.dfy run.dfy || return 1
    echo "$(stat -c %s run.dfy) bytes after $before"
    [ "$(stat -c %s run.dfy)" -lt "$before" ] && psnr_above 34 clip.y4m joined.dfy
}
check "parts share the background that an analysis found" analysed
"$diffy" encode --effort 1 --part 2/3 clip.y4m alone2.dfy
check "one without it is told" bash -c '! "$1" join shared1.dfy alone2.dfy shared3.dfy x.dfy 2>told.txt && grep -q "alone2.dfy.*another --analysis" told.txt' - "$diffy"
check "an analysis at another quality is told" bash -c '! "$1" encode -q 30 --analysis clip.dfya clip.y4m x.dfy 2>told.txt && grep -q "quality 25" told.txt' - "$diffy"
head -c "$head" clip.y4m >restless.y4m
for ((i = 0; i < 30; i++)); do printf 'FRAME\n'; head -c $((frame - 6)) /dev/urandom; done >>restless.y4m
check "where nothing stays there is no background to share" bash -c '! "$1" analyse restless.y4m x.dfya 2>told.txt && grep -q "no background" told.txt && [ ! -e x.dfya ]' - "$diffy"
check "a view that has become another takes its own" bash -c '"$1" encode --effort 1 --analysis clip.dfya restless.y4m own.dfy && "$1" info own.dfy | grep BACKGROUND && exit 1; exit 0' - "$diffy"
check "an analysis goes with no aimed size" fails_with 2 "$diffy" encode --analysis clip.dfya --target-size 1M clip.y4m x.dfy
ffmpeg -v error -y -nostdin -i clip.y4m -f lavfi -i sine=440:duration=12 -c:v libx264 -crf 12 -c:a aac -shortest heard.mp4
sounds() { # sound is cut and joined with the pictures, and resumed
    local i
    "$diffy" encode --effort 1 --parts 3 heard.mp4 run.dfy && "$diffy" info --chunks run.dfy | grep -c SOUND || return 1
    for i in 1 2 3; do "$diffy" encode --effort 1 --part $i/3 heard.mp4 h$i.dfy || return 1; done
    "$diffy" join h1.dfy h2.dfy h3.dfy heard.dfy && cmp heard.dfy run.dfy || return 1
    head -c $(($(stat -c %s run.dfy) * 3 / 4)) run.dfy >again2.dfy.part
    "$diffy" encode --effort 1 --parts 3 --resume heard.mp4 again2.dfy && cmp again2.dfy run.dfy
}
check "with their sound" sounds
check "a part that is missing is told" fails_with 1 "$diffy" join part1.dfy part3.dfy part4.dfy part5.dfy part6.dfy part7.dfy x.dfy
check "so is a wrong order" fails_with 1 "$diffy" join part2.dfy part1.dfy part3.dfy part4.dfy part5.dfy part6.dfy part7.dfy x.dfy
head -c $(($(stat -c %s part2.dfy) - 9)) part2.dfy >torn2.dfy
check "so is one that was cut" fails_with 1 "$diffy" join part1.dfy torn2.dfy part3.dfy part4.dfy part5.dfy part6.dfy part7.dfy x.dfy
check "so is one of another size" bash -c '"$1" --size 96x64 --frames 10 small.y4m && "$2" encode small.y4m small.dfy && ! "$2" join whole.dfy small.dfy x.dfy' - "$scene" "$diffy"
check "a part that isn't one is bad usage" fails_with 2 "$diffy" encode --part 4/3 clip.y4m x.dfy
check "stdin can't be cut into parts" bash -c '! "$1" encode --part 1/3 - x.dfy <clip.y4m' - "$diffy"
check "failures leave no output" bash -c '! ls | grep "^x\."'
split() { # recordings that follow one another become one, with and without a background, in training and upload
    "$scene" --size 160x90 --frames 60 --seed 9 second.y4m
    head -c "$head" clip.y4m >noise.y4m
    for ((i = 0; i < 40; i++)); do printf 'FRAME\n'; head -c $((frame - 6)) /dev/urandom; done >>noise.y4m
    "$diffy" encode --effort 1 --mode "$1" -q 60 noise.y4m b.dfy && "$diffy" encode --effort 1 --mode "$1" -q 60 clip.y4m a.dfy && "$diffy" encode --effort 1 --mode "$1" -q 60 second.y4m c.dfy || return 1
    "$diffy" join a.dfy b.dfy c.dfy abc.dfy && "$diffy" verify abc.dfy && "$diffy" decode abc.dfy abc.y4m || return 1
    for name in a b c; do "$diffy" decode $name.dfy $name.y4m || return 1; done
    { cat a.y4m; tail -n +2 b.y4m; tail -n +2 c.y4m; } | cmp - abc.y4m || return 1
    "$diffy" decode --frames 365:370 abc.dfy some.y4m || return 1
    tail -n +2 b.y4m >b.raw && tail -n +2 some.y4m >some.raw && cmp --ignore-initial=$((5 * frame)):0 --bytes=$((5 * frame)) b.raw some.raw
}
check "recordings that follow one another are joined" split training
check "also in mode upload" split upload
finish
