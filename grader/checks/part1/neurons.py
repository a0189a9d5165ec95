"""Part 1: neurons, their saliency maps, and how explanations compare."""

from __future__ import annotations

import numpy as np

from grader.checks.framework import expect
from grader.checks.framework.cases import (
    SIZES,
    Case,
    case_list,
    linear_layer,
    normal,
    of_size,
)
from grader.checks.framework.expect import HALF, Pair, StudentFault, Unmet
from grader.checks.framework.path_rules import (
    FLAT,
    Integral,
    any_number_of_steps,
    fifty_by_default,
    follows_a_rule,
    up_to_an_interval,
)
from grader.checks.framework.registry import check
from grader.checks.framework.shared import by_slice, of_all_sizes, right_on, right_on_each
from grader.checks.framework.student import Student
from grader.gan_metrics.measure import digits
from grader.homework.networks import Network, build
from grader.oracle.live import oracle
from grader.records import Feedback, Figure

__all__: list[str] = []


@check("top_neurons", points=0.5)
def ranks_units(student: Student) -> None:
    """Rank the units of a linear slice, strongest first.

    Rank by signed influence: the most positive unit comes first, the most negative one last. Very
    small, very large and nearly equal influences are tried. Half the points if the right neurons
    come in another order.
    """
    influence = normal(4, 9)
    order = np.argsort(-influence, kind="stable")
    for k in (9, 3, 1):
        got = student.top_neurons(influence, k)
        expect.same_ranking(got, order[:k], f"the {k} top neurons of 9")
    expect.same_ranking(student.top_neurons(influence), order[:1], "the top neuron without k")
    for influence in of_all_sizes(4):
        order = np.argsort(-influence, kind="stable")
        what = "the 12 neurons of influences of another size"
        expect.same_ranking(student.top_neurons(influence, 12), order, what)


@check("top_neurons", points=1)
def ranks_channels_by_their_largest_feature(student: Student) -> None:
    """Rank channels by the largest value of their maps.

    Do not use the mean over the map or absolute values: one strong feature makes a neuron
    influential. Half the points if the right neurons come in another order.
    """
    influence = normal(5, 6, 4, 4)
    influence[1] -= 3.0  # strongly negative
    influence[2, 1, 1] = 6.0  # one strong feature,
    influence[2] -= 1.0  # in a map that is low on the whole
    order = np.argsort(-influence.reshape(6, -1).max(1), kind="stable")
    for k in (6, 2):
        expect.same_ranking(student.top_neurons(influence, k), order[:k], f"the {k} top of 6 maps")


MAPS = case_list(
    ("smooth_cnn", 0, 2), ("smooth_cnn", 4, 3), ("smooth_mlp", 1, 5), ("inplace_mlp", 3, 6)
)
MAPS += case_list(("smooth_cnn", -1, 5), ("smooth_mlp", 4, 7), head="softmax")


@check("saliency_map", points=0)
def has_the_shape_of_the_input(student: Student) -> None:
    """Return one value per pixel.

    The shape is that of x, for neurons of convolutional and of linear slices.
    """
    for case in MAPS:
        got = student.saliency_map(case.network, case.layer, case.neuron, case.x)
        expect.finite(got, "the saliency map")


@check("saliency_map", points=1.5, needs=[has_the_shape_of_the_input])
def is_the_gradient_of_the_activation(student: Student) -> Feedback:
    """Return the gradient of the neuron's activation, the largest value of its map.

    For a unit of a linear layer on the input, that is its weights. Keep the signs. Half the points
    if only linear or only convolutional slices are right.
    """
    case = Case(Network("deep_affine", seed=13), 0, seed=13)
    weight, _ = linear_layer(case.network, 0)
    for neuron in (0, 4):
        got = student.saliency_map(case.network, 0, neuron, case.x)
        expect.close(got, weight[neuron], what=f"the saliency map of unit {neuron}")

    for size in SIZES:
        other = of_size(case, size)
        expected = linear_layer(other.network, 1)[0][2] @ weight
        got = student.saliency_map(other.network, 1, 2, case.x)
        expect.close(got, expected, what=f"the saliency map with weights of about {size:g}")

    def holds(case: Case) -> None:
        call = (case.network, case.layer, case.neuron, case.x)
        expect.close(
            student.saliency_map(*call), oracle.saliency_map(*call), what="the saliency map"
        )

    right_on(student, by_slice(MAPS), holds)
    return Feedback(figures=_seen_in_digits(student))


def _seen_in_digits(student: Student) -> tuple[Figure, ...]:
    """Digits, and what the neuron that each excites most looks at, by the student's maps."""
    import torch

    network, layer = Network("digits"), 4
    images = [digits().held_out[digits().held_out_labels == digit][0] for digit in SHOWN]
    seen = {}
    for digit, image in zip(SHOWN, images, strict=True):
        with torch.no_grad():
            maps = build(network)[: layer + 1](torch.from_numpy(image[None]))[0]
        neuron = int(maps.flatten(1).amax(1).argmax())
        try:
            saliency = student.saliency_map(network, layer, neuron, image)
        except (StudentFault, Unmet):
            return ()  # the picture is an extra, and no case of the check
        seen[f"{digit}: neuron {neuron}"] = np.asarray(saliency, dtype=float)[0].tolist()
    shown = {"digits": [image[0].tolist() for image in images]}
    return (
        Figure("images", f"the digits {', '.join(map(str, SHOWN))}", shown),
        Figure(
            "maps",
            "your saliency maps of the neuron that each digit excites most: brighter pixels excite "
            "it more (orange) or less (blue)",
            seen,
        ),
    )


SHOWN = (0, 3, 6, 8)


