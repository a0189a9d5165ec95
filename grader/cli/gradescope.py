"""The command ``hw3 gradescope``, which Gradescope's ``run_autograder`` starts.

It is not listed: nobody calls it by hand, except to try an autograder.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from grader.cli.errors import PASSED, UNDECIDED, writing
from grader.cli.options import choose_walls
from grader.errors import BadSource, GuestUnusable
from grader.grading.assignment_toml import delivered, load
from grader.grading.weights import Assignment
from grader.records import Check, Outcome, Report, Submission
from grader.report.deliver import ForStudent
from grader.sandbox.isolation.modes import Walls
from grader.submissions import intake

__all__ = ["gradescope"]

PUBLIC_ONLY = (
    "This machine does not isolate your code, so that only the public checks were run. "
    "The hidden ones are run later, by your instructor."
)


@click.command(hidden=True)
@click.argument("root", default=Path("/autograder"), type=click.Path(path_type=Path))
def gradescope(root: Path) -> None:
    """Grade the one submission that lies in ROOT as Gradescope lays it out.

    Writes ROOT/results/results.json anew whenever a check has ended, so that a run that is cut
    short leaves what it knows.  Without isolation only public checks are run: a submission could
    read the hidden ones.
    """
    rules = root / "source" / "assignment.toml"
    assignment = load(rules) if rules.is_file() else delivered()
    walls = choose_walls("auto", fall_back=True)
    checks = assignment.checks()
    if walls.unsandboxed:
        checks = [check for check in checks if not check.hidden]
    run = _Run(root / "results" / "results.json", assignment, walls, checks)
    try:
        submission = intake.read_one(root / "submission")
    except BadSource as error:
        run.write_nothing(str(error))
        raise SystemExit(PASSED) from None
    try:
        run.all(submission)
    except GuestUnusable as error:
        run.write_nothing(f"This is not your fault; please tell your instructor: {error}")
        raise SystemExit(UNDECIDED) from None
    raise SystemExit(PASSED)


class _Run:
    """The checks of a submission, and the file that says how far they are."""

    def __init__(
        self, file: Path, assignment: Assignment, walls: Walls, checks: Sequence[Check]
    ) -> None:
        self._file, self._assignment, self._walls = file, assignment, walls
        self._checks = list(checks)
        self._notes = [PUBLIC_ONLY] if walls.unsandboxed else []
        self._started = time.monotonic()

    def all(self, submission: Submission) -> None:
        """Run every check; after each the file says all that is known.

        Raises:
            GuestUnusable: nothing can be run here.
        """
        from grader.grading import engine
        from grader.sandbox.host.session import Allowance, ProcessSession

        limits, packages = self._assignment.limits, self._assignment.packages
        allowance = Allowance(limits.total_seconds)

        def opened(part: str) -> ProcessSession:
            return ProcessSession(
                submission.files, limits, self._walls, allowance, part=part, packages=packages
            )

        ended: list[Outcome] = []
        self._write(submission, ended)
        for outcome in engine.run(self._checks, opened):
            ended.append(outcome)
            self._write(submission, ended)

    def write_nothing(self, reason: str) -> None:
        """Say why nothing was graded."""
        from grader.report.writers.files import write_text
        from grader.report.writers.gradescope import nothing

        with writing(self._file):
            write_text(self._file, nothing(reason))

    def _write(self, submission: Submission, ended: Sequence[Outcome]) -> None:
        from grader.report.writers.files import write_text
        from grader.report.writers.gradescope import results

        told = ForStudent(self._report(submission, ended))
        seconds = time.monotonic() - self._started
        text = results(told, of=len(self._checks), seconds=seconds, notes=self._notes)
        with writing(self._file):
            write_text(self._file, text)

    def _report(self, submission: Submission, ended: Sequence[Outcome]) -> Report:
        from grader.grading import engine

        ids = {outcome.check_id for outcome in ended}
        done = [check for check in self._checks if check.id in ids]
        made = engine.report(submission, done, ended, self._walls.describe())
        return replace(made, left_out=len(self._checks) - len(done))
