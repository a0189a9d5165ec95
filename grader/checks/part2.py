"""Part 2: comparative explanations."""

from __future__ import annotations

import numpy as np

from grader.checks.framework import expect
from grader.checks.framework.cases import (
    SIZES,
    Case,
    case_list,
    cases,
    distribution,
    linear_layer,
    of_size,
)
from grader.checks.framework.expect import HALF, Pair
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
from grader.checks.framework.shared import averages, by_slice, right_on, right_on_each
from grader.checks.framework.student import Student
from grader.homework.networks import Network
from grader.oracle.live import oracle

__all__: list[str] = []

SLICES = [
    *case_list(("smooth_mlp", 1, 21), ("smooth_cnn", 0, 22), ("smooth_cnn", 3, 23)),
    *case_list(("relu_avg_cnn", -1, 24), ("relu_max_cnn", 2, 25), ("slides", 2, 26)),
]
SPECIAL = [
    *case_list(("inplace_cnn", 0, 27), ("smooth_mlp", 3, 28), head="softmax"),
    *case_list(("dropout_bn", 1, 29), training=True),
    *case_list(("blocks", 0, 30), mixed=True),
]
PATHS = [
    *case_list(("smooth_mlp", -1, 31), ("smooth_cnn", -1, 32), ("relu_avg_cnn", -1, 33)),
    *case_list(("smooth_cnn", -1, 34), head="softmax"),
    *case_list(("dropout_bn", -1, 35), training=True),
    *case_list(("inplace_mlp", -1, 68)),
]
MAPS = case_list(("smooth_cnn", 0, 36), ("smooth_cnn", 3, 37), ("smooth_mlp", 1, 38))
MAPS += case_list(("slides", 2, 39), ("inplace_cnn", 3, 40), head="log_softmax")
MAPS += case_list(("smooth_mlp", 1, 47), ("smooth_cnn", 1, 48), head="softmax")
"""Slices of at most 800 features: ranks may be found by comparing all pairs."""


@check("comparative_influence", points=0)
def has_the_shape_of_the_slice(student: Student) -> None:
    """Return one value per feature of the slice.

    The shape is Z, without a batch dimension, for one row and for many.
    """

    def holds(asked: tuple[Case, int]) -> None:
        case, rows = asked
        call = (case.network, case.layer, case.xs(rows), case.target, case.other)
        expect.finite(student.comparative_influence(*call), "the influence")

    right_on_each(student, [(case, rows) for case in (*SLICES, *SPECIAL) for rows in (1, 4)], holds)


@check("comparative_influence", points=1, needs=[has_the_shape_of_the_slice])
def is_the_derivative_of_the_difference(student: Student) -> None:
    """Match the formula on networks where it can be computed by hand.

    After the last hidden layer it is the difference of the two classes' weights. On the network x
    -> V (W x + b)^2 + d it is 2 (V[c1] - V[c2]) (W x + b) after the first linear layer. Half the
    points if only a single row is right, or if only a constant factor is wrong.
    """
    case = Case(Network("deep_affine", seed=41), 0, 2, 41)
    weight, _ = linear_layer(case.network, 1)
    linear = []
    for c1, c2 in ((2, 0), (0, 3)):
        got = student.comparative_influence(case.network, 0, case.xs(3), c1, c2)
        expected = weight[c1] - weight[c2]
        linear.append(Pair(got, expected, "the influence on a linear network", (3,)))
    case = Case(Network("quadratic", seed=89), 0, 1, 89)
    (w, b), (v, _) = linear_layer(case.network, 0), linear_layer(case.network, 2)

    def pair(rows: int) -> Pair:
        expected = 2 * (v[1] - v[3]) * (case.xs(rows) @ w.T + b).mean(0)
        got = student.comparative_influence(case.network, 0, case.xs(rows), 1, 3)
        return Pair(got, expected, f"the influence over {rows} row(s)", (rows,))

    def holds(rows: int) -> None:
        expect.close(pair(rows).actual, pair(rows).expected, what=pair(rows).what)

    expect.up_to_a_factor([*linear, *(pair(rows) for rows in (1, 4, 133))], HALF)
    for one in linear:
        expect.close(one.actual, one.expected, what=one.what)
    right_on(student, {"a single row": [1], "several rows": [4, 133]}, holds)


