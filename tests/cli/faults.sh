#!/usr/bin/env bash
# Files that are damaged or lie, which once crashed, made gigabytes or were called whole.
. "$(dirname "$0")/tap.bash"
cases="$top/tests/cases/faults"
litter() { ls -A | grep -F .part; }
damaged_first() { # as many frames as the file states, grey where they are lost
    ! "$diffy" decode "$cases/v1_first_picture_damaged.dfy" out.y4m 2>err.txt || return 1
    cat err.txt
    grep -q "is damaged" err.txt && [ -s out.y4m ] && ! litter &&
        [ "$(y4m_facts out.y4m | cut -d ' ' -f 4)" = "$(frames_of "$cases/v1_first_picture_damaged.dfy")" ]
}
check "a version 1 file whose first picture is damaged" damaged_first
gunzip -c "$cases/v1_bomb_05_blank_message.dfy.gz" >bomb.dfy
sentence() { # COMMAND...: fails, with a whole sentence
    fails_with 1 "$@" && cat stderr.txt && grep -qE '^diffy: [^:]+: [A-Z].{20,}\.$' stderr.txt
}
for command in info verify "decode bomb.dfy" ; do
    check "a file that would unpack to gigabytes: ${command%% *} tells why" sentence "$diffy" ${command%% *} bomb.dfy $([ "${command%% *}" = decode ] && echo out2.y4m)
done
check "115 bytes make no video of a year" fails_with 1 "$diffy" decode "$cases/v2_gap2e31_160.dfy" year.y4m
check "and leave nothing behind" bash -c '! ls -A | grep year'
check "nor are they called whole" fails_with 1 "$diffy" verify "$cases/v2_gap2e31_160.dfy"
check "an index that says other frames than its segments" fails_with 1 "$diffy" verify "$cases/v2_indexframes.dfy"
# The same two lies in today's format; tests/vectors/hostile.py makes them.
vectors="$top/tests/vectors"
short_gap() { # plays what is true and no more
    "$diffy" decode --progress never "$vectors/v2_gap.dfy" gap.y4m && [ "$(y4m_facts gap.y4m | cut -d ' ' -f 4)" = 24 ]
}
if ! "$vectors/current.sh"; then
    skip "vectors that lie" "they are of another draft: make vectors"
    finish
fi
check "a segment that claims to begin years later is not waited for" short_gap
check "and such a file is not whole" fails_with 1 "$diffy" verify "$vectors/v2_gap.dfy"
check "nor is one whose index says more frames than are there" fails_with 1 "$diffy" verify "$vectors/v2_index.dfy"
check "features that nobody knows are refused where they are required" sentence "$diffy" verify "$vectors/v2_feature.dfy"
check "and passed over where they are optional" "$diffy" verify "$vectors/v2_optional.dfy"
check "a damaged sequence of splats is found" bash -c 'cp "$2" s.dfy; printf x | dd of=s.dfy bs=1 seek=1500 conv=notrunc status=none; ! "$1" verify s.dfy' - "$diffy" "$vectors/splat_tree.dfy"
finish
