"""What follows for a check from how others ended: that it is blocked, and its likely cause.

Outcomes are kept without it, because an assignment may change which checks there are.  It imports
nothing that takes time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from grader.records import Check, Feedback, Outcome, Status

__all__ = ["blocked", "explained"]


def blocked(
    check: Check, ended: Mapping[str, Outcome], checks: Mapping[str, Check]
) -> Outcome | None:
    """How a check ends that waits for one that did not pass; ``None`` if none holds it up.

    A check that has not ended holds nothing up.

    Args:
        check: that may have to wait.
        ended: how others ended, by id.
        checks: by id.
    """
    for need in check.needs:
        before = ended.get(need)
        if before is None or before.status is Status.PASSED:
            continue
        title = checks[need].title
        if before.status is Status.INVALID:
            message = f"Not decided: the grader could not decide “{title}”, which comes first."
            return Outcome(check.id, Status.INVALID, 0.0, Feedback(message=message))
        message = f"Not run: “{title}” has to pass first."
        return Outcome(check.id, Status.BLOCKED, 0.0, Feedback(message=message))
    return None


def explained(
    outcome: Outcome, ended: Mapping[str, Outcome], checks: Mapping[str, Check]
) -> Outcome:
    """The same outcome, with the check whose failure is the likely cause of this one's.

    Args:
        outcome: of one of ``checks``.
        ended: how others ended, by id.
        checks: by id.
    """
    check = checks[outcome.check_id]
    if outcome.status is Status.PASSED or outcome.status is Status.INVALID:
        return outcome
    for name in check.causes:
        before, cause = ended.get(name), checks.get(name)
        if cause is None or before is None or (cause.hidden and not check.hidden):
            continue
        if before.feedback.message == outcome.feedback.message:
            continue  # neither was called: one file is missing for both
        if before.status in (Status.FAILED, Status.PARTIAL, Status.CRASHED):
            words = f"Likely cause: “{cause.title}” did not pass. {before.feedback.message}"
            diagnosis = f"{outcome.feedback.diagnosis} {words}".strip()
            return replace(outcome, feedback=replace(outcome.feedback, diagnosis=diagnosis))
    return outcome
