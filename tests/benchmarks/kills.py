"""Ten runs that are killed at random moments, and resumed: the gradebook of an undisturbed run.

    python tests/benchmarks/kills.py               # ten kills, some minutes
    python tests/benchmarks/kills.py --kills 3 --seed 7

A small class is graded by the command itself, on three functions.  Then, each time in a new folder
of results, the command starts again, and SIGKILL ends it and all its processes at a random moment:
so many seconds after so many results.  Whatever is then in the folder has to be readable: the
gradebook names everybody, and says how many are missing.  The same command then has to end, with
the rows, the marks and the statuses of the undisturbed run, times aside; and no lock, no temporary
file and no process may be left.

The exit status is 1 where anything is not so.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "fixtures"))
sys.path.insert(0, str(ROOT / "tests" / "gradebook"))
sys.path.insert(0, str(ROOT / "tests"))

import course  # noqa: E402
import make_exports  # noqa: E402

STUDENTS = 6
COMMAND = [sys.executable, "-c", "from grader.cli.main import main; main()", "grade"]
OF_RUNS = {"seconds", "started", "versions"}
"""Keys of a result that tell of the run, not of the submission."""


def write_class(folder: Path) -> None:
    """Students who are right, wrong, absent in a part, damaged, and with something to decide."""
    right = {name: text.encode() for name, text in course.RIGHT.items()}
    wrong = {**right, "gan.py": right["gan.py"].replace(b"mean()", b"sum()")}
    kinds = [right, wrong, {"gan.py": right["gan.py"]}, {"hw3.zip": b"PK"}, right, {}]
    for number, files in zip(range(STUDENTS), kinds, strict=True):
        (folder / "class" / f"s{number}").mkdir(parents=True)
        make_exports.write(folder / "class" / f"s{number}", files)
    (folder / "assignment.toml").write_text(course.rules(), encoding="utf-8")


def start(folder: Path, out: Path) -> subprocess.Popen[bytes]:
    """The command, with a group of processes of its own."""
    words = [str(folder / "class"), "--out", str(out), "--jobs", "2"]
    words += ["--assignment", str(folder / "assignment.toml")]
    return subprocess.Popen(
        [*COMMAND, *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )


def rows(out: Path) -> list[list[str]]:
    """The gradebook."""
    with open(out / "gradebook.csv", encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def results(out: Path) -> dict[str, Any]:
    """Every result, without what tells of its run."""
    return {
        path.parent.name: lasting(json.loads(path.read_text("utf-8")))
        for path in sorted(out.glob("*/result.json"))
    }


def lasting(value: Any) -> Any:
    """A document without times."""
    if isinstance(value, dict):
        return {key: lasting(item) for key, item in value.items() if key not in OF_RUNS}
    return [lasting(item) for item in value] if isinstance(value, list) else value


def alive(group: int) -> bool:
    """Whether a group of processes has one left that runs."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def until_gone(group: int, seconds: float = 20.0) -> bool:
    """Wait until a group has no process any more."""
    end = time.monotonic() + seconds
    while alive(group) and time.monotonic() < end:
        time.sleep(0.1)
    return not alive(group)


def killed(folder: Path, out: Path, number: int, seconds: float) -> list[str]:
    """Kill a run so many seconds after so many results; what is wrong with what it leaves."""
    run = start(folder, out)
    while run.poll() is None and len(list(out.glob("*/result.json"))) < number:
        time.sleep(0.02)
    time.sleep(seconds)
    with suppress(ProcessLookupError):  # it was faster
        os.killpg(run.pid, signal.SIGKILL)
    run.communicate()
    wrong = [] if until_gone(run.pid) else ["processes are left"]
    if (out / "gradebook.csv").exists():
        shown = {row[0] for row in rows(out)} | {row[1] for row in rows(out)}
        lost = [f"s{n}" for n in range(STUDENTS) if f"s{n}" not in shown]
        wrong += [f"the gradebook after the kill lacks {', '.join(lost)}"] if lost else []
        done = len(list(out.glob("*/result.json")))
        text = (out / "gradebook.csv").read_text("utf-8-sig")
        if done < STUDENTS and "not graded yet" not in text:
            wrong.append(f"it has {done} of {STUDENTS} results and says nothing of the others")
    return wrong


def resumed(folder: Path, out: Path) -> list[str]:
    """End what was killed; what is wrong."""
    run = start(folder, out)
    _, said = run.communicate()
    wrong = [] if run.returncode == 3 else [f"exit {run.returncode}: {said.decode()[-300:]}"]
    left = [path.name for path in out.rglob("*") if path.name.endswith((".tmp", ".lock"))]
    return wrong + ([f"{', '.join(left)} are left"] if left else [])


def main() -> int:
    """Run all of it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    draw = random.Random(options.seed)
    failures = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_class(folder)
        wrong = resumed(folder, folder / "undisturbed")
        print(f"undisturbed: {'; '.join(wrong) or 'ended in order'}")
        failures += bool(wrong)
        table, every = rows(folder / "undisturbed"), results(folder / "undisturbed")
        for number in range(options.kills):
            out, wanted = folder / f"killed-{number}", draw.randrange(STUDENTS)
            wrong = killed(folder, out, wanted, draw.uniform(0.0, 1.0 if wanted else 10.0))
            done = len(list(out.glob("*/result.json")))
            wrong += resumed(folder, out)
            wrong += [] if rows(out) == table else ["the gradebook is another one"]
            wrong += [] if results(out) == every else ["results differ"]
            says = "; ".join(wrong) or "the same gradebook"
            print(f"killed with {done} of {STUDENTS} graded: {says}")
            failures += bool(wrong)
    print(f"{options.kills} kills, {failures} runs with something wrong")
    return int(failures > 0)


if __name__ == "__main__":
    raise SystemExit(main())
