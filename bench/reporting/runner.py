"""Runs the programs, round by round, and collects what they report."""

import json
import pathlib
import statistics
import subprocess
import sys
import time

from . import durability
from .samples import add_round

# A subject that takes this many times as long as is usual takes part in two rounds only: it is so
# far behind that more would not say more.
FAR_BEHIND = 2.5
# What a feature adds is measured many times in turn within each round.
FEATURE_ROUNDS = 3
SIMULATOR_ROUNDS = 3


class Runner:
    """`settings` has rounds, filter, sizes (options of the programs) and peers."""

    def __init__(self, programs, settings, say=print):
        self.programs = pathlib.Path(programs)
        self.settings = settings
        self.say = say
        self.data = {"rounds": settings["rounds"], "subjects": {}, "cells": {}}

    def run(self):
        settings, took = self.settings, {}
        subjects = self.subjects()
        for number in range(settings["rounds"]):
            # Every other round goes the other way, so that no subject is always the one that comes
            # after the same other.
            for subject in subjects if number % 2 == 0 else subjects[::-1]:
                if self.sits_out(subject, number, took):
                    continue
                took[subject] = self.measure(number, "cache_bench", subject,
                                             [f"--subject={subject}"])
            if self.has_features() and number < FEATURE_ROUNDS:
                self.measure(number, "feature_bench", "features", [])
        for subject in subjects:  # Once: the allocator hands out the same each time.
            self.measure(0, "cache_bench", f"memory of {subject}",
                         [f"--subject={subject}", "--memory"])
        self.measure_simulator()
        self.measure_durability()
        return self.data

    def measure_durability(self):
        sizes = self.settings.get("durability")
        if sizes is None or not (self.programs / durability.PROGRAM).exists():
            return
        measuring = durability.Measuring(self.programs, self.call, sizes, self.say)
        self.data["durability"] = measuring.run(min(self.settings["rounds"], durability.ROUNDS))

    def measure_simulator(self):
        trace = self.settings.get("simulator_trace")
        if trace is None or not (self.programs / "simulator_bench").exists():
            return
        rounds = min(self.settings["rounds"], SIMULATOR_ROUNDS)
        self.data["simulator"] = json.loads(
            self.call("simulator_bench", [str(trace), str(rounds)]))
        self.say(f"the simulator, {rounds} rounds")

    def has_features(self):
        return (self.programs / "feature_bench").exists() and not self.settings["subjects"]

    def sits_out(self, subject, number, took):
        if number in (0, self.settings["rounds"] // 2):
            return False
        return took[subject] > FAR_BEHIND * statistics.median(took.values())

    def subjects(self):
        listed = self.call("cache_bench", ["--list"]).split()
        wanted = self.settings["subjects"]
        unknown = set(wanted or []) - set(listed)
        if unknown:
            raise ValueError(f"there is no subject {', '.join(sorted(unknown))}; "
                             f"there are {', '.join(listed)}")
        return wanted or listed

    def measure(self, number, program, what, options):
        start = time.monotonic()
        options = [*options, *self.settings["sizes"], "--benchmark_format=json"]
        if self.settings["filter"]:
            options.append(f"--benchmark_filter={self.settings['filter']}")
        output = self.call(program, options)
        if output.strip():  # Nothing, if the filter leaves nothing.
            add_round(self.data, number, json.loads(output))
        took = time.monotonic() - start
        self.say(f"round {number + 1} of {self.settings['rounds']}: {what} ({took:.1f} s)")
        return took

    def call(self, program, options):
        result = subprocess.run([self.programs / program, *options], capture_output=True, text=True,
                                check=False)
        if result.returncode != 0:
            sys.stderr.write(result.stderr)
            raise RuntimeError(f"{program} {' '.join(options)} ended with {result.returncode}")
        return result.stdout
