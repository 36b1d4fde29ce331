#!/usr/bin/env python3
"""Feeds docs_check.py pages that are right, then the same with one thing wrong."""

import os
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import docs_check  # noqa: E402

# Stands for the program: it reads a file whose first word is `right`, as the command it was built for.
PROGRAM = """#!/bin/sh
for file; do :; done
case "$1:$(cat "$file")" in
  check:right*steps:*) exit 2 ;;
  check:right*|demo:right*steps:*) exit 0 ;;
esac
echo "$file:1:1: wrong"
exit 2
"""

GOOD = {
    "README.md": """# A `Tool`, for you

[The page](docs/page.md "words"), [its end](docs/page.md#the-end-really),
[top](#a-tool-for-you), [again](docs/page.md#twice-1), [a folder](docs/), <img src="docs/a.svg">,
[the web](https://example.org/none), `[code](none)`, [file][1].

[1]: docs/a.svg

```sh
[not a link](none)
```
""",
    "docs/a.svg": "<svg/>\n",
    "docs/page.md": """# Page

```cpp
#include <a>

int b = 1;
  int c = 2;
```

<!-- fragment -->
```yaml
  wrong
```

```yaml
right: 1
```

```yaml
right: 1
steps: []
```

[Up](../README.md)

## Twice
## Twice

## The end, *really*!
""",
    "docs/snippets/page.cpp":
        "// [page]\n#include <a>\n// [/page]\nvoid f();\n  // [page]\n  int b = 1;\n"
        "  int c = 2;\n  int d;\n  // [/page]\n",
}

# The file, what is replaced in it, and what the one finding must speak of.
BAD = [
    ("docs/page.md", "int b = 1;", "int b = 2;", "no region"),
    ("docs/page.md", "#include <a>\n", "#include <a>\nvoid f();\n", "no region"),
    ("docs/page.md", "int c = 2;", "int d;", "no region"),
    ("docs/snippets/page.cpp", "int c", "int e", "no region"),
    ("docs/snippets/page.cpp", "  int d;\n  // [/page]\n", "  int d;\n", "no end"),
    ("docs/snippets/page.cpp", "// [/page]\nvoid", "// [/pages]\n// [/page]\nvoid",
     "wrong place"),
    ("docs/page.md", "```yaml\nright: 1\n```", "```yaml\nrihgt: 1\n```", "block:1:1: wrong"),
    ("docs/page.md", "right: 1\nsteps", "rihgt: 1\nsteps", "refused"),
    ("docs/page.md", "<!-- fragment -->", "<!-- part -->", "refused"),
    ("docs/page.md", "(../README.md)", "(../READ.md)", "no file"),
    ("docs/page.md", "(../README.md)", "(../../README.md)", "no file"),
    ("docs/page.md", "(../README.md)", "(../README.md#none)", "no such heading"),
    ("docs/page.md", "(../README.md)", "(a.svg#none)", "only pages"),
    ("docs/page.md", "## Twice\n## Twice", "## Twice", "no such heading"),
    ("README.md", 'src="docs/a.svg"', 'src="docs/b.svg"', "no file"),
    ("README.md", "[1]: docs/a.svg", "[1]: docs/b.svg", "no file"),
    ("README.md", "(#a-tool-for-you)", "(#a-tool)", "no such heading"),
    ("README.md", "(none)\n```", "(none)", "has no end"),
]


def findings_of(files):
    with tempfile.TemporaryDirectory() as root:
        for path, text in {**files, "config/tarmac.yaml": "caches: []\n"}.items():
            full = os.path.join(root, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "w", encoding="utf-8") as file:
                file.write(text)
        program = os.path.join(root, "program")
        with open(program, "w", encoding="utf-8") as file:
            file.write(PROGRAM)
        os.chmod(program, 0o755)
        check = docs_check.Check(root, program)
        return check.run(), check.counts


class DocsSelfTest(unittest.TestCase):
    def test_says_nothing_of_pages_that_are_right(self):
        self.assertEqual(findings_of(GOOD), ([], {"cpp": 1, "yaml": 2, "links": 8}))

    def test_finds_each_wrong_thing_and_nothing_else(self):
        for path, old, new, words in BAD:
            with self.subTest(path=path, old=old, new=new):
                self.assertIn(old, GOOD[path])
                findings, _ = findings_of({**GOOD, path: GOOD[path].replace(old, new, 1)})
                self.assertEqual(len(findings), 1, findings)
                self.assertIn(words, findings[0])


if __name__ == "__main__":
    unittest.main()
