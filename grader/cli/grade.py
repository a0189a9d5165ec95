"""The command ``hw3 grade``."""

from __future__ import annotations

import errno
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from grader.cli.errors import PASSED, UNDECIDED, path_words
from grader.cli.options import (
    choose_walls,
    console,
    cores,
    known_part,
    of_assignment,
    of_part,
    of_walls,
    progress_bar,
    some_checks,
    writable,
)
from grader.errors import Refused, Unwritten
from grader.grading.weights import Assignment
from grader.records import Submission
from grader.report.deliver import ForInstructor
from grader.sandbox.host.process import end_guests
from grader.submissions import intake
from grader.submissions.roster import read_roster
from grader.text import one_line

__all__ = ["grade"]


@click.command()
@click.argument("sources", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder for results.")
@of_part
@click.option("--jobs", type=click.IntRange(1), help="Submissions at a time (default: cores).")
@click.option("--regrade", is_flag=True, help="Grade again what already has a result.")
@click.option("--roster", type=click.Path(path_type=Path), help="The people of the class, as CSV.")
@of_assignment
@of_walls
def grade(
    sources: tuple[Path, ...],
    out: Path,
    part: str,
    jobs: int | None,
    regrade: bool,
    roster: Path | None,
    assignment: Assignment,
    sandbox: str,
) -> None:
    """Grade submissions: SOURCES are submission folders, folders of them, or archives.

    Writes index.html and gradebook.csv to the folder OUT, and report.html (for the student),
    instructor.html and result.json for each submission.  An interrupted run continues where it
    stopped.
    """
    from grader.grading import batch
    from grader.report.writers import terminal

    known_part(part)
    if out.exists() and not out.is_dir():
        raise Refused(f"{path_words(out)} is a file; name a folder for the results")
    writable(out / "index.html")
    if missing := assignment.not_installed:
        names = " ".join(missing)
        raise Refused(
            f"the assignment lets submissions import {', '.join(missing)}, which this machine does "
            f"not have: pip install {names}"
        )
    people = intake.read_class(sources, roster=read_roster(roster) if roster else None)
    submissions = list(people.submissions)
    for source, words in zip(sources, people.layout, strict=False):
        click.echo(f"{path_words(source)}: {words}", err=True)
    click.echo(people.sum_in_words(), err=True)
    walls = choose_walls(sandbox)
    end_guests()  # each worker has its own
    job = batch.Job(walls, part, assignment)
    checks = assignment.checks()
    some_checks(checks, part)
    left = [s for s in submissions if regrade or not batch.is_done(s, job, out)]
    errors = Console(stderr=True, highlight=False)
    if walls.unsandboxed:
        errors.print(Text("UNSANDBOXED: submissions run with your rights.", "bold red"))
    if assignment.seed is None and any(c.hidden and part in ("", c.part) for c in checks):
        errors.print(
            "Hidden cases are drawn from the default seed, which anybody can read: "
            "set one of your own in an assignment.toml (--assignment)."
        )
    if len(left) < len(submissions):
        kept = len(submissions) - len(left)
        errors.print(f"{kept} of {len(submissions)} have a result already (--regrade ignores it).")
    started, failed = time.monotonic(), []
    stopped: KeyboardInterrupt | OSError | None = None
    try:
        failed = _grade(left, job, out, jobs or cores())
    except (KeyboardInterrupt, Unwritten) as why:
        stopped = why
    try:
        seconds = None if stopped else time.monotonic() - started
        reports = _write_class(submissions, job, out, seconds)
    except OSError as error:
        stopped = stopped or error
    if stopped:
        done = sum(batch.is_done(s, job, out) for s in submissions)
        raise _stopped(stopped, f"{done} of {len(submissions)} are graded", out)
    terminal.show_class(reports, console(100))
    click.echo(f"\n{len(reports)} graded: open {path_words(out / 'index.html')}")
    for name, problem in failed:
        errors.print(Text(f"{name} could not be graded: {one_line(problem)}", "red"))
    gone = (
        {s.id for s in submissions}
        - {r.report.submission.id for r in reports}
        - {n for n, _ in failed}
    )
    if gone:
        words = f"Results of {len(gone)} are no longer in {path_words(out)}: somebody removed them"
        errors.print(Text(f"{words}; the same command grades these again.", "red"))
    undecided = failed or gone or any(r.report.total.undecided for r in reports)
    raise SystemExit(UNDECIDED if undecided else PASSED)


def _stopped(why: KeyboardInterrupt | OSError, graded: str, out: Path) -> Refused:
    rest = "the same command continues from there"
    if isinstance(why, KeyboardInterrupt):
        return Refused(f"stopped: {graded}; {rest}")
    remedy = "make space" if why.errno in (errno.ENOSPC, errno.EDQUOT) else "fix that"
    where, reason = path_words(out), why.strerror or why
    return Refused(f"{where} cannot be written ({reason}): {graded}; {remedy}, and {rest}")


def _grade(
    submissions: Sequence[Submission], job: Any, out: Path, jobs: int
) -> list[tuple[str, str]]:
    from grader.grading import batch

    failed = []
    with progress_bar() as progress:
        task = progress.add_task("grading", total=len(submissions))
        with closing(batch.grade_all(submissions, job, out, jobs=jobs)) as graded:
            for submission, problem in graded:
                if problem:
                    failed.append((submission.id, problem))
                progress.update(task, advance=1, description=one_line(submission.id, 40))
    return failed


def _write_class(
    submissions: Sequence[Submission], job: Any, out: Path, seconds: float | None
) -> list[ForInstructor]:
    from grader.gradebook.table import gradebook
    from grader.grading import batch
    from grader.report.writers.files import write_text
    from grader.report.writers.html import index_page

    reports = [ForInstructor(one) for one in batch.read_reports(submissions, job, out)]
    if reports:
        write_text(out / "gradebook.csv", gradebook(reports))
        write_text(out / "index.html", index_page(reports, seconds=seconds))
    return reports
