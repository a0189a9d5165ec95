"""The gradebook that Canvas exports (Grades, Export), to be imported there again.

Its first row names the columns, an assignment as ``HW3 (12345)``.  A row ``Points Possible`` near
the top says what each is worth; one for manual posting may stand above it.  Canvas makes a new
assignment of a name that it does not know, so nothing but one column is ever touched.
"""

from __future__ import annotations

from collections.abc import Sequence

from grader.errors import Refused
from grader.gradebook.delimited import Table
from grader.gradebook.export import Sheet, column_named, listed, number_in
from grader.gradebook.people import Person
from grader.report import numbers
from grader.text import one_line

__all__ = ["read"]

_STUDENT, _ID = "Student", "ID"
_KNOWN = (
    *(_STUDENT, _ID, "SIS User ID", "SIS Login ID", "Integration ID", "Root Account", "Section"),
    *("Notes",),
)
_POINTS = "points possible"
_NEAR_THE_TOP = 5
_TEST_STUDENT = "student, test"
_EXCUSED = ("EX", "EX.")


def read(table: Table, column: str, possible: float) -> Sheet:
    """The people and the column of a gradebook.

    Args:
        table: the file.
        column: the name of the assignment, or nothing for the only one that fits.
        possible: the points that can be earned.

    Raises:
        Refused: it is no gradebook of Canvas, or no column fits.
    """
    header = [value.strip() for value in table.values(0)]
    if _STUDENT not in header or _ID not in header:
        raise Refused(
            "this is no gradebook of Canvas: it has no columns “Student” and “ID”; export it there "
            "under Grades, Export"
        )
    tops = range(1, min(_NEAR_THE_TOP, len(table.rows)))
    points_row = next((n for n in tops if table.values(n)[0].strip().casefold() == _POINTS), None)
    if points_row is None:
        raise Refused(
            "this gradebook has no row “Points Possible”, so nobody knows what its columns are "
            "worth; export it from Canvas once more"
        )
    chosen = _column(header, table.values(points_row), column, possible)
    people, kept = {}, {}
    for row in range(points_row + 1, len(table.rows)):
        cells = table.values(row)
        if not cells[0].strip() or cells[0].strip().casefold() == _TEST_STUDENT:
            continue
        if len(cells) <= chosen:
            raise Refused(
                f"line {table.lines[row]} has {len(cells)} cells instead of {len(header)}: export "
                "the gradebook once more"
            )
        named = dict(zip(header, cells, strict=False))
        login = named.get("SIS Login ID", "").strip()
        people[row] = Person(
            (named[_ID], named.get("SIS User ID", "")),
            (login,),
            (login,) if "@" in login else (),
            (named[_STUDENT],),
        )
        if cells[chosen].strip().upper() in _EXCUSED:
            kept[row] = "excused in Canvas"
    return Sheet(table, people, chosen, kept)


def _column(header: Sequence[str], points: Sequence[str], name: str, possible: float) -> int:
    worth = {
        column: value
        for column, cell in enumerate(points)
        if column < len(header) and header[column] not in _KNOWN
        if (value := number_in(cell)) is not None
    }
    fitting = [column for column, value in worth.items() if numbers.same(value, possible)]
    total = numbers.number(possible)
    if name:
        chosen = column_named(header, name, list(worth))
        if chosen not in fitting:
            raise Refused(
                f"“{one_line(header[chosen], 80)}” is worth {numbers.number(worth[chosen])} "
                f"points, and the results are out of {total}: it is another assignment, or "
                "its points have to be changed in Canvas"
            )
        return chosen
    if len(fitting) != 1:
        which = (
            f"several columns are worth {total} points"
            if fitting
            else (f"no column is worth {total} points, which the results are out of")
        )
        raise Refused(
            f"{which}: name the assignment's with --column; there are "
            f"{listed(header, fitting or list(worth))}"
        )
    return fitting[0]
