"""Path integrals: which approximations count as right, and what every function has to keep to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from grader.cases import SMOOTH, Case
from grader.checks import expect
from grader.checks.student import Student
from grader.quadrature import Rule, midpoint, rules
from grader.records import Call, Reply

__all__ = [
    "HALF",
    "STATEFUL",
    "Integral",
    "adds_up",
    "by_slice",
    "comparable",
    "dtype_kept",
    "fifty_by_default",
    "follows_a_rule",
    "leaves_as_found",
    "precise",
    "refuses",
    "right_on",
    "up_to_an_interval",
]

Array = np.ndarray
T = TypeVar("T")

HALF = 0.5
"""What is earned where an answer is right on part of the ground (see :func:`right_on`)."""

SAME = 1e-7
"""What two results may differ by that are computed in the same way."""

M = 8
"""Steps at which results are told apart by their rule; the rules differ by 1e-2 and more there."""

_CAPTUMS = "Captum's trapezoid"

MANY = 77
"""Steps at which a rule that was recognised is looked at again: more than fit in a small batch."""

AT_50, AT_300 = 0.06, 0.01
"""How near the exact integral a rule of one's own must come, relative L2."""

CONVERGES = 0.15
"""The most that the error of a rule of one's own at 300 steps may be of that at 8 steps.

Of the root mean square over a check's cases: at most 0.06 for honest rules, at least 0.39 for those
that leave out a part of the line, 0.9 for those that crowd their points, and 1 for those that
ignore ``steps`` (``python tests/benchmarks/own_rules.py``).
"""


NO_WORSE = 1.3
"""The most that its error at 50 steps may be of that of the left-hand or the right-hand sum.

Likewise, over the cases without kinks: at most 0.7 for honest rules, 1.9 and more for points that
lie a step aside, off the line.
"""


@dataclass(frozen=True)
class Integral:
    """A path integral that is asked for.

    Args:
        case: whose line it is.
        ask: the student's result at a number of steps.
        average: the right average over points of the line (n, *x.shape) under weights (n,) that add
            up to 1.
        times_difference: the result is x − baseline times that average.
        kinks: the quantity has kinks of its own, a maximum for example.
    """

    case: Case
    ask: Callable[[int], Array]
    average: Callable[[Array, Array], Array]
    times_difference: bool = False
    kinks: bool = False

    @property
    def smooth(self) -> bool:
        """Whether errors fall on it as they should, without luck."""
        return self.case.network.family in SMOOTH and not self.kinks

    def by(self, rule: Rule) -> Array:
        """What a rule makes of it."""
        nodes, weights = rule
        factor = self.case.x - self.case.baseline if self.times_difference else 1.0
        return np.asarray(factor * self.average(self.case.on_line(nodes), weights))

    def by_name(self, name: str, steps: int) -> Array:
        """What an accepted rule makes of it."""
        if name == _CAPTUMS:
            return (steps - 1) / steps * self.by(rules(steps)["trapezoid of m points"])
        return self.by(rules(steps)[name])


