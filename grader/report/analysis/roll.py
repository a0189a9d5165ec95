"""The class beyond its results: who has none and why, what was read, and how long it took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["EXCUSED", "NOT_GRADED", "NOT_HANDED_IN", "ClassFacts", "WithoutResult", "of_people"]

NOT_GRADED = "not graded yet"
NOT_HANDED_IN = "not handed in"
EXCUSED = "excused"
"""Handed in nothing, and the roster excuses it."""


@dataclass(frozen=True)
class WithoutResult:
    """Somebody of the class who has no result; ``status`` is one of those above."""

    id: str
    name: str
    status: str
    person: str = ""
    email: str = ""
    login: str = ""


@dataclass(frozen=True)
class ClassFacts:
    """What the class's page and table say beside the results."""

    without: Sequence[WithoutResult] = ()
    """In the order of the table; nobody in here has a result that counts."""
    incomplete: Sequence[str] = ()
    """The ids of results that lack a part which the last run was asked for."""
    layout: str = ""
    """How the submissions lay in their source, in words."""
    summary: str = ""
    """The sum of what was read, in words: every file ended somewhere."""
    ignored: Sequence[tuple[str, str]] = ()
    """Files that belong to nobody, each with the reason."""
    unknown: Sequence[str] = ()
    """Who handed in and is not on the roster."""
    seconds: float | None = None
    """What all runs took together; ``None`` while one is going on."""
    left: str = ""
    """While one is going on: how long the rest may take, and when that was said."""

    def missing(self, graded: int) -> str:
        """``3 of 60 not graded yet``, or nothing if nobody waits.

        Args:
            graded: how many results there are, those that are incomplete among them.
        """
        waiting = sum(one.status == NOT_GRADED for one in self.without)
        everybody, left = graded + waiting, waiting + len(self.incomplete)
        return f"{left} of {everybody} {NOT_GRADED}" if left else ""


def of_people(number: int) -> str:
    """``1 student``, ``60 students``."""
    return "1 student" if number == 1 else f"{number} students"
