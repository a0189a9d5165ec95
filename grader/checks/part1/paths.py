"""Part 1: averages on the line from a baseline to an input, and integrated gradients."""

from __future__ import annotations

import numpy as np

from grader.checks.framework import expect
from grader.checks.framework.cases import (
    SIZES,
    Case,
    case_list,
    cases,
    linear_layer,
    of_size,
)
from grader.checks.framework.path_rules import (
    FLAT,
    Integral,
    adds_up,
    any_number_of_steps,
    fifty_by_default,
    follows_a_rule,
    up_to_an_interval,
)
from grader.checks.framework.registry import assume, check, for_all
from grader.checks.framework.student import Student
from grader.homework.networks import Network
from grader.oracle.live import oracle

__all__: list[str] = []

PATHS = [
    *case_list(("smooth_mlp", -1, 2), ("smooth_cnn", 1, 5), ("relu_avg_cnn", 3, 3)),
    *case_list(("smooth_mlp", 1, 6), head="softmax"),
    *case_list(("smooth_mlp", -1, 8), head="log_softmax"),
    *case_list(("dropout_bn", 0, 4), training=True),
    *case_list(("inplace_cnn", 0, 2), ("inplace_mlp", -1, 9)),
]
BENT = Case(Network("quadratic", seed=17), 0, 1, 17)
"""A network that is not linear: one step has to be finite on it."""


@check("path_influence", points=0)
def has_the_shape_of_its_slice(student: Student) -> None:
    """Return one value per feature of the slice.

    The shape is Z. Without `steps`, use 50. Two steps are tried as well.
    """
    for case in PATHS:
        call = (case.network, case.layer, case.x, case.baseline, case.target)
        fifty_by_default(student, "path_influence", call, "the influence")
        expect.finite(student.path_influence(*call, steps=2), "the influence with 2 steps")


@check("path_influence", points=1.5, needs=[has_the_shape_of_its_slice])
def averages_on_the_line(student: Student) -> None:
    """Average the influence on the straight line from the baseline to the input.

    At 8 steps we recognise the usual rules for the integral: left-hand and right-hand sum,
    midpoint, trapezoid, Gauss-Legendre. The line is straight in input space; in the features of a
    deeper slice, h bends it.
    """
    follows_a_rule(
        [_average(student, case) for case in PATHS],
        "the influence",
        lambda x, baseline, steps: student.path_influence(FLAT, -1, x, baseline, 0, steps),
    )


def _average(student: Student, case: Case) -> Integral:
    spec, layer, target = case.network, case.layer, case.target
    return Integral(
        case,
        lambda steps: student.path_influence(spec, layer, case.x, case.baseline, target, steps),
        lambda points, weights: oracle.class_influence(spec, layer, points, target, weights),
        quantity="path_influence",
    )


@check("path_influence", points=0.5, needs=[has_the_shape_of_its_slice])
def weighs_its_points_to_one(student: Student) -> None:
    """The weights of the points on the line add up to 1.

    On a linear network the influence is the same everywhere, and so is its average, for any number
    of steps; with one step it is finite. Dividing by steps + 1, or adding up steps + 1 points,
    fails here.
    """
    case = Case(Network("deep_affine", seed=11), 0, target=1, seed=11)
    weight, _ = linear_layer(case.network, 1)
    for size in SIZES:
        other = of_size(case, size)
        weights, _ = linear_layer(other.network, 1)
        got = student.path_influence(other.network, 0, case.x, case.baseline, 1, 5)
        accepted = up_to_an_interval(weights[1], 5)
        what = f"the influence on a linear network with weights of about {size:g}"
        expect.nearest(got, accepted, expect.FLOAT32, what)
    any_number_of_steps(
        lambda steps: student.path_influence(case.network, 0, case.x, case.baseline, 1, steps),
        weight[1],
        lambda steps: student.path_influence(BENT.network, 0, BENT.x, BENT.baseline, 1, steps),
        "the influence",
    )


@check("path_influence", points=1, needs=[has_the_shape_of_its_slice])
@for_all(cases(seeds=6))
def is_a_gradient_where_the_line_is_a_point(student: Student, case: Case) -> None:
    """If x equals the baseline, return the influence at x.

    The line is then a single point. If the slice is the scores themselves, the influence is 1 for
    the target and 0 for the other classes.
    """
    got = student.path_influence(case.network, case.layer, case.x, case.x, case.target, steps=5)
    accepted = up_to_an_interval(case.derivative(case.x), 5)
    expect.nearest(got, accepted, expect.DIFFERENCES, "the influence from x to x", scale=1e-3)


