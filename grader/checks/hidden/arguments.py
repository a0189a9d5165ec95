"""What hidden checks hand over: networks on which code leaves traces, and bad arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from grader.checks.framework import expect
from grader.checks.framework.cases import Case, case_list, distribution, normal
from grader.checks.framework.path_rules import AT_300, up_to_an_interval
from grader.checks.framework.shared import STATEFUL, leaves_as_found
from grader.checks.framework.student import Student
from grader.checks.hidden import SEED as SECRET
from grader.homework.networks import Network
from grader.oracle.quadrature import gauss_legendre
from grader.records import Call

__all__ = [
    "BAD_CLASS",
    "BAD_STEPS",
    "BAD_WEIGHTS",
    "BAD_XS",
    "BLOCKS",
    "MLP",
    "along_a_short_line",
    "bad",
    "changes_nothing",
    "clear",
    "elsewhere",
    "many_rows",
    "on_a_short_line",
    "redrawn",
    "right_at_any_steps",
    "short_line",
    "through_the_middle",
    "unusual_lines",
]

SEED = SECRET.of("arguments")


def changes_nothing(student: Student, name: str, *rest: Any) -> None:
    """Calls on the networks of :data:`STATEFUL` change nothing, nor does one that raises.

    Args:
        student: who makes the calls.
        name: of the function.
        *rest: its arguments after the network: names of properties of a case ("x"), or values.

    Raises:
        Unmet: something changed, or the result has another dtype than the input; half the points.
        StudentFault: the student's code raised where it may not.
    """
    for family, kind in STATEFUL:
        case = Case(Network(family, seed=SEED + 7, **kind), 2, 1, SEED + 7)
        named = {"xs": case.xs(), "x": case.x, "baseline": case.baseline}
        call = student.call(
            name, case.network, *(named[r] if isinstance(r, str) else r for r in rest)
        )
        leaves_as_found(student, [call])
    if not {"x", "xs"} & {r for r in rest if isinstance(r, str)}:
        return
    wide = {"xs": normal(SEED + 7, 4, 7), "x": normal(SEED + 7, 7), "baseline": normal(SEED + 8, 7)}
    for family in ("smooth_mlp", "inplace_mlp"):  # they take six features
        network = Network(family, seed=SEED + 7, mixed=True, grads=True)
        call = student.call(name, network, *(wide[r] if isinstance(r, str) else r for r in rest))
        leaves_as_found(student, [call], may_raise=True)


def elsewhere(seed: int) -> list[Case]:
    """Slices of networks that are built in other ways: what code takes for granted shows here.

    Two layers, of which one is a softmax; blocks that work in place; a softmax inside the last
    layer; maps that are no squares; layers without weights, of the caller's own, on rows, norms of
    rows, weights that lie the other way; and images of more than ten thousand numbers.
    """
    return [
        *case_list(("affine", -1, seed), head="softmax"),
        *case_list(("all_convolutional", 0, seed + 1), head="softmax"),
        *case_list(("all_convolutional", 4, seed + 2), ("inplace_blocks", 0, seed + 3)),
        *case_list(("no_weights", 0, seed + 4), ("rows", 0, seed + 5)),
        *case_list(("large_image", 0, seed + 6), ("transposed", 0, seed + 7)),
        *case_list(("own_layers", 0, seed + 8), ("own_layers", 4, seed + 9)),
        *case_list(("own_layers", 5, seed + 13)),
        *case_list(("normed_rows", 1, seed + 11), ("volumes", 0, seed + 12)),
        *case_list(("smooth_mlp", 2, seed + 10), tail="block"),
    ]


def many_rows(seed: int) -> list[tuple[Case, np.ndarray, np.ndarray | None]]:
    """Batches that no chunk divides, with weights or none (the mean over all rows).

    A last chunk of one row, rows of weight 0 that fill chunks, rows that stand there several times,
    a heavy row beside many light ones, and weights of which only the proportions are of usual size.
    """
    case = Case(Network("smooth_mlp", seed=seed), 1, 2, seed)
    long, odd, again = case.xs(129), case.xs(101), case.xs(3)[[0, 0, 1, 0, 2, 0]]
    half = distribution(seed, 129)
    half[64:] = 0
    light = np.full(101, 5e-4)
    light[7] = 1.0
    tiny = 1e-20 * distribution(seed + 1, 3)
    return [
        (case, long, distribution(seed, 129)),
        (case, long, half),
        (case, odd, light),
        (case, odd, None),
        (case, again, None),
        (case, case.xs(3), tiny),
    ]


NEAR = np.float32(2.0**-9)
"""The length of a short line, in usual distances."""


def on_a_short_line(
    case: Case,
    ask: Callable[[np.ndarray, np.ndarray], np.ndarray],
    gradient: Callable[[np.ndarray], np.ndarray],
    what: str,
) -> None:
    """Where the gradient is the same all along the line, every rule gives it times x − baseline.

    Args:
        case: gives x, and the direction of the line.
        ask: the student's attribution for x and a baseline, with five steps.
        gradient: the right one at a point.
        what: how the sentence calls the attribution.

    Raises:
        Unmet: it is another one.
    """
    x, baseline = short_line(case)
    at_x, at_baseline = gradient(x), gradient(baseline)
    if expect.relative_error(at_baseline, at_x) > 0.02:
        return  # a maximum that changes its place; a seed that is a number draws what it draws
    expect.nearest(ask(x, baseline), along_a_short_line(case, at_x), 0.05, what)


def short_line(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """(x, baseline), so near that the gradient of a smooth network is the same in between."""
    x = case.x
    return x, x - (NEAR * case.baseline).astype(x.dtype)


def along_a_short_line(case: Case, gradient: np.ndarray) -> dict[str, np.ndarray]:
    """The attributions by five steps on it that are right, by the names of rules."""
    x, baseline = short_line(case)
    return dict(up_to_an_interval((x.astype(np.float64) - baseline) * gradient, 5))


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


MLP = Case(Network("smooth_mlp", seed=SEED + 0, mixed=True, grads=True), 1, 2, SEED + 0)
"""What code leaves behind when it raises shows here: some layers are in train mode."""
MLP_WITH_SOFTMAX = replace(MLP.network, head="softmax")
BLOCKS = replace(MLP.network, family="blocks")
"""It has as many inputs and classes."""

BAD_XS = (
    ("class -1", {"target": -1}),
    ("a class index out of range", {"target": 5}),
    ("layer -2", {"layer": -2}),
    ("a layer index out of range", {"layer": 5}),
    ("a layer index that counts the layers of blocks", {"model": BLOCKS, "layer": 3}),
    ("an empty batch", {"xs": normal(0, 0, 6)}),
)
BAD_CLASS = (
    ("class -1 at the last layer", {"layer": 4, "target": -1}),
    ("class -1 of a network with a softmax", {"model": MLP_WITH_SOFTMAX, "target": -1}),
)
"""For functions of a layer and a class."""
BAD_WEIGHTS = (
    ("no weights for four rows", {"weights": []}),
    ("an empty batch and empty weights", {"xs": normal(0, 0, 6), "weights": []}),
    ("a slightly negative weight", {"weights": [1.0, -1e-7, 1.0, 1.0]}),
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


STEPS = (26, 49, 51, 65, 98, 101, 103, 129)
"""Numbers of steps that no chunk divides, and of which 1 / steps is rounded either way."""


def through_the_middle(
    case: Case,
    ask: Callable[[np.ndarray, np.ndarray], np.ndarray],
    average: Callable[[np.ndarray, np.ndarray], np.ndarray],
    what: str,
    *,
    times_difference: bool = False,
) -> None:
    """The integral on a line from -x to x, whatever the gradients at its ends have in common.

    Args:
        case: of a smooth network; gives x.
        ask: the student's result for x and a baseline, with some hundred steps.
        average: the right average over points (n, *x.shape) with weights (n,) that add up to 1.
        what: how the sentence calls the result.
        times_difference: whether the result is (x − baseline) times the average.

    Raises:
        Unmet: it is another one.
    """
    x = case.x
    nodes, weights = gauss_legendre(64)
    expected = average(np.multiply.outer(2 * nodes - 1, x).astype(x.dtype), weights)
    if times_difference:
        expected = 2 * x * expected
    expect.close(ask(x, -x), expected, AT_300, f"{what} on a line from -x to x")


def unusual_lines(case: Case, slope: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """(x, baseline) where one of these holds.

    The baseline adds up to 0; both are large and near each other, with a difference that is exact
    in float32; or the score, whose gradient is ``slope``, is the same at both.
    """
    dtype, shape = case.x.dtype, case.x.shape
    signs = np.where(np.arange(case.x.size) % 2, -1.0, 1.0)
    if case.x.size % 2:
        signs[-1] = 0.0
    even = signs.reshape(shape).astype(dtype)
    far = np.full(shape, 1000.0, dtype=dtype)
    steps = np.round(16 * case.x.astype(np.float64)) / 2.0**12
    level = case.baseline.astype(np.float64)
    level -= slope * (slope * level).sum() / (slope * slope).sum()
    return [
        (case.x, even),
        ((far + steps).astype(dtype), far),
        (case.x, (case.x - level).astype(dtype)),
    ]


def right_at_any_steps(ask: Callable[[int], np.ndarray], expected: np.ndarray, what: str) -> None:
    """On a linear network an integral is right for every number of steps, by one rule.

    Args:
        ask: the student's result with so many steps.
        expected: the integral, float64.
        what: how the sentence calls it.

    Raises:
        Unmet: it is wrong for some.
    """
    names = set(up_to_an_interval(expected, STEPS[0]))
    for steps in STEPS:
        accepted = up_to_an_interval(expected, steps)
        got = ask(steps)
        near = {n: expect.relative_error(got, accepted[n]) <= expect.FLOAT32 for n in names}
        # A point that is left out for some numbers of steps looks like Captum's rule for these.
        left = {name for name in names if near[name]}
        allowed = {name: accepted[name] for name in left or names}
        expect.nearest(got, allowed, expect.FLOAT32, f"{what} with {steps} steps")
        names = left
