#!/usr/bin/env python3
"""Turns what strace wrote (standard input) into a request trace (standard output).

One request for each regular file that was opened to be read: time in whole seconds since the first,
a key (the number of the path in order of first appearance) and the file's size in bytes, the same
for every request of a key. No path is written. A summary goes to standard error.
"""
import os
import re
import sys

# "PID TIME openat(AT_FDCWD</folder>, "name", O_RDONLY|O_CLOEXEC) = 3</path>", or in two halves:
# "PID TIME openat(..., O_RDONLY <unfinished ...>" and "PID TIME <... openat resumed>) = 3</path>".
LINE = re.compile(r"^(\d+) +(\d+\.\d+) (.*)$")
OPENED = re.compile(r" = \d+<(/.*)>$")
# Asked of an open file, or of a name.
STATUS = re.compile(r"^newfstatat\((?:\d+<(/.*?)>, \"\"|AT_FDCWD<.*?>, \"(/.*?)\"), "
                    r"\{st_mode=S_IFREG\|.*?st_size=(\d+)")
UNFINISHED = " <unfinished ...>"
RESUMED = re.compile(r"^<\.\.\. \w+ resumed>(.*)$")
# What the kernel makes up is no file with a content of its own to keep.
NOT_FILES = ("/dev/", "/proc/", "/sys/")


def calls(lines):
    """The whole calls as (time of the answer, text)."""
    begun = {}
    for line in lines:
        match = LINE.match(line.rstrip("\n"))
        if not match:
            raise SystemExit(f"strace_to_trace.py: not a line of strace: {line!r}")
        process, time, text = match.groups()
        if text.endswith(UNFINISHED):
            begun[process] = text[: -len(UNFINISHED)]
            continue
        resumed = RESUMED.match(text)
        if resumed:
            text = begun.pop(process) + resumed.group(1)
        yield float(time), text


def reads(lines):
    """Opened files as [(time, path)], and the sizes that were asked for on the way."""
    opened = []
    sizes = {}
    for time, text in calls(lines):
        status = STATUS.match(text)
        if status:
            path = status.group(1) or status.group(2)
            size = status.group(3)
            sizes[path] = max(sizes.get(path, 0), int(size))
            continue
        answer = OPENED.search(text)
        if not text.startswith("openat(") or not answer:
            continue
        if "O_DIRECTORY" in text or "O_WRONLY" in text or "O_CREAT" in text or "O_PATH" in text:
            continue
        path = answer.group(1)
        if not path.startswith(NOT_FILES) and not os.path.isdir(path):
            opened.append((time, path))
    return opened, sizes


def size_of(path, sizes):
    """The size when the build was over, else the largest seen; a request is at least one byte."""
    try:
        return max(1, os.stat(path).st_size)
    except OSError:
        return max(1, sizes[path]) if path in sizes else None


def main():
    opened, sizes = reads(sys.stdin)
    keys = {}
    known = {}
    dropped = 0
    requests = 0
    start = None
    print("time,key,size")
    for time, path in opened:
        if path not in known:
            known[path] = size_of(path, sizes)
        if known[path] is None:
            dropped += 1
            continue
        if start is None:
            start = time
        key = keys.setdefault(path, len(keys) + 1)
        requests += 1
        print(f"{int(time - start)},{key},{known[path]}")
    footprint = sum(known[path] for path in keys)
    print(f"{requests} requests, {len(keys)} unique keys, {footprint} bytes; "
          f"{dropped} left out, of files gone whose size nobody asked", file=sys.stderr)


if __name__ == "__main__":
    main()
