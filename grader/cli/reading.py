"""Reading a class for ``hw3 grade``: its submissions, and the open questions about them."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.errors import Refused
from grader.records import Submission
from grader.submissions import intake

__all__ = ["Class", "Question", "read_class"]


@dataclass(frozen=True)
class Question:
    """What a person has to decide about one student."""

    id: str
    name: str
    found: str
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Class:
    """The submissions of a class, and what became of everything else, in words."""

    submissions: tuple[Submission, ...]
    layout: str = ""
    summary: str = ""
    ignored: tuple[tuple[str, str], ...] = ()
    absent: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()


def read_class(
    sources: Sequence[Path], *, roster: Path | None, decisions: Mapping[str, str]
) -> Class:
    """The class in the sources.

    Args:
        sources: folders and archives.
        roster: a table of the people of the class.
        decisions: what was decided about open questions, by a question's id.

    Raises:
        BadInput: a source, the roster or a decision cannot be used.
    """
    reads = getattr(intake, "read_class", None)
    if reads is None:
        if roster is not None:
            raise Refused("this version reads no roster: leave out --roster")
        return Class(tuple(intake.read_many(sources)))
    people = None
    if roster is not None:
        people = importlib.import_module("grader.submissions.roster").read_roster(roster)
    found = reads(sources, roster=people, decisions=decisions)
    return Class(
        found.submissions,
        "; ".join(found.layout),
        found.sum_in_words(),
        found.ignored,
        found.absent,
        found.unknown,
        tuple(Question(q.id, q.name, q.found, tuple(q.options)) for q in found.questions),
    )
