"""The page: the figures, the plot, and the tables behind them."""

from .figures import figures_of
from .samples import BOUND, TARMAC

COLUMNS = [  # title, workload, kind, threads
    ("reads", "resident_get", "ints", 1), ("reads, 2 threads", "resident_get", "ints", 2),
    ("hot key", "hot_get", "ints", 1), ("hot key, 2 threads", "hot_get", "ints", 2),
    ("95/5", "mix_95_5", "ints", 1), ("95/5, 2 threads", "mix_95_5", "ints", 2),
    ("50/50", "mix_50_50", "ints", 1), ("50/50, 2 threads", "mix_50_50", "ints", 2),
    ("get-or-insert", "get_or_insert", "ints", 1),
    ("get-or-insert, 2 threads", "get_or_insert", "ints", 2),
    ("insert, evicting", "insert_evicting", "ints", 1),
]
TEXT_COLUMNS = [
    ("`get`", "resident_get", "texts", 1), ("`get`, 2 threads", "resident_get", "texts", 2),
    ("`visit`", "resident_visit", "texts", 1),
    ("hot key", "hot_get", "texts", 1), ("hot key, 2 threads", "hot_get", "texts", 2),
    ("get-or-insert", "get_or_insert", "texts", 1),
]
TO_BOUND = [("integers, `get`", "resident_get", "ints"), ("texts, `get`", "resident_get", "texts"),
            ("texts, `visit`", "resident_visit", "texts")]
TO_PEERS = [
    ("resident reads, 1 thread", "resident_get", "ints", 1),
    ("resident reads, 2 threads", "resident_get", "ints", 2),
    ("one hot key, 2 threads", "hot_get", "ints", 2),
    ("95/5 mix, 2 threads", "mix_95_5", "ints", 2),
    ("50/50 mix, 2 threads", "mix_50_50", "ints", 2),
    ("get-or-insert at 10 %, 1 thread", "get_or_insert", "ints", 1),
    ("get-or-insert at 10 %, 2 threads", "get_or_insert", "ints", 2),
    ("insert with eviction, 1 thread", "insert_evicting", "ints", 1),
    ("texts, resident `get`, 1 thread", "resident_get", "texts", 1),
    ("texts, get-or-insert at 10 %, 1 thread", "get_or_insert", "texts", 1),
]
FEATURES = [
    ("exporter scraped once a second over HTTP", "exporter_scraped"),
    ("a slot on evictions", "slot_on_evictions"),
    ("a slot on hits", "slot_on_hits"),
    ("a TTL on every entry", "ttl_on_every_entry"),
    ("scraped in a tight loop by another thread", "scraped_in_a_loop"),
    ("control: another cache scraped in that loop", "other_cache_scraped_in_a_loop"),
    ("write-back behind `set` (of a `set`)", "write_back_on_set"),
]


