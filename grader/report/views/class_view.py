"""The class arranged for its page: its results, its checks, and a row for each submission."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

from grader.records import Report, Score
from grader.report import labels, numbers
from grader.report.analysis.beside import kinds_of, line_score
from grader.report.analysis.fix_first import (
    counted,
    has_total,
    parts_of,
    status_of,
    unsandboxed,
)
from grader.report.analysis.roll import (
    EXCUSED,
    NOT_GRADED,
    NOT_HANDED_IN,
    ClassFacts,
    WithoutResult,
)
from grader.report.analysis.statistics import CheckFigures, Look, checks_of, histogram, to_look_at
from grader.report.figures import charts
from grader.report.views.student_view import BarView, bar_view
from grader.text import one_line, passage

MANY = 2000
"""Rows above which they are data in the page: a browser takes seconds to lay out so many."""

__all__ = ["MANY", "CheckRow", "ClassView", "Kind", "LookView", "RowView", "class_view"]


@dataclass(frozen=True)
class RowView:
    """One submission in the class table."""

    id: str
    name: str
    folder: str
    total: str
    bar: BarView
    parts: tuple[str, ...]
    undecided: str
    status: str
    css: str
    unsandboxed: bool
    """Said of a row only where it is not true of all."""
    kinds: str
    """What the table can be filtered by, in words between spaces."""
    value: str
    """The total as a number, to sort by."""


@dataclass(frozen=True)
class LookView:
    """A submission that needs a person."""

    name: str
    folder: str
    reasons: str


@dataclass(frozen=True)
class CheckRow:
    """One check in the table of checks."""

    id: str
    title: str
    part: str
    hidden: bool
    passed: str
    mean: str
    discrimination: str
    diagnoses: tuple[tuple[str, int], ...]
    flag: str


@dataclass(frozen=True)
class Kind:
    """A wish that the table can be filtered by."""

    value: str
    words: str


@dataclass(frozen=True)
class ClassView:
    """The whole class."""

    parts: tuple[str, ...]
    rows: tuple[RowView, ...]
    facts: tuple[tuple[str, str], ...]
    missing: str
    """How many are not graded yet, in words; empty if nobody waits."""
    reading: tuple[str, ...]
    """How the class was read, in sentences."""
    ignored: tuple[tuple[str, str], ...]
    unsandboxed: int
    results: int
    environment: tuple[tuple[str, str], ...]
    distribution: tuple[tuple[str, charts.Chart], ...]
    look_at: tuple[LookView, ...]
    checks: tuple[CheckRow, ...]
    kinds: tuple[Kind, ...]
    data: str
    """The rows as JSON that may stand in a page, where there are too many for a table."""
    most: int
    """How many of those that need a person are listed."""


def class_view(reports: Sequence[Report], facts: ClassFacts) -> ClassView:
    """Arrange the class for its page: its results, and who has none."""
    parts = parts_of(reports)
    lines = kinds_of(reports)
    looks = to_look_at(reports)
    reasons = {id(look.report): look.reasons for look in looks}
    bare = sum(map(unsandboxed, reports))
    rows = [
        _row(report, parts, lines, reasons.get(id(report), ()), some=bare < len(reports))
        for report in reports
    ]
    rows = [
        replace(row, status=f"{row.status}; {NOT_GRADED}: a part")
        if report.submission.id in facts.incomplete
        else row
        for row, report in zip(rows, reports, strict=True)
    ]
    rows += [_empty_row(one, [*parts, *lines]) for one in facts.without]
    there = {kind for row in rows for kind in row.kinds.split()}
    return ClassView(
        parts=(*map(labels.part_label, parts), *(one_line(line, 40) for line in lines)),
        rows=tuple(rows),
        facts=tuple(_facts(reports, facts)),
        missing=facts.missing(len(reports)),
        reading=tuple(_reading(facts)),
        ignored=tuple((one_line(path, 200), one_line(why, 200)) for path, why in facts.ignored),
        unsandboxed=bare,
        results=len(reports),
        environment=tuple(_shared_environment(reports)),
        distribution=tuple(_distribution(reports, parts)),
        look_at=(
            *(
                LookView(_name(look.report), _folder(look.report.submission.id), _listed(look))
                for look in looks
            ),
            *(
                LookView(one_line(one.name or one.id, 80), "", one.status)
                for one in facts.without
                if one.status == NOT_HANDED_IN
            ),
        ),
        checks=tuple(map(_check, checks_of(reports))),
        kinds=tuple(kind for kind in KINDS if kind.value in there),
        data=_data(rows) if len(rows) > MANY else "",
        most=MANY,
    )


def _data(rows: Sequence[RowView]) -> str:
    """Rows as JSON without any character that could end its element."""
    shown = [
        {
            "name": passage(row.name),
            "id": passage(row.id),
            "folder": row.folder,
            "total": row.total,
            "value": row.value,
            "parts": row.parts,
            "undecided": row.undecided,
            "status": passage(row.status),
            "css": row.css,
            "unsandboxed": row.unsandboxed,
            "kinds": row.kinds,
        }
        for row in rows
    ]
    return json.dumps(shown, separators=(",", ":")).replace("<", "\\u003c")


KINDS = (
    Kind("look", "need a person"),
    Kind("full", "full marks"),
    Kind("undecided", "undecided"),
    Kind("unusable", "unusable"),
    Kind("missing", "without a result"),
)


def _name(report: Report) -> str:
    return one_line(report.submission.name or report.submission.id, 80)


def _listed(look: Look) -> str:
    return one_line("; ".join(reason.rstrip(".") for reason in look.reasons), 400)


def _reading(facts: ClassFacts) -> list[str]:
    """How the submissions lay, what became of all files, and who is on no roster."""
    unknown = ", ".join(one_line(name, 80) for name in facts.unknown)
    said = [
        f"Read as {facts.layout}" if facts.layout else "",
        facts.summary,
        f"Not on the roster: {unknown}" if unknown else "",
    ]
    return [f"{one_line(words, 2000).rstrip('.')}." for words in said if words]


def _empty_row(one: WithoutResult, parts: Sequence[str]) -> RowView:
    """Somebody without a result: nothing is 0."""
    return RowView(
        id=one_line(one.id, 80),
        name=one_line(one.name, 80),
        folder="",
        total="",
        bar=bar_view(Score()),
        parts=("",) * len(parts),
        undecided="",
        status=one.status,
        css="invalid" if one.status == NOT_GRADED else "plain",
        unsandboxed=False,
        kinds="missing",
        value="",
    )


def _distribution(
    reports: Sequence[Report], parts: Sequence[str]
) -> list[tuple[str, charts.Chart]]:
    """A histogram of the totals and of each part, in tenths of what can be earned.

    Each is of those who handed it in.
    """
    decided = [r for r in reports if not r.submission.reason and not r.submission.question]
    usable = [r for r in decided if has_total(r)]
    scores: dict[str, list[Score]] = {"Total": [r.total for r in usable]}
    for part in parts:
        of_part = [counted(report).get(part) for report in usable]
        scores[labels.part_label(part)] = [score for score in of_part if score]
    drawn = []
    for name, some in scores.items():
        counts = histogram([s.earned / s.possible for s in some if s.possible > 0])
        if sum(counts):
            drawn.append((name, charts.histogram(name, counts)))
    return drawn


def _check(figures: CheckFigures) -> CheckRow:
    check, passed = figures.check, figures.passed
    flag = "everybody passes" if passed == 1 else "nobody passes" if passed == 0 else ""
    r = figures.discrimination
    return CheckRow(
        id=check.id,
        title=check.title,
        part=labels.part_label(check.part),
        hidden=check.hidden,
        passed=f"{100 * passed:.0f}",
        mean=f"{100 * figures.mean:.0f}",
        discrimination="" if r is None else f"{r:.2f}",
        diagnoses=tuple((one_line(words, 160), n) for words, n in figures.diagnoses),
        flag=flag if figures.decided > 1 else "",
    )


def _row(
    report: Report,
    parts: Sequence[str],
    lines: Sequence[str],
    reasons: Sequence[str],
    *,
    some: bool,
) -> RowView:
    total, submission = report.total, report.submission
    beside = [line_score(report, kind) for kind in lines]
    scores = [counted(report).get(part) for part in parts]
    shown = has_total(report)
    decided = "invalid" if report.undecided > 0.0 else "plain"
    return RowView(
        id=one_line(submission.id, 80),
        name=one_line(submission.name, 80),
        folder=_folder(submission.id),
        total=numbers.points(total.earned, total.possible) if shown else "",
        bar=bar_view(total),
        parts=(
            *(
                numbers.trimmed(numbers.fixed(score.earned, score.possible)) if score else ""
                for score in scores
            ),
            *(numbers.signed(score.earned) if score else "" for score in beside),
        ),
        undecided=numbers.number(total.undecided) if total.undecided > 0.0 else "",
        status=one_line(status_of(report), 200),
        css="unusable" if _is_unusable(report) else decided,
        unsandboxed=some and unsandboxed(report),
        kinds=" ".join(_kinds(report, reasons)),
        value=f"{total.earned:g}" if shown else "",
    )


def _kinds(report: Report, reasons: Sequence[str]) -> list[str]:
    total = report.total
    tests = {
        "look": bool(reasons),
        "full": total.possible > 0 and numbers.same(total.earned, total.possible),
        "undecided": _is_undecided(report),
        "unusable": _is_unusable(report),
    }
    return [kind for kind, holds in tests.items() if holds]


def _is_undecided(report: Report) -> bool:
    waits = report.undecided > 0.0 and not report.submission.reason
    return bool(report.submission.question) or waits


def _is_unusable(report: Report) -> bool:
    return bool(report.submission.reason) and not report.submission.question


def _folder(submission_id: str) -> str:
    """The id as one segment of an address, or nothing where no address can name it."""
    if submission_id in ("", ".", ".."):  # percent-encoded or not, these are steps to a browser
        return ""
    return quote(submission_id, safe="", errors="replace")


def _facts(reports: Sequence[Report], class_: ClassFacts) -> list[tuple[str, str]]:
    """The class in a few numbers."""
    decided = [r for r in reports if not r.submission.reason and not r.submission.question]
    usable = [r.total for r in decided if has_total(r)]
    facts = [("Submissions", str(len(reports)))]
    if usable:
        middle = statistics.median(total.earned for total in usable)
        possible = max(total.possible for total in usable)
        facts.append(("Median", numbers.points(middle, possible)))
    undecided = sum(map(_is_undecided, reports))
    unusable = sum(map(_is_unusable, reports))
    facts += [("Undecided", str(undecided)), ("Unusable", str(unusable))]
    for status in (NOT_GRADED, NOT_HANDED_IN, EXCUSED):
        if number := sum(one.status == status for one in class_.without):
            facts.append((status.capitalize(), str(number)))
    if class_.left:
        facts.append(("Time left", class_.left))
    if class_.seconds is not None:
        facts.append(("Graded in", numbers.duration(class_.seconds)))
    return facts


def _shared_environment(reports: Sequence[Report]) -> list[tuple[str, str]]:
    """Each fact of the environments; where submissions were graded differently, every value."""
    values: dict[str, dict[str, None]] = {}
    for report in reports:
        for key, value in report.environment.items():
            values.setdefault(str(key), {})[str(value)] = None
    return [(key, ", ".join(seen)) for key, seen in values.items()]
