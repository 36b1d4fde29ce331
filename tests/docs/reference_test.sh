#!/usr/bin/env bash
# The reference of the public headers is written without a warning; and a comment that is wrong is
# found: the proof that this test can fail.
# Usage: reference_test.sh ROOT FOLDER      FOLDER gets the pages
set -euo pipefail

root="$1" folder="$2"
rm -rf -- "${folder}"
mkdir -p -- "${folder}/wrong"
cd -- "${root}"

# The settings of the project, with those of the arguments instead.
with() { cat docs/Doxyfile && printf '%s\n' "$@"; }

with "OUTPUT_DIRECTORY=${folder}" | doxygen -
for page in classtarmac_1_1CacheManager.html structtarmac_1_1CacheOptions.html; do
  [[ -s "${folder}/html/${page}" ]] || { echo "no page ${page} was written"; exit 1; }
done

printf '#pragma once\n/// Goes there.\n/// @param where to\nvoid go(int there);\n' \
  >"${folder}/wrong/wrong.h"
if with "OUTPUT_DIRECTORY=${folder}/wrong" "INPUT=${folder}/wrong" "EXCLUDE_PATTERNS=" | doxygen - \
  >"${folder}/wrong/log" 2>&1; then
  echo 'a comment on a parameter that does not exist was not found'
  exit 1
fi
grep -q 'where' "${folder}/wrong/log"
