"""Write-back and its stores: what a `set` costs, how quickly it is flushed, and the page about it."""

import contextlib
import json
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import tempfile
import time

ROUNDS = 5
SIZES = {"set": 200_000, "sqlite": 100_000, "redis": 300_000, "poison": 50_000}
QUICK = {"set": 20_000, "sqlite": 5_000, "redis": 20_000, "poison": 5_000}
VALUE_BYTES = 100
# What is measured: (section, name, figure, at most or at least, how it is said).
FIGURES = [
    ("set", "ints", 1.5, "most", "`set` of integers with write-back, against a plain one"),
    ("set", "texts", 1.5, "most", "`set` of texts (16 and 100 bytes) with write-back, against a plain one"),
    ("sqlite", "share", 0.8, "least", "a flush to SQLite, against a loop by hand (a statement for each row)"),
    ("sqlite", "share_of_many", None, "least", "the same against a loop with 64 rows in a statement"),
    ("redis", "share", 0.8, "least", "a flush to Redis, against `redis-benchmark -P 64` (50 clients)"),
    ("redis", "share_of_one", None, "least", "the same against one client (`-c 1 -P 64`)"),
    ("redis", "share_again", None, "least", "a flush of keys that Redis has, against `redis-benchmark` over keys it has"),
    ("poison", "delay", 2.0, "most", "1 % of writes refused by Redis: how long the others wait, against none"),
]