@check("integrated_saliency_map", points=0)
def has_the_shape_of_its_input(student: Student) -> None:
    """Return one value per pixel.

    The shape is that of x. Without `steps`, use 50.
    """
    for case in MAPS:
        call = (case.network, case.layer, case.neuron, case.x, case.baseline)
        fifty_by_default(student, "integrated_saliency_map", call, "the map")


@check("integrated_saliency_map", points=1.25, needs=[has_the_shape_of_its_input])
def integrates_the_activation(student: Student) -> None:
    """Return the integrated gradients of the neuron's activation.

    They are (x - baseline) times the average gradient on the line. At 8 steps we recognise the
    usual rules for the integral.
    """
    case = Case(Network("deep_affine", seed=14), 0, seed=14)
    weight, _ = linear_layer(case.network, 0)
    got = student.integrated_saliency_map(case.network, 0, 3, case.x, case.baseline, 5)
    accepted = up_to_an_interval(weight[3] * (case.x - case.baseline), 5)
    expect.nearest(got, accepted, expect.FLOAT32, "the map of a linear unit")
    for size in SIZES:
        other = of_size(case, size)
        expected = linear_layer(other.network, 1)[0][2] @ weight * (case.x - case.baseline)
        got = student.integrated_saliency_map(other.network, 1, 2, case.x, case.baseline, 5)
        accepted = up_to_an_interval(expected, 5)
        what = f"the map with weights of about {size:g}"
        expect.nearest(got, accepted, expect.FLOAT32, what)
    follows_a_rule(
        [_integral(student, case) for case in MAPS],
        "the map",
        lambda x, baseline, steps: student.integrated_saliency_map(FLAT, 1, 0, x, baseline, steps),
    )


def _integral(student: Student, case: Case) -> Integral:
    call = (case.network, case.layer, case.neuron)

    def average(points: np.ndarray, weights: np.ndarray) -> np.ndarray:
        return oracle.average([oracle.call("saliency_map", *call, p) for p in points], weights)

    return Integral(
        case,
        lambda steps: student.integrated_saliency_map(*call, case.x, case.baseline, steps),
        average,
        times_difference=True,
        kinks=len(case.shape) > 1,
        quantity="integrated_saliency_map",
    )


@check("integrated_saliency_map", points=0.25, needs=[has_the_shape_of_its_input])
def weighs_its_points_to_one(student: Student) -> None:
    """The weights of the points on the line add up to 1.

    On a linear network the map is weight times (x - baseline), for any number of steps; with one
    step it is finite.
    """
    case, bent = (Case(Network(f, seed=15), 0, seed=15) for f in ("deep_affine", "quadratic"))
    weight, _ = linear_layer(case.network, 0)
    any_number_of_steps(
        lambda steps: student.integrated_saliency_map(
            case.network, 0, 2, case.x, case.baseline, steps
        ),
        weight[2] * (case.x - case.baseline),
        lambda steps: student.integrated_saliency_map(
            bent.network, 1, 2, bent.x, bent.baseline, steps
        ),
        "the map of a unit",
    )


@check("scale_pixels", points=0.75)
def dims_pixels_by_their_saliency(student: Student) -> None:
    """Multiply every pixel by its saliency divided by the largest saliency.

    The saliency of a pixel is its largest absolute value over the channels. The most salient pixel
    keeps its value in every channel. Half the points if only a constant factor is wrong.
    """
    pairs = []
    for what, x, saliency in (
        ("the scaled picture", normal(6, 3, 5, 5), normal(7, 3, 5, 5, scale=0.1)),
        ("the scaled vector", normal(8, 7), normal(9, 7, scale=30.0)),
        ("the scaled dark picture", normal(6, 3, 5, 5, scale=1e-6), normal(7, 3, 5, 5)),
        ("the scaled bright picture", normal(6, 3, 5, 5, scale=1e6), normal(7, 3, 5, 5)),
    ):
        s = np.abs(saliency).max(0) if saliency.ndim > 1 else np.abs(saliency)
        got, most = student.scale_pixels(x, saliency), float(s.max())
        pairs.append(Pair(got, x * (s / most), what, (most,)))
    expect.up_to_a_factor(pairs, HALF)
    for pair in pairs:
        expect.close(pair.actual, pair.expected, what=pair.what)


@check("compare_attributions", points=0.75)
def compares_ranks_and_tops(student: Student) -> None:
    """Return Spearman's rank correlation and the share of common top neurons.

    Only ranks count: by how much one feature exceeds another does not matter. The share is of the k
    neurons that each explanation puts first.
    """

    def pair(seed: int) -> tuple[np.ndarray, np.ndarray]:
        a, b = normal(seed, 6, 3, 3), normal(seed + 1, 6, 3, 3)
        b = (0.5 * a**3 + 1.5 * b).astype(np.float32)  # some of the top neurons are the same
        a[3] -= 6.0  # a strong push the other way does not make a top neuron
        return a, b

    def holds(seed: int) -> None:
        expected = oracle.compare_attributions(*pair(seed), 3)
        got = student.compare_attributions(*pair(seed), 3)
        expect.close(got[0], expected[0], what="the rank correlation", scale=1)
        expect.close(got[1], expected[1], what="the share of common top neurons", scale=1)

    right_on_each(student, (10, 24, 36), holds)
    a, _ = pair(10)
    monotone = np.exp(3 * a.astype(np.float64)).astype(np.float32)
    for other, correlation in ((monotone, 1.0), (-monotone, -1.0)):
        got = student.compare_attributions(a, other, 6)
        what = "the rank correlation of an explanation and a monotone function of it"
        expect.close(got[0], correlation, what=what)
        expect.close(got[1], 1.0, what="the share of common neurons for k = all neurons")
