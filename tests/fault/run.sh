#!/usr/bin/env bash
# Every command on small jobs, with the n-th allocation, read, write, flush, close ... failing: it says so, exits with 1,
# leaves the old output and no litter, and never gives other pictures. tests/fault/README.md tells more.
#
#   tests/fault/run.sh            some n of each kind, spread evenly: under a minute
#   FAULT_MOST=0 tests/fault/run.sh [KIND...]   every n
#   FAULT_JOBS='encode|decode' tests/fault/run.sh   the jobs whose names match
#   FAULT_SAN=1 ...               by a build with AddressSanitizer, which also tells what is not freed
. "$(dirname "$0")/../cli/tap.bash"
kinds=("$@")
[ ${#kinds[@]} -gt 0 ] || kinds=(alloc open read write flush close rename thread)
export FAULT_MOST="${FAULT_MOST:-6}" ASAN_OPTIONS=exitcode=23:allocator_may_return_null=1
fault="$top/tests/fault/fault.c"
if [ -n "${FAULT_SAN:-}" ]; then
    faulty=("$top/build/fault/diffy")
    make -s -C "$top" fault-san || exit 1
else
    cc -O1 -shared -fPIC -w -o "$work/fault.so" "$fault" -ldl || exit 1
    faulty=(env LD_PRELOAD="$work/fault.so" "$diffy")
fi

# ---- what the jobs work on
mkdir in && cd in || exit 1
{
    "$scene" --preset quiet --size 66x50 --jitter 0 --cycle 1 --seconds 3 --fps 10 cycles.y4m
    "$scene" --preset busy --size 50x34 --frames 9 --fps 10 busy.y4m
    "$diffy" encode --effort 1 --threads 1 busy.y4m old.dfy
    "$diffy" encode --effort 1 --threads 1 --mode upload cycles.y4m upload.dfy
    "$diffy" encode --effort 1 --threads 1 --format 1 busy.y4m v1.dfy
    "$diffy" encode --threads 1 -q 100 busy.y4m lossless.dfy
    "$diffy" decode old.dfy images/
    "$diffy" decode old.dfy images.zip
    "$diffy" encode --effort 1 --threads 1 --parts 2 --stretch-seconds 0.4 cycles.y4m parts.dfy
    for part in 1 2; do "$diffy" encode --effort 1 --threads 1 --part $part/2 cycles.y4m part$part.dfy; done
    "$diffy" encode --effort 1 --threads 1 --segment-seconds 0.5 cycles.y4m long.dfy
    head -c $(($(stat -c %s long.dfy) * 9 / 10)) long.dfy >cut.dfy
    printf 't,x,y,z\n0,0,0,0.1\n0.5,0,0.1,0\n1,0.1,0,0\n' >gyro.csv
    cp "$top/tests/cases/splats/v3.spz" "$top/tests/cases/splats/sharp.ply" .
    "$diffy" splat encode v3.spz splat.dfy
    ffmpeg -v error -y -nostdin -i busy.y4m -f lavfi -i sine=frequency=440 -shortest -c:v mpeg4 -c:a aac video.mp4
    "$diffy" encode --effort 1 --threads 1 video.mp4 sound.dfy
    mkdir -p many/a many/b && cp images/* many/a && cp images/* many/b
} >../setup.txt 2>&1 </dev/null
cd ..

# job NAME OLD COMMAND...: OLD is what lies at out/ before: `file=copied` pairs.
job() {
    local name=$1 old=$2 kind pair
    shift 2
    [[ $name =~ ${FAULT_JOBS:-.} ]] || return 0
    rm -rf job && mkdir -p job/old && cp -r in job/in
    for pair in $old; do cp -r "in/${pair#*=}" "job/old/${pair%%=*}"; done
    for kind in "${kinds[@]}"; do check "$name: $kind" run_job "$kind" "$@"; done
}
run_job() { (cd job && FAULT_KIND=$1 "${faulty[@]}" "${@:2}"); }
quick="--effort 1 --threads 1 --progress never"

job encode out.dfy=old.dfy encode $quick in/busy.y4m out/out.dfy
job "encode upload" out.dfy=old.dfy encode $quick --mode upload in/cycles.y4m out/out.dfy
job "encode slowly" out.dfy=old.dfy encode --effort 7 --threads 1 --access 3 in/busy.y4m out/out.dfy
job "encode by threads" "" encode --effort 3 --threads 3 in/busy.y4m out/out.dfy
job "encode lossless" "" encode $quick -q 100 in/busy.y4m out/out.dfy
job "encode to a size" "" encode $quick --target-size 3k in/busy.y4m out/out.dfy
job "encode parts" "" encode $quick --parts 2 in/cycles.y4m out/out.dfy
job "encode version 1" out.dfy=old.dfy encode $quick --format 1 in/busy.y4m out/out.dfy
job "encode version 1 codebook" "" encode $quick --format 1 --vq --imu in/gyro.csv in/cycles.y4m out/out.dfy
job "encode images" "" encode $quick in/images out/out.dfy
job "encode zip" "" encode $quick in/images.zip out/out.dfy
job "encode video" "" encode $quick in/video.mp4 out/out.dfy
job "encode .dfy" "" encode $quick --max-width 32 in/old.dfy out/out.dfy
FAULT_MANY=1 job "encode folders" "" encode $quick in/many out/all/
job decode out.y4m=busy.y4m decode --progress never --threads 1 in/old.dfy out/out.y4m
job "decode upload" "" decode --progress never --threads 2 --frames 7:20 in/upload.dfy out/out.y4m
job "decode lossless" "" decode --progress never in/lossless.dfy out/out.y4m
job "decode version 1" out.y4m=busy.y4m decode --progress never --threads 1 in/v1.dfy out/out.y4m
job "decode images" "" decode --progress never in/old.dfy out/out/
job "decode jpeg" "out.zip=images.zip" decode --progress never --images jpg in/old.dfy out/out.zip
job "decode mp4" "out.mp4=video.mp4" decode --progress never in/sound.dfy out/out.mp4
job "decode to stdout" "" decode --progress never in/old.dfy -
job repair "" repair in/cut.dfy out/out.dfy
job join "out.dfy=old.dfy" join in/part1.dfy in/part2.dfy out/out.dfy
job info "" info in/upload.dfy
job "info json" "" info --json --cycles out/cycles.csv in/upload.dfy
job "info version 1" "" info in/v1.dfy
job compare "" compare in/busy.y4m in/old.dfy
job "compare json" "" compare --json in/cycles.y4m in/upload.dfy
job verify "" verify in/upload.dfy
job "verify version 1" "" verify in/v1.dfy
job "verify splats" "" verify in/splat.dfy
export FAULT_TIMED=1 # it prints how long it took
job "splat encode" "out.dfy=splat.dfy" splat encode in/sharp.ply out/out.dfy
job "splat encode vqxyz" "" splat encode --codec vqxyz-zstd in/v3.spz out/out.dfy
unset FAULT_TIMED
job "splat decode" "out.ply=sharp.ply" splat decode --overwrite in/splat.dfy out/out.ply
job "splat decode sog" "" splat decode in/splat.dfy out/out.sog
job "splat info" "" splat info in/splat.dfy
job "splat compare" "" splat compare in/v3.spz in/splat.dfy
finish
