"""Part 1: focused explanation of a slice."""

from __future__ import annotations

import numpy as np

from grader.checks.framework import expect
from grader.checks.framework.cases import Case, case_list, distribution, linear_layer
from grader.checks.framework.expect import HALF, Pair
from grader.checks.framework.registry import check
from grader.checks.framework.shared import averages, by_slice, dtype_kept, right_on, right_on_each
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
    ("slides", 2, 7),
)
"""Convolutional and linear slices, from the input to the scores."""

IN_PLACE = case_list(("inplace_mlp", -1, 3), ("inplace_mlp", 1, 8), ("inplace_cnn", 0, 4))
DOUBLE = case_list(("smooth_cnn", 2, 6), ("smooth_mlp", -1, 4), dtype="float64")
TRAIN = case_list(("dropout_bn", 1, 2), ("dropout_bn", 6, 3), training=True)
TRAIN += case_list(("dropout_bn", 2, 4), ("blocks", 0, 5), mixed=True)
SOFTMAX = case_list(("smooth_mlp", 2, 3), ("smooth_cnn", -1, 8), head="softmax")
SOFTMAX += case_list(("smooth_mlp", 4, 9), ("softmax_inside", 1, 4), head="softmax")
SOFTMAX += case_list(("smooth_mlp", 0, 16), head="log_softmax")
SPECIAL = [*IN_PLACE, *SOFTMAX, *TRAIN]


@check("linear_scores", points=1)
def gives_scores_before_softmax(student: Student) -> None:
    """Return the scores before softmax.

    The returned network outputs the class scores, whether the given network ends in a softmax, a
    log-softmax or neither. Any other last layer stays.
    """

    def holds(network: Network) -> None:
        case = Case(network, seed=3)
        scores = student.linear_scores(case.network)(case.xs())
        ending = network.head.replace("_", "-") or ("a sigmoid" if network.tail else "no softmax")
        what = f"the scores of a network that ends in {ending}"
        expect.close(scores, case.scores(*case.xs()), what=what)

    networks = [
        Network(family, seed=3, head=head)
        for head in ("softmax", "log_softmax", "")
        for family in ("affine", "smooth_cnn")
    ]
    right_on_each(student, (*networks, Network("affine", seed=3, tail="sigmoid")), holds)


