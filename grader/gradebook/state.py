"""``class.json``: what a folder of results knows of its class beside the results themselves."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from grader.gradebook.people import name_keys
from grader.grading.documents import read_document
from grader.records import Submission
from grader.report.analysis.roll import (
    EXCUSED,
    NOT_GRADED,
    NOT_HANDED_IN,
    ClassFacts,
    WithoutResult,
)
from grader.report.writers.files import write_text
from grader.text import storable

__all__ = ["FILE", "FORMAT", "ClassState", "read", "write"]

FILE = "class.json"

FORMAT = 1
"""Version of ``class.json``.

1: the first one.
"""


@dataclass(frozen=True)
class ClassState:
    """Who has to be graded and who handed in nothing; how it was read, and how long it took."""

    waiting: tuple[WithoutResult, ...] = ()
    """Who handed in, and is not graded yet."""
    absent: tuple[WithoutResult, ...] = ()
    """Who is on the roster and handed in nothing."""
    layout: str = ""
    summary: str = ""
    ignored: tuple[tuple[str, str], ...] = ()
    unknown: tuple[str, ...] = ()
    seconds: float = 0.0
    """What all runs took so far."""

    def expecting(self, people: Iterable[WithoutResult]) -> ClassState:
        """With those who are graded now; an earlier run's that is still missing stays."""
        now = {one.id: replace(one, status=NOT_GRADED) for one in people}
        earlier = {one.id: one for one in self.waiting}
        return replace(self, waiting=tuple({**earlier, **now}.values()))

    def graded(self, ids: Collection[str]) -> ClassState:
        """Without those who have a result now."""
        return replace(self, waiting=tuple(one for one in self.waiting if one.id not in ids))

    def facts(self, results: Mapping[str, Submission], *, over: bool) -> ClassFacts:
        """What the class's page and table say.

        Args:
            results: whose results are shown, by id.
            over: whether the run has ended in order; only then it is said how long all took.
        """
        waiting = [one for one in self.waiting if one.id not in results]
        here: list[WithoutResult | Submission] = [*results.values(), *self.waiting]
        absent = [one for one in self.absent if not any(_is(one, other) for other in here)]
        return ClassFacts(
            without=sorted([*waiting, *absent], key=lambda one: (one.name.casefold(), one.id)),
            incomplete=[one.id for one in self.waiting if one.id in results],
            layout=self.layout,
            summary=self.summary,
            ignored=self.ignored,
            unknown=self.unknown,
            seconds=self.seconds if over else None,
        )


def read(out: Path) -> ClassState:
    """The state of a folder of results; the first state where there is none.

    Raises:
        BadSource: the file is damaged, or of a version that this one does not know.
    """
    again = "remove it, and grade the class again"
    return read_document(out / FILE, FORMAT, _made, missing=ClassState(), repair=again)


def _made(document: Any) -> ClassState:
    return ClassState(
        waiting=_people(document["waiting"], NOT_GRADED),
        absent=_people(document["absent"], NOT_HANDED_IN),
        layout=str(document["layout"]),
        summary=str(document["summary"]),
        ignored=tuple((str(path), str(why)) for path, why in document["ignored"]),
        unknown=tuple(map(str, document["unknown"])),
        seconds=float(document["seconds"]),
    )


def write(out: Path, state: ClassState) -> None:
    """Write it, whole or not at all."""
    document = {"format": FORMAT, **asdict(state)}
    write_text(out / FILE, json.dumps(_storable(document), indent=1) + "\n")


def _is(one: WithoutResult, other: WithoutResult | Submission) -> bool:
    """Whether both are one person: by an id, a login or an e-mail, else by the name."""
    pairs = [(getattr(one, key), getattr(other, key)) for key in ("person", "email", "login")]
    known = [(a.casefold(), b.casefold()) for a, b in pairs if a and b]
    if known:
        return any(a == b for a, b in known)
    return bool(name_keys(one.name) & name_keys(other.name or other.id))


def _people(rows: Sequence[Any], status: str) -> tuple[WithoutResult, ...]:
    return tuple(
        WithoutResult(
            str(row["id"]),
            str(row["name"]),
            EXCUSED if row.get("status") == EXCUSED else status,
            *(str(row[key]) for key in ("person", "email", "login")),
        )
        for row in rows
    )


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {key: _storable(item) for key, item in value.items()}
    return [_storable(item) for item in value] if isinstance(value, list | tuple) else value
