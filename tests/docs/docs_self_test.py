#!/usr/bin/env python3
"""Feeds docs_check.py pages that are right, then the same with one thing wrong."""

import os
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import docs_check  # noqa: E402
import docs_commands  # noqa: E402

# Stands for the program: it reads a file whose first word is `right`, as the command it was built for.
PROGRAM = """#!/bin/sh
for file; do :; done
case "$1:$(cat "$file")" in
  check:right*steps:*) exit 2 ;;
  check:right*|demo:right*steps:*) exit 0 ;;
  "check:caches:
  - name: sample
    part: 1
      below: 2") exit 0 ;;
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
./run demo --quick  # [not a link](none)
```

```text
end
```
""",
    "run": "  demo) play ;;\n--quick\n",
    "docs/a.svg": "<svg/>\n",
    "docs/page.md": """# Page

```cpp
#include <a>

int b = 1;
  int c = 2;
```

<!-- part of: cache -->
```yaml
  part: 1
    below: 2
```

<!-- file: wrong.yaml; refused: 1:1: wrong -->
```yaml
wrong: 1
```

```console
$ cat wrong.yaml
wrong: 27
$ printf 'a\\nb\\nc took 2 ms\\n'; false
a
...
c took 13,000.5 …
$ true
```

```sh
test -f given.txt \\
  && true   # a comment

no_such_program
```

```cmake
find_package(a)
```

```json
{"a": [1]}
```

```json
{"a": 1}
{"b": 2}
```

```promql
# Words
sum(
  a)

b > 1
```

```text
anything
```

```yaml
right: 1
```

```yaml
right: 1
steps: []
```

[Up](../README.md)

| `B::find` | `a/b.h` |

## Twice
## Twice

## The end, *really*!
""",
    "docs/snippets/page.cpp":
        "// [page]\n#include <a>\n// [/page]\nvoid f();\n  // [page]\n  int b = 1;\n"
        "  int c = 2;\n  int d;\n  // [/page]\n",
    "tests/consumers/a/CMakeLists.txt": "# [a]\nfind_package(a)\n# [/a]\n",
    "not_run.txt": "# Words.\n./run demo -- builds\nno_such_program -- is not there\n",
    "given.txt": "",
    "tests/docs/CMakeLists.txt": "set(sources ${snippets}/page.cpp)\n",
    "examples/CMakeLists.txt": "add_subdirectory(a)\n",
    "examples/a/main.cpp": "int main() {}\n",
    "core/CMakeLists.txt": "",
    "stores/CMakeLists.txt": "",
    "docs/architecture.md": "```mermaid\nflowchart BT\n  core\n  stores --> core\n```\n",
    "core/a/b.h": "struct B { int find(); };\n",
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
    ("docs/page.md", "<!-- part of: cache -->", "", "refused"),
    ("docs/page.md", "part of: cache", "part of: caches", "refused"),
    ("docs/page.md", "part of: cache", "part of: cash", "a part of what"),
    ("docs/page.md", "```text", "<!-- part: cache -->\n```text", "no mark"),
    ("docs/page.md", "refused: 1:1: wrong", "refused: 2:1: wrong", "another reason"),
    ("docs/page.md", "wrong.yaml; refused: 1:1: wrong", "wrong.yaml", "is refused"),
    ("docs/page.md", "<!-- part of: cache -->", "<!-- part of: cache; refused: wrong -->",
     "is right"),
    ("docs/page.md", "wrong: 27", "right: 27", "prints something else"),
    ("docs/page.md", "wrong: 27", "wrong: 27\nmore", "prints something else"),
    ("docs/page.md", "c took 13,000.5 …", "c took 13,000.5", "prints something else"),
    ("docs/page.md", "...\nc", "c", "prints something else"),
    ("docs/page.md", "$ true", "$ false", "ends with 1"),
    ("docs/page.md", "test -f given.txt", "test -f taken.txt", "ends with 1"),
    ("docs/page.md", "file: wrong.yaml; ", "", "prints something else"),
    ("docs/page.md", "$ true", "$ no_such_command", "ends with 127"),
    ("docs/page.md", "anything\n", "anything\n```\n\n    tarmac demo\n\n```text\n", "belongs into"),
    ("README.md", "./run demo --quick", "./run demo --quack", "nothing knows --quack"),
    ("run", "demo)", "play)", "nothing knows demo"),
    ("not_run.txt", "# Words", "false -- is not shown\n#", "no page shows 'false'"),
    ("docs/page.md", "```text", "```", "what is this block"),
    ("docs/page.md", "find_package(a)", "find_package(b)", "no region"),
    ("tests/consumers/a/CMakeLists.txt", "(a)", "(b)", "no region"),
    ("docs/page.md", '{"a": [1]}', '{"a": [1}', "cannot be parsed"),
    ("docs/page.md", '{"b": 2}', '{"b" 2}', "cannot be parsed"),
    ("docs/page.md", "  a)", "  a", "Prometheus refuses"),
    ("docs/page.md", "(../README.md)", "(../READ.md)", "no file"),
    ("tests/docs/CMakeLists.txt", "page.cpp", "pages.cpp", "does not build"),
    ("examples/CMakeLists.txt", "(a)", "(b)", "does not build"),
    ("docs/architecture.md", "  stores --> core\n", "", "not in the picture"),
    ("docs/architecture.md", "stores --> core", "core --> stores", "no arrow"),
    ("docs/page.md", "`a/b.h`", "`a/c.h`", "no file"),
    ("docs/page.md", "B::find", "B::found", "in none of the files"),
    ("core/a/b.h", "find", "find_it", "in none of the files"),
    ("docs/page.md", "(../README.md)", "(../../README.md)", "no file"),
    ("docs/page.md", "(../README.md)", "(../README.md#none)", "no such heading"),
    ("docs/page.md", "(../README.md)", "(a.svg#none)", "only pages"),
    ("docs/page.md", "## Twice\n## Twice", "## Twice", "no such heading"),
    ("README.md", 'src="docs/a.svg"', 'src="docs/b.svg"', "no file"),
    ("README.md", "[1]: docs/a.svg", "[1]: docs/b.svg", "no file"),
    ("README.md", "(#a-tool-for-you)", "(#a-tool)", "no such heading"),
    ("README.md", "end\n```", "end", "has no end"),
]


