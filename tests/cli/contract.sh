#!/usr/bin/env bash
# Exit statuses, messages and output files: what scripts rely on.
. "$(dirname "$0")/tap.bash"
"$scene" --size 96x64 --frames 12 clip.y4m
"$diffy" encode clip.y4m clip.dfy

helps() { "$@" >out.txt 2>err.txt && [ -s out.txt ] && [ ! -s err.txt ]; }
check "diffy --help" helps "$diffy" --help
check "no command is bad usage" bash -c '"$1" >out.txt 2>err.txt; [ $? = 2 ] && [ ! -s out.txt ]' - "$diffy"
check "an unknown command is bad usage" fails_with 2 "$diffy" frobnicate
check "diffy help COMMAND" bash -c 'cmp <("$1" help encode) <("$1" encode --help)' - "$diffy"
version() { "$diffy" --version | grep -cF "diffy $(sed -n 's/.*"version": "\(.*\)",/\1/p' "$top/package.json"), "; }
check "diffy --version is the package's" version
suggests() { # WORD COMMAND...: bad usage that names what was meant
    fails_with 2 "${@:2}" && cat stderr.txt && grep -qF "did you mean $1?" stderr.txt
}
check "a misspelt command is recognised" suggests encode "$diffy" encod clip.y4m x.dfy
check "a misspelt option is recognised" suggests --quality "$diffy" encode --qualty 5 clip.y4m x.dfy
check "with its value in the same word" suggests --effort "$diffy" encode --efort=3 clip.y4m x.dfy
check "a misspelt command of splat is recognised" suggests decode "$diffy" splat deocde clip.y4m x.dfy
for command in encode decode info compare verify; do
    two=other.dfy
    case $command in info | verify) two= ;; esac
    check "$command --help" helps "$diffy" "$command" --help
    check "$command without arguments is bad usage" fails_with 2 "$diffy" "$command"
    check "$command with an unknown option is bad usage" fails_with 2 "$diffy" "$command" --frobnicate a b
    check "$command of a file that isn't there fails" fails_with 1 "$diffy" "$command" missing.dfy $two
done
check "a quality out of range is bad usage" fails_with 2 "$diffy" encode -q 101 clip.y4m x.dfy
check "a mode that isn't known is bad usage" fails_with 2 "$diffy" encode --mode nonsense clip.y4m x.dfy
check "an option without its value is bad usage" fails_with 2 "$diffy" encode clip.y4m x.dfy --effort
check "an option of version 1 with version 2 is bad usage" fails_with 2 "$diffy" encode --format 2 --vq clip.y4m x.dfy
check "an argument too many is bad usage" fails_with 2 "$diffy" encode clip.y4m x.dfy y.dfy
check "a frame range that isn't one is bad usage" fails_with 2 "$diffy" decode --frames a:b clip.dfy x.y4m
check "an output of no known kind is bad usage" fails_with 2 "$diffy" decode clip.dfy x.tiff

head -c 3000 "$scene" >noise.bin
: >empty.mp4
mkdir folder
check "a file that is no video fails" fails_with 1 "$diffy" encode noise.bin x.dfy
check "an empty file fails" fails_with 1 "$diffy" encode empty.mp4 x.dfy
check "an empty folder fails" fails_with 1 "$diffy" encode folder x.dfy
check "a folder that isn't there fails" fails_with 1 "$diffy" encode clip.y4m nowhere/x.dfy
check "a folder can't be the .dfy" fails_with 1 "$diffy" encode clip.y4m folder
check "what isn't a .dfy can't be decoded" fails_with 1 "$diffy" decode noise.bin x.y4m
check "a frame past the end fails" fails_with 1 "$diffy" decode --frames 5:13 clip.dfy x.y4m
check "different sizes can't be compared" bash -c '"$1" --size 90x64 --frames 12 other.y4m && ! "$2" compare clip.y4m other.y4m' - "$scene" "$diffy"
printf 'YUV4MPEG2 W16 H16 F30:1 C420jpeg\n' >header.y4m
check "a clip without frames fails" fails_with 1 "$diffy" encode header.y4m x.dfy
printf 'YUV4MPEG2 W99999 H16 F30:1\n' >huge.y4m
check "a picture that is too large is refused" fails_with 1 "$diffy" encode huge.y4m x.dfy
printf 'YUV4MPEG2 W16 H16 F30:1 C419\n' >sampling.y4m
check "an unknown chroma sampling is refused" fails_with 1 "$diffy" encode sampling.y4m x.dfy
check "a damaged image fails" bash -c 'mkdir pics; head -c 500 "$2" >pics/a.png; ! "$1" encode pics x.dfy' - "$diffy" "$scene"
check "failures leave no output and no temporary file" bash -c '! ls | grep -E "^x\.|part-"'

