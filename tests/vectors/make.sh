#!/usr/bin/env bash
# Makes the vectors anew: tests/vectors/*.dfy, small files that between them use all of the format, and pictures.txt, what
# each decodes to. Not part of any test: from 1.0 on the vectors stay as they are, and new ones are added.
set -euo pipefail
cd "$(dirname "$0")"
top=$(cd ../.. && pwd)
diffy="$top/build/diffy" scene="$top/build/scene"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
rm -f ./*.dfy
encode() { # NAME INPUT OPTIONS...
    "$diffy" encode --progress never --threads 1 "${@:3}" "$work/$2" "$1.dfy"
}
render() { "$scene" "${@:2}" "$work/$1.y4m" >/dev/null; }

# ---- version 2: sizes
render busy --preset busy --size 70x50 --frames 24 --fps 10
render odd --preset busy --size 67x45 --frames 12 --fps 25
for size in 1x1 2x9 8x8 65x7 7x66; do
    "$scene" --preset busy --size 128x72 --frames 6 --fps 10 - |
        ffmpeg -v error -nostdin -i - -vf "scale=${size/x/:}" -y "$work/$size.y4m"
    encode "v2_size_$size" "$size.y4m"
done
encode v2_odd odd.y4m
encode v2_fine odd.y4m -q 90 --frames 6
encode v2_coarse busy.y4m -q 5
encode v2_effort1 busy.y4m --effort 1
encode v2_effort9 busy.y4m --effort 9
encode v2_wide odd.y4m --frames 3 --max-width 66

# ---- what repeats, stands still, changes its light, or moves as a whole
render cycles --preset quiet --size 96x64 --jitter 0 --cycle 1.5 --seconds 12 --fps 10
encode v2_clones cycles.y4m --mode upload
encode v2_long_term cycles.y4m --effort 7
render light --preset busy --drift 20 --size 66x50 --frames 40 --fps 10
encode v2_light light.y4m -q 35
render slow --preset quiet --size 96x64 --seconds 40 --fps 4 --noise 0
encode v2_plate slow.y4m --effort 3 -q 15
ffmpeg -v error -nostdin -i "$work/busy.y4m" -vf "loop=loop=60:size=1:start=12" -y "$work/still.y4m"
encode v2_still still.y4m
"$scene" --preset busy --size 160x120 --frames 20 --fps 10 - |
    ffmpeg -v error -nostdin -i - -vf "crop=72:56:x='20+15*sin(n/3)':y='10+n'" -y "$work/shaken.y4m"
encode v2_shaken shaken.y4m
ffmpeg -v error -nostdin -i "$work/busy.y4m" -i "$work/shaken.y4m" -filter_complex \
    "[0:v]trim=end_frame=9[a];[1:v]scale=70:50,negate,setsar=0,settb=1/10[b];[a]setsar=0,settb=1/10[c];[c][b]concat" -y "$work/scenes.y4m"
encode v2_scenes scenes.y4m
"$scene" --preset noisy --size 64x48 --frames 10 --fps 10 - >"$work/noisy.y4m"
encode v2_noisy noisy.y4m
encode v2_access cycles.y4m --access 2 -q 8
encode v2_access4 busy.y4m --access 4
encode v2_access_long cycles.y4m --access 4 --frames 80
printf '0.5,reach\n0.9,second \xc3\xa9\n1.7,third\n' >"$work/starts.csv"
encode v2_episodes busy.y4m --access 3 --episode-starts "$work/starts.csv"

# ---- lossless
encode v2_lossless odd.y4m -q 100 --frames 4
ffmpeg -v error -nostdin -i "$work/still.y4m" -vf crop=37:29 -y "$work/small.y4m"
encode v2_lossless_still small.y4m -q 100 --frames 30 --segment-seconds 1

# ---- the container, times and facts
encode v2_segments cycles.y4m --segment-seconds 0.8 --stretch-seconds 3 --frames 70
encode "$work/part1" cycles.y4m --part 1/2 && encode "$work/part2" cycles.y4m --part 2/2
"$diffy" join "$work/part1.dfy" "$work/part2.dfy" v2_joined.dfy
ffmpeg -v error -nostdin -i "$work/odd.y4m" -vf "settb=1/1000,setpts='40*N+7*mod(N*N,5)',setsar=4/3" -fps_mode passthrough \
    -c:v ffv1 -color_primaries bt709 -color_trc bt709 -colorspace bt709 -y "$work/times.mkv"
encode v2_times times.mkv
ffmpeg -v error -nostdin -i "$work/odd.y4m" -f lavfi -i sine=frequency=440:sample_rate=8000 -t 0.4 -c:v mpeg4 -c:a aac -b:a 16k \
    -metadata creation_time=2026-11-29T08:30:00Z -y "$work/sound.mp4"
ffmpeg -v error -nostdin -i "$work/sound.mp4" -c copy -metadata:s:v:0 rotate=90 -y "$work/turned.mp4"
encode v2_sound turned.mp4

# ---- damage: what is whole plays
damage() { # NAME FROM WHERE...: a byte flipped at each place, a share of the file in percent
    cp "$2.dfy" "$1.dfy"
    local at size=$(stat -c %s "$2.dfy")
    for at in "${@:3}"; do printf '\xa5' | dd of="$1.dfy" bs=1 seek=$((size * at / 100)) conv=notrunc status=none; done
}
damage v2_damaged_1 v2_segments 45
damage v2_damaged_2 v2_effort9 60
damage v2_damaged_clones v2_clones 93
damage v2_damaged_lossless v2_lossless_still 60
damage v2_damaged_twice v2_long_term 20 75
head -c $(($(stat -c %s v2_segments.dfy) * 2 / 3)) v2_segments.dfy >v2_cut.dfy
{ head -c 1000 v2_segments.dfy; head -c 500 /dev/zero; tail -c +1001 v2_segments.dfy; } >v2_inserted.dfy
python3 hostile.py v2_effort1.dfy gap >v2_gap.dfy
python3 hostile.py v2_effort1.dfy index >v2_index.dfy
python3 hostile.py v2_effort1.dfy feature >v2_feature.dfy
python3 hostile.py v2_effort1.dfy optional >v2_optional.dfy
python3 hostile.py v2_effort1.dfy facts >v2_facts.dfy
python3 hostile.py v2_effort1.dfy unknown >v2_unknown_chunk.dfy

# ---- version 1
printf 't,x,y,z\n0,0,0,0.1\n0.5,0,0.1,0\n1,0.1,0,0\n' >"$work/gyro.csv"
encode v1_plain odd.y4m --format 1 -q 40 --frames 5
encode v1_choices odd.y4m --format 1 -q 40 --frames 4 --no-temporal --no-bbox
encode v1_codebook odd.y4m --format 1 -q 30 --frames 6 --vq --imu "$work/gyro.csv"
"$scene" --preset quiet --size 40x24 --jitter 0 --cycle 1 --seconds 3 --fps 6 - >"$work/v1.y4m"
encode v1_cycles v1.y4m --format 1 --mode upload -q 10
head -c $(($(stat -c %s v1_cycles.dfy) * 9 / 10)) v1_cycles.dfy >v1_cut.dfy

# ---- splats
splats() { "$diffy" splat encode --progress never "${@:2}" "$1.dfy" >/dev/null 2>&1; }
python3 splats.py "$work/models"
splats splat_tree "$work/models"
splats splat_tree_order --keep-order -q 70 "$work/models"
splats splat_key --key-interval 2 "$work/models"
splats splat_access --access 2 "$work/changing"
splats splat_access_columns --access 3 -q 40 "$work/noisy"
splats splat_changing --two-pass --degree 0 -q 30 "$work/changing"
splats splat_noisy -q 40 "$work/noisy"
for codec in vqxyz-range vqxyz-zlib vqxyz-zstd vqxyz-1mask-range vqxyz-1mask-zstd; do
    splats "splat_$codec" --codec "$codec" --clusters 8 --degree 1 "$work/models"
done

# ---- what they decode to
"$top/tests/vectors/list.sh" "$top/build/tests/pictures" >pictures.txt
large=$(find . -name '*.dfy' ! -name v1_codebook.dfy -size +20k) # that codebook alone takes 32 kB
[ -z "$large" ] || { echo "too large: $large" >&2; exit 1; }
ls ./*.dfy | wc -l
du -cb ./*.dfy | tail -n 1
