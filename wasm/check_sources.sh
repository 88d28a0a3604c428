#!/usr/bin/env bash
# check_sources.sh FOLDER: every fetched source archive there is one that wasm/sources.sha256 knows. (Debian's own changes beside
# them come with Debian's signature, which apt checks.) A new release upstream: look at it, then add its sum.
set -euo pipefail
sums=$(cd "$(dirname "$0")" && pwd)/sources.sha256
cd "$1"
for archive in *.orig.tar.?z *.orig.tar.bz2; do
    [ -e "$archive" ] || continue
    grep -q "  $(printf '%s' "$archive")\$" "$sums" || { echo "$archive is not in wasm/sources.sha256: look at it, then add its sum." >&2; exit 1; }
    grep -F "  $archive" "$sums" | sha256sum --status -c || { echo "$archive is not what wasm/sources.sha256 says." >&2; exit 1; }
done
