"""A redis-server for a while: on a socket in a folder of its own, with the log that is asked for."""

import csv
import os
import pathlib
import re
import shutil
import subprocess

READY = "eady to accept connections"


def is_there():
    return shutil.which("redis-server") is not None and shutil.which("redis-benchmark") is not None


class RedisServer:
    """Use as a context; `log` has what it said until it was ready."""

    def __init__(self, folder, *options):
        self.folder = pathlib.Path(folder)
        # A path of a socket may not be long, so it is told from within the folder.
        self.command = ["redis-server", "--port", "0", "--unixsocket", "s", "--save", "",
                        "--dir", ".", "--daemonize", "no", *options]
        self.log = ""

    def __enter__(self):
        self.process = subprocess.Popen(self.command, cwd=self.folder, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True)
        for line in self.process.stdout:
            self.log += line
            if READY in line:
                return self
        raise RuntimeError(f"redis-server did not start: {self.log}")

    def __exit__(self, *_):
        self.process.terminate()
        for line in self.process.stdout:  # Until it is gone: it may have much to sync.
            self.log += line
        self.process.wait()

    def call(self, *command, **options):
        return subprocess.run(command, cwd=self.folder, check=True, capture_output=True, text=True,
                              **options).stdout

    def sets_per_second(self, requests, *options):
        """By redis-benchmark: 16 characters of key, 64 of value, 100,000 different keys."""
        said = self.call("redis-benchmark", "-s", "s", "-t", "set", "-n", str(requests), "-r", "100000",
                         "-d", "64", "--csv", *options)
        rows = [row for row in csv.reader(said.splitlines()) if row and row[0] == "SET"]
        return float(rows[0][1])

    def fill(self, entries):
        """The entries of the other side: the same keys and values."""
        path = self.folder / "requests"
        value = "v" * 64
        with path.open("w", encoding="ascii") as file:
            for start in range(0, entries, 10_000):
                file.write("".join(
                    f"*3\r\n$3\r\nSET\r\n$16\r\nkey:{number:012}\r\n$64\r\n{value}\r\n"
                    for number in range(start, min(start + 10_000, entries))))
        with path.open(encoding="ascii") as file:
            self.call("redis-cli", "-s", "s", "--pipe", stdin=file)
        os.remove(path)
        size = int(self.call("redis-cli", "-s", "s", "dbsize"))
        if size != entries:
            raise RuntimeError(f"redis-server has {size} entries, and should have {entries}")

    def seconds_of_loading(self):
        """What the server says of it; the last one, which stands for all files."""
        found = re.findall(r"DB loaded from [^:]*: ([0-9.]+) seconds", self.log)
        if not found:
            raise RuntimeError(f"redis-server said nothing of loading: {self.log}")
        return float(found[-1])
