"""Which known mistake a function makes, if that is certain.

The function's results are compared with what correct code and every known mistake would give for
the same calls.  A mistake is named if it explains every wrong result, contradicts no right one, and
no other known mistake does the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

__all__ = ["AWAY", "NEAR", "Answer", "diagnose", "factor", "factors_left", "name_of", "names_left"]

Parts = tuple[np.ndarray, ...]

NEAR = 1e-4
"""Relative L2 error up to which a result is that of a mistake: the checks' own tolerance."""
NEAR_FEW = 1e-5
"""The same for one or two numbers, which agree by chance more easily."""
AWAY = 1e-2
"""From this error on, results differ; in between, no mistake is named."""
ENOUGH = 3
"""Numbers that have to be wrong: a rank or a share may be that of a mistake by chance."""

COVERS = {
    "times_x": {"zero_baseline"},
    "after_softmax": {"softmax_kept", "log_softmax_kept"},
}
"""Mistakes whose sentence is also true of others, and is used if the two cannot be told apart: on a
linear network the position of the line makes no difference, and there may have been no log-softmax.
"""


@dataclass(frozen=True)
class Answer:
    """What a call returned, and what it could have: by each mistake, and under ``""`` if correct.

    Each value lists alternatives, one for every accepted rule of an integral.  It is empty if the
    mistake has no value for this call.  ``sizes`` are numbers of the call by which a result may be
    too large or too small, by name: ``rows``, ``steps``, ``classes``.
    """

    function: str
    given: Parts
    possible: Mapping[str, Sequence[Parts]]
    sizes: Mapping[str, float] = field(default_factory=dict)

    @property
    def error(self) -> float | None:
        """How far it is from the nearest correct value; ``None`` if there is none."""
        right = self.possible.get("", ())
        return min((max(_errors(self.given, one)) for one in right), default=None)

    @property
    def wrong(self) -> bool:
        """Whether it is further from every correct value than rounding can be."""
        error = self.error
        return error is not None and error > AWAY

    @property
    def telling(self) -> bool:
        """Whether no other mistake gives the same by chance, as with zeros, NaN, single numbers."""
        finite = all(np.isfinite(part).all() for part in self.given if part.dtype.kind == "f")
        few = _few(self.given) and _few(self.possible[""][0])
        return finite and any(part.any() for part in self.given) and not few


def name_of(key: str) -> str:
    """The mistake's name without the way to make it: ``"absolute"`` of ``"absolute.Result"``."""
    return key.partition(".")[0]


def diagnose(answers: Sequence[Answer]) -> str:
    """The name of the mistake that a function makes, or "" if it is not certain.

    Args:
        answers: all that was seen of one function, in any order.
    """
    wrong = [answer for answer in answers if answer.wrong]
    telling = [answer for answer in wrong if answer.telling]
    if sum(part.size for answer in telling for part in answer.possible[""][0]) < ENOUGH:
        return ""
    misfits = {key: _misfit(telling[0], key) for key in telling[0].possible if key}
    left = [key for key, misfit in misfits.items() if misfit <= AWAY]
    exact = {key for key in left if misfits[key] <= NEAR}
    for answer in wrong:
        left = [key for key in left if _misfit(answer, key) <= AWAY]
        exact |= {key for key in left if _misfit(answer, key) <= NEAR}
    left = [key for key in left if not any(_contradicts(answer, key) for answer in answers)]
    names = _without_covered({name_of(key) for key in left})
    return names.pop() if len(names) == 1 and exact & set(left) else ""


def names_left(answers: Sequence[Answer]) -> set[str]:
    """The names of all mistakes that explain every wrong result and contradict no right one."""
    wrong = [answer for answer in answers if answer.wrong]
    keys = {key for answer in wrong for key in answer.possible if key}
    return {
        name_of(key)
        for key in keys
        if all(_misfit(answer, key) <= AWAY for answer in wrong)
        and not any(_contradicts(answer, key) for answer in answers)
    }


def _without_covered(names: set[str]) -> set[str]:
    for name, others_too in COVERS.items():
        if name in names:
            names = names - others_too
    return names


def _contradicts(answer: Answer, key: str) -> bool:
    """Whether a result is right where the mistake would have given another one."""
    error = answer.error
    if error is None or error > AWAY or not answer.possible.get(key):
        return False
    return _misfit(answer, key) > AWAY


