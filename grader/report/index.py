"""The class arranged for its page: one row per submission, and the class in a few numbers."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from grader.records import Report
from grader.report import display
from grader.report.summary import parts_of, status_of, unsandboxed
from grader.report.views import BarView, bar_view

__all__ = ["ClassView", "RowView", "class_view"]


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


@dataclass(frozen=True)
class ClassView:
    """The whole class."""

    parts: tuple[str, ...]
    rows: tuple[RowView, ...]
    facts: tuple[tuple[str, str], ...]
    unsandboxed: int
    environment: tuple[tuple[str, str], ...]


def class_view(reports: Sequence[Report], seconds: float | None) -> ClassView:
    """Arrange the class for its page; ``seconds`` is what grading took, if that is known."""
    parts = parts_of(reports)
    return ClassView(
        parts=tuple(map(display.part_label, parts)),
        rows=tuple(_row(report, parts) for report in reports),
        facts=tuple(_facts(reports, seconds)),
        unsandboxed=sum(map(unsandboxed, reports)),
        environment=tuple(_shared_environment(reports)),
    )


def _row(report: Report, parts: Sequence[str]) -> RowView:
    total, submission = report.total, report.submission
    scores = [report.scores.get(part) for part in parts]
    decided = "invalid" if total.undecided > 0.0 else "plain"
    return RowView(
        id=display.one_line(submission.id, 80),
        name=display.one_line(submission.name, 80),
        folder=_folder(submission.id),
        total=display.points(total.earned, total.possible) if report.scores else "",
        bar=bar_view(total),
        parts=tuple(
            display.trimmed(display.fixed(score.earned, score.possible)) if score else ""
            for score in scores
        ),
        undecided=display.number(total.undecided) if total.undecided > 0.0 else "",
        status=display.one_line(status_of(report), 200),
        css="unusable" if submission.reason else decided,
        unsandboxed=unsandboxed(report),
    )


def _folder(submission_id: str) -> str:
    """The id as one segment of an address, or nothing where no address can name it."""
    if submission_id in ("", ".", ".."):  # percent-encoded or not, these are steps to a browser
        return ""
    return quote(submission_id, safe="", errors="replace")


def _facts(reports: Sequence[Report], seconds: float | None) -> list[tuple[str, str]]:
    """The class in a few numbers."""
    usable = [r.total for r in reports if not r.submission.reason and r.scores]
    facts = [("Submissions", str(len(reports)))]
    if usable:
        middle = statistics.median(total.earned for total in usable)
        possible = max(total.possible for total in usable)
        facts.append(("Median", display.points(middle, possible)))
    undecided = sum(r.total.undecided > 0.0 and not r.submission.reason for r in reports)
    unusable = sum(bool(r.submission.reason) for r in reports)
    facts += [("Undecided", str(undecided)), ("Unusable", str(unusable))]
    if seconds is not None:
        facts.append(("Graded in", display.duration(seconds)))
    return facts


def _shared_environment(reports: Sequence[Report]) -> list[tuple[str, str]]:
    """Each fact of the environments; where submissions were graded differently, every value."""
    values: dict[str, dict[str, None]] = {}
    for report in reports:
        for key, value in report.environment.items():
            values.setdefault(str(key), {})[str(value)] = None
    return [(key, ", ".join(seen)) for key, seen in values.items()]
