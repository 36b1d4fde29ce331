"""Where the numbers come from: a number without its machine, command and compiler says nothing."""

import os
import pathlib
import platform
import re
import subprocess


def first_line(command):
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    lines = result.stdout.splitlines()
    return lines[0].strip() if result.returncode == 0 and lines else ""


def read(path):
    try:
        return pathlib.Path(path).read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def caches():
    """`L1d 48K, L2 2048K, …` of the first core."""
    found = []
    for index in sorted(pathlib.Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        kind = {"Data": "d", "Instruction": "i"}.get(read(index / "type"), "")
        found.append(f"L{read(index / 'level')}{kind} {read(index / 'size')}")
    return ", ".join(found)


def cmake_settings(build):
    """The entries of CMakeCache.txt."""
    return dict(re.findall(r"^(\w+):\w+=(.*)$", read(pathlib.Path(build) / "CMakeCache.txt"),
                           re.MULTILINE))


def machine_of(build):
    info = read("/proc/cpuinfo")
    model = re.search(r"^model name\s*:\s*(.*)$", info, re.MULTILINE)
    memory = re.search(r"^MemTotal:\s*(\d+) kB$", read("/proc/meminfo"), re.MULTILINE)
    settings = cmake_settings(build)
    compiler = settings.get("CMAKE_CXX_COMPILER", "c++")
    kind = settings.get("CMAKE_BUILD_TYPE", "")
    flags = [settings.get("CMAKE_CXX_FLAGS", ""),
             settings.get(f"CMAKE_CXX_FLAGS_{kind.upper()}", "")]
    virtual = re.search(r"^flags\s*:.*\bhypervisor\b", info, re.MULTILINE)
    return {
        "processor": (model.group(1) if model else platform.machine())
                     + (" (virtual)" if virtual else ""),
        "cores": str(len(os.sched_getaffinity(0))),
        "caches": caches(),
        "memory": f"{int(memory.group(1)) / 2**20:.0f} GiB" if memory else "",
        "kernel": platform.release(),
        "compiler": first_line([compiler, "--version"]),
        "flags": " ".join(flag for flag in flags if flag),
        "load before": f"{os.getloadavg()[0]:.2f}",
    }


def commit_of(root):
    """The commit, with a mark if the tree differs from it."""
    commit = first_line(["git", "-C", str(root), "rev-parse", "--short=10", "HEAD"])
    changed = first_line(["git", "-C", str(root), "status", "--porcelain", "-uno"])
    return commit + (" and changes" if commit and changed else "")
