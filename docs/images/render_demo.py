#!/usr/bin/env python3
"""Draws what a terminal shows as an SVG picture.

Usage: tarmac demo 1 6 | render_demo.py [TITLE] > demo.svg

Reads text with the colours that `tarmac demo` uses (bold, faint, red, green, cyan). To record the
output with its colours, which the program writes to a terminal only:

    script -qec "build/dev/cli/tarmac demo 1 3" /dev/null | docs/images/render_demo.py > docs/images/demo.svg
"""

import html
import re
import sys

COLUMN, LINE, SIZE = 8.43, 19, 14  # Pixels: a character of this size is so wide and so high.
MARGIN, BAR = 18, 34
INKS = {"1": "bold", "2": "faint", "32": "good", "1;31": "bad", "36": "accent"}
STYLE = """
    .frame { fill: #16181d; } .title { fill: #8b93a1; text-anchor: middle; }
    text { font-family: 'DejaVu Sans Mono', 'Menlo', 'Consolas', monospace; font-size: 14px;
           fill: #d6dae2; white-space: pre; }
    .bold { font-weight: bold; fill: #ffffff; } .faint { fill: #7d8594; }
    .good { fill: #7fd38b; } .bad { fill: #ff7b72; font-weight: bold; } .accent { fill: #6cc7dd; }
"""


def settled(line):
    """What is left of a line that was drawn over itself (the progress bar)."""
    return re.split(r"\r\x1b\[K|\r(?!$)", line)[-1].rstrip("\r")


def pieces(line):
    """(ink, text) for each run of one colour."""
    ink = ""
    for part in re.split(r"(\x1b\[[0-9;]*m)", line):
        code = re.fullmatch(r"\x1b\[([0-9;]*)m", part)
        if code:
            ink = INKS.get(code.group(1), "")
        elif part:
            yield ink, part


def spans(line):
    column = 0
    for ink, text in pieces(line):
        # Blanks are skipped instead of drawn: each piece stands at its own column, whatever font is used.
        for word in re.finditer(r"\S+(?: \S+)*", text):
            x = MARGIN + (column + word.start()) * COLUMN
            width = len(word.group(0)) * COLUMN
            yield (f'<tspan x="{x:.1f}" textLength="{width:.1f}" class="{ink or "plain"}">'
                   f"{html.escape(word.group(0))}</tspan>")
        column += len(text)


def picture(text, title):
    lines = [settled(line) for line in text.strip("\n").split("\n")]
    plain = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines]
    width = 2 * MARGIN + COLUMN * max(len(line) for line in plain)
    height = BAR + 2 * MARGIN + LINE * len(lines)
    yield (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height}" '
           f'viewBox="0 0 {width:.0f} {height}" role="img" aria-label="{html.escape(title)}">')
    yield f"  <style>{STYLE}  </style>"
    yield f'  <rect class="frame" width="100%" height="100%" rx="9"/>'
    for x, colour in ((20, "#ff5f57"), (40, "#febc2e"), (60, "#28c840")):
        yield f'  <circle cx="{x}" cy="{BAR / 2 + 2:.0f}" r="6" fill="{colour}"/>'
    yield f'  <text class="title" x="{width / 2:.0f}" y="{BAR / 2 + 7:.0f}">{html.escape(title)}</text>'
    for number, line in enumerate(lines):
        drawn = "".join(spans(line))
        if drawn:
            yield f'  <text y="{BAR + MARGIN + LINE * number + SIZE}">{drawn}</text>'
    yield "</svg>"


def main():
    title = sys.argv[1] if len(sys.argv) > 1 else "tarmac demo"
    text = sys.stdin.buffer.read().decode("utf-8", "replace")
    if not text.strip():
        sys.exit("render_demo.py: nothing to draw on the standard input")
    print("\n".join(picture(text, title)))


if __name__ == "__main__":
    main()
