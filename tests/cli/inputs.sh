#!/usr/bin/env bash
# Everything that encode takes: each becomes a .dfy with as many frames, near the original.
. "$(dirname "$0")/tap.bash"
"$scene" --size 128x80 --frames 20 --fps 25 clip.y4m
ffmpeg() { command ffmpeg -v error -y -nostdin "$@"; }
encode() { "$diffy" encode -q 90 "$@"; }

# becomes INPUT REFERENCE [OPTION...]: encodes, and compares with the reference.
becomes() {
    local input=$1 reference=$2
    shift 2
    encode "$@" "$input" out.dfy && psnr_above 30 "$reference" out.dfy
}
check "Y4M" becomes clip.y4m clip.y4m
from_stdin() { encode - piped.dfy <clip.y4m && cmp out.dfy piped.dfy; }
check "Y4M on stdin gives the same file" from_stdin
ffmpeg -i clip.y4m -c:v libx264 -crf 12 clip.mp4
check "H.264 in MP4" becomes clip.mp4 clip.y4m
ffmpeg -i clip.y4m -c:v libvpx-vp9 -crf 20 -b:v 0 clip.webm
check "VP9 in WebM" becomes clip.webm clip.y4m
ffmpeg -i clip.y4m -c:v mjpeg -q:v 2 clip.avi
check "Motion JPEG in AVI, full range" becomes clip.avi clip.avi
ffmpeg -i clip.y4m -pix_fmt yuv422p10le -strict -1 ten.y4m
check "Y4M of 4:2:2 with 10 bits" becomes ten.y4m clip.y4m
ffmpeg -i clip.y4m -pix_fmt yuv444p full.y4m
check "Y4M of 4:4:4" becomes full.y4m clip.y4m
mkdir png jpg
ffmpeg -i clip.y4m -start_number 1 png/im%d.png
ffmpeg -i clip.y4m -q:v 1 -start_number 1 jpg/im%d.jpg
check "a folder of PNG, in natural order" becomes png clip.y4m
check "a folder of JPEG" becomes jpg clip.y4m
if command -v zip >/dev/null; then (cd png && zip -q ../png.zip ./*.png); else "$diffy" decode out.dfy png.zip; fi
check "a zip of images" becomes png.zip clip.y4m
"$diffy" encode -q 95 clip.y4m first.dfy
check "a .dfy, encoded again" becomes first.dfy clip.y4m

facts() { "$diffy" info --json "$1" | grep -E "\"($2)\":" | tr -d ' \t\n'; }
is() { echo "$1"; [ "$1" = "$2" ]; }
encode --fps 12.5 png rate.dfy
check "--fps gives images their rate" is "$(facts rate.dfy 'frame_rate')" '"frame_rate":12.5,'
encode --frames 7 clip.mp4 seven.dfy
check "--frames stops" is "$(frames_of seven.dfy)" 7
encode --max-width 64 clip.mp4 narrow.dfy
check "--max-width scales down" is "$(facts narrow.dfy 'width|height')" '"width":64,"height":40,'
encode --max-width 640 clip.mp4 wide.dfy
check "and never up" is "$(facts wide.dfy 'width|height')" '"width":128,"height":80,'

encode --no-temporal clip.mp4 legacy.dfy
check "an option of version 1 chooses it" is "$(facts legacy.dfy format)" '"format":1,'
awk 'BEGIN { print "t,x,y,z"; for (i = 0; i < 200; i++) printf "%.3f,0,0,%.4f\n", i / 200, 0.1 * sin(i / 15) }' >gyro.csv
warps() { encode --format 1 --imu gyro.csv clip.mp4 imu.dfy && is "$(facts imu.dfy imu_samples)" '"imu_samples":20,' &&
    "$diffy" decode --unwarp imu.dfy unwarped.y4m && "$diffy" decode imu.dfy warped.y4m; }
check "--imu keeps an orientation a frame, and format 1 warps by it" warps
mse() { "$diffy" compare --json clip.y4m "$1" | grep -m 1 mse_y | tr -dc '0-9.'; }
keeps() { encode --imu gyro.csv clip.mp4 kept.dfy && encode clip.mp4 plain.dfy && is "$(facts kept.dfy 'format|imu_samples')" '"format":2,"imu_samples":20,' &&
    "$diffy" decode kept.dfy kept.y4m && "$diffy" decode plain.dfy plain.y4m && cmp kept.y4m plain.y4m &&
    "$diffy" decode --unwarp kept.dfy steady.y4m && ! cmp -s kept.y4m steady.y4m && same_y4m_facts kept.y4m steady.y4m; }
check "so does format 2, where the pictures stay as they are until --unwarp" keeps
check "--unwarp brings the pictures back" awk "BEGIN { exit !($(mse unwarped.y4m) < $(mse warped.y4m)) }"
printf '0,1,2\n' >short.csv
check "a gyroscope log with a column too few is refused" fails_with 1 "$diffy" encode --imu short.csv clip.y4m x.dfy

ffmpeg -i clip.mp4 -c copy -metadata:s:v:0 rotate=90 turned.mp4
ffmpeg -i turned.mp4 turned.y4m # ffmpeg turns by itself
check "a phone's rotation is carried out" becomes turned.mp4 turned.y4m
for size in 1x1 53x37 2x70; do
    "$scene" --size $size --frames 4 "odd-$size.y4m"
    check "$size pixels" bash -c '"$1" encode -q 90 "$2" odd.dfy && "$1" decode odd.dfy odd.y4m && "$1" compare --summary "$2" odd.y4m' - "$diffy" "odd-$size.y4m"
done
"$scene" --size 64x48 --frames 1 one.y4m
check "a single frame" becomes one.y4m one.y4m
head -c 100000 clip.y4m >cut.y4m
check "a Y4M cut in a frame: the whole ones" bash -c '"$1" encode cut.y4m cut.dfy && "$1" decode cut.dfy cut2.y4m' - "$diffy"
ffmpeg -i clip.y4m -vf 'loop=4:20,setpts=N/25/TB' -c:v libx264 -crf 12 -movflags +faststart long.mp4
head -c $(($(stat -c %s long.mp4) * 6 / 10)) long.mp4 >cut.mp4
ends_early() { encode "$1" cut.dfy 2>err.txt && cat err.txt && grep -q "warning: $1 ends early" err.txt; }
check "a video cut short is told" ends_early cut.mp4
whole() { encode "$1" whole.dfy 2>err.txt && cat err.txt && [ ! -s err.txt ]; }
check "a whole one is not" whole long.mp4
ffmpeg -ss 0.7 -t 2.5 -i long.mp4 -c copy trimmed.mp4
check "nor one that an edit list trims" whole trimmed.mp4
ffmpeg -i clip.y4m -vf 'setpts=N*N/25/TB' -fps_mode passthrough -enc_time_base 1/1000 uneven.mkv
uneven() { encode uneven.mkv uneven.dfy && is "$(facts uneven.dfy seconds)" '"seconds":14.48,'; } # 19 * 19 / 25 and a frame
check "info tells the length by the frames' own times" uneven

# What can only be read once and forwards.
ffmpeg -i clip.mp4 -c copy end.mp4 # tells at its end what it contains
pipes() { encode - piped.dfy <"$1" && psnr_above 30 "$2" piped.dfy; }
through_fifo() { encode <(cat "$1") fifo.dfy && cmp piped.dfy fifo.dfy; }
for input in end.mp4 clip.webm clip.avi; do
    check "$input on stdin" pipes $input clip.y4m
    check "$input through a named pipe" through_fifo $input
done
ffmpeg -i clip.mp4 -c copy -f mov old.mov && printf free | dd of=old.mov bs=1 seek=4 conv=notrunc status=none
check "QuickTime without a type, on stdin" pipes old.mov clip.y4m
fifo_y4m() { encode clip.y4m out.dfy && encode <(cat clip.y4m) fifo.dfy && cmp out.dfy fifo.dfy; }
check "Y4M through a named pipe" fifo_y4m
says() { # SENTENCE COMMAND...: fails with it on one line
    local sentence=$1
    shift
    "$@" 2>err.txt && return 1
    cat err.txt
    [ "$(wc -l <err.txt)" = 1 ] && grep -q "$sentence" err.txt
}
from_pipe() { "$diffy" encode - x.dfy <"$1"; }
check "a zip on stdin is told to be saved" says "can't be read from a pipe: save it" from_pipe png.zip
check "so is a .dfy" says "can't be read from a pipe: save it" from_pipe first.dfy
two_pipes() { "$diffy" compare <(cat clip.y4m) <(cat clip.y4m); }
check "two pipes are refused" says "only one input" two_pipes
named_pipe() { "$diffy" encode <(head -c 3000 "$scene") x.dfy; }
check "a pipe is called by its name" says "^diffy: /dev/fd/" named_pipe
ffmpeg -i clip.y4m -c:v libx264 -crf 12 -g 10 one.ts
ffmpeg -i clip.y4m -c:v mpeg2video -q:v 2 two.ts
cat one.ts two.ts one.ts >codecs.ts
changes() {
    encode codecs.ts file.dfy 2>file.txt && encode - piped.dfy <codecs.ts 2>piped.txt || return 1
    cat piped.txt && grep -q "continues with different video, mpeg2video after h264" piped.txt && cmp file.dfy piped.dfy
}
check "a change of codec on stdin" changes

mkdir mixed && cp png/im1.png mixed/a.png && ffmpeg -i one.y4m mixed/b.png
check "images of different sizes are refused" fails_with 1 "$diffy" encode mixed x.dfy
# libswscale writes whole vectors: pictures narrower than one once spoilt what lay behind them on the heap.
checker=$(ldconfig -p 2>/dev/null | sed -n 's/.*libc_malloc_debug.so.0.* => //p' | head -n 1)
narrow() { # WIDTH
    { printf 'YUV4MPEG2 W%d H8 F25:1 Ip C444\nFRAME\n' "$1" && head -c $(($1 * 24)) /dev/zero | tr '\0' '@'; } >narrow.y4m
    LD_PRELOAD=$checker GLIBC_TUNABLES=glibc.malloc.check=3 "$diffy" encode narrow.y4m narrow.dfy && "$diffy" verify narrow.dfy
}
for width in 1 3 5 9; do
    if [ -n "$checker" ] && [ -z "${DIFFY_BUILD:-}" ]; then
        check "a picture of $width x 8 pixels in 4:4:4 stays within its memory" narrow $width
    else
        skip "a picture of $width x 8 pixels in 4:4:4" "the C library's heap checker is not there, or a sanitizer is in its place"
    fi
done
finish
