"""The questions of an ``assignment.toml``: every bad one is a sentence that says what to do."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Any

from grader.errors import BadAssignment
from grader.grading.weights import hundredths
from grader.homework import contract
from grader.homework.questions import NO_ITEM, Item, Question
from grader.text import shown

__all__ = ["questions"]

MOST = 100
"""Questions, and items of a rubric."""

MOST_POINTS = 10_000

_QUESTION = ("id", "title", "points", "prompt", "part", "rubric")
_ITEM = ("id", "text", "points")
_LONGEST = {"title": 200, "text": 1000, "prompt": 8000}

_ID = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_CHANGED = re.compile(
    r"(true|false|(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*[-_]?[0-9]*)"
)
"""What a spreadsheet takes for a word of its own, or for a date."""


def questions(value: Any) -> tuple[Question, ...]:
    """The questions in ``[[questions]]``.

    Raises:
        BadAssignment: one of them cannot be used.
    """
    rows = _tables("questions", value)
    made = tuple(_question(f"[[questions]] {n}", row) for n, row in enumerate(rows, 1))
    _once("[[questions]]", [one.id for one in made])
    _once("[[questions]]", [one.title.casefold() for one in made], "title")
    return made


def _question(where: str, row: Mapping[str, Any]) -> Question:
    _known(where, row, _QUESTION)
    name = _id(where, row, {part.id for part in contract.PARTS} | set(contract.FUNCTIONS))
    where = f"[[questions]] {name}"
    part = row.get("part", "")
    parts = [one.id for one in contract.PARTS]
    if part and part not in parts:
        raise BadAssignment(f"{where}: part must be one of {', '.join(parts)} (got {part!r})")
    rubric = tuple(
        _item(f"{where}, rubric {n}", item)
        for n, item in enumerate(_tables(f"{where}: rubric", row.get("rubric", [])), 1)
    )
    _once(f"{where}: rubric", [item.id for item in rubric])
    points = _points(where, row.get("points"), 0)
    if not points:
        raise BadAssignment(f"{where}: points must be above 0 (got {row.get('points')!r})")
    title = _text(where, row, "title", needed=True)
    return Question(name, title, points, _text(where, row, "prompt"), part, rubric)


def _item(where: str, row: Mapping[str, Any]) -> Item:
    _known(where, row, _ITEM)
    return Item(
        _id(where, row, {NO_ITEM}),
        _text(where, row, "text", needed=True),
        _points(where, row.get("points"), -MOST_POINTS),
    )


def _tables(where: str, value: Any) -> list[Mapping[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise BadAssignment(f"{where} must be a list of tables (got {shown(repr(value))})")
    if len(value) > MOST:
        raise BadAssignment(f"{where} has {len(value)} entries, and {MOST} are the most")
    return value


def _known(where: str, row: Mapping[str, Any], names: Collection[str]) -> None:
    for name in row:
        if name not in names:
            near = get_close_matches(name, names, 1)
            meant = f" (did you mean {near[0]!r}?)" if near else ""
            raise BadAssignment(f"{where} has {name!r}{meant}; there are {', '.join(names)}")


def _id(where: str, row: Mapping[str, Any], taken: Collection[str]) -> str:
    name = row.get("id")
    if not isinstance(name, str) or not _ID.fullmatch(name):
        raise BadAssignment(
            f"{where}: id must be a short word in quotes that begins with a letter, of the "
            f"characters a-z, 0-9, - and _ (got {shown(repr(name))})"
        )
    if _CHANGED.fullmatch(name):
        raise BadAssignment(
            f"{where}: a spreadsheet would change the id {name!r}; choose another word"
        )
    if name in taken:
        raise BadAssignment(f"{where}: {name!r} has a meaning of its own; choose another id")
    return name


def _once(where: str, names: list[str], what: str = "id") -> None:
    for name in names:
        if names.count(name) > 1:
            raise BadAssignment(f"{where} has the {what} {shown(name)!r} twice; change one of them")


def _text(where: str, row: Mapping[str, Any], name: str, *, needed: bool = False) -> str:
    value = row.get(name, "")
    if not isinstance(value, str) or len(value) > _LONGEST[name] or (needed and not value.strip()):
        raise BadAssignment(
            f"{where}: {name} must be a text of at most {_LONGEST[name]} characters "
            f"(got {shown(repr(value))})"
        )
    return value.strip()


def _points(where: str, value: Any, least: int) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if number and least <= value <= MOST_POINTS and hundredths(value) % 1 == 0:
        return float(value)
    raise BadAssignment(
        f"{where}: points must be a number from {least} to {MOST_POINTS} with at most two decimals "
        f"(got {shown(repr(value))})"
    )
