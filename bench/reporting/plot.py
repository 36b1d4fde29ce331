"""The plot: the time of an operation, a dot for each cache, on a logarithmic scale."""

import math
from xml.sax.saxutils import escape

from .samples import BOUND, TARMAC

PANELS = [
    ("resident reads, 1 thread", "resident_get", "ints", 1),
    ("resident reads, 2 threads", "resident_get", "ints", 2),
    ("get-or-insert at 10 %, 1 thread", "get_or_insert", "ints", 1),
    ("get-or-insert at 10 %, 2 threads", "get_or_insert", "ints", 2),
    ("insert with eviction, 1 thread", "insert_evicting", "ints", 1),
    ("95/5 mix, 2 threads", "mix_95_5", "ints", 2),
    ("texts, resident reads, 1 thread", "resident_get", "texts", 1),
    ("texts, get-or-insert, 1 thread", "get_or_insert", "texts", 1),
]

WIDTH, COLUMNS, MARGIN = 880, 2, 16
NAMES, VALUES, ROW, HEAD = 132, 52, 17, 44

# Grey works on both grounds; the colours are lighter on a dark one.
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #24292f; }
.title { font-weight: 600; }
.faint, .axis { fill: #6e7781; }
.axis { font-size: 10px; }
.grid { stroke: #8c959f; stroke-opacity: 0.35; }
.stem { stroke: #8c959f; stroke-opacity: 0.6; }
.tarmac { fill: #0969da; }
.peer { fill: #bc4c00; }
.bound { fill: #1a7f37; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .faint, .axis { fill: #9198a1; }
  .tarmac { fill: #58a6ff; }
  .peer { fill: #f0883e; }
  .bound { fill: #3fb950; }
}
"""


def kind_of(subject):
    return "bound" if subject == BOUND else "tarmac" if subject.startswith(TARMAC) else "peer"


def text(x, y, words, kind="", anchor="start"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
            + (f' class="{kind}"' if kind else "") + f">{escape(words)}</text>")


def line(x1, y1, x2, y2, kind):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def tick(decade):
    return f"{10 ** decade} ns" if decade < 3 else f"{10 ** (decade - 3)} µs"


def panel(title, rows, scale, left, top, width):
    """`rows`: (subject, nanoseconds), the quickest first. `scale`: the decades shown."""
    low, high = scale
    begin, end = left + NAMES, left + width - VALUES

    def place(value):
        return begin + (end - begin) * (math.log10(value) - low) / (high - low)

    bottom = top + HEAD + ROW * len(rows)
    parts = [text(left, top + 14, title, "title")]
    for decade in range(low, high + 1):
        x = place(10 ** decade)
        parts.append(line(x, top + HEAD - 8, x, bottom, "grid"))
        parts.append(text(x, top + HEAD - 12, tick(decade), "axis", "middle"))
    for number, (subject, value) in enumerate(rows):
        y = top + HEAD + ROW * (number + 0.5)
        parts.append(text(begin - 10, y + 4, subject.removeprefix(TARMAC),
                          "title" if kind_of(subject) == "tarmac" else "", "end"))
        parts.append(line(begin, y, place(value), y, "stem"))
        parts.append(f'<circle cx="{place(value):.1f}" cy="{y:.1f}" r="4.5" '
                     f'class="{kind_of(subject)}"/>')
        parts.append(text(place(value) + 9, y + 4, f"{value:.3g}" if value < 1000
                          else f"{value:,.0f}", "faint"))
    return parts


def plot(samples):
    """The SVG, or an empty string if nothing that it shows was measured."""
    panels = []
    for title, workload, kind, threads in PANELS:
        rows = [(subject, samples.nanoseconds(workload, subject, kind, threads))
                for subject in samples.subjects]
        rows = sorted((row for row in rows if row[1]), key=lambda row: row[1])
        if rows:
            panels.append((title, rows))
    if not panels:
        return ""

    values = [value for _, rows in panels for _, value in rows]
    scale = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)) + 0.01)
    width = (WIDTH - MARGIN * (COLUMNS + 1)) / COLUMNS
    parts, top = [], MARGIN + 24
    for first in range(0, len(panels), COLUMNS):
        group = panels[first:first + COLUMNS]
        for column, (title, rows) in enumerate(group):
            parts += panel(title, rows, scale, MARGIN + column * (width + MARGIN), top, width)
        top += HEAD + ROW * max(len(rows) for _, rows in group) + 26

    legend, x = [], MARGIN
    for kind, words in (("tarmac", "Tarmac, by strategy"), ("peer", "peers"),
                        ("bound", "bound: a flat hash map that never evicts")):
        legend.append(f'<circle cx="{x + 5}" cy="{MARGIN + 4}" r="4.5" class="{kind}"/>')
        legend.append(text(x + 15, MARGIN + 8, words))
        x += 30 + 7 * len(words)
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{top}" '
        f'viewBox="0 0 {WIDTH} {top}" role="img">',
        "<title>Time of an operation of one thread, in nanoseconds; less is better</title>",
        f"<style>{STYLE}</style>", *legend,
        text(WIDTH - MARGIN, MARGIN + 8, "ns for each operation of a thread; less is better",
             "faint", "end"),
        *parts, "</svg>", ""])
