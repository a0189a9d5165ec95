"""Hidden checks of part 1: neurons, their saliency maps, and how explanations compare."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from grader.checks.framework import expect
from grader.checks.framework.cases import Case, case_list, cases, linear_layer, normal
from grader.checks.framework.path_rules import (
    LONG_STEPS,
    adds_up,
    on_a_long_line,
    precise,
    up_to_an_interval,
)
from grader.checks.framework.registry import check, for_all
from grader.checks.framework.shared import (
    dtype_kept,
    leaves_as_found,
    of_all_sizes,
    refuses,
    right_on_each,
)
from grader.checks.framework.student import Student
from grader.checks.hidden import SEED as SECRET
from grader.checks.hidden.anew import answers_anew
from grader.checks.hidden.arguments import (
    BAD_STEPS,
    BLOCKS,
    MLP,
    along_a_short_line,
    bad,
    changes_nothing,
    elsewhere,
    on_a_short_line,
    right_at_any_steps,
    short_line,
    through_the_middle,
    unusual_lines,
)
from grader.checks.part1.neurons import has_the_shape_of_its_input, has_the_shape_of_the_input
from grader.homework.networks import Network
from grader.oracle.live import oracle
from grader.records import NumPy

__all__: list[str] = []

SEED = SECRET.of("part1.neurons")


@check("top_neurons", points=0.5)
def breaks_ties_towards_the_lower_index(student: Student) -> None:
    """Put the lower index first in a tie, refuse k out of range, and accept lists.

    Each call that raises as it should earns its share of the points. Half the points if the right
    neurons come in another order, or if arguments are changed.
    """
    ties = np.array([1.0, 3.0, -2.0, 3.0, 1.0, 3.0, -2.0] * 5, dtype=np.float32)
    zeros = np.array([0.0, -0.0, -1.0, 0.0, -0.0, 2.0, 0.0], dtype=np.float32)  # they are equal
    for row in (ties, zeros):
        order = np.argsort(-row, kind="stable")
        for influence in (row, NumPy(row.astype(np.float64)), row.tolist()):
            got = student.top_neurons(influence, len(row))
            expect.equal(got, order, "the order of tied neurons")
    close = 1 + 1e-10 * np.random.RandomState(SEED + 42).permutation(30)
    many = np.random.RandomState(SEED + 43).permutation(5_000).astype(np.float64)
    for exact, k in ((close, 30), (many, 20)):
        for given in (exact, NumPy(exact)):
            got = student.top_neurons(given, k)
            expect.equal(got, np.argsort(-exact)[:k], "the top neurons in float64")
    volumes = normal(SEED + 44, 5, 2, 3, 2)
    order = np.argsort(-volumes.reshape(5, -1).max(1))
    expect.same_ranking(student.top_neurons(volumes, 5), order, "the top neurons of volumes")
    wide = normal(SEED + 47, 6, 15, 17)
    wide[2] -= 3.0  # all of the strongest neuron but for a single feature is weak
    wide[2, -1, -1] = 9.0
    order = np.argsort(-wide.reshape(6, -1).max(1))
    expect.same_ranking(student.top_neurons(wide, 6), order, "the top neurons of wide maps")
    one = normal(SEED + 19, 1, 3, 3)
    expect.equal(student.top_neurons(one, 1), np.array([0]), "the top neuron of a single map")
    one[0, 2, 1] = 9.0
    expect.equal(student.top_neurons(one, 1), np.array([0]), "the top neuron of a single map")
    maps = normal(SEED + 18, 6, 2, 2)
    low = maps - 4  # nothing above zero
    order = np.argsort(-low.reshape(6, -1).max(1), kind="stable")
    for given in (NumPy(low), low.tolist()):
        expect.same_ranking(student.top_neurons(given, 6), order, "the top neurons of a list")
    for one in of_all_sizes(SEED + 36):
        order = np.argsort(-one, kind="stable")
        got = student.top_neurons(one.tolist(), 12)
        expect.same_ranking(got, order, "the top neurons of a list")
    wrong = (
        ("k = 0", {"k": 0}),
        ("k above the number of neurons", {"k": 36}),
        ("k = -1", {"k": -1}),
        ("k above the number of maps", {"attribution": maps, "k": 7}),
    )
    refuses(student, bad(student, "top_neurons", wrong, attribution=ties, k=1))
    for some in (maps, ties, ties.astype(np.float64), NumPy(ties), ties.tolist()):
        leaves_as_found(student, [student.call("top_neurons", some, 4)])
    answers_anew(
        student, "top_neurons", lambda case: [normal(case.seed, 6, 3, 2), 3], "the top neurons"
    )


NEURONS = case_list(
    ("smooth_mlp", 4, SEED + 2), ("smooth_cnn", 3, SEED + 3), ("relu_max_cnn", 3, SEED + 5)
)
NEURONS += case_list(("inplace_cnn", 0, SEED + 6), ("dropout_bn", 6, SEED + 7), training=True)
LAST = [
    *case_list(("smooth_mlp", 5, SEED + 33), tail="sigmoid"),
    *case_list(("smooth_mlp", 5, SEED + 34), tail="softmax", head="log_softmax"),
]
"""Slices after the last layer of the scores, which is no linear one."""
BAD_NEURON = (
    ("neuron -1", {"neuron": -1}),
    ("a neuron index out of range", {"neuron": 9}),
    ("layer -2", {"layer": -2}),
    ("a layer index out of range", {"layer": 5}),
    ("a layer index that counts the layers of blocks", {"model": BLOCKS, "layer": 3}),
)


@check("saliency_map", points=0.5, needs=[has_the_shape_of_the_input])
def is_right_on_other_neurons(student: Student) -> None:
    """Agree with our solution on further networks, and leave everything unchanged.

    Half the points if the values are right, but something is changed.
    """
    for case in (*NEURONS, *LAST, *elsewhere(SEED + 50)):
        call = (case.network, case.layer, case.neuron, case.x)
        expect.close(
            student.saliency_map(*call), oracle.saliency_map(*call), what="the saliency map"
        )
    for case in case_list(("inplace_mlp", 1, SEED + 38), ("sequence", 0, SEED + 39)):
        for neuron in range(4):
            call = (case.network, case.layer, neuron, case.x)
            expected = oracle.saliency_map(*call)
            expect.close(student.saliency_map(*call), expected, what="the saliency map")
    _right_on_small_inputs(student)
    affine = Case(Network("deep_affine", seed=SEED + 37), 0, 0, SEED + 37)
    far = np.float32(1000) * affine.x
    low = int(affine.activations(far)[0].argmin())
    call = (affine.network, 0, low, far)
    expected = oracle.saliency_map(*call)
    expect.close(student.saliency_map(*call), expected, what="the map of a very low activation")
    case = Case(Network("smooth_cnn", seed=SEED + 8, dtype="float64"), 1, 0, SEED + 8)
    call = (case.network, 1, 3, case.x)
    dtype_kept(student.reply(student.call("saliency_map", *call)), "float64")
    expected = oracle.saliency_map(*call)
    expect.close(student.saliency_map(*call), expected, expect.FLOAT64, "the map in float64")
    changes_nothing(student, "saliency_map", 2, 3, "x")
    answers_anew(
        student, "saliency_map", lambda case: [case.network, case.layer, 3, case.x], "the map"
    )


def _right_on_small_inputs(student: Student) -> None:
    """There the cells of a map are nearly equal, and all of them negative where the bias is."""
    case = Case(Network("smooth_cnn", seed=SEED + 45), 0, 0, SEED + 45)
    small = np.float32(1e-4) * case.x
    cells = np.sort(case.activations(small)[0].reshape(case.shape[0], -1), axis=1)
    for neuron in range(case.shape[0]):
        if cells[neuron, -1] - cells[neuron, -2] < 2e-6:
            continue  # in float32 another cell may be the largest
        call = (case.network, 0, neuron, small)
        expected = oracle.saliency_map(*call)
        expect.close(student.saliency_map(*call), expected, what="the map of a small input")


@check("saliency_map", points=0.5, needs=[has_the_shape_of_the_input])
def refuses_neurons_that_are_not_there(student: Student) -> None:
    """Raise ValueError or IndexError for bad neurons and layers.

    Each call that raises earns its share of the points.
    """
    good = {"model": MLP.network, "layer": 1, "neuron": 0, "x": MLP.x}
    refuses(student, bad(student, "saliency_map", BAD_NEURON, **good))


@check("integrated_saliency_map", points=0.5, needs=[has_the_shape_of_its_input])
@for_all(cases(["smooth_mlp", "quadratic"], layers=[0, 1, 2], seeds=8))
def adds_up_to_the_change_of_the_activation(student: Student, case: Case) -> None:
    """The sum equals the change in the neuron's activation, at 300 steps."""
    neuron = case.neuron
    got = student.integrated_saliency_map(
        case.network, case.layer, neuron, case.x, case.baseline, steps=300
    )
    adds_up(got, lambda at: float(case.activations(at)[0, neuron]), case, 300, "the map")


