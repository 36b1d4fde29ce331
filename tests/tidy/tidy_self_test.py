#!/usr/bin/env python3
"""Feeds tidy.py a tree that is right, then the same tree with one thing wrong for each rule."""

import os
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tidy  # noqa: E402

GOOD = {
    "core/CMakeLists.txt": "tarmac_room(core SOURCES src/clock.cpp HEADERS include/tarmac/core/clock.h)\n",
    "core/include/tarmac/core/clock.h": "// The clock.\n#pragma once\n#include <chrono>\n",
    "core/src/clock.cpp":
        "#include <tarmac/core/clock.h>\n#include <boost/signals2.hpp>\n#include <unistd.h>\n"
        "auto f() { return std::chrono::steady_clock::now(); }\n",
    "strategies/CMakeLists.txt": "tarmac_room(strategies SOURCES src/catalog.cpp)\n",
    "strategies/src/catalog.cpp":
        '#include <tarmac/core/clock.h>\nconst Row kRows[] = {\n  {"lru", make_lru},\n};\n'
        "auto rows() { return kRows; }\n",
    "testing/CMakeLists.txt": "tarmac_room(testing SOURCES src/manual_clock.cpp)\n",
    "testing/src/manual_clock.cpp":
        "#include <gtest/gtest.h>\nTimestamp ManualClock::now() const { return at_; }  // not ::now()\n",
    "docs/strategies.md": "## `lru`\n\nThe oldest.\n",
    "tests/core/CMakeLists.txt": "tarmac_test(core_test SOURCES clock_test.cpp)\n",
    "tests/core/clock_test.cpp": '#include <gtest/gtest.h>\nconst char* k = "sleep_for";\n',
}

# The rule that must speak, and the file that provokes it.
BAD = [
    ("include-room", "core/src/clock.cpp", "#include <tarmac/strategies/lru.h>\n"),
    ("include-room", "strategies/src/catalog.cpp",
     '#include <tarmac/observers/json_sink.h>\n{"lru", make_lru},\n'),
    ("include-room", "core/src/clock.cpp", '#include "../../strategies/src/list.h"\n'),
    ("include-library", "core/include/tarmac/core/clock.h",
     "#pragma once\n#include <boost/signals2.hpp>\n"),
    ("include-library", "core/src/clock.cpp", "#include <yaml-cpp/yaml.h>\n"),
    ("include-library", "strategies/src/catalog.cpp",
     '#include <prometheus/counter.h>\n{"lru", make_lru},\n'),
    ("include-library", "core/src/clock.cpp", "#include <gtest/gtest.h>\n"),
    ("include-library", "core/src/clock.cpp", "#include <unheard_of/library.h>\n"),
    ("pragma-once", "core/include/tarmac/core/clock.h", "// The clock.\n"),
    ("size", "core/include/tarmac/core/clock.h", "#pragma once\n" + "//\n" * 250),
    ("size", "core/src/clock.cpp", "//\n" * 401),
    ("size", "tests/core/clock_test.cpp", "//\n" * 501),
    ("unregistered", "tests/core/forgotten_test.cpp", "//\n"),
    ("unregistered", "tests/core/k_test.cpp", "// Its name ends a registered one.\n"),
    ("unregistered", "core/src/forgotten.cpp", "//\n"),
    ("unregistered", "core/include/tarmac/core/forgotten.h", "#pragma once\n"),
    ("now", "strategies/src/catalog.cpp", 'auto t = steady_clock::now();\n{"lru", make_lru},\n'),
    ("now", "tests/core/clock_test.cpp", "auto t = Clock::now( );\n"),
    ("now", "tests/core/clock_test.cpp", "auto t = std::time(nullptr);\n"),
    ("sleep", "tests/core/clock_test.cpp", "std::this_thread::sleep_for(1s);\n"),
    ("sleep", "tests/core/clock_test.cpp", "usleep(5);\n"),
    ("unused", "core/src/clock.cpp", "constexpr std::size_t kLost = 2;  // kLost\n"),
    ("unused", "core/src/clock.cpp", "const std::map<int, int> kLost = {\n    {1, 2},\n};\n"),
    ("unfinished", "core/src/clock.cpp", "// TO" "DO: later\n"),
    ("unfinished", "docs/strategies.md", "## `lru`\nFIX" "ME\n"),
    ("machine-path", "docs/strategies.md", "## `lru`\nIt is in /home" "/someone/tree.\n"),
    ("machine-path", "core/src/clock.cpp", '// See "/tmp/tarm' 'ac/notes".\n'),
    ("catalog", "strategies/src/catalog.cpp", '{"lru", make_lru},\n{"sieve", make_sieve},\n'),
    ("catalog", "strategies/src/catalog.cpp", "// A table of another form.\n"),
    ("catalog", "docs/strategies.md", "Speaks of `lru` in passing.\n"),
]


def rules_of(files):
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            full = os.path.normpath(os.path.join(root, path))
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "w", encoding="utf-8") as file:
                file.write(text)
        findings, _ = tidy.findings_of(root)
    return [rule for _, _, rule, _ in findings]


class TidySelfTest(unittest.TestCase):
    def test_says_nothing_of_a_tree_that_is_right(self):
        self.assertEqual(rules_of(GOOD), [])

    def test_each_wrong_thing_is_found_and_nothing_else(self):
        for rule, path, text in BAD:
            with self.subTest(rule=rule, path=path, text=text[:60]):
                self.assertEqual(rules_of({**GOOD, path: text}), [rule])

    def test_every_rule_is_provoked(self):
        with open(tidy.__file__, encoding="utf-8") as file:
            source = file.read()
        import re
        spoken = set(re.findall(r'(?:report|search)\("([a-z-]+)"', source))
        self.assertEqual(spoken, {rule for rule, _, _ in BAD})

    def test_the_rooms_have_no_cycle(self):
        seen = []
        for room, below in tidy.ROOMS.items():
            self.assertLessEqual(set(below), set(seen), room)
            seen.append(room)


if __name__ == "__main__":
    unittest.main()
