#!/usr/bin/env bash
# Gets a Debian 12 machine ready: the packages of tools/packages.txt (with --bench or --release those of packages-bench.txt or packages-release.txt too)
# and the npm packages of package-lock.json. Debian 12's own Node.js is older than the site's tools ask for: where no
# newer one is found, one from npm is put into build/node, which the Makefile looks into first. Installs only what is missing, so a second run takes a moment.
# Without root and sudo, or on another system, it says what to install and stops.
set -euo pipefail
cd "$(dirname "$0")/.."

lists=(tools/packages.txt)
[ "${1:-}" = --bench ] && lists+=(tools/packages-bench.txt)
[ "${1:-}" = --release ] && lists+=(tools/packages-release.txt)

installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing=()
while read -r package command _; do
    case "$package" in '' | \#*) continue ;; esac
    if [ -n "$command" ] && command -v "$command" >/dev/null; then continue; fi
    if command -v dpkg-query >/dev/null && installed "$package"; then continue; fi
    missing+=("$package")
done < <(cat "${lists[@]}")

not_debian() {
    echo "Diffy needs these Debian 12 packages, or what your system calls them:" >&2
    echo "  ${missing[*]}" >&2
    echo "Only Debian's are installed by this script: install them yourself, then run it again with" >&2
    echo "  DIFFY_SETUP=done make ..." >&2
    exit 1
}

install_packages() {
    command -v apt-get >/dev/null || not_debian
    local as_root=()
    if [ "$(id -u)" != 0 ]; then
        if command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
            as_root=(sudo)
        else
            echo "These packages are missing, and installing them needs root:" >&2
            echo "  apt-get install --no-install-recommends ${missing[*]}" >&2
            echo "Run that as root, then try again." >&2
            exit 1
        fi
    fi
    echo "Installing ${#missing[@]} packages: ${missing[*]}"
    local log
    log=$(mktemp)
    if ! { "${as_root[@]}" apt-get -q update &&
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install "${missing[@]}"; } \
        >"$log" 2>&1 </dev/null; then
        tail -n 20 "$log" >&2
        echo "The packages could not be installed: see the lines above." >&2
        rm -f "$log"
        exit 1
    fi
    rm -f "$log"
}

node_version=22.23.3 npm_version=11.19.1 # the site's tools need Node.js 20.19, or 22.12 and later; npm 9 can't read overrides

node_is_new_enough() {
    node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 22 || (a === 22 && b >= 12) || (a === 20 && b >= 19) ? 0 : 1)' &&
        [ "$(npm --version | cut -d. -f1)" -ge 10 ]
}

install_node() {
    PATH="$PWD/build/node/node_modules/.bin:$PATH"
    node_is_new_enough && return 0
    local machine
    case "$(uname -m)" in
        x86_64) machine=x64 ;;
        aarch64) machine=arm64 ;;
        *)
            echo "Node.js $(node --version) and npm $(npm --version) are too old: install Node.js 22.12 or later." >&2
            exit 1
            ;;
    esac
    echo "Node.js $(node --version) or npm $(npm --version) is too old for the site's tools: installing newer ones into build/node"
    mkdir -p build/node
    npm install --prefix build/node --no-save --no-audit --no-fund --loglevel=error "node-linux-$machine@$node_version" \
        "npm@$npm_version" </dev/null
    hash -r
}

# A folder's packages. The sum of the lock file that node_modules was made from tells whether it is up to date.
install_npm() {
    local sum
    sum=$(sha256sum <"$1/package-lock.json")
    [ "$(cat "$1/node_modules/.diffy-lock" 2>/dev/null)" = "$sum" ] && return 0
    echo "Installing npm packages of $1"
    # A link leads to another tree's packages, which npm would empty.
    if [ -L "$1/node_modules" ]; then rm "$1/node_modules"; fi
    (cd "$1" && npm ci --no-audit --no-fund --loglevel=error </dev/null)
    echo "$sum" >"$1/node_modules/.diffy-lock"
}

# DIFFY_SETUP=done: somebody else saw to the packages.
if [ ${#missing[@]} -gt 0 ] && [ "${DIFFY_SETUP:-}" != done ]; then install_packages; fi
if [ -f package-lock.json ]; then
    install_node
    install_npm .
    # Only the test in Firefox needs it, and is skipped where there is none.
    if command -v firefox-esr >/dev/null; then install_npm tests/browser/firefox; fi
fi
