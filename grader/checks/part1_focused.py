"""Part 1: focused explanation of a slice."""

from __future__ import annotations

import numpy as np
from hypothesis import assume

from grader.cases import Case, case_list, cases, distribution, linear_layer
from grader.checks import expect
from grader.checks.registry import check, for_all
from grader.checks.rules import adds_up, dtype_kept, follows_a_rule, points_on, up_to_an_interval
from grader.checks.student import Student
from grader.networks import Network
from grader.oracle import oracle

__all__: list[str] = []

SLICES = case_list(
    ("smooth_mlp", 1, 1),
    ("smooth_mlp", 4, 2),
    ("smooth_cnn", 0, 3),
    ("smooth_cnn", 3, 5),
    ("relu_avg_cnn", -1, 2),
    ("relu_avg_cnn", 4, 4),
    ("relu_max_cnn", 2, 6),
    ("slides", 1, 7),
)
"""Convolutional and linear slices, from the input itself to the scores."""

IN_PLACE = case_list(("inplace_mlp", -1, 3), ("inplace_mlp", 1, 8), ("inplace_cnn", 0, 4))
DOUBLE = case_list(("smooth_cnn", 2, 6), ("smooth_mlp", -1, 4), dtype="float64")
TRAIN = case_list(("dropout_bn", 1, 2), ("dropout_bn", 6, 3), training=True)
TRAIN += case_list(("dropout_bn", 3, 4), mixed=True)
SOFTMAX = case_list(("smooth_mlp", 2, 3), ("smooth_cnn", -1, 8), head="softmax")
PATHS = [
    *case_list(("smooth_mlp", -1, 2), ("smooth_cnn", 1, 5), ("relu_avg_cnn", 3, 3)),
    *case_list(("smooth_mlp", 1, 6), head="softmax"),
    *case_list(("smooth_mlp", -1, 8), head="log_softmax"),
    *case_list(("dropout_bn", 0, 4), training=True),
    *case_list(("inplace_cnn", 0, 2), ("inplace_mlp", -1, 9)),
]


@check("linear_scores", points=1)
def gives_scores_before_softmax(student: Student) -> None:
    """Gives the scores before softmax.

    The network that comes back ends in the class scores, whether the given one ends in a softmax, a
    log-softmax or neither.
    """
    for head in ("softmax", "log_softmax", ""):
        for family in ("affine", "smooth_cnn"):
            case = Case(Network(family, seed=3, head=head), seed=3)
            scores = student.linear_scores(case.network)(case.xs())
            ending = head.replace("_", "-") or "no softmax"
            what = f"of a network that ends in {ending}, the scores"
            expect.close(scores, case.scores(*case.xs()), what=what)


@check("split", points=1)
def composes(student: Student) -> None:
    """g(h(x)) is the model again.

    For every layer, from -1 (h passes the input on) to the last (g passes the scores on).
    """
    for family in ("smooth_mlp", "inplace_cnn"):
        case = Case(Network(family, seed=1), seed=1)
        for layer in range(-1, 5):
            h, g = student.split(case.network, layer)
            scores = g(h(case.xs()))
            what = f"g(h(x)) of the slice at layer {layer}"
            expect.close(scores, case.scores(*case.xs()), what=what)


@check("split", points=0.5)
def cuts_behind_the_layer(student: Student) -> None:
    """h ends with the layer.

    model[layer] is the last layer of h: on a network of two linear layers, h(x) for layer 0 is what
    the first of them gives, for layer -1 it is x.
    """
    case = Case(Network("deep_affine", seed=2), seed=2)
    weight, bias = linear_layer(case.network, 0)
    xs = case.xs()
    for layer, expected in ((-1, xs), (0, xs @ weight.T + bias), (1, case.scores(*xs))):
        h, _ = student.split(case.network, layer)
        expect.close(h(xs), expected, what=f"h(x) of the slice at layer {layer}")


