"""The form of words for a regrade request: as a student copies it, and as a mail brings it back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from grader.records import Check, Outcome, Report, Status, Written
from grader.report import numbers
from grader.report.analysis.fix_first import lost
from grader.text import one_line, passage

__all__ = ["REASON", "Asked", "about_answer", "about_check", "asked"]

_FIRST = "Regrade request for homework 3"
_STUDENT, _CHECK, _POINTS = "Student", "Check", "Points"
_CALLED, _CAME_BACK, _EXPECTED = "Called", "Came back", "Expected"
REASON = "My reason"
_LABELS = (_STUDENT, _CHECK, _POINTS, _CALLED, _CAME_BACK, _EXPECTED, REASON)

_MOST = 500
"""Requests in one text."""

_LONGEST = 4000


@dataclass(frozen=True)
class Asked:
    """A request that was found in a text: whose, about which check or question, and why."""

    student: str
    check: str
    reason: str


def about_check(report: Report, check: Check, outcome: Outcome) -> str:
    """What a student can copy to ask for another look at a check.

    Args:
        report: the student's, as the student sees it.
        check: that did not pass.
        outcome: how it ended.
    """
    told = outcome.feedback
    undecided = outcome.status is Status.INVALID
    earned = "?" if undecided else _earned(check, outcome)
    lines = [
        (_STUDENT, report.submission.id),
        (_CHECK, check.id),
        (_POINTS, f"{earned} of {numbers.number(check.points)}"),
        (_CALLED, told.tried),
        (_CAME_BACK, told.actual or told.message),
        (_EXPECTED, told.expected),
    ]
    return _form(lines)


def about_answer(report: Report, one: Written) -> str:
    """The same about a written answer.

    Args:
        report: the student's.
        one: the answer.
    """
    points = f"{numbers.number(one.score.earned)} of {numbers.number(one.score.possible)}"
    return _form([(_STUDENT, report.submission.id), (_CHECK, one.id), (_POINTS, points)])


def _earned(check: Check, outcome: Outcome) -> str:
    earned = check.points - lost(check, outcome)
    return numbers.trimmed(numbers.fixed(earned, check.points))


def _form(lines: list[tuple[str, str]]) -> str:
    said = [f"{label}: {one_line(words, 300)}" for label, words in lines if words]
    return "\n".join([_FIRST, *said, f"{REASON}: "])


_LABEL = re.compile(
    rf"^[\s>*_|]*({'|'.join(map(re.escape, _LABELS))})[*_]*[ \t]*[::][*_]*[ \t]*(.*)$",
    re.IGNORECASE,
)
_BEGINS = re.compile(rf"^[\s>*_|]*{re.escape(_FIRST)}[\s*_]*$", re.IGNORECASE)


def asked(text: str) -> list[Asked]:
    """The requests in a text, in their order; a mail may quote it, and break its lines.

    Args:
        text: of a mail, say.
    """
    return [_asked(fields) for fields in _blocks(passage(text, 200_000, 5000))][:_MOST]


def _blocks(text: str) -> Iterator[dict[str, list[str]]]:
    """The values of each form by label, a line after another; each begins with its first line,
    or with a second value of a label that every form has once.
    """
    fields: dict[str, list[str]] = {}
    label = ""
    for line in text.split("\n"):
        if _BEGINS.match(line):
            if _CHECK in fields:
                yield fields
            fields, label = {}, ""
            continue
        found = _LABEL.match(line)
        if found:
            label = next(one for one in _LABELS if one.casefold() == found[1].casefold())
            if label == _CHECK and _CHECK in fields:
                yield fields
                fields = {k: v for k, v in fields.items() if k == _STUDENT}
            fields[label] = [found[2]]
        elif label:
            fields[label].append(re.sub(r"^[\s>|]+", "", line))
    if _CHECK in fields:
        yield fields


def _asked(fields: dict[str, list[str]]) -> Asked:
    def first(label: str) -> str:
        lines = [line.strip(" \t*_`") for line in fields.get(label, [])]
        return one_line(next((line for line in lines if line), ""), 200)

    reason = "\n".join(fields.get(REASON, []))
    signature = re.split(r"^-- ?$", reason, maxsplit=1, flags=re.MULTILINE)[0]
    return Asked(first(_STUDENT), first(_CHECK), passage(signature, _LONGEST).strip())