def findings_of(files):
    with tempfile.TemporaryDirectory() as root:
        for path, text in {**files, "config/tarmac.yaml": "caches: []\n"}.items():
            full = os.path.join(root, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "w", encoding="utf-8") as file:
                file.write(text)
        docs_commands.FILES["docs/page.md"] = {"given.txt": "given.txt"}
        program = os.path.join(root, "program")
        with open(program, "w", encoding="utf-8") as file:
            file.write(PROGRAM)
        os.chmod(program, 0o755)
        check = docs_check.Check(root, program, os.path.join(root, "not_run.txt"))
        return check.run(), check.counts


class DocsSelfTest(unittest.TestCase):
    def test_says_nothing_of_pages_that_are_right(self):
        self.assertEqual(findings_of(GOOD), ([], {
            "cpp": 1, "cmake": 1, "yaml": 4, "json": 2, "promql": 2, "commands": 6, "links": 8}))

    def test_refuses_a_list_without_reasons(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "not_run.txt")
            with open(path, "w", encoding="utf-8") as file:
                file.write("./run test\n")
            with self.assertRaisesRegex(ValueError, "no reason"):
                docs_commands.NotRun(path)

    def test_finds_each_wrong_thing_and_nothing_else(self):
        for path, old, new, words in BAD:
            with self.subTest(path=path, old=old, new=new):
                self.assertIn(old, GOOD[path])
                findings, _ = findings_of({**GOOD, path: GOOD[path].replace(old, new, 1)})
                self.assertEqual(len(findings), 1, findings)
                self.assertIn(words, findings[0])


if __name__ == "__main__":
    unittest.main()
