#!/usr/bin/env bash
# Builds zlib, libjpeg-turbo and cJSON as WebAssembly, from the sources of the Debian release this machine runs:
# the same versions that the native build links. The result is build/wasm/third/{include,lib}; a stamp that holds
# the checksum of this script keeps finished work from being done again. With --threads it builds a second set
# for the build with threads (its objects need atomics), in build/wasm/third-threads.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
set_name=third flags="-O3 -msimd128"
if [ "${1:-}" = --threads ]; then set_name=third-threads flags="$flags -pthread"; fi
prefix=$top/build/wasm/$set_name
sources=$top/build/wasm/sources
stamp=$prefix/stamp
version=$(sha256sum "$0" | cut -d' ' -f1)
[ "$(cat "$stamp" 2>/dev/null || true)" = "$version" ] && exit 0

export NODE_PATH=${NODE_PATH:-/usr/share/nodejs}
rm -rf "$prefix"
mkdir -p "$prefix/include" "$prefix/lib" "$sources"

# Debian's source packages, through a private list, so that the machine's own apt settings stay as they are. The
# mirror is the one that the machine's binary packages come from.
fetch_sources() {
    cd "$sources"
    . /etc/os-release
    local mirror
    mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT) $(LABEL)' 'Created-By: Packages' |
        awk -v codename="$VERSION_CODENAME" '$2 == codename && $3 == "main" && $4 == "Debian" { print $1; exit }')
    [ -n "$mirror" ] || { echo "no Debian mirror is configured for apt: add one to its sources"; return 1; }
    echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $VERSION_CODENAME main" >sources.list
    mkdir -p lists/partial cache/archives/partial
    local options=(-qq -o "Dir::Etc::SourceList=$sources/sources.list" -o Dir::Etc::SourceParts=/dev/null
        -o "Dir::State::Lists=$sources/lists" -o "Dir::Cache=$sources/cache" -o APT::Sandbox::User=root)
    apt-get "${options[@]}" update
    apt-get "${options[@]}" source zlib libjpeg-turbo cjson &&
        "$top/wasm/check_sources.sh" "$sources"
}
[ -f "$sources/complete" ] || { fetch_sources >"$sources/fetch.log" 2>&1 && touch "$sources/complete"; } || {
    tail -5 "$sources/fetch.log" >&2
    echo "wasm: the Debian sources of zlib, libjpeg-turbo and cjson could not be fetched; see $sources/fetch.log" >&2
    exit 1
}

# What these do is the left side of ||, where `set -e` stops nothing: each step is joined to the next.
log=$prefix/build.log
build_zlib() {
    cd "$sources"/zlib-*/ || return
    local objects=()
    for name in adler32 compress crc32 deflate infback inffast inflate inftrees trees uncompr zutil; do
        emcc $flags -DHAVE_UNISTD_H -c "$name.c" -o "$prefix/$name.o" || return
        objects+=("$prefix/$name.o")
    done
    emar rcs "$prefix/lib/libz.a" "${objects[@]}" &&
        rm "${objects[@]}" &&
        cp zlib.h zconf.h "$prefix/include/"
}
build_libjpeg() {
    mkdir -p "$prefix/jpeg" && cd "$prefix/jpeg" &&
        emcmake cmake "$(echo "$sources"/libjpeg-turbo-*/)" -DCMAKE_BUILD_TYPE=None -DWITH_SIMD=0 -DENABLE_SHARED=0 \
            -DWITH_TURBOJPEG=0 -DWITH_JPEG8=0 -DCMAKE_C_FLAGS="$flags -DSIZEOF_SIZE_T=4" -DSIZE_T=4 &&
        make -j"$(nproc)" jpeg-static &&
        cp libjpeg.a "$prefix/lib/" &&
        cp jconfig.h "$sources"/libjpeg-turbo-*/{jpeglib,jmorecfg,jerror}.h "$prefix/include/"
}
build_cjson() {
    cd "$sources"/cjson-*/ &&
        emcc $flags -c cJSON.c -o "$prefix/cJSON.o" &&
        emar rcs "$prefix/lib/libcjson.a" "$prefix/cJSON.o" &&
        rm "$prefix/cJSON.o" &&
        mkdir -p "$prefix/include/cjson" &&
        cp cJSON.h "$prefix/include/cjson/"
}
(build_zlib && build_libjpeg && build_cjson) >"$log" 2>&1 || {
    tail -20 "$log" >&2
    echo "wasm: building zlib, libjpeg-turbo or cJSON failed; see $log" >&2
    exit 1
}
echo "$version" >"$stamp"
