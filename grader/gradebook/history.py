"""``history.csv``: every mark that a student ever had here, and why it changed; only added to.

Marks are compared with the last row of each student, so this is also how a run knows what changed.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.errors import BadSource
from grader.gradebook.book import Book
from grader.gradebook.table import text_cell
from grader.records import Report
from grader.report import numbers
from grader.report.analysis.fix_first import counted, has_total
from grader.report.labels import part_label
from grader.text import shown

__all__ = ["COLUMNS", "FILE", "Change", "add", "changes", "last"]

FILE = "history.csv"
COLUMNS = ("time", "id", "name", "total", "possible", "marks", "files", "points", "reason")

FIRST = "graded for the first time"


@dataclass(frozen=True)
class Row:
    """The marks of a student at some time; ``files`` and ``points`` tell what they rest on."""

    total: str
    possible: str
    marks: str
    files: str
    points: str


@dataclass(frozen=True)
class Change:
    """A student whose marks are others than before."""

    id: str
    name: str
    before: Row | None
    now: Row
    reason: str

    @property
    def words(self) -> str:
        """For one line: ``ada: 55.2 → 57.2, because …``."""
        old = (self.before.total or "no marks") if self.before else "no marks"
        new = self.now.total or "no marks"
        same = f"; {self.now.marks}" if old == new else ""
        return f"{self.name}: {old} → {new}{same}, because {self.reason}"


def last(out: Path) -> dict[str, Row]:
    """The last row of every student in a folder of results.

    Raises:
        BadSource: the file is no table of marks.
    """
    path = out / FILE
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise _damaged(path, type(error).__name__) from None
    table = csv.DictReader(io.StringIO(text, newline=""))
    if not set(COLUMNS) <= set(table.fieldnames or ()):
        raise _damaged(path, "columns are missing")
    found = {}
    for line in table:
        if all(line[name] is not None for name in COLUMNS):  # the last one may be cut off
            key = line["id"].removeprefix("'")
            row = (line["total"], line["possible"], line["marks"], line["files"], line["points"])
            found[key] = Row(*row)
    return found


def _damaged(path: Path, why: str) -> BadSource:
    return BadSource(
        f"{shown(str(path), 1000)} cannot be read ({why}): mend it, or move it away to begin a new "
        "history"
    )


def changes(
    before: Mapping[str, Row], book: Book, ids: Iterable[str], why: Mapping[str, Sequence[str]]
) -> list[Change]:
    """Whose marks are others than before, with the reason.

    Args:
        before: the last rows.
        book: the marks of now.
        ids: whose marks are compared.
        why: why checks were run again, by the student's id.
    """
    points = _points(book)
    found = []
    for key in ids:
        report = book.reports[key]
        now, old = _row(report, points), before.get(key)
        if old is None or (old.total, old.possible, old.marks) != (
            now.total,
            now.possible,
            now.marks,
        ):
            reason = FIRST if old is None else _reason(old, now, why.get(key, ()))
            name = report.submission.name or report.submission.id
            found.append(Change(key, name, old, now, reason))
    return found


def add(out: Path, rows: Sequence[Change]) -> None:
    """Add changes to the history of a folder, at once.

    Raises:
        OSError: it cannot be written.
    """
    if not rows:
        return
    path, buffer = out / FILE, io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    when = time.strftime("%Y-%m-%dT%H:%M:%S%z")
    for one in rows:
        now = one.now
        writer.writerow([
            *(when, text_cell(one.id), text_cell(one.name), now.total, now.possible),
            *(text_cell(now.marks), now.files, now.points, text_cell(one.reason)),
        ])  # fmt: skip
    with path.open("ab") as file:
        start = "" if file.tell() else "\ufeff" + ",".join(COLUMNS) + "\n"
        if file.tell() and not path.read_bytes().endswith(b"\n"):
            start = "\n"  # the last row was cut off
        file.write((start + buffer.getvalue()).encode("utf-8", "backslashreplace"))
        file.flush()
        os.fsync(file.fileno())


def _row(report: Report, points: str) -> Row:
    total, scores = report.total, counted(report)
    marks = [
        f"{part_label(part)} {numbers.points(s.earned, s.possible)}" for part, s in scores.items()
    ]
    marks += [f"{line.title} {numbers.signed(line.score.earned)}" for line in report.lines]
    if total.undecided:
        marks.append(f"undecided {numbers.number(total.undecided)}")
    there = has_total(report)
    return Row(
        numbers.trimmed(numbers.fixed(total.earned, total.possible)) if there else "",
        numbers.number(total.possible) if there else "",
        "; ".join(marks),
        report.submission.digest[:12],
        points,
    )


def _points(book: Book) -> str:
    text = json.dumps(book.rules.points, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _reason(old: Row, now: Row, why: Sequence[str]) -> str:
    reasons = []
    if old.files != now.files:
        reasons.append("the submission has changed")
    reasons += [words for words in why if words not in reasons]
    if old.points != now.points:
        reasons.append("the points of the assignment have changed")
    parts = [_beside_parts(row) for row in (old, now)]
    if parts[0] != parts[1]:
        gone = [words for words in parts[0] if words not in parts[1]]
        come = [words for words in parts[1] if words not in parts[0]]
        reasons.append(f"{', '.join(gone) or 'nothing'} became {', '.join(come) or 'nothing'}")
    return "; ".join(reasons) or "the same outcomes are counted in another way"


def _beside_parts(row: Row) -> list[str]:
    """The lines beside the parts, as they stand in a row."""
    return [words for words in row.marks.split("; ") if words and " / " not in words]
