#!/usr/bin/env bash
# Decoder and encoder on 64-bit ARM, cross-compiled and run by qemu: the same pictures and the same files as here, to the
# bit; and every kernel gives what the reference gives.
. "$(dirname "$0")/../cli/tap.bash"
arm="$top/build/arm64/bare"
names=("decoder and encoder build for 64-bit ARM" "every kernel gives what the reference gives there")
for quality in 12 55 100; do names+=("quality $quality decodes to the same pictures there"); done
names+=("and clones do" "a file of version 1, which that build leaves out, is refused with a sentence"
    "and the whole library compiles" "quality 30 is encoded to the same file there" "and so is upload mode"
    "and lossless")
for tool in aarch64-linux-gnu-gcc qemu-aarch64; do
    command -v "$tool" >/dev/null && continue
    for name in "${names[@]}"; do skip "$name" "there is no $tool"; done
    finish
done
check "${names[0]}" make -s -C "$top" -j"$(nproc)" arm64
check "${names[1]}" qemu-aarch64 "$arm/test_video_kernels"
same() { # CLIP OPTIONS...
    "$diffy" encode --progress never "${@:2}" "$1" x.dfy && "$diffy" decode --progress never x.dfy here.y4m &&
        qemu-aarch64 "$arm/decode" x.dfy >there.y4m && [ "$(wc -c <there.y4m)" -gt 100000 ] &&
        cmp <(tail -n +2 here.y4m) <(tail -n +2 there.y4m)
}
"$scene" --preset busy --size 146x90 --frames 70 --fps 10 scene.y4m >/dev/null || exit 1
"$scene" --preset quiet --size 160x90 --jitter 0 --cycle 3 --seconds 9 --fps 10 cycles.y4m >/dev/null || exit 1
check "${names[2]}" same scene.y4m -q 12
check "${names[3]}" same scene.y4m -q 55
check "${names[4]}" same scene.y4m -q 100
check "${names[5]}" same cycles.y4m --mode upload
without_v1() {
    "$diffy" encode --progress never --format 1 --frames 3 scene.y4m v1.dfy || return 1
    ! qemu-aarch64 "$arm/decode" v1.dfy >none.y4m 2>err.txt && cat err.txt && grep -q "format 1, which this build" err.txt
}
check "${names[6]}" without_v1
encodes() { # CLIP QUALITY EFFORT MODE
    ./encode "$1" here.dfy "${@:2}" && qemu-aarch64 "$arm/encode" "$1" there.dfy "${@:2}" && wc -c here.dfy && cmp here.dfy there.dfy
}
compiles() { # with the headers of other libraries, which are the same everywhere
    local file bad=0
    while read -r file; do
        aarch64-linux-gnu-gcc -std=c11 -fsyntax-only -Wall -Wextra -Werror -I"$top/include" -I"$top/src" -idirafter /usr/include \
            -idirafter "/usr/include/$(gcc -dumpmachine)" "$file" || bad=1
    done < <(find "$top/src" -name '*.c' ! -path '*/dsp/x86/*' ! -path '*/dsp/wasm/*')
    return $bad
}
check "${names[7]}" compiles
gcc -std=c11 -I"$top/include" "$top/tests/bare/encode.c" "$top/build/libdiffy.a" -ljpeg -lz -lcjson -lm -lpthread -o encode || exit 1
check "${names[8]}" encodes scene.y4m 30 5 training
check "${names[9]}" encodes cycles.y4m 25 2 upload
check "${names[10]}" encodes scene.y4m 100 3 training
finish
