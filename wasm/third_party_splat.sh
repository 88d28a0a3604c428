#!/usr/bin/env bash
# Builds what model files of splats need beside the libraries of third_party.sh as WebAssembly: zstd (.spz of version 4) and
# WebP (.sog), from the sources of the Debian release this machine runs. The result is
# build/wasm/third-splat/{include,lib}; a stamp with the checksum of this script keeps finished work.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
prefix=$top/build/wasm/third-splat
sources=$top/build/wasm/sources
stamp=$prefix/stamp
version=$(sha256sum "$0" | cut -d' ' -f1)
[ "$(cat "$stamp" 2>/dev/null || true)" = "$version" ] && exit 0

export NODE_PATH=${NODE_PATH:-/usr/share/nodejs}
rm -rf "$prefix"
mkdir -p "$prefix/include/webp" "$prefix/lib"

# third_party.sh has made the private list of source packages.
fetch_sources() {
    cd "$sources"
    local options=(-qq -o "Dir::Etc::SourceList=$sources/sources.list" -o Dir::Etc::SourceParts=/dev/null
        -o "Dir::State::Lists=$sources/lists" -o "Dir::Cache=$sources/cache" -o APT::Sandbox::User=root)
    apt-get "${options[@]}" source libzstd libwebp &&
        "$top/wasm/check_sources.sh" "$sources"
}
[ -f "$sources/complete-splat" ] || { fetch_sources >"$sources/fetch-splat.log" 2>&1 && touch "$sources/complete-splat"; } || {
    tail -5 "$sources/fetch-splat.log" >&2
    echo "wasm: the Debian sources of libzstd and libwebp could not be fetched; see $sources/fetch-splat.log" >&2
    exit 1
}

log=$prefix/build.log
# compile LIBRARY FLAGS FILES...: objects into lib/LIBRARY
compile() {
    local library=$1 flags=$2 objects=() object
    shift 2
    for file in "$@"; do
        object=$prefix/$(basename "${file%.c}").o
        emcc -O3 $flags -c "$file" -o "$object" || return
        objects+=("$object")
    done
    emar rcs "$prefix/lib/$library" "${objects[@]}" && rm "${objects[@]}"
}
build_zstd() {
    cd "$sources"/libzstd-*/lib &&
        compile libzstd.a "-Os -DZSTD_DISABLE_ASM -DZSTD_LEGACY_SUPPORT=0 -DDEBUGLEVEL=0 -DZSTD_STRIP_ERROR_STRINGS -I." \
            common/{debug,entropy_common,error_private,fse_decompress,xxhash,zstd_common}.c \
            decompress/{huf_decompress,zstd_ddict,zstd_decompress,zstd_decompress_block}.c \
            compress/{fse_compress,hist,huf_compress,zstd_compress,zstd_compress_literals,zstd_compress_sequences}.c \
            compress/{zstd_compress_superblock,zstd_double_fast,zstd_fast,zstd_lazy,zstd_ldm,zstd_opt}.c &&
        # The decoder alone, half as large: for the players' build.
        compile libzstd-small.a "-Os -DZSTD_DISABLE_ASM -DZSTD_LEGACY_SUPPORT=0 -DDEBUGLEVEL=0 -DZSTD_STRIP_ERROR_STRINGS -DZSTD_NO_INLINE \
            -DHUF_FORCE_DECOMPRESS_X1 -DZSTD_FORCE_DECOMPRESS_SEQUENCES_SHORT -I." \
            common/{debug,entropy_common,error_private,fse_decompress,xxhash,zstd_common}.c \
            decompress/{huf_decompress,zstd_ddict,zstd_decompress,zstd_decompress_block}.c &&
        cp zstd.h zstd_errors.h "$prefix/include/"
}
build_webp() {
    cd "$sources"/libwebp-*/ &&
        compile libwebp.a "-Os -DWEBP_REDUCE_SIZE -DWEBP_DISABLE_STATS -I." src/dec/*.c src/enc/*.c \
            src/dsp/{alpha_processing,cost,cpu,dec,dec_clip_tables,enc,filters,lossless,lossless_enc,rescaler,ssim,upsampling,yuv}.c \
            src/utils/*.c sharpyuv/*.c &&
        cp src/webp/{decode,encode,types}.h "$prefix/include/webp/"
}
(build_zstd && build_webp) >"$log" 2>&1 || {
    tail -20 "$log" >&2
    echo "wasm: building zstd or libwebp failed; see $log" >&2
    exit 1
}
echo "$version" >"$stamp"
