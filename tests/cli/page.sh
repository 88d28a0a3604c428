#!/usr/bin/env bash
# `diffy decode X.dfy Y.html`: the page holds the file, whole; without the player built in, one line says what to do.
. "$(dirname "$0")/tap.bash"
"$scene" --size 64x48 --frames 8 clip.y4m
"$diffy" encode clip.y4m 'a "clip" & <b>.dfy'
holds_it() { # the pieces are the file; the name is no markup
    grep -o '<script type="text/plain" class="video">[^<]*' page.html | sed 's/.*>//' | base64 -d | cmp - 'a "clip" & <b>.dfy' &&
        grep -qF '{"name":"a \u0022clip\u0022 \u0026 \u003cb\u003e.dfy"}' page.html && tail -n 1 page.html | grep -q '</html>'
}
if "$diffy" decode 'a "clip" & <b>.dfy' page.html 2>err.txt; then
    check "the page holds the file" holds_it
else
    check "without the player it says how to get it" grep -q 'was built without the player page. Run `make player`' err.txt
    check "and writes nothing" test ! -e page.html
fi
check "a part of a file makes no page" fails_with 2 "$diffy" decode --frames 0:2 'a "clip" & <b>.dfy' part.html
echo 'no video' >wrong.dfy
check "nor does what is no .dfy" fails_with 1 "$diffy" decode wrong.dfy wrong.html
finish
