#!/usr/bin/env bash
# `diffy splat` on models that went wrong once, each standing for its kind (tests/cases/splats), and on what it writes.
. "$(dirname "$0")/tap.bash"
cases=$top/tests/cases/splats

# round_trip MODEL [OPTION...]: encodes, decodes; the words on stderr are left in stderr.txt.
round_trip() {
    local model=$1
    shift
    rm -rf one.dfy back.ply
    "$diffy" splat encode --keep-order "$@" "$model" one.dfy >said.txt 2>stderr.txt &&
        "$diffy" splat decode one.dfy back.ply 2>>stderr.txt
}

# number KEY ATTRIBUTE: of "all" in errors.json.
number() { sed 's/.*"all"//' errors.json | grep -o "\"$2\":{[^}]*}" | grep -o "\"$1\":[^,}]*" | cut -d: -f2; }

# compared REFERENCE OTHER [OPTION...]
compared() { "$diffy" splat compare --json "$@" >errors.json 2>/dev/null || { cat errors.json; return 1; }; }

below() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a <= b) }' || { echo "$1 is above $2"; return 1; }; }

# near MODEL MOST: the largest position error of the round trip, matched by order.
near() {
    round_trip "$1" && compared --match order "$1" back.ply && below "$(number max position)" "$2"
}

says() { grep -q "$1" stderr.txt || { echo "not said: $1"; cat stderr.txt; return 1; }; }

floater() { near "$cases/floater300.ply" 0.0005; }
check "a far floater leaves the other splats as they were" floater

nan() {
    near "$cases/nan.ply" 0.0005 && says '4 with NaN or infinity' && says '1 farther than 9e8 away' &&
        grep -q '"not_finite":0' errors.json
}
check "NaN and 1e30 come back as they are and are named" nan

# ply NAME TYPE ROWS PROPERTY...: text, with these properties of TYPE behind x y z (double) and what splats need.
ply() {
    local name=$1 type=$2 rows=$3 property i
    shift 3
    printf 'ply\nformat ascii 1.0\nelement vertex %d\n' "$rows" >"$name"
    for property in x y z; do echo "property double $property"; done >>"$name"
    for property in f_dc_0 f_dc_1 f_dc_2 opacity scale_0 scale_1 scale_2 rot_0 rot_1 rot_2 rot_3; do echo "property float $property"; done >>"$name"
    for property; do echo "property $type $property"; done >>"$name"
    echo end_header >>"$name"
    for ((i = 0; i < rows; i++)); do
        echo "$((10000000 + i)).25 $((i * 7 % 11)) $((i * 5 % 13)) 0 0 0 1 -3 -3 -3 1 0 0 0$(for property; do printf ' 1'; done)" >>"$name"
    done
}
many() {
    ply many.ply float 20 label f{0..59} hue && "$diffy" splat encode many.ply many.dfy 2>stderr.txt >said.txt &&
        says '62 properties of 20 splats each' && says 'label, properties f0 to f59, property hue'
}
check "sixty of them as well" many
far_away() { ply far.ply float 20 && "$diffy" splat encode far.ply far.dfy 2>stderr.txt >said.txt && says 'finer than single precision: they moved by up to 0.25'; }
check "positions that single precision has no room for are told" far_away

extra() { round_trip "$cases/extra.ply" && says 'label' && says 'motion_0' && says '3 properties of 400 splats'; }
check "unknown properties are told by name and count" extra

for model in v3.spz v4.spz v4_mod32.spz sharp.ply face0.ply nerfstudio_rgb.ply d2.sog d2.glb; do
    check "$model is read" near "$cases/$model" 0.0005
done

same_model() { # OTHER POSITION COLOUR: as the model it was made of
    compared "$cases/face0.ply" "$cases/$1" && below "$(number max position)" "$2" && below "$(number p99 dc)" "$3" &&
        below "$(number p99 rotation)" 2
}
check "the .glb is the model it was made of" same_model d2.glb 1e-6 1e-6
check "the .sog is the model it was made of" same_model d2.sog 2e-5 0.02
check "the .spz is the model it was made of" same_model v4.spz 3e-4 0.02