def _misfit(answer: Answer, key: str) -> float:
    """How far a mistake is from what came back.

    Another mistake may affect an item of a tuple; this one then only has to explain the rest.
    """
    found = [float("inf")]
    for made in answer.possible.get(key, ()):
        errors = _errors(answer.given, made)
        found.append(max(errors))
        for right in answer.possible[""] if len(made) > 1 else ():
            theirs, ours = _errors(answer.given, right), _errors(made, right)
            if max(ours) > NEAR:
                items = zip(errors, theirs, ours, strict=True)
                found.append(max((e for e, a, b in items if a <= AWAY or b > NEAR), default=0.0))
    return min(found)


def factor(answers: Sequence[Answer]) -> str:
    """A sentence about the factor by which all wrong results differ from correct ones, or "".

    It is said only if the factor is one number in all results or follows from the call, not both.

    Args:
        answers: all that was seen of one function, in any order.
    """
    left = factors_left(answers)
    return left.pop() if len(left) == 1 else ""


def factors_left(answers: Sequence[Answer]) -> set[str]:
    """All sentences about a factor that are true of every result; none if one is no multiple."""
    found: list[tuple[float, Mapping[str, float]]] = []
    for answer in answers:
        if answer.error is None:
            continue
        by = _factor(answer)
        if by is None:
            return set()
        if by:
            found.append((by, answer.sizes))
    if sum(abs(by - 1) > AWAY for by, _ in found) < 2:
        return set()
    first = found[0][0]
    left = {
        words
        for words, of in _NAMED_FACTORS.items()
        if all(_alike(by, _size(of, sizes)) for by, sizes in found)
    }
    if all(_alike(by, first) for by, _ in found):
        left |= {
            "every sign is reversed" if first == -1 else f"every value is {first:.4g} times right"
        }
    return left


def _alike(by: float, expected: float) -> bool:
    return expected != 0 and abs(by - expected) <= 1e-3 * abs(expected)


def _factor(answer: Answer) -> float | None:
    """The factor between a result and a correct one, 0 if both are zero; ``None`` if none is."""
    for right in answer.possible[""]:
        if len(right) != 1 or len(answer.given) != 1 or right[0].shape != answer.given[0].shape:
            return None
        if right[0].dtype.kind != "f" or right[0].size < 3:
            return None
        a, r = (part[0].astype(np.float64).reshape(-1) for part in (answer.given, right))
        if not np.isfinite(a).all():
            return None
        if not r.any():
            if a.any():
                return None
            return 0.0
        by = float(a @ r / (r @ r))
        if abs(by - 1) <= NEAR:
            by = 1.0
        if abs(by + 1) <= NEAR:
            by = -1.0
        if by and float(np.linalg.norm(a - by * r)) <= 1e-3 * float(np.linalg.norm(a)):
            return by
    return None


_NAMED_FACTORS = {
    "every value is divided by the number of rows once too often: a mean before backward() divides "
    "by it already": ("rows", -1.0, 0),
    "every value is multiplied by the number of rows: take the mean over the rows": (
        "rows",
        1.0,
        0,
    ),
    "every value is divided by the number of steps once too often": ("steps", -1.0, 0),
    "every value is multiplied by the number of steps: take the mean over the points": (
        "steps",
        1.0,
        0,
    ),
    "every value is steps / (steps - 1) times right: the mean divides by the number of intervals "
    "instead of points": ("steps", 1.0, -1),
    "every value is (steps - 1) / steps times right: a point is counted that is not added": (
        "steps",
        -1.0,
        -1,
    ),
    "every value is (steps + 1) / steps times right: a point is added, and not counted": (
        "steps",
        -1.0,
        1,
    ),
    "every value is steps / (steps + 1) times right: a point is counted that is not added": (
        "steps",
        1.0,
        1,
    ),
    "every value is divided by the number of classes": ("classes", -1.0, 0),
    "every value is multiplied by the number of classes": ("classes", 1.0, 0),
}
"""Factors that follow from a call: the number, its power, and the difference to its neighbour.

For a difference of 0 it is the number itself, otherwise number ÷ (number + difference).
"""


def _size(of: tuple[str, float, int], sizes: Mapping[str, float]) -> float:
    name, power, beside = of
    number = sizes.get(name, 0.0)
    if not number or number + beside == 0:
        return 0.0
    return float((number if not beside else number / (number + beside)) ** power)


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
    there = np.isfinite(m)
    if not np.array_equal(np.isfinite(a), there):
        return float("inf")
    a, m = a[there], m[there]  # a mistake may divide by zero in some places, or in all
    error = float(np.linalg.norm(a - m)) / max(float(np.linalg.norm(m)), 1e-12)
    return error if a.size > 2 else error * NEAR / NEAR_FEW
