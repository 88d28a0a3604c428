#!/usr/bin/env bash
# The examples work as they stand.
. "$(dirname "$0")/tap.bash"
examples="$top/examples"
link=("$top/build/libdiffy.a" -ljpeg -lz -lcjson -lzstd -lwebp -lm -lpthread)
[[ "$diffy" == */san/* ]] && { skip "the examples in C" "they are compiled without sanitizers"; finish; }
compiles() { cc -std=c11 -Wall -Wextra -Werror -I"$top/include" "$examples/$1.c" "${link[@]}" -o "$1"; }
check "encode_pattern.c compiles" compiles encode_pattern
check "first_frame.c compiles" compiles first_frame
check "what encode_pattern writes is whole" bash -c './encode_pattern pattern.dfy && "$1" verify pattern.dfy' - "$diffy"
first_frame() { ./first_frame pattern.dfy >frame.ppm && [ "$(head -n 1 frame.ppm)" = "P6 96 64 255" ] && [ "$(stat -c %s frame.ppm)" = $((96 * 64 * 3 + 13)) ]; }
check "first_frame gives its first picture" first_frame
night() {
    mkdir night bin && ln -s "$diffy" bin/diffy && "$scene" --size 64x48 --frames 20 night/a.y4m && echo nothing >night/b.mp4
    PATH="$PWD/bin:$PATH" "$examples/night_shift.sh" night && [ -e night/a.dfy ] && [ ! -e night/b.dfy ]
}
check "night_shift.sh goes on behind what can't be read" night
finish
