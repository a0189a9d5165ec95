"""Names the mistake in a wrong result, for feedback."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from grader.calls.digest import maker
from grader.calls.validate import WrongKind
from grader.checks.framework import expect
from grader.checks.framework.expect import Unmet
from grader.diagnosis import match
from grader.diagnosis.sentences import SENTENCES
from grader.oracle.live import oracle, parts_of
from grader.records import Call

__all__ = ["diagnosed", "known_mistake"]


def known_mistake(unmet: Unmet) -> str:
    """The name of the known mistake that made wrong numbers, if that is certain, or "".

    It only decides what a student reads, so an error in here must not change an outcome.
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
    """The same, with the sentence about the known mistake, if it is one."""
    return expect.diagnosed(unmet, SENTENCES.get(known_mistake(unmet), ""))