keeps_old() { # what was there stays when the new one fails
    echo old >kept.dfy
    ! "$diffy" encode noise.bin kept.dfy && [ "$(cat kept.dfy)" = old ]
}
check "a failed encode leaves the old file alone" keeps_old
spares() { # STATUS FILE COMMAND...: refuses, and leaves the file as it is
    local before=$(md5sum <"$2")
    fails_with "$1" "${@:3}" && cat stderr.txt && [ "$(md5sum <"$2")" = "$before" ]
}
cp clip.dfy again.dfy
ln -s again.dfy link.dfy
echo notes >notes
check "an input can't be its own output" spares 1 again.dfy "$diffy" encode again.dfy again.dfy
check "not under another name either" spares 1 again.dfy "$diffy" encode again.dfy link.dfy
check "nor for the cycles" spares 1 again.dfy "$diffy" info --cycles again.dfy again.dfy
check "a video's name is none for a .dfy" spares 2 clip.y4m "$diffy" encode clip.dfy clip.y4m
check "another kind of file isn't overwritten" spares 1 notes "$diffy" encode clip.y4m notes
check "an output without a name is refused" fails_with 1 "$diffy" encode clip.y4m ""
limited() { # a file may have no more than 1 KB: the one that is written is named, and what to do
    (trap '' XFSZ; ulimit -f 1; "$diffy" encode clip.y4m small.dfy 2>err.txt; [ $? = 1 ]) || return 1
    cat err.txt && [ "$(wc -l <err.txt)" = 1 ] && grep -qE '^diffy: small.dfy can.t be (written|completed) \(.*\): .*another place' err.txt && [ ! -e small.dfy ]
}
check "an output that can't be written is named" limited
check "JSON that can't be written fails" bash -c '"$1" info --json clip.dfy >/dev/full 2>err.txt; [ $? = 1 ] && [ "$(wc -l <err.txt)" = 1 ]' - "$diffy"
check "a full disk fails" bash -c '"$1" decode clip.dfy - >/dev/full 2>err.txt; [ $? = 1 ] && [ "$(wc -l <err.txt)" = 1 ]' - "$diffy"
check "a reader that leaves ends decode with a failure" bash -c '"$1" decode clip.dfy - 2>err.txt | head -c 10 >/dev/null; [ "${PIPESTATUS[0]}" != 139 ]' - "$diffy"

