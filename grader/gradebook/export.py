"""Points from a folder of results into the table that a platform exported: one column of it.

Each platform's own module says who stands in a row and which column takes the points; here they are
matched, rounded and filled in, and whoever is left over is named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

from grader.errors import BadSource, Refused
from grader.gradebook import book, state
from grader.gradebook.delimited import Table
from grader.gradebook.people import Person, match
from grader.gradebook.table import possible, possible_in_all
from grader.records import Report
from grader.report import numbers
from grader.report.analysis.beside import kinds_of, line_score
from grader.report.analysis.fix_first import handed_in_nothing, status_of
from grader.report.analysis.roll import NOT_GRADED, NOT_HANDED_IN
from grader.report.labels import part_label
from grader.text import one_line, shown

__all__ = [
    "Filled",
    "Grade",
    "Grades",
    "Sheet",
    "beside_parts",
    "column_named",
    "fill",
    "listed",
    "number_in",
    "read_grades",
    "rounded",
]

CENT = Decimal("0.01")


@dataclass(frozen=True)
class Grade:
    """A result as a platform takes it; without points where ``why`` says that none stand."""

    report: Report
    person: Person
    points: float | None
    why: str = ""

    @property
    def name(self) -> str:
        """Whose it is, for a list."""
        submission = self.report.submission
        return one_line(submission.name or submission.id, 80)


@dataclass(frozen=True)
class Grades:
    """All results of a folder, what can be earned, and who is known to have none."""

    out: Path
    every: Sequence[Grade]
    possible: float
    without: Sequence[tuple[Person, str]]


@dataclass(frozen=True)
class Sheet:
    """A platform's table as far as it matters."""

    table: Table
    people: Mapping[int, Person]
    """Who stands in which row; rows that are nobody's are left out."""
    column: int
    kept: Mapping[int, str]
    """Rows whose cell must stay as it is, and why."""
    comma: bool = False
    """Whether numbers are written with a decimal comma."""

    def name(self, row: int) -> str:
        """Who stands in a row, for a list."""
        person = self.people[row]
        words = (*person.names, *person.emails, *person.logins, *person.ids)
        return one_line(next((word for word in words if word.strip()), f"row {row + 1}"), 80)


@dataclass(frozen=True)
class Filled:
    """The file with the points in it, and everybody who got none."""

    data: bytes
    column: str
    rows: Mapping[int, Grade]
    """The result of each row that has one, whether or not its points could be filled in."""
    filled: int
    left: Sequence[str]
    """Of rows that have a result: why its points are not filled in."""
    not_graded: Sequence[str]
    not_in_file: Sequence[str]


def read_grades(out: Path) -> Grades:
    """The results of a folder, as they can be entered.

    Raises:
        BadInput: it holds no results, or one of them cannot be read.
    """
    if not out.is_dir():
        raise BadSource(
            f"{shown(str(out), 1000)} is no folder; name the one that `hw3 grade` wrote"
        )
    results, known = book.read_results(out), state.read(out)
    if not results.reports:
        raise BadSource(f"{shown(str(out), 1000)} holds no results; grade into it first")
    facts = known.facts(results.submissions, over=True)
    most = possible(results.in_order())
    grades = []
    for report in results.in_order():
        why = _why_not(report, most)
        if report.submission.id in facts.incomplete:
            why = NOT_GRADED
        points = None if why else report.total.earned
        grades.append(Grade(report, _person(report), points, why))
    without = [(Person(names=(one.name,)), one.status) for one in facts.without]
    return Grades(out, grades, possible_in_all(results.in_order()), without)


def _why_not(report: Report, most: Mapping[str, float]) -> str:
    """Why the points of a report are not its last word, or nothing."""
    if report.submission.question or report.total.undecided > 0.0:
        return status_of(report)
    if report.stale:
        return status_of(report)
    if handed_in_nothing(report):
        return NOT_HANDED_IN
    missing = [part_label(part) for part in most if part not in report.scores]
    return f"not graded: {', '.join(missing)}" if missing else ""


def _person(report: Report) -> Person:
    one = report.submission
    emails = [value for value in (one.email, one.login, one.person) if "@" in value]
    return Person(
        _several(one.person), _several(one.login), _several(" ".join(emails)), (one.name,)
    )


def _several(text: str) -> tuple[str, ...]:
    """Of a group, everybody's."""
    return tuple(text.replace(",", " ").replace(";", " ").split())