@check("comparative_influence", points=1, needs=[has_the_shape_of_the_slice])
@for_all(cases(seeds=6))
def is_linear_in_the_quantity(student: Student, case: Case) -> None:
    """Return the difference of the two classes' derivatives.

    The influence on c1 - c2 plus the one on c2 - c3 equals the one on c1 - c3. The influence on c2
    - c1 is the negative of the one on c1 - c2.
    """
    model, layer, xs, c1, c2 = case.network, case.layer, case.xs(2), case.target, case.other
    got = student.comparative_influence(model, layer, xs, c1, c2)
    by_hand = np.stack([case.derivative(x, c2) for x in xs]).mean(0)
    expect.close(got, by_hand, expect.DIFFERENCES, "the influence", scale=1e-3)
    turned = student.comparative_influence(model, layer, xs, c2, c1)
    expect.close(turned, -got, what="the influence on c2 - c1", scale=1e-3)
    c3 = next(c for c in range(case.classes) if c not in (c1, c2))
    rest = student.comparative_influence(model, layer, xs, c2, c3)
    whole = student.comparative_influence(model, layer, xs, c1, c3)
    expect.finite(rest)
    total = got.astype(np.float64) + rest
    expect.close(whole, total, what="the influence on c1 - c3", scale=1e-3)


@check("comparative_influence", points=1.5, needs=[has_the_shape_of_the_slice])
def is_the_reference_s(student: Student) -> None:
    """Agree with our solution on convolutional and linear slices.

    Some networks have in-place layers, end in a softmax or come in train mode. Half the points if
    only linear or only convolutional slices are right.
    """

    def holds(case: Case) -> None:
        call = (case.network, case.layer, case.xs(3), case.target, case.other)
        expect.close(
            student.comparative_influence(*call),
            oracle.comparative_influence(*call),
            what="the influence",
        )

    right_on(student, by_slice(SLICES), holds, by_slice(SPECIAL))


@check("comparative_influence", points=0.5, needs=[has_the_shape_of_the_slice])
def follows_the_weights(student: Student) -> None:
    """Normalise the weights, and average with them.

    Half the points if only a constant factor is wrong.
    """
    case = Case(Network("quadratic", seed=43), 0, 0, 43)
    (w, b), (v, _) = linear_layer(case.network, 0), linear_layer(case.network, 2)
    xs, p = case.xs(4), distribution(43, 4)
    rows = 2 * (v[0] - v[2]) * (xs @ w.T + b)
    given = (p, (5 * p).tolist(), [0.0, 3.0, 0.0, 0.0])
    averages(lambda w: student.comparative_influence(case.network, 0, xs, 0, 2, w), rows, given)


@check("comparative_integrated_gradients", points=0)
def has_a_value_per_feature(student: Student) -> None:
    """Return one value per feature of the input.

    The shape is that of x, without a batch dimension. Without `steps`, use 50. Two steps are tried
    as well.
    """
    for case in PATHS:
        call = (case.network, case.x, case.baseline, case.target, case.other)
        fifty_by_default(student, "comparative_integrated_gradients", call, "the attribution")
        highest = (case.network, case.x, case.baseline, case.classes - 1, 0, 2)
        two = student.comparative_integrated_gradients(*highest)
        expect.finite(two, "the attribution with 2 steps")


@check("comparative_integrated_gradients", points=1, needs=[has_a_value_per_feature])
def is_exact_on_linear_networks(student: Student) -> None:
    """On a linear network, return the difference of weights times (x - baseline).

    This must hold for any number of steps; with one step the attribution is finite.
    """
    case, bent = (Case(Network(f, seed=44), target=1, seed=44) for f in ("affine", "quadratic"))
    weight, _ = linear_layer(case.network, 0)
    for size in SIZES:
        other = of_size(case, size)
        weights, _ = linear_layer(other.network, 0)
        got = student.comparative_integrated_gradients(
            other.network, case.x, case.baseline, 1, 3, 5
        )
        expected = (weights[1] - weights[3]) * (case.x - case.baseline)
        what = f"the attribution on a linear network with weights of about {size:g}"
        expect.nearest(got, up_to_an_interval(expected, 5), expect.FLOAT32, what)
    any_number_of_steps(
        lambda steps: student.comparative_integrated_gradients(
            case.network, case.x, case.baseline, 1, 3, steps
        ),
        (weight[1] - weight[3]) * (case.x - case.baseline),
        lambda steps: student.comparative_integrated_gradients(
            bent.network, bent.x, bent.baseline, 1, 3, steps
        ),
        "the attribution",
    )