@check("split", points=1)
def composes(student: Student) -> None:
    """g(h(x)) equals model(x) for every layer.

    Layers run from -1 (h returns its input) to the last one (g returns its input).
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
    """End h with model[layer].

    On a network of two linear layers, h(x) is x for layer -1, the output of the first layer for
    layer 0, and the scores for layer 1. An activation is a layer of its own, and counts.
    """
    case = Case(Network("deep_affine", seed=2), seed=2)
    weight, bias = linear_layer(case.network, 0)
    xs = case.xs()
    for layer, expected in ((-1, xs), (0, xs @ weight.T + bias), (1, case.scores(*xs))):
        h, _ = student.split(case.network, layer)
        expect.close(h(xs), expected, what=f"h(x) of the slice at layer {layer}")
    for family in ("smooth_mlp", "inplace_cnn"):
        for layer in (0, 1, 2):
            case = Case(Network(family, seed=2), layer, seed=2)
            h, _ = student.split(case.network, layer)
            expected = case.activations(*case.xs())
            expect.close(h(case.xs()), expected, what=f"h(x) of the slice at layer {layer}")


@check("instance_influence", points=0)
def has_a_row_per_instance(student: Student) -> None:
    """Return one row per instance, each in the shape of the slice.

    The shape is (N, *Z): (N, channels, height, width) after a convolution, (N, units) after a
    linear layer, and the shape of the batch at layer -1. A batch of one is tried as well.
    """
    for case in SLICES:
        for rows in (1, 3):
            influence = student.instance_influence(
                case.network, case.layer, case.xs(rows), case.target
            )
            expect.finite(influence, "the influence")


@check("instance_influence", points=1, needs=[has_a_row_per_instance])
def has_its_closed_form(student: Student) -> None:
    """Match the formula on networks where it can be computed by hand.

    After the last hidden layer the score is linear, so the influence is the weights of its class.
    On the network x -> V (W x + b)^2 + d it is 2 V (W x + b) after the first linear layer.
    """
    case = Case(Network("deep_affine", seed=5), 0, target=2, seed=5)
    weight, _ = linear_layer(case.network, 1)
    for rows in (3, 70):
        got = student.instance_influence(case.network, 0, case.xs(rows), 2)
        expected = np.tile(weight[2], (rows, 1))
        expect.close(got, expected, what="the influence on a linear network")
    case = Case(Network("quadratic", seed=6), 0, target=1, seed=6)
    (w, b), (v, _) = linear_layer(case.network, 0), linear_layer(case.network, 2)
    z = case.xs(3) @ w.T + b
    by_layer = {-1: 2 * (v[1] * z) @ w, 0: 2 * v[1] * z, 1: np.tile(v[1], (3, 1))}
    for layer, expected in by_layer.items():
        got = student.instance_influence(case.network, layer, case.xs(3), 1)
        expect.close(got, expected, what=f"the influence at layer {layer}")


@check("instance_influence", points=1.5, needs=[has_a_row_per_instance])
def is_the_reference_s(student: Student) -> None:
    """Agree with our solution on convolutional and linear slices.

    Some networks have in-place layers, some end in a softmax (the quantity of interest is the score
    before it), and some come in train mode (evaluate them in eval mode). Half the points if only
    linear or only convolutional slices are right.
    """

    def holds(case: Case) -> None:
        call = (case.network, case.layer, case.xs(3), case.target)
        expect.close(
            student.instance_influence(*call),
            oracle.instance_influence(*call),
            what="the influence",
        )

    right_on(student, by_slice(SLICES), holds, by_slice(SPECIAL))


@check("class_influence", points=0)
def has_the_shape_of_the_slice(student: Student) -> None:
    """Return one value per feature of the slice.

    The shape is Z, without a batch dimension, because the influence is an average over the rows.
    """

    def holds(asked: tuple[Case, int]) -> None:
        case, rows = asked
        call = (case.network, case.layer, case.xs(rows), case.target)
        expect.finite(student.class_influence(*call), "the influence")

    right_on_each(student, [(case, rows) for case in SLICES for rows in (1, 4)], holds)


@check("class_influence", points=1.5, needs=[has_the_shape_of_the_slice])
def is_the_mean_over_the_rows(student: Student) -> None:
    """Average over all rows, whatever class the model predicts for them.

    On the network x -> V (W x + b)^2 + d the average over the rows is the influence at their mean.
    Half the points if only a single row is right, or if only a constant factor is wrong.
    """
    case = Case(Network("quadratic", seed=80), 0, target=3, seed=80)
    (w, b), (v, _) = linear_layer(case.network, 0), linear_layer(case.network, 2)

    def pair(rows: int) -> Pair:
        expected = 2 * v[3] * (case.xs(rows) @ w.T + b).mean(0)
        got = student.class_influence(case.network, 0, case.xs(rows), 3)
        return Pair(got, expected, f"the influence over {rows} row(s)", (rows,))

    def holds(rows: int) -> None:
        expect.close(pair(rows).actual, pair(rows).expected, what=pair(rows).what)

    expect.up_to_a_factor([pair(rows) for rows in (1, 5, 2, 133)], HALF)
    right_on(student, {"a single row": [1], "several rows": [5, 2, 133]}, holds)


@check("class_influence", points=0.5, needs=[has_the_shape_of_the_slice])
def follows_the_weights(student: Student) -> None:
    """Normalise the weights, and average with them.

    Weights (1, 3) mean the same as (0.25, 0.75). They come as a list, an array or a tensor. Half
    the points if only a constant factor is wrong.
    """
    case = Case(Network("quadratic", seed=9), -1, target=0, seed=9)
    (w, b), (v, _) = linear_layer(case.network, 0), linear_layer(case.network, 2)
    xs, p = case.xs(4), distribution(9, 4)
    rows = 2 * (v[0] * (xs @ w.T + b)) @ w
    given = (p, p.tolist(), (7 * p).astype(np.float32), [0.0, 0.0, 2.0, 0.0])
    averages(lambda w: student.class_influence(case.network, -1, xs, 0, w), rows, given)


@check("class_influence", points=0.5, needs=[has_the_shape_of_the_slice])
def agrees_with_the_reference(student: Student) -> None:
    """Agree with our solution on convolutional and linear slices.

    Some networks have in-place layers, end in a softmax, come in train mode or use float64. Half
    the points if only linear or only convolutional slices are right.
    """

    def holds(case: Case) -> None:
        call = (case.network, case.layer, case.xs(4), case.target)
        expect.close(
            student.class_influence(*call), oracle.class_influence(*call), what="the influence"
        )

    right_on(student, by_slice(SLICES), holds, by_slice(SPECIAL))
    for case in DOUBLE:
        call = (case.network, case.layer, case.xs(3), case.target)
        dtype_kept(student.reply(student.call("class_influence", *call)), "float64")
        expect.close(
            student.class_influence(*call),
            oracle.class_influence(*call),
            expect.FLOAT64,
            what="the influence in float64",
        )
