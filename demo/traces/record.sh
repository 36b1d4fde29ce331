#!/bin/sh
# Records a trace like build_files.csv.zst again: the files that a build of this project opens to
# read, in the order in which they are opened.
#
#   demo/traces/record.sh OUTPUT.csv.zst [TARGET...]
#
# Needs strace, zstd and python3 beside what the build needs. Builds from nothing, in a folder of its
# own which it removes, without a compiler cache (it would leave out the very accesses wanted here).
# TARGETs are those to build; without any, all of the library, the demo and the tests.
set -eu

if [ $# -lt 1 ]; then
  sed -n '2,9p' "$0" >&2
  exit 2
fi
output=$1
shift

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH='' cd -- "$here/../.." && pwd)
for program in strace zstd python3 cmake ninja g++; do
  command -v "$program" >/dev/null || { echo "record.sh: $program is not installed" >&2; exit 1; }
done

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM

# -y prints the real path behind each file descriptor, so no relative path is to be resolved;
# newfstatat tells the size of files that are gone when the build is over.
CCACHE_DISABLE=1 strace --follow-forks --seccomp-bpf --decode-fds=path --absolute-timestamps=unix,us \
  --trace=openat,newfstatat --string-limit=4096 --output="$folder/strace.txt" \
  sh -eu -c '
    root=$1 build=$2
    shift 2
    cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_COMPILER=g++ \
      -DTARMAC_WARNINGS_AS_ERRORS=OFF \
      -DCMAKE_CXX_COMPILER_LAUNCHER=
    cmake --build "$build" --parallel 2 ${1:+--target "$@"}
  ' record "$root" "$folder/build" "$@" >&2

python3 "$here/strace_to_trace.py" <"$folder/strace.txt" >"$folder/trace.csv"
zstd -19 --force --quiet "$folder/trace.csv" -o "$output"
ls -l "$output" >&2
