"""Runs the command lines that a page shows, and compares what they print with what it shows.

A block `sh` has a command in each line, which has to succeed. A block `console` has commands behind
`$ `, each followed by what it prints; a command that shows nothing has to succeed. The output is
compared in kind: numbers are masked, `…` stands for anything in a line, and a line `...` for any lines.
All commands of a page run in one folder, which has the blocks marked with `file:`, and the files
listed here. What is not run stands in not_run.txt, with the reason.
"""

import gzip
import os
import re
import shutil
import subprocess
import tempfile

from docs_blocks import Page

HERE = os.path.dirname(os.path.abspath(__file__))
NOT_RUN = os.path.join(HERE, "not_run.txt")
NUMBER = re.compile(r"\d[\d,.]*\d|\d")

# Files that the commands of a page speak of: where each comes from. `gzip:` packs it first.
FILES = {
    "docs/simulator.md": {
        "requests.csv": "tests/simulator/data/formats/requests.csv",
        "requests.csv.zst": "tests/fuzz/corpus/trace/shipped_head.csv.zst",
        "web.tr.gz": "gzip:tests/simulator/data/formats/objects.tr",
    },
    "docs/scenarios.md": {
        "requests.csv.zst": "tests/fuzz/corpus/trace/shipped_head.csv.zst",
    },
}


class Command:
    """One command of a block, and the lines that it is said to print."""

    def __init__(self, line, text):
        self.line, self.text, self.output = line, text, []


def commands_of(block):
    """The commands of a block `sh` or `console`, with the lines they stand in."""
    found = []
    for offset, line in enumerate(block.lines):
        number = block.line + 1 + offset
        if found and found[-1].text.endswith("\\"):
            found[-1].text += "\n" + line
        elif block.language == "console" and not line.startswith("$ "):
            if found:
                found[-1].output.append(line.rstrip())
        elif line.strip() and not line.lstrip().startswith("#"):
            text = line[2:] if block.language == "console" else line
            found.append(Command(number, text.rstrip()))
    return found


def in_kind(shown, said):
    """Whether `said` is what is shown, numbers aside."""
    parts = []
    for line in shown:
        if line.strip() == "...":
            parts.append(r"(?:.*\n)*?")
            continue
        masked = re.escape(NUMBER.sub("0", line.rstrip()))
        parts.append(masked.replace("…", ".*") + r"\n")
    text = "".join(NUMBER.sub("0", line.rstrip()) + "\n" for line in said)
    return re.fullmatch("".join(parts), text) is not None


class NotRun:
    """The list of what is shown and not run: beginnings of commands, each with a reason."""

    def __init__(self, path=NOT_RUN):
        self.rows, self.used = [], set()
        with open(path, encoding="utf-8") as file:
            for line in file:
                if line.strip() and not line.startswith("#"):
                    beginning, separator, reason = line.strip().partition(" -- ")
                    if not separator or not reason:
                        raise ValueError(f"{path}: no reason in: {line.strip()}")
                    self.rows.append(beginning)

    def has(self, command):
        for row in self.rows:
            if command.text == row or command.text.startswith(row + " "):
                self.used.add(row)
                return True
        return False

    def unused(self):
        return [row for row in self.rows if row not in self.used]


class Runner:
    def __init__(self, root, program, not_run, environment=None):
        self.root, self.not_run = root, not_run
        self.environment = {**os.environ, "LC_ALL": "C.UTF-8", **(environment or {})}
        if program:
            self.environment["PATH"] = os.pathsep.join(
                [os.path.dirname(os.path.abspath(program)), self.environment["PATH"]])
        self.ran = 0

    def run_page(self, path, page):
        """Findings as (line, message)."""
        findings = []
        wanted = {block.line: [c for c in commands_of(block) if not self.not_run.has(c)]
                  for block in page.blocks if block.language in ("sh", "console")}
        if not any(wanted.values()):
            return findings
        with tempfile.TemporaryDirectory() as folder:
            self.fill(folder, path, page)
            for block in page.blocks:
                if "file" in block.marks:
                    self.write(folder, block)
                for command in wanted.get(block.line, []):
                    findings += self.run(folder, command)
        return findings

    def fill(self, folder, path, page):
        for name, source in FILES.get(path, {}).items():
            packed = source.startswith("gzip:")
            source = os.path.join(self.root, source.removeprefix("gzip:"))
            target = os.path.join(folder, name)
            if packed:
                with open(source, "rb") as plain, gzip.open(target, "wb") as out:
                    shutil.copyfileobj(plain, out)
            else:
                shutil.copy(source, target)
        for block in reversed(page.blocks):  # Of two blocks for one file, the first is there first.
            if "file" in block.marks:
                self.write(folder, block)

    @staticmethod
    def write(folder, block):
        target = os.path.join(folder, block.marks["file"])
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "w", encoding="utf-8") as out:
            out.write(block.text())

    def run(self, folder, command):
        self.ran += 1
        result = subprocess.run(["bash", "-c", command.text], cwd=folder, env=self.environment,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
                                timeout=240)
        said = result.stdout.splitlines()
        shown = list(command.output)
        while shown and not shown[-1]:
            shown.pop()
        if shown and not in_kind(shown, said):
            return [(command.line, f"'{command.text}' prints something else:\n{result.stdout}")]
        if not shown and result.returncode != 0:
            return [(command.line, f"'{command.text}' ends with {result.returncode}:\n"
                                   f"{result.stdout}")]
        return []


def words_of_the_tree(root):
    """What `./run` and its programs say of their options, to compare shown calls with."""
    texts = []
    for path in ("run", "bench/report.py"):
        full = os.path.join(root, path)
        if os.path.exists(full):
            with open(full, encoding="utf-8") as file:
                texts.append(file.read())
    folder = os.path.join(root, "cli", "src")
    if os.path.isdir(folder):
        for name in sorted(os.listdir(folder)):
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                texts.append(file.read())
    return "\n".join(texts)


def check_call_of_run(command, words):
    """A call of `./run` that is not run must at least be one that it knows."""
    found = re.match(r"\./run(?: +([a-z]+))?", command.text)
    if not found:
        return []
    call = command.text.split("#")[0]
    unknown = [option for option in re.findall(r"(?<!\S)--[a-z-]+", call) if option not in words]
    if found.group(1) and not re.search(rf"^  {found.group(1)}\)", words, re.MULTILINE):
        unknown.append(found.group(1))
    return [(command.line, f"'{command.text}': nothing knows {' '.join(unknown)}")] if unknown else []


def read_page(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return Page(file.read())
