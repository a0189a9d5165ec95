"""What walls cost a submission, beside a bare subprocess that imports torch.

    python tests/benchmarks/walls.py                # about two minutes
    python tests/benchmarks/walls.py --repeats 31   # steadier numbers

A submission here is what grading does with each: start a guest, hand it the file, import it, call
one function, end the guest.  All ways take turns, and each figure is the median of its turns; a
ratio is the median over pairs of turns.  Memory is what a guest alone holds (private pages), after
the call, where the system tells; it is read from outside.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from contextlib import closing

import psutil

from grader.homework.contract import FILES
from grader.records import Call
from grader.sandbox.host import process
from grader.sandbox.host.session import ProcessSession
from grader.sandbox.isolation.modes import NO_WALLS, Walls
from grader.sandbox.isolation.probe import offers

FILE = b"def random_classes(num_classes, k=5, seed=0):\n    return list(range(k))\n"
CALL = Call("random_classes", {"num_classes": 9, "k": 2})


def bare() -> float:
    """Milliseconds of a subprocess that imports torch."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import torch"], check=True)
    return 1000 * (time.perf_counter() - started)


def submission(walls: Walls) -> tuple[float, float]:
    """Milliseconds of a submission that calls one function, and MiB of its guest."""
    started = time.perf_counter()
    with closing(ProcessSession({FILES[2]: FILE}, walls=walls)) as session:
        reply = session.call(CALL)
        waited = time.perf_counter() - started
        if reply.error is not None:
            raise RuntimeError(reply.error.message)
        memory = own_memory(walls)
        started = time.perf_counter()
    return 1000 * (waited + time.perf_counter() - started), memory


def own_memory(walls: Walls) -> float:
    """MiB of private pages of the guest: the youngest descendant of this process."""
    parent = process._zygotes[walls.mode]._process.pid
    try:
        family = psutil.Process(parent).children(recursive=True)
        youngest = max(family, key=lambda child: child.create_time())
        return float(youngest.memory_full_info().uss) / 2**20
    except (psutil.Error, ValueError):
        return float("nan")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=21)
    repeats = parser.parse_args().repeats
    ways = {"none": NO_WALLS}
    for offer in offers():
        if offer.walls is None:
            print(f"{offer.mode} does not work here: {offer.why}", file=sys.stderr)
        else:
            ways[offer.mode] = offer.walls
    for walls in ways.values():
        submission(walls)  # the first of a mode imports torch
    turns: dict[str, list[tuple[float, float]]] = {mode: [] for mode in ways}
    imports = []
    for _ in range(repeats):
        imports.append(bare())
        for mode, walls in ways.items():
            turns[mode].append(submission(walls))
    print(f"a subprocess that imports torch: {statistics.median(imports):.0f} ms\n")
    print("| walls | ms a submission | of that subprocess | more than none, ms | MiB a guest |")
    print("|---|---|---|---|---|")
    for mode, measured in turns.items():
        times = [milliseconds for milliseconds, _ in measured]
        share = statistics.median(t / i for t, i in zip(times, imports, strict=True))
        without = [milliseconds for milliseconds, _ in turns["none"]]
        more = statistics.median(t - n for t, n in zip(times, without, strict=True))
        memory = statistics.median(megabytes for _, megabytes in measured)
        print(
            f"| {mode} | {statistics.median(times):.1f} | {share:.4f} | {more:+.1f} "
            f"| {memory:.0f} |"
        )
    for mode in ways:
        process.end_zygote(mode)


if __name__ == "__main__":
    main()
