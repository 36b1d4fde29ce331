"""What was measured: for each cell the value of each round, and medians and ratios of those."""

import statistics

BOUND, TEXTBOOK = "bound", "textbook"
PEERS = [TEXTBOOK, "rocksdb_lru", "rocksdb_hyperclock", "leveldb_lru", "onetbb_lru", "poco_lru"]
TARMAC = "tarmac:"


class Samples:
    """A run: `cells[cell][metric]` has a value for each round, None where it was not measured."""

    def __init__(self, data):
        self.data = data
        self.cells = data["cells"]
        self.subjects = data["subjects"]

    @staticmethod
    def cell(workload, subject, kind="ints", threads=1):
        return f"{workload}/{kind}/{threads}/{subject}"

    def values(self, cell, metric="ops"):
        return self.cells.get(cell, {}).get(metric, [])

    def median(self, cell, metric="ops"):
        """The median of the rounds, or None if there is none."""
        values = [value for value in self.values(cell, metric) if value is not None]
        return statistics.median(values) if values else None

    def ratio(self, above, below, metric="ops", metric_below=None):
        """The median of the ratios of each round, so that a slow round counts for both sides."""
        pairs = zip(self.values(above, metric), self.values(below, metric_below or metric))
        ratios = [a / b for a, b in pairs if a is not None and b]
        return statistics.median(ratios) if ratios else None

    def times_the_bound(self, cell):
        """How many times the bound's time an operation takes; the bound ran in the same process."""
        return self.ratio(cell, cell, "bound", "ops")

    def rounds_of(self, subject):
        """In how many rounds a subject took part."""
        counts = [sum(value is not None for value in metrics["ops"])
                  for cell, metrics in self.cells.items()
                  if cell.endswith("/" + subject) and "ops" in metrics]
        return max(counts, default=0)

    def nanoseconds(self, workload, subject, kind="ints", threads=1):
        """The time of one operation of a thread."""
        operations = self.median(self.cell(workload, subject, kind, threads))
        return threads * 1e9 / operations if operations else None

    def strategies(self, *trackings):
        """The strategies that learn of hits in one of these ways; all of them for none given."""
        return [name for name, about in self.subjects.items() if name.startswith(TARMAC)
                and (not trackings or about.get("tracking") in trackings)]

    def peers(self):
        return [name for name in PEERS if name in self.subjects]


def add_round(data, number, reported):
    """Adds what a program of Google Benchmark reported (its JSON) as round `number`.

    The bound's cells in the process of another subject become the metric `bound` of that subject.
    """
    rows = [row for row in reported["benchmarks"] if row.get("run_type") != "aggregate"]
    failed = [row for row in rows if row.get("error_occurred")]
    if failed:
        raise ValueError(f"{failed[0]['name']}: {failed[0]['error_message']}")
    names = {row["name"].split("/")[2] for row in rows}
    subject = next(iter(names - {BOUND}), BOUND)
    beside = {}
    for row in rows:
        workload, kind, name = row["name"].split("/")[:3]
        threads = row.get("threads", 1)
        if name == BOUND and subject != BOUND:
            beside[workload, kind, threads] = row["items_per_second"]
            continue
        data["subjects"].setdefault(name, {})
        if row.get("label"):
            data["subjects"][name]["tracking"] = row["label"]
        cell = Samples.cell(workload, name, kind, threads)
        for metric, value in metrics_of(row).items():
            put(data, cell, metric, number, value)
        # Texts are also visited; that is compared with the same reads of the bound.
        yardstick = beside.get(("resident_get", kind, threads))
        if yardstick and workload.startswith("resident_"):
            put(data, cell, "bound", number, yardstick)
        elif subject == BOUND and workload.startswith("resident_"):
            put(data, cell, "bound", number, row["items_per_second"])


# What Google Benchmark says of every row; the rest are counters of the program.
STANDARD = {
    "name", "family_index", "per_family_instance_index", "run_name", "run_type", "repetitions",
    "repetition_index", "threads", "iterations", "real_time", "cpu_time", "time_unit", "label",
    "items_per_second"}


def metrics_of(row):
    metrics = {name: value for name, value in row.items() if name not in STANDARD}
    if "items_per_second" in row:
        metrics["ops"] = row["items_per_second"]
    return metrics


def put(data, cell, metric, number, value):
    values = data["cells"].setdefault(cell, {}).setdefault(metric, [])
    values += [None] * (number + 1 - len(values))
    values[number] = float(f"{value:.5g}")
