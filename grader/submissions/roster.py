"""The people of a class, from the list that a platform exports or an instructor keeps.

People are matched by the platform's id, then the login, the e-mail address and the name; nothing is
guessed.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from grader.errors import BadRoster
from grader.records import Allowed
from grader.submissions.found import RosterPerson, listed
from grader.text import shown

__all__ = ["Roster", "RosterPerson", "read_roster"]

MAX_BYTES, MAX_PEOPLE = 8 * 1024 * 1024, 20_000

_COLUMNS = {
    "id": "id identifier sid studentid canvasuserid userid participant kennung",
    "sis": "sisuserid idnumber idnummer matriculation matrikelnummer numéroidentification",
    "name": "name student fullname participantname studentname vollständigername nomcomplet "
    "nombrecompleto nomecompleto volledigenaam",
    "first": "firstname vorname prénom nombre nome voornaam givenname",
    "last": "lastname surname nachname nom nomdefamille apellidos cognome achternaam familyname",
    "email": "email emailaddress mail emailadresse adressedecourriel direccióndecorreo "
    "indirizzoemail emailadres",
    "login": "login sisloginid username githubusername github loginid anmeldename",
    "group": "group groups team gruppe gruppen groupe groupes",
    "extension": "extension extended due",
    "excused": "excused excuse entschuldigt excusé",
    "late_days": "latedays latedaysleft",
    "received": "received submitted submittedat lastmodifiedsubmission",
}
"""Headers without blanks and marks; Moodle's are in the language of its user."""

_FIELD = {word: name for name, words in _COLUMNS.items() for word in words.split()}


@dataclass(frozen=True)
class Roster:
    """The people of a class, in the list's order."""

    people: tuple[RosterPerson, ...]
    _by: dict[str, dict[str, list[int]]] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        kinds = ("id", "login", "email", "name", "group")
        by: dict[str, dict[str, list[int]]] = {kind: {} for kind in kinds}
        for number, person in enumerate(self.people):
            keys = {
                "id": {_number(person.id), person.other_id.casefold()},
                "login": {person.login.casefold()},
                "email": {person.email.casefold()},
                "name": set(_spellings(person.name)),
                # One of several groups, as Moodle writes them; or a name with a comma in it.
                "group": {_letters(g) for g in (person.group, *re.split("[,;|]", person.group))},
            }
            for kind, words in keys.items():
                for word in words - {""}:
                    by[kind].setdefault(word, []).append(number)
        self._by.update(by)

    def match(self, person: str, login: str, email: str, name: str) -> list[int]:
        """The people whom a submission may be of, by their place in the list.

        Args:
            person: the platform's id, or nothing.
            login, email, name: likewise.

        Returns:
            The people that the first of these to match anybody matches: more than one if two people
            share it, none if nothing does.
        """
        email = email or (person if "@" in person else "")
        for kind, word in (
            ("id", _number(person)),
            ("login", login.casefold()),
            ("login", email.casefold()),
            ("email", (email or login).casefold()),
            ("name", _letters(name)),
        ):
            if word and (found := self._by[kind].get(word)):
                return found
        return []

    def named(self, name: str) -> list[int]:
        """The people of a name, in any of its spellings."""
        return self._by["name"].get(_letters(name), [])

    def group(self, name: str) -> list[int]:
        """The members of the group of a name."""
        return self._by["group"].get(_letters(name), []) if _letters(name) else []

    def ends(self, name: str) -> list[tuple[str, int]]:
        """Whose login a name is, or ends in after ``-`` or ``_``; each with what stands before."""
        text, found = name.casefold(), []
        for start in _starts(text):
            found += [(text[:start], n) for n in self._by["login"].get(text[start:], ())]
        return found

    def group_at_end(self, name: str) -> list[int]:
        """The members of the group that a name ends in, as a team's repository does."""
        every = (self.group(name[start:]) for start in _starts(name))
        return next(filter(None, every), [])


def _starts(name: str) -> list[int]:
    """Where a login may begin in a name."""
    return [0, *(n + 1 for n, letter in enumerate(name) if letter in "-_")] if name else []