@contextlib.contextmanager
def redis_server(folder):
    """The socket of a server that keeps nothing on disk; None where there is no redis-server."""
    if not (shutil.which("redis-server") and shutil.which("redis-benchmark")):
        yield None
        return
    path = pathlib.Path(folder) / "redis.sock"
    server = subprocess.Popen(
        ["redis-server", "--port", "0", "--unixsocket", path, "--save", "", "--appendonly", "no",
         "--dir", folder], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 20
        while not path.exists():
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("redis-server did not start")
            time.sleep(0.02)
        yield path
    finally:
        server.kill()
        server.wait()


def talk(path, commands):
    """Sends commands in one go, and waits for their answers, of one line each."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        words = [b"*%d\r\n" % len(c) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in c)
                 for c in ([word.encode() for word in command] for command in commands)]
        connection.sendall(b"".join(words))
        answers = b""
        while answers.count(b"\r\n") < len(commands):
            got = connection.recv(1 << 16)
            if not got:
                raise RuntimeError("redis-server has closed the connection")
            answers += got
    if b"-" in (line[:1] for line in answers.splitlines()):
        raise RuntimeError("redis-server refuses: " + answers.decode(errors="replace")[:200])


def benchmark_rate(path, writes, clients):
    """SETs a second of `redis-benchmark -P 64`, under keys of which most are different."""
    output = subprocess.run(
        ["redis-benchmark", "-s", path, "-P", "64", "-t", "set", "-n", str(writes), "-d", str(VALUE_BYTES),
         "-r", str(writes), "-c", str(clients), "--csv"], check=True, capture_output=True, text=True).stdout
    rate = next(line for line in output.splitlines() if line.startswith('"SET"')).split(",")[1]
    return float(rate.strip('"'))


class Measurement:
    def __init__(self, program, sizes, folder):
        self.program, self.sizes, self.folder = program, sizes, folder

    def call(self, *arguments):
        result = subprocess.run([self.program, *map(str, arguments)], capture_output=True, text=True,
                                check=False)
        if result.returncode != 0:
            raise RuntimeError(result.stderr.strip() or f"store_bench ended with {result.returncode}")
        return json.loads(result.stdout)

    def set(self):
        return self.call("set", self.sizes["set"])

    def sqlite(self):
        with tempfile.TemporaryDirectory(dir=self.folder) as own:
            return self.call("sqlite", own, self.sizes["sqlite"])

    def redis(self, path):
        writes = self.sizes["redis"]
        found = {}
        for clients in (50, 1):
            talk(path, [["FLUSHALL"]])
            found[f"rate_of_{clients}"] = benchmark_rate(path, writes, clients)
        found["rate_again"] = benchmark_rate(path, writes, 50)
        talk(path, [["FLUSHALL"]])
        flushed = self.call("redis", path, writes)
        found["flush_rate"] = writes / flushed["flush_seconds"]
        found["flush_rate_again"] = writes / flushed["again_seconds"]
        return found

    def poison(self, path):
        talk(path, [["FLUSHALL"]])
        writes = self.sizes["poison"]
        talk(path, [["SET", f"poisoned:key:{number:012d}", "not the store's"]
                    for number in range(42, writes, 100)])
        return self.call("poison", path, writes)


def measure(programs, rounds, quick, say):
    """Rounds of all of it, or None where the program is not built."""
    program = pathlib.Path(programs) / "store_bench"
    if not program.exists():
        return None
    data = {"rounds": [], "sizes": QUICK if quick else SIZES}
    # A folder on a disk, if there is one: syncs in memory would cost nothing.
    with tempfile.TemporaryDirectory(dir=os.environ.get("TARMAC_BENCH_DISK", "/var/tmp")) as folder, \
            redis_server(folder) as path:
        measurement = Measurement(program, data["sizes"], folder)
        for number in range(min(rounds, ROUNDS)):
            one = {"set": measurement.set(), "sqlite": measurement.sqlite()}
            if path:
                one["redis"] = measurement.redis(path)
                one["poison"] = measurement.poison(path)
            data["rounds"].append(one)
            say(f"stores, round {number + 1}")
    return data


def ratio(one, section, name):
    """The figure of one round, or None if it was not measured."""
    found = one.get(section)
    if found is None:
        return None
    if section == "set":
        return found[name]["write_back_ns"] / found[name]["plain_ns"]
    if section == "sqlite":
        return found["loop_seconds" if name == "share" else "loop_of_many_seconds"] / found["flush_seconds"]
    if section == "poison":
        return found["poisoned_wait"] / found["clean_wait"]
    if name == "share_again":
        return found["flush_rate_again"] / found["rate_again"]
    return found["flush_rate"] / found["rate_of_50" if name == "share" else "rate_of_1"]


def figures(data):
    """(what is said, wanted, median, smallest, largest, verdict) of each figure."""
    for section, name, wanted, side, said in FIGURES:
        values = [value for value in (ratio(one, section, name) for one in data["rounds"]) if value is not None]
        if not values:
            yield said, wanted, side, None, None, None, "not measured"
            continue
        middle = statistics.median(values)
        verdict = ""
        if wanted is not None:
            good = middle <= wanted if side == "most" else middle >= wanted
            verdict = "reached" if good else "**not reached**"
        yield said, wanted, side, middle, min(values), max(values), verdict


def page(data, about):
    lines = ["# Benchmarks: write-back and its stores", "",
             "Written by `bench/report.py`: do not edit.", "",
             f"Medians of {len(data['rounds'])} rounds, in each of which the two sides of a ratio run one after "
             f"the other; least and most of the rounds beside them. Values have {VALUE_BYTES} bytes, batches 256 "
             "writes. SQLite is on a disk (WAL, `synchronous=FULL`, for both sides), Redis on a unix socket of this "
             f"machine, which it shares with who writes. {about}", "",
             "| figure | to reach | median | of the rounds | |", "|---|---:|---:|---:|---|"]
    for said, wanted, side, middle, least, most, verdict in figures(data):
        form = (lambda value: f"{value:.2f} ×") if side == "most" else (lambda value: f"{100 * value:.0f} %")
        limit = "–" if wanted is None else ("≤ " if side == "most" else "≥ ") + form(wanted)
        cells = ["–", "–"] if middle is None else [form(middle), f"{form(least)} to {form(most)}"]
        lines.append(f"| {said} | {limit} | {cells[0]} | {cells[1]} | {verdict} |")
    lines.append("")
    plain = [one["set"]["texts"]["plain_ns"] for one in data["rounds"]]
    lines.append(f"A plain `set` of texts takes {statistics.median(plain):.0f} ns, a row of the loop by hand "
                 f"{1e6 * statistics.median(one['sqlite']['loop_seconds'] for one in data['rounds']) / data['sizes']['sqlite']:.1f} µs.")
    if "redis" in data["rounds"][0]:
        rates = [statistics.median(one["redis"][name] for one in data["rounds"])
                 for name in ("rate_of_50", "rate_of_1", "flush_rate")]
        lines.append(f"`redis-benchmark` sets {rates[0]:,.0f} keys a second with 50 clients and {rates[1]:,.0f} with one, "
                     f"a flush {rates[2]:,.0f}, each with its stamp compared and its checksum.")
    return "\n".join(lines + [""])
