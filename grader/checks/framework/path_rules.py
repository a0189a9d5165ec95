"""Path integrals: which approximations are accepted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from grader.checks.framework import expect
from grader.checks.framework.cases import SMOOTH, Case
from grader.checks.framework.student import Student
from grader.oracle.live import oracle
from grader.oracle.quadrature import RULES, Rule, midpoint, rules

__all__ = [
    "AT_50",
    "AT_300",
    "CONVERGES",
    "NO_WORSE",
    "Integral",
    "M",
    "adds_up",
    "comparable",
    "fifty_by_default",
    "follows_a_rule",
    "precise",
    "up_to_an_interval",
]

Array = np.ndarray

SAME = 1e-7
"""Relative error up to which two results count as computed in the same way."""

M = 8
"""Steps at which we recognise a result's rule; there the rules differ by 1e-2 or more."""

_CAPTUMS = "Captum's trapezoid"
_NAMES = (*RULES, _CAPTUMS)

MANY = 133
"""Steps at which we look at a recognised rule again.

They do not fit into a small batch, and exceed the hundred at which some code stops.
"""

AT_50, AT_300 = 0.06, 0.01
"""Relative L2 error from the exact integral that any other rule may have, by steps."""

CONVERGES = 0.15
"""Upper limit of the error at 300 steps ÷ the error at 8 steps, for any other rule.

Errors are root mean squares over a check's cases.  The ratio is at most 0.06 for honest rules, at
least 0.39 for rules that leave out a part of the line, 0.9 for rules that crowd their points, and 1
for rules that ignore ``steps`` (``python tests/benchmarks/own_rules.py``).
"""

NO_WORSE = 1.3
"""Upper limit of its error at 50 steps ÷ the error of the left-hand or the right-hand sum.

Errors are root mean squares over the cases without kinks.  The ratio is at most 0.7 for honest
rules, and 1.9 or more for points that lie a step outside the line (by the same command).
"""


@dataclass(frozen=True)
class Integral:
    """A path integral that a check asks for.

    Args:
        case: gives the line.
        ask: the student's result for a number of steps.
        average: the right average over points (n, *x.shape) with weights (n,) that add up to 1.
        times_difference: whether the result is (x − baseline) times that average.
        kinks: whether the quantity itself has kinks, for example a maximum.
    """

    case: Case
    ask: Callable[[int], Array]
    average: Callable[[Array, Array], Array]
    times_difference: bool = False
    kinks: bool = False

    @property
    def smooth(self) -> bool:
        """Whether the errors of rules fall regularly with more steps, and not by chance."""
        return self.case.network.family in SMOOTH and not self.kinks

    def by(self, rule: Rule) -> Array:
        """The result by a given rule."""
        nodes, weights = rule
        factor = self.case.x - self.case.baseline if self.times_difference else 1.0
        return np.asarray(factor * self.average(self.case.on_line(nodes), weights))

    def by_name(self, name: str, steps: int) -> Array:
        """The result by an accepted rule."""
        if name == _CAPTUMS:
            return (steps - 1) / steps * self.by(rules(steps)["trapezoid of m points"])
        return self.by(rules(steps)[name])

    def exact(self) -> Array:
        """The exact integral, by a rule that stays accurate where the gradient jumps."""
        return self.by(midpoint(500))

    def sums(self) -> tuple[Array, Array]:
        """The left-hand and the right-hand sums of 50 steps."""
        made = rules(50)
        return self.by(made["left-hand sum"]), self.by(made["right-hand sum"])

    def everything(self) -> None:
        """Ask for every value that an answer may be compared with."""
        for steps in (M, MANY):
            for name in _NAMES:
                self.by_name(name, steps)
        self.exact()
        self.sums()


def follows_a_rule(integrals: Sequence[Integral], what: str) -> None:
    """The results are those of an accepted rule with the same number of steps, or they converge.

    Args:
        integrals: all that a check asks for.
        what: how the sentence calls them.

    Raises:
        Unmet: neither is the case.
    """
    oracle.foresee(*(integral.everything for integral in integrals))
    own = [integral for integral in integrals if not _is_named(integral)]
    if not own:
        return
    errors: list[tuple[float, float]] = []
    beside: list[tuple[float, float, float]] = []
    for integral in own:
        exact = integral.exact()
        got, rough = integral.ask(M), integral.ask(50)
        expect.close(rough, exact, AT_50, f"{what} with 50 steps")
        fine = integral.ask(300)
        expect.close(fine, exact, AT_300, f"{what} with 300 steps")
        stands = expect.relative_error(integral.ask(MANY), fine) <= 1e-9
        expect.that(
            not stands or expect.relative_error(fine, exact) <= expect.FLOAT32,
            f"{what} does not change between {MANY} and 300 steps and is still wrong",
            expected="with more steps, more gradient evaluations and a smaller error",
            actual="the same numbers",
            diagnosis="use as many points as `steps` says, also if `steps` is large",
        )
        errors.append((expect.relative_error(got, exact), expect.relative_error(fine, exact)))
        if integral.smooth:
            a, b, c = (expect.relative_error(r, exact) for r in (rough, *integral.sums()))
            beside.append((a, b, c))
    at_8, at_300 = (_mean_size(column) for column in zip(*errors, strict=True))
    expect.record(at_300 / max(at_8, 1e-9), CONVERGES)
    expect.that(
        at_300 <= CONVERGES * at_8,
        f"{what} does not get closer to the integral with more steps",
        expected=f"an error at 300 steps of at most {CONVERGES} times the error at {M} steps",
        actual=f"an error of {at_8:.2g} at {M} steps, and of {at_300:.2g} at 300 steps",
        of_values=True,
        diagnosis="use as many points as `steps` says, and spread them evenly between the "
        "baseline and x",
    )
    if not beside:
        return
    at_50, left, right = (_mean_size(column) for column in zip(*beside, strict=True))
    room = NO_WORSE * max(left, right)
    expect.record(at_50, room)
    expect.that(
        at_50 <= room,
        f"{what} with 50 steps is further from the integral than a left-hand or right-hand sum",
        expected=f"an error of {max(left, right):.2g}, or less",
        actual=f"an error of {at_50:.2g}",
        of_values=True,
        diagnosis="put all points between the baseline and x, and divide the sum of the gradients "
        "by the number of points",
    )


