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
small() { printf 'YUV4MPEG2 W%d H%d F30:1 Ip A1:1 C420jpeg\nFRAME\n' "$1" "$2"; head -c $(($1 * $2 + ($1 + 1) / 2 * (($2 + 1) / 2) * 2)) /dev/zero; }
says() { echo "$1"; grep -qF "$2" <<<"$1"; }
check "the PSNR of a known difference" says "$("$diffy" compare --summary a.y4m b.y4m)" "PSNR Y 30.069 U inf V inf dB"
check "equal inputs" says "$("$diffy" compare --summary a.y4m a.y4m)" "PSNR Y inf U inf V inf dB, SSIM Y 1.00000"
check "JSON has the squared error" says "$("$diffy" compare --json a.y4m b.y4m | tr -d '\t')" '"mse_y":64'
check "JSON says null where nothing differs" says "$("$diffy" compare --json a.y4m b.y4m | tr -d '\t')" '"psnr_u":null'
unequal() { ! "$diffy" compare --json a.y4m longer.y4m >out.json 2>err.txt && grep -q '"frames":.3' out.json && grep -q "has 3 frames, longer.y4m has 5" err.txt; }
check "different lengths are told, and fail" unequal
check "--frames limits both" "$diffy" compare --frames 3 a.y4m longer.y4m

"$scene" --size 160x90 --frames 10 --preset noisy clip.y4m
ffmpeg -v error -y -nostdin -i clip.y4m -c:v libx264 -crf 28 clip.mp4
theirs=$(ffmpeg -nostdin -i clip.mp4 -i clip.y4m -lavfi "[0:v]settb=1/30,setpts=N[a];[1:v]settb=1/30,setpts=N[b];[a][b]psnr" -f null - 2>&1 |
    sed -n 's/.*PSNR y:\([0-9.]*\) u:\([0-9.]*\) v:\([0-9.]*\).*/\1 \2 \3/p' | awk '{printf "PSNR Y %.3f U %.3f V %.3f", $1, $2, $3}')
check "ffmpeg's psnr filter agrees" says "$("$diffy" compare --summary clip.y4m clip.mp4)" "$theirs"
theirs=$(ffmpeg -nostdin -i clip.mp4 -i clip.y4m -lavfi "[0:v]settb=1/30,setpts=N[a];[1:v]settb=1/30,setpts=N[b];[a][b]ssim" -f null - 2>&1 |
    sed -n 's/.*SSIM Y:\([0-9.]*\).*/\1/p')
near() { echo "$1 and $2"; awk -v a="$1" -v b="$2" 'BEGIN { exit !(a > 0 && a - b < 2e-3 && b - a < 2e-3) }'; } # its windows' variances are those of samples, n - 1
check "ffmpeg's ssim filter agrees" near "$theirs" "$("$diffy" compare --summary clip.y4m clip.mp4 | sed 's/.* SSIM Y \([0-9.]*\),.*/\1/')"

documented() { "$diffy" compare --json --moving "$@" | node "$top/tests/cases/info.js" compare; }
check "the JSON is as docs/INFO.md says" documented clip.y4m clip.mp4

python=$(ls /usr/bin/python3 2>/dev/null || echo python3)
if "$python" -c 'import numpy' 2>/dev/null; then
    ffmpeg -v error -y -nostdin -i clip.mp4 -pix_fmt yuv420p other.y4m
    "$scene" --size 203x179 --frames 4 --preset noisy odd.y4m
    ffmpeg -v error -y -nostdin -i odd.y4m -vf gblur=0.8 -pix_fmt yuv420p odd2.y4m
    similar() { "$diffy" compare --json --moving "$1" "$2" >similar.json && PYTHONDONTWRITEBYTECODE=1 "$python" "$top/tests/cli/similarity.py" "$1" "$2" similar.json; }
    check "SSIM, of moving blocks too, and MS-SSIM are NumPy's" similar clip.y4m other.y4m
    check "the same of odd sizes, at all five scales" similar odd.y4m odd2.y4m
else
    skip "SSIM and MS-SSIM are NumPy's" "python3-numpy is not there"
fi
small 10 9 >small.y4m
check "a picture smaller than a window has no MS-SSIM" says "$("$diffy" compare --json --frames 1 small.y4m small.y4m | tr -d '\t')" '"ms_ssim_y":null'
check "nor in text" says "$("$diffy" compare --summary small.y4m small.y4m)" "MS-SSIM Y -"
check "of one scale only, equal is 1" says "$("$diffy" compare --summary a.y4m a.y4m)" "MS-SSIM Y 1.00000"
finish
