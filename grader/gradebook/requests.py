"""``requests.csv``: who asks for a regrade of what, and the marks before and after.

A person's answers in it are never overwritten; everything else is written anew in each run.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from grader.errors import BadSource
from grader.gradebook.delimited import parsed
from grader.gradebook.history import Entry
from grader.gradebook.mails import Mail
from grader.gradebook.people import Person, match
from grader.gradebook.table import text_cell
from grader.records import Report
from grader.report import numbers
from grader.report.analysis.fix_first import judged, lost
from grader.report.analysis.regrade import Asked
from grader.report.writers.files import write_text
from grader.text import one_line, shown

__all__ = ["COLUMNS", "FILE", "Request", "collected", "write"]

FILE = "requests.csv"

COLUMNS = (
    *("student", "name", "check", "points", "before", "after", "reason"),
    *("look at", "source", "received", "answer"),
)


@dataclass(frozen=True)
class Request:
    """A request, as far as it is understood; ``look_at`` says what is odd about it."""

    student: str
    name: str
    check: str
    points: str
    before: str
    """The total at the time of the request."""
    after: str
    """The total now."""
    reason: str
    look_at: str
    source: str
    received: str
    answer: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """By which a person's answer is found again, as it stands in the file."""
        return (text_cell(self.source), text_cell(self.student), text_cell(self.check))


def collected(
    mails: Sequence[Mail], reports: Mapping[str, Report], history: Sequence[Entry]
) -> list[Request]:
    """Every request of every mail; a mail without any is one too, to be read by a person.

    Args:
        mails: that came in.
        reports: of the class, by id.
        history: of its marks.
    """
    found = []
    for mail in mails:
        for one in mail.requests or [Asked("", "", "")]:
            found.append(_request(mail, one, reports, history))
    return found


def _request(
    mail: Mail, one: Asked, reports: Mapping[str, Report], history: Sequence[Entry]
) -> Request:
    key, look_at = _student(mail, one, reports)
    report = reports.get(key)
    points = ""
    if not one.check:
        look_at.append("it holds no form of words: read it yourself")
    elif report is not None:
        points = _points(report, one.check)
        if not points:
            look_at.append(f"there is no check or question {shown(one.check)}")
    return Request(
        student=key,
        name=report.submission.name if report else "",
        check=one.check,
        points=points,
        before=_at(key, mail.received, history) if report else "",
        after=_total(report) if report else "",
        reason=one.reason or mail.begins,
        look_at="; ".join(look_at),
        source=mail.source,
        received=mail.received,
    )


def _student(mail: Mail, one: Asked, reports: Mapping[str, Report]) -> tuple[str, list[str]]:
    """Whose request it is; a form decides, and an address that says otherwise is told of."""
    by_case = {key.casefold(): key for key in reports}
    keys = list(reports)
    people = [_person(reports[key]) for key in keys]
    written = by_case.get(one.student.casefold(), "")
    if one.student and not written:
        row = Person((one.student,), (one.student,), (one.student,), (one.student,))
        at = match([row], people).result_of.get(0)
        written = "" if at is None else keys[at]
    sent = match([Person(emails=(mail.sender,))], people).result_of.get(0) if mail.sender else None
    sender = "" if sent is None else keys[sent]
    if written and sender and sender != written:
        return written, [f"sent from the address of {shown(sender)}"]
    if written and mail.sender and not sender:
        known = reports[written].submission.email
        return written, [f"sent from an unknown address, {shown(mail.sender)}"] if known else []
    if one.student and not written:
        return sender, [f"there is no student {shown(one.student)}"]
    return written or sender, [] if written or sender else ["nobody knows who sent it"]


def _person(report: Report) -> Person:
    one = report.submission
    return Person((one.person,), (one.login,), (one.email,), (one.name,))


def _points(report: Report, check: str) -> str:
    """What a check or a question earned; nothing if the report has none of that id."""
    for each, outcome in judged(report):
        if each.id.casefold() == check.casefold():
            return numbers.points(each.points - lost(each, outcome), each.points)
    for one in report.written:
        if one.id.casefold() == check.casefold():
            earned = numbers.number(one.score.earned) if one.marked else "?"
            return f"{earned} / {numbers.number(one.score.possible)}"
    return ""


def _total(report: Report) -> str:
    total = report.total
    return numbers.trimmed(numbers.fixed(total.earned, total.possible))


def _at(key: str, received: str, history: Sequence[Entry]) -> str:
    """The total that a student had when the request was sent, else the first one."""
    of = [entry for entry in history if entry.id == key and entry.total]
    when = _time(received)
    earlier = [entry for entry in of if when and (at := _time(entry.time)) and at <= when]
    chosen = earlier[-1:] or of[:1]
    return chosen[0].total if chosen else ""


def _time(text: str) -> datetime | None:
    text = re.sub(r"([+-]\d\d)(\d\d)$", r"\1:\2", text)  # older Pythons want the colon
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError, OSError):
        return None


def write(out: Path, requests: Iterable[Request]) -> Path:
    """Write the list; answers that a person filled in earlier stay, also of mails that are gone.

    Args:
        out: the folder of results.
        requests: those of now.

    Returns:
        The path of the list.

    Raises:
        BadSource: the earlier list cannot be read.
        OSError: it cannot be written.
    """
    path = out / FILE
    earlier = _read(path)  # as the cells are written
    rows: list[tuple[str, ...]] = []
    for one in requests:
        kept = earlier.pop(one.key, None)
        answer = kept[-1] if kept else ""
        words = (one.student, one.name, one.check, one.points, one.before, one.after)
        rest = (one.look_at, one.source, one.received, answer)
        cells = map(text_cell, (*words, one_line(one.reason, 1000), *rest))
        rows.append(tuple(cells))
    rows += [row for row in earlier.values() if row[-1]]
    buffer = io.StringIO()
    table = csv.writer(buffer, lineterminator="\n")
    table.writerow(COLUMNS)
    table.writerows(rows)
    write_text(path, "\ufeff" + buffer.getvalue())
    return path


def _read(path: Path) -> dict[tuple[str, str, str], tuple[str, ...]]:
    """The rows of an earlier list."""
    if not path.is_file():
        return {}
    try:
        table = parsed(path.read_bytes())
        header = [cell.strip().casefold() for cell in table.values(0)]
        at = [header.index(name) for name in COLUMNS]
    except (BadSource, ValueError):
        raise BadSource(
            f"{shown(str(path), 1000)} is no list of requests any more: give it the columns "
            f"{', '.join(COLUMNS)}, or move it away"
        ) from None
    found = {}
    for n in range(1, len(table.rows)):
        cells = [*table.values(n), *[""] * len(header)]
        row = tuple(cells[column].strip() for column in at)
        by_name = dict(zip(COLUMNS, row, strict=True))
        found[by_name["source"], by_name["student"], by_name["check"]] = row
    return found
