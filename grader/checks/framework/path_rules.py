"""Path integrals: which approximations are accepted."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from grader.checks.framework import expect
from grader.checks.framework.cases import SMOOTH, Case
from grader.checks.framework.student import Student
from grader.homework.networks import Network
from grader.oracle.live import oracle
from grader.oracle.quadrature import RULES, Rule, gauss_legendre, midpoint, rules

__all__ = [
    "AT_50",
    "AT_300",
    "CONVERGES",
    "FLAT",
    "LONG_STEPS",
    "Integral",
    "M",
    "adds_up",
    "any_number_of_steps",
    "comparable",
    "fifty_by_default",
    "follows_a_rule",
    "on_a_long_line",
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

FEW = 3
"""The fewest steps at which a value is graded: that of a rule that is recognised everywhere."""

TOLD = 1e-3
"""How far a rule with M steps is from the integral at least, where it is told from other rules."""

AT_50, AT_300 = 0.15, 0.02
"""Relative L2 error from the exact integral that any other rule may have, by steps.

On networks without kinks, as students are told (``student_template/README.md``).  The worst honest
rule over many seeds is off by 0.073 and 0.015; leaving out a twentieth of the line is off by 0.034
at 300 steps or more (``python tests/benchmarks/own_rules.py``).
"""

ROUGHLY = 0.1
"""The same at 300 steps on networks with kinks.

There errors fall by chance, so that this only finds what integrates something else.
"""

CONVERGES, CLOSE = 0.7, 0.004
"""Upper limit of the error at 300 steps ÷ the larger of those at 8 and 50, for any other rule.