check "an HTML page is no .splat" fails_with 1 "$diffy" splat encode "$cases/html.splat" x.dfy
head -c 1024 /dev/urandom >noise.splat
check "noise is no .splat" fails_with 1 "$diffy" splat encode noise.splat x.dfy

hole() {
    fails_with 1 "$diffy" splat encode --first "$cases/hole/frame_0000.ply" --next "$cases/hole/frame_%04d.ply" \
        --frames 4 x.dfy && grep -q 'frame_0002.ply is missing' stderr.txt && [ ! -e x.dfy ]
}
check "a missing number stops with its name" hole
check "numbers that end too early are told" fails_with 1 "$diffy" splat encode --next "$cases/hole/frame_%04d.ply" --frames 9 x.dfy
upto() { "$diffy" splat encode --next "$cases/hole/frame_%04d.ply" --frames 2 two.dfy; }
check "as many numbers as there are" upto
check "no number at all" fails_with 1 "$diffy" splat encode --next "nothing_%04d.ply" x.dfy

none_behind() { fails_with 1 "$diffy" splat encode --first "$cases/face0.ply" --next "nothing_%04d.ply" x.dfy; }
check "a first model and no number" none_behind

degrees() {
    "$diffy" splat encode "$cases/degree_grows" grown.dfy && "$diffy" splat decode grown.dfy grown &&
        compared "$cases/degree_grows" grown && below "$(number max sh)" 0.5 &&
        [ "$(grep -c f_rest grown/frame_0000.ply)" = 0 ] && [ "$(head -c 3000 grown/frame_0001.ply | grep -ac f_rest)" = 45 ]
}
check "a higher degree of colours is kept" degrees
cut_degree() { "$diffy" splat encode --degree 1 "$cases/degree_grows" low.dfy 2>&1 | grep -c 'cut the colours of 1 models'; }
check "--degree tells what it cuts" cut_degree

# ---------------------------------------------------------------- whole or not at all

piped() { cat grown.dfy | "$diffy" splat decode - piped && diff -r grown piped; }
check "a stream that cannot seek is decoded as it comes" piped
piped_one() { cat grown.dfy | "$diffy" splat decode --frames 1:2 - piped.ply && cmp grown/frame_0001.ply piped.ply; }
check "one frame of it" piped_one
cut_pipe() { fails_with 1 sh -c "cat '$cases/cut_after_frame3.dfy' | '$diffy' splat decode - cut_pipe" && [ ! -e cut_pipe ]; }
check "a cut one is told" cut_pipe
check "a cut stream is refused" fails_with 1 "$diffy" splat decode "$cases/cut_after_frame3.dfy" cut
check "it leaves nothing" test ! -e cut
check "its frames are named" grep -q 'frames 0 to 2 are intact' stderr.txt
partial() {
    fails_with 1 "$diffy" splat decode --partial "$cases/cut_after_frame3.dfy" part && [ "$(ls part | wc -l)" = 3 ] &&
        [ -z "$(ls -d part.* 2>/dev/null)" ]
}
check "--partial writes what is whole, exit status 1" partial
check "a cut stream is not encoded again" fails_with 1 "$diffy" splat encode "$cases/cut_after_frame3.dfy" x.dfy
check "verify: a cut stream" fails_with 1 "$diffy" verify "$cases/cut_after_frame3.dfy"
check "verify: a whole one" "$diffy" verify grown.dfy
damaged() {
    cp grown.dfy damaged.dfy
    printf '\xff\xff\xff\xff' | dd of=damaged.dfy bs=1 seek=3000 conv=notrunc 2>/dev/null
    fails_with 1 "$diffy" verify damaged.dfy && fails_with 1 "$diffy" splat decode damaged.dfy torn && [ ! -e torn ]
}
check "damage: verify tells, decode leaves nothing" damaged
taken() {
    mkdir -p taken && echo mine >taken/frame_0000.ply
    fails_with 1 "$diffy" splat decode grown.dfy taken && [ "$(cat taken/frame_0000.ply)" = mine ] &&
        "$diffy" splat decode --overwrite grown.dfy taken && [ "$(head -c 3 taken/frame_0000.ply)" = ply ]
}
check "a folder with files is not written into without --overwrite" taken
left_over() { touch taken/frame_0007.ply && "$diffy" splat decode --overwrite grown.dfy taken 2>stderr.txt && says 'still has 1 frames'; }
check "what a longer sequence left there is told" left_over
for size in 400 20000; do
    head -c $size "$cases/face0.ply" >cut.ply
    check "a .ply cut at $size bytes" fails_with 1 "$diffy" splat encode cut.ply x.dfy
