#!/usr/bin/env python3
"""Every C++ file is as clang-format leaves it. To repair: clang-format-14 -i FILE."""

import os
import subprocess
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "tidy"))
import tidy  # noqa: E402


def main():
    files = [path for path in tidy.files_of(ROOT) if path.endswith(tidy.CODE)]
    if not files:
        print("found no file to check")
        return 1
    status = subprocess.run(
        ["clang-format-14", "--dry-run", "-Werror", "--ferror-limit=3", *files],
        cwd=ROOT, check=False).returncode
    print(f"{len(files)} files checked")
    return status


if __name__ == "__main__":
    sys.exit(main())
