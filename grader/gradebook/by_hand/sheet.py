"""The one table of marks that persons give: read as any spreadsheet saves it, and only added to.

A row is one person's mark of one student: of a question, or in place of the points of a check or a
part.  Whatever is wrong is said of each row, all at once, and then nothing is taken over.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from grader.errors import BadMarks, BadSource
from grader.gradebook.by_hand import spreadsheet
from grader.gradebook.delimited import Table, parsed
from grader.gradebook.table import text_cell
from grader.homework.questions import NO_ITEM, Question
from grader.report import numbers
from grader.text import shown

__all__ = ["COLUMNS", "LONGEST", "Class", "Given", "Marks", "added_to", "read"]

COLUMNS = ("student", "name", "what", "points", "items", "comment")
_NEEDED = ("student", "what", "points")

LONGEST = 4000
"""Characters of a comment."""

_MOST_BYTES = 16 * 1024 * 1024

_SAID = 20
"""Rows of which it is said what is wrong; of more only how many."""


@dataclass(frozen=True)
class Given:
    """A row with a mark: points, or items of the rubric; of a question, a check or a part."""

    student: str
    what: str
    points: float | None
    items: tuple[str, ...] = ()
    comment: str = ""
    row: int = 0
    """Its number, as a spreadsheet shows it."""


@dataclass(frozen=True)
class Class:
    """Whom and what a table may name."""

    names: Mapping[str, str]
    """Of the students, by id."""
    codes: Mapping[str, str]
    """Of the students, by id: what stands in the table in place of ids and names."""
    questions: Sequence[Question]
    possible: Mapping[str, float] = field(default_factory=dict)
    """What can be earned, by the id of a check or a part."""
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By the id of each member of a group, the ids of all, the same one first."""

    def is_read(self, student: str) -> bool:
        """Whether a student's answers are read: a group's are once, as the first member's."""
        return self.groups.get(student, (student,))[0] == student


@dataclass(frozen=True)
class Marks:
    """What a table holds."""

    marks: tuple[Given, ...] = ()
    there: frozenset[tuple[str, str]] = frozenset()
    """For whom and what there is a row, whether or not it holds a mark."""


def read(data: bytes, class_: Class, file: str) -> Marks:
    """The marks in a table.

    Args:
        data: of the file.
        class_: whom and what it may name.
        file: what messages call it.

    Raises:
        BadMarks: something is wrong with it; every row of which that is so is named.
    """
    if len(data) > _MOST_BYTES:
        raise BadMarks(f"{file} is larger than 16 MiB: name the table itself; nothing was changed")
    try:
        table = parsed(data)
        columns = _columns(table)
    except BadSource as error:
        raise BadMarks(f"{file}: {error}; nothing was changed") from None
    problems: list[tuple[int, str]] = []
    marks, there = [], set()
    of: dict[tuple[str, str], list[int]] = defaultdict(list)
    for n in range(1, len(table.rows)):
        cells, row = table.values(n), table.numbers[n]

        def cell(name: str, cells: Sequence[str] = cells) -> str:
            at = columns.get(name)
            return spreadsheet.plain(cells[at]) if at is not None and at < len(cells) else ""

        if not any(map(cell, COLUMNS)):
            continue
        try:
            given = _given(cell, row, class_)
        except _RowError as problem:
            problems.append((row, str(problem)))
            continue
        there.add((given.student, given.what))
        if given.points is not None or given.items:
            of[given.student, given.what].append(row)
            marks.append(given)
    for (student, what), rows in of.items():
        if len(rows) > 1:
            others = " and ".join(map(str, rows[:-1]))
            words = f"{shown(_name(student, class_))} has a mark for {what} in row {others} too"
            problems.append((rows[-1], f"{words}: leave one of them"))
    if problems:
        raise BadMarks(_words(file, sorted(problems)))
    return Marks(tuple(marks), frozenset(there))


class _RowError(Exception):
    """What is wrong with a row, and what to do."""


def _columns(table: Table) -> dict[str, int]:
    header = [spreadsheet.plain(cell).casefold() for cell in table.values(0)]
    twice = [name for name in COLUMNS if header.count(name) > 1]
    if twice:
        raise BadSource(f"it has the column {twice[0]} twice: remove one of them")
    missing = [name for name in _NEEDED if name not in header]
    if missing:
        raise BadSource(
            f"it has no column {' and no column '.join(missing)}: give it the columns "
            f"{', '.join(COLUMNS)}"
        )
    return {name: header.index(name) for name in COLUMNS if name in header}


