#!/usr/bin/env python3
"""Holds the Markdown pages of the tree to what they say.

- A block of C++ or CMake in README.md, docs/ or examples/ stands, line for line, in a region of a file
  that the tests build (`// [name]` to `// [/name]`, in CMake with `#`; pieces of one name are read one
  after the other), or it is a file of its page, which is built with the page's own commands.
  Indentation and empty lines do not count.
- A block of YAML is a whole file (a scenario if it has `steps:`, else a cache file), or a part of one
  in a frame, and it is right, or marked as wrong and refused for the reason that is said.
- A block of JSON can be parsed, as a whole or line by line.
- A block of PromQL has expressions, parted by empty lines or comments, that Prometheus accepts.
- A command line is run, see docs_commands.py, or stands in the list of those that are not.
- A block says what it is; `text` is for what nobody checks.
- The picture of the rooms in docs/architecture.md has every room, and arrows only where they may be.
- A link to a file, and to a heading in it, leads somewhere. So does a file of code that is named with
  its folder, and a row of a table that names files and `Class::function` names what stands in them.

Usage: docs_check.py ROOT [PROGRAM]      PROGRAM is the built `tarmac`; without it no YAML is read,
                                         and no command run
"""

import functools
import json
import os
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "tidy")]
import docs_commands  # noqa: E402
import tidy  # noqa: E402
from docs_blocks import FRAMES, MARK, Page, bare, framed  # noqa: E402

LINK = re.compile(r'\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)|^\s*\[[^\]]+\]:\s*(\S+)|'
                  r'<(?:img|a)\s[^>]*?(?:src|href)="([^"]+)"')
REGION = re.compile(r"^\s*(?://|#) \[(/?)([\w-]+)\]\s*$")
REGION_FILES = re.compile(r"(docs/snippets|examples|tests/consumers)/.*(\.cpp|CMakeLists\.txt)")
COMMAND_IN_PROSE = re.compile(r"^ {4,}(\$ |\./run |tarmac |cmake )")
FILE_NAMED = re.compile(r"`((?:[\w.-]+/)+[\w.-]+\.(?:h|cpp|py|sh|cmake))`")
FUNCTION_NAMED = re.compile(r"`\w+::(\w+)`")
LANGUAGES = {"cpp", "cmake", "yaml", "json", "promql", "sh", "console", "mermaid", "text", "md"}

# Pages whose commands are run by tests of their own, which have what they need.
RUN_ELSEWHERE = re.compile(r"docs/getting-started\.md|examples/.*")


def speaks_to_users(path):
    return path == "README.md" or path.startswith(("docs/", "examples/"))


@functools.lru_cache
def refused_rules(text):
    """What promtool has against a file of rules; empty if nothing."""
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "rules.yml")
        with open(file, "w", encoding="utf-8") as out:
            out.write(text)  # JSON is YAML.
        result = subprocess.run(["promtool", "check", "rules", file], stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, check=False, timeout=60)
    return "" if result.returncode == 0 else result.stdout.strip() or "without a word"


