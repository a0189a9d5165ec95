"""Naming the mistake behind wrong numbers in feedback."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from grader.calls.digest import maker
from grader.calls.validate import WrongKind
from grader.checks.framework import expect
from grader.checks.framework.expect import Unmet
from grader.diagnosis import match
from grader.oracle.live import oracle, parts_of
from grader.records import Call

__all__ = ["diagnosed", "known_mistake"]


def known_mistake(unmet: Unmet) -> str:
    """The name of the known mistake that made wrong numbers, where that is beyond doubt, or "".

    It decides what a student reads and nothing else, so nothing that goes wrong here may matter.
    """
    if not unmet.of_values:
        return ""
    try:
        return match.diagnose(list(_possible(unmet.answers)))
    except Exception:
        return ""


def _possible(answers: Sequence[tuple[Call, Any]]) -> Iterator[match.Answer]:
    for call, value in reversed(answers):
        with suppress(WrongKind):  # a module, say
            given, source = parts_of(call, value), oracle.source
            yield match.Answer(maker(call), source.seen(given), source.mistaken(call))


def diagnosed(unmet: Unmet) -> Unmet:
    """The same, with the sentence about the known mistake that it is, if it is one."""
    return expect.diagnosed(unmet, match.SENTENCES.get(known_mistake(unmet), ""))