@check("integrated_gradients", points=0)
def has_a_value_per_feature(student: Student) -> None:
    """Return one value per feature of the input.

    The shape is that of x, without a batch dimension. Without `steps`, use 50. Two steps are tried
    as well.
    """
    for case in PATHS:
        call = (case.network, case.x, case.baseline, case.target)
        fifty_by_default(student, "integrated_gradients", call, "the attribution")
        expect.finite(student.integrated_gradients(*call, steps=2), "the attribution with 2 steps")


@check("integrated_gradients", points=1, needs=[has_a_value_per_feature])
def solves_the_clipped_sum(student: Student) -> None:
    """Return (4/7, 3/7) for min(2a + 3b, 1) from (0, 0) to (2, 1).

    The gradient is (2, 3) on the first seventh of the line and 0 on the rest. The gradient at the
    end of the line alone would give (0, 0).
    """
    network = Network("clipped_sum")
    x, zero = np.array([2.0, 1.0], dtype=np.float32), np.zeros(2, dtype=np.float32)
    got = student.integrated_gradients(network, x, zero, 0, steps=1500)
    # A point that falls on the other side of the kink moves the sum by 1/1500 of the slope: honest
    # code uses a third of this tolerance, the nearest mistake twice as much (`hw3 audit`).
    expect.close(got, np.array([4 / 7, 3 / 7]), 0.01, "the attribution")


@check("integrated_gradients", points=1, needs=[has_a_value_per_feature])
@for_all(cases(layers=[-1], seeds=16))
def is_complete(student: Student, case: Case) -> None:
    """The sum equals the change in the score.

    The change is from the baseline to the input, at 300 steps (completeness, proposition 1 of
    Sundararajan et al.).
    """
    after, before = case.scores(case.x, case.baseline)[:, case.target]
    assume(abs(after - before) > 0.5)
    got = student.integrated_gradients(case.network, case.x, case.baseline, case.target, steps=300)
    adds_up(got, lambda at: float(case.scores(at)[0, case.target]), case, 300, "the attribution")


@check("integrated_gradients", points=0.5, needs=[has_a_value_per_feature])
@for_all(cases(layers=[-1], seeds=6, ignores=True))
def gives_nothing_to_what_does_nothing(student: Student, case: Case) -> None:
    """Return zero for an input that the network ignores, and zero if x is the baseline.

    The first feature (or channel) of the input has the weight 0 here.
    """
    got = student.integrated_gradients(case.network, case.x, case.baseline, case.target)
    expect.close(
        got[0],
        np.zeros_like(got[0]),
        expect.NOTHING,
        "the attribution of an ignored input",
        scale=1,
    )
    expect.that(bool(np.abs(got).max() > 0), "the attribution is zero for every input")
    got = student.integrated_gradients(case.network, case.x, case.x, case.target)
    expect.close(
        got, np.zeros_like(got), expect.NOTHING, "the attribution where x is the baseline", scale=1
    )


@check("integrated_gradients", points=0.5, needs=[has_a_value_per_feature])
def is_exact_on_linear_networks(student: Student) -> None:
    """On a linear network, return weight times (x - baseline), for any number of steps.

    With one step it is finite. This fails if the weights of the average do not add up to 1, or if
    the baseline is ignored.
    """
    case = Case(Network("affine", seed=12), target=2, seed=12)
    weight, _ = linear_layer(case.network, 0)
    for size in SIZES:
        other = of_size(case, size)
        weights, _ = linear_layer(other.network, 0)
        got = student.integrated_gradients(other.network, case.x, case.baseline, 2, 5)
        accepted = up_to_an_interval(weights[2] * (case.x - case.baseline), 5)
        what = f"the attribution on a linear network with weights of about {size:g}"
        expect.nearest(got, accepted, expect.FLOAT32, what)
    any_number_of_steps(
        lambda steps: student.integrated_gradients(case.network, case.x, case.baseline, 2, steps),
        weight[2] * (case.x - case.baseline),
        lambda steps: student.integrated_gradients(BENT.network, BENT.x, BENT.baseline, 1, steps),
        "the attribution",
    )


@check("integrated_gradients", points=1, needs=[has_a_value_per_feature])
def integrates_on_the_line(student: Student) -> None:
    """Return (x - baseline) times the average gradient on the line.

    At 8 steps we recognise the usual rules for the integral. Some networks have in-place layers,
    end in a softmax or come in train mode.
    """
    follows_a_rule(
        [_integral(student, case) for case in PATHS],
        "the attribution",
        lambda x, baseline, steps: student.integrated_gradients(FLAT, x, baseline, 0, steps),
    )


def _integral(student: Student, case: Case) -> Integral:
    spec, target = case.network, case.target
    return Integral(
        case,
        lambda steps: student.integrated_gradients(spec, case.x, case.baseline, target, steps),
        lambda points, weights: oracle.class_influence(spec, -1, points, target, weights),
        times_difference=True,
        quantity="integrated_gradients",
    )
