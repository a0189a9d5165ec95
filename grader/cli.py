"""The command ``hw3``.

Exit statuses: 0 all passed (``grade``: every submission was graded), 1 something failed, 2 the
command cannot be carried out, 3 the grader could not decide.
"""

from __future__ import annotations

import errno
import importlib.util
import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

# Before torch is imported: it grades beside other processes, and one thread repeats to the bit.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

import grader
from grader import ci, contract, intake
from grader.assignment import Assignment
from grader.assignment_file import nearest
from grader.installed import another
from grader.options import (
    Commands,
    Estimate,
    Refused,
    console,
    cores,
    heeded,
    known_part,
    of_assignment,
    of_part,
    of_walls,
    path_words,
    progress_bar,
    unwritten,
    writable,
)
from grader.records import Check, Outcome, Report, Status, Submission, added
from grader.report import display
from grader.sandbox.probe import NoWalls, choose
from grader.sandbox.process import end_guests
from grader.sandbox.session import GuestUnusable, ProcessSession
from grader.sandbox.walls import NO_WALLS, Walls

__all__ = ["main"]

PASSED, FAILED, UNDECIDED = 0, 1, 3


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(grader.__version__, prog_name="hw3")
def main() -> None:
    """Grade homework 3: explaining neural networks, and a GAN.

    Exit status: 0 all passed, 1 something failed, 2 the command cannot be carried out, 3 the grader
    could not decide.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


for _module, _names in (("audit_cli", ("audit",)), ("release_cli", ("freeze", "release"))):
    # A student's package has none of these.
    if importlib.util.find_spec(f"grader.{_module}"):
        for _name in _names:
            main.add_command(getattr(importlib.import_module(f"grader.{_module}"), _name))


@main.command()
@click.argument("folder", default=".", metavar="[DIR]", type=click.Path(path_type=Path))
@of_part
@click.option("--only", metavar="CHECK", default="", help="Only this check, or function.")
@click.option("--quick", is_flag=True, help="Leave out the training of the GAN.")
@click.option("--verbose", "-v", is_flag=True, help="Say all that is known about every check.")
@click.option("--html", "html_file", type=click.Path(path_type=Path), help="Write the report.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the result.")
@click.option("--junit", "junit_file", type=click.Path(path_type=Path), help="Write JUnit's XML.")
@click.option(
    "--ci",
    "system",
    type=click.Choice(ci.SYSTEMS),
    help="Tell this system what was found (default: the one that runs this, by its variables).",
)
@of_assignment
@of_walls
def check(
    folder: Path,
    part: str,
    only: str,
    quick: bool,
    verbose: bool,
    html_file: Path | None,
    json_file: Path | None,
    junit_file: Path | None,
    system: str | None,
    assignment: Assignment,
    sandbox: str,
) -> None:
    """Run the public checks on the submission in DIR (default: this folder)."""
    known_part(part)
    for path in (html_file, json_file, junit_file):
        writable(path)
    if why := another(folder):
        raise Refused(why)
    submission = _sources(lambda: intake.read_one(folder))
    with ThreadPoolExecutor(1) as aside:
        # What forks guests imports torch while this process does.
        choosing = aside.submit(_choose, sandbox, fall_back=sandbox == "auto")
        public, chosen = _checks(assignment, part, only, quick)
        walls = choosing.result()
    with closing(ProcessSession(submission.files, assignment.limits, walls)) as session:
        left_out = len(public) - len(chosen)
        report = _run(submission, chosen, session, walls, assignment, left_out)
    _show(report, verbose)
    _say_what_was_too_long(
        [c for c in public if quick and c.id in _long() and part in ("", c.part)]
    )
    _tell(system, report, folder)
    _write(report, html_file, json_file, junit_file)
    raise SystemExit(_status(report.outcomes))


def _long() -> set[str]:
    """The checks that take long, whatever an assignment allows them."""
    from grader.checks import registry

    return {c.id for c in registry.load() if c.long}


def _say_what_was_too_long(checks: Sequence[Check]) -> None:
    for left in checks:
        console(100).print(
            f"Not checked: {left.id}, {display.number(left.points)} points. It trains the GAN; "
            f"`hw3 check --only {left.id}` runs it."
        )


def _checks(
    assignment: Assignment, part: str, only: str, quick: bool
) -> tuple[list[Check], list[Check]]:
    """All public checks, and those that were asked for."""
    from grader.checks import registry

    public = [c for c in assignment.checks() if not c.hidden]
    if part and not only:
        _some(public, part)
    try:
        chosen = registry.checks_of(public, part=part, only=only)
    except KeyError:
        where = f" in {part}" if part else ""
        near = nearest(only, [*(c.id for c in public), *contract.FUNCTIONS])
        raise Refused(
            f"there is no check {only!r}{where}{near}; `hw3 list` names them all"
        ) from None
    if quick:
        chosen = [c for c in chosen if c.id not in _long()]
    return public, chosen


def _some(checks: Sequence[Check], part: str) -> None:
    if not any(part in ("", c.part) for c in checks):
        raise Refused(f"the assignment leaves no check of {part or 'any part'} to run")


def _choose(sandbox: str, *, fall_back: bool = False) -> Walls:
    try:
        return choose(sandbox)
    except NoWalls as error:
        if fall_back:  # one's own code on one's own machine; the report says so
            return NO_WALLS
        raise Refused(
            f"no walls work here ({error}); `hw3 doctor` says what would help, --sandbox none "
            "grades without: only code that you trust, on a machine that can be thrown away"
        ) from None


def _sources(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except intake.BadSource as error:
        raise Refused(str(error)) from None


def _run(
    submission: Submission,
    checks: Sequence[Check],
    session: ProcessSession,
    walls: Walls,
    assignment: Assignment,
    left_out: int,
) -> Report:
    from grader import engine

    def report(done: Sequence[Check]) -> Report:
        made = engine.report(submission, done, outcomes, walls.describe())
        return replace(
            made,
            environment={**made.environment, **assignment.describe()},
            left_out=left_out + len(checks) - len(done),
        )

    outcomes: list[Outcome] = []
    with progress_bar() as progress:
        task = progress.add_task("starting", total=len(checks))
        progress.update(task, description=_now(checks, 0))
        training = Estimate(lambda words: progress.update(task, description=words))
        session.on_progress = lambda done: training.at(_now(checks, len(outcomes)), done)
        try:
            for outcome in engine.run(
                checks,
                lambda: ProcessSession(submission.files, assignment.limits, walls),
                first=session,
            ):
                outcomes.append(outcome)
                progress.update(task, advance=1, description=_now(checks, len(outcomes)))
        except GuestUnusable as error:
            raise Refused(f"{error}; `hw3 doctor` may say more") from None
        except KeyboardInterrupt:
            progress.stop()
            if outcomes:
                ended = {o.check_id for o in outcomes}
                _show(report([c for c in checks if c.id in ended]), False)
            raise Refused(f"stopped after {len(outcomes)} of {len(checks)} checks") from None
    return report(checks)


def _now(checks: Sequence[Check], done: int) -> str:
    return checks[done].id if done < len(checks) else "done"


def _show(report: Report, verbose: bool) -> None:
    from grader.report import terminal
    from grader.report.redact import for_student

    terminal.show(for_student(report), console(100), verbose)


def _tell(wish: str | None, report: Report, folder: Path) -> None:
    commands, problems = ci.hand_over(ci.system(wish), report, folder)
    for problem in problems:
        click.echo(display.one_line(problem, 4000), err=True)
    heeded(commands)


def _write(report: Report, page: Path | None, result: Path | None, tests: Path | None) -> None:
    from grader.report.files import write_text
    from grader.report.html import student_page
    from grader.report.junit import junit
    from grader.report.redact import for_student
    from grader.report.results import write_json

    path = None
    try:
        if (path := page) is not None:
            write_text(path, student_page(report))
            click.echo(f"report: {path_words(path)}", err=True)
        if (path := result) is not None:
            write_json(path, for_student(report))
        if (path := tests) is not None:
            write_text(path, junit(report))
    except OSError as error:
        raise unwritten(error, path) from None


def _status(outcomes: Sequence[Outcome]) -> int:
    statuses = {outcome.status for outcome in outcomes}
    if Status.INVALID in statuses:
        return UNDECIDED
    return PASSED if statuses <= {Status.PASSED} else FAILED


@main.command()
@click.argument("sources", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder for results.")
@of_part
@click.option("--jobs", type=click.IntRange(1), help="Submissions at a time (default: cores).")
@click.option("--regrade", is_flag=True, help="Also grade again what has a result already.")
@of_assignment
@of_walls
def grade(
    sources: tuple[Path, ...],
    out: Path,
    part: str,
    jobs: int | None,
    regrade: bool,
    assignment: Assignment,
    sandbox: str,
) -> None:
    """Grade submissions: SOURCES are folders of one, folders of many, or archives.

    Writes index.html and gradebook.csv to the folder OUT, and report.html (for the student),
    instructor.html and result.json for each submission.  An interrupted run goes on where it
    stopped.
    """
    from grader import batch
    from grader.report import terminal

    known_part(part)
    if out.exists() and not out.is_dir():
        raise Refused(f"{path_words(out)} is a file; name a folder for the results")
    writable(out / "index.html")
    submissions: list[Submission] = _sources(lambda: intake.read_many(sources))
    walls = _choose(sandbox)
    end_guests()  # each worker has its own
    job = batch.Job(walls, part, assignment)
    checks = assignment.checks()
    _some(checks, part)
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
    except (KeyboardInterrupt, batch.Unwritten) as why:
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
        errors.print(Text(f"{name} could not be graded: {display.one_line(problem)}", "red"))
    gone = {s.id for s in submissions} - {r.submission.id for r in reports} - {n for n, _ in failed}
    if gone:
        words = f"Results of {len(gone)} are no longer in {path_words(out)}: somebody removed them"
        errors.print(Text(f"{words}; the same command grades these again.", "red"))
    undecided = failed or gone or any(r.total.undecided for r in reports)
    raise SystemExit(UNDECIDED if undecided else PASSED)


def _stopped(why: KeyboardInterrupt | OSError, graded: str, out: Path) -> Refused:
    rest = "the same command goes on from there"
    if isinstance(why, KeyboardInterrupt):
        return Refused(f"stopped: {graded}; {rest}")
    remedy = "make space" if why.errno in (errno.ENOSPC, errno.EDQUOT) else "put that right"
    where, reason = path_words(out), why.strerror or why
    return Refused(f"{where} cannot be written ({reason}): {graded}; {remedy}, and {rest}")


def _grade(
    submissions: Sequence[Submission], job: Any, out: Path, jobs: int
) -> list[tuple[str, str]]:
    from grader import batch

    failed = []
    with progress_bar() as progress:
        task = progress.add_task("grading", total=len(submissions))
        with closing(batch.grade_all(submissions, job, out, jobs=jobs)) as graded:
            for submission, problem in graded:
                if problem:
                    failed.append((submission.id, problem))
                progress.update(task, advance=1, description=display.one_line(submission.id, 40))
    return failed


def _write_class(
    submissions: Sequence[Submission], job: Any, out: Path, seconds: float | None
) -> list[Report]:
    from grader import batch
    from grader.report.files import write_text
    from grader.report.gradebook import gradebook
    from grader.report.html import index_page

    reports = batch.read_reports(submissions, job, out)
    if reports:
        write_text(out / "gradebook.csv", gradebook(reports))
        write_text(out / "index.html", index_page(reports, seconds=seconds))
    return reports


@main.command("list")
@of_part
@of_assignment
@click.option("--hidden", is_flag=True, help="Also the hidden checks, where they are installed.")
def list_(part: str, assignment: Assignment, hidden: bool) -> None:
    """Name the checks, what they are worth and what they ask."""
    known_part(part)
    checks = [c for c in assignment.checks() if part in ("", c.part) and (hidden or not c.hidden)]
    _some(checks, part)
    terminal = console(140)
    for known in contract.PARTS:
        of_part = [c for c in checks if c.part == known.id]
        if not of_part:
            continue
        points = display.number(added(c.points for c in of_part))
        terminal.print(
            Text(f"{display.part_label(known.id)}: {known.title} ({points} points)", "bold")
        )
        table = Table.grid(padding=(0, 2))
        for c in of_part:
            name = Text(c.id, "yellow" if c.hidden else "")
            table.add_row("", name, Text(display.number(c.points)), Text(c.title))
        terminal.print(table)


@main.command()
def doctor() -> None:
    """Say whether this machine can grade, and what to repair."""
    from grader.doctor import examine

    terminal = Console(highlight=False)
    marks = {"good": ("ok  ", "green"), "note": ("note", "yellow"), "bad": ("BAD ", "bold red")}
    bad = 0
    for finding in examine():
        mark, style = marks[finding.level]
        line = Text(f"{mark}  ", style)
        line.append(f"{finding.what}: {finding.says}", "")
        if finding.repair:
            line.append(f"\n      {finding.repair}", "dim")
        terminal.print(line, soft_wrap=True)
        bad += finding.level == "bad"
    raise SystemExit(FAILED if bad else PASSED)
