#!/usr/bin/env bash
# Every vector decodes to the pictures that tests/vectors/pictures.txt tells, whatever the decoder was built for; a second
# reader, written from docs/FORMAT.md alone, agrees with it.
. "$(dirname "$0")/../cli/tap.bash"
vectors="$top/tests/vectors" wanted="$top/tests/vectors/pictures.txt"
grep '^==' "$wanted" >names.txt
sed -n '/^== v2_/,$p' "$wanted" >wanted_v2.txt # the last ones in the file
same() { # FILE [-v2] COMMAND...
    local file=$1
    shift
    "$vectors/list.sh" "$@" >got.txt 2>err.txt || { tail -n 3 err.txt got.txt; return 1; }
    cmp "$file" got.txt || { diff "$file" got.txt | head -n 10; return 1; }
}
enough() { [ "$(wc -l <names.txt)" -ge 50 ] && [ "$(wc -l <wanted_v2.txt)" -gt 1000 ] && ls "$vectors"/*.dfy | wc -l | grep -qx "$(wc -l <names.txt)"; }
if ! "$vectors/current.sh"; then
    skip "every vector in every build" "they are of another draft: make vectors"
    finish
fi
check "there are the vectors that pictures.txt tells of" enough
make -s -C "$top" build/tests/pictures || exit 1
check "this build" same "$wanted" "$top/build/tests/pictures"
check "without the processor's extra instructions" same "$wanted" "$top/build/tests/pictures" scalar
if [ -e "$top/build/san/libdiffy.a" ]; then
    sanitized() { make -s -C "$top" san-pictures && same "$wanted" "$top/build/san/tests/pictures"; }
    check "the build with sanitizers" sanitized
else
    skip "the build with sanitizers" "it is not there"
fi
unsigned() { make -s -C "$top" B=build/uchar OPT='-O3 -funsigned-char' V1=0 build/uchar/bare/pictures && same wanted_v2.txt -v2 "$top/build/uchar/bare/pictures"; }
check "char is unsigned" unsigned
elsewhere() { # MACHINE EMULATOR...
    local machine=$1
    shift
    make -s -C "$top" "$machine-pictures" && same wanted_v2.txt -v2 "$@" "$top/build/$machine/bare/pictures"
}
for machine in "i686 i686-linux-gnu-gcc qemu-i386" "arm64 aarch64-linux-gnu-gcc qemu-aarch64" "s390x s390x-linux-gnu-gcc qemu-s390x"; do
    set -- $machine
    if command -v "$2" >/dev/null && { [ $# -lt 3 ] || command -v "$3" >/dev/null; }; then
        check "$1" elsewhere "$1" ${3:+"$3"}
    else
        skip "$1" "there is no $2${3:+ or no $3}"
    fi
done
second_reader() { python3 "$vectors/check_container.py"; }
check "a reader of the container that was written from the document" second_reader
finish
