"""The lines of marks beside the parts: lateness, and what a person gives.

Each kind is a maker: it is handed a report with the lines before its own, and gives more.  A line
is added to the parts' sum and never changes a part's score.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from grader.gradebook import lateness
from grader.gradebook.by_hand.given import ByHand
from grader.grading.rules import Rules
from grader.records import Line, Report

__all__ = ["Maker", "makers"]

Maker = Callable[[Report], Sequence[Line]]
"""Lines for a report, which holds those of the makers before."""


def makers(rules: Rules, by_hand: ByHand) -> tuple[Maker, ...]:
    """What makes lines for a folder of results, in the order in which they are shown.

    Whoever is late loses a share of what a person gave, too, so that comes last.

    Args:
        rules: the assignment.
        by_hand: the marks that persons gave.
    """
    rule = rules.assignment.late
    late: tuple[Maker, ...] = (partial(lateness.line, rule),) if rule.due else ()
    return (by_hand.of_questions, by_hand.of_changes, *late)
