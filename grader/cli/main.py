"""The command ``hw3``.

Exit statuses: 0 all passed (``grade``: every submission was graded), 1 something failed, 2 the
command cannot be carried out, 3 the grader could not decide.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

# Before torch is imported: it grades beside other processes, and one thread repeats to the bit.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

import grader
from grader.cli import ci
from grader.cli.errors import FAILED, PASSED, UNDECIDED, path_words, writing
from grader.cli.grade import grade
from grader.cli.live import Live
from grader.cli.options import (
    Commands,
    Estimate,
    choose_walls,
    console,
    heeded,
    known_part,
    of_assignment,
    of_part,
    of_walls,
    progress_bar,
    some_checks,
    writable,
)
from grader.errors import BadSource, Refused
from grader.grading import versions
from grader.grading.assignment_toml import nearest
from grader.grading.environment import another
from grader.grading.weights import Assignment, drawn_seed
from grader.homework import contract
from grader.records import Check, Outcome, Report, Status, Submission, added
from grader.report import labels, numbers
from grader.report.deliver import ForStudent
from grader.sandbox.host.session import Allowance, ProcessSession
from grader.sandbox.isolation.modes import Walls
from grader.submissions import intake
from grader.submissions.watch import Watched, concerned
from grader.text import one_line

__all__ = ["main"]


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(grader.__version__, prog_name="hw3")
def main() -> None:
    """Grade homework 3: explaining neural networks, and a GAN.

    Exit status: 0 all passed, 1 something failed, 2 the command cannot be carried out, 3 the grader
    could not decide.
    """


main.add_command(grade)

for _module, _names in (
    ("audit", ("audit",)),
    ("explain", ("explain",)),
    ("export", ("export",)),
    ("gradescope", ("gradescope",)),
    ("release", ("freeze", "release")),
    ("marks", ("marks",)),
    ("report", ("report",)),
    ("requests", ("requests",)),
    ("similar", ("similar",)),
    ("words", ("words",)),
):
    # A student's package has none of these.
    if importlib.util.find_spec(f"grader.cli.{_module}"):
        for _name in _names:
            main.add_command(getattr(importlib.import_module(f"grader.cli.{_module}"), _name))


@main.command()
@click.argument("folder", default=".", metavar="[DIR]", type=click.Path(path_type=Path))
@of_part
@click.option("--only", metavar="CHECK", default="", help="Only this check, or function.")
@click.option("--quick", is_flag=True, help="Leave out the training of the GAN.")
@click.option("--verbose", "-v", is_flag=True, help="Show everything about every check.")
@click.option("--watch", is_flag=True, help="Check again whenever you save a file.")
@click.option("--html", "html_file", type=click.Path(path_type=Path), help="Write the report.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the result.")
@click.option("--junit", "junit_file", type=click.Path(path_type=Path), help="Write JUnit's XML.")
@click.option(
    "--ci",
    "system",
    type=click.Choice(ci.SYSTEMS),
    help="Report to this CI system (default: the one that runs this command).",
)
@of_assignment
@of_walls
def check(
    folder: Path,
    part: str,
    only: str,
    quick: bool,
    verbose: bool,
    watch: bool,
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
    # Classroom 50 grades with the checks that the instructor gave it, whatever a folder brings.
    if system != "classroom50" and (why := another(folder)):
        raise Refused(why)
    if watch and not folder.is_dir():
        raise Refused("--watch needs a folder with the homework's files")
    submission = intake.read_one(folder)
    with ThreadPoolExecutor(1) as aside:
        # What forks guests imports torch while this process does.
        choosing = aside.submit(choose_walls, sandbox, fall_back=sandbox == "auto")
        public, asked = _checks(assignment, part, only)
        walls = choosing.result()
    long = _long()
    chosen = [check for check in asked if not (quick and check.id in long)]
    run = _Run(walls, assignment, public)
    watched = Watched(folder) if watch else None
    report = run(submission, chosen)
    delivery = ForStudent(report)
    _show(delivery, verbose or only in (c.id for c in chosen))
    for words in _other_versions().values():
        console(100).print(f"[yellow]{words}[/yellow]")
    _say_what_was_too_long([check for check in asked if check not in chosen])
    _tell(system, delivery, folder)
    _write(delivery, html_file, json_file, junit_file)
    if watched:
        short = [check for check in chosen if only or check.id not in long]
        for report in _again(watched, folder, run, short):
            _write(ForStudent(report), html_file, json_file, junit_file)
    raise SystemExit(_status(report.outcomes))


def _again(watched: Watched, folder: Path, run: _Run, checks: Sequence[Check]) -> Iterator[Report]:
    """Whenever a file is saved, check again what it changes; the reports on everything so far."""
    terminal = console(100)
    while True:
        try:
            terminal.print("\n[dim]Waiting for a file to be saved; Ctrl-C ends this.[/dim]")
            names = watched.wait()
        except KeyboardInterrupt:
            return
        try:
            submission = intake.read_one(folder)
        except BadSource as error:
            terminal.print(Text(one_line(str(error), 400), "red"))
            continue
        parts = concerned(names, submission.files)
        some = [check for check in checks if check.part in parts]
        terminal.rule(Text(f"{', '.join(map(one_line, names))} changed"))
        if not some:
            terminal.print("None of these checks depends on it.")
            continue
        if run.forget(parts, some):
            terminal.print("Trainings are not repeated here: stop this, and run that check alone.")
        _show(ForStudent(run(submission, some)), False)
        whole = run.so_far(submission)
        points = numbers.points(whole.total.earned, whole.total.possible)
        terminal.print(f"[bold]Everything so far: {points} points[/bold]")
        yield whole


def _long() -> set[str]:
    """The checks that take long, whatever an assignment allows them."""
    from grader.checks.framework import registry

    return {c.id for c in registry.load() if c.long}


def _say_what_was_too_long(checks: Sequence[Check]) -> None:
    for left in checks:
        console(100).print(
            f"Not checked: {left.id}, {numbers.number(left.points)} points. It trains the GAN; "
            f"`hw3 check --only {left.id}` runs it."
        )


def _checks(assignment: Assignment, part: str, only: str) -> tuple[list[Check], list[Check]]:
    """All public checks, and those that were asked for."""
    from grader.checks.framework import registry

    public = [c for c in assignment.checks() if not c.hidden]
    if part and not only:
        some_checks(public, part)
    try:
        chosen = registry.checks_of(public, part=part, only=only)
    except KeyError:
        where = f" in {part}" if part else ""
        near = nearest(only, [*(c.id for c in public), *contract.FUNCTIONS])
        raise Refused(
            f"there is no check {only!r}{where}{near}; `hw3 list` names them all"
        ) from None
    return public, chosen


class _Run:
    """Runs checks on a submission, as often as it is called, and keeps how each ended last."""

    def __init__(self, walls: Walls, assignment: Assignment, public: Sequence[Check]) -> None:
        self._walls, self._assignment, self._public = walls, assignment, public
        self._ended: dict[str, Outcome] = {}

    def forget(self, parts: Collection[str], again: Sequence[Check]) -> bool:
        """Forget how checks of these parts ended that are not run again, if there are any."""
        kept = {check.id for check in again}
        old = [c.id for c in self._public if c.part in parts and c.id not in kept]
        return bool([name for name in old if self._ended.pop(name, None)])

    def so_far(self, submission: Submission) -> Report:
        """The report on everything that was ever run."""
        return self._report(submission, self._ended)

    def _report(self, submission: Submission, ended: Mapping[str, Outcome]) -> Report:
        from grader.grading import engine

        done = [check for check in self._public if check.id in ended]
        made = engine.report(submission, done, list(ended.values()), self._walls.describe())
        return replace(
            made,
            environment={**made.environment, **self._assignment.describe(), **_other_versions()},
            left_out=len(self._public) - len(done),
        )

    def __call__(self, submission: Submission, checks: Sequence[Check]) -> Report:
        """Run these checks; the report on them.

        Raises:
            Refused: somebody interrupts it.
            GuestUnusable: nothing can be run here.
        """
        from grader.grading import engine

        limits = self._assignment.limits
        allowance = Allowance(limits.total_seconds)
        ended: dict[str, Outcome] = {}
        by_id = {check.id: check for check in checks}
        count = 0
        with progress_bar() as progress:
            task = progress.add_task(_now(checks, 0), total=len(checks))
            live = Live(progress.console)
            training = Estimate(lambda words: progress.update(task, description=words))

            def opened(part: str) -> ProcessSession:
                packages = self._assignment.packages
                session = ProcessSession(
                    submission.files, limits, self._walls, allowance, part=part, packages=packages
                )
                session.on_progress = lambda done: training.at(_now(checks, count), done)
                return session

            def one_ended(check: Check, outcome: Outcome) -> None:
                nonlocal count
                count += 1
                progress.update(task, completed=count, description=_now(checks, count))
                live.ended(check, outcome)

            try:
                for outcome in engine.run(checks, opened, on_end=one_ended):
                    ended[outcome.check_id] = outcome
                    live.explained(by_id[outcome.check_id], outcome)
            except KeyboardInterrupt:
                progress.stop()
                if ended:
                    _show(ForStudent(self._report(submission, ended)), False)
                raise Refused(f"stopped after {len(ended)} of {len(checks)} checks") from None
        self._ended.update(ended)
        return self._report(submission, ended)


def _now(checks: Sequence[Check], done: int) -> str:
    return checks[done].id if done < len(checks) else "done"


def _show(delivery: ForStudent, verbose: bool) -> None:
    from grader.report.writers import terminal

    terminal.show(delivery, console(100), verbose)


def _other_versions() -> dict[str, str]:
    """What differs from the versions with which the course grades, for the report."""
    said = versions.differences(versions.of_course(), versions.here())
    return {"other versions": " ".join(said)} if said else {}


def _tell(wish: str | None, delivery: ForStudent, folder: Path) -> None:
    commands, problems = ci.hand_over(ci.system(wish), delivery, folder)
    for problem in problems:
        click.echo(one_line(problem, 4000), err=True)
    heeded(commands)


def _write(
    delivery: ForStudent, page: Path | None, result: Path | None, tests: Path | None
) -> None:
    from grader.report.writers.files import write_text
    from grader.report.writers.html import student_page
    from grader.report.writers.junit import junit
    from grader.report.writers.results import write_json

    if page is not None:
        with writing(page):
            write_text(page, student_page(delivery))
        click.echo(f"report: {path_words(page)}", err=True)
    if result is not None:
        with writing(result):
            write_json(result, delivery)
    if tests is not None:
        with writing(tests):
            write_text(tests, junit(delivery))


def _status(outcomes: Sequence[Outcome]) -> int:
    statuses = {outcome.status for outcome in outcomes}
    if Status.INVALID in statuses:
        return UNDECIDED
    return PASSED if statuses <= {Status.PASSED} else FAILED


@main.command("list")
@of_part
@of_assignment
@click.option(
    "--hidden", is_flag=True, help="List the hidden checks as well, if they are installed."
)
def list_(part: str, assignment: Assignment, hidden: bool) -> None:
    """List the checks with their points and titles."""
    known_part(part)
    checks = [c for c in assignment.checks() if part in ("", c.part) and (hidden or not c.hidden)]
    some_checks(checks, part)
    terminal = console(140)
    for known in contract.PARTS:
        of_part = [c for c in checks if c.part == known.id]
        if not of_part:
            continue
        points = numbers.number(added(c.points for c in of_part))
        terminal.print(
            Text(f"{labels.part_label(known.id)}: {known.title} ({points} points)", "bold")
        )
        table = Table.grid(padding=(0, 2))
        for c in of_part:
            name = Text(c.id, "yellow" if c.hidden else "")
            table.add_row("", name, Text(numbers.number(c.points)), Text(c.title))
        terminal.print(table)
    if hidden and assignment.seed is None:
        terminal.print(
            Text(
                "Hidden cases are drawn from the default seed, which anybody can read. For an "
                f'assignment.toml of your own, drawn just now:\nseed = "{drawn_seed()}"'
            )
        )


@main.command()
def doctor() -> None:
    """Check whether this machine can grade, and say what to repair."""
    from grader.cli.doctor import examine

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
