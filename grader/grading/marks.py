"""Marks from outcomes: points, visibility and what waits for what, by the assignment of today.

Nothing is run here, and nothing is imported that takes time: a folder of results becomes pages and
tables as often as its points change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from grader.grading.dependence import blocked, explained
from grader.grading.results import Ran, Result
from grader.grading.scoring import scores
from grader.records import Check, Feedback, Line, Outcome, Report, Status

__all__ = ["NOT_RUN", "outcome_now", "report_of", "usable", "waits", "with_lines"]

NOT_RUN = "not run yet as the assignment has it now"

_WAITS = Feedback(message=f"Undecided: this check was {NOT_RUN}; `hw3 grade` runs it.")


def usable(ran: Ran | None, check: Check) -> bool:
    """Whether a check was run as the assignment shows it: hidden ones run apart from public ones,
    and on cases that nobody may see.
    """
    return ran is not None and ran.check.hidden == check.hidden


def report_of(
    result: Result, checks: Sequence[Check], about: Mapping[str, str] | None = None
) -> Report:
    """The report on a submission as the assignment has it now.

    A check that was never run as it is now is undecided, and its part has to be graded again; parts
    of which no check was ever run are left out.

    Args:
        result: what is kept of the submission.
        checks: of the assignment, a check after those that it needs.
        about: what the report says of the assignment.
    """
    ran = {one.check.id: one for one in result.ran}
    begun = {one.check.part for one in result.ran}
    shown = [check for check in checks if check.part in begun]
    by_id = {check.id: check for check in shown}
    ended: dict[str, Outcome] = {}
    stale = {part: why for part, why in result.stale.items() if part in {c.part for c in shown}}
    for check in shown:
        one = ran.get(check.id)
        if result.submission.reason and one is not None and usable(one, check):
            outcome = one.outcome  # the reason is said of every check
        else:
            outcome = outcome_now(check, one, ended, by_id)
        if waits(outcome):
            stale.setdefault(check.part, NOT_RUN)
        ended[check.id] = outcome
    ordered = [explained(ended[check.id], ended, by_id) for check in shown]
    return Report(
        submission=result.submission,
        checks=tuple(shown),
        outcomes=tuple(ordered),
        scores=scores(shown, ordered),
        environment={**result.environment, **(about or {})},
        sandbox=result.sandbox,
        left_out=len(checks) - len(shown),
        handed_in=_handed_in(result, checks),
        stale=stale,
    )


def outcome_now(
    check: Check, ran: Ran | None, ended: Mapping[str, Outcome], checks: Mapping[str, Check]
) -> Outcome:
    """How a check ends as the assignment has it: what holds it up follows from how others ended.

    Args:
        check: of the assignment.
        ran: how it was run, if it was.
        ended: the outcomes of checks before it, by id.
        checks: of the assignment, by id.
    """
    if held_up := blocked(check, ended, checks):
        return held_up
    if ran is None or not usable(ran, check) or ran.outcome.status is Status.BLOCKED:
        return Outcome(check.id, Status.INVALID, 0.0, _WAITS)
    return ran.outcome


def waits(outcome: Outcome) -> bool:
    """Whether an outcome only says that the check has to be run."""
    return outcome.feedback == _WAITS


def with_lines(report: Report, lines: Iterable[Line]) -> Report:
    """The report with more lines beside its parts.

    Args:
        report: whose total they change.
        lines: what is added to the sum, or taken off.
    """
    return replace(report, lines=(*report.lines, *lines))


def _handed_in(result: Result, checks: Sequence[Check]) -> tuple[str, ...] | None:
    parts = {check.part for check in checks}
    known = result.handed_in
    return None if known is None else tuple(part for part in known if part in parts)
