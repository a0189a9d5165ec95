"""``questions.csv``: what a person has to decide, and what was decided."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from grader.errors import BadSource
from grader.gradebook.delimited import decoded
from grader.gradebook.table import text_cell
from grader.report.writers.files import write_text
from grader.text import shown

__all__ = ["COLUMNS", "FILE", "Asked", "Row", "decisions", "read", "write"]

FILE = "questions.csv"
COLUMNS = ("id", "name", "found", "options", "decision")


class Asked(Protocol):
    """A question, as reading the submissions asks it."""

    @property
    def id(self) -> str:
        """The student's; of a question about one file, followed by ``/`` and the file."""

    @property
    def name(self) -> str:
        """The student's."""

    @property
    def found(self) -> str:
        """What was found, in words."""

    @property
    def options(self) -> Sequence[str]:
        """What can be decided."""


@dataclass(frozen=True)
class Row:
    """A line of the file, with the decision that somebody filled in."""

    id: str
    name: str
    found: str
    options: str
    decision: str = ""


def read(out: Path) -> list[Row]:
    """The lines of a folder's questions; none where there is no such file.

    A spreadsheet may have saved it: with semicolons or tabs, in another encoding.

    Raises:
        BadSource: columns are missing, or it is not a table.
    """
    path = out / FILE
    try:
        text = decoded(path.read_bytes()).text.lstrip("\ufeff")
    except FileNotFoundError:
        return []
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    try:
        table = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        lines = list(table)
    except csv.Error as error:
        raise BadSource(f"{shown(str(path), 1000)} is no table ({error}): mend it") from None
    missing = [name for name in ("id", "decision") if name not in (table.fieldnames or ())]
    if missing:
        raise BadSource(
            f"{shown(str(path), 1000)} has no column {' and no column '.join(missing)}: give it "
            f"the columns {', '.join(COLUMNS)}, or remove it to be asked again"
        )
    rows = [Row(*((line.get(key) or "").strip() for key in COLUMNS)) for line in lines]
    return [row for row in rows if row.id]


def decisions(rows: Sequence[Row]) -> Mapping[str, str]:
    """What was decided, by the question's id.

    Raises:
        BadSource: two lines decide differently about one student.
    """
    found: dict[str, str] = {}
    for row in rows:
        key = row.id.removeprefix("'")
        if row.decision and found.setdefault(key, row.decision) != row.decision:
            raise BadSource(f"{FILE} decides twice about {shown(key)}: leave one of the lines")
    return found


def write(out: Path, asked: Sequence[Asked], here: Collection[str]) -> list[Row]:
    """Write what is asked now beside what is open or decided; a decision is never overwritten.

    Args:
        out: the folder of all results.
        asked: the questions of this run.
        here: the ids of the students whose submissions were read in this run; of the others,
            questions stay open.

    Returns:
        All lines of the file, which is not there without any.
    """
    earlier = {row.id.removeprefix("'"): row for row in read(out)}
    rows = {}
    for key, row in earlier.items():
        if row.decision or key.partition("/")[0] not in here:
            rows[key] = row
    for one in asked:
        decision = rows[one.id].decision if one.id in rows else ""
        options = text_cell("; ".join(one.options))
        cells = [text_cell(cell) for cell in (one.id, one.name, one.found)]
        rows[one.id] = Row(cells[0], cells[1], cells[2], options, decision)
    if rows or (out / FILE).exists():
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows((r.id, r.name, r.found, r.options, r.decision) for r in rows.values())
        write_text(out / FILE, "\ufeff" + buffer.getvalue())
    return list(rows.values())
