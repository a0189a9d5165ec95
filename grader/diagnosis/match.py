"""Which known mistake a wrong result is, if that is certain.

A result is compared with what correct code and every known mistake would give for the same call.
A mistake is named if it gives exactly the numbers that came back, if correct code and every other
mistake are far from them, and if it also explains the results of earlier calls.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["AWAY", "NEAR", "Answer", "diagnose", "name_of"]

Parts = tuple[np.ndarray, ...]

NEAR = 1e-4
"""Relative L2 error up to which a result is that of a mistake: the checks' own tolerance."""
NEAR_FEW = 1e-5
"""The same for one or two numbers, which agree by chance more easily."""
AWAY = 1e-2
"""From this error on, results differ; in between, no mistake is named."""

COVERS = {"times_x": {"zero_baseline"}, "predicted_class": {"other_class"}}
"""Mistakes whose sentence is also true of others, and is used if the two cannot be told apart: on a
linear network the position of the line makes no difference, and the next class may be the predicted
one.
"""


@dataclass(frozen=True)
class Answer:
    """What a call returned, and what it could have: by each mistake, and under ``""`` if correct.

    Each value lists alternatives, one for every accepted rule of an integral.  It is empty if the
    mistake has no value for this call.
    """

    function: str
    given: Parts
    possible: Mapping[str, Sequence[Parts]]


def name_of(key: str) -> str:
    """The mistake's name without the way to make it: ``"absolute"`` of ``"absolute.Result"``."""
    return key.partition(".")[0]


def diagnose(answers: Sequence[Answer]) -> str:
    """The name of the mistake, or "" if it is not certain.

    Args:
        answers: latest first; the first that is wrong is diagnosed, the others confirm.
    """
    for answer in answers:
        right = answer.possible.get("", ())
        if not right or min(max(_errors(answer.given, r)) for r in right) <= AWAY:
            continue
        if not any(part.any() for part in answer.given):
            return ""  # zeros have many causes
        if _few(answer.given) and _few(right[0]):
            return ""  # and so have one or two numbers
        others = [a for a in answers if a is not answer and a.function == answer.function]
        return _name(answer, others)
    return ""


def _name(wrong: Answer, others: Sequence[Answer]) -> str:
    misfits = {key: _misfit(wrong, key) for key in wrong.possible if key}
    left = [key for key, misfit in misfits.items() if misfit <= AWAY]
    for other in others:
        left = [key for key in left if _misfit(other, key, confirming=True) <= AWAY]
    names = {name_of(key) for key in left}
    for name, others_too in COVERS.items():
        if name in names:
            names -= others_too
    exact = any(misfits[key] <= NEAR for key in left)
    return names.pop() if len(names) == 1 and exact else ""


def _misfit(answer: Answer, key: str, *, confirming: bool = False) -> float:
    """How far a mistake is from what came back.

    Another mistake may affect an item of a tuple; this one then only has to explain the rest.
    """
    found = [float("inf")]
    for made in answer.possible.get(key, ()):
        errors = _errors(answer.given, made)
        found.append(max(errors))
        for right in answer.possible[""] if len(made) > 1 else ():
            theirs, ours = _errors(answer.given, right), _errors(made, right)
            if confirming or max(ours) > NEAR:
                items = zip(errors, theirs, ours, strict=True)
                found.append(max((e for e, a, b in items if a <= AWAY or b > NEAR), default=0.0))
    return min(found)


def _few(parts: Parts) -> bool:
    return len(parts) == 1 and parts[0].dtype.kind == "f" and parts[0].size < 3


def _errors(given: Parts, made: Parts) -> list[float]:
    if len(given) != len(made):
        return [float("inf")]
    return [_error(g, m) for g, m in zip(given, made, strict=True)]


def _error(given: np.ndarray, made: np.ndarray) -> float:
    if given.shape != made.shape:
        return float("inf")
    if made.dtype.kind in "iub":
        return 0.0 if np.array_equal(given, made) else float("inf")
    a, m = given.astype(np.float64), made.astype(np.float64)
    if not (np.isfinite(a).all() and np.isfinite(m).all()):
        return float("inf")
    error = float(np.linalg.norm(a - m)) / max(float(np.linalg.norm(m)), 1e-12)
    return error if a.size > 2 else error * NEAR / NEAR_FEW