def follows_a_rule(integrals: Sequence[Integral], what: str) -> None:
    """The results are those of accepted rules at the same number of steps, or converge.

    Args:
        integrals: all that a check asks for.
        what: how the sentence calls them.
    """
    own = [integral for integral in integrals if not _is_named(integral)]
    if not own:
        return
    errors: list[tuple[float, float]] = []
    beside: list[tuple[float, float, float]] = []
    for integral in own:
        exact = integral.by(midpoint(500))  # where the gradient jumps, better than Gauss–Legendre
        got, rough = integral.ask(M), integral.ask(50)
        expect.close(rough, exact, AT_50, f"with 50 steps {what}")
        fine = integral.ask(300)
        expect.close(fine, exact, AT_300, f"with 300 steps {what}")
        errors.append((expect.relative_error(got, exact), expect.relative_error(fine, exact)))
        if integral.smooth:
            sums = (integral.by(rules(50)[f"{side}-hand sum"]) for side in ("left", "right"))
            a, b, c = (expect.relative_error(result, exact) for result in (rough, *sums))
            beside.append((a, b, c))
    at_8, at_300 = (_mean_size(column) for column in zip(*errors, strict=True))
    expect.record(at_300 / max(at_8, 1e-9), CONVERGES)
    expect.that(
        at_300 <= CONVERGES * at_8,
        f"{what} does not come nearer to the integral with more steps",
        expected=f"an error that falls: at 300 steps at most {CONVERGES} times that at {M} steps",
        actual=f"an error of {at_8:.2g} at {M} steps, and of {at_300:.2g} at 300",
        diagnosis="is `steps` used for the number of points on the line, and are these spread "
        "evenly from the baseline to x?",
    )
    if not beside:
        return
    at_50, left, right = (_mean_size(column) for column in zip(*beside, strict=True))
    room = NO_WORSE * max(left, right)
    expect.record(at_50, room)
    expect.that(
        at_50 <= room,
        f"with 50 steps {what} is farther off than a left-hand or a right-hand sum",
        expected=f"an error of {max(left, right):.2g}, or less",
        actual=f"an error of {at_50:.2g}",
        diagnosis="do all points lie between the baseline and x?",
    )


def _is_named(integral: Integral) -> bool:
    got = integral.ask(M)
    names = [*rules(M), _CAPTUMS]
    errors = {n: expect.relative_error(got, integral.by_name(n, M)) for n in names}
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


def right_on(
    student: Student,
    groups: Mapping[str, Sequence[T]],
    holds: Callable[[T], None],
    special: Mapping[str, Sequence[T]] | None = None,
) -> None:
    """Every case holds; where all of one group do, what fails in another costs half.

    Args:
        student: says what was called.
        groups: the ground in parts, by words such as "linear slices".
        holds: raises :class:`expect.Unmet` for a case that is answered wrongly.
        special: further cases of a group, which earn nothing by themselves.
    """
    wrong: dict[str, expect.Unmet] = {}
    for words, cases in groups.items():
        try:
            for case in cases:
                holds(case)
        except expect.Unmet as unmet:
            wrong[words] = student.explain(unmet)
        else:
            for case in (special or {}).get(words, ()):
                holds(case)
    if not wrong:
        return
    first = next(iter(wrong.values()))
    earned = [wrong[words].fraction if words in wrong else 1.0 for words in groups]
    feedback = first.feedback
    if len(wrong) < len(groups):
        right = " and ".join(words for words in groups if words not in wrong)
        message = f"right for {right}; for {next(iter(wrong))}, {feedback.message}"
        feedback = replace(feedback, message=message)
    fraction = min(HALF, sum(earned) / len(earned))
    raise expect.Unmet(feedback, fraction, of_values=first.of_values, answers=first.answers)


def by_slice(cases: Sequence[Case]) -> dict[str, list[Case]]:
    """Cases by the kind of their slice, for :func:`right_on`."""
    flat, maps = ([c for c in cases if (len(c.shape) > 1) == kind] for kind in (False, True))
    return {
        words: of for words, of in (("linear slices", flat), ("convolutional slices", maps)) if of
    }


def fifty_by_default(student: Student, name: str, arguments: Sequence[Any], what: str) -> None:
    """Where steps is left out it is 50: the result is the very same, unless it is never the same.

    With 49 steps it would differ by 1e-6 and more.
    """
    ask, fifty = student.call(name, *arguments), student.call(name, *arguments, 50)
    left_out, given = student.answer(ask), student.answer(fifty)
    expect.finite(left_out, what)
    if expect.relative_error(left_out, given, 1e-3) <= SAME:
        return
    for call, first in ((ask, left_out), (fifty, given)) * 4:
        if expect.relative_error(student.answer(call), first, 1e-3) > SAME:
            return  # its points are drawn anew each time
    expect.close(left_out, given, SAME, f"without steps, which is then 50, {what}", scale=1e-3)


