#!/usr/bin/env bash
# The manual page and the completions that come out of --help: whole, without a complaint of who reads them.
. "$(dirname "$0")/tap.bash"
for kind in man bash zsh; do check "made for $kind" bash -c '"$1/tools/manual.sh" "$2" "$3" >"$4" && [ -s "$4" ]' - "$top" $kind "$diffy" made.$kind; done
whole() { # every option of every command is told
    local command option
    for command in encode analyse decode info compare verify "splat encode" "splat decode"; do
        for option in $("$diffy" $command --help | grep -oE '^  (-., )?--[a-z-]+' | grep -oE -- '--[a-z-]+'); do
            grep -qF -- "${option//-/\\-}" made.man || { echo "man: $command $option"; return 1; }
            grep -qE -- "['\" ]$option[' ]" made.bash || { echo "bash: $command $option"; return 1; }
            grep -qF -- "'$option[" made.zsh || { echo "zsh: $command $option"; return 1; }
        done
    done
}
check "nothing is left out" whole
completes() { # EXPECTED WORDS...: the last word is the one under the cursor
    COMP_WORDS=("${@:2}") COMP_CWORD=$(($# - 2)) COMPREPLY=()
    . ./made.bash && _diffy
    echo "${COMPREPLY[*]}"
    [ "${COMPREPLY[*]}" = "$1" ]
}
check "bash completes commands" completes encode diffy enc
check "and those of splats" completes "decode" diffy splat de
check "and options" completes "--mode" diffy encode --mo
check "and what options take" completes "training upload" diffy encode --mode ""
check "and leaves files to the shell" completes "" diffy encode cli
if command -v groff >/dev/null; then
    check "groff reads the page without a warning" bash -c 'groff -man -Tutf8 -ww made.man 2>&1 >page.txt | grep . && exit 1; grep -q SYNOPSIS <(sed "s/.\x08//g; s/\x1b\[[0-9;]*m//g" page.txt)'
else
    skip "groff reads the page without a warning" "there is no groff"
fi
if command -v zsh >/dev/null; then
    check "zsh reads its completion" zsh -n made.zsh
else
    skip "zsh reads its completion" "there is no zsh"
fi
finish
