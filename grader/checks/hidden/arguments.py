"""What hidden checks hand over: networks on which code leaves traces, and bad arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from grader.checks.framework import expect
from grader.checks.framework.cases import Case, normal
from grader.checks.framework.path_rules import up_to_an_interval
from grader.checks.framework.shared import STATEFUL
from grader.checks.framework.student import Student
from grader.checks.hidden import SEED as SECRET
from grader.homework.networks import Network
from grader.records import Call

__all__ = [
    "BAD_STEPS",
    "BAD_WEIGHTS",
    "BAD_XS",
    "MLP",
    "bad",
    "clear",
    "redrawn",
    "right_at_any_steps",
    "stateful",
]

SEED = SECRET.of("arguments")


def stateful(student: Student, name: str, *rest: Any) -> list[Call]:
    """Calls of a function on the networks of :data:`STATEFUL`.

    Args:
        student: who makes the calls.
        name: of the function.
        *rest: its arguments after the network: names of properties of a case ("x"), or values.

    Returns:
        One call for each network.
    """
    calls = []
    for family, kind in STATEFUL:
        case = Case(Network(family, seed=SEED + 7, **kind), 2, 1, SEED + 7)
        named = {"xs": case.xs(), "x": case.x, "baseline": case.baseline}
        calls.append(
            student.call(name, case.network, *(named[r] if isinstance(r, str) else r for r in rest))
        )
    return calls


def clear(influence: np.ndarray, cuts: Iterable[int]) -> bool:
    """Whether rounding cannot change which neurons lie before each cut, strongest first.

    An instructor's seed draws inputs that nobody has seen.  If two neurons differ by less than 1e-5
    and are not equal, either order is right: see :func:`redrawn`.  The default seed has no such
    case.
    """
    strengths = np.sort(influence.reshape(len(influence), -1).max(1).astype(np.float64))[::-1]
    gaps = strengths[:-1] - strengths[1:]
    near = (gaps > 0) & (gaps < 1e-5 * np.abs(strengths).max())
    return not any(near[cut - 1] for cut in cuts if 0 < cut < len(strengths))


def redrawn(case: Case, holds: Callable[[Case], bool]) -> Case | None:
    """A case for which a condition holds: this one, or the first that can be drawn instead.

    Args:
        case: of the secret's, its network and its inputs from the same seed.
        holds: for example that no neurons are nearly tied.

    Returns:
        ``None`` where there is none.  A seed that is a number has no case but the first.
    """
    for seed in SECRET.candidates(case.seed):
        network, target = replace(case.network, seed=seed), seed % case.classes
        again = case if seed == case.seed else Case(network, case.layer, target, seed)
        if holds(again):
            return again
    return None


BAD_XS = (
    ("class -1", {"target": -1}),
    ("a class index out of range", {"target": 5}),
    ("layer -2", {"layer": -2}),
    ("a layer index out of range", {"layer": 5}),
    ("an empty batch", {"xs": normal(0, 0, 6)}),
)
BAD_WEIGHTS = (
    ("too few weights", {"weights": [1.0, 1.0]}),
    ("too many weights", {"weights": [1.0] * 5}),
    ("one weight for all rows", {"weights": [1.0]}),
    ("an infinite weight", {"weights": [1.0, float("inf"), 1.0, 1.0]}),
    ("a negative weight", {"weights": [1.0, -1.0, 1.0, 1.0]}),
    ("weights that are all 0", {"weights": [0.0, 0.0, 0.0, 0.0]}),
    ("a weight that is not finite", {"weights": [1.0, float("nan"), 1.0, 1.0]}),
    *(
        (f"one row with a weight of {weight}", {"xs": normal(0, 1, 6), "weights": [weight]})
        for weight in (0.0, -1.0, float("nan"))
    ),
)
BAD_STEPS = (("steps = 0", {"steps": 0}), ("steps = -3", {"steps": -3}))


def bad(student: Student, name: str, *lists: Any, **good: Any) -> list[tuple[str, Call]]:
    """Calls of a function with one bad argument each, the others good, and one that is all good.

    Args:
        student: who makes the calls.
        name: of the function.
        *lists: bad arguments, such as :data:`BAD_XS`, each with what is wrong in words.
        **good: all of the function's arguments, by name.

    Returns:
        What is wrong in words, and the call; first the good one, without words.
    """
    call = student.call(name, **good)
    rows = [row for rows in lists for row in rows]
    made = [(words, Call(name, {**call.arguments, **wrong})) for words, wrong in rows]
    return [("", call), *made]


MLP = Case(Network("smooth_mlp", seed=SEED + 0, mixed=True, grads=True), 1, 2, SEED + 0)
"""What code leaves behind when it raises shows here: some layers are in train mode."""

STEPS = (26, 49, 51, 98, 103)
"""Numbers of steps that no chunk divides, and of which 1 / steps is rounded either way."""


def right_at_any_steps(ask: Callable[[int], np.ndarray], expected: np.ndarray, what: str) -> None:
    """On a linear network an integral is right for every number of steps.

    Args:
        ask: the student's result with so many steps.
        expected: the integral, float64.
        what: how the sentence calls it.

    Raises:
        Unmet: it is wrong for some.
    """
    for steps in STEPS:
        accepted = up_to_an_interval(expected, steps)
        expect.nearest(ask(steps), accepted, expect.FLOAT32, f"{what} with {steps} steps")
