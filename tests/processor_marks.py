"""Marks of parts 1 to 3 as an older processor would give them.

    python tests/processor_marks.py [--frozen] [--few] FOLDER[:PART]...

prints in JSON how each check of each submission (of a part alone, where one is named) ends in this
process: live, or, with ``--frozen``, the public ones held against the frozen values.  With
``--few`` each check that Hypothesis draws cases for tries three.  No known mistake is looked for,
and no example made smaller: that decides no mark, and takes most of the time.  :data:`OLD` are the
variables that keep torch from using what newer processors can do.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

OLD = {
    "ATEN_CPU_CAPABILITY": "default",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
}

Marks = dict[str, dict[str, tuple[str, float]]]
"""By submission and check, how it ended and the share of the points."""


def marks(folders: Sequence[Path | str], *options: str, **environment: str) -> Marks:
    """The marks of submissions, computed in a process with more variables."""
    command = [sys.executable, __file__, *options, *map(str, folders)]
    ours = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, **ours, **environment},
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    return {name: {c: tuple(how) for c, how in ended.items()} for name, ended in found.items()}


def marks_here(folders: Sequence[Path | str], *, few: bool, frozen: bool = False) -> Marks:
    """The marks of submissions, computed in this process.

    Args:
        folders: of submissions, with ``:PART`` behind it where one part alone is asked for.
        few: whether checks that draw their cases try three.
        frozen: whether public checks alone are run, held against the frozen values.
    """
    from grader.checks.framework import registry
    from grader.diagnosis import match
    from grader.grading import engine
    from grader.oracle.frozen import FrozenOracle
    from grader.oracle.live import oracle
    from grader.sandbox.host.session import InProcessSession
    from grading import few_cases

    checks = [c for c in registry.load() if c.part != "gan" and not (c.hidden and frozen)]
    found: Marks = {}
    source = FrozenOracle() if frozen else oracle.source
    drawn = few_cases() if few else nullcontext()
    diagnose, match.diagnose = match.diagnose, lambda answers: ""
    try:
        with oracle.answering(source), registry.without_shrinking(), drawn:
            for wanted in folders:
                place, _, part = str(wanted).partition(":")
                folder, asked = Path(place), [c for c in checks if part in ("", c.part)]
                files = {p.name: p.read_bytes() for p in sorted(folder.glob("[!_]*.py"))}
                ended = engine.run(asked, lambda part, files=files: InProcessSession(files))
                found[folder.name] = {
                    o.check_id: (o.status.value, round(o.fraction, 9)) for o in ended
                }
    finally:
        match.diagnose = diagnose
    return found


def differing(one: Marks, other: Marks) -> list[str]:
    """Submission, check, and how it ended in both, where that is not the same."""
    return [
        f"{name} {check}: {ended[check]} and {other[name].get(check)}"
        for name, ended in one.items()
        for check in ended
        if ended[check] != other[name].get(check)
    ]


def main() -> None:
    """Print the marks."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--frozen", action="store_true", help="hold against the frozen values")
    parser.add_argument("--few", action="store_true", help="three cases for each check that draws")
    parser.add_argument("folders", nargs="+")
    given = parser.parse_args()

    import torch

    torch.set_num_threads(1)
    found = marks_here(given.folders, few=given.few, frozen=given.frozen)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