def _given(cell: Callable[[str], str], row: int, class_: Class) -> Given:
    student = _student(cell("student"), class_)
    what = _what(cell("what"), class_)
    question = next((one for one in class_.questions if one.id == what), None)
    points, items = _points(cell("points")), _items(cell("items"), question)
    comment = cell("comment")
    if points is not None and items:
        raise _RowError("it has points and items: leave one of them empty")
    if len(comment) > LONGEST:
        raise _RowError(f"the comment has more than {LONGEST} characters: shorten it")
    if points is not None:
        most = question.points if question else class_.possible[what]
        if points > most:
            day = spreadsheet.is_day(points)
            why = "; it may be the number of a day, which a spreadsheet makes of 1/2" if day else ""
            raise _RowError(
                f"{numbers.number(points)} points are more than the {numbers.number(most)} of "
                f"{what}{why}: give at most these, or {what} more in the assignment"
            )
        if not question and not comment:
            raise _RowError(f"it changes the points of {what}: say why in the column comment")
    return Given(student, what, points, items, comment, row)


def _student(cell: str, class_: Class) -> str:
    if not cell:
        raise _RowError("it names no student: fill in the column student, or remove the row")
    ids = {code: one for one, code in class_.codes.items()}
    if cell in class_.names:
        return cell
    if cell.casefold() in ids:
        return ids[cell.casefold()]
    if why := spreadsheet.damaged(cell, class_.names):
        raise _RowError(f"{why}: write the id again, in a column with the format “text”")
    near = get_close_matches(cell, [*class_.names, *ids], 1, 0.8)
    meant = f" (did you mean {shown(near[0])}?)" if near else ""
    raise _RowError(
        f"there is no student {shown(cell)}{meant}: correct it; codes belong to the seed of the "
        "assignment with which the table was made"
    )


def _what(cell: str, class_: Class) -> str:
    if not cell:
        raise _RowError("it names no question: fill in the column what, or remove the row")
    known = [*(one.id for one in class_.questions), *class_.possible]
    by_case = {name.casefold(): name for name in known}
    if cell.casefold() in by_case:
        return by_case[cell.casefold()]
    if why := spreadsheet.damaged(cell, known):
        raise _RowError(f"{why}: write the question's id again")
    near = get_close_matches(cell, known, 1)
    meant = f" (did you mean {near[0]}?)" if near else ""
    raise _RowError(
        f"there is no question, check or part {shown(cell)}{meant}: correct it, put it back into "
        "the assignment, or remove the row"
    )


def _points(cell: str) -> float | None:
    if not cell:
        return None
    points, problem = spreadsheet.points_of(cell)
    if problem:
        raise _RowError(problem)
    return points


def _items(cell: str, question: Question | None) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(cell.casefold().replace(",", " ").replace(";", " ").split()))
    if not names:
        return ()
    if question is None:
        raise _RowError("items belong to questions: give points, and leave items empty")
    if names == (NO_ITEM,) and question.rubric:
        return names
    for name in names:
        if question.item(name) is None:
            known = [item.id for item in question.rubric] or ["none"]
            near = get_close_matches(name, known, 1)
            meant = f" (did you mean {near[0]}?)" if near else ""
            raise _RowError(
                f"the rubric of {question.id} has no item {shown(name)}{meant}: put it back into "
                f"the assignment, or choose among {', '.join(known)}"
            )
    return names


def _name(student: str, class_: Class) -> str:
    return class_.codes.get(student, student)


def _words(file: str, problems: Sequence[tuple[int, str]]) -> str:
    said = "; ".join(f"row {row}: {why}" for row, why in problems[:_SAID])
    more = f"; and {len(problems) - _SAID} more rows" if len(problems) > _SAID else ""
    return f"{file}, {said}{more}; nothing was changed"


def added_to(data: bytes | None, rows: Sequence[tuple[str, str, str]]) -> bytes:
    """The table with rows added at its end; what is there stays byte for byte.

    Args:
        data: of the file, which has been read; ``None`` if there is none.
        rows: student, name and question of each new one.
    """
    if data is None:
        head = _lines([COLUMNS], COLUMNS, ",", "\r\n")
        return ("\ufeff" + head + _lines(_wide(rows), COLUMNS, ",", "\r\n")).encode()
    if not rows:
        return data
    table = parsed(data)
    text = table.source.text
    end = "\r\n" if "\r\n" in text else "\r" if "\r" in text and "\n" not in text else "\n"
    header = [spreadsheet.plain(cell).casefold() for cell in table.values(0)]
    new = _lines(_wide(rows), header, table.delimiter, end)
    gap = "" if text.endswith(("\r", "\n")) else end
    try:
        return data + (gap + new).encode(table.source.encoding)
    except UnicodeEncodeError:  # a name that the file's encoding does not have
        return ("\ufeff" + text + gap + new).encode()


def _wide(rows: Sequence[tuple[str, str, str]]) -> list[tuple[str, ...]]:
    return [(*map(text_cell, row), "", "", "") for row in rows]


def _lines(rows: Sequence[Sequence[str]], header: Sequence[str], delimiter: str, end: str) -> str:
    """Rows whose cells are in the order of ``COLUMNS``, as lines of a table with that header."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter, lineterminator=end)
    for row in rows:
        by_name = dict(zip(COLUMNS, row, strict=True))
        writer.writerow([by_name.get(name, "") for name in header])
    return buffer.getvalue()
