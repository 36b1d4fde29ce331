"""Reads Markdown pages: their blocks of code with the comments above them, and their other lines.

The comment directly above a block says how it is to be checked, `<!-- NAME: VALUE; NAME: VALUE -->`:

    file: PATH        it is a file of that name for the commands of the page, and held to nothing else
    part of: FRAME    this YAML is a part of a file; the frames are in FRAMES
    refused: WORDS    this YAML is wrong on purpose, and the message has these words
"""

import re

FENCE = re.compile(r"^\s*(```+|~~~+)\s*([\w+-]*)")
HEADING = re.compile(r"^ {0,3}#{1,6}\s+(.*?)\s*#*\s*$")
MARK = re.compile(r"<!--\s*((?:file|part of|refused): .*?)\s*-->")

# What stands around a part of a YAML file. The part is indented as far as `{}` is.
FRAMES = {
    "caches": "caches:\n  {}\n",
    "cache": "caches:\n  - name: sample\n    {}\n",
    "observers": "caches:\n  - name: sample\nobservers:\n  {}\n",
    "steps": "title: A sample\ncaches:\n  - name: sample\nsteps:\n  {}\n",
}


class Block:
    def __init__(self, language, line, above):
        self.language, self.line, self.above = language, line, above
        self.lines = []
        mark = MARK.fullmatch(above)
        pairs = (mark.group(1).split("; ") if mark else [])
        self.marks = dict(pair.split(": ", 1) for pair in pairs if ": " in pair)

    def text(self):
        return "\n".join(self.lines) + "\n"


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


def framed(block):
    """The YAML of `block` as a whole file, or None if its frame is unknown."""
    if "part of" not in block.marks:
        return block.text()
    frame = FRAMES.get(block.marks["part of"])
    if frame is None:
        return None
    indent = re.search(r"^( *)\{\}", frame, re.MULTILINE).group(1)
    margin = min(len(line) - len(line.lstrip()) for line in block.lines if line.strip())
    lines = [indent + line[margin:] if line.strip() else "" for line in block.lines]
    return frame.replace(indent + "{}", "\n".join(lines))


def bare(lines):
    """The lines without indentation, trailing and empty space."""
    return [line.strip() for line in lines if line.strip()]
