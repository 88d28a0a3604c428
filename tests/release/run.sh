#!/usr/bin/env bash
# What `make release` made, used as people use it. By hand: it installs nothing here, but wants a Debian mirror (mmdebstrap), npm's
# registry and some minutes. `tests/release/run.sh deb npm wheel site same` are the parts.
. "$(dirname "$0")/../cli/tap.bash"
release="${DIFFY_RELEASE:-$top/build/release}"
parts=${*:-sums deb npm wheel site same}
cat >ten.c <<'C'
#include <stdio.h>
#include "diffy/diffy.h"
int main(void) {
    DfyEncoderSettings settings;
    DfyDecoder *decoder = NULL;
    DfyInput input = {0};
    dfy_encoder_defaults(&settings);
    int status = dfy_decoder_open(&decoder, &input, NULL);
    printf("%s %d %s\n", dfy_version(), settings.quality, dfy_last_message(decoder));
    dfy_decoder_close(&decoder);
    return !status;
}
C
make -s -C "$top" scene || exit 1
sums() { (cd "$release" && sha256sum --quiet -c SHA256SUMS && [ "$(wc -l <SHA256SUMS)" -ge 7 ]); }

# ---- Debian: clean by lintian, installed in a system that has nothing
debs() { ls "$release"/*.deb | grep -v dbgsym; }
linted() {
    lintian --suppress-tags initial-upload-closes-no-bugs $(debs) >lintian.txt 2>/dev/null
    cat lintian.txt
    [ ! -s lintian.txt ]
}
in_chroot() {
    mkdir -p chroot-files && cp $(debs) ten.c chroot-files/ && "$scene" --size 64x48 --frames 20 chroot-files/clip.y4m || return 1
    cat >chroot-files/use.sh <<'SH'
set -e
cd /files
diffy encode clip.y4m clip.dfy && diffy verify clip.dfy && diffy decode clip.dfy back.y4m && [ -s back.y4m ]
cc ten.c $(pkg-config --cflags --libs diffy) -o ten && ./ten
cc ten.c -I/usr/include $(pkg-config --variable=libdir diffy)/libdiffy.a $(pkg-config --libs-only-l --static diffy | sed s/-ldiffy//) -o static && ./static
man -w diffy >/dev/null 2>&1 || [ -e /usr/share/man/man1/diffy.1.gz ] || [ -e /usr/share/doc/diffy ]
SH
    local mirror
    mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' | awk '$2 == "bookworm" && $3 == "main" { print $1; exit }')
    mmdebstrap --quiet --variant=apt --include=gcc,libc6-dev,pkg-config \
        --customize-hook="copy-in chroot-files /" --customize-hook='mv "$1/chroot-files" "$1/files"' \
        --customize-hook='chroot "$1" sh -c "apt-get install -y --no-install-recommends /files/*.deb >/files/apt.log 2>&1 && sh -e /files/use.sh"' \
        bookworm /dev/null "$mirror"
}
# ---- npm: from an empty project, by Node.js (the codec's kernels need no browser)
npm_package() {
    mkdir -p project && cd project && npm init -y >/dev/null && npm install --silent --no-audit --no-fund "$release"/diffy-*.tgz &&
        printf "import { DiffyEncoder, DiffyDecoder } from 'diffy';\nexport const e: typeof DiffyEncoder = DiffyEncoder, d: typeof DiffyDecoder = DiffyDecoder;\n" >use.ts &&
        "$top/node_modules/.bin/tsc" --noEmit --strict --module nodenext --moduleResolution nodenext --target es2022 --lib es2022,dom --skipLibCheck use.ts &&
        node --input-type=module -e "import('diffy').then(m => { if (typeof m.DiffyDecoder?.open !== 'function') process.exit(1); })" &&
        ls node_modules/diffy/build/npm/diffy.wasm node_modules/diffy/build/npm/player/player.js node_modules/diffy/NOTICE
}
# ---- Python
wheel() {
    /usr/bin/python3 -m pip install -q --no-deps --no-index --root-user-action=ignore --target site "$release"/*.whl &&
        "$scene" --size 64x48 --frames 12 clip.y4m && "$diffy" encode clip.y4m clip.dfy &&
        PYTHONPATH=site /usr/bin/python3 -c 'import diffy; frames = list(diffy.DiffyDecoder("clip.dfy").iter_frames()); assert len(frames) == 12, len(frames)'
}
# ---- the site: every file that its pages name is in the zip
site() {
    mkdir -p pages && unzip -q "$release"/diffy-site-*.zip -d pages && [ -e pages/index.html ] && [ -e pages/NOTICE.txt ] && ls pages/*/index.html || return 1
    local name missing=0 named=0
    for name in $(grep -hoE '(src|href)="\./[^"#?]+' pages/index.html | sed 's/.*"//'); do
        named=$((named + 1))
        [ -e "pages/$name" ] || { echo "missing $name"; missing=1; }
    done
    [ $named -gt 5 ] && [ $missing = 0 ]
}
# ---- reproducible: a clean copy builds the same WebAssembly and the same site
same() {
    git -C "$top" worktree add -q --detach "$work/again" HEAD && ln -s "$top/node_modules" again/node_modules && mkdir -p again/build/wasm &&
        ln -s "$top/build/wasm/sources" again/build/wasm/sources && DIFFY_SETUP=done make -s -C again site >again.log 2>&1
    local status=$?
    [ $status = 0 ] && diff -r "$top/dist" again/dist && (cd "$top/build/wasm" && sha256sum diffy.wasm threads/diffy.wasm player/diffy.wasm) >sums.txt && (cd again/build/wasm && sha256sum -c "$work/sums.txt")
    status=$?
    git -C "$top" worktree remove --force "$work/again"
    return $status
}
for part in $parts; do
    case $part in
        sums) check "SHA256SUMS are right" sums ;;
        deb)
            check "lintian has nothing to say" linted
            check "the Debian packages in a clean system: command line, shared and static library" in_chroot
            ;;
        npm) check "the npm package in an empty project, with its types" npm_package ;;
        wheel) check "the Python wheel" wheel ;;
        site) check "the site's zip is whole" site ;;
        same) check "a clean copy builds the same site" same ;;
    esac
done
finish
