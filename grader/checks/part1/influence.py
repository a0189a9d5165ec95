"""Part 1: focused explanation of a slice."""

from __future__ import annotations

import numpy as np

from grader.checks.framework import expect
from grader.checks.framework.cases import Case, case_list, distribution, linear_layer
from grader.checks.framework.expect import HALF
from grader.checks.framework.registry import check
from grader.checks.framework.shared import by_slice, dtype_kept, right_on
from grader.checks.framework.student import Student
from grader.homework.networks import Network
from grader.oracle.live import oracle

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
TRAIN += case_list(("dropout_bn", 2, 4), ("blocks", 0, 5), mixed=True)
SOFTMAX = case_list(("smooth_mlp", 2, 3), ("smooth_cnn", -1, 8), head="softmax")
SOFTMAX += case_list(("smooth_mlp", 4, 9), ("softmax_inside", 1, 4), head="softmax")
SPECIAL = by_slice([*IN_PLACE, *SOFTMAX, *TRAIN])


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
    """Agrees with our own solution on convolutional and linear slices.

    Networks with in-place layers, with a softmax at the end (the quantity of interest is the score
    before it) and in train mode (to be evaluated in eval mode) are among them.  Right on linear
    slices or on convolutional ones alone: half.
    """

    def holds(case: Case) -> None:
        call = (case.network, case.layer, case.xs(3), case.target)
        expect.close(
            student.instance_influence(*call),
            oracle.instance_influence(*call),
            what="the influence",
        )

    right_on(student, by_slice(SLICES), holds, SPECIAL)


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

    On the network x -> V (W x + b)^2 + d the mean is that of the point half way.  Right for a
    single row alone, or but for one factor: half.
    """
    case = Case(Network("quadratic", seed=80), 0, target=3, seed=80)
    (w, b), (v, _) = linear_layer(case.network, 0), linear_layer(case.network, 2)

    def holds(rows: int) -> None:
        expected = 2 * v[3] * (case.xs(rows) @ w.T + b).mean(0)
        got = student.class_influence(case.network, 0, case.xs(rows), 3)
        expect.close(got, expected, what=f"the influence over {rows} row(s)", scaled=HALF)

    right_on(student, {"a single row": [1], "several rows": [5, 2, 133]}, holds)


@check("class_influence", points=0.5, needs=[has_the_shape_of_the_slice])
def follows_the_weights(student: Student) -> None:
    """Averages under the weights, which it normalises.

    Weights (1, 3) mean the same as (0.25, 0.75); they come as a list, an array or a tensor.  Right
    but for one factor: half.
    """
    case = Case(Network("quadratic", seed=9), -1, target=0, seed=9)
    (w, b), (v, _) = linear_layer(case.network, 0), linear_layer(case.network, 2)
    xs, p = case.xs(4), distribution(9, 4)
    rows = 2 * (v[0] * (xs @ w.T + b)) @ w
    for weights in (p, p.tolist(), (7 * p).astype(np.float32), [0.0, 0.0, 2.0, 0.0]):
        share = np.asarray(weights, dtype=np.float64)
        got = student.class_influence(case.network, -1, xs, 0, weights)
        what = "the influence under weights"
        expect.close(got, share @ rows / share.sum(), what=what, scaled=HALF)


@check("class_influence", points=0.5, needs=[has_the_shape_of_the_slice])
def agrees_with_the_reference(student: Student) -> None:
    """Agrees with our own solution on convolutional and linear slices.

    In-place layers, a softmax at the end, train mode and float64 are among them.  Right on linear
    slices or on convolutional ones alone: half.
    """

    def holds(case: Case) -> None:
        call = (case.network, case.layer, case.xs(4), case.target)
        expect.close(
            student.class_influence(*call), oracle.class_influence(*call), what="the influence"
        )

    right_on(student, by_slice(SLICES), holds, SPECIAL)
    for case in DOUBLE:
        call = (case.network, case.layer, case.xs(3), case.target)
        dtype_kept(student.reply(student.call("class_influence", *call)), "float64")
        expect.close(
            student.class_influence(*call),
            oracle.class_influence(*call),
            expect.FLOAT64,
            what="the influence in float64",
        )
