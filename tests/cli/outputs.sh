#!/usr/bin/env bash
# Everything that decode writes, in both formats that encode writes.
. "$(dirname "$0")/tap.bash"
"$scene" --size 102x66 --frames 24 --fps 23.976 clip.y4m
same() { echo "$1 / $2"; [ "$1" = "$2" ]; }

for format in 1 2; do
    "$diffy" encode --format $format -q 60 clip.y4m clip.dfy 2>err.txt
    if grep -q "is unknown" err.txt; then
        skip "format $format" "$(cat err.txt)"
        continue
    fi
    "$diffy" decode clip.dfy out.y4m
    check "format $format: Y4M has the size, rate and frames of the input" same_y4m_facts clip.y4m out.y4m
    check "format $format: and its pictures" psnr_above 28 clip.y4m out.y4m
    check "format $format: stdout is the same Y4M" bash -c '"$1" decode clip.dfy - | cmp - out.y4m' - "$diffy"
    check "format $format: frames out of the middle" bash -c '"$1" decode --frames 5:9 clip.dfy part.y4m &&
        tail -c $((4 * (102 * 66 * 3 / 2 + 6))) part.y4m >a && head -c $(($(head -n 1 out.y4m | wc -c) + 9 * (102 * 66 * 3 / 2 + 6))) out.y4m |
        tail -c $((4 * (102 * 66 * 3 / 2 + 6))) | cmp - a' - "$diffy"
    rm -rf frames
    "$diffy" decode clip.dfy frames/
    check "format $format: a folder of PNG" same "$(ls frames | wc -l) $(ls frames | tail -n 1)" "24 frame_000023.png"
    check "format $format: with the decoded pictures" psnr_above 40 out.y4m frames
    "$diffy" decode --images jpg --frames 10: clip.dfy part.zip
    check "format $format: a zip of JPEG" bash -c '"$1" encode part.zip again.dfy && "$1" info --json again.dfy | grep -q "\"frames\":	14,"' - "$diffy"
    "$diffy" decode clip.dfy out.mp4
    check "format $format: MP4" psnr_above 36 out.y4m out.mp4
    check "format $format: encoding again gives the same bytes" bash -c '"$1" encode --format "$2" -q 60 clip.y4m twice.dfy && cmp clip.dfy twice.dfy' - "$diffy" $format
done
lossless() { "$diffy" encode --format 2 -q 100 clip.y4m l.dfy && "$diffy" decode l.dfy l.y4m && cmp <(tail -n +2 clip.y4m) <(tail -n +2 l.y4m); }
check "quality 100 of version 2 is lossless" lossless
damaged() { # a byte turned over in the middle: as many frames come out, and the failure is told
    local middle=$(($(stat -c %s clip.dfy) * 2 / 3)) byte
    byte=$(od -An -tu1 -j $middle -N 1 clip.dfy | tr -d ' ')
    cp clip.dfy damaged.dfy
    printf "\\$(printf %o $((byte ^ 255)))" | dd of=damaged.dfy bs=1 seek=$middle conv=notrunc status=none
    ! "$diffy" verify damaged.dfy && ! "$diffy" decode damaged.dfy damaged.y4m && same_y4m_facts clip.y4m damaged.y4m
}
check "a damaged file gives as many frames, and fails" damaged
check "a folder with something in it is left alone" fails_with 1 "$diffy" decode clip.dfy frames/
check "a higher quality is nearer" bash -c '
    for q in 10 50 90; do "$1" encode -q $q clip.y4m q.dfy; "$1" compare --json clip.y4m q.dfy | grep -m 1 mse_y | tr -dc "0-9.\n"; done |
    awk "NR > 1 && \$1 >= last { exit 1 } { last = \$1 }"' - "$diffy"
"$scene" --size 192x128 --frames 20 --preset noisy --noise 5 noisy.y4m
grain() {
    "$diffy" encode -q 25 noisy.y4m noisy.dfy && "$diffy" info noisy.dfy | grep -c GRAIN && "$diffy" decode noisy.dfy smooth.y4m &&
        "$diffy" decode --grain noisy.dfy grain.y4m && "$diffy" decode --grain --frames 7:9 noisy.dfy some.y4m && same_y4m_facts smooth.y4m grain.y4m &&
        ! cmp -s smooth.y4m grain.y4m && ffmpeg -v error -y -nostdin -i grain.y4m -vf 'select=between(n\,7\,8)' -fps_mode passthrough part.y4m && "$diffy" compare --summary part.y4m some.y4m | grep -c 'PSNR Y inf U inf V inf'
}
check "--grain puts noise back, the same for a frame each time" grain
silent() { "$diffy" encode -q 100 noisy.y4m lossless.dfy && "$diffy" decode --grain lossless.dfy same.y4m 2>err.txt && cat err.txt && grep -q "stores nothing about noise" err.txt && "$diffy" compare --summary noisy.y4m same.y4m | grep -c 'Y inf'; }
check "a file that stores nothing about noise is decoded without it, with a message" silent
check "a web page takes no --grain" fails_with 2 "$diffy" decode --grain noisy.dfy page.html

finish
