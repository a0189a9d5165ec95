"""How long commands take to their first line and to their last, beside importing torch.

    python tests/benchmarks/start.py             # --help, list, words, doctor, and check
    python tests/benchmarks/start.py --turns 5

Commands take turns, and ratios are those of medians of one run.  The time to the end is the
processor time of the command and of all that it started, whoever waited for it.  The time to the
first line is processor time, too: of the command, of what starts guests, and of the guests, when
the line can be read.  On two free cores the line comes after about half of it; the wall time beside
it counts only on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import resource
import statistics
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
HW3 = str(Path(sys.executable).parent / "hw3")

COMMANDS = {
    "import torch": [sys.executable, "-c", "import torch; print(flush=True)"],
    "hw3 --help": [HW3, "--help"],
    "hw3 list": [HW3, "list"],
    "hw3 words --checks": [HW3, "words", "--checks"],
    "hw3 doctor": [HW3, "doctor"],
    "hw3 check, part 3": [HW3, "check", str(ROOT / "reference"), "--part", "part3"],
}


@dataclass(frozen=True)
class Taken:
    """Seconds: of the processor to the first line and to the end, and of the wall to the line."""

    first: float
    whole: float
    wall: float


def of_tree(number: int) -> float:
    """Seconds of processor time of a process and of all below it."""
    total = 0.0
    try:
        processes = [psutil.Process(number), *psutil.Process(number).children(recursive=True)]
    except psutil.Error:
        return total
    for one in processes:
        try:
            times = one.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def adopt() -> None:
    """Become the parent of what loses its own, on Linux: else nobody counts the time of guests.

    What starts them is killed with its parent, which then cannot wait for it any more.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER


def of_children() -> float:
    """Seconds of processor time of all that was started from here; waits until all has ended."""
    with suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def taken(command: list[str]) -> Taken:
    """Run a command, and look when its first line comes, on stdout or on stderr."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
    before, started = of_children(), time.perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        wall, first = time.perf_counter() - started, of_tree(process.pid)
        process.stdout.read()
    return Taken(first, of_children() - before, wall)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--turns", type=int, default=3, help="of each command (3)")
    parser.add_argument("--only", default="", help="commands with this in their name")
    options = parser.parse_args()
    adopt()
    commands = {n: c for n, c in COMMANDS.items() if options.only in n or n == "import torch"}
    rows: dict[str, list[Taken]] = {name: [] for name in commands}
    for _ in range(options.turns):
        for name, command in commands.items():
            rows[name].append(taken(command))
    base = statistics.median(one.whole for one in rows["import torch"])
    print(f"{'':24}{'to the first line':>24}{'to the end':>24}")
    for name, found in rows.items():
        first, whole, wall = (
            statistics.median(getattr(one, column) for one in found)
            for column in ("first", "whole", "wall")
        )
        spread = f"{min(one.whole for one in found):.2f} … {max(one.whole for one in found):.2f}"
        print(
            f"{name:24}{first:8.2f} s, {first / base:4.1f} times{whole:10.2f} s, "
            f"{whole / base:4.1f} times ({spread}); wall to the line {wall:.2f} s"
        )


if __name__ == "__main__":
    main()
