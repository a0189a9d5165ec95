"""What the installed plug-in costs pytest's start where nobody asks for it, beside ``-p no:hw3``.

    python tests/benchmarks/pytest_start.py               # about a minute
    python tests/benchmarks/pytest_start.py --repeats 99  # steadier numbers

pytest runs one test that does nothing, in a folder of its own, with the plug-in and without it in
turns.  Each figure is the median of its turns, in time of the processor; the ratio is the median
over pairs of turns.  The spread is that of two runs alike, also without the plug-in.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
WAYS = {"with": (), "without": ("-p", "no:hw3"), "again": ("-p", "no:hw3")}


def seconds(folder: Path, options: tuple[str, ...]) -> float:
    """Time of the processor of one run of pytest."""
    paths = os.pathsep.join([str(folder), str(ROOT)])
    command = [sys.executable, "-m", "pytest", "-q", *options, "test_nothing.py"]
    before = psutil.Process().cpu_times()
    subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": paths},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    after = psutil.Process().cpu_times()
    spent = (after.children_user, after.children_system)
    return sum(spent) - before.children_user - before.children_system


def main() -> None:
    """Print both figures, and their ratio beside that of two runs alike."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--repeats", type=int, default=31)
    repeats = parser.parse_args().repeats
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "test_nothing.py").write_text("def test_nothing():\n    pass\n")
        # As pip writes it down; where the package is installed already, this changes nothing.
        written = folder / "hw3_face-0.dist-info"
        written.mkdir()
        (written / "METADATA").write_text("Metadata-Version: 2.1\nName: hw3-face\nVersion: 0\n")
        (written / "entry_points.txt").write_text("[pytest11]\nhw3 = hw3_pytest\n")
        times: dict[str, list[float]] = {way: [] for way in WAYS}
        for turn in range(repeats + 1):
            for way, options in WAYS.items():
                spent = seconds(folder, options)
                if turn:  # the first ones write what Python compiles
                    times[way].append(spent)
    for way in ("with", "without"):
        print(f"{way:8} {1000 * statistics.median(times[way]):6.0f} ms")
    for words, way in (("the plug-in", "with"), ("two alike", "again")):
        pairs = zip(times[way], times["without"], strict=True)
        print(f"{words:12} {100 * (statistics.median(a / b for a, b in pairs) - 1):+.1f} %")


if __name__ == "__main__":
    main()
