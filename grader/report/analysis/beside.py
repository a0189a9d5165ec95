"""The lines of marks beside the parts, as tables ask for them: by kind."""

from __future__ import annotations

from collections.abc import Sequence

from grader.records import Report, Score

__all__ = ["kinds_of", "line_score", "most_of"]


def kinds_of(reports: Sequence[Report]) -> list[str]:
    """The kinds of lines that anybody has, in the order in which they come."""
    return list(dict.fromkeys(line.id for report in reports for line in report.lines))


def line_score(report: Report, kind: str) -> Score | None:
    """What the lines of a kind add to the parts, or take off; ``None`` where that is not known."""
    scores = [line.score for line in report.lines if line.id == kind]
    total = sum(scores, Score())
    return total if scores and not total.undecided else None


def most_of(reports: Sequence[Report], kind: str) -> float:
    """What a kind of line lets anybody earn; 0 of one that only takes off."""
    of = (sum(one.score.possible for one in r.lines if one.id == kind) for r in reports)
    return max(of, default=0.0)
