"""Running checks on a submission: every check ends in exactly one outcome."""

from __future__ import annotations

import contextlib
import re
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import grader
from grader.checks.framework import expect, from_failure
from grader.checks.framework.expect import StudentFault, Unmet
from grader.checks.framework.student import Student
from grader.errors import GuestUnusable, Vanished
from grader.grading import dependence, terms
from grader.grading.scoring import scores
from grader.homework.contract import FUNCTIONS, PARTS
from grader.records import (
    Call,
    Check,
    Feedback,
    Outcome,
    Report,
    Status,
    StudentError,
    Submission,
)
from grader.sandbox.host import process
from grader.sandbox.host.session import Session

__all__ = ["Outcomes", "environment", "report", "run", "unusable"]

OpenSession = Callable[[str], Session]
"""Opens a session on the submission, for the checks of a part."""

OnEnd = Callable[[Check, Outcome], None]
"""What is done as a check ends; the outcome has no diagnosis yet."""


def run(
    checks: Sequence[Check],
    open_session: OpenSession,
    first: Session | None = None,
    known: Sequence[tuple[Check, Outcome]] = (),
    *,
    explains: bool = True,
    on_end: OnEnd = lambda check, outcome: None,
) -> Iterator[Outcome]:
    """The outcomes of checks, one after the other: public ones first, then hidden ones.

    The checks of each part run in a session of their own, so that no file harms another's points;
    and public and hidden ones do, so that no public check can carry anything to a hidden one.  A
    check that needs one that did not pass is BLOCKED; where that one is INVALID, so is this.

    Args:
        checks: in their order; a check comes after those that it needs.
        open_session: opens a session on the submission.
        first: one that is open already; it is used first, and closed.
        known: how other checks of this submission ended before; they are not run.
        explains: whether an outcome says which other check's failure is its likely cause.
        on_end: is called as each check ends, before what is wrong with its function is known.
    """
    outcomes = Outcomes(checks, known, explains=explains, on_end=on_end)
    ordered = sorted(checks, key=lambda check: check.hidden)
    groups = [list(group) for _, group in groupby(ordered, lambda c: (c.hidden, c.part))]
    coming = [first] if first is not None else []
    try:
        if process.FORKS and groups and groups[0][0].hidden:
            for session in coming:  # one for public checks
                session.close()
            coming.clear()
        for n, group in enumerate(groups):
            with process.with_secrets() if group[0].hidden else contextlib.nullcontext():
                session = coming.pop() if coming else open_session(group[0].part)
                try:
                    if not process.FORKS and n + 1 < len(groups):  # it imports torch meanwhile
                        coming.append(open_session(groups[n + 1][0].part))
                    for check in group:
                        yield outcomes.of(check, session)
                finally:
                    session.close()
    finally:
        for session in coming:
            session.close()


class Outcomes:
    """How the checks of one submission end: each is run once, with those of its function.

    A check waits for those that it needs as far as they have ended: one that is not run this time
    holds nothing up.  The checks of a function are run together, because what is said to be wrong
    with it has to explain all of its answers.  Of hidden checks nothing is said in public ones.

    Args:
        checks: all that there are.
        known: how other checks ended before; they are not run.
        wanted: those that are run this time; ``None``: all.
        explains: whether an outcome says which other check's failure is its likely cause.
        on_end: is called as each check ends.
    """

    def __init__(
        self,
        checks: Sequence[Check],
        known: Sequence[tuple[Check, Outcome]] = (),
        wanted: Sequence[Check] | None = None,
        *,
        explains: bool = True,
        on_end: OnEnd = lambda check, outcome: None,
    ) -> None:
        self._on_end = on_end
        self._known = [outcome.check_id for _, outcome in known]
        self._explains = explains
        self._wanted = list(checks if wanted is None else wanted)
        self._checks = {check.id: check for check in (*(pair[0] for pair in known), *checks)}
        self._ended: dict[str, Outcome] = {outcome.check_id: outcome for _, outcome in known}
        self._told = {check.function for check, outcome in known if outcome.feedback.cost}
        self._answers: dict[str, list[tuple[Call, Any]]] = {}

    def of(self, check: Check, session: Session) -> Outcome:
        """The outcome of a check; it is run in the session unless it has ended already."""
        if check.id not in self._ended:
            self._run_all_of(check, session)
        return self._ended[check.id]

    def _is_also_said(self, said: str, check: Check) -> bool:
        """Whether a sentence on a function may be said: its answers in other runs are not here.

        So it has to be what was said then; where all of them are here, it is true of all.
        """
        before = [
            self._ended[name]
            for name in self._known
            if self._checks[name].function == check.function
            and self._ended[name].status is not Status.BLOCKED
        ]
        return not before or any(one.feedback.diagnosis == said for one in before)

    def _run_all_of(self, check: Check, session: Session) -> None:
        """Run what has not ended of the function of a check, and say what is wrong with it."""
        alike = [
            one
            for one in (*self._wanted, check)
            if (one.function, one.hidden) == (check.function, check.hidden)
        ]
        seen = self._answers.setdefault(check.function, [])
        run, wrong = [], []
        for one in alike:
            if one.id in self._ended:
                continue
            blocked = dependence.blocked(one, self._ended, self._checks)
            if blocked is not None:
                self._ended[one.id] = blocked
                self._on_end(one, blocked)
                continue
            self._ended[one.id], of_values, answers = _run(one, session, self._told)
            self._on_end(one, self._ended[one.id])
            run.append(one.id)
            seen += answers
            if of_values:
                wrong.append(one.id)
        said = _sentence(from_failure.sentence(seen)) if wrong else ""
        if said and not self._is_also_said(said, check):
            said = ""
        for name in wrong if said else ():
            outcome = self._ended[name]
            feedback = replace(outcome.feedback, diagnosis=said)
            self._ended[name] = replace(outcome, feedback=feedback)
        for name in run if self._explains else ():
            outcome = self._ended[name]
            self._ended[name] = dependence.explained(outcome, self._ended, self._checks)


