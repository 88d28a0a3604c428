#!/usr/bin/env bash
# compare measures right: against values worked out by hand, and against ffmpeg's own filter.
. "$(dirname "$0")/tap.bash"
grey() { # FILE LEVEL FRAMES: 16 x 16, chroma 128
    { printf 'YUV4MPEG2 W16 H16 F30:1 Ip A1:1 C420jpeg\n'
      for _ in $(seq "$3"); do printf 'FRAME\n'; head -c 256 /dev/zero | tr '\0' "\\$2"; head -c 128 /dev/zero | tr '\0' '\200'; done; } >"$1"
}
grey a.y4m 144 3 # octal: level 100
grey b.y4m 154 3 # 108: the squared error is 64, so 10 log10(255^2 / 64) = 30.069 dB
grey longer.y4m 154 5
says() { echo "$1"; grep -qF "$2" <<<"$1"; }
check "the PSNR of a known difference" says "$("$diffy" compare --summary a.y4m b.y4m)" "PSNR Y 30.069 U inf V inf dB"
check "equal inputs" says "$("$diffy" compare --summary a.y4m a.y4m)" "PSNR Y inf U inf V inf dB, SSIM Y 1.00000"
check "JSON has the squared error" says "$("$diffy" compare --json a.y4m b.y4m | tr -d '\t')" '"mse_y":64'
check "JSON says null where nothing differs" says "$("$diffy" compare --json a.y4m b.y4m | tr -d '\t')" '"psnr_u":null'
unequal() { ! "$diffy" compare --json a.y4m longer.y4m >out.json 2>err.txt && grep -q '"frames":.3' out.json && grep -q "has 3 frames, longer.y4m 5" err.txt; }
check "different lengths are told, and fail" unequal
check "--frames limits both" "$diffy" compare --frames 3 a.y4m longer.y4m

"$scene" --size 160x90 --frames 10 --preset noisy clip.y4m
ffmpeg -v error -y -nostdin -i clip.y4m -c:v libx264 -crf 28 clip.mp4
theirs=$(ffmpeg -nostdin -i clip.mp4 -i clip.y4m -lavfi "[0:v]settb=1/30,setpts=N[a];[1:v]settb=1/30,setpts=N[b];[a][b]psnr" -f null - 2>&1 |
    sed -n 's/.*PSNR y:\([0-9.]*\) u:\([0-9.]*\) v:\([0-9.]*\).*/\1 \2 \3/p' | awk '{printf "PSNR Y %.3f U %.3f V %.3f", $1, $2, $3}')
check "ffmpeg's psnr filter agrees" says "$("$diffy" compare --summary clip.y4m clip.mp4)" "$theirs"
finish
