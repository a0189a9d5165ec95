"""Whether the cost of a class grows with its size and no faster, and its memory not at all.

    python tests/benchmarks/growth.py                         # 10 and 100, with 1 and 2 workers
    python tests/benchmarks/growth.py --sizes 10 100 1000     # the last takes most of an hour
    python tests/benchmarks/growth.py --read 500 2000         # a class before it is graded

Submissions are copies of the reference, each with another comment.  ``hw3 grade`` grades their part
3, into a new folder, with values of the reference that an earlier run kept.  Cost is the processor
time of the command and of all that it started, on two cores also the wall time.  Memory is what all
its processes hold together, looked at twice a second, what they share counted once: at most, and
of the process that collects the results alone.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from start import HW3, adopt, of_children

from grader.homework.contract import FILES

ROOT = Path(__file__).parents[2]
PART = "part3"


@dataclass(frozen=True)
class Cost:
    """Seconds of processors and of the wall; MiB of all processes, and of the first alone."""

    processor: float
    wall: float
    every: float
    first: float


def write_class(folder: Path, size: int) -> None:
    """Write copies of the reference, but for the GAN."""
    for number in range(size):
        place = folder / f"s{number:04}"
        place.mkdir(parents=True)
        for name in FILES[:3]:
            text = (ROOT / "reference" / name).read_text(encoding="utf-8")
            (place / name).write_text(f"{text}\n# of student {number}\n", encoding="utf-8")


def megabytes(process: psutil.Process) -> float:
    """What a process holds, what it shares divided by its sharers; 0 if it has ended."""
    with suppress(psutil.Error):
        return float(process.memory_full_info().pss) / 2**20
    return 0.0


def graded(folder: Path, source: str, jobs: int) -> Cost:
    """Grade a class into a new folder."""
    shutil.rmtree(folder / "out", ignore_errors=True)
    command = [HW3, "grade", source, "--out=out", f"--part={PART}", f"--jobs={jobs}"]
    environment = {**os.environ, "HOME": str(folder), "OMP_NUM_THREADS": "1"}
    before, started = of_children(), time.perf_counter()
    every = first = 0.0
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as running:
        of_all = psutil.Process(running.pid)
        while running.poll() is None:
            with suppress(psutil.Error):
                own = megabytes(of_all)
                others = sum(map(megabytes, of_all.children(recursive=True)))
                every, first = max(every, own + others), max(first, own)
            time.sleep(0.5)
    wall = time.perf_counter() - started
    if running.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {running.returncode}")
    for result in folder.glob("out/*/result.json"):
        checks = json.loads(result.read_text(encoding="utf-8"))["checks"]
        lost = [one["id"] for one in checks if one["fraction"] < 1]
        if lost:
            raise RuntimeError(f"{result.parent.name} fails {lost}")
    return Cost(of_children() - before, wall, every, first)


READS = """
import sys
from pathlib import Path
import psutil
from grader.submissions.intake import read_class
class_ = read_class([Path(sys.argv[1])])
assert len(class_.submissions) == int(sys.argv[2])
print(psutil.Process().memory_info().rss / 2**20)
"""


def reads(folder: Path, size: int) -> float:
    """MiB of a process that has read a class and graded nothing yet."""
    write_class(folder / f"class{size}", size)
    command = [sys.executable, "-P", "-c", READS, str(folder / f"class{size}"), str(size)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    """Print a row for each size and number of workers."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 100])
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--read", type=int, nargs="+", metavar="SIZE", help="read classes alone")
    options = parser.parse_args()
    if options.read:
        with tempfile.TemporaryDirectory(prefix="hw3-growth-") as name:
            for size in options.read:
                print(f"{size} submissions are read: {reads(Path(name), size):.0f} MiB", flush=True)
        return
    print("| submissions | workers | processor s | of each | wall s | MiB | of the first process |")
    print("|---|---|---|---|---|---|---|")
    adopt()
    with tempfile.TemporaryDirectory(prefix="hw3-growth-") as name:
        folder = Path(name)
        for size in options.sizes:
            write_class(folder / f"class{size}", size)
        graded(folder, f"class{options.sizes[0]}/s0000", 1)  # keeps values of the reference
        for jobs in options.jobs:
            for size in options.sizes:
                cost = graded(folder, f"class{size}", jobs)
                print(
                    f"| {size} | {jobs} | {cost.processor:.1f} | {cost.processor / size:.2f} "
                    f"| {cost.wall:.0f} | {cost.every:.0f} | {cost.first:.0f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
