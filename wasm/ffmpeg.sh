#!/usr/bin/env bash
# Builds what the site needs of FFmpeg as WebAssembly, for videos that a browser can't read by itself: demuxers, decoders,
# parsers and libswscale, under the LGPL (nothing that is GPL or non-free is enabled). The sources are those of the Debian
# release this machine runs, the same that the native build's libraries come from. The result is
# build/wasm/ffmpeg/{include,lib}; a stamp with this script's checksum keeps finished work from being done again.
# Nothing but `make media` needs it.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
prefix=$top/build/wasm/ffmpeg
sources=$top/build/wasm/sources
third=$top/build/wasm/third
version=$(sha256sum "$0" | cut -d' ' -f1)
[ "$(cat "$prefix/stamp" 2>/dev/null || true)" = "$version" ] && exit 0

export NODE_PATH=${NODE_PATH:-/usr/share/nodejs}
rm -rf "$prefix"
mkdir -p "$prefix/build"

fetch() { # third_party.sh has made the private list of sources
    cd "$sources" || return
    local options=(-qq -o "Dir::Etc::SourceList=$sources/sources.list" -o Dir::Etc::SourceParts=/dev/null
        -o "Dir::State::Lists=$sources/lists" -o "Dir::Cache=$sources/cache" -o APT::Sandbox::User=root)
    apt-get "${options[@]}" update && apt-get "${options[@]}" source ffmpeg &&
        "$top/wasm/check_sources.sh" "$sources"
}
ls -d "$sources"/ffmpeg-*/ >/dev/null 2>&1 || fetch >"$sources/fetch-ffmpeg.log" 2>&1 || {
    tail -5 "$sources/fetch-ffmpeg.log" >&2
    echo "wasm: Debian's sources of ffmpeg could not be fetched; see $sources/fetch-ffmpeg.log" >&2
    exit 1
}

demuxers=avi,mov,matroska,mpegts,mpegps,mpegvideo,m4v,h264,hevc,h263,flv,asf,ogg,gif,apng,mjpeg,mxf,dv,yuv4mpegpipe,ivf,nut,mp3,wav,flac
decoders=h264,hevc,mpeg1video,mpeg2video,mpeg4,msmpeg4v1,msmpeg4v2,msmpeg4v3,wmv1,wmv2,wmv3,vc1,h261,h263,h263p,flv,mjpeg,mjpegb
decoders+=,ffv1,huffyuv,ffvhuff,utvideo,rawvideo,prores,dnxhd,dvvideo,vp8,vp9,theora,vp6,vp6f,gif,png,apng,tiff,bmp,cinepak,qtrle
decoders+=,svq1,svq3,rpza,cfhd,magicyuv,lagarith,v210,zmbv,flashsv
parsers=h264,hevc,mpegvideo,mpeg4video,mjpeg,vp8,vp9,vc1,h261,h263,png,gif,dvd_nav,aac,aac_latm,ac3,mpegaudio,opus,flac,vorbis
log=$prefix/build.log
build() {
    cd "$prefix/build" || return
    "$(echo "$sources"/ffmpeg-*/)configure" --prefix="$prefix" --enable-cross-compile --target-os=none --arch=x86_32 \
        --cc=emcc --cxx=em++ --ar=emar --ranlib=emranlib --nm=llvm-nm --disable-stripping \
        --disable-asm --disable-x86asm --disable-inline-asm --disable-pthreads --disable-autodetect --disable-runtime-cpudetect \
        --disable-everything --disable-programs --disable-doc --disable-network --disable-debug --disable-avdevice \
        --disable-avfilter --disable-postproc --disable-swresample --enable-swscale --enable-zlib \
        --enable-demuxer=$demuxers --enable-decoder=$decoders --enable-parser=$parsers \
        --enable-bsf=vp9_superframe_split,extract_extradata \
        --extra-cflags="-O3 -msimd128 -I$third/include" --extra-ldflags="-L$third/lib" &&
        make -j"$(nproc)" && make install
}
build >"$log" 2>&1 || {
    tail -20 "$log" >&2
    echo "wasm: building FFmpeg failed; see $log" >&2
    exit 1
}
echo "$version" >"$prefix/stamp"
