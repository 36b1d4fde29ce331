#!/usr/bin/env python3
"""Holds the Markdown pages of the tree to what they say.

- A block of C++ in README.md or docs/ stands, line for line, in a region of a file docs/snippets/*.cpp
  (`// [name]` to `// [/name]`; pieces of one name are read one after the other). Those files are
  compiled and run as a test. Indentation and empty lines do not count.
- A block of YAML there is a whole file: a scenario if it has `steps:`, which the program plays without
  a failure, else a cache file, which it finds right. A part of a file has the comment `<!-- fragment -->` above it.
- A link to a file, and to a heading in it, leads somewhere. For all pages of the tree.

Usage: docs_check.py ROOT [PROGRAM]      PROGRAM is the built `tarmac`; without it no YAML is read
"""

import os
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "tidy"))
import tidy  # noqa: E402

FENCE = re.compile(r"^\s*(```+|~~~+)\s*([\w+-]*)")
LINK = re.compile(r'\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)|^\s*\[[^\]]+\]:\s*(\S+)|'
                  r'<(?:img|a)\s[^>]*?(?:src|href)="([^"]+)"')
HEADING = re.compile(r"^ {0,3}#{1,6}\s+(.*?)\s*#*\s*$")
REGION = re.compile(r"^\s*// \[(/?)([\w-]+)\]\s*$")
FRAGMENT = "<!-- fragment -->"


class Block:
    def __init__(self, language, line, mark):
        self.language, self.line, self.mark = language, line, mark
        self.lines = []


class Page:
    """A Markdown file: its blocks of code, and its other lines (without code) with their numbers."""

    def __init__(self, text):
        self.blocks, self.prose = [], []
        block, fence, above = None, "", ""
        for number, line in enumerate(text.split("\n"), 1):
            found = FENCE.match(line)
            if block is not None:
                if found and found.group(1).startswith(fence) and not found.group(2):
                    self.blocks.append(block)
                    block = None
                else:
                    block.lines.append(line)
            elif found:
                block, fence = Block(found.group(2).lower(), number, above), found.group(1)
                above = ""
            else:
                self.prose.append((number, line))
                above = line.strip() or above
        self.complete = block is None

    def anchors(self):
        """What a link may name behind `#`: the headings, as GitHub spells them."""
        found, counts = set(), {}
        for _, line in self.prose:
            heading = HEADING.match(line)
            if not heading:
                continue
            words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading.group(1)).lower()
            slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
            count = counts.get(slug, 0)
            counts[slug] = count + 1
            found.add(f"{slug}-{count}" if count else slug)
        for _, line in self.prose:
            found.update(re.findall(r'<a\s[^>]*?(?:id|name)="([^"]+)"', line))
        return found


def bare(lines):
    """The lines without indentation, trailing and empty space."""
    return [line.strip() for line in lines if line.strip()]


class Check:
    def __init__(self, root, program=None):
        self.root, self.program = root, program
        self.files = tidy.files_of(root)
        self.folders = {os.path.dirname(path) for path in self.files}
        for folder in list(self.folders):
            while folder:
                folder = os.path.dirname(folder)
                self.folders.add(folder)
        self.pages = {path: Page(self.text(path)) for path in self.files if path.endswith(".md")}
        self.findings, self.counts = [], {"cpp": 0, "yaml": 0, "links": 0}

    def text(self, path):
        with open(os.path.join(self.root, path), encoding="utf-8", errors="replace") as file:
            return file.read()

    def report(self, path, line, message):
        self.findings.append(f"{path}:{line}: {message}")

    def run(self):
        regions = self.regions()
        for path, page in self.pages.items():
            if not page.complete:
                self.report(path, 1, "a block of code has no end")
            if path == "README.md" or path.startswith("docs/"):
                for block in page.blocks:
                    self.check_block(path, block, regions)
            for number, line in page.prose:
                self.check_links(path, number, line)
        return self.findings

    def regions(self):
        """The regions of all snippets: the lines of each, by file and name."""
        regions = {}
        for path in self.files:
            if not (path.startswith("docs/snippets/") and path.endswith(".cpp")):
                continue
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
        return {key: bare(lines) for key, lines in regions.items()}

    def check_block(self, path, block, regions):
        if block.language in ("cpp", "c++"):
            self.counts["cpp"] += 1
            wanted = bare(block.lines)
            size = len(wanted)
            if not wanted or not any(lines[n:n + size] == wanted for lines in regions.values()
                                     for n in range(len(lines) - size + 1)):
                self.report(path, block.line, "this C++ is in no region of docs/snippets/*.cpp")
        elif block.language in ("yaml", "yml") and block.mark != FRAGMENT and self.program:
            self.counts["yaml"] += 1
            self.check_yaml(path, block)

    def check_yaml(self, path, block):
        scenario = any(line.startswith("steps:") for line in block.lines)
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "block.yaml")
            with open(file, "w", encoding="utf-8") as out:
                out.write("\n".join(block.lines) + "\n")
            command = ([self.program, "demo", "--config",
                        os.path.join(self.root, "config", "tarmac.yaml"), file]
                       if scenario else [self.program, "check", file])
            result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                    text=True, check=False, timeout=60)
            if result.returncode != 0:
                said = result.stdout.strip().replace(file, "block")
                self.report(path, block.line, f"this YAML is refused: {said}; is it a fragment? "
                                              f"Then {FRAGMENT} belongs above it")

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
    print(f"{len(check.pages)} pages, {counts['cpp']} blocks of C++, {counts['yaml']} of YAML, "
          f"{counts['links']} links checked, {len(check.findings)} findings")
    if not check.pages or not counts["cpp"] or not counts["links"]:
        print("nothing to check is an error")
        return 1
    return 1 if check.findings else 0


if __name__ == "__main__":
    sys.exit(main())
