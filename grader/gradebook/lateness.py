"""The line for lateness: how late a submission came, and what that takes off the sum.

It is computed whenever pages and tables are made, from the platform's time, the assignment's rule
and what the roster allows; it never changes a part's score.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from grader.errors import BadRoster
from grader.gradebook.table import text_cell
from grader.grading.late import Late
from grader.records import Allowed, Line, Report, Score, Submission
from grader.report import numbers
from grader.text import shown

__all__ = [
    "COLUMNS",
    "FILE",
    "KIND",
    "Lateness",
    "is_excused",
    "lateness",
    "line",
    "refuse",
    "table",
]

KIND = "late"
FILE = "late.csv"
COLUMNS = (
    *("id", "name", "due", "received", "late days", "free days used", "free days left"),
    *("percent", "points", "excused"),
)

_SPAN = re.compile(r"\+?\s*(\d{1,4})\s*(d|days?|h|hours?)?", re.IGNORECASE)
_NO = ("", "0", "no", "n", "false", "nein", "non")


@dataclass(frozen=True)
class Lateness:
    """How late a submission is, and what that costs."""

    due: datetime
    received: datetime | None
    """``None`` where nobody knows: then nothing is taken off."""
    days: int = 0
    free: int = 0
    """Of these days, those that cost nothing."""
    left: int = 0
    """Free days that are left after this homework."""
    percent: float = 0.0
    excused: str = ""
    """Why nothing is taken off, in the roster's words."""


def lateness(rule: Late, submission: Submission) -> Lateness:
    """How late a submission is by a rule.

    Raises:
        BadRoster: the roster says of it what cannot be understood.
    """
    allowed = submission.allowed
    due = _due(rule, submission)
    text = allowed.received or submission.received
    received = rule.moment(text) if text else None
    if received is None and allowed.received:
        raise _bad(submission, "received", allowed.received, "2026-03-02 14:30")
    free = _whole(submission, "late days", allowed.late_days, rule.free_days)
    excused = allowed.excused if is_excused(allowed) else ""
    if received is None:
        return Lateness(due, None, left=free, excused=excused)
    days = rule.days((received - due).total_seconds())
    if excused:
        return Lateness(due, received, days, 0, free, 0.0, excused)
    used = min(days, free)
    return Lateness(due, received, days, used, free - used, rule.percent(days - used))


def is_excused(allowed: Allowed) -> bool:
    """Whether the roster excuses somebody: anything but "no" says so."""
    return allowed.excused.strip().casefold() not in _NO


def line(rule: Late, report: Report) -> list[Line]:
    """The line for a report, whose lines so far count as earned; none for who was on time."""
    if not rule.due:
        return []
    late = lateness(rule, report.submission)
    if not late.days:
        return []
    off = late.percent / 100 * max(report.total.earned, 0.0)
    return [Line(KIND, "Late", Score(-off if off else 0.0), _words(rule, late))]


def _words(rule: Late, late: Lateness) -> str:
    assert late.received is not None
    received = late.received.astimezone(late.due.tzinfo)
    said = [
        f"Received {_time(received)}, {_span(received - late.due)} after the due date, "
        f"{_time(late.due)}: {_days(late.days)} late"
    ]
    if late.excused:
        return f"{said[0]}, excused ({late.excused})."
    if late.free:
        said.append(f"{late.free} of these cost nothing ({_days(late.left)} left)")
    if late.percent:
        charged = late.days - late.free
        most = " at most" if charged * rule.percent_per_day > rule.most_percent else ""
        each = numbers.number(rule.percent_per_day)
        taken = numbers.number(late.percent)
        said.append(f"{each} % of what was earned for each day takes{most} {taken} % off")
    return "; ".join(said) + "."


def refuse(rule: Late, submissions: Iterable[Submission]) -> None:
    """Refuse before anything is done what the roster says of time and nobody can understand.

    Raises:
        BadRoster: the person, the column, what stands there, and what may.
    """
    for submission in submissions if rule.due else ():
        lateness(rule, submission)


def table(rule: Late, reports: Sequence[Report]) -> str:
    """Who was how late, as CSV: the days that are left are what the next homework's roster says."""
    buffer = io.StringIO()
    rows = csv.writer(buffer, lineterminator="\n")
    rows.writerow(COLUMNS)
    for report in reports:
        one, late = report.submission, lateness(rule, report.submission)
        off = sum(found.score.earned for found in report.lines if found.id == KIND)
        received = late.received.isoformat() if late.received else ""
        cells = (one.id, one.name, late.due.isoformat(), received)
        figures = (late.days, late.free, late.left, numbers.number(late.percent))
        known = figures if late.received else ("", "", late.left, "")
        points = f"{off:.2f}" if late.received else ""
        rows.writerow([*map(text_cell, cells), *known, points, text_cell(late.excused)])
    return "\ufeff" + buffer.getvalue()


def _due(rule: Late, submission: Submission) -> datetime:
    text = submission.allowed.extension
    if not text:
        return rule.at
    if span := _SPAN.fullmatch(text.strip()):
        hours = (span[2] or "d").casefold().startswith("h")
        return rule.at + timedelta(**{"hours" if hours else "days": int(span[1])})
    found = rule.moment(text)
    if found is None:
        raise _bad(submission, "extension", text, "2026-03-05 23:59, or 3 days, or 12 hours")
    return max(found, rule.at)


def _whole(submission: Submission, column: str, text: str, otherwise: int) -> int:
    if not text:
        return otherwise
    if not re.fullmatch(r"\d{1,3}(\.0+)?", text):
        raise _bad(submission, column, text, "2")
    return int(float(text))


def _bad(submission: Submission, column: str, text: str, example: str) -> BadRoster:
    whose = shown(submission.name or submission.id)
    return BadRoster(
        f"the roster's {column} of {whose} is {shown(text)}, which cannot be understood; write it "
        f"like {example}"
    )


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M")


def _span(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    days, rest = divmod(minutes, 1440)
    hours, minutes = divmod(rest, 60)
    words = [f"{days} d"] if days else []
    words += [f"{hours} h"] if hours else []
    words += [f"{minutes} min"] if minutes and not days else []
    return " ".join(words) or "less than a minute"


def _days(days: int) -> str:
    return "1 day" if days == 1 else f"{days} days"
