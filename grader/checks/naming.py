"""Naming the mistake behind wrong numbers: in feedback, and counted over a submission."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from grader import diagnosis
from grader.calls import maker
from grader.checks import expect
from grader.checks.expect import StudentFault, Unmet
from grader.checks.student import Student
from grader.oracle import oracle, parts_of
from grader.records import Call, Check
from grader.sandbox.session import Session
from grader.validation import WrongKind

__all__ = ["diagnosed", "known_mistake", "named"]


def known_mistake(unmet: Unmet) -> str:
    """The name of the known mistake that made wrong numbers, where that is beyond doubt, or "".

    It decides what a student reads and nothing else, so nothing that goes wrong here may matter.
    """
    if not unmet.of_values:
        return ""
    try:
        return diagnosis.diagnose(list(_possible(unmet.answers)))
    except Exception:
        return ""


def _possible(answers: Sequence[tuple[Call, Any]]) -> Iterator[diagnosis.Answer]:
    for call, value in reversed(answers):
        with suppress(WrongKind):  # a module, say
            yield diagnosis.Answer(maker(call), parts_of(call, value), oracle.mistaken(call))


def diagnosed(unmet: Unmet) -> Unmet:
    """The same, with the sentence about the known mistake that it is, if it is one."""
    return expect.diagnosed(unmet, diagnosis.SENTENCES.get(known_mistake(unmet), ""))


def named(checks: Sequence[Check], session: Session) -> Iterator[tuple[Check, str]]:
    """The checks in which a submission's numbers are wrong, and the mistake named in each, or "".

    Checks that wait for one that did not pass are left out, as in grading.
    """
    passed: set[str] = set()
    for check in checks:
        if not passed.issuperset(check.needs):
            continue
        student = Student(session, check.limits)
        try:
            check.run(student)
            passed.add(check.id)
        except Unmet as unmet:
            if unmet.of_values:
                yield check, known_mistake(student.explain(unmet))
        except StudentFault:
            pass