done
for model in v3.spz v4.spz d2.sog d2.glb; do
    head -c -9 "$cases/$model" >"cut.${model##*.}"
    check "a cut $model" fails_with 1 "$diffy" splat encode "cut.${model##*.}" x.dfy
done

cut_before() { fails_with 1 sh -c "head -c 330 grown.dfy | '$diffy' splat decode --partial - cut_pipe" && grep -q 'before its first frame' stderr.txt; }
check "a stream that is cut before its first frame" cut_before
from_pipe() { cat grown.dfy | compared grown.dfy - && below "$(number max position)" 0; }
check "a stream that cannot seek is compared" from_pipe
cut_other() { fails_with 1 sh -c "head -c -100 grown.dfy | '$diffy' splat encode - x.dfy" && grep -q 'cut off' stderr.txt; }
check "or encoded again, unless it is cut" cut_other
check "info needs a file" fails_with 2 "$diffy" splat info -
other_file() { fails_with 1 "$diffy" splat decode grown.dfy model.gltf && [ ! -e model.gltf ]; }
check "a kind of file that is not written is no folder's name" other_file

# ---------------------------------------------------------------- what is written

"$diffy" splat encode --any-order --error position=0.00001,scale=0.001,alpha=0.0005,dc=0.001,rotation=0.02,sh=0.002 \
    "$cases/face0.ply" fine.dfy >/dev/null
written() { # MODELS EXTENSION POSITION SH [DEGREES]
    rm -rf out && "$diffy" splat decode --models "$1" fine.dfy out && compared "$cases/face0.ply" "out/frame_0000.$2" &&
        below "$(number p99 position)" "$3" && below "$(number rms scale)" 0.03 && below "$(number p99 rotation)" "${5:-2}" &&
        below "$(number rms sh)" "$4" && grep -q '"missing":0' errors.json
}
check "written as ply" written ply ply 0.0001 0.003
check "written as text" written ascii ply 0.0001 0.003
check "written as .spz 2" written spz2 spz 0.0005 0.3 10
check "written as .spz 3" written spz spz 0.0005 0.3
check "written as .spz 4" written spz4 spz 0.0005 0.3
check "written as .sog" written sog sog 0.0002 0.3
check "written as .glb" written glb glb 0.0001 0.003
check "written as .glb with .spz" written glb-spz glb 0.0005 0.3 10
told() { "$diffy" splat decode --overwrite --models splat fine.dfy flat 2>&1 | grep -c 'colours of degree'; }
check "what a format has no room for is told" told

beyond() { # numbers that no format clamps without a word
    local kind
    ply odd.ply float 40 && sed -i -e '$ s/ 1 -3 -3 -3 1 0 0 0$/ 1 -3 200 -3 0 0 0 0/' -e '20 s/-3 -3 -3/-200 -3 -3/' odd.ply && "$diffy" splat encode odd.ply odd.dfy >said.txt 2>&1 || return 1
    for kind in glb sog splat spz4; do
        "$diffy" splat decode --overwrite --models $kind odd.dfy odd 2>stderr.txt && says 'rotation of no length' &&
            compared odd.dfy odd/frame_0000.${kind%4} || return 1
        [ $kind = sog ] || says 'smaller or larger' || return 1
    done
}
check "sizes and rotations that a format has no room for are told" beyond

empty() {
    ply none.ply float 0 && "$diffy" splat encode none.ply none.dfy && "$diffy" splat decode --models splat none.dfy none &&
        [ -e none/frame_0000.splat ] && [ ! -s none/frame_0000.splat ]
}
check "a model of no splats" empty