class Check:
    def __init__(self, root, program=None, not_run=None):
        self.root, self.program = root, program
        self.files = tidy.files_of(root)
        self.folders = {os.path.dirname(path) for path in self.files}
        for folder in list(self.folders):
            while folder:
                folder = os.path.dirname(folder)
                self.folders.add(folder)
        self.pages = {path: Page(self.text(path)) for path in self.files if path.endswith(".md")}
        self.not_run = docs_commands.NotRun(not_run or docs_commands.NOT_RUN)
        self.findings = []
        self.counts = {"cpp": 0, "cmake": 0, "yaml": 0, "json": 0, "promql": 0, "commands": 0,
                       "links": 0}

    def text(self, path):
        with open(os.path.join(self.root, path), encoding="utf-8", errors="replace") as file:
            return file.read()

    def report(self, path, line, message):
        self.findings.append(f"{path}:{line}: {message}")

    def run(self):
        self.regions = self.read_regions()
        for path, page in self.pages.items():
            if not page.complete:
                self.report(path, 1, "a block of code has no end")
            if speaks_to_users(path):
                for block in page.blocks:
                    self.check_block(path, block)
            for number, line in page.prose:
                self.check_links(path, number, line)
                if speaks_to_users(path):
                    self.check_names(path, number, line)
                if COMMAND_IN_PROSE.match(line):
                    self.report(path, number, "a command belongs into a block `sh` or `console`")
        self.check_rooms()
        self.check_commands()
        return self.findings

    def read_regions(self):
        """The regions of all files that have some: the lines of each, by file and name."""
        regions = {}
        for path in filter(REGION_FILES.fullmatch, self.files):
            name = None
            for number, line in enumerate(self.text(path).split("\n"), 1):
                mark = REGION.match(line)
                if mark and (mark.group(1) == "") == (name is None) and name in (None, mark.group(2)):
                    name = mark.group(2) if name is None else None
                    regions.setdefault((path, mark.group(2)), [])
                elif mark:
                    self.report(path, number, f"'{line.strip()}' stands in the wrong place")
                elif name is not None:
                    regions[path, name].append(line)
            if name is not None:
                self.report(path, 1, f"the region [{name}] has no end")
            self.check_built(path)
        return {key: bare(lines) for key, lines in regions.items()}

    def check_built(self, path):
        """A snippet and an example are named where they are built; the others are built by their tests."""
        folder, name = os.path.split(path)
        lists = {"docs/snippets": ("tests/docs/CMakeLists.txt", name),
                 f"examples/{os.path.basename(folder)}": ("examples/CMakeLists.txt",
                                                          os.path.basename(folder))}
        if folder in lists:
            where, what = lists[folder]
            text = self.text(where) if where in self.files else ""
            if not re.search(rf"(?<![\w.]){re.escape(what)}(?![\w.])", text):
                self.report(path, 1, f"{where} does not build this")

    def check_block(self, path, block):
        if block.language not in LANGUAGES:
            self.report(path, block.line, f"what is this block? One of {' '.join(sorted(LANGUAGES))}")
        if block.above.startswith("<!--") and not block.above.startswith("<!-- /") \
                and not MARK.fullmatch(block.above):
            self.report(path, block.line, f"'{block.above}' is no mark that a block may have")
        if block.language in ("cpp", "cmake"):
            self.counts[block.language] += 1
            self.check_region(path, block)
        elif block.language == "yaml" and self.program:
            self.counts["yaml"] += 1
            self.check_yaml(path, block)
        elif block.language == "json":
            self.counts["json"] += 1
            self.check_json(path, block)
        elif block.language == "promql":
            self.check_promql(path, block)

    def check_region(self, path, block):
        if "file" in block.marks and RUN_ELSEWHERE.fullmatch(path):
            return  # Its page builds it.
        wanted = bare(block.lines)
        size = len(wanted)
        kind = ".cpp" if block.language == "cpp" else ".txt"
        if not wanted or not any(lines[n:n + size] == wanted
                                 for (file, _), lines in self.regions.items() if file.endswith(kind)
                                 for n in range(len(lines) - size + 1)):
            self.report(path, block.line, f"this {block.language} is in no region that is built")

    def check_yaml(self, path, block):
        text = framed(block)
        if text is None:
            self.report(path, block.line, f"a part of what? One of {' '.join(sorted(FRAMES))}")
            return
        scenario = re.search(r"^steps:", text, re.MULTILINE)
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "block.yaml")
            with open(file, "w", encoding="utf-8") as out:
                out.write(text)
            command = ([self.program, "demo", "--config",
                        os.path.join(self.root, "config", "tarmac.yaml"), file]
                       if scenario else [self.program, "check", file])
            result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                    text=True, check=False, timeout=60)
            said = result.stdout.strip().replace(file, "block")
        reason = block.marks.get("refused")
        if reason is None and result.returncode != 0:
            self.report(path, block.line, f"this YAML is refused: {said}; is it a part of a file? "
                                          "Then <!-- part of: … --> belongs above it")
        elif reason is not None and result.returncode == 0:
            self.report(path, block.line, "this YAML is said to be refused, and is right")
        elif reason is not None and reason not in said:
            self.report(path, block.line, f"this YAML is refused for another reason: {said}")

    def check_json(self, path, block):
        try:
            json.loads(block.text())
        except json.JSONDecodeError as whole:
            try:
                for line in block.lines:
                    json.loads(line)
            except json.JSONDecodeError:
                self.report(path, block.line, f"this JSON cannot be parsed: {whole}")

    def check_promql(self, path, block):
        expressions, lines = [], []
        for line in [*block.lines, ""]:
            if line.strip() and not line.startswith("#"):
                lines.append(line)
            elif lines:
                expressions.append("\n".join(lines))
                lines = []
        self.counts["promql"] += len(expressions)
        rules = {"groups": [{"name": "page", "rules": [
            {"record": f"expression_{n}", "expr": expression}
            for n, expression in enumerate(expressions)]}]}
        refused = refused_rules(json.dumps(rules))
        if refused:
            self.report(path, block.line, f"Prometheus refuses this: {refused}")

    def check_rooms(self):
        path = "docs/architecture.md"
        picture = next((block for block in self.pages[path].blocks
                        if block.language == "mermaid"), None) if path in self.pages else None
        if picture is None:
            return
        shown = set(re.findall(r"\w+", " ".join(picture.lines[1:])))
        for room in tidy.ROOMS:
            if f"{room}/CMakeLists.txt" in self.files and room not in shown:
                self.report(path, picture.line, f"the room '{room}' is not in the picture")
        for above, below in re.findall(r"(\w+) --> (\w+)", "\n".join(picture.lines)):
            if below not in tidy.ROOMS.get(above, []):
                self.report(path, picture.line, f"there is no arrow from '{above}' to '{below}'")

    def check_commands(self):
        words = docs_commands.words_of_the_tree(self.root)
        runner = docs_commands.Runner(self.root, self.program, self.not_run)
        for path, page in self.pages.items():
            if not speaks_to_users(path) and path != "CONTRIBUTING.md":
                continue
            findings = []
            for block in page.blocks:
                if block.language in ("sh", "console"):
                    for command in docs_commands.commands_of(block):
                        self.counts["commands"] += 1
                        self.not_run.has(command)
                        findings += docs_commands.check_call_of_run(command, words)
            if self.program and not RUN_ELSEWHERE.fullmatch(path):
                findings += runner.run_page(path, page)
            for line, message in findings:
                self.report(path, line, message)
        for row in self.not_run.unused():
            self.report("tests/docs/not_run.txt", 1, f"no page shows '{row}' any more")
        self.ran = runner.ran

    def check_names(self, path, number, line):
        texts = ""
        for name in FILE_NAMED.findall(line):
            found = [file for file in self.files if f"/{file}".endswith(f"/{name}")]
            if not found:
                self.report(path, number, f"there is no file '{name}'")
            texts += "".join(map(self.text, found))
        if texts and line.startswith("|"):
            for function in FUNCTION_NAMED.findall(line):
                if not re.search(rf"\b{function}\b", texts):
                    self.report(path, number, f"'{function}' stands in none of the files named here")

    def check_links(self, path, number, line):
        for groups in LINK.findall(re.sub(r"`[^`]*`", "``", line)):
            link = next(group for group in groups if group)
            if re.match(r"[a-z][a-z0-9+.-]*:", link, re.IGNORECASE):
                continue
            self.counts["links"] += 1
            name, _, anchor = link.partition("#")
            target = os.path.normpath(os.path.join(os.path.dirname(path), name)) if name else path
            target = "" if target == "." else target
            if target not in self.files and target not in self.folders:
                self.report(path, number, f"'{link}' leads to no file of the tree")
            elif anchor and target not in self.pages:
                self.report(path, number, f"'{link}': only pages have headings")
            elif anchor and anchor not in self.pages[target].anchors():
                self.report(path, number, f"'{link}': {target} has no such heading")


def main():
    check = Check(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None)
    for finding in check.run():
        print(finding)
    counts = check.counts
    print(f"{len(check.pages)} pages: {counts['cpp']} blocks of C++, {counts['cmake']} of CMake, "
          f"{counts['yaml']} of YAML, {counts['json']} of JSON; {counts['promql']} expressions of "
          f"PromQL; {counts['commands']} commands, of which {check.ran} were run; "
          f"{counts['links']} links; {len(check.findings)} findings")
    if not check.pages or not counts["cpp"] or not counts["links"]:
        print("nothing to check is an error")
        return 1
    return 1 if check.findings else 0


if __name__ == "__main__":
    sys.exit(main())
