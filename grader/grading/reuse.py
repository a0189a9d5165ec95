"""What of earlier runs still holds, and what is run again and why.

An outcome is used again unless the submission has changed, or that check's code or what it can
import, or its limits, its hidden cases, whether there were walls at all, or a package.  Points,
weights, the late rule and marks by hand never cause a run.  What is undecided is run again, and so
is what took too long beside other submissions; what took too long when it ran alone is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from grader.grading.dependence import blocked
from grader.grading.marks import outcome_now
from grader.grading.results import OLD_FORMAT, Ran, Result, Terms
from grader.grading.terms import changed
from grader.records import FORMAT, Check, Outcome, Status

__all__ = ["FIRST", "OTHER_FILES", "OTHER_RULES", "Plan", "Planned", "holds", "plan", "planned"]

OTHER_FILES = "graded on other files than the ones that are here now"
OTHER_RULES = "graded by another version of the grader, with other limits or packages, or isolation"

FIRST = "it was not graded before"
NO_POINTS = "it had no points before, or did not exist"
HIDDEN, PUBLIC = "it was public, and is hidden now", "it was hidden, and is public now"
UNDECIDED = "it was undecided"
BESIDE = "something took too long while others ran beside it"
ASKED = "--regrade asks for it"


@dataclass(frozen=True)
class Plan:
    """What is run of a submission, and what is used again."""

    run: tuple[Check, ...] = ()
    why: Mapping[str, str] = field(default_factory=dict)
    """By the check's id, for "because"."""
    kept: tuple[Ran, ...] = ()
    """Outcomes that stay, whether or not they still hold, those of the assignment's checks alone
    and those of checks that it leaves out now.
    """
    known: tuple[tuple[Check, Outcome], ...] = ()
    """Outcomes of the assignment's checks that hold."""
    stale: Mapping[str, str] = field(default_factory=dict)
    """Parts with outcomes that stay and do not hold any more, and why."""


@dataclass(frozen=True)
class Planned:
    """What a run holds of a plan, which whoever grades the submission makes again."""

    why: Mapping[str, str]
    """Of every check that is run, by its id."""
    kept: bool
    """Whether any outcome stays."""
    used: int
    """Outcomes that hold."""
    fits: bool
    """Whether what is kept says something of the files that are here, or nothing is run."""


def planned(plan: Plan, digest: str) -> Planned:
    """What a run holds of a plan.

    Args:
        plan: the whole one.
        digest: of the submission's files.
    """
    fits = not plan.run or any(one.terms.submission == digest for one in plan.kept)
    return Planned(plan.why, bool(plan.kept), len(plan.known), fits)


def holds(ran: Ran | None, check: Check, now: Terms) -> str:
    """Why an outcome cannot be used again; nothing if it can.

    Args:
        ran: how the check was run, if it was.
        check: as the assignment has it.
        now: what its outcome would depend on now.
    """
    if ran is None:
        return NO_POINTS
    if ran.check.hidden != check.hidden:
        return HIDDEN if check.hidden else PUBLIC
    if why := changed(ran.terms, now):
        return why
    if ran.outcome.status is Status.INVALID:
        return UNDECIDED
    return BESIDE if ran.beside else ""


def plan(
    result: Result | None,
    checks: Sequence[Check],
    now: Mapping[str, Terms],
    part: str = "",
    *,
    regrade: bool = False,
) -> Plan:
    """What is run, and what is used again.

    Args:
        result: of earlier runs, if there is one.
        checks: of the assignment, a check after those that it needs.
        now: what each outcome would depend on, by the check's id.
        part: the only one that is asked for; "" is all of them.
        regrade: whether all that is asked for is run again.
    """
    if result is None:
        asked = [check for check in checks if part in ("", check.part)]
        return Plan(tuple(asked), dict.fromkeys((check.id for check in asked), FIRST))
    ran = {one.check.id: one for one in result.ran}
    begun = {one.check.part for one in result.ran}
    by_id = {check.id: check for check in checks}
    why: dict[str, str] = {}
    ended: dict[str, Outcome] = {}
    for check in checks:
        one = ran.get(check.id)
        reason = FIRST if check.part not in begun else holds(one, check, now[check.id])
        if not reason and one is not None and one.outcome.status is Status.BLOCKED:
            reason = _released(check, ended, by_id, why)
        if regrade:
            reason = ASKED
        if reason and part in ("", check.part):
            why[check.id] = reason
        elif one is not None:
            ended[check.id] = outcome_now(check, one, ended, by_id)
    run = tuple(check for check in checks if check.id in why)
    submission = next(iter(now.values())).submission if now else ""
    stays = tuple(
        one
        for one in result.ran
        if one.check.id not in why and (one.check.id in by_id or one.terms.submission == submission)
    )
    stale: dict[str, str] = {}
    for one in stays:
        name = one.check.id
        if name in by_id and (said := holds(one, by_id[name], now[name])):
            files = one.terms.submission != submission
            older = OLD_FORMAT if result.format != FORMAT else OTHER_RULES
            if said not in (HIDDEN, PUBLIC, UNDECIDED, BESIDE):
                stale[one.check.part] = OTHER_FILES if files else older
    known = tuple(
        (by_id[name], ended[name])
        for name in ended
        if by_id[name].part not in stale and ended[name].status is not Status.INVALID
    )
    return Plan(run, why, stays, known, stale)


def _released(
    check: Check, ended: Mapping[str, Outcome], checks: Mapping[str, Check], why: Mapping[str, str]
) -> str:
    """Why a check that was blocked is not so any more; nothing if it still is."""
    if blocked(check, ended, checks):
        return ""
    if again := [need for need in check.needs if need in why]:
        return f"it waited for {again[0]}, which is run again"
    return "it waited for a check that has no points, or is hidden, now"
