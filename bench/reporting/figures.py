"""The figures that Tarmac set out to reach, each held against what was measured."""

from .samples import PEERS, TARMAC

REACHED, MISSED, OPEN = "reached", "not reached", "open"

LRU = TARMAC + "lru"


class Row:
    """One figure for one strategy: what was wanted, what was measured, and the verdict."""

    def __init__(self, figure, strategy, wanted, measured, verdict, note=""):
        self.figure, self.strategy, self.wanted = figure, strategy, wanted
        self.measured, self.verdict, self.note = measured, verdict, note


class Figures:
    def __init__(self, samples):
        self.samples = samples
        self.rows = []

    # Who is judged: `lru`, the strategy that needs most of a hit, and the slowest of those that need
    # little. A figure that the slowest reaches, they all reach.
    def unordered(self):
        return self.samples.strategies("none", "mark")

    def judge(self, figure, strategies, value_of, limit, at_most, show):
        """Adds the row of the worst of `strategies` in `value_of(strategy)`, (value, note)."""
        wanted = ("≤ " if at_most else "≥ ") + show(limit)
        found = [(value, note, name) for name in strategies
                 for value, note in [value_of(name)] if value is not None]
        if not found:
            self.rows.append(Row(figure, "", wanted, "–", OPEN, "not measured in this run"))
            return
        value, note, name = (max if at_most else min)(found, key=lambda item: item[0])
        good = value <= limit if at_most else value >= limit
        verdict = REACHED if good else MISSED
        if good and note.startswith("without"):
            verdict = OPEN
        label = name.removeprefix(TARMAC)
        if len(strategies) > 1:
            label += f" (worst of {len(strategies)})"
        self.rows.append(Row(figure, label, wanted, show(value), verdict, note))

    def both(self, figure, value_of, limit, at_most, show, limit_of_lru=None):
        if self.unordered():
            self.judge(figure, self.unordered(), value_of, limit, at_most, show)
        self.judge(figure, [LRU], value_of, limit_of_lru or limit, at_most, show)

    def times_bound(self, workload, kind="ints"):
        return lambda name: (
            self.samples.times_the_bound(self.samples.cell(workload, name, kind)), "")

    def faster_than_peers(self, workload, kind="ints", threads=1):
        """The smallest ratio to a peer, and which peer that is."""
        def value_of(name):
            cell = self.samples.cell
            ratios = []
            for peer in self.samples.peers():
                ratio = self.samples.ratio(cell(workload, name, kind, threads),
                                           cell(workload, peer, kind, threads))
                if ratio is not None:
                    ratios.append((ratio, peer))
            if not ratios:
                return None, ""
            ratio, peer = min(ratios)
            missing = [peer for peer in PEERS if peer not in self.samples.subjects]
            return ratio, f"without {len(missing)} peers" if missing else f"closest: {peer}"
        return value_of

    def scaling(self, workload, kind="ints"):
        cell = self.samples.cell
        return lambda name: (self.samples.ratio(cell(workload, name, kind, 2),
                                                cell(workload, name, kind, 1)), "")

    def metric(self, workload, metric, change=lambda value: value, kind="ints"):
        def value_of(name):
            value = self.samples.median(self.samples.cell(workload, name, kind), metric)
            return (None if value is None else change(value)), ""
        return value_of

    def snapshot(self, name):
        cell = self.samples.cell("snapshot", name)
        return self.samples.ratio(cell, cell, "during_p99_9", "quiet_p99_9"), ""


def times(value):
    return f"{value:.2f} ×"


def nanoseconds(value):
    return f"{value:,.0f} ns"


def percent(value):
    return f"{100 * value:.1f} %"


def octets(value):
    return f"{value:.1f} bytes"


def figures_of(samples):
    """Every figure, in the order of the design, judged."""
    f = Figures(samples)
    f.both("resident reads, 1 thread: time, against the bound",
           f.times_bound("resident_get"), 1.8, True, times, 2.5)
    f.both("resident reads, 1 thread: throughput, against every peer",
           f.faster_than_peers("resident_get"), 2.5, False, times)
    f.both("resident reads: throughput of 2 threads, against 1", f.scaling("resident_get"),
           1.9, False, times)
    f.both("one hot key: throughput of 2 threads, against 1", f.scaling("hot_get"),
           1.9, False, times, 1.5)
    f.both("get-or-insert at 10 %, 1 thread: throughput, against every peer",
           f.faster_than_peers("get_or_insert"), 2, False, times)
    f.both("get-or-insert at 10 %, 2 threads: throughput, against every peer",
           f.faster_than_peers("get_or_insert", threads=2), 3, False, times)
    f.both("get-or-insert at 10 %: p99.9", f.metric("latency", "p99_9"), 1000, True, nanoseconds)
    f.both("insert with eviction: throughput, against every peer",
           f.faster_than_peers("insert_evicting"), 1.5, False, times)
    f.both("95/5 mix, 2 threads: throughput, against every peer",
           f.faster_than_peers("mix_95_5", threads=2), 2.5, False, times)
    f.both("texts, `get`: throughput, against every peer",
           f.faster_than_peers("resident_get", "texts"), 1.5, False, times)
    f.both("texts, `visit`: time, against the bound's copy",
           f.times_bound("resident_visit", "texts"), 1, True, times)
    f.both("texts, one hot key: throughput of 2 threads, against 1",
           f.scaling("hot_get", "texts"), 1.8, False, times)
    f.both("texts, get-or-insert: throughput, against every peer",
           f.faster_than_peers("get_or_insert", "texts"), 1.2, False, times)
    add_prices(f, samples)
    f.both("memory of an entry at 1 M entries, beyond key and value",
           f.metric("memory_1x", "bytes_per_entry", lambda value: value - 16), 56, True, octets)
    f.both("p99.9 of `get` while a snapshot is taken, against quiet", f.snapshot, 2, True, times)
    return f.rows


def add_prices(f, samples):
    """What features may add to a hit."""
    measured = [name for name in samples.strategies()
                if samples.median(samples.cell("exporter_scraped", name), "added") is not None]
    if not measured:
        measured = [LRU]
    drop = lambda added: added / (1 + added)  # noqa: E731  From time added to throughput lost.
    for figure, workload, limit, change in (
            ("exporter scraped once a second: time added to a hit", "exporter_scraped", 0.01, None),
            ("a TTL on every entry: time added to a hit", "ttl_on_every_entry", 0.1, None),
            ("scraped in a tight loop: throughput lost", "scraped_in_a_loop", 0.01, drop)):
        value_of = f.metric(workload, "added", change or (lambda value: value))
        f.judge(figure, measured, value_of, limit, True, percent)
    for figure, workload in (
            ("a hit of the first of two tiers: time, against one tier", "tier_hit"),
            ("the same, 1,000 entries", "tier_hit_of_few")):
        f.judge(figure, [LRU], f.metric(workload, "added", lambda value: 1 + value, "texts"),
                1.1, True, times)
    f.rows.append(Row("the advisor with four shadow strategies: time added to a hit", "", "≤ 3.0 %",
                      "–", OPEN, "there is no advisor yet"))
