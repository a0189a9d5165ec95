"""Naming the mistake behind wrong numbers in feedback."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from grader import diagnosis
from grader.calls import maker
from grader.checks import expect
from grader.checks.expect import Unmet
from grader.oracle import oracle, parts_of
from grader.records import Call
from grader.validation import WrongKind

__all__ = ["diagnosed", "known_mistake"]


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
            given, source = parts_of(call, value), oracle.source
            yield diagnosis.Answer(maker(call), source.seen(given), source.mistaken(call))


def diagnosed(unmet: Unmet) -> Unmet:
    """The same, with the sentence about the known mistake that it is, if it is one."""
    return expect.diagnosed(unmet, diagnosis.SENTENCES.get(known_mistake(unmet), ""))