quiet() { "$@" >out.txt 2>err.txt </dev/null && [ ! -s out.txt ] && [ ! -s err.txt ]; }
check "encode is silent without a terminal" quiet "$diffy" encode clip.y4m quiet.dfy
check "decode is silent without a terminal" quiet "$diffy" decode clip.dfy quiet.y4m
check "--progress always shows a bar" bash -c '"$1" encode --progress always clip.y4m p.dfy 2>&1 | grep -q "###"' - "$diffy"
narrow() { # no line of the progress is broken by a terminal of 40 columns
    script -qec "stty cols 40; '$diffy' encode --progress always clip.y4m p.dfy" /dev/null </dev/null | tr '\r' '\n' >lines.txt
    cat lines.txt && grep -q '[0-9]/12' lines.txt && ! grep -v 'p.dfy' lines.txt | grep -qE '.{40}'
}
check "the progress fits a narrow terminal" narrow
missed() { "$diffy" encode --target-size 100 clip.y4m t.dfy 2>err.txt && cat err.txt && grep -q "warning: t.dfy has .* instead of 100" err.txt; }
check "a target that is out of reach is told" missed
check "info --json is JSON alone" bash -c '"$1" info --json clip.dfy | node -e "JSON.parse(require(\"fs\").readFileSync(0))"' - "$diffy"
cycles() { # both formats list the cycles of the scene, in upload mode too
    "$scene" --size 160x90 --preset quiet --pauses 0.4 --seconds 40 cycles.y4m
    for options in "--format 1" "--format 2 --effort 1" "--format 2 --effort 1 --mode upload"; do
        "$diffy" encode $options cycles.y4m cycles.dfy && "$diffy" info --cycles cycles.csv cycles.dfy >cycles.txt || return 1
        echo "$options: $(wc -l <cycles.csv) lines" && [ "$(wc -l <cycles.csv)" -ge 7 ] && grep -q canonical cycles.txt &&
            "$diffy" info --json cycles.dfy | node -e "
                const { cycles } = JSON.parse(require('fs').readFileSync(0));
                let next = 0;
                for (const c of cycles) { if (c.first_frame !== next) process.exit(1); next += c.frames; }
                process.exit(next === 1200 && cycles.some((c) => c.is_canonical) ? 0 : 1)" || return 1
    done
}
check "info lists the cycles" cycles
upload() { # clones in mode upload, none in mode training or in lossless files; no frame is lost
    "$scene" --size 160x90 --preset quiet --jitter 0 --cycle 3 --seconds 20 upload.y4m
    local options
    for options in "" "-q 100 --mode upload"; do
        "$diffy" encode --effort 1 $options upload.y4m own.dfy && [ "$(frames_of own.dfy)" = 600 ] || return 1
        ! "$diffy" info own.dfy | grep CLONE || return 1
    done
    "$diffy" encode --effort 1 upload.y4m own.dfy && "$diffy" encode --effort 1 --mode upload upload.y4m clones.dfy || return 1
    "$diffy" verify clones.dfy && "$diffy" info clones.dfy | grep "show an earlier" && [ "$(frames_of clones.dfy)" = 600 ] || return 1
    "$diffy" decode clones.dfy clones.y4m && [ "$(stat -c %s clones.y4m)" = "$(stat -c %s upload.y4m)" ] || return 1
    "$diffy" decode --frames 400:410 clones.dfy part.y4m || return 1
    local frame=$((160 * 90 * 3 / 2 + 6)) header=$(head -n 1 part.y4m | wc -c)
    cmp --ignore-initial=$((header + 400 * frame)):$header --bytes=$((10 * frame)) clones.y4m part.y4m || return 1
    echo "$(stat -c %s own.dfy) bytes without clones, $(stat -c %s clones.dfy) with them"
    [ $(($(stat -c %s clones.dfy) * 10)) -lt $(($(stat -c %s own.dfy) * 9)) ]
}
check "mode upload makes clones of repetitions" upload
check "a clone distance out of range is bad usage" fails_with 2 "$diffy" encode --clone-distance 300 clip.y4m x.dfy
check "compare --json is JSON alone" bash -c '"$1" compare --json clip.y4m clip.dfy | node -e "JSON.parse(require(\"fs\").readFileSync(0))"' - "$diffy"
check "the new file has ordinary permissions" bash -c 'umask 022; "$1" encode clip.y4m m.dfy; [ "$(stat -c %a m.dfy)" = 644 ]' - "$diffy"

interrupted() { # SIGINT in the middle: a playable file, status 1
    local status=0 reader
    mkfifo pipe.y4m
    "$diffy" encode - stopped.dfy <pipe.y4m 2>err.txt &
    reader=$!
    { head -c $(($(head -n 1 clip.y4m | wc -c) + 5 * (96 * 64 * 3 / 2 + 6))) clip.y4m; sleep 1; kill -INT $reader
      tail -c $((2 * (96 * 64 * 3 / 2 + 6))) clip.y4m; } >pipe.y4m
    wait $reader || status=$?
    cat err.txt
    [ $status = 1 ] && "$diffy" verify stopped.dfy && [ "$(frames_of stopped.dfy)" -ge 5 ] &&
        [ "$(frames_of stopped.dfy)" -le 6 ] && "$diffy" decode stopped.dfy stopped.y4m
}
check "Ctrl-C completes the file with the frames so far" interrupted
check "and leaves no temporary file" bash -c '! ls | grep part-'

check "verify is content with a whole file" "$diffy" verify clip.dfy
head -c $(($(stat -c %s clip.dfy) - 7)) clip.dfy >cut.dfy
check "verify refuses a file that was cut" fails_with 1 "$diffy" verify cut.dfy
cut() { "$diffy" decode cut.dfy cut.y4m 2>err.txt && cat err.txt && grep -q "warning: cut.dfy is cut off" err.txt; }
check "decode says so and gives what is there" cut
head -c 100 clip.dfy >stump.dfy
check "a file cut before its first frame can't be decoded" fails_with 1 "$diffy" decode stump.dfy x.y4m
finish