@check("integrated_saliency_map", points=0.5, needs=[has_the_shape_of_its_input])
def refuses_bad_neurons(student: Student) -> None:
    """Raise ValueError or IndexError for bad arguments, change nothing and keep float64.

    Inputs may be large, and any layer may come before a last softmax.
    Each call that raises earns its share of the points. Half the points if something is changed.
    """
    case = Case(Network("smooth_mlp", seed=SEED + 9, dtype="float64"), 1, 0, SEED + 9)
    double = student.call("integrated_saliency_map", case.network, 1, 2, case.x, case.baseline, 5)
    dtype_kept(student.reply(double), "float64")
    case = Case(Network("deep_affine", seed=SEED + 10, dtype="float64"), 1, 0, SEED + 10)
    (first, _), (second, _) = (linear_layer(case.network, i) for i in (0, 1))
    got = student.integrated_saliency_map(case.network, 1, 2, case.x, case.baseline, 6)
    expected = second[2] @ first * (case.x - case.baseline)
    precise(got, expected, 6, "the map on a linear network in float64")
    line = (case.network, 1, 2, case.x, case.baseline)
    what = "the map on a linear network"
    right_at_any_steps(partial(student.integrated_saliency_map, *line), expected, what)
    for x, baseline in unusual_lines(case, second[2] @ first):
        difference = second[2] @ first * (x.astype(np.float64) - baseline)
        got = student.integrated_saliency_map(case.network, 1, 2, x, baseline, 5)
        accepted = up_to_an_interval(difference, 5)
        expect.nearest(got, accepted, expect.FLOAT32, "the map on a linear network")
    for other in elsewhere(SEED + 50):
        of = (other.network, other.layer, other.neuron)
        on_a_short_line(other, partial(_map, student, *of), partial(_slope, *of), "the map")
    even = Case(Network("two_classes", seed=SEED + 46, unbiased=True), 1, 0, SEED + 46)
    through_the_middle(
        even,
        lambda x, baseline: student.integrated_saliency_map(
            even.network, 1, 3, x, baseline, LONG_STEPS
        ),
        lambda points, weights: np.tensordot(
            weights, np.stack([oracle.saliency_map(even.network, 1, 3, p) for p in points]), 1
        ),
        "the map",
        times_difference=True,
    )
    _is_right_where_nothing_is_left(student)
    for last in LAST:
        call = (last.network, last.layer, last.neuron, last.x, last.baseline)
        got = student.integrated_saliency_map(*call, 300)
        adds_up(got, partial(_activation, last), last, 300, "the map")
    curved = Case(Network("quadratic", seed=SEED + 35), 1, 1, SEED + 35)
    on_a_long_line(
        curved,
        lambda x, baseline: student.integrated_saliency_map(
            curved.network, 1, 2, x, baseline, LONG_STEPS
        ),
        lambda points, weights: np.tensordot(
            weights,
            np.stack([oracle.saliency_map(curved.network, 1, 2, point) for point in points]),
            1,
        ),
        "the map",
        times_difference=True,
    )
    good = {
        "model": MLP.network,
        "layer": 1,
        "neuron": 0,
        "x": MLP.x,
        "baseline": MLP.baseline,
    }
    still = tuple((f"{w} from x to x", {**wrong, "baseline": MLP.x}) for w, wrong in BAD_NEURON[:1])
    refuses(student, bad(student, "integrated_saliency_map", BAD_NEURON, BAD_STEPS, still, **good))
    changes_nothing(student, "integrated_saliency_map", 2, 3, "x", "baseline", 3)
    answers_anew(
        student,
        "integrated_saliency_map",
        lambda case: [case.network, case.layer, 3, *short_line(case), 5],
        "the map",
        accepted=lambda case: along_a_short_line(case, _slope(case.network, case.layer, 3, case.x)),
        tolerance=0.05,
    )