@check("instance_influence", points=0.5)
def has_a_row_per_instance(student: Student) -> None:
    """Gives one row per instance, each in the shape of the slice.

    (N, *Z): (N, channels, height, width) behind a convolution, (N, units) behind a linear layer,
    and the shape of the input at layer -1; also for a batch of one.
    """
    for case in SLICES:
        for rows in (1, 3):
            influence = student.instance_influence(
                case.network, case.layer, case.xs(rows), case.target
            )
            expect.finite(influence, "the influence")


@check("instance_influence", points=1, needs=[has_a_row_per_instance])
def has_its_closed_form(student: Student) -> None:
    """Where g is simple, is what one computes by hand.

    Behind the last hidden layer the score is linear, with the weights of its class as derivative;
    on the network x -> V (W x + b)^2 + d it is 2 V (W x + b) behind the linear layer.
    """
    case = Case(Network("deep_affine", seed=5), 0, target=2, seed=5)
    weight, _ = linear_layer(case.network, 1)
    for rows in (3, 70):
        got = student.instance_influence(case.network, 0, case.xs(rows), 2)
        expected = np.tile(weight[2], (rows, 1))
        expect.close(got, expected, what="on a linear network the influence")
    case = Case(Network("quadratic", seed=6), 0, target=1, seed=6)
    (w, b), (v, _) = linear_layer(case.network, 0), linear_layer(case.network, 2)
    z = case.xs(3) @ w.T + b
    by_layer = {-1: 2 * (v[1] * z) @ w, 0: 2 * v[1] * z, 1: np.tile(v[1], (3, 1))}
    for layer, expected in by_layer.items():
        got = student.instance_influence(case.network, layer, case.xs(3), 1)
        expect.close(got, expected, what=f"the influence at layer {layer}")


@check("instance_influence", points=1, needs=[has_a_row_per_instance])
def is_the_reference_s(student: Student) -> None:
    """Agrees with the reference on convolutional and linear slices.

    Networks with in-place layers, with a softmax at the end (the quantity of interest is the score
    before it) and in train mode (to be evaluated in eval mode) are among them.
    """
    for case in (*SLICES, *IN_PLACE, *SOFTMAX, *TRAIN):
        call = (case.network, case.layer, case.xs(3), case.target)
        expect.close(
            student.instance_influence(*call),
            oracle.instance_influence(*call),
            what="the influence",
        )


@check("class_influence", points=0.5)
def has_the_shape_of_the_slice(student: Student) -> None:
    """Gives one value per feature of the slice.

    Shape Z, without a batch dimension: it is an average over the rows.
    """
    for case in SLICES:
        for rows in (1, 4):
            influence = student.class_influence(
                case.network, case.layer, case.xs(rows), case.target
            )
            expect.finite(influence, "the influence")


@check("class_influence", points=1, needs=[has_the_shape_of_the_slice])
def is_the_mean_over_the_rows(student: Student) -> None:
    """Is the mean over all rows, whatever the model predicts for them.

    On the network x -> V (W x + b)^2 + d the mean is that of the point half way.
    """
    case = Case(Network("quadratic", seed=8), 0, target=3, seed=8)
    (w, b), (v, _) = linear_layer(case.network, 0), linear_layer(case.network, 2)
    for rows in (5, 2, 133):
        expected = 2 * v[3] * (case.xs(rows) @ w.T + b).mean(0)
        got = student.class_influence(case.network, 0, case.xs(rows), 3)
        expect.close(got, expected, what=f"the influence over {rows} rows")


@check("class_influence", points=0.5, needs=[has_the_shape_of_the_slice])
def follows_the_weights(student: Student) -> None:
    """Averages under the weights, which it normalises.

    Weights (1, 3) mean the same as (0.25, 0.75); they come as a list, an array or a tensor.
    """
    case = Case(Network("quadratic", seed=9), -1, target=0, seed=9)
    (w, b), (v, _) = linear_layer(case.network, 0), linear_layer(case.network, 2)
    xs, p = case.xs(4), distribution(9, 4)
    rows = 2 * (v[0] * (xs @ w.T + b)) @ w
    for weights in (p, p.tolist(), (7 * p).astype(np.float32), [0.0, 0.0, 2.0, 0.0]):
        share = np.asarray(weights, dtype=np.float64)
        got = student.class_influence(case.network, -1, xs, 0, weights)
        what = "the influence under weights"
        expect.close(got, share @ rows / share.sum(), what=what)


