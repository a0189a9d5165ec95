"""The lines of marks beside the parts: lateness, and what a person gives.

Each kind is a maker: it is handed a report with the lines before its own, and gives more.  A line
is added to the parts' sum and never changes a part's score.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from grader.gradebook import lateness
from grader.grading.rules import Rules
from grader.records import Line, Report

__all__ = ["Maker", "makers"]

Maker = Callable[[Report], Sequence[Line]]
"""Lines for a report, which holds those of the makers before."""


def makers(out: Path, rules: Rules) -> tuple[Maker, ...]:
    """What makes lines for a folder of results, in the order in which they are shown.

    Args:
        out: the folder, which holds what persons decided.
        rules: the assignment.

    Raises:
        BadInput: a file with marks cannot be used.
    """
    rule = rules.assignment.late
    return (partial(lateness.line, rule),) if rule.due else ()
