"""What habits of course code cost, in every mode of isolation, and over pipes as on other systems.

    python tests/benchmarks/habits.py

grades a right solution below each habit of ``tests/course_habits.py`` with walls of both modes,
without walls, and without walls in a process that is started.  Each row has the points of
``random_classes`` in the four; exit status 1 if they differ in one.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))
sys.path.insert(0, str(ROOT / "fixtures"))

import course_habits as habits  # noqa: E402 - from the folder above
from attacks import working  # noqa: E402
from grader.grading import engine  # noqa: E402
from grader.records import Limits, added  # noqa: E402
from grader.sandbox.host import process  # noqa: E402
from grader.sandbox.host.session import ProcessSession  # noqa: E402
from grader.sandbox.isolation.modes import NO_WALLS  # noqa: E402
from grading import CHECKS  # noqa: E402

MODES = ("bubblewrap", "lockdown", "none", "pipes")


def main() -> int:
    """Print the table."""
    argparse.ArgumentParser(description=__doc__.partition("\n")[0]).parse_args()
    checks = [check for check in CHECKS if check.function == "random_classes"]
    print(f"{'habit':34}" + "".join(f"{mode:>12}" for mode in MODES))
    differing = 0
    for habit in (*habits.EARNS, *habits.DOES_NOT):
        row = [_points(checks, habit, mode) for mode in MODES]
        differing += len(set(row)) > 1
        print(f"{habit:34}" + "".join(f"{points:12g}" for points in row), flush=True)
    total = len(habits.EARNS) + len(habits.DOES_NOT)
    print(f"{total} habits, {differing} with other points in another mode")
    return bool(differing)


def _points(checks: list, habit: str, mode: str) -> float:
    forks, process.FORKS = process.FORKS, mode != "pipes"
    walls = working(mode) if mode in MODES[:2] else NO_WALLS
    files = habits.submission(habit)
    try:
        ended = list(engine.run(checks, lambda p: ProcessSession(files, Limits(), walls, part=p)))
    finally:
        process.FORKS = forks
    points = {check.id: check.points for check in checks}
    return added(points[o.check_id] * o.fraction for o in ended)


if __name__ == "__main__":
    sys.exit(main())
