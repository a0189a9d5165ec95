"""The command ``hw3 explain``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from grader.cli.errors import PASSED, UNDECIDED, path_words
from grader.cli.options import choose_walls, of_walls
from grader.errors import Refused
from grader.text import one_line, passage, shown

if TYPE_CHECKING:
    from grader.checks.framework import trace
    from grader.gradebook.book import Book
    from grader.grading.explain import Explained, Stage
    from grader.records import Check, Outcome, Report

__all__ = ["explain", "page"]

WIDTH = 400
"""Characters of a line that are shown: of an array, the first numbers."""


@click.command()
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path))
@click.argument("student")
@click.argument("check")
@click.option("--all", "everything", is_flag=True, help="Also show the steps of cases that hold.")
@of_walls
def explain(out: Path, student: str, check: str, everything: bool, sandbox: str) -> None:
    """Run one check of one student again, and show all of it: for an instructor.

    OUT is a folder of results of `hw3 grade`, STUDENT an id or a name in it, CHECK a check that
    `hw3 list --hidden` names.  Nothing is written, and no mark changes.
    """
    from grader.gradebook.book import read_results
    from grader.report.writers import handed_in
    from grader.sandbox.host.session import Allowance, ProcessSession

    if not out.is_dir():
        raise Refused(f"{path_words(out)} is no folder of results; name one that `hw3 grade` wrote")
    book = read_results(out)
    report = _student(book, student)
    asked = _check(book, check)
    files = handed_in.read(out / report.submission.id)
    if not files:
        raise Refused(
            f"{shown(student)} has no files in {path_words(out)}: "
            f"{report.submission.reason or 'grade the same submission again, which keeps them'}"
        )
    from grader.grading.explain import explained

    assignment, walls = book.rules.assignment, choose_walls(sandbox)
    allowance = Allowance(assignment.limits.total_seconds)

    def opens(part: str) -> ProcessSession:
        packages = assignment.packages
        return ProcessSession(
            files or {}, assignment.limits, walls, allowance, part=part, packages=packages
        )

    made = explained(asked, opens)
    before = {one.check_id: one for one in report.outcomes}.get(asked.id)
    for line in page(report, asked, made, before, everything=everything):
        click.echo(line)
    raise SystemExit(PASSED if made.outcome.status.value != "invalid" else UNDECIDED)


def _student(book: Book, student: str) -> Report:
    if student in book.reports:
        return book.reports[student]
    wanted = student.casefold()
    found = [
        report
        for report in book.reports.values()
        if wanted in (report.submission.name.casefold(), report.submission.login.casefold())
    ]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(shown(report.submission.id) for report in found)
        raise Refused(f"{len(found)} students are called {shown(student)}: name the id ({ids})")
    from grader.grading.assignment_toml import nearest

    near = nearest(student, list(book.reports))
    raise Refused(f"there is no result of {shown(student)}{near}; gradebook.csv names them all")


def _check(book: Book, name: str) -> Check:
    from grader.grading.assignment_toml import nearest
    from grader.grading.rules import rules_of

    checks = {one.id: one for one in rules_of(book.rules.assignment).checks}
    if name not in checks:
        near = nearest(name, list(checks))
        raise Refused(f"there is no check {shown(name)}{near}; `hw3 list --hidden` names them all")
    return checks[name]


def page(
    report: Report,
    check: Check,
    made: Explained,
    before: Outcome | None,
    *,
    everything: bool = False,
) -> Iterator[str]:
    """What is shown, line by line.

    Args:
        report: of the student.
        check: that was run.
        made: how it went this time.
        before: how it counts, if it does.
        everything: whether cases that hold are shown step by step, too.
    """
    from grader.homework.theory import THEORY
    from grader.report import numbers

    who = one_line(report.submission.name or report.submission.id, 80)
    kind = "hidden" if check.hidden else "public"
    yield f"{who}: {check.id} ({kind}, {numbers.number(check.points)} points)"
    yield f"  {check.title}"
    if check.about:
        yield f"  {check.about}"
    if theory := THEORY.get(check.function):
        source = f"; {theory.source}" if theory.source else ""
        yield f"  Slide “{theory.slides}”{source}: {theory.formula}"
    yield f"  Declared in {check.run.__module__}"
    yield ""
    yield from _ended(made.outcome, before)
    drawn = [stage for stage in made.stages if stage.case is not None]
    for number, stage in enumerate(made.stages, 1):
        yield ""
        verdict = "holds" if stage.holds else "does not hold"
        if drawn:
            yield f"Case {number} of {len(made.stages)} {verdict}: {one_line(str(stage.case), 200)}"
        if everything or not drawn or not stage.holds:
            yield from _steps(stage)
    yield ""
    yield from _read(made.outcome)


def _ended(outcome: Outcome, before: Outcome | None) -> Iterator[str]:
    from grader.report import labels

    now = f"{labels.WORDS[outcome.status]}, {100 * outcome.fraction:g} % of its points"
    if before is None:
        yield f"This time: {now}. No outcome of it counts so far."
    elif (before.status, before.fraction) == (outcome.status, outcome.fraction):
        yield f"This time: {now}; this is what counts."
    else:
        counts = f"{labels.WORDS[before.status]}, {100 * before.fraction:g} % of its points"
        yield f"This time: {now}. What counts is another outcome: {counts}."
        if before.feedback.message:
            yield f"  {one_line(before.feedback.message, WIDTH)}"


def _steps(stage: Stage) -> Iterator[str]:
    from grader.calls.snippet import one_line as call_words
    from grader.checks.framework import trace

    for step in stage.steps:
        if isinstance(step, trace.Called):
            words = call_words(step.call) or step.call.function
            yield f"  called      {one_line(words, WIDTH)}"
            yield f"  came back   {_reply(step)}"
        elif isinstance(step, trace.Asked):
            words = call_words(step.call) or step.call.function
            yield f"  reference   {one_line(words, WIDTH)}"
            yield f"  gives       {_value(step.value)}"
        elif isinstance(step, trace.Compared):
            yield from _comparison(step)


def _comparison(step: trace.Compared) -> Iterator[str]:
    yield f"  compared    {one_line(step.what, WIDTH)}"
    for label, value in (("expected", step.expected), ("got", step.actual)):
        if not (isinstance(value, str) and not value):
            yield f"    {label:<10}{_value(value)}"
    verdict = "holds" if step.holds else "DOES NOT HOLD"
    if step.error is None or step.tolerance is None:
        yield f"    {verdict}"
    else:
        yield f"    {verdict}: relative error {step.error:.3g}, allowed {step.tolerance:.3g}"


def _reply(step: trace.Called) -> str:
    reply = step.reply
    seconds = f"{reply.seconds:.2f} s"
    if reply.error is not None:
        place = f" in {reply.error.file}:{reply.error.line}" if reply.error.file else ""
        said = f"{reply.error.kind}: {reply.error.message}{place}"
        return f"{one_line(said, WIDTH)} ({seconds})"
    changed = f"; it changed {', '.join(reply.changed)}" if reply.changed else ""
    return f"{_value(reply.value)} ({seconds}{one_line(changed, WIDTH)})"


def _value(value: Any) -> str:
    """A value of any kind in a line."""
    import numpy as np

    from grader.checks.framework.shown import show
    from grader.records import Other, Received

    if isinstance(value, Received):
        return f"{value.origin} {value.dtype}, {_value(value.array)}"
    if isinstance(value, np.ndarray | np.generic | int | float) and not isinstance(value, bool):
        return one_line(show(np.asarray(value)), WIDTH)
    if isinstance(value, Other):
        return f"a {value.kind}, {one_line(value.name, 80)}"
    if isinstance(value, dict):
        return one_line(", ".join(f"{k}: {_value(v)}" for k, v in value.items()), WIDTH)
    if isinstance(value, list | tuple):
        return one_line(f"({', '.join(map(_value, value[:6]))})", WIDTH)
    return one_line(str(value), WIDTH)


def _read(outcome: Outcome) -> Iterator[str]:
    """What the student reads of it, or would if it were public; and what repeats it."""
    from grader.report.analysis.fix_first import told

    said: Sequence[tuple[str, str]] = told(outcome.feedback, in_full=True)
    if not said:
        yield "Nothing is said about it."
        return
    yield "What is said about it:"
    for label, text in said:
        first, *rest = passage(text).splitlines() or [""]
        yield f"  {label:<12}{first}"
        yield from (f"  {'':<12}{line}" for line in rest)
