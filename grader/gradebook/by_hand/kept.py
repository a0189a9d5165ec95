"""``by-hand.json``: the marks that were taken over from the table, with what they stand for.

Points are not computed here: a mark by items keeps the items, so that it follows their prices.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from grader.errors import BadMarks
from grader.gradebook.by_hand.sheet import Given
from grader.grading.documents import read_document
from grader.homework.questions import NO_ITEM, Question
from grader.report import numbers
from grader.report.writers.files import write_text
from grader.text import shown, storable

__all__ = ["FILE", "FORMAT", "Kept", "fitting", "read", "write"]

FILE = "by-hand.json"

FORMAT = 1
"""Version of ``by-hand.json``.

1: the first one.
"""


@dataclass(frozen=True)
class Kept:
    """Marks, and the table that they were read from."""

    table: str = ""
    """Its path, as it was named."""
    marks: tuple[Given, ...] = ()
    read: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Digests of the answers that were marked, by question and by student."""

    def of(self, student: str) -> list[Given]:
        """The marks of one student."""
        return [mark for mark in self.marks if mark.student == student]


def read(out: Path) -> Kept:
    """The marks of a folder of results; none where nothing was taken over.

    Raises:
        BadSource: the file is damaged, or of a version that this one does not know.
    """
    again = "remove it, and run `hw3 marks` again with your table of marks, which has everything"
    return read_document(out / FILE, FORMAT, _made, missing=Kept(), repair=again)


def _made(document: Any) -> Kept:
    return Kept(str(document["table"]), tuple(map(_given, document["marks"])), document["read"])


def write(out: Path, kept: Kept) -> None:
    """Write it, whole or not at all."""
    marks = [{**asdict(one), "comment": storable(one.comment)} for one in kept.marks]
    document = {"format": FORMAT, "table": storable(kept.table), "marks": marks, "read": kept.read}
    write_text(out / FILE, json.dumps(document, indent=1) + "\n")


def _given(row: Mapping[str, Any]) -> Given:
    points = row["points"]
    return Given(
        *(str(row["student"]), str(row["what"]), None if points is None else float(points)),
        items=tuple(map(str, row["items"])),
        comment=str(row["comment"]),
        row=int(row["row"]),
    )


def fitting(kept: Kept, questions: Sequence[Question], possible: Mapping[str, float]) -> None:
    """Refuse marks that an assignment has no place for any more.

    Args:
        kept: the marks.
        questions: of the assignment.
        possible: what can be earned, by the id of a check or a part.

    Raises:
        BadMarks: a question, an item or a check is gone, or is worth less than a mark.
    """
    asked = {question.id: question for question in questions}
    said = []
    for mark in kept.marks:
        question = asked.get(mark.what)
        why = _unfit(mark, question, possible)
        if why:
            said.append(f"row {mark.row}: {why}")
    if said:
        more = f"; and {len(said) - 20} more rows" if len(said) > 20 else ""
        raise BadMarks(
            f"{shown(kept.table, 1000)}, {'; '.join(said[:20])}{more}; nothing was changed: put "
            "back into the assignment what is gone, or correct the table and run `hw3 marks` again"
        )


def _unfit(mark: Given, question: Question | None, possible: Mapping[str, float]) -> str:
    if question is None and mark.what not in possible:
        return f"{shown(mark.what)} is gone"
    most = question.points if question else possible[mark.what]
    if mark.points is not None and mark.points > most:
        given = numbers.number(mark.points)
        return f"{given} points are more than the {numbers.number(most)} of {mark.what}"
    known = [NO_ITEM, *(item.id for item in question.rubric)] if question else []
    gone = [name for name in mark.items if name not in known]
    return f"the rubric of {mark.what} has no item {gone[0]} any more" if gone else ""