@check("comparative_integrated_gradients", points=1, needs=[has_a_value_per_feature])
@for_all(cases(layers=[-1], seeds=12))
def is_complete(student: Student, case: Case) -> None:
    """The sum equals the change in the difference of the two scores.

    The change is from the baseline to the input, at 300 steps.
    """
    c1, c2 = case.target, case.other
    rows = case.scores(case.x, case.baseline)
    change = float((rows[0, c1] - rows[0, c2]) - (rows[1, c1] - rows[1, c2]))
    assume(abs(change) > 0.5)
    got = student.comparative_integrated_gradients(
        case.network, case.x, case.baseline, c1, c2, steps=300
    )

    def value(at: np.ndarray) -> float:
        row = case.scores(at)[0]
        return float(row[c1] - row[c2])

    adds_up(got, value, case, 300, "the attribution")


@check("comparative_integrated_gradients", points=1.5, needs=[has_a_value_per_feature])
def integrates_on_the_line(student: Student) -> None:
    """Return (x - baseline) times the average gradient of the difference on the line.

    At 8 steps we recognise the usual rules for the integral.
    """
    follows_a_rule(
        [_integral(student, case) for case in PATHS],
        "the attribution",
        lambda x, baseline, steps: student.comparative_integrated_gradients(
            FLAT, x, baseline, 0, 1, steps
        ),
    )


def _integral(student: Student, case: Case) -> Integral:
    spec, pair, line = case.network, (case.target, case.other), (case.x, case.baseline)
    return Integral(
        case,
        lambda steps: student.comparative_integrated_gradients(spec, *line, *pair, steps),
        lambda points, weights: oracle.comparative_influence(spec, -1, points, *pair, weights),
        times_difference=True,
        quantity="comparative_integrated_gradients",
    )


@check("distinguishing_neurons", points=1)
def ranks_by_the_weights_of_a_linear_network(student: Student) -> None:
    """On a linear network, rank by the difference of the two classes' weights.

    The largest difference comes first for c1, the smallest for c2. Half the points if the right
    neurons come in another order.
    """
    case = Case(Network("deep_affine", seed=45), 0, 0, 45)
    weight, _ = linear_layer(case.network, 1)
    for c1, c2, k in ((0, 2, 3), (3, 1, 6)):
        push = weight[c1] - weight[c2]
        for_c1, for_c2 = student.distinguishing_neurons(case.network, 0, case.xs(3), c1, c2, k)
        expect.same_ranking(for_c1, np.argsort(-push, kind="stable")[:k], "the neurons for c1")
        expect.same_ranking(for_c2, np.argsort(push, kind="stable")[:k], "the neurons for c2")


@check("distinguishing_neurons", points=1.5)
def ranks_maps_by_their_extremes(student: Student) -> None:
    """Rank channels by the largest and by the smallest value of their maps.

    Do not use means or absolute values, and do not filter by sign. Half the points if the right
    neurons come in another order, or if only linear or only convolutional slices are right.
    """

    def holds(case: Case) -> None:
        call = (case.network, case.layer, case.xs(3), case.target, case.other)
        for k in (1, min(4, case.shape[0])):
            got = student.distinguishing_neurons(*call, k)
            expected = oracle.distinguishing_neurons(*call, k)
            expect.same_ranking(got[0], expected[0], "the neurons for c1")
            expect.same_ranking(got[1], expected[1], "the neurons for c2")

    right_on(student, by_slice(MAPS), holds)


@check("compare_with_single_class", points=1.5)
def compares_the_two_explanations(student: Student) -> None:
    """Compare the influence on c1 - c2 with the influence on c1 alone.

    Return Spearman's rank correlation over all features, and the share of the k top neurons that
    both have.
    """

    def holds(case: Case) -> None:
        k = min(3, case.shape[0])
        call = (case.network, case.layer, case.xs(3), case.target, case.other, k)
        got, expected = (
            student.compare_with_single_class(*call),
            oracle.compare_with_single_class(*call),
        )
        expect.close(got[0], expected[0], 1e-3, "the rank correlation", scale=1)
        expect.close(got[1], expected[1], what="the share of common top neurons", scale=1)

    right_on_each(student, MAPS, holds)