def number(value):
    """Three digits, as far as they mean anything."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def times(value):
    return "–" if value is None else f"{value:.2f} ×" if value < 10 else f"{value:.0f} ×"


def table(head, rows):
    """Lines of Markdown; columns without a value in any row are left out."""
    kept = [i for i in range(len(head)) if i == 0 or any(row[i] != "–" for row in rows)]
    if len(kept) < 2 or not rows:
        return []
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return ["| " + " | ".join(line[i] for i in kept) + " |" for line in lines] + [""]


def name_of(subject):
    return subject.removeprefix(TARMAC) if subject.startswith(TARMAC) else subject


class Page:
    def __init__(self, samples):
        self.samples = samples
        self.data = samples.data
        self.evicting = [name for name in samples.subjects if name != BOUND]

    def text(self, plot_name=""):
        parts = ["# Benchmarks: results", "",
                 "Written by `bench/report.py` from the numbers beside this page: do not edit. "
                 "[How it is measured](method.md) says what each row means.", ""]
        parts += self.run()
        parts += self.figures()
        if plot_name:
            parts += ["## Time of an operation", "",
                      f"![Time of an operation of each cache in eight workloads]({plot_name})", ""]
        parts += self.to_bound() + self.to_peers() + self.times() + self.ratios_of_hits()
        parts += self.latency() + self.memory() + self.features()
        return "\n".join(parts)

    def run(self):
        rows = [[key, value] for key, value in self.data.get("machine", {}).items() if value]
        about = [["command", f"`{self.data['command']}`"], ["date", self.data["date"]],
                 ["commit", self.data["commit"] or "–"], ["rounds", str(self.data["rounds"])],
                 ["entries", f"{self.data['entries']:,}"]]
        lines = table(["run", ""], about + rows)
        lines[1] = "| --- | --- |"
        few = [f"{subject} {self.samples.rounds_of(subject)}" for subject in self.samples.subjects
               if 0 < self.samples.rounds_of(subject) < self.data["rounds"]]
        if few:
            lines += ["So slow that they sat some rounds out (rounds that they took part in): "
                      + ", ".join(few) + ".", ""]
        return lines

    def figures(self):
        rows = [[row.figure, row.strategy, row.wanted, row.measured,
                 f"**{row.verdict}**" if row.verdict == "not reached" else row.verdict, row.note]
                for row in figures_of(self.samples)]
        lines = ["## Figures to reach", "",
                 "Where a figure holds for all strategies that are not told of each hit in order "
                 "(tracking `none` or `mark`), the worst of them is shown.", ""]
        if self.data["entries"] != 1_000_000 or self.data["rounds"] < 5:
            lines += [f"This run was smaller than the full one ({self.data['rounds']} rounds, "
                      f"{self.data['entries']:,} entries): the verdicts are no more than a hint.", ""]
        lines += ["| figure | strategy | to reach | measured | | |",
                  "| --- | --- | ---: | ---: | --- | --- |"]
        return lines + ["| " + " | ".join(row) + " |" for row in rows] + [""]

    def to_bound(self):
        cell = self.samples.cell
        rows = []
        for subject in self.evicting:
            ratios = [self.samples.times_the_bound(cell(workload, subject, kind))
                      for _, workload, kind in TO_BOUND]
            if any(ratios):
                tracking = self.samples.subjects[subject].get("tracking", "–")
                rows.append([name_of(subject), tracking] + [times(ratio) for ratio in ratios])
        lines = table(["cache", "tracking"] + [title for title, _, _ in TO_BOUND], rows)
        return lines and ["## Resident reads, as multiples of the bound's time", "",
                          "1 thread; the bound's `get` in the same process, just before. "
                          "Less is better.", "", *lines]

    def to_peers(self):
        cell, parts = self.samples.cell, []
        for title, workload, kind, threads in TO_PEERS:
            rows = [[name_of(strategy)] + [
                times(self.samples.ratio(cell(workload, strategy, kind, threads),
                                         cell(workload, peer, kind, threads)))
                for peer in self.samples.peers()] for strategy in self.samples.strategies()]
            lines = table(["strategy"] + self.samples.peers(), rows)
            parts += lines and [f"### {title[0].upper() + title[1:]}", "", *lines]
        return parts and ["## Throughput, as multiples of each peer's", "",
                          "Tarmac's operations a second divided by the peer's in the same round. "
                          "More is better.", "", *parts]

    def times(self):
        parts = []
        for title, columns in (("integers", COLUMNS), ("16-byte keys, 64-byte values", TEXT_COLUMNS)):
            rows = [[name_of(subject)] + [
                number(self.samples.nanoseconds(workload, subject, kind, threads))
                for _, workload, kind, threads in columns] for subject in self.samples.subjects]
            lines = table(["cache"] + [column[0] for column in columns], rows)
            parts += lines and [f"### With {title}", "", *lines]
        return parts and ["## Nanoseconds for each operation of a thread", "", *parts]

    def ratios_of_hits(self):
        rows = []
        for subject in self.evicting:
            ratio = self.samples.median(self.samples.cell("get_or_insert", subject), "hit_ratio")
            rows.append([name_of(subject), "–" if ratio is None else f"{100 * ratio:.1f} %"])
        lines = table(["cache", "hits"], rows)
        return lines and ["## Hit ratio of get-or-insert", "",
                          "Half a million requests after the state of an LRU cache: whether the caches did "
                          "the same work, not how well each strategy does in the long run.", "",
                          *lines]

    def latency(self):
        rows = [[name_of(subject)] + [
            number(self.samples.median(self.samples.cell("latency", subject), metric))
            for metric in ("p50", "p99", "p99_9")] for subject in self.evicting]
        lines = table(["cache", "p50", "p99", "p99.9"], rows)
        return lines and ["## Percentiles of get-or-insert, in nanoseconds", "",
                          "1 thread, each request timed by itself, the clock's own time taken off.",
                          "", *lines]

    def memory(self):
        rows = [[name_of(subject)] + [
            number(self.samples.median(self.samples.cell(workload, subject), metric))
            for workload in ("memory_1x", "memory_4x")
            for metric in ("bytes_per_entry", "resident_per_entry")]
            for subject in self.samples.subjects]
        size = self.data["entries"] / 1e6
        lines = table(["cache"] + [f"{count * size:g} M entries, {what}" for count in (1, 4)
                                   for what in ("handed out", "resident")], rows)
        return lines and ["## Bytes for each entry", "",
                          "A full cache with integers; 16 of them are key and value.", "", *lines]

    def features(self):
        names = [name for name in self.samples.strategies()
                 if self.samples.median(self.samples.cell("slot_on_hits", name), "added") is not None]
        rows = []
        for title, workload in FEATURES:
            cells = [self.samples.cell(workload, name) for name in names]
            rows.append([title] + [
                "–" if self.samples.median(cell, "added") is None
                else f"{100 * self.samples.median(cell, 'added'):+.1f} %" for cell in cells])
        lines = table(["feature"] + [name_of(name) for name in names], rows)
        return lines and ["## What each feature adds to the time of a hit", "",
                          "Against the same cache with no observer; a TTL, against another cache "
                          "whose entries never had one.", "", *lines]
