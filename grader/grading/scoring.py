"""Points from outcomes."""

from __future__ import annotations

from collections.abc import Sequence

from grader.homework import contract
from grader.records import Check, Outcome, Score, Status

__all__ = ["score", "scores"]


def score(check: Check, outcome: Outcome) -> Score:
    """What a check earns: its share of the points; undecided where the grader could not decide."""
    if outcome.status is Status.INVALID:
        return Score(0.0, check.points, check.points)
    return Score(check.points * outcome.fraction, check.points, 0.0)


def scores(checks: Sequence[Check], outcomes: Sequence[Outcome]) -> dict[str, Score]:
    """The score of every part that has checks, in the order of the homework.

    Raises:
        ValueError: a check has no outcome, or not exactly one: a missing outcome is neither a pass
            nor a fail.
    """
    by_id = {outcome.check_id: outcome for outcome in outcomes}
    if len(by_id) != len(outcomes) or set(by_id) != {check.id for check in checks}:
        raise ValueError("every check needs exactly one outcome")
    totals: dict[str, Score] = {}
    for part in contract.PARTS:
        of_part = [score(c, by_id[c.id]) for c in checks if c.part == part.id]
        if of_part:
            totals[part.id] = sum(of_part, Score())
    return totals
