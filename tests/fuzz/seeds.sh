#!/usr/bin/env bash
# seeds.sh FOLDER: a folder of seeds for each target, made of what the repository has: the vectors, the cases, and films in a few
# lines. What the fuzzer found on its own is in corpus/.
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
out=$1
seeds() { mkdir -p "$out/$1" && cd "$out/$1"; }
vectors="$top/tests/vectors"

seeds fuzz_v2_decode && cp "$vectors"/v2_*.dfy .
seeds fuzz_v1_decode && cp "$vectors"/v1_*.dfy .
for target in fuzz_range fuzz_v1_roundtrip fuzz_v2_roundtrip; do
    seeds $target
    for file in "$vectors"/v2_{odd,fine,lossless,clones}.dfy; do head -c 3000 "$file" | tail -c 2900 >"$(basename "$file")"; done
done
seeds fuzz_v2_walk && for n in 0 1 2 3; do head -c $((600 * (n + 1))) "$vectors/v2_fine.dfy" | tail -c 500 >"$n"; done
seeds fuzz_splat_model && for file in "$top"/tests/cases/splats/*.{ply,spz,sog,glb,splat}; do [ "$(stat -c %s "$file")" -gt 20000 ] || cp "$file" .; done
seeds fuzz_cli_commands
number=0
for file in "$vectors"/*.dfy; do
    # The first byte is the command: one each in turn.
    { printf "\\x0$((number % 8))"; cat "$file"; } >"$(basename "$file")"
    number=$((number + 1))
done
seeds fuzz_cli_y4m
film() { # HEADER BYTES_PER_FRAME
    printf '%s\n' "$1"
    for n in 1 2 3; do printf 'FRAME\n'; head -c "$2" /dev/zero | tr '\0' "$((n + 3))"; done
}
film 'YUV4MPEG2 W16 H16 F30:1 Ip A1:1 C420jpeg' 384 >420
film 'YUV4MPEG2 W9 H7 F24000:1001 It A4:3 C420mpeg2 XCOLORRANGE=LIMITED' 103 >odd
film 'YUV4MPEG2 W16 H8 F25:1 Ip C444 XYSCSS=444' 384 >444
film 'YUV4MPEG2 W16 H8 F25:1 C422' 256 >422
film 'YUV4MPEG2 W8 H8 F1:1 Cmono' 64 >mono
film 'YUV4MPEG2 W8 H8 F1:1 C420p10' 192 >p10
seeds fuzz_cli_gyro
printf 't,x,y,z\n0,0,0,0.1\n0.1,0,0.1,0\n0.2,0.1,0,0\n' >plain
printf '# a comment\n0 1 2 3\n1;2;3;4\n' >other
printf 't,x,y,z\n0,nan,inf,-1e308\n1e-9,1,1,1\n' >numbers
seeds fuzz_cli_images
find "$top/tests/cases/video" -type f \( -name '*.png' -o -name '*.jpg' -o -name '*.webp' -o -name '*.gif' \) -size -8k | while read -r file; do
    cp "$file" "$(basename "$(dirname "$file")")-$(basename "$file")"
done
if command -v zip >/dev/null; then (cd "$top/tests/cases/video" && zip -q -0 -r "$out/fuzz_cli_images/stored.zip" exif png16bit -i '*f1*' '*g1*'); fi