def _is_right_where_nothing_is_left(student: Student) -> None:
    """A neuron that is silent on x, and one that is as active there as on the baseline."""
    one, zero = np.ones(2, dtype=np.float32), np.zeros(2, dtype=np.float32)
    # Its activation is relu(1 - 2a - 3b), which ends after a fifth of the line.
    got = student.integrated_saliency_map(Network("clipped_sum"), 1, 0, one, zero, LONG_STEPS)
    fifth = np.array([-0.4, -0.6])
    expect.close(got, fifth, 0.05, "the map of a neuron that is silent on x")
    x, baseline = np.zeros((2, 1, 8, 8), dtype=np.float32)
    x[0, 2, 5] = baseline[0, 6, 1] = 1.0
    brightest = Network("relu_max_cnn", seed=SEED + 48)
    got = student.integrated_saliency_map(brightest, -1, 0, x, baseline, LONG_STEPS)
    halves = (x - baseline) / 2
    expect.close(got, halves, 0.05, "the map of a neuron that is as active on the baseline as on x")


def _map(
    student: Student,
    model: Network,
    layer: int,
    neuron: int,
    x: np.ndarray,
    baseline: np.ndarray,
) -> np.ndarray:
    return student.integrated_saliency_map(model, layer, neuron, x, baseline, 5)


