"""How long a run with nothing to grade takes, and one that brings changed points to every page.

    python tests/benchmarks/points.py
    python tests/benchmarks/points.py --sample keeps_softmax --students 60

One sample is graded; its result and its files are then those of so many students.  A first run
makes their pages, further ones have nothing to do.  Then the points of a part change, and
`hw3 report` and `hw3 grade` make the pages anew.  No check runs for any of this.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from start import adopt, of_children

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "fixtures" / "submissions"
COMMAND = [sys.executable, "-c", "from grader.cli.main import main; main()"]


def main() -> None:
    """Grade one, make it many, change points, and print seconds."""
    parser = argparse.ArgumentParser(description="Time changed points.")
    parser.add_argument(
        "--sample", default="keeps_softmax", choices=sorted(p.name for p in SAMPLES.iterdir())
    )
    parser.add_argument("--students", type=int, default=66)
    options = parser.parse_args()
    adopt()
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), SAMPLES / options.sample, options.students)


def measure(folder: Path, sample: Path, students: int) -> None:
    """Print how long each command took, and what it said of itself."""
    out, rules = folder / "graded", folder / "assignment.toml"
    for number in range(students):
        shutil.copytree(sample, folder / "class" / f"s{number:03}")
    rules.write_text("", encoding="utf-8")
    before = of_children()
    subprocess.run([sys.executable, "-c", "import torch"], check=True)
    print(f"import torch: {of_children() - before:.1f} s of a processor\n")
    grade = ["grade", "class", "--out", "graded", "--assignment", "assignment.toml", "--jobs", "1"]
    first = [*grade[:1], "class/s000", *grade[2:]]
    timed(folder, "one is graded", first)
    spread(out, students)
    timed(folder, "nothing to grade, but pages to make", grade)
    for _ in range(3):
        timed(folder, "nothing to do", grade)
    rules.write_text("[points]\npart1 = 40\n", encoding="utf-8")
    timed(folder, "points changed, hw3 report", ["report", "graded", "--assignment", rules.name])
    rules.write_text("[points]\npart1 = 50\n", encoding="utf-8")
    timed(folder, "points changed, hw3 grade", grade)


def spread(out: Path, students: int) -> None:
    """Make the one result that of every student."""
    document = json.loads((out / "s000" / "result.json").read_text("utf-8"))
    for number in range(1, students):
        name = f"s{number:03}"
        shutil.copytree(out / "s000", out / name)
        document["submission"] |= {"id": name, "name": name}
        (out / name / "result.json").write_text(json.dumps(document), encoding="utf-8")


def timed(folder: Path, what: str, words: list[str]) -> None:
    """Carry out a command, and print how long it took and what it said."""
    before, started = of_children(), time.perf_counter()
    done = subprocess.run([*COMMAND, *words], cwd=folder, capture_output=True, text=True)
    seconds = time.perf_counter() - started
    took = of_children() - before
    ended = f"exit status {done.returncode}"
    print(f"{what}: {seconds:.1f} s, {took:.1f} s of a processor, {ended}", flush=True)
    said = [*done.stderr.splitlines(), *done.stdout.splitlines()[-4:]]
    print("".join(f"    {line}\n" for line in said if line.strip()), flush=True)


if __name__ == "__main__":
    main()
