#!/bin/sh
# embed.sh NAME [FILE]: C source on stdout that holds a file's bytes, as `NAME` and `NAME_bytes`; no FILE: none.
set -eu
printf '#include <stddef.h>\nextern const unsigned char %s[];\nextern const size_t %s_bytes;\nconst unsigned char %s[] = {' "$1" "$1" "$1"
if [ $# -gt 1 ]; then od -An -v -tu1 "$2" | sed 's/ *\([0-9][0-9]*\)/\1,/g'; fi
printf '0};\nconst size_t %s_bytes = sizeof %s - 1;\n' "$1" "$1"
