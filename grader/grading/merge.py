"""What stays of an earlier result when a part of it is graded anew.

A submission's ``result.json`` is never replaced by a result on less: the outcomes of checks that a
run does not grade stay as they are.  Where they belong to other files, another assignment or
another version of the grader, they stay too, and are marked as older: they have to be graded again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from grader.records import Check, Outcome, Report, Status, Submission

__all__ = ["NOTHING", "TIMED_OUT", "Kept", "fits", "kept", "still_to_grade", "timed_out"]

TIMED_OUT = "timed out in"
"""Where ``Report.sandbox`` says how many calls took too long, by part."""

OTHER_FILES = "graded on other files than the ones that are here now"
OTHER_RULES = "graded by another version of the grader, assignment or isolation"


@dataclass(frozen=True)
class Kept:
    """Outcomes that stay beside those of a run, and what has to be said of them."""

    pairs: tuple[tuple[Check, Outcome], ...] = ()
    stale: Mapping[str, str] = field(default_factory=dict)
    """Parts that have to be graded again, and why."""
    timeouts: Mapping[str, int] = field(default_factory=dict)
    """Calls that took too long, by part."""

    @property
    def known(self) -> list[tuple[Check, Outcome]]:
        """What checks of other parts may point at: outcomes that still hold."""
        return [pair for pair in self.pairs if pair[0].part not in self.stale]


NOTHING = Kept()


def fits(report: Report, submission: Submission, fingerprint: str) -> bool:
    """Whether a report is on these very files, by this grader with these rules.

    Args:
        report: read from ``result.json``.
        submission: as it is now.
        fingerprint: of the grader, the assignment and the walls, as they are now.
    """
    about = (report.submission.digest, report.environment.get("fingerprint"))
    return about == (submission.digest, fingerprint)


def timed_out(report: Report) -> Mapping[str, int]:
    """How many calls took too long, by part; of format 1, in every part if any did."""
    total: Any = report.sandbox.get("timeouts")
    by_part: Any = report.sandbox.get(TIMED_OUT)
    if isinstance(by_part, Mapping):
        return {str(part): int(number) for part, number in by_part.items()}
    return dict.fromkeys(report.scores, total) if isinstance(total, int) and total else {}


def still_to_grade(report: Report | None, checks: Sequence[Check]) -> list[Check]:
    """The checks whose part has no result that grading it again would repeat.

    Args:
        report: that fits, or ``None``.
        checks: that are asked for.
    """
    if report is None:
        return list(checks)
    ended = {outcome.check_id: outcome for outcome in report.outcomes}
    late, again = timed_out(report), set()
    for check in checks:
        outcome = ended.get(check.id)
        decided = outcome is not None and outcome.status is not Status.INVALID
        if not decided or check.part in report.stale or late.get(check.part):
            again.add(check.part)
    return [check for check in checks if check.part in again]


def kept(
    report: Report | None,
    submission: Submission,
    fingerprint: str,
    checks: Sequence[Check],
    run: Sequence[Check],
) -> Kept:
    """What stays of an earlier report when some checks are run.

    Args:
        report: the earlier one, if there is one.
        submission: as it is now.
        fingerprint: of the grader, the assignment and the walls, as they are now.
        checks: all of the assignment; what is none of them any more does not stay.
        run: the checks that are graded now.
    """
    if report is None:
        return NOTHING
    ours = {check.id: check for check in checks}
    for check in run:
        del ours[check.id]
    pairs = tuple((ours[o.check_id], o) for o in report.outcomes if o.check_id in ours)
    parts = dict.fromkeys(check.part for check, _ in pairs)
    stale = {part: why for part, why in report.stale.items() if part in parts}
    if report.submission.digest != submission.digest:
        stale = dict.fromkeys(parts, OTHER_FILES)
    elif not fits(report, submission, fingerprint):
        stale = {**dict.fromkeys(parts, OTHER_RULES), **stale}
    late = {part: number for part, number in timed_out(report).items() if part in parts}
    return Kept(pairs, stale, late)
