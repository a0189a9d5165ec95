"""What the same tests of part 1 cost with otter-grader and with unittest, beside this grader.

    pip install otter-grader ipykernel gradescope-utils
    python -m ipykernel install --sys-prefix
    python tests/benchmarks/others.py                # some minutes
    python tests/benchmarks/others.py --turns 5

The others get the calls that our checks make on the reference, hidden ones included: a test for
each check, which makes the same calls and compares each value with the reference's, which is in a
file, within the tolerance of our checks.  Their tests thus need no reference and no Hypothesis, say
nothing of what is wrong, and run in the process of the submission, without isolation.

Graded are copies of the reference, each with another comment.  unittest (with gradescope-utils, as
on Gradescope) and ``otter run`` take one submission and end; so 16 of them cost 16 times as much
as one.  ``hw3 grade`` takes one, or 16 at once, and finds what it has kept of the reference's
values by an earlier run.  Everybody takes turns; figures are processor seconds of a command and of
all that it started, the medians of the turns, and ratios are those of medians.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import shutil
import statistics
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from harness import Recording, checks_of, read
from plain_calls import Plain, outcome
from start import HW3, adopt, of_children

from grader.grading import engine
from grader.homework.contract import FILES
from grader.records import Call, Check
from grader.sandbox.guest.loader import Loader

ROOT = Path(__file__).parents[2]
CLASS = 16
PART, FILE = "part1", FILES[0]

UNITTEST = """
import sys, unittest
from pathlib import Path
from gradescope_utils.autograder_utils.decorators import weight
from gradescope_utils.autograder_utils.json_test_runner import JSONTestRunner
sys.path[:0] = [{benchmarks!r}, sys.argv[1]]
import part1_focused
from plain_calls import Plain, assert_all
PLAIN = Plain(lambda part: vars(part1_focused))
class Part1(unittest.TestCase):
    pass
def test(kept, points):
    return weight(points)(lambda self: assert_all(Path(kept), PLAIN))
for name, (kept, points) in {tests!r}.items():
    setattr(Part1, "test_" + name, test(kept, points))
suite = unittest.defaultTestLoader.loadTestsFromTestCase(Part1)
with open(sys.argv[2], "w") as written:
    JSONTestRunner(visibility="visible", stream=written).run(suite)
"""

OTTER = """
from otter.test_files import test_case
OK_FORMAT = False
name = {name!r}
points = {points!r}
@test_case()
def test_{number}(env):
    import sys
    from pathlib import Path
    sys.path.insert(0, {benchmarks!r})
    from plain_calls import Plain, assert_all
    plain = env.setdefault("_plain", Plain(lambda part: env))
    assert_all(Path({kept!r}), plain)