def read_roster(path: Path) -> Roster:
    """Read a list of people: a Canvas gradebook, Moodle participants, a Gradescope roster, or one
    with the columns ``id,name,email,login,group``, and ``extension,excused,late days,received`` for
    what is allowed.

    Raises:
        BadRoster: it cannot be read, has no column that tells people apart, or names one twice.
    """
    where = shown(path.name)
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadRoster(f"{where} cannot be read: {error.strerror or error}.") from error
    if len(data) > MAX_BYTES:
        raise BadRoster(f"{where} is larger than 8 MiB; a roster is a short list.")
    rows = _rows(_text(data, where), where)
    header = [_header(cell) for cell in rows[0]] if rows else []
    fields = {name: header.index(name) for name in dict.fromkeys(header) if name}
    if not {"id", "name", "email", "login", "last", "sis"} & fields.keys():
        found = listed([shown(cell, 30) for cell in rows[0] if cell.strip()]) if rows else ""
        raise BadRoster(
            f"{where} has {f'the columns {found}' if found else 'no columns'}; a roster needs one "
            "of id, name, email and login, as in an export of Canvas, Moodle or Gradescope."
        )
    people = [person for row in rows[1:] if (person := _person(row, fields))]
    if len(people) > MAX_PEOPLE:
        raise BadRoster(f"{where} has more than {MAX_PEOPLE} people.")
    if not people:
        raise BadRoster(f"{where} has columns, and no people.")
    _no_twins(people, where)
    return Roster(tuple(people))


def _text(data: bytes, where: str) -> str:
    encodings = ("utf-16",) if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp1252")
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise BadRoster(f"{where} is no text that can be read; save it as CSV in UTF-8.")


def _rows(text: str, where: str) -> list[list[str]]:
    told = re.match(r"sep=(.)[\r\n]+", text, re.IGNORECASE)  # by which Excel is told
    text = text[told.end() :] if told else text
    first = text.strip().partition("\n")[0]
    mark = told[1] if told else max(",;\t", key=first.count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True))
    except csv.Error as error:
        raise BadRoster(f"{where} is no CSV file: {error}.") from error
    return [row for row in rows if any(cell.strip() for cell in row)]


def _header(cell: str) -> str:
    plain = unicodedata.normalize("NFC", cell).casefold()
    return _FIELD.get("".join(c for c in plain if c.isalnum()), "")


def _person(row: Sequence[str], fields: dict[str, int]) -> RosterPerson | None:
    def cell(name: str) -> str:
        at = fields.get(name, len(row))
        return unicodedata.normalize("NFC", row[at].strip()[:300]) if at < len(row) else ""

    name = cell("name") or " ".join(filter(None, [cell("first"), cell("last")]))
    # Canvas has a row of maximum points, one on posting, and a student of its own for trying out.
    if name.casefold() in ("points possible", "student, test", "test student"):
        return None
    email, login = cell("email"), cell("login")
    if "@" in login and not email:
        email = login
    id_, sis = cell("id"), cell("sis")
    if not (id_ or sis or name or email or login):
        return None
    if not (id_ or sis or email or login) and {"id", "email", "login"} & fields.keys():
        return None if name.casefold() in ("", "manual posting") else RosterPerson(name=name)
    return RosterPerson(_number(id_) or sis, name, email, login, cell("group"), _allowed(cell), sis)


def _allowed(cell: Callable[[str], str]) -> Allowed:
    received = cell("received")
    if not any(letter.isdigit() for letter in received):
        received = ""  # as for whoever handed in nothing: "-"
    return Allowed(cell("extension"), cell("excused"), cell("late_days"), received)


def _no_twins(people: Sequence[RosterPerson], where: str) -> None:
    for kind in ("id", "email", "login"):
        seen: set[str] = set()
        for person in people:
            word = str(getattr(person, kind)).casefold()
            if word and word in seen:
                raise BadRoster(f"{where} has two people with the {kind} {shown(word)}.")
            seen.add(word)


def _number(id_: str) -> str:
    """An id without the word that Moodle puts in front, in any language: ``Participant 12``."""
    return re.sub(r"^[^\W\d_]{4,}(/\w+)?[\s_]+(?=\d+$)", "", id_.strip().casefold())


def _letters(name: str) -> str:
    plain = unicodedata.normalize("NFC", name).lower()
    return "".join(c for c in plain if unicodedata.category(c)[0] in "LN")


def _spellings(name: str) -> list[str]:
    """A name as platforms write it: the family's name first or last, with a comma or without."""
    last, comma, first = name.partition(",")
    if comma:
        return [_letters(name), _letters(f"{first} {last}")]
    words = name.split()
    return [_letters(" ".join(words[n:] + words[:n])) for n in range(max(1, len(words)))]
