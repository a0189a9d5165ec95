"""``rules.json``: the assignment by which a folder of results was graded last.

It holds the checks as the assignment arranges them, without what runs them, so that marks can be
computed from kept outcomes without importing a check.  It holds the seed of hidden cases too: like
everything in the folder beside the students' pages, it is the instructor's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from grader.grading.documents import other_format, read_document
from grader.grading.late import Late
from grader.grading.weights import Assignment
from grader.homework.questions import Item, Question
from grader.records import Check, Limits
from grader.report.writers.files import write_text

__all__ = ["FILE", "FORMAT", "Rules", "read", "refuse_newer", "rules_of", "write"]

FILE = "rules.json"

FORMAT = 1
"""Version of ``rules.json``.

1: the first one.
"""


@dataclass(frozen=True)
class Rules:
    """An assignment, and the checks that it arranges; those that were read cannot be run."""

    assignment: Assignment = field(default_factory=Assignment)
    checks: tuple[Check, ...] = ()
    modules: Mapping[str, str] = field(default_factory=dict)
    """In which module each check is declared, by id."""

    @property
    def points(self) -> dict[str, float]:
        """What each check is worth, by id."""
        return {check.id: check.points for check in self.checks}

    def about(self) -> dict[str, str]:
        """What a report says of the assignment, for students too."""
        return self.assignment.describe()


def rules_of(assignment: Assignment) -> Rules:
    """The rules of an assignment; this imports the checks.

    Raises:
        BadAssignment: its points cannot be given so.
    """
    key = json.dumps(asdict(assignment), sort_keys=True)
    if key not in _ARRANGED:
        checks = tuple(assignment.checks())
        modules = {check.id: check.run.__module__ for check in checks}
        _ARRANGED.clear()
        _ARRANGED[key] = Rules(assignment, checks, modules)
    return _ARRANGED[key]


_ARRANGED: dict[str, Rules] = {}
"""The rules that were asked for last, by the assignment as text: a class asks once for each."""


def write(out: Path, rules: Rules) -> None:
    """Write them to a folder of results, whole or not at all."""
    checks = [
        {
            **{name: getattr(check, name) for name in _OF_A_CHECK},
            "limits": check.limits and asdict(check.limits),
            "module": rules.modules[check.id],
        }
        for check in rules.checks
    ]
    document = {"format": FORMAT, "assignment": asdict(rules.assignment), "checks": checks}
    write_text(out / FILE, json.dumps(document, indent=1) + "\n")


def read(out: Path) -> Rules | None:
    """The rules of a folder of results; ``None`` where it has none.

    Raises:
        BadSource: the file is damaged, or of a version that this one does not know.
    """
    again = "run the same `hw3 grade` command, which writes it anew and grades nothing again"
    return read_document(out / FILE, FORMAT, _made, missing=None, repair=again)


def _made(document: Any) -> Rules | None:
    return Rules(
        _assignment(document["assignment"]),
        tuple(map(_check, document["checks"])),
        {str(row["id"]): str(row["module"]) for row in document["checks"]},
    )


def refuse_newer(out: Path) -> None:
    """Refuse a folder of results that a newer version wrote; what is damaged is written anew.

    Raises:
        BadSource: the file has a format that this version does not know.
    """
    try:
        number = json.loads((out / FILE).read_text("utf-8"))["format"]
    except (OSError, ValueError, KeyError, TypeError):
        return
    if number != FORMAT:
        raise other_format(out / FILE, number, FORMAT)


_OF_A_CHECK = (
    *("id", "part", "function", "title", "points", "hidden"),
    *("needs", "about", "causes"),
)


def _check(row: Mapping[str, Any]) -> Check:
    values: dict[str, Any] = {name: row[name] for name in _OF_A_CHECK}
    values |= {name: tuple(row[name]) for name in ("needs", "causes")}
    return Check(
        **values,
        limits=row["limits"] and Limits(**row["limits"]),
        run=_not_here,
    )


def _not_here(student: Any) -> None:
    raise RuntimeError("a check that was read from a folder of results cannot be run")


def _assignment(document: Mapping[str, Any]) -> Assignment:
    known = {one.name for one in fields(Assignment)}
    values = {name: value for name, value in document.items() if name in known}
    values["limits"] = Limits(**values["limits"])
    values["packages"] = tuple(values["packages"])
    values["late"] = Late(**values.get("late", {}))
    values["questions"] = tuple(map(_question, values.get("questions", ())))
    return Assignment(**values)


def _question(row: Mapping[str, Any]) -> Question:
    return Question(**{**row, "rubric": tuple(Item(**item) for item in row["rubric"])})
