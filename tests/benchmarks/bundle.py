"""The public marks of every sample: the instructor's grader beside what students install.

``python tests/benchmarks/bundle.py`` makes the bundle, installs it in a fresh environment, and runs
``hw3 check`` of both on each sample submission.  With ``--python``, the bundle's side runs in an
environment that is there, with an older torch for example: everything but the grader has to be
installed in it.  Exits with 1 where a mark differs.  The GAN's training is left out unless
``--training`` is given: what it ends in may differ between platforms.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "fixtures"))

import cases  # noqa: E402 - from the folder above

HW3 = "from grader.cli.main import main; main()"

Marks = dict[str, tuple[str, float, float]]
"""Status, share and points of each check."""
Named = dict[str, str]
"""The diagnosis of each check that has one."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--python", help="of an environment with everything but the grader")
    parser.add_argument("--only", default="", help="samples with this in their name")
    parser.add_argument("--training", action="store_true", help="also train the GANs")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bundle = folder / "bundle"
        _run("the bundle", [sys.executable, "-c", HW3, "release", "student", bundle])
        python = given.python or _fresh(folder / "venv")
        wheel = next(bundle.glob("wheels/*.whl"))
        install = ["-m", "pip", "install", "--quiet"]
        if given.python:
            install += ["--force-reinstall", "--no-deps"]
        _run("pip", [python, *install, wheel])
        versions = "import torch, numpy, hypothesis as h, sys; print(sys.version.split()[0], " + (
            "torch.__version__, numpy.__version__, h.__version__)"
        )
        for who, its in (("instructor", sys.executable), ("bundle", python)):
            said = subprocess.run([its, "-c", versions], capture_output=True, text=True, cwd=name)
            print(f"{who}: Python, torch, NumPy, Hypothesis {said.stdout.strip()}")
        names = [name for name in cases.SAMPLES if given.only in name]
        samples = [cases.write(name, folder / "samples") for name in names]
        for sample in list(samples):
            needs = cases.load(sample.name).expected.requires
            tried = [python, "-c", f"import {needs}"]
            if needs and subprocess.run(tried, capture_output=True).returncode:
                print(f"{sample.name} is left out: it needs {needs}, which the bundle's side lacks")
                samples.remove(sample)

        def both(sample: Path) -> list[tuple[Marks, Named]]:
            extra = [] if given.training else ["--quick"]
            return [
                _marks(its, sample, folder / f"{sample.name}.{i}.json", extra, folder)
                for i, its in enumerate((sys.executable, python))
            ]

        differing = named = alike = 0
        print(f"{'sample':34} {'instructor':>10} {'bundle':>8}  other checks")
        with ThreadPoolExecutor(2) as pool:
            for sample, sides in zip(samples, pool.map(both, samples), strict=True):
                (ours, said), (theirs, told) = sides
                named += len(said)
                alike += sum(told.get(name) == words for name, words in said.items())
                other = [n for n in sorted({*ours, *theirs}) if ours.get(n) != theirs.get(n)]
                differing += bool(other)
                points = [sum(f * p for _, f, p in m.values()) for m in (ours, theirs)]
                words = ", ".join(f"{n} {ours.get(n)} {theirs.get(n)}" for n in other) or "-"
                print(f"{sample.name:34} {points[0]:10.2f} {points[1]:8.2f}  {words}", flush=True)
        print(f"{len(samples)} samples, {differing} with other marks")
        print(f"{named} diagnoses by the instructor's grader, {alike} the same from the bundle")
    sys.exit(bool(differing))


def _fresh(folder: Path) -> str:
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    return str(folder / ("Scripts" if sys.platform == "win32" else "bin") / "python")


def _run(what: str, command: list[object]) -> None:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{what}: {done.stderr.strip()}")


def _marks(
    python: str, sample: Path, out: Path, extra: list[str], cwd: Path
) -> tuple[Marks, Named]:
    command = [python, "-c", HW3, "check", sample, "--ci", "none", "--json", out, *extra]
    subprocess.run(list(map(str, command)), capture_output=True, cwd=cwd)
    if not out.is_file():
        return {}, {}  # refused, as a sample that is no submission is
    rows = json.loads(out.read_text("utf-8"))["checks"]
    named = {row["id"]: row["feedback"]["diagnosis"] for row in rows}
    marks = {row["id"]: (row["status"], row["fraction"], row["points"]) for row in rows}
    return marks, {name: words for name, words in named.items() if words}


if __name__ == "__main__":
    main()