@check("class_influence", points=0.5, needs=[has_the_shape_of_the_slice])
def agrees_with_the_reference(student: Student) -> None:
    """Agrees with the reference on convolutional and linear slices.

    In-place layers, a softmax at the end, train mode and float64 are among them.
    """
    for case in (*SLICES, *IN_PLACE, *SOFTMAX, *TRAIN):
        call = (case.network, case.layer, case.xs(4), case.target)
        expect.close(
            student.class_influence(*call), oracle.class_influence(*call), what="the influence"
        )
    for case in DOUBLE:
        call = (case.network, case.layer, case.xs(4), case.target)
        dtype_kept(student.reply(student.call("class_influence", *call)), "float64")
        expect.close(
            student.class_influence(*call),
            oracle.class_influence(*call),
            expect.FLOAT64,
            what="the influence in float64",
        )


@check("path_influence", points=0.5)
def has_the_shape_of_its_slice(student: Student) -> None:
    """Gives one value per feature of the slice.

    Shape Z; steps is 50 where it is left out, and may be as small as 2.
    """
    for case in PATHS:
        call = (case.network, case.layer, case.x, case.baseline, case.target)
        expect.finite(student.path_influence(*call), "the influence")
        expect.finite(student.path_influence(*call, steps=2), "the influence with 2 steps")


@check("path_influence", points=1, needs=[has_the_shape_of_its_slice])
def averages_on_the_line(student: Student) -> None:
    """Is the average influence on the straight line from the baseline to the input.

    At 8 steps any usual rule for the integral is recognised: left-hand and right-hand sum,
    midpoint, trapezoid, Gauss-Legendre.  The line is straight in input space; at a deeper slice h
    bends it.
    """
    for case in PATHS:

        def ask(steps: int, case: Case = case) -> np.ndarray:
            return np.asarray(
                student.path_influence(
                    case.network, case.layer, case.x, case.baseline, case.target, steps
                )
            )

        def integral(nodes: np.ndarray, weights: np.ndarray, case: Case = case) -> np.ndarray:
            xs = points_on(case, nodes)
            return np.asarray(
                oracle.class_influence(case.network, case.layer, xs, case.target, weights)
            )

        follows_a_rule(ask, integral, "the influence")


@check("path_influence", points=0.5, needs=[has_the_shape_of_its_slice])
def weighs_its_points_to_one(student: Student) -> None:
    """Takes an average: the weights of its points add up to 1.

    On a linear network the influence is the same everywhere, and so is its average, for any number
    of steps.  Dividing by steps + 1, or adding up steps + 1 points, shows here.
    """
    case = Case(Network("deep_affine", seed=11), 0, target=1, seed=11)
    weight, _ = linear_layer(case.network, 1)
    for steps in (50, 7):
        got = student.path_influence(case.network, 0, case.x, case.baseline, 1, steps)
        what = f"on a linear network the influence with {steps} steps"
        expect.close(got, weight[1], what=what)


@check("path_influence", points=1, needs=[has_the_shape_of_its_slice])
@for_all(cases(seeds=6))
def is_a_gradient_where_the_line_is_a_point(student: Student, case: Case) -> None:
    """From an input to itself it is the influence at that input.

    Where baseline and input are the same, the line is a point; at the layer with the scores
    themselves the influence is 1 for the target and 0 for the rest.
    """
    got = student.path_influence(case.network, case.layer, case.x, case.x, case.target, steps=5)
    accepted = up_to_an_interval(case.derivative(case.x), 5)
    expect.nearest(got, accepted, 1e-3, "the influence from x to x", scale=1e-3)