# ---------------------------------------------------------------- errors and order

bounded() {
    round_trip "$cases/face0.ply" --max-error position=0.2mm,scale=0.02,dc=0.06,rotation=0.1,sh=0.05 &&
        compared --match order "$cases/face0.ply" back.ply && below "$(number max position)" 0.0002000001 &&
        below "$(number max scale)" 0.0200001 && below "$(number max dc)" 0.0600001 &&
        below "$(number max rotation)" 0.10001 && below "$(number max sh)" 0.0500001
}
check "--max-error bounds every splat's error" bounded
finer() { # the wanted errors follow: few numbers are kept exactly
    "$diffy" splat encode "$cases/face0.ply" usual.dfy >said.txt && "$diffy" splat encode --max-error sh=0.05 "$cases/face0.ply" finer.dfy >said.txt &&
        below "$(grep -o 'exactly take [0-9]*' said.txt | grep -o '[0-9]*')" 600 && below "$(wc -c <finer.dfy)" $(($(wc -c <usual.dfy) * 3 / 2))
}
check "--max-error makes what is coded finer" finer
unit() {
    round_trip "$cases/face0.ply" --error position=0.1mm && grep -q 'within 0.0001 RMS' said.txt &&
        round_trip "$cases/face0.ply" --unit mm --error position=0.0001mm && grep -q 'within 0.0001 RMS' said.txt
}
check "--error takes lengths with units" unit
check "--error refuses what is none" fails_with 2 "$diffy" splat encode --error position=2in "$cases/face0.ply" x.dfy
ordered() { round_trip "$cases/face0.ply" && grep -q 'the order takes' said.txt && compared "$cases/face0.ply" back.ply && grep -q '"matched":"order"' errors.json; }
check "--keep-order keeps it and states its cost" ordered
unordered() { "$diffy" splat encode "$cases/face0.ply" any.dfy && compared "$cases/face0.ply" any.dfy && grep -q '"matched":"place"' errors.json; }
check "a single model comes in any order" unordered
access() { # the models are the same, whichever frames they are coded after
    "$diffy" splat encode --access 2 --keep-order --max-error position=0.0002 "$top/tests/vectors/splat_noisy.dfy" access.dfy &&
        "$diffy" splat info --json access.dfy | grep -q '"access":2' && "$diffy" splat info --json grown.dfy | grep -q '"access":8' && "$diffy" verify access.dfy && rm -rf all alone.ply &&
        "$diffy" splat decode access.dfy all && "$diffy" splat decode --frames 5:6 access.dfy alone.ply &&
        cmp all/frame_0005.ply alone.ply && compared "$top/tests/vectors/splat_noisy.dfy" access.dfy && below "$(number max position)" 0.0002000001
}
check "--access: frames that follow the key frame again" access
parameters() {
    "$diffy" splat encode --codec vqxyz-zstd --clusters opacity=16,scaling=32 --tol 1e-4 --iterations 20 --seed 7 --xyz-k 2 \
        --xyz-samples 200 --xyz-min-step 0.0001 --xyz-max-step 0.01 --xyz-tolerance 1 --zstd-level 19 "$cases/hole/frame_0000.ply" vq.dfy
}
check "every parameter of vqxyz" parameters
bands() {
    "$diffy" splat encode --codec vqxyz-zstd --clusters features_rest=64,features_rest_2=2 d2.dfy few.dfy &&
        "$diffy" splat encode --codec vqxyz-zstd --clusters features_rest=64 d2.dfy many.dfy &&
        [ "$(wc -c <few.dfy)" -lt "$(wc -c <many.dfy)" ]
}
"$diffy" splat encode "$cases/d2.glb" d2.dfy >/dev/null 2>&1
check "codebooks of each band of colours" bands
check "options of vqxyz need such a codec" fails_with 2 "$diffy" splat encode --clusters 64 "$cases/face0.ply" x.dfy
check "which has no wanted errors" fails_with 2 "$diffy" splat encode --codec vqxyz-zstd --error sh=0.1 "$cases/face0.ply" x.dfy
check "a codebook of no such name" fails_with 2 "$diffy" splat encode --codec vqxyz-zstd --clusters opasity=4 "$cases/face0.ply" x.dfy

