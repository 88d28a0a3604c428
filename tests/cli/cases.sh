#!/usr/bin/env bash
# Inputs of many kinds, by the table that the site is held against as well; and what outputs carry of them.
. "$(dirname "$0")/tap.bash"
[ -x "$top/build/cases_api" ] && export CASES_API="$top/build/cases_api"
DIFFY="$diffy" node "$top/tests/cases/cli.js" "$work/cases" >table.txt 2>&1
while IFS=$'\t' read -r result name details; do
    check "$name" bash -c '[ "$1" = good ] || { printf "%b\n" "$2"; exit 1; }' - "$result" "$details"
done < <(grep -aE $'^(good|bad)\t' table.txt)
if [ -z "${CASES_API-}" ]; then skip "the table through the C API" "build/cases_api is not built"; fi
check "the whole table was gone through" bash -c 'tail -n 3 table.txt; grep -qx finished table.txt'
finish
