"""Path integrals: which approximations count as right, and what every function has to keep to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from grader.cases import Case
from grader.checks import expect
from grader.checks.student import Student
from grader.quadrature import midpoint, rules
from grader.records import Call, Reply

__all__ = [
    "STATEFUL",
    "adds_up",
    "dtype_kept",
    "follows_a_rule",
    "leaves_as_found",
    "refuses",
    "up_to_an_interval",
]

Array = np.ndarray

M = 8
"""Steps at which results are told apart by their rule; the rules differ by 1e-2 and more there."""

_CAPTUMS = "Captum's trapezoid"

MANY = 77
"""Steps at which a rule that was recognised is looked at again: more than fit in a small batch."""

AT_50, AT_300 = 0.06, 0.01
"""How near the exact integral a rule of one's own must come, relative L2."""


def follows_a_rule(
    case: Case,
    ask: Callable[[int], Array],
    average: Callable[[Array, Array], Array],
    what: str,
    *,
    times_difference: bool = False,
) -> None:
    """The result is that of an accepted rule at the same number of steps, or one that converges.

    Args:
        case: whose line it is.
        ask: the student's result at a number of steps.
        average: the right average over points of the line (n, *x.shape) under weights (n,) that add
            up to 1.
        what: how the sentence calls it.
        times_difference: the result is x − baseline times that average.
    """
    factor = case.x - case.baseline if times_difference else 1.0

    def integral(nodes: Array, weights: Array) -> Array:
        return np.asarray(factor * average(case.on_line(nodes), weights))

    got = ask(M)
    accepted = {name: integral(*rule) for name, rule in rules(M).items()}
    # Captum's riemann_trapezoid forgets one interval; only the check of normalisation asks for it.
    accepted[_CAPTUMS] = (M - 1) / M * accepted["trapezoid of m points"]
    errors = {name: expect.relative_error(got, e) for name, e in accepted.items()}
    matched = [name for name, error in errors.items() if error <= expect.FLOAT32]
    if matched:
        # Where a gradient is constant over stretches, another rule may give the same at 8 steps.
        again = ask(MANY)
        errors = {name: expect.relative_error(again, _at_many(name, integral)) for name in matched}
        if min(errors.values()) <= expect.FLOAT32:
            return
    exact = integral(*midpoint(500))  # where the gradient jumps, better than Gauss–Legendre
    rough = ask(50)
    expect.close(rough, exact, AT_50, f"with 50 steps {what}")
    fine = ask(300)
    expect.close(fine, exact, AT_300, f"with 300 steps {what}")
    # A ratio of the two errors would ask for luck: points drawn at random converge, too.
    expect.that(
        expect.relative_error(got, fine) > 1e-6 and expect.relative_error(rough, fine) > 1e-9,
        f"{what} is the same for any number of steps",
        expected="more gradient evaluations for more steps, and a smaller error",
        actual="the very same result with 8, 50 and 300 steps, or with two of these",
        diagnosis="is `steps` used for the number of points on the line?",
    )


def _at_many(name: str, integral: Callable[[Array, Array], Array]) -> Array:
    if name == _CAPTUMS:
        return (MANY - 1) / MANY * integral(*rules(MANY)["trapezoid of m points"])
    return integral(*rules(MANY)[name])


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


STATEFUL = (
    ("dropout_bn", {"training": True, "grads": True}),
    ("dropout_bn", {"mixed": True}),
    ("inplace_cnn", {"grads": True}),
    ("smooth_mlp", {"training": True, "head": "softmax"}),
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
