"""What the grader costs beside the same calls in a bare process, in processor time.

    python tests/benchmarks/harness.py                       # the reference, parts 1 to 3
    python tests/benchmarks/harness.py --sandbox none --turns 5
    python tests/benchmarks/harness.py --submission DIR --part part1

The calls are those that the checks make on this submission, hidden ones included.  A bare turn
builds each network once, copies it and the arrays for every call, seeds the generators, and calls
the function: nothing else.  A turn of the grader runs all checks, in guests as in `hw3 grade`; its
time is that of this process, of what starts guests, and of the guests.  The two take turns, so that
whatever else the machine does slows both; ratios are those of medians, and the range is that of
single turns.

A worker's cold start is its first submission beside its second, and beside ``import torch``, in
processes of their own: once without values of the reference on disk and once with those that the
first worker left there (in a home of its own).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch
from plain_calls import Plain
from start import of_tree

from grader.checks.framework import registry
from grader.grading import engine
from grader.grading.fingerprint import fingerprint
from grader.homework.networks import Network
from grader.oracle import kept
from grader.records import Call, Limits, Reply
from grader.sandbox.guest.loader import Loader
from grader.sandbox.host import process
from grader.sandbox.host.session import InProcessSession, ProcessSession
from grader.sandbox.isolation import probe
from grader.sandbox.isolation.modes import Walls

ROOT = Path(__file__).parents[2]
PARTS = ("part1", "part2", "part3")


def spent() -> float:
    """Seconds of processor time of this process and of all that it started and that still runs."""
    return of_tree(os.getpid())


class Recording:
    """A session that keeps the calls that it is asked for."""

    def __init__(self, files: Mapping[str, bytes], calls: list[Call]) -> None:
        self._session, self._calls, self._files = InProcessSession(files), calls, files

    def call(self, call: Call, limits: Limits | None = None) -> Reply:
        """Note the call, and carry it out."""
        self._calls.append(call)
        return self._session.call(call, limits)

    def fresh(self) -> Recording:
        """Another one, which notes its calls in the same list."""
        return Recording(self._files, self._calls)

    def close(self) -> None:
        """Let go of the submission."""
        self._session.close()


class Bare:
    """The calls without a grader."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._loader = Loader(dict(files), (), "", None)
        self._plain = Plain(self._loader.namespace)

    def run(self, calls: list[Call]) -> float:
        """Carry them out; the seconds of processor time."""
        self._plain.forget()
        self._loader.install()
        try:
            for part in PARTS:
                self._loader.namespace(part)
            started = time.process_time()
            for call in calls:
                with suppress(Exception):  # some checks ask for what has to be refused
                    self._plain.value(call)
            return time.process_time() - started
        finally:
            self._loader.uninstall()


def checks_of(parts: list[str]) -> list[Any]:
    """The checks of some parts, without the training of the GAN."""
    return [check for check in registry.load() if check.part in parts and not check.long]


def graded(files: Mapping[str, bytes], walls: Walls, parts: list[str]) -> float:
    """Run all checks on a submission; the seconds of processor time."""
    started = spent()
    opens = lambda part: ProcessSession(files, Limits(), walls, part=part)  # noqa: E731
    outcomes = list(engine.run(checks_of(parts), opens))
    assert outcomes
    return spent() - started


@contextmanager
def home() -> Iterator[dict[str, str]]:
    """An environment with an empty home."""
    with tempfile.TemporaryDirectory(prefix="hw3-home-") as place:
        yield {**os.environ, "HOME": place, "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}


def worker(folder: Path, sandbox: str, parts: list[str]) -> None:
    """In a process of its own: print what the first and the second submission cost."""
    kept.enable()
    walls, files = probe.choose(sandbox), read(folder)
    process.end_guests()
    before = time.process_time()
    taken = []
    for _ in range(2):
        with kept.kept(not walls.unsandboxed, fingerprint):
            taken.append(graded(files, walls, parts))
    print(json.dumps({"start": before, "first": taken[0], "second": taken[1]}))


def cold(options: argparse.Namespace) -> None:
    """Print what a worker's first submission costs on top of its second."""
    command = [sys.executable, __file__, "--worker", *sys.argv[1:]]
    torch_alone = [sys.executable, "-c", "import time, torch; print(time.process_time())"]
    rows: dict[str, list[float]] = {"no values on disk": [], "values on disk": []}
    base = []
    for _ in range(options.cold):
        with home() as environment:
            for name in rows:
                told = subprocess.run(
                    torch_alone, capture_output=True, text=True, check=True, env=environment
                )
                base.append(float(told.stdout))
                said = subprocess.run(
                    command, capture_output=True, text=True, check=True, env=environment
                )
                of = json.loads(said.stdout.splitlines()[-1])
                rows[name].append(of["first"] - of["second"])
    once = statistics.median(base)
    print(f"\n{'import torch':44}{once:6.2f} s")
    for name, taken in rows.items():
        middle = statistics.median(taken)
        words = f"first submission less the second, {name}"
        print(f"{words:44}{middle:6.2f} s, {middle / once:.1f} times import torch")


def read(folder: Path) -> dict[str, bytes]:
    """The files of a submission."""
    return {path.name: path.read_bytes() for path in folder.glob("*.py")}


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--submission", type=Path, default=ROOT / "reference")
    parser.add_argument("--sandbox", default="auto", choices=("auto", "strict", "none"))
    parser.add_argument("--part", action="append", choices=PARTS, help="(all)")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--cold", type=int, default=1, help="turns of cold workers; 0 for none")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    parts = options.part or list(PARTS)
    torch.set_num_threads(1)
    if options.worker:
        worker(options.submission, options.sandbox, parts)
        return
    files = read(options.submission)
    calls: list[Call] = []
    list(engine.run(checks_of(parts), lambda part: Recording(files, calls)))
    networks = {v for c in calls for v in c.arguments.values() if isinstance(v, Network)}
    print(f"{len(checks_of(parts))} checks, {len(calls)} calls, {len(networks)} networks")
    walls = probe.choose(options.sandbox)
    bare, rows = Bare(files), []
    bare.run(calls)
    graded(files, walls, parts)
    for _ in range(options.turns):
        rows.append((bare.run(calls), graded(files, walls, parts)))
    alone, whole = (statistics.median(column) for column in zip(*rows, strict=True))
    ratios = sorted(g / b for b, g in rows)
    print(f"{'the same calls, bare':44}{alone:6.2f} s")
    words = f"a warm submission, walls: {walls.mode}"
    print(
        f"{words:44}{whole:6.2f} s, {whole / alone:.2f} times ({ratios[0]:.2f} … {ratios[-1]:.2f})"
    )
    if options.cold:
        cold(options)


if __name__ == "__main__":
    main()