def comparable(student: Student, name: str, arguments: Sequence[Any]) -> tuple[int, float]:
    """Steps and tolerance at which two results of an integral can be compared with each other.

    A rule that draws its points anew for each call comes no nearer to itself than to the integral.
    """
    call = student.call(name, *arguments, 20)
    error = expect.relative_error(student.answer(call), student.answer(call), 1e-3)
    return (20, expect.FLOAT32) if error <= SAME else (300, 3 * AT_300)


def precise(actual: Array, expected: Array, steps: int, what: str) -> None:
    """In float64 an integral on a linear network is what it should be, to ten digits.

    But for one factor: Captum keeps the weights of its steps in float32, and its trapezoid forgets
    an interval.  Float32 anywhere else shows.
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
        diagnosis="this is the precision of float32: numbers were rounded on the way",
    )


def adds_up(
    attribution: Array, value: Callable[[Array], float], case: Case, steps: int, what: str
) -> None:
    """Completeness: an attribution adds up to the change of a quantity between baseline and x.

    An honest sum of ``steps`` points may be off by its leading error, half the change of the slope
    between the ends of the line ÷ steps (Euler-Maclaurin), here with a factor of two to spare, and
    Captum's trapezoid by 1/steps of the sum.

    Args:
        attribution: at that many steps.
        value: the quantity at a point, in float64.
        case: whose line it is.
        steps: of the attribution.
        what: how the sentence calls it.
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
    """An expectation, and what Captum's trapezoid makes of it, whose weights add up to less.

    For checks that are about something else than normalisation.
    """
    return {"exact": expected, _CAPTUMS: (steps - 1) / steps * expected}


STATEFUL: tuple[tuple[str, dict[str, Any]], ...] = (
    ("dropout_bn", {"training": True, "grads": True}),
    ("dropout_bn", {"mixed": True}),
    ("inplace_cnn", {"grads": True}),
    ("smooth_mlp", {"training": True, "head": "softmax"}),
    ("inplace_mlp", {}),
    ("blocks", {"mixed": True}),
)
"""Networks on which careless code leaves traces: modes, running statistics, gradients, inputs."""


def leaves_as_found(student: Student, calls: Sequence[Call]) -> None:
    """Arguments, parameters, buffers, ``.grad``, hooks and modes are the same after each call."""
    for call in calls:
        reply = student.reply(call)
        if reply.error is not None:
            raise expect.StudentFault(reply.error)
        expect.that(
            not reply.changed,
            f"the call leaves something changed: {', '.join(reply.changed)}",
            expected="everything as it was before the call",
            actual=", ".join(reply.changed),
        )


def refuses(student: Student, calls: Sequence[tuple[str, Call]]) -> None:
    """Each call raises ValueError or IndexError; every one refused earns its share."""
    kept: list[expect.Unmet] = []
    for words, call in calls:
        try:
            expect.raises(student.reply(call), words)
        except expect.Unmet as unmet:
            kept.append(student.explain(unmet))
    if not kept:
        return
    refused = len(calls) - len(kept)
    raise expect.Unmet(kept[0].feedback, refused / len(calls) if refused else 0.0)


def dtype_kept(reply: Reply, dtype: str) -> None:
    """A tensor comes back in the input's floating dtype; lists and NumPy arrays may have any."""
    if reply.error is not None:
        raise expect.StudentFault(reply.error)
    value: Any = reply.value
    if getattr(value, "origin", "") != "tensor":
        return
    expect.that(
        value.dtype == dtype,
        f"for {dtype} input the result is {value.dtype}",
        expected=dtype,
        actual=value.dtype,
        hint=f"make new tensors in the input's dtype: torch.linspace(…, dtype=x.dtype), "
        f"and do not send {dtype} numbers through another dtype",
    )
