"""The scores that Gradescope exports (Review grades, Download grades): one row for each student."""

from __future__ import annotations

from grader.errors import Refused
from grader.gradebook.delimited import Table
from grader.gradebook.export import Sheet, column_named, listed, number_in
from grader.gradebook.people import Person
from grader.report import numbers

__all__ = ["read"]

_SCORE, _MOST = "total score", "max points"
_PEOPLE = ("name", "first name", "last name", "sid", "email", "submission id", "user id")


def read(table: Table, column: str, possible: float) -> Sheet:
    """The people and the column of a table of scores.

    Args:
        table: the file.
        column: the name of the column, or nothing for ``Total Score``.
        possible: the points that can be earned.

    Raises:
        Refused: it is no such table, or not of an assignment with these points.
    """
    header = table.values(0)
    named: dict[str, int] = {}
    for n, name in enumerate(header):
        named.setdefault(name.strip().casefold(), n)
    if not {"email", "sid"} & named.keys():
        raise Refused(
            "these are no scores of Gradescope: there is no column “Email” or “SID”; download them "
            "under Review grades"
        )
    others = [n for n, name in enumerate(header) if name.strip().casefold() not in _PEOPLE]
    if column:
        chosen = column_named(header, column, others)
    elif _SCORE in named:
        chosen = named[_SCORE]
    else:
        raise Refused(
            f"no column is called “Total Score”: name it with --column; there are "
            f"{listed(header, others)}"
        )
    people = {}
    for row in range(1, len(table.rows)):
        cells = table.values(row)
        if len(cells) <= max(chosen, *(named[key] for key in (*_PEOPLE, _MOST) if key in named)):
            raise Refused(
                f"line {table.lines[row]} has {len(cells)} cells instead of {len(header)}: "
                "download the scores once more"
            )
        of = {key: cells[named[key]].strip() for key in (*_PEOPLE, _MOST) if key in named}
        most = number_in(of.get(_MOST, ""))
        if most is not None and not numbers.same(most, possible):
            raise Refused(
                f"these scores are out of {numbers.number(most)} points, and the results are out "
                f"of {numbers.number(possible)}: they are of another assignment"
            )
        name = of.get("name") or f"{of.get('first name', '')} {of.get('last name', '')}".strip()
        ids = (of.get("sid", ""), of.get("submission id", ""), of.get("user id", ""))
        people[row] = Person(ids, (), (of.get("email", ""),), (name,))
    return Sheet(table, people, chosen, {})