def _run(
    check: Check, session: Session, told: set[str]
) -> tuple[Outcome, bool, Sequence[tuple[Call, Any]]]:
    """How a check ends, whether numbers are wrong, and the answers that it got."""
    of_values = False
    student = Student(session, check.limits)
    started = time.monotonic()
    try:
        feedback = check.run(student) or Feedback()
        status, fraction = Status.PASSED, 1.0
    except Unmet as unmet:
        unmet = student.explain(unmet)
        of_values = unmet.of_values
        feedback, fraction = _hinted(unmet.feedback, check), unmet.fraction
        status = Status.PARTIAL if fraction > 0 else Status.FAILED
    except StudentFault as fault:
        feedback, fraction = _fault(check, student, fault.error), 0.0
        status = Status.FAILED if fault.error.kind == "missing" else Status.CRASHED
    except GuestUnusable:
        raise  # not of this check: nothing can be graded here
    except Vanished as error:
        feedback, fraction, status = Feedback(message=f"Undecided: {error}."), 0.0, Status.INVALID
    except Exception as error:  # whatever goes wrong in the grader is never the student's fault
        feedback, fraction, status = _own_fault(error), 0.0, Status.INVALID
    slow = {name: words for name, words in student.slow.items() if name not in told}
    told.update(slow)  # once per function, not with each check of it
    feedback = replace(feedback, cost=" ".join(slow.values()))
    outcome = Outcome(check.id, status, fraction, feedback, time.monotonic() - started)
    return outcome, of_values, student.answers


def _fault(check: Check, student: Student, error: StudentError) -> Feedback:
    file = next(part.file for part in PARTS if part.id == check.part)
    if error.kind == "missing":
        message = error.message
        if message == "not written yet":
            message = f"{check.function} is not written yet"
        return Feedback(message=message)
    if error.kind == "load":
        message = f"{file} cannot be imported: {error.message}"
        hint = _LOAD_TIME_HINT if "timeout" in error.types else _LOAD_HINT
        return Feedback(message=message, where=expect.where(error), hint=hint)
    what = f"{check.function} raised " if error.kind == "raised" else ""
    hint = ""
    if error.kind == "timeout":
        hint = _TIME_HINT_THERE if error.line else _TIME_HINT
    unmet = Unmet(Feedback(message=what + error.message, where=expect.where(error), hint=hint))
    return _hinted(student.explain(unmet).feedback, check)


def _hinted(feedback: Feedback, check: Check) -> Feedback:
    return replace(
        feedback,
        message=_sentence(feedback.message),
        diagnosis=_sentence(feedback.diagnosis),
        hint=_sentence(feedback.hint or check.about),
    )


def _sentence(text: str) -> str:
    """Text with a capital in front, unless a name of the code stands there, and a full stop."""
    first = re.match(r"[a-z]{2,}(?= [a-z0-9])", text)
    plain = first is not None and first[0] not in FUNCTIONS
    text = text[:1].upper() + text[1:] if plain else text
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."


_TIME_HINT = (
    "Look for a loop that never ends, or for one that goes over every feature where a single "
    "backward pass is enough. Press Ctrl-C while your own call runs to see the line."
)
_TIME_HINT_THERE = (
    "Your code was in this line when its time was up. Look for a loop around it that never ends, "
    "or that goes over every feature where a single backward pass is enough."
)
_LOAD_TIME_HINT = (
    "Nothing in this file can be checked until Python can import it quickly: leave in it what "
    'defines functions, and move code that computes under `if __name__ == "__main__":`.'
)
_LOAD_HINT = "Nothing in this file can be checked until Python can import it."


def _own_fault(error: Exception) -> Feedback:
    return Feedback(
        message="The grader failed in this check; no points are lost. Please tell your instructor.",
        details="".join(traceback.format_exception(error))[-6000:],
    )


def report(
    submission: Submission,
    checks: Sequence[Check],
    outcomes: Sequence[Outcome],
    sandbox: dict[str, object],
) -> Report:
    """The report on a submission: outcomes in the order of the checks, and scores.

    Args:
        submission: that was graded.
        checks: all of them.
        outcomes: one for each check, in any order.
        sandbox: where it ran: the walls, and how many calls timed out.
    """
    by_id = {outcome.check_id: outcome for outcome in outcomes}
    ordered = [by_id[check.id] for check in checks]
    return Report(
        submission=submission,
        checks=tuple(checks),
        outcomes=tuple(ordered),
        scores=scores(checks, ordered),
        environment=environment(),
        sandbox=sandbox,
    )


def unusable(submission: Submission, checks: Sequence[Check], sandbox: dict[str, object]) -> Report:
    """The report on a submission that cannot be graded: no points, and the reason.

    Where a person has to decide, nothing of it is decided, and the question stands instead.

    Args:
        submission: with its reason, or its question.
        checks: all of them; each ends with that.
        sandbox: where it would have run.
    """
    status, message = Status.FAILED, submission.reason
    if submission.question:
        status, message = Status.INVALID, f"A person has to decide: {submission.question}"
    outcomes = [Outcome(c.id, status, 0.0, Feedback(message=message)) for c in checks]
    return report(submission, checks, outcomes, sandbox)


def environment() -> dict[str, str]:
    """Versions on which a result may depend, the grader's own first."""
    return {"hw3-grader": grader.__version__, **terms.environment()}
