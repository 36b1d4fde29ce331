#!/usr/bin/env bash
# The launcher's promises that need no build: its help, its refusals, and what it asks for when
# packages are missing.
set -euo pipefail

root="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)"
work="$(mktemp -d)"
trap 'rm -rf -- "${work}"' EXIT

# expect STATUS TEXT COMMAND…: the command ends with the status, and its output contains the text.
expect() {
  local status="$1" text="$2" got=0
  shift 2
  "$@" >"${work}/output" 2>&1 </dev/null || got=$?
  if [[ "${got}" != "${status}" ]] || ! grep -qF -- "${text}" "${work}/output"; then
    printf 'wanted status %s and "%s" of: %s\ngot status %s and:\n' "${status}" "${text}" "$*" "${got}"
    cat -- "${work}/output"
    exit 1
  fi
}

expect 0 'Usage: ./run' "${root}/run" --help
for command in setup test stress fuzz clean; do
  expect 0 'Usage: ./run' "${root}/run" "${command}" --help
done
expect 0 'Usage: ./run' "${root}/run"
expect 2 'there is no command "fly"' "${root}/run" fly
expect 2 'Usage: ./run' "${root}/run" fly
expect 2 '--preset needs a name' "${root}/run" test --preset

for word in setup demo interview serve test bench stress fuzz clean; do
  expect 0 "${word}" "${root}/run" --help
done

# A copy of the launcher beside a list with a package that nobody has.
mkdir -p "${work}/tree/tests" "${work}/bin"
cp -- "${root}/run" "${work}/tree/run"
printf '#@ build\n# Why.\ntarmac-no-such-package\n' >"${work}/tree/packages.txt"
expect 2 "there is no test with the label 'stress'" "${work}/tree/run" stress
expect 2 'there is no fuzzer yet' "${work}/tree/run" fuzz
expect 2 '--seconds needs a whole number, not "soon"' "${work}/tree/run" fuzz --seconds soon
expect 2 '--seed needs a value' "${work}/tree/run" stress --seed
expect 2 'there is no benchmark yet' "${work}/tree/run" bench

if command -v dpkg-query >/dev/null; then
  # Without root and without sudo it says what to type; with a sudo that wants a password, too.
  for tool in awk bash cat comm dirname dpkg-query env grep nproc sort tail mkdir; do
    ln -s "$(command -v "${tool}")" "${work}/bin/${tool}"
  done
  as_nobody=(env -i "PATH=${work}/bin")
  if ((EUID == 0)); then
    chmod -R a+rX "${work}"
    as_nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups "${as_nobody[@]}")
  fi
  expect 1 'apt-get install --no-install-recommends tarmac-no-such-package' \
    "${as_nobody[@]}" bash "${work}/tree/run" setup
  printf '#!/bin/sh\nexit 1\n' >"${work}/bin/sudo"
  chmod 755 "${work}/bin/sudo"
  expect 1 'sudo apt-get update && sudo apt-get install' \
    "${as_nobody[@]}" bash "${work}/tree/run" setup

  # Nothing missing: nothing to do, and quickly enough to do each time.
  printf '#@ build\nbash\n' >"${work}/tree/packages.txt"
  expect 0 'Everything in packages.txt is installed' "${as_nobody[@]}" bash "${work}/tree/run" setup
fi

# The list is plain enough for others to read: one name a line, every name known to have a shape.
if grep -vE '^(#.*|[a-z0-9][a-z0-9.+-]+|)$' "${root}/packages.txt"; then
  echo 'packages.txt: a line that is neither a comment nor a package'
  exit 1
fi
echo 'the launcher keeps its promises'
