"""Runs the benchmarks, and turns what they say into tables, a plot and verdicts."""
