"""The simulator's throughput: which trace, and the page about it."""

import os
import statistics

# The share of the yardstick's throughput that each strategy is to reach.
QUICKEST = ("fifo", "lru", "clock", "sieve")
QUICK = ("arc", "slru", "2q", "s3fifo")
TRACE = "arc_p6.csv.zst"


def wanted_share(name):
    return 0.25 if name in QUICKEST else 0.2 if name in QUICK else 0.12


def trace_for(root, quick):
    """The trace of the figure, if the public traces are at hand; else, or if it must be quick, the
    shipped one."""
    folder = os.environ.get("TARMAC_TRACES") or root.parent / "shared" / "traces"
    public = os.path.join(folder, TRACE)
    return public if os.path.exists(public) and not quick else root / "demo" / "traces" / "build_files.csv.zst"


def median(strategy, metric):
    return statistics.median(one[metric] for one in strategy["rounds"])


def row_of(strategy):
    share, wanted = median(strategy, "share"), wanted_share(strategy["name"])
    verdict = "reached" if share >= wanted else "**not reached**"
    return (f"| `{strategy['name']}` | {strategy['tracking']} | {median(strategy, 'ns'):.1f} "
            f"| {1e3 / median(strategy, 'ns'):.1f} | {100 * share:.0f} % | {100 * wanted:.0f} % "
            f"| {verdict} | {median(strategy, 'bytes_per_object'):.0f} "
            f"| {100 * median(strategy, 'miss_ratio'):.2f} % |")


def page(measured, about):
    """The page, or what `./run bench` prints of it. `about` says where and when."""
    is_figure = measured["trace"] == TRACE
    lines = ["# Benchmarks: the simulator", "",
             "Written by `bench/report.py`: do not edit.", "",
             f"One thread, the keys of `{measured['trace']}` in memory ({measured['requests']:,} requests for "
             f"{measured['objects']:,} objects), a cache of {measured['capacity']:,} objects. The yardstick is "
             "the same keys through `boost::unordered_flat_map::try_emplace`, with no eviction; it "
             "runs before each strategy, and the shares are medians of "
             f"{len(measured['strategies'][0]['rounds'])} rounds. {about}", ""]
    if not is_figure:
        lines += [f"The figures are meant for `{TRACE}`, which is not at hand: no verdict counts.", ""]
    lines += ["| strategy | tracking | ns for each request | million requests a second "
              "| share of the yardstick | to reach | | bytes for each object | misses |",
              "|---|---|---:|---:|---:|---:|---|---:|---:|"]
    lines += [row_of(strategy) for strategy in measured["strategies"]]
    yardstick = statistics.median(median(strategy, "yardstick_ns") for strategy in measured["strategies"])
    return "\n".join(lines + ["", f"The yardstick takes {yardstick:.1f} ns. Bytes are those of the object (64), its "
                              "place in the table (16 to 32) and what the strategy has allocated, ghosts "
                              "included.", ""])