def _slope(model: Network, layer: int, neuron: int, x: np.ndarray) -> np.ndarray:
    return oracle.saliency_map(model, layer, neuron, x)


def _activation(case: Case, at: np.ndarray) -> float:
    return float(case.activations(at)[0, case.neuron])


@check("scale_pixels", points=0.25)
def gives_zeros_for_an_empty_map(student: Student) -> None:
    """Return zeros for an all-zero map, not NaN; accept float64 and saliency of any size.

    Half the points if the values are right, but an argument is changed.
    """
    x = normal(SEED + 20, 2, 4, 4)
    got = student.scale_pixels(x, np.zeros_like(x))
    expect.equal(got, np.zeros_like(x), "the picture for an all-zero map")
    for row in ([-1.0, 0.0, -2.0], [1.0, -1.0, 0.5], [2.0, -3.0, 1.0]):
        vector, three = np.array(row, dtype=np.float32), normal(SEED + 23, 3)
        expected = three * np.abs(vector) / np.abs(vector).max()
        expect.close(
            student.scale_pixels(three, vector), expected, what=f"the vector for saliency {row}"
        )
    for shape in ((2, 5, 3), (2, 5, 1), (3, 1, 4), (5, 4, 4), (2, 16, 16)):
        image, beside = normal(SEED + 24, *shape), normal(SEED + 25, *shape)
        beside[0] = 0  # a channel of which nothing is salient
        s = np.abs(beside).max(0)
        got = student.scale_pixels(image, beside)
        expect.close(got, image * (s / s.max()), what=f"the picture of an image {shape}")
    first = np.array([0.0, -2.0, 1.0], dtype=np.float32)
    three = normal(SEED + 23, 3)
    expect.close(student.scale_pixels(three, first), three * np.abs(first) / 2, what="the vector")
    saliency = -np.abs(normal(SEED + 21, 2, 4, 4, dtype="float64"))
    s, wide = np.abs(saliency).max(0), x.astype(np.float64)
    for map_ in (saliency, 0 * saliency):
        dtype_kept(student.reply(student.call("scale_pixels", wide, map_)), "float64")
    for size in SIZES:
        got = student.scale_pixels(wide, size * saliency)
        # Whoever adds a tiny number to the maximum, so as not to divide by zero, does no harm.
        tolerance = 1e-6 if size >= 1 else 0.1
        what = f"the picture for negative saliency of at most {size * s.max():.2g}"
        expect.close(got, wide * (s / s.max()), tolerance, what)
    for image in (x, wide):
        beside = normal(SEED + 22, 2, 4, 4).astype(image.dtype)
        for pair in ((image, beside), (image, 0 * beside), (image[0, 0], beside[0, 0])):
            leaves_as_found(student, [student.call("scale_pixels", *pair)])
    dtype_kept(student.reply(student.call("scale_pixels", x, x)), "float32")
    answers_anew(
        student,
        "scale_pixels",
        lambda case: [normal(case.seed, 2, 4, 3), normal(case.seed + 1, 2, 4, 3)],
        "the picture",
    )


SIZES = (1.0, 1e6, 1e-3, 1e-5)
"""Of saliency: only its proportions matter."""