def _is_named(integral: Integral) -> bool:
    got = integral.ask(M)
    errors = {n: expect.relative_error(got, integral.by_name(n, M)) for n in _NAMES}
    matched = [name for name, error in errors.items() if error <= expect.FLOAT32]
    if not matched:
        return False
    # Where a gradient is constant over stretches, another rule may give the same at 8 steps.
    again = integral.ask(MANY)
    error = min(expect.relative_error(again, integral.by_name(name, MANY)) for name in matched)
    if error <= expect.FLOAT32:
        expect.record(max(error, min(errors.values())), expect.FLOAT32)
    return error <= expect.FLOAT32


def _mean_size(errors: Sequence[float]) -> float:
    return float(np.sqrt(np.mean(np.square(errors))))


def fifty_by_default(student: Student, name: str, arguments: Sequence[Any], what: str) -> None:
    """Without ``steps`` the result is that of 50 steps.

    A function that never gives the same result twice is not judged.  With 49 steps it would differ
    by 1e-6 or more.

    Args:
        student: whose function is asked.
        name: of the function, one of the integrals.
        arguments: all of its arguments but ``steps``.
        what: how the sentence calls the result.

    Raises:
        Unmet: the default is another number of steps.
    """
    ask, fifty = student.call(name, *arguments), student.call(name, *arguments, 50)
    left_out, given = student.answer(ask), student.answer(fifty)
    expect.finite(left_out, what)
    if expect.relative_error(left_out, given, 1e-3) <= SAME:
        return
    for call, first in ((ask, left_out), (fifty, given)) * 4:
        if expect.relative_error(student.answer(call), first, 1e-3) > SAME:
            return  # its points are drawn anew each time
    expect.close(
        left_out,
        given,
        SAME,
        f"{what} without steps (50 by default)",
        scale=1e-3,
    )


def comparable(student: Student, name: str, arguments: Sequence[Any]) -> tuple[int, float]:
    """The steps and the tolerance with which two results of an integral can be compared.

    A rule that draws new points for each call is no closer to itself than to the integral.

    Args:
        student: whose function is asked.
        name: of the function, one of the integrals.
        arguments: all of its arguments but ``steps``.

    Returns:
        (steps, relative L2 tolerance).
    """
    call = student.call(name, *arguments, 20)
    error = expect.relative_error(student.answer(call), student.answer(call), 1e-3)
    return (20, expect.FLOAT32) if error <= SAME else (300, 3 * AT_300)


def precise(actual: Array, expected: Array, steps: int, what: str) -> None:
    """On a linear network an integral in float64 is right to ten digits.

    A constant factor may be wrong: Captum keeps the weights of its steps in float32, and its
    trapezoid leaves out an interval.  A result that was float32 anywhere else fails.

    Args:
        actual: the result, float64.
        expected: the integral, float64, same shape.
        steps: of the result.
        what: how the sentence calls it.

    Raises:
        Unmet: it is less precise.
    """
    accepted = up_to_an_interval(expected, steps)
    name = expect.nearest(actual, accepted, 1e-6, what)
    e = accepted[name]
    factor = float(np.sum(actual * e) / np.sum(e * e))
    expect.close(
        actual,
        factor * e,
        expect.FLOAT64,
        what,
        diagnosis="this is the precision of float32: a conversion on the way rounded the numbers",
    )


def adds_up(
    attribution: Array, value: Callable[[Array], float], case: Case, steps: int, what: str
) -> None:
    """Completeness: an attribution adds up to the change of a quantity between baseline and x.

    The tolerance has two terms.  The leading error of a sum of ``steps`` points is half the change
    of the slope between the ends of the line, divided by ``steps`` (Euler-Maclaurin); we allow
    twice that.  Captum's trapezoid is off by 1/steps of the sum.

    Args:
        attribution: the result with ``steps`` steps.
        value: the quantity at a point, in float64.
        case: gives the line.
        steps: of the attribution.
        what: how the sentence calls it.

    Raises:
        Unmet: the sum differs by more.
    """
    expect.finite(attribution, what)
    x, baseline = case.x.astype(np.float64), case.baseline.astype(np.float64)

    def slope(alpha: float) -> float:
        after, before = (value(baseline + a * (x - baseline)) for a in (alpha + 1e-5, alpha - 1e-5))
        return (after - before) / 2e-5

    change = value(x) - value(baseline)
    total = float(np.sum(attribution, dtype=np.float64))
    room = abs(slope(1.0) - slope(0.0)) / steps + 2 / steps * abs(change) + 1e-3
    if abs(total - change) > room:
        expect.close(total, change, 0.0, f"the sum of {what}")


def up_to_an_interval(expected: Array, steps: int) -> dict[str, Array]:
    """The expected result, and the one of Captum's trapezoid, whose weights add up to less than 1.

    For checks that do not test the normalisation.
    """
    return {"exact": expected, _CAPTUMS: (steps - 1) / steps * expected}