merged() { # everything of every splat moves: each attribute's mask is another
    local sizes=()
    for codec in vqxyz-zstd vqxyz-1mask-zstd; do
        "$diffy" splat encode --progress never --codec $codec --clusters 16 "$top/tests/vectors/splat_noisy.dfy" $codec.dfy >/dev/null || return 1
        sizes+=("$(wc -c <$codec.dfy)")
    done
    below "${sizes[1]}" "${sizes[0]}"
}
check "one mask for all attributes takes no more bytes" merged

# ---------------------------------------------------------------- what no view sees

# four NAME X...: a model with two opaque splats behind each other, a small one behind them, and one that is moved to X.
four() {
    local name=$1 property
    shift
    printf 'ply\nformat ascii 1.0\nelement vertex %d\n' $((3 + $#)) >"$name"
    for property in x y z f_dc_0 f_dc_1 f_dc_2 opacity scale_0 scale_1 scale_2 rot_0 rot_1 rot_2 rot_3; do
        echo "property float $property" >>"$name"
    done
    printf 'end_header\n0 0 0 1 0 0 12 -0.7 -0.7 -0.7 1 0 0 0\n0 0 0.1 0 1 0 12 -0.7 -0.7 -0.7 1 0 0 0\n0 0 1 0 0 2 9 -4 -4 -4 1 0 0 0\n' >>"$name"
    for x; do echo "$x 0 0 1 1 1 2 -2 -2 -2 1 0 0 0" >>"$name"; done
}
camera() { # Z DIRECTION: a camera at z that looks along +z (1) or -z (-1)
    echo "[{\"id\":0,\"width\":800,\"height\":600,\"fx\":700,\"fy\":700,\"position\":[0,0,$1],\"rotation\":[[$2,0,0],[0,1,0],[0,0,$2]]}]" >camera.json
}
dropped() { # WANTED FRAMES VIEWS MODELS
    "$diffy" splat encode --keep-order --drop-unseen "$3" "$4" seen.dfy >said.txt && grep "^Dropped" said.txt &&
        grep -q "^Dropped $1 .* alike to [4-9][0-9]" said.txt && rm -rf seen && "$diffy" splat decode seen.dfy seen &&
        [ "$(find seen -type f | wc -l)" = "$2" ]
}
mkdir walk grow
four walk/0.ply 1.5
four walk/1.ply -1.5
four grow/0.ply 1.5
four grow/1.ply 1.5 2
camera -5 1
check "a splat behind others is dropped" dropped "1 of 4" 2 camera.json walk
kept_three() { grep -q 'element vertex 3' seen/frame_0000.ply && grep -qa 'element vertex 3' seen/frame_0001.ply; }
check "from every frame" kept_three
check "frames with different counts have what is unseen dropped one by one" dropped "1 of 4" 2 camera.json grow
camera 5 -1
check "a camera on the other side sees it" dropped "0 of 4" 2 camera.json walk
check "views around do as well" dropped "0 of 4" 2 around walk
echo '[{"width":800}]' >camera.json
check "a camera without what it needs is told" fails_with 1 "$diffy" splat encode --drop-unseen camera.json walk x.dfy
check "a list of cameras that is none" fails_with 1 "$diffy" splat encode --drop-unseen "$cases/face0.ply" walk x.dfy

if [ -d "$shared/splats/playbot" ]; then
    moved() { # one splat of 12,000 moved to x = 3,000
        cp "$shared/splats/playbot/frame_0000.ply" moved.ply && chmod u+w moved.ply
        local head
        head=$(grep -abo end_header moved.ply | head -1 | cut -d: -f1)
        printf '\x00\x80\x3b\x45' | dd of=moved.ply bs=1 seek=$((head + 11)) conv=notrunc 2>/dev/null
        near moved.ply 0.0001
    }
    check "playbot with one splat at x = 3,000" moved
else
    skip "playbot with one splat at x = 3,000" "the sequence is not there (DIFFY_SHARED)"
fi
finish