@check("compare_attributions", points=0.25)
def averages_ties(student: Student) -> None:
    """Give ties their average rank, return 0 for a constant explanation, refuse a bad k.

    In the share of common neurons a tie goes to the lower index. Arrays and lists are accepted.
    Each call that raises as it should earns its share of the points. Half the points if the values
    are right, but an argument is changed.
    """
    a = np.array([1.0, 1.0, 2.0, 2.0, 3.0, 0.0], dtype=np.float32)
    b = np.array([2.0, 1.0, 1.0, 1.0, 4.0, 4.0], dtype=np.float32)
    # Forty neurons of four values: an unstable sort shows only with many equal values.
    one, other = (np.floor(2 * normal(SEED + i, 40)).clip(-2, 2) for i in (24, 25))
    pairs = [(a, b, 2), *((one, other, k) for k in (1, 6, 15, 29))]
    given = (*pairs, *((NumPy(x), NumPy(y), k) for x, y, k in pairs))
    lists = ((x.tolist(), y.tolist(), k) for x, y, k in pairs)

    def holds(case: tuple[tuple[np.ndarray, np.ndarray, int], Any]) -> None:
        expected, got = (
            oracle.compare_attributions(*case[0]),
            student.compare_attributions(*case[1]),
        )
        expect.close(got[0], expected[0], what="the rank correlation with ties", scale=0.1)
        expect.close(got[1], expected[1], what="the share of common neurons", scale=1)

    right_on_each(student, zip(pairs * 3, (*given, *lists), strict=True), holds)
    for constant in (0.5, 0.1, 0.0):
        flat = np.full(6, constant, dtype=np.float32)
        for one, other in ((a, flat), (flat, a), (flat, flat)):
            got = student.compare_attributions(one, other, 2)
            what = "the rank correlation of a constant explanation"
            expect.close(got[0], 0.0, what=what, scale=1)
    tenths: np.ndarray = np.full(3, 0.1)  # their mean is not a tenth, to the last digit
    for got in (
        student.compare_attributions(tenths, tenths, 1),
        student.compare_attributions(tenths.tolist(), tenths.tolist(), 1),
    ):
        expect.close(got[0], 0.0, what="the rank correlation of three tenths", scale=1)
    alone = np.array([2.0], dtype=np.float32)
    got = student.compare_attributions(alone, -alone, 1)
    expect.close(got, (0.0, 1.0), what="the comparison of a single feature", scale=1)
    zeros = np.array([0.0, -0.0, 1.0, 0.0, -1.0, -0.0], dtype=np.float32)  # they are equal
    for left, right in ((zeros, a), (NumPy(a), NumPy(zeros))):
        expected = oracle.compare_attributions(zeros + np.float32(0), a, 2)
        got = student.compare_attributions(left, right, 2)
        expect.close(got[0], expected[0], what="the rank correlation with zeros", scale=0.1)
    for i, one in enumerate(of_all_sizes(SEED + 28)):
        for other in of_all_sizes(SEED + 29):
            expected = oracle.compare_attributions(one, other, 5)
            for first, second in ((one, other), (one.tolist(), other.tolist())):
                got = student.compare_attributions(first, second, 5)
                expect.close(got[0], expected[0], what=f"the rank correlation, size {i}", scale=0.1)
                expect.close(got[1], expected[1], what="the share of 5 common neurons", scale=1)
    map_, beside = (normal(SEED + i, 9, 3, 3).astype(np.float64) for i in (26, 27))
    for k in (2, 3, 4):
        expected = oracle.compare_attributions(map_, beside, k)
        got = student.compare_attributions(map_.tolist(), beside.tolist(), k)
        expect.close(got[0], expected[0], what="the rank correlation of maps", scale=0.1)
        expect.close(got[1], expected[1], what=f"the share of {k} common neurons of maps", scale=1)
    large, other = (np.floor(4 * normal(SEED + i, 50, 10, 10)) for i in (40, 41))
    expected, got = (f.compare_attributions(large, other, 5) for f in (oracle, student))
    expect.close(got[0], expected[0], what="the rank correlation of 5,000 features", scale=0.1)
    one, other = map_.astype(np.float32), beside.astype(np.float32)
    expected = oracle.compare_attributions(one, other, 4)
    mixed = ((one, other.tolist()), (one.tolist(), NumPy(beside)), (NumPy(map_), other))
    for first, second in mixed:
        got = student.compare_attributions(first, second, 4)
        expect.close(got, expected, what="the comparison of a tensor with a list", scale=0.1)
    wrong = (
        ("k = 0", {"k": 0}),
        ("k above the number of neurons", {"k": 7}),
        ("k above the number of maps", {"a": map_, "b": beside, "k": 10}),
    )
    refuses(student, bad(student, "compare_attributions", wrong, a=a, b=b, k=2))
    for first, second in ((a, b), (map_, beside), (NumPy(map_), NumPy(beside))):
        leaves_as_found(student, [student.call("compare_attributions", first, second, 3)])
    leaves_as_found(student, [student.call("compare_attributions", a.tolist(), b.tolist(), 3)])
    answers_anew(
        student,
        "compare_attributions",
        lambda case: [normal(case.seed, 6, 3, 2), normal(case.seed + 1, 6, 3, 2), 2],
        "the comparison",
    )
