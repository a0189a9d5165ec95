"""Names the mistake in the wrong results of a function, for feedback."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from grader.calls.digest import key, maker
from grader.calls.validate import WrongKind
from grader.diagnosis import match
from grader.diagnosis.sentences import SENTENCES
from grader.homework.networks import Network, num_classes
from grader.oracle.live import oracle, parts_of
from grader.records import Call

__all__ = ["known_mistake", "sentence", "sizes"]

Answers = Sequence[tuple[Call, Any]]

_FEWEST, _MOST = 3, 150
"""Steps: with fewer no value is graded, and with more all rules together take long."""


def sentence(answers: Answers) -> str:
    """What is wrong with a function in one sentence, if it is certain, or "".

    Args:
        answers: the calls that a grader has seen of the function, with their values.
    """
    known = _possible(answers)
    name = known_mistake(known)
    return SENTENCES.get(name, "") or _factor(known)


def known_mistake(known: Sequence[match.Answer]) -> str:
    """The name of the known mistake that explains all wrong results and no right one, or "".

    It only decides what a student reads, so an error in here must not change an outcome.
    """
    try:
        return match.diagnose(known)
    except Exception:
        return ""


def _factor(known: Sequence[match.Answer]) -> str:
    try:
        return match.factor(known)
    except Exception:
        return ""


def _possible(answers: Answers) -> list[match.Answer]:
    try:
        return list(_each(answers))
    except Exception:
        return []


def _each(answers: Answers) -> Iterator[match.Answer]:
    seen = set()
    for call, value in answers:
        steps = call.arguments.get("steps", _FEWEST)
        if not _FEWEST <= steps <= _MOST or key(call) in seen:
            continue
        seen.add(key(call))
        with suppress(WrongKind):  # a module, say
            given, source = parts_of(call, value), oracle.source
            possible = source.mistaken(call)
            yield match.Answer(maker(call), source.seen(given), possible, sizes(call))


def sizes(call: Call) -> dict[str, float]:
    """The numbers of a call by which a result may be too large or too small."""
    found: dict[str, float] = {}
    for name, value in call.arguments.items():
        if name == "model" and isinstance(value, Network):  # a classifier has no classes
            found["classes"] = num_classes(value)
        elif name == "xs" and isinstance(value, np.ndarray):
            found["rows"] = len(value)
        elif name == "steps":
            found["steps"] = value
    return found