"""


def calls_of(check: Check, files: Mapping[str, bytes]) -> list[Call]:
    """The calls that a check makes on a submission."""
    calls: list[Call] = []
    (ended,) = engine.run([check], lambda part: Recording(files, calls))
    assert ended.fraction == 1, f"{check.id}: {ended.feedback.message}"
    return calls


def kept_values(folder: Path) -> dict[str, tuple[str, float]]:
    """Write the calls of each check with what the reference gives: file and points by check."""
    files = read(ROOT / "reference")
    loader = Loader(dict(files), (), "", None)
    tests = {}
    chosen = checks_of([PART])
    calls = {check.id: calls_of(alone(check), files) for check in chosen}
    loader.install()
    try:
        plain = Plain(loader.namespace)
        for check in chosen:
            made = [(call, outcome(plain, call)) for call in calls[check.id]]
            plain.forget_values()
            path = folder / f"{check.id}.pickle"
            path.write_bytes(pickle.dumps(made))
            tests[check.id.replace(".", "_")] = (str(path), check.points)
    finally:
        loader.uninstall()
    return tests


def alone(check: Check) -> Check:
    """The check without those that it needs."""
    return type(check)(**{**vars(check), "needs": ()})


def write_tests(folder: Path, tests: Mapping[str, tuple[str, float]]) -> None:
    """Write the tests for unittest, and a configuration for otter."""
    benchmarks = str(Path(__file__).parent)
    text = UNITTEST.format(benchmarks=benchmarks, tests=dict(tests))
    (folder / "run_tests.py").write_text(text, encoding="utf-8")
    with zipfile.ZipFile(folder / "autograder.zip", "w") as archive:
        archive.writestr("otter_config.json", "{}")
        for number, (name, (kept, points)) in enumerate(tests.items()):
            text = OTTER.format(
                name=name, points=points, number=number, kept=kept, benchmarks=benchmarks
            )
            archive.writestr(f"tests/{name}.py", text)


def write_class(folder: Path) -> None:
    """Write copies of the reference that differ in a comment."""
    for number in range(CLASS):
        place = folder / f"s{number:02}"
        place.mkdir(parents=True)
        text = (ROOT / "reference" / FILE).read_text(encoding="utf-8")
        (place / FILE).write_text(f"{text}\n# of student {number}\n", encoding="utf-8")


class Turns:
    """The commands, run in a folder with a home of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "home").mkdir()
        self.environment = {
            **os.environ,
            **{"HOME": str(folder / "home"), "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0"},
        }
        self.environment.pop("PYTHONDONTWRITEBYTECODE", None)  # as it is where one installs

    def seconds(self, *command: str) -> float:
        """Run a command to its end; the processor seconds."""
        before = of_children()
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True
        )
        if done.returncode:
            raise RuntimeError(f"{command} ended with {done.returncode}: {done.stderr[-2000:]}")
        return of_children() - before

    def grade(self, source: str) -> float:
        """``hw3 grade`` on one submission, or on all."""
        shutil.rmtree(self.folder / "out", ignore_errors=True)
        return self.seconds(HW3, "grade", source, "--out=out", f"--part={PART}", "--jobs=1")

    def check(self) -> float:
        """``hw3 check`` on one: the public checks alone."""
        return self.seconds(HW3, "check", "class/s00", f"--part={PART}")

    def unittest(self) -> float:
        """unittest on one."""
        told = self.folder / "unittest.json"
        taken = self.seconds(sys.executable, "run_tests.py", "class/s00", str(told))
        tests = json.loads(told.read_text(encoding="utf-8"))["tests"]
        failed = [one["name"] for one in tests if one.get("status") == "failed"]
        assert tests, "unittest ran no test"
        assert not failed, f"unittest fails {failed}"
        return taken

    def otter(self) -> float:
        """``otter run`` on one."""
        command = (sys.executable, "-m", "otter", "run", "--no-logo", "-a", "autograder.zip")
        taken = self.seconds(*command, "-o", ".", f"class/s00/{FILE}")
        tests = json.loads((self.folder / "results.json").read_text(encoding="utf-8"))["tests"]
        failed = [one["name"] for one in tests if one.get("score", 0) < one.get("max_score", 0)]
        assert len(tests) > 1, "otter ran no test"
        assert not failed, f"otter fails {failed}"
        return taken


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--turns", type=int, default=3, help="of each command (3)")
    turns = parser.parse_args().turns
    needed = {"otter": "otter-grader", "ipykernel": "ipykernel"}
    needed["gradescope_utils"] = "gradescope-utils"
    missing = [package for module, package in needed.items() if find_spec(module) is None]
    if missing:
        parser.exit(2, f"not installed: pip install {' '.join(missing)}\n")
    adopt()
    with tempfile.TemporaryDirectory(prefix="hw3-others-") as name:
        folder = Path(name)
        tests = kept_values(folder)
        write_tests(folder, tests)
        write_class(folder / "class")
        print(f"{len(tests)} checks of {PART}, processor seconds a submission")
        show(measured(Turns(folder), turns))


def measured(run: Turns, turns: int) -> dict[str, list[float]]:
    """Let all take turns: the seconds a submission, by what was run."""
    ways = {
        "import torch": lambda: run.seconds(sys.executable, "-c", "import torch"),
        "hw3 check, one": run.check,
        "hw3 grade, one": lambda: run.grade("class/s00"),
        f"hw3 grade, {CLASS}": lambda: run.grade("class") / CLASS,
        "unittest": run.unittest,
        "otter run": run.otter,
    }
    run.grade("class/s00")  # keeps values of the reference, and compiled files
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(turns):
        for name, way in ways.items():
            found[name].append(way())
    return found


def show(found: Mapping[str, list[float]]) -> None:
    """Print medians with their range, and how many times ours each is."""
    middle = {name: statistics.median(taken) for name, taken in found.items()}
    one, many = middle["hw3 grade, one"], middle[f"hw3 grade, {CLASS}"]
    for name, taken in found.items():
        spread = f"({min(taken):.2f} … {max(taken):.2f})"
        ratios = ""
        if name in ("unittest", "otter run"):
            share = middle[name]
            ratios = f", {share / one:.1f} times ours for one, {share / many:.1f} times for {CLASS}"
        print(f"{name:18}{middle[name]:6.2f} s {spread}{ratios}")


if __name__ == "__main__":
    main()
