#!/bin/sh
# Runs one fuzzer for a time; what it finds is kept for the next one.
#
# Usage: fuzz_round.sh PROGRAM FOLDER_OF_FINDS SEED_FOLDER…|-seed_inputs=FILE…
# Environment: TARMAC_FUZZ_SECONDS  how long (60)
#              TARMAC_FUZZ_SEED     of its choices (a random one)
set -eu

program="$1"
found="$2"
shift 2
mkdir -p "${found}/corpus"
# An input that is wrong is written beside the corpus, as crash-… or timeout-…: run the program with
# that file to see it again, and add the file to tests/fuzz/corpus when it is mended.
exec "${program}" -max_total_time="${TARMAC_FUZZ_SECONDS:-60}" -seed="${TARMAC_FUZZ_SEED:-0}" \
  -timeout=20 -rss_limit_mb=2048 -max_len=16384 -verbosity=0 -print_final_stats=1 \
  -artifact_prefix="${found}/" "${found}/corpus" "$@"