Errors are root mean squares over a check's cases without kinks.  Below CLOSE the ratio is not
asked for: a rule may be lucky at 8 and 50 steps.  It is at most 0.64 for honest rules over many
seeds, and 1 for rules that ignore ``steps``.
"""

LONG = np.float32(1000)
"""How much larger than usual an input is where its size must not matter."""

VARIATION = 2.0
"""How often the variation of the slope ÷ steps an attribution may miss the change of the score."""

_RIGHT: dict[Hashable, Array] = {}
"""Right results by everything that they depend on: no submission is part of it."""

_MOST = 10_000
"""How many of them are kept; all checks together ask for fewer than 2,000."""

FLAT = Network("clipped_sum")
_LOW, _HIGH = (np.array(end, dtype=np.float32) for end in ((0.0, 0.34), (0.0, 2.0)))
"""Between these points of FLAT its scores and its first hidden neuron have no gradient; a little
below the lower one they have."""


@dataclass(frozen=True)
class Integral:
    """A path integral that a check asks for.

    Args:
        case: gives the line.
        ask: the student's result for a number of steps.
        average: the right average over points (n, *x.shape) with weights (n,) that add up to 1.
        times_difference: whether the result is (x − baseline) times that average.
        kinks: whether the quantity itself has kinks, for example a maximum.
        quantity: what is averaged, such as the function's name.  With it the case says what is
            right, which then is computed once for all submissions; "" computes it each time.
    """

    case: Case
    ask: Callable[[int], Array]
    average: Callable[[Array, Array], Array]
    times_difference: bool = False
    kinks: bool = False
    quantity: str = ""

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
        return self._once(name, steps, lambda: self._by_name(name, steps))

    def _by_name(self, name: str, steps: int) -> Array:
        if name == _CAPTUMS:
            return (steps - 1) / steps * self.by(rules(steps)["trapezoid of m points"])
        return self.by(rules(steps)[name])

    def exact(self) -> Array:
        """The exact integral; where the gradient jumps, by a rule that stays accurate there."""
        rule = gauss_legendre(64) if self.smooth else midpoint(500)
        return self._once("exact", len(rule[0]), lambda: self.by(rule))

    def _once(self, rule: str, steps: int, make: Callable[[], Array]) -> Array:
        if not self.quantity:
            return make()
        name = (oracle.source, self.quantity, self.times_difference, self.case, rule, steps)
        if name not in _RIGHT:
            if len(_RIGHT) >= _MOST:
                _RIGHT.clear()
            _RIGHT[name] = make()
            _RIGHT[name].flags.writeable = False
        return _RIGHT[name]

    def everything(self) -> None:
        """Ask for every value that an answer may be compared with."""
        for steps in (FEW, M, MANY):
            for name in _NAMES:
                self.by_name(name, steps)
        self.exact()


def follows_a_rule(
    integrals: Sequence[Integral], what: str, flat: Callable[[Array, Array, int], Array]
) -> None:
    """The results are those of an accepted rule with the same number of steps, or they converge.

    Args:
        integrals: all that a check asks for.
        what: how the sentence calls them.
        flat: the student's result on :data:`FLAT`, from a baseline to an x, with some steps.

    Raises:
        Unmet: neither is the case.
    """
    oracle.foresee(*(integral.everything for integral in integrals))
    named = [_names(integral) for integral in integrals]
    if common := set.intersection(*named):
        for integral in integrals:
            # Rules that are nearly exact with M steps are not told apart there, only with fewer.
            exact = integral.exact()
            off = (expect.relative_error(integral.by_name(n, M), exact) for n in common)
            if min(off) < TOLD:
                continue
            few = {name: integral.by_name(name, FEW) for name in _NAMES}
            expect.nearest(integral.ask(FEW), few, expect.FLOAT32, f"{what} with {FEW} steps")
        return
    own = [integral for integral, names in zip(integrals, named, strict=True) if not names]
    errors: list[tuple[float, float, float]] = []
    for integral in own or integrals:
        exact = integral.exact()
        expect.finite(integral.ask(FEW), f"{what} with {FEW} steps")
        got, rough = integral.ask(M), integral.ask(50)
        if integral.smooth:
            expect.close(rough, exact, AT_50, f"{what} with 50 steps")
        fine = integral.ask(300)
        limit = AT_300 if integral.smooth else ROUGHLY
        expect.close(fine, exact, limit, f"{what} with 300 steps")
        stands = expect.relative_error(integral.ask(MANY), fine) <= 1e-9
        expect.that(
            not stands or expect.relative_error(fine, exact) <= expect.FLOAT32,
            f"{what} does not change between {MANY} and 300 steps and is still wrong",
            expected="with more steps, more gradient evaluations and a smaller error",
            actual="the same numbers",
            diagnosis="use as many points as `steps` says, also if `steps` is large",
        )
        if integral.smooth:
            a, b, c = (expect.relative_error(r, exact) for r in (got, rough, fine))
            errors.append((a, b, c))
    if errors:
        _converges(errors, what)
    for ends in ((_HIGH, _LOW), (_LOW, _HIGH)):
        for steps in (M, 50):
            got = flat(*ends, steps)
            expect.close(
                got,
                np.zeros_like(got),
                expect.NOTHING,
                f"{what} where there is no gradient on the whole line, with {steps} steps",
                scale=1,
                diagnosis="is a gradient taken at a point that does not lie between the baseline "
                "and x?",
            )


def _converges(errors: Sequence[tuple[float, float, float]], what: str) -> None:
    at_8, at_50, at_300 = (_mean_size(column) for column in zip(*errors, strict=True))
    if at_300 <= CLOSE:
        return
    expect.record(at_300 / max(at_8, at_50), CONVERGES)
    expect.that(
        at_300 <= CONVERGES * max(at_8, at_50),
        f"{what} does not get closer to the integral with more steps",
        expected=f"an error at 300 steps of at most {CONVERGES} times the larger one of {M} and 50",
        actual=f"an error of {at_8:.2g} at {M} steps, {at_50:.2g} at 50, {at_300:.2g} at 300",
        of_values=True,
        diagnosis="use as many points as `steps` says, and spread them evenly between the "
        "baseline and x",
    )


def _names(integral: Integral) -> set[str]:
    """The accepted rules that give the student's result with M steps, and with MANY."""
    got = integral.ask(M)
    errors = {n: expect.relative_error(got, integral.by_name(n, M)) for n in _NAMES}
    matched = [name for name, error in errors.items() if error <= expect.FLOAT32]
    if not matched:
        return set()
    # Where a gradient is constant over stretches, another rule may give the same at 8 steps.
    again = integral.ask(MANY)
    later = {n: expect.relative_error(again, integral.by_name(n, MANY)) for n in matched}
    names = {name for name, error in later.items() if error <= expect.FLOAT32}
    if names:
        expect.record(max(min(errors.values()), min(later.values())), expect.FLOAT32)
    return names


