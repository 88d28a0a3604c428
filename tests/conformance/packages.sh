#!/usr/bin/env bash
# Whoever builds from a list of packages has the headers that the sources ask for: the lists of set-up, Debian's package and OSS-Fuzz.
. "$(dirname "$0")/../cli/tap.bash"
command -v dpkg-query >/dev/null || { echo "1..0 # SKIP packages are Debian's"; exit 0; }

# The development packages that the headers included by the library and the command line come from.
needed() {
    cat "$top"/src/*/*.[ch] "$top"/src/*/*/*.[ch] "$top"/src/*/*/*/*.[ch] "$top"/tools/diffy/*.[ch] | grep -ohE '^ *# *include <[^>]+>' | sort -u |
        while read -r line; do
            # The first file behind the empty one is the header itself; what other machines have is not here.
            echo "$line" | gcc -E -x c - 2>/dev/null | sed -n 's/^# 1 "\(\/[^"]*\)".*/\1/p' | grep -v stdc-predef | head -n 1
        done | sort -u | xargs -r dpkg-query -S 2>/dev/null | sed 's/:.*//' | sort -u | grep -vE '^(libc6-dev|libgcc|linux-libc-dev|gcc)'
}
needed >needed.txt
check "headers of libraries are found" grep -q '^libpng-dev$' needed.txt

# names_all LIST: libjpeg-dev, which brings in Debian's own, stands for it.
names_all() {
    local package missing=0
    while read -r package; do
        [ "$package" != libjpeg62-turbo-dev ] || package='libjpeg(62-turbo)?-dev'
        grep -qE "(^|[ ,])$package([ ,]|\$)" "$1" || { echo "$1 lacks $package"; missing=1; }
    done <needed.txt
    return $missing
}
check "set-up installs them" names_all "$top/tools/packages.txt"
check "Debian's package is built with them" names_all "$top/debian/control"
check "OSS-Fuzz has them" names_all "$top/tests/fuzz/oss-fuzz/Dockerfile"
finish
