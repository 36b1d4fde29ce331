#!/usr/bin/env python3
"""Runs a test program in rounds until the time is up, each round longer than every day and with
other random choices; stops at the first that fails, and says how to repeat it.

Usage: stress_rounds.py PROGRAM [ARGUMENT …]
Environment: TARMAC_STRESS_SECONDS  how long (300)
             TARMAC_STRESS_SEED     of the first round, the next ones count on (a random one)
             TARMAC_STRESS_FACTOR   how much longer than every day a round is (10)
"""

import os
import secrets
import subprocess
import sys
import time

# A round that takes longer hangs: it is a matter of seconds, of minutes under a sanitizer.
ROUND_SECONDS_MAX = 1800


def number(name, fallback):
    text = os.environ.get(name, "")
    return int(text) if text else fallback


def run_round(command, seed, factor):
    """None if the round passed, else what is wrong."""
    chances = {"TARMAC_STRESS_SEED": str(seed), "TARMAC_STRESS_FACTOR": str(factor)}
    words = [*command, "--gtest_shuffle", f"--gtest_random_seed={1 + seed % 99999}",
             "--gtest_brief=1"]
    repeat = " ".join([f"{name}={value}" for name, value in chances.items()] + words)
    try:
        done = subprocess.run(words, env={**os.environ, **chances}, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=ROUND_SECONDS_MAX, check=False)
    except subprocess.TimeoutExpired as hung:
        output = (hung.stdout or b"").decode(errors="replace")
        return f"{output}\nstill running after {ROUND_SECONDS_MAX} s; once more: {repeat}"
    if done.returncode != 0:
        output = done.stdout.decode(errors="replace")
        return f"{output}\nended with {done.returncode}; once more: {repeat}"
    return None


def main():
    command = sys.argv[1:]
    if not command:
        print(__doc__)
        return 2
    seconds = number("TARMAC_STRESS_SECONDS", 300)
    seed = number("TARMAC_STRESS_SEED", secrets.randbelow(2**32))
    factor = number("TARMAC_STRESS_FACTOR", 10)
    began = time.monotonic()
    rounds = 0
    while rounds == 0 or time.monotonic() - began < seconds:
        round_began = time.monotonic()
        wrong = run_round(command, seed, factor)
        print(f"round {rounds + 1}: seed {seed}, {time.monotonic() - round_began:.1f} s"
              f"{'' if wrong is None else ', FAILED'}", flush=True)
        if wrong is not None:
            print(wrong)
            return 1
        seed += 1
        rounds += 1
    print(f"{rounds} rounds in {time.monotonic() - began:.0f} s, all of them passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
