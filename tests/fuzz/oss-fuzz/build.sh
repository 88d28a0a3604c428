#!/bin/bash -eu
# Every target of tests/fuzz with its seeds; targets take the libraries that they need along.
make -s -j"$(nproc)" DIFFY_SETUP=done B=build/fuzz CC="$CC" OPT="$CFLAGS" LIB_FUZZING_ENGINE="$LIB_FUZZING_ENGINE" WERROR= fuzzers
tests/fuzz/seeds.sh "$WORK/seeds"
mkdir -p "$OUT/lib"
for target in build/fuzz/fuzz_*; do
    [[ -x $target && ! -d $target ]] || continue
    name=$(basename "$target")
    cp "$target" "$OUT/"
    ldd "$target" | awk '$3 ~ /^\/(usr\/)?lib/ && $1 !~ /libc\.|libm\.|libpthread|libdl|ld-linux/ { print $3 }' | xargs -r -I{} cp -n {} "$OUT/lib/"
    patchelf --set-rpath '$ORIGIN/lib' "$OUT/$name" 2>/dev/null || true
    [ -d "tests/fuzz/corpus/$name" ] && cp -n "tests/fuzz/corpus/$name"/* "$WORK/seeds/$name/" 2>/dev/null || true
    [ -d "$WORK/seeds/$name" ] && (cd "$WORK/seeds/$name" && zip -q -r "$OUT/${name}_seed_corpus.zip" .)
done
