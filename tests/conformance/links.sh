#!/usr/bin/env bash
# What a program links of libdiffy.a: one that only decodes must get nothing that encodes, and the other way round no
# more than encoders use themselves.
. "$(dirname "$0")/../cli/tap.bash"
cat >decode.c <<'C'
#include "diffy/diffy.h"
int main(void) {
    DfyDecoder *decoder = 0;
    DfyInput input = {0};
    int status = dfy_decoder_open(&decoder, &input, 0);
    dfy_decoder_close(&decoder);
    return status == DFY_OK;
}
C
objects="$top/build/obj/src"
symbols() { nm --defined-only "$@" 2>/dev/null | awk 'NF == 3 { print $3 }' | grep '^dfy_' | sort -u; }
encoding() { # the objects that only encoders need
    ls "$objects"/api/encoder.o "$objects"/analysis/*.o "$objects"/video/encode/*.o "$objects"/video/encode/*/*.o \
        "$objects"/v1/{writer,plan,packer,picture_coder,block_coder,cycle_coder,vq,metadata_write}.o 2>/dev/null | grep -v departure_array
}
links() {
    gcc -std=c11 -I"$top/include" decode.c "$top/build/libdiffy.a" -ljpeg -lz -lcjson -lm -lpthread -o decode && ./decode
}
check "a program that only decodes links, without zstd, and runs" links
no_encoder() {
    symbols decode >has.txt
    symbols $(encoding) >encoding.txt
    wc -l has.txt encoding.txt
    [ "$(wc -l <has.txt)" -gt 50 ] && [ "$(wc -l <encoding.txt)" -gt 50 ] && ! comm -12 has.txt encoding.txt | grep .
}
check "and no function that encodes comes along" no_encoder

# What both libraries let others see is what the headers offer, no more and no less.
grep -hE '^(extern )?DFY_API ' "$top"/include/diffy/*.h | grep -oE 'dfy_[a-z0-9_]+' | sort -u >api.txt
shared_symbols() {
    nm -D --defined-only "$top/build/libdiffy.so" | awk '{ print $3 }' | sort -u >shared.txt
    wc -l api.txt && [ "$(wc -l <api.txt)" -gt 50 ] && diff api.txt shared.txt
}
check "libdiffy.so shows what the headers mark with DFY_API" shared_symbols
static_symbols() {
    readelf -sW "$top/build/libdiffy.a" | awk '$5 == "GLOBAL" && $6 == "DEFAULT" && $7 != "UND" { print $8 }' | sort -u >static.txt
    diff api.txt static.txt
}
check "and so does libdiffy.a" static_symbols
headers() { # alone, in strict C and in C++, without a warning
    local header
    for header in diffy splat version; do
        printf "#include \"diffy/%s.h\"\nextern int used;\n" "$header" >alone.c
        gcc -std=c11 -pedantic -Wall -Wextra -Werror -I"$top/include" -fsyntax-only alone.c || return 1
        clang -x c++ -std=c++11 -Wall -Wextra -Werror -I"$top/include" -fsyntax-only alone.c || return 1
    done
}
check "every header compiles alone, in C and in C++" headers
synopsis() { # the programs that the headers begin with, as they stand
    local header
    for header in diffy splat; do
        { printf '#include <stdio.h>\n#include "diffy/splat.h"\n'
          printf 'int write_to_file(void *o, const uint8_t *d, size_t n);\nint64_t read_at(void *o, uint64_t at, uint8_t *d, size_t n);\n'
          printf 'int next_picture(DfyPicture *p);\nvoid show(const DfyPicture *p);\nextern void *file;\nextern const uint8_t *data;\nextern size_t size;\n'
          printf 'extern DfyPicture picture;\nint main(void) {\n'
          sed -n '/^ \* Synopsis/,/^ \* Parts/p' "$top/include/diffy/$header.h" | sed -n 's/^ \*     //p'
          printf 'return 0;\n}\n'; } >synopsis.c
        [ "$(wc -l <synopsis.c)" -gt 20 ] && gcc -std=c11 -Wall -Wextra -Werror -I"$top/include" -c synopsis.c -o synopsis.o || return 1
    done
}
check "and so do the programs that they begin with" synopsis
marked() { # every function that a header declares
    gcc -E -DDFY_API=DFY_API -I"$top/include" "$top"/include/diffy/{diffy,splat}.h | tr '\n' ' ' | tr ';}' '\n\n' |
        grep -E 'dfy_[a-z0-9_]+ *\(' | grep -v 'static inline' >declared.txt
    [ "$(wc -l <declared.txt)" -gt 50 ] && ! grep -v DFY_API declared.txt
}
check "every function of the headers is marked" marked
hardened() { # tables that can't be written, canaries, checked copies, marked targets of jumps
    local file
    for file in "$top/build/diffy" "$top/build/libdiffy.so"; do
        { readelf -dW "$file"; readelf -lW "$file"; nm -D "$file"; } >hardening.txt
        grep -E 'BIND_NOW|FLAGS_1.*NOW' hardening.txt && grep GNU_RELRO hardening.txt && grep __stack_chk_fail hardening.txt &&
            grep _chk@ hardening.txt || { echo "$file"; return 1; }
    done
    [ "$(uname -m)" != x86_64 ] || readelf -nW "$objects/base/bytes.o" | grep 'IBT, SHSTK'
}
check "both are hardened" hardened
soname() {
    readelf -d "$top/build/libdiffy.so" | grep SONAME && gcc -std=c11 -I"$top/include" decode.c -L"$top/build" -ldiffy -o shared &&
        LD_LIBRARY_PATH="$top/build" ./shared
}
check "a program linked against libdiffy.so runs" soname
unmoved() { # what one goal has built, another takes as it is
    local goal
    make -s -C "$top" cli scene lib || return 1
    for goal in scene cli lib scene; do
        make -C "$top" $goal >built.txt || return 1
        ! grep '^  CC' built.txt || return 1
    done
}
check "goals one after another compile nothing again" unmoved
installs() { # and pkg-config tells how to build with it
    make -s -C "$top" install DESTDIR="$work/root" PREFIX=/usr || return 1
    local flags
    flags=$(PKG_CONFIG_PATH="$work/root/usr/lib/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$work/root" pkg-config --cflags --libs diffy) || return 1
    echo "$flags"
    gcc -std=c11 decode.c $flags -o installed && LD_LIBRARY_PATH="$work/root/usr/lib" ./installed &&
        "$work/root/usr/bin/diffy" --version
}
check "make install, and pkg-config finds it" installs
uninstalls() { # all of it, and nothing of others
    touch "$work/root/usr/bin/other" "$work/root/usr/lib/libother.so" && make -s -C "$top" uninstall DESTDIR="$work/root" PREFIX=/usr || return 1
    find "$work/root" -not -type d
    [ "$(find "$work/root" -not -type d | wc -l)" = 2 ] && [ -e "$work/root/usr/bin/other" ] && [ -e "$work/root/usr/lib/libother.so" ]
}
check "make uninstall takes away what make install put there, and nothing else" uninstalls
finish
