"""What a student may see: everything but the hidden checks and the grader's own tracebacks.

Hidden points stay in the scores; ``withheld`` says how many of the possible points they are.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields, replace

from grader.records import Check, Feedback, Line, Outcome, Report, Status, added
from grader.report.analysis.fix_first import judged

__all__ = ["redacted"]

# The feedback of these two is about another check, which may be a hidden one.
_ABOUT_ANOTHER = {
    Status.BLOCKED: Feedback(message="Not run: another check has to pass first."),
    Status.INVALID: Feedback(message="The grader could not decide this check."),
}

# A digest of the assignment among other things: its seed could be found by trying all.
_SECRET_FACTS = ("fingerprint",)


def redacted(report: Report) -> Report:
    """The report without hidden checks, their outcomes and names, and ``details``; scores stay.

    Doing it twice changes nothing.

    Raises:
        ValueError: an outcome belongs to no check, so nobody knows whether it is hidden.
    """
    pairs = judged(report)
    hidden = [check for check in report.checks if check.hidden]
    secrets = frozenset(check.id for check in hidden)
    names = frozenset(
        name for check in hidden for name in map(_plain, (check.id, check.title)) if name
    )
    return replace(
        report,
        checks=tuple(_public_check(c, secrets) for c in report.checks if not c.hidden),
        outcomes=tuple(_public_outcome(c, o, secrets, names) for c, o in pairs if not c.hidden),
        withheld=added([report.withheld, *(check.points for check in hidden)]),
        environment={k: v for k, v in report.environment.items() if k not in _SECRET_FACTS},
        lines=tuple(_public_line(line, names) for line in report.lines),
    )


def _public_check(check: Check, secrets: Collection[str]) -> Check:
    return replace(
        check,
        needs=tuple(need for need in check.needs if need not in secrets),
        causes=tuple(cause for cause in check.causes if cause not in secrets),
    )


def _public_outcome(
    check: Check, outcome: Outcome, secrets: Collection[str], names: Collection[str]
) -> Outcome:
    feedback = replace(outcome.feedback, details="")
    needs_a_secret = any(need in secrets for need in check.needs)
    if outcome.status in _ABOUT_ANOTHER and (needs_a_secret or _mentions(feedback, names)):
        feedback = _ABOUT_ANOTHER[outcome.status]
    return replace(outcome, feedback=feedback)


def _public_line(line: Line, names: Collection[str]) -> Line:
    """A line without a person's words, if these name a hidden check."""
    return replace(line, why="") if any(name in _plain(line.why) for name in names) else line


def _mentions(feedback: Feedback, names: Collection[str]) -> bool:
    values = [getattr(feedback, field.name) for field in fields(feedback)]
    texts = [value for value in values if isinstance(value, str)]
    texts += [text for figure in feedback.figures for text in (figure.caption, *figure.arrays)]
    return any(name in _plain(text) for text in texts for name in names)


def _plain(text: str) -> str:
    """As compared: a message may quote a title without its full stop or in other case."""
    return " ".join(text.casefold().split()).rstrip(".!?: ")
