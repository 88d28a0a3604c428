#!/usr/bin/env bash
# `make release`: everything that people install, in build/release, with its checksums: the source, the Debian packages, the npm
# package, the Python wheel and the site. What it packs must be built (the Makefile does that before), and committed.
set -euo pipefail
cd "$(dirname "$0")/.."
version=$(sed -n 's/^#define DFY_VERSION "\(.*\)"/\1/p' include/diffy/version.h)
out=$PWD/build/release
[ -z "$(git status --porcelain)" ] || { echo "There are changes that are not committed: a release is of a commit." >&2; exit 1; }
# Asked before anything is built, which takes minutes.
[ "${1:-}" != --check ] || exit 0
rm -rf "$out" && mkdir -p "$out/work"

git archive --prefix="diffy-$version/" HEAD | gzip -n9 >"$out/diffy-$version.tar.gz"

tar xzf "$out/diffy-$version.tar.gz" -C "$out/work"
# The page that plays itself is built by Node.js, which building a package does without: it goes in as it is.
mkdir -p "$out/work/diffy-$version/build/player" && cp build/player/page.html "$out/work/diffy-$version/build/player/"
(cd "$out/work/diffy-$version" && dpkg-buildpackage -us -uc -b -tc >"$out/work/debian.log" 2>&1) || { tail -n 20 "$out/work/debian.log" >&2; exit 1; }
mv "$out"/work/*.deb "$out/"

npm pack --silent --ignore-scripts --pack-destination "$out" >/dev/null
cp build/python/dist/*.whl "$out/"

# The same zip whenever it is made: names in order, times those of the commit.
rm -rf "$out/work/site" && cp -r dist "$out/work/site"
find "$out/work/site" -exec touch -h -d "@$(git log -1 --format=%ct)" {} +
(cd "$out/work/site" && find . -type f | LC_ALL=C sort | TZ=UTC zip -q -X -@ "$out/diffy-site-$version.zip")

rm -rf "$out/work"
(cd "$out" && sha256sum -- * >SHA256SUMS && cat SHA256SUMS)
