#!/usr/bin/env bash
# A folder or zip of recordings becomes a folder of .dfy files.
. "$(dirname "$0")/tap.bash"
# A place of its own for what is unpacked: what others leave in theirs is not Diffy's.
mkdir temporary && export TMPDIR=$PWD/temporary
ffmpeg() { command ffmpeg -v error -y -nostdin "$@"; }
"$scene" --size 64x48 --frames 6 clip.y4m
mkdir -p in/left/images in/right
ffmpeg -i clip.y4m in/left/images/im%d.png
ffmpeg -i clip.y4m -frames:v 4 in/right/im%d.jpg
ffmpeg -i clip.y4m in/right/take.mp4
ffmpeg -i clip.y4m in/right/take.mkv
ffmpeg -i clip.y4m -frames:v 2 in/loose%d.png
echo notes >in/notes.txt
frames() { for file in "$1"/*.dfy; do echo "$(basename "$file") $(frames_of "$file")"; done; }
wanted="in.dfy 2
left_images.dfy 6
right.dfy 4
right_take-2.dfy 6
right_take.dfy 6"
becomes() { # INPUT FOLDER EXPECTED
    "$diffy" encode --effort 1 "$1" "$2" || return 1
    frames "${2%/}"
    [ "$(frames "${2%/}")" = "$3" ]
}
check "a folder" becomes in out/ "$wanted"
if command -v zip >/dev/null; then (cd in && zip -qr ../in.zip .); else python3 -m zipfile -c in.zip in/left in/right in/loose1.png in/loose2.png; fi
check "a zip with videos in it" becomes in.zip zipped/ "$(if command -v zip >/dev/null; then echo "$wanted"; else echo "in.dfy 2
left_images.dfy 6
right.dfy 4
right_take-2.dfy 6
right_take.dfy 6"; fi)"
check "nothing is left behind" bash -c '[ -z "$(ls -A temporary)" ]'
: >in/right/bad.mp4
goes_on() {
    ! "$diffy" encode --effort 1 in bad/ 2>err.txt || return 1
    cat err.txt
    grep -q "bad.mp4 is empty" err.txt && grep -q "1 of 6 recordings in in could not be encoded" err.txt && [ "$(ls bad | wc -l)" = 5 ]
}
check "one that is bad does not end the others" goes_on
mkdir mixed && cp in/right/take.mp4 mixed/ && cp in/loose1.png mixed/
says_videos() { "$diffy" encode --effort 1 mixed mixed.dfy 2>err.txt && cat err.txt && grep -q "also contains 1 video" err.txt; }
check "videos among images are told, where one file is made" says_videos
rm mixed/loose1.png
needs_folder() { ! "$diffy" encode --effort 1 mixed none.dfy 2>err.txt && cat err.txt && grep -q -- "--episodes" err.txt; }
check "a folder of videos alone is told what to do" needs_folder
check "a single video needs a file's name" fails_with 1 "$diffy" encode in/right/take.mp4 out/
check "several recordings need a folder" fails_with 1 "$diffy" encode in one.dfy
finish
