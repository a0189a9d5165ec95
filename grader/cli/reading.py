"""Reading a class for ``hw3 grade``: its submissions, and what became of everything else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.records import Submission
from grader.submissions import intake
from grader.submissions.found import Question
from grader.submissions.roster import read_roster

__all__ = ["Class", "read_class"]


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
    people = read_roster(roster) if roster is not None else None
    found = intake.read_class(sources, roster=people, decisions=decisions)
    return Class(
        found.submissions,
        "; ".join(found.layout),
        found.sum_in_words(),
        found.ignored,
        found.absent,
        found.unknown,
        found.questions,
    )
