"""What walls cost a submission, beside a bare subprocess that imports torch.

    python tests/benchmarks/walls.py                # about two minutes
    python tests/benchmarks/walls.py --repeats 31   # steadier numbers
    python tests/benchmarks/walls.py --parts        # instead: what a guest for each part costs

A submission here is what grading does with each: start a guest, hand it the file, import it, call
one function, end the guest.  All ways take turns, and each figure is the median of its turns; a
ratio is the median over pairs of turns.  Memory is what a guest alone holds (private pages), after
the call, where the system tells; it is read from outside.

With ``--parts`` the reference is graded on parts 1 to 3, in turns with a guest for each part and
with one for all three (each twice: public checks, then hidden ones).  The figures are processor
seconds of the grader, and of its guests.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from itertools import groupby
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import psutil

from grader.checks.framework import registry
from grader.grading import engine
from grader.homework.contract import FILES
from grader.records import Call, Check
from grader.sandbox.host import process
from grader.sandbox.host.session import ProcessSession
from grader.sandbox.isolation.modes import NO_WALLS, Walls
from grader.sandbox.isolation.probe import offers

ROOT = Path(__file__).parents[2]
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


def parts(walls: Walls, repeats: int) -> None:
    """Print what a guest for each part costs, beside one for all of them."""
    files = {p.name: p.read_bytes() for p in (ROOT / "reference").glob("[!_]*.py")}
    checks = [check for check in registry.load() if check.part in ("part1", "part2", "part3")]

    def together(key: Callable[[Check], Any]) -> tuple[float, float]:
        zygote = psutil.Process(process._zygotes[walls.mode]._process.pid)
        engine.groupby = lambda ordered, _: groupby(ordered, key)  # type: ignore[attr-defined]
        before = zygote.cpu_times(), time.process_time()
        ended = engine.run(checks, lambda part: ProcessSession(files, walls=walls, part=part))
        assert all(outcome.fraction == 1 for outcome in ended)
        after = zygote.cpu_times()
        guests = sum(after[:4]) - sum(before[0][:4])
        return time.process_time() - before[1], guests

    keys: dict[str, Callable[[Check], Any]] = {
        "one for all three": lambda check: check.hidden,
        "one for each part": lambda check: (check.hidden, check.part),
    }
    together(keys["one for all three"])  # the first builds what all share
    turns = {name: [] for name in keys}  # type: dict[str, list[tuple[float, float]]]
    for _ in range(repeats):
        for name, key in keys.items():
            turns[name].append(together(key))
    print("| guests | processor seconds of the grader | of the guests | all, of one for all |")
    print("|---|---|---|---|")
    one = [sum(pair) for pair in turns["one for all three"]]
    for name, pairs in turns.items():
        share = statistics.median(sum(p) / o for p, o in zip(pairs, one, strict=True))
        grader, guests = (statistics.median(column) for column in zip(*pairs, strict=True))
        print(f"| {name} | {grader:.2f} | {guests:.2f} | {share:.2f} |")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=21)
    parser.add_argument("--parts", action="store_true")
    asked = parser.parse_args()
    repeats = asked.repeats
    ways = {"none": NO_WALLS}
    for offer in offers():
        if offer.walls is None:
            print(f"{offer.mode} does not work here: {offer.why}", file=sys.stderr)
        else:
            ways[offer.mode] = offer.walls
    for walls in ways.values():
        submission(walls)  # the first of a mode imports torch
    if asked.parts:
        parts(list(ways.values())[-1], repeats)
        return
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