@check("integrated_gradients", points=0.5)
def has_a_value_per_feature(student: Student) -> None:
    """Gives one value per feature of the input.

    The shape of x, without a batch dimension; steps is 50 where it is left out.
    """
    for case in PATHS:
        call = (case.network, case.x, case.baseline, case.target)
        expect.finite(student.integrated_gradients(*call), "the attribution")
        expect.finite(student.integrated_gradients(*call, steps=2), "the attribution of 2 steps")


@check("integrated_gradients", points=1, needs=[has_a_value_per_feature])
def solves_the_clipped_sum(student: Student) -> None:
    """Of min(2a + 3b, 1) from (0, 0) to (2, 1), is (4/7, 3/7).

    The gradient is (2, 3) on the first seventh of the way and 0 behind it.  A gradient at the end
    of the way alone would give (0, 0).
    """
    network = Network("clipped_sum")
    x, zero = np.array([2.0, 1.0], dtype=np.float32), np.zeros(2, dtype=np.float32)
    got = student.integrated_gradients(network, x, zero, 0, steps=1500)
    expect.close(got, np.array([4 / 7, 3 / 7]), 0.01, "the attribution")


@check("integrated_gradients", points=1, needs=[has_a_value_per_feature])
@for_all(cases(layers=[-1], seeds=16))
def is_complete(student: Student, case: Case) -> None:
    """Adds up to the change in the score.

    Between baseline and input, at 300 steps (completeness, proposition 1 of Sundararajan et al.).
    """
    after, before = case.scores(case.x, case.baseline)[:, case.target]
    assume(abs(after - before) > 0.5)
    got = student.integrated_gradients(case.network, case.x, case.baseline, case.target, steps=300)
    adds_up(got, lambda at: float(case.scores(at)[0, case.target]), case, 300, "the attribution")


@check("integrated_gradients", points=0.5, needs=[has_a_value_per_feature])
@for_all(cases(layers=[-1], seeds=6, ignores=True))
def gives_nothing_to_what_does_nothing(student: Student, case: Case) -> None:
    """Is zero for an input that the network ignores, and zero where x is the baseline.

    The first feature (channel) of the input has the weight 0 here.
    """
    got = student.integrated_gradients(case.network, case.x, case.baseline, case.target)
    expect.close(
        got[0], np.zeros_like(got[0]), 1e-5, "of an ignored input the attribution", scale=1
    )
    expect.that(bool(np.abs(got).max() > 0), "the attribution is zero for every input")
    got = student.integrated_gradients(case.network, case.x, case.x, case.target)
    expect.close(got, np.zeros_like(got), 1e-5, "where x is the baseline the attribution", scale=1)


@check("integrated_gradients", points=0.5, needs=[has_a_value_per_feature])
def is_exact_on_linear_networks(student: Student) -> None:
    """On a linear network is weight times (x - baseline), for any number of steps.

    An average whose weights do not add up to 1, and a baseline that is left out, show here.
    """
    case = Case(Network("affine", seed=12), target=2, seed=12)
    weight, _ = linear_layer(case.network, 0)
    for steps in (50, 7):
        got = student.integrated_gradients(case.network, case.x, case.baseline, 2, steps)
        what = f"on a linear network the attribution with {steps} steps"
        expect.close(got, weight[2] * (case.x - case.baseline), what=what)


@check("integrated_gradients", points=0.5, needs=[has_a_value_per_feature])
def integrates_on_the_line(student: Student) -> None:
    """Is (x - baseline) times the average gradient on the line.

    At 8 steps any usual rule for the integral is recognised.  In-place layers, a softmax at the end
    and train mode are among the networks.
    """
    for case in PATHS:

        def ask(steps: int, case: Case = case) -> np.ndarray:
            return np.asarray(
                student.integrated_gradients(
                    case.network, case.x, case.baseline, case.target, steps
                )
            )

        def integral(nodes: np.ndarray, weights: np.ndarray, case: Case = case) -> np.ndarray:
            xs = points_on(case, nodes)
            mean = oracle.class_influence(case.network, -1, xs, case.target, weights)
            return np.asarray((case.x - case.baseline) * mean)

        follows_a_rule(ask, integral, "the attribution")
