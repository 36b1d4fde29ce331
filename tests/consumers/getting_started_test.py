#!/usr/bin/env python3
"""Does what docs/getting-started.md says, in an empty folder, with the installed library.

Usage: getting_started_test.py PREFIX [PROGRAM]      PROGRAM is the built `tarmac`
"""

import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "docs"))
import docs_commands  # noqa: E402

PAGE = "docs/getting-started.md"


def cache_folder():
    """Of the compiler cache, which would look for it below HOME."""
    try:
        return subprocess.run(["ccache", "-k", "cache_dir"], capture_output=True, text=True,
                              check=True).stdout.strip()
    except FileNotFoundError:
        return ""


def main():
    with tempfile.TemporaryDirectory() as home:  # Where the page installs: $HOME/tarmac.
        os.symlink(os.path.abspath(sys.argv[1]), os.path.join(home, "tarmac"))
        environment = {"HOME": home, "CMAKE_GENERATOR": "Ninja", "CXXFLAGS": "-O0 -g0",
                       "CCACHE_DIR": cache_folder()}
        runner = docs_commands.Runner(ROOT, sys.argv[2] if len(sys.argv) > 2 else None,
                                      docs_commands.NotRun(), environment)
        findings = runner.run_page(PAGE, docs_commands.read_page(ROOT, PAGE))
    for line, message in findings:
        print(f"{PAGE}:{line}: {message}")
    print(f"{runner.ran} commands were run, {len(findings)} findings")
    return 1 if findings or runner.ran == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
