"""Questions that a person marks: what they ask, and what a mark can be made of.

A mark is a number of points, or a list of rubric items.  The points of a list follow from the
prices of its items, so that a changed price changes every mark that names the item.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from grader.records import added

__all__ = ["NO_ITEM", "Item", "Question", "answer_sheet"]

NO_ITEM = "none"
"""In place of items: no item of the rubric applies, and that is the mark."""


@dataclass(frozen=True)
class Item:
    """An item of a rubric; its price is what it gives, or takes where it is below 0."""

    id: str
    text: str
    points: float


@dataclass(frozen=True)
class Question:
    """A question whose answer a person reads.

    ``part`` names the part of the homework whose pictures are shown beside the answer.
    """

    id: str
    title: str
    points: float
    prompt: str = ""
    part: str = ""
    rubric: tuple[Item, ...] = ()

    def item(self, name: str) -> Item | None:
        """The item of that id, if the rubric has one."""
        return next((item for item in self.rubric if item.id == name), None)

    def earned(self, items: Collection[str]) -> float:
        """What an answer earns to which these items apply, from 0 to the question's points.

        Where no item of the rubric gives points, an answer begins with all of them; otherwise it
        begins with none.
        """
        begin = 0.0 if any(item.points > 0 for item in self.rubric) else self.points
        prices = [item.points for item in self.rubric if item.id in items]
        return min(max(added([begin, *prices]), 0.0), self.points)


def answer_sheet(questions: Sequence[Question], template: str) -> str:
    """The file for written answers that students get: a heading and a prompt for each question.

    Args:
        questions: of the assignment; without any it is the template.
        template: the file as delivered, whose last section asks for sources and tools.
    """
    if not questions:
        return template
    parts = ["# Written answers", "Write each answer below its heading, and leave the headings."]
    for one in questions:
        worth = "1 point" if one.points == 1 else f"{one.points:g} points"
        parts += [f"## {one.title}", f"({worth})", *([one.prompt] if one.prompt else [])]
    _, heading, sources = template.partition("## Sources and tools\n")
    return "\n\n".join([*parts, (heading + sources).strip()]).strip() + "\n"
