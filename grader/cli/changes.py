"""What a run says of itself: what it used again, why it ran the rest, and which marks changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from grader.submissions.found import listed
from grader.text import one_line

if TYPE_CHECKING:
    from grader.gradebook.history import Change
    from grader.grading.late import Late
    from grader.grading.reuse import Planned
    from grader.records import Submission

__all__ = ["changed_marks", "reused", "without_time"]

_NAMED = 4
"""Checks that are named one by one; of more, it is said how many there are."""

_LISTED = 20
"""Changed marks that are listed; history.csv has all of them."""


def reused(plans: Sequence[Planned]) -> Iterator[str]:
    """What of earlier results is used again, and why checks run; nothing of a first run.

    Args:
        plans: one for each submission.
    """
    from grader.grading.reuse import FIRST

    used = sum(plan.used for plan in plans)
    if not used and all(why == FIRST for plan in plans for why in plan.why.values()):
        return
    yield f"{_many(used, 'outcome')} of earlier runs count as they are."
    reasons: dict[str, tuple[dict[str, None], int]] = {}
    for plan in plans:
        for why in dict.fromkeys(plan.why.values()):
            names, number = reasons.get(why, ({}, 0))
            names.update(dict.fromkeys(name for name, said in plan.why.items() if said == why))
            reasons[why] = names, number + 1
    for why, (names, number) in reasons.items():
        listed = ", ".join(names) if len(names) <= _NAMED else _many(len(names), "check")
        runs = "runs" if len(names) == 1 else "run"
        yield f"{listed} {runs} for {_many(number, 'submission')}, because {one_line(why, 300)}."


def changed_marks(changes: Sequence[Change]) -> Iterator[str]:
    """Which marks changed and why; who is graded for the first time has no earlier mark.

    Args:
        changes: of all students.
    """
    told = [one for one in changes if one.before is not None]
    if told:
        yield f"\n{_many(len(told), 'mark')} changed (history.csv has all of them):"
    for one in told[:_LISTED]:
        yield f"  {one_line(one.words, 400)}"
    if len(told) > _LISTED:
        yield f"  and {len(told) - _LISTED} more"


def without_time(rule: Late, submissions: Sequence[Submission]) -> Iterator[str]:
    """Of whom nobody knows when they handed in, where being late costs something.

    Args:
        rule: the late rule.
        submissions: that are graded now.
    """
    from grader.gradebook.lateness import lateness

    if not rule.due:
        return
    names = [one.name or one.id for one in submissions if lateness(rule, one).received is None]
    if names:
        yield (
            f"Nobody knows when {one_line(listed(names), 300)} handed in, so nothing is taken off "
            "for being late: give the time in a column `received` of the roster."
        )


def _many(number: int, word: str) -> str:
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"