def fill(sheet: Sheet, grades: Grades) -> Filled:
    """Fill the column with the points of everybody who is found; the rest is named.

    Raises:
        Refused: nobody is found.
    """
    numbered = list(sheet.people)
    matched = match(
        [sheet.people[row] for row in numbered], [grade.person for grade in grades.every]
    )
    rows = {numbered[n]: grades.every[result] for n, result in matched.result_of.items()}
    if not rows:
        raise Refused(
            f"nobody of this table has a result in {shown(str(grades.out), 1000)}: it is of "
            "another class, or the results know neither ids nor e-mails nor these names (`hw3 "
            "grade --roster` tells them)"
        )
    changes, left = {}, []
    for row, grade in rows.items():
        why = grade.why or sheet.kept.get(row, "")
        if why or grade.points is None:
            left.append(f"{sheet.name(row)} ({one_line(why, 160)})")
        else:
            text = rounded(grade.points, grades.possible)
            changes[row, sheet.column] = text.replace(".", ",") if sheet.comma else text
    doubts = {numbered[n]: why for n, why in matched.doubtful.items()}
    return Filled(
        sheet.table.filled(changes),
        sheet.table.rows[0][sheet.column].value,
        rows,
        len(changes),
        left,
        [
            sheet.name(row) + _in_brackets(doubts.get(row) or _known(sheet.people[row], grades))
            for row in (numbered[n] for n in matched.rows_left)
        ],
        [grades.every[n].name for n in matched.results_left],
    )


def beside_parts(filled: Filled) -> dict[str, list[str]]:
    """Who has points in the table that no part gave, or took: by the kind of line, in words."""
    found: dict[str, list[str]] = {}
    for grade in filled.rows.values():
        for kind in kinds_of([grade.report]) if grade.points is not None else ():
            if score := line_score(grade.report, kind):
                found.setdefault(kind, []).append(f"{grade.name} {numbers.signed(score.earned)}")
    return found


def _known(person: Person, grades: Grades) -> str:
    """What is known of somebody without a result."""
    keys = person.keys("name")
    statuses = {status for one, status in grades.without if keys & one.keys("name")}
    return statuses.pop() if len(statuses) == 1 else ""


def _in_brackets(words: str) -> str:
    return f" ({words})" if words and words != NOT_HANDED_IN else f" {words}".rstrip()


def rounded(earned: float, of: float) -> str:
    """Two decimals, halves up, as Canvas, Moodle and Gradescope keep them.

    Full marks and zero only where that is true, as on the pages.
    """
    points = Decimal(repr(earned)).quantize(CENT, ROUND_HALF_UP)
    full = Decimal(repr(of)).quantize(CENT, ROUND_HALF_UP)
    if points >= full and earned < of and not numbers.same(earned, of):
        points = full - CENT
    if points <= 0 and earned > 0 and not numbers.same(earned, 0.0):
        points = CENT
    return f"{points:.2f}"


def number_in(cell: str) -> float | None:
    """The number in a cell, with a decimal point or comma."""
    try:
        value = Decimal(cell.strip().replace(",", "."))
    except ArithmeticError:
        return None
    return float(value) if value.is_finite() else None


def column_named(header: Sequence[str], name: str, of: Sequence[int]) -> int:
    """The column of that name; Canvas's number after it may be left out.

    Args:
        header: the names of all columns.
        name: as somebody typed it.
        of: the columns that may be meant.

    Raises:
        Refused: there is no such column, or more than one.
    """
    wanted = name.strip().casefold()
    for full in (True, False):
        hits = [
            column
            for column in of
            if wanted == (header[column] if full else _bare(header[column])).strip().casefold()
        ]
        if len(hits) == 1:
            return hits[0]
        if hits:
            raise Refused(f"{len(hits)} columns are called {shown(name)}: give the number after it")
    raise Refused(f"there is no column {shown(name)} to fill; there are {listed(header, of)}")


def _bare(header: str) -> str:
    """A column's name without the number that Canvas puts after it."""
    text, bracket, number = header.strip().rpartition(" (")
    return text if bracket and number.rstrip(")").isdigit() else header


def listed(header: Sequence[str], columns: Sequence[int]) -> str:
    """The names of columns, for a sentence."""
    names = [f"“{one_line(header[column], 60)}”" for column in columns]
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return ", ".join(names[:12]) + more if names else "none"