def _mean_size(errors: Sequence[float]) -> float:
    return float(np.sqrt(np.mean(np.square(errors))))


def any_number_of_steps(
    ask: Callable[[int], Array], expected: Array, curved: Callable[[int], Array], what: str
) -> None:
    """On a linear network every number of steps gives the integral; one step is finite at least.

    Args:
        ask: the student's result on a linear network, with so many steps.
        expected: the integral.
        curved: the student's result on a network that is not linear.
        what: how the sentence calls the result.

    Raises:
        Unmet: one of them does not.
    """
    for steps in (50, 7, 4, FEW):
        named = f"{what} on a linear network with {steps} steps"
        expect.close(ask(steps), expected, what=named)
    for steps in (1, 2):
        expect.finite(curved(steps), f"{what} with {steps} step{'s' * (steps > 1)}")


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


LONG_STEPS = 301
"""Steps on a long line: about as many as elsewhere, and divided by no usual size of a chunk."""


def on_a_long_line(
    case: Case,
    ask: Callable[[Array, Array], Array],
    average: Callable[[Array, Array], Array],
    what: str,
    *,
    times_difference: bool = False,
) -> None:
    """Inputs may be of any size: the integral on a line that is a thousand times as long.

    Args:
        case: of a network whose gradient is linear in the input, such as "quadratic".
        ask: the student's result from a baseline to an x, with :data:`LONG_STEPS` steps.
        average: the right average over points (n, *x.shape) with weights (n,) that add up to 1.
        what: how the sentence calls the result.
        times_difference: whether the result is (x − baseline) times the average.

    Raises:
        Unmet: it is another one.
    """
    x, baseline = LONG * case.x, np.zeros_like(case.x)
    nodes, weights = gauss_legendre(4)
    expected = average(np.multiply.outer(nodes, x).astype(x.dtype), weights)
    if times_difference:
        expected = x * expected
    expect.close(ask(x, baseline), expected, AT_300, f"{what} where inputs are large")


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
        diagnosis="the error is as large as in float32: is something converted on the way?",
    )


def adds_up(
    attribution: Array, value: Callable[[Array], float], case: Case, steps: int, what: str
) -> None:
    """Completeness: an attribution adds up to the change of a quantity between baseline and x.

    The tolerance has two terms.  The error of a sum of ``steps`` points is at most the variation of
    the slope along the line times their discrepancy (Koksma): half of 1/steps for a left-hand sum,
    up to 4/steps for van der Corput's points, mostly far less.  Captum's trapezoid is off by
    1/steps of the sum.

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
    slopes = [slope(float(alpha)) for alpha in np.linspace(0.0, 1.0, 17)]
    variation = float(np.abs(np.diff(slopes)).sum())
    room = (VARIATION * variation + 2 * abs(change)) / steps + 1e-3
    if abs(total - change) > room:
        expect.close(total, change, 0.0, f"the sum of {what}")


def up_to_an_interval(expected: Array, steps: int) -> dict[str, Array]:
    """The expected result, and the one of Captum's trapezoid, whose weights add up to less than 1.

    For checks that do not test the normalisation.
    """
    return {"exact": expected, _CAPTUMS: (steps - 1) / steps * expected}
