"""The grading worksheet that Moodle exports (assignment, Download grading worksheet).

A row's ``Identifier`` is ``Participant 123`` in the language of whoever exported it, and so are the
names of the columns; the number is what Moodle matches by.  A worksheet for blind marking holds no
name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from grader.errors import Refused
from grader.gradebook.delimited import Table
from grader.gradebook.export import Sheet, column_named, listed, number_in
from grader.gradebook.people import Person
from grader.report import numbers
from grader.text import one_line

__all__ = ["number_of", "read"]

_COLUMNS = {
    "identifier": "identifier kennung id identifiant identificador identificatore",
    "name": "full name|vollständiger name|nom complet|nombre completo|nome completo|name",
    "first": "first name|vorname|prénom|nombre|nome",
    "last": "last name|surname|nachname|nom|nom de famille|apellido(s)|apellidos|cognome",
    "number": "id number|id-nummer|numéro d'identification|número de id|codice identificativo",
    "login": "username|anmeldename|nom d'utilisateur|nombre de usuario",
    "email": "email address|e-mail-adresse|adresse de courriel|dirección de correo|"
    "indirizzo email|email",
    "grade": "grade|bewertung|note|calificación|valutazione|nota|cijfer",
    "maximum": "maximum grade|beste bewertung|bestwertung|note maximale|calificación máxima|"
    "valutazione massima",
    "open": "grade can be changed",
}
_KINDS = {
    word: kind
    for kind, words in _COLUMNS.items()
    for word in (
        words.split("|") if "|" in words else words.split(" ") if kind == "identifier" else [words]
    )
}


def read(table: Table, column: str, possible: float) -> Sheet:
    """The people and the column of a worksheet.

    Args:
        table: the file.
        column: the name of the column, or nothing for the one that is called ``Grade``.
        possible: the points that can be earned.

    Raises:
        Refused: it is no worksheet, or not of an assignment with these points.
    """
    header = table.values(0)
    named: dict[str, int] = {}
    for n, name in enumerate(header):
        if kind := _KINDS.get(name.strip().casefold()):
            named.setdefault(kind, n)
    if (identifier := _identifier(table)) is not None:
        named["identifier"] = identifier
    elif not {"email", "number", "name"} & named.keys():
        raise Refused(
            "this is no grading worksheet of Moodle: no column holds “Participant 123” or the "
            "like; download it from the assignment, or switch on “Offline grading worksheet” there"
        )
    taken = set(named.values()) - {named.get("grade")}
    others = [n for n in range(len(header)) if n not in taken]
    if column:
        chosen = column_named(header, column, others)
    elif "grade" in named:
        chosen = named["grade"]
    else:
        raise Refused(
            f"no column is called “Grade”: name it with --column; "
            f"there are {listed(header, others)}"
        )
    people, kept, comma = {}, {}, False
    for row in range(1, len(table.rows)):
        cells = table.values(row)
        if len(cells) <= max(chosen, *named.values()):
            raise Refused(
                f"line {table.lines[row]} has {len(cells)} cells instead of {len(header)}: "
                "download the worksheet once more"
            )
        people[row] = _person(cells, named)
        if "maximum" in named:
            comma = comma or bool(re.fullmatch(r"\s*\d+,\d+\s*", cells[named["maximum"]]))
            _refuse_others(cells[named["maximum"]], possible)
        if "open" in named and cells[named["open"]].strip().casefold() == "no":
            kept[row] = "locked in Moodle"
    return Sheet(table, people, chosen, kept, comma)


def number_of(cells: Sequence[str], identifier: int) -> str:
    """The number by which Moodle knows a participant."""
    found = re.search(r"\d+\s*$", cells[identifier])
    return found[0].strip() if found else ""


def _identifier(table: Table) -> int | None:
    """The column whose cells are all a word and a number, as ``Participant 123``."""
    rows = [table.values(n) for n in range(1, len(table.rows))]
    for column in range(len(table.rows[0])):
        cells = [cells[column].strip() for cells in rows if column < len(cells)]
        words = [re.fullmatch(r"(\D+?)\s*\d+", cell) for cell in cells]
        if cells and all(words) and len({word[1] for word in words if word}) == 1:
            return column
    return None


def _person(cells: Sequence[str], named: dict[str, int]) -> Person:
    def of(kind: str) -> str:
        return cells[named[kind]].strip() if kind in named else ""

    number = number_of(cells, named["identifier"]) if "identifier" in named else ""
    name = of("name") or f"{of('first')} {of('last')}".strip()
    email, login = of("email"), of("login")
    ids = tuple(filter(None, (number, of("number"))))
    names = (name,) if name else (of("identifier"),) if "identifier" in named else ()
    return Person(ids, (login,) if login else (), (email,) if email else (), names)


def _refuse_others(maximum: str, possible: float) -> None:
    value = number_in(maximum)
    if value is None and maximum.strip():
        raise Refused(
            f"this assignment is graded by a scale (“{one_line(maximum, 60)}”), not by points: "
            f"change that in Moodle to {numbers.number(possible)} points"
        )
    if value is not None and not numbers.same(value, possible):
        raise Refused(
            f"this worksheet's maximum is {numbers.number(value)} points, and the results are out "
            f"of {numbers.number(possible)}: it is another assignment, or its maximum has to be "
            "changed in Moodle"
        )
