#!/usr/bin/env bash
# A .dfy that comes through a pipe: the same pictures as from the file, the first of them before the last byte is there,
# and a sentence where that can't be.
. "$(dirname "$0")/tap.bash"
"$scene" --preset busy --size 146x90 --frames 200 --fps 10 clip.y4m >/dev/null || exit 1
"$scene" --preset quiet --size 160x90 --jitter 0 --cycle 3 --seconds 15 cycles.y4m >/dev/null || exit 1
through() { # CLIP OPTIONS...: decoded from the file and from the pipe
    "$diffy" encode --progress never "${@:2}" "$1" x.dfy && "$diffy" decode --progress never x.dfy file.y4m &&
        cat x.dfy | "$diffy" decode --progress never - pipe.y4m && [ "$(wc -c <pipe.y4m)" -gt 100000 ] && cmp file.y4m pipe.y4m
}
check "through a pipe" through clip.y4m --effort 2
check "to stdout, too" bash -c 'cat x.dfy | "$1" decode - - | cmp - file.y4m' - "$diffy"
part() {
    "$diffy" decode --progress never --frames 70:95 x.dfy file.y4m && "$diffy" decode --progress never --frames 70:95 - pipe.y4m <x.dfy &&
        cmp file.y4m pipe.y4m
}
check "a part of it" part
check "frames past the end fail" bash -c '! "$1" decode --frames 150:300 - x.y4m <x.dfy && [ ! -e x.y4m ]' - "$diffy"
check "lossless" through clip.y4m -q 100
check "with clones" through cycles.y4m --mode upload
check "of version 1" through clip.y4m --format 1
sound() { # heard to the end, too
    ffmpeg -v error -y -f lavfi -i testsrc=s=96x64:r=10:d=12 -f lavfi -i sine=d=12 -c:v libx264 -pix_fmt yuv420p -c:a aac sound.mp4 &&
        "$diffy" encode --progress never --effort 1 sound.mp4 s.dfy && "$diffy" decode --progress never s.dfy file.mp4 &&
        cat s.dfy | "$diffy" decode --progress never - pipe.mp4 || return 1
    local f
    for f in file pipe; do ffprobe -v error -select_streams a -show_entries packet=pts,size -of csv=p=0 $f.mp4 >$f.csv; done
    wc -l file.csv && [ "$(wc -l <file.csv)" -gt 400 ] && cmp file.csv pipe.csv
}
check "with its sound" sound
early() { # half the file is enough for pictures
    "$diffy" encode --progress never --effort 1 -q 70 clip.y4m x.dfy && mkfifo slow || return 1
    "$diffy" decode --progress never - - <slow >pictures.y4m &
    local decoding=$!
    exec 7>slow
    head -c $(($(stat -c %s x.dfy) / 2)) x.dfy >&7
    local n
    for n in $(seq 100); do [ "$(stat -c %s pictures.y4m)" -gt 400000 ] && break; sleep 0.1; done
    local early=$(stat -c %s pictures.y4m)
    tail -c +$(($(stat -c %s x.dfy) / 2 + 1)) x.dfy >&7
    exec 7>&-
    wait $decoding && echo "$early bytes of pictures before the second half" && [ "$early" -gt 400000 ] &&
        [ "$(stat -c %s pictures.y4m)" -gt $((200 * 146 * 90 * 3 / 2)) ]
}
check "pictures come before the end does" early
cut() { # what is there is given, with a warning
    head -c $(($(stat -c %s x.dfy) * 2 / 3)) x.dfy | "$diffy" decode --progress never - cut.y4m 2>err.txt && cat err.txt &&
        [ "$(wc -l <err.txt)" = 1 ] && grep -q "is cut off" err.txt && [ "$(wc -c <cut.y4m)" -gt 400000 ]
}
check "a stream that was cut" cut
check "what isn't a .dfy" bash -c 'head -c 5000 "$2" | "$1" decode - x.y4m 2>err.txt; [ $? = 1 ] && [ "$(wc -l <err.txt)" = 1 ] && grep stdin err.txt' - "$diffy" "$scene"
check "nothing at all" fails_with 1 "$diffy" decode - x.y4m
check "a web page needs a file" bash -c '"$1" decode - x.html <x.dfy 2>err.txt; [ $? = 1 ] && grep "save stdin" err.txt' - "$diffy"
finish
