"""Hidden checks of part 2."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from grader.checks.framework import expect
from grader.checks.framework.cases import Case, case_list, cases, distribution, linear_layer
from grader.checks.framework.path_rules import (
    LONG_STEPS,
    adds_up,
    comparable,
    on_a_long_line,
    precise,
    up_to_an_interval,
)
from grader.checks.framework.registry import check, for_all
from grader.checks.framework.shared import dtype_kept, refuses
from grader.checks.framework.student import Student
from grader.checks.hidden import SEED as SECRET
from grader.checks.hidden.anew import answers_anew
from grader.checks.hidden.arguments import (
    BAD_STEPS,
    BAD_WEIGHTS,
    BAD_XS,
    MLP,
    along_a_short_line,
    bad,
    changes_nothing,
    clear,
    elsewhere,
    many_rows,
    on_a_short_line,
    redrawn,
    short_line,
    through_the_middle,
    unusual_lines,
)
from grader.checks.part2 import (
    compares_the_two_explanations,
    has_a_value_per_feature,
    has_the_shape_of_the_slice,
    ranks_by_the_weights_of_a_linear_network,
)
from grader.homework.networks import Network
from grader.oracle.live import oracle
from grader.records import NumPy

__all__: list[str] = []

SEED = SECRET.of("part2")

OTHERS = [
    *case_list(("smooth_cnn", 1, SEED + 1), ("smooth_mlp", 3, SEED + 2), head="log_softmax"),
    *case_list(("dropout_bn", 4, SEED + 3), training=True),
    *case_list(("inplace_mlp", 0, SEED + 5), ("relu_max_cnn", 3, SEED + 8)),
    *case_list(("slides", 3, SEED + 9)),
    *case_list(("blocks", 1, SEED + 12), mixed=True),
    *case_list(("softmax_inside", 2, SEED + 13), ("smooth_mlp", 4, SEED + 15), head="softmax"),
    *case_list(("smooth_mlp", 1, SEED + 20), tail="sigmoid"),
    *case_list(("smooth_mlp", 2, SEED + 28), tail="softmax", head="log_softmax"),
    *case_list(("two_classes", 0, SEED + 21), ("many_classes", 1, SEED + 22)),
    *case_list(("smooth_mlp", 1, SEED + 26), mix=((1e-6, SEED + 26),)),
    *case_list(("smooth_mlp", 3, SEED + 24), mix=((1e6, SEED + 24),)),
    *case_list(("relu_max_cnn", -1, SEED + 31)),
    *case_list(("sequence", 1, SEED + 32), head="softmax -1"),
    *case_list(("smooth_mlp", 1, SEED + 33), head="softmax", mix=((300.0, SEED + 33),)),
    *elsewhere(SEED + 50),
]
DOUBLE = [
    *case_list(("smooth_mlp", 0, SEED + 1), dtype="float64"),
    *case_list(("smooth_cnn", 4, SEED + 2), dtype="float64", head="softmax"),
]
ENDED = [
    *case_list(("smooth_mlp", -1, SEED + 29), tail="sigmoid"),
    *case_list(("smooth_mlp", -1, SEED + 30), tail="softmax", head="log_softmax"),
]
"""Networks whose scores come from another layer than a linear one."""
ENDS = case_list(("smooth_cnn", -1, SEED + 16), ("smooth_mlp", 4, SEED + 17))
ENDS += case_list(("many_classes", 2, SEED + 38))
"""The first slice and the last; at the scores, all classes except two are tied."""
IDLE = case_list(("inplace_mlp", 3, SEED + 18), ("digits", 3, SEED + 19))
"""After these layers a ReLU switches some neurons off: their influence is 0 for a single row."""
SILENT = case_list(("inplace_mlp", 2, SEED + 36), ("inplace_mlp", 4, SEED + 37))
"""Some neurons are 0 here, and have an influence all the same."""
NO_GRADIENTS: dict[str, Any] = {
    "model": Network("clipped_sum"),
    "layer": 0,
    "xs": np.array([[1.0, 2.0], [0.5, 3.0]], dtype=np.float32),
    "c1": 0,
    "c2": 1,
}
"""Rows for which neither class has a gradient at the first layer."""
BAD_CLASSES = (
    ("c1 = -1", {"c1": -1}),
    ("c2 = -1", {"c2": -1}),
    ("a class index c1 out of range", {"c1": 5}),
    ("a class index c2 out of range", {"c2": 7}),
)
GOOD = {"model": MLP.network, "layer": 1, "xs": MLP.xs(4), "c1": 2, "c2": 0}


@check("comparative_influence", points=0.5, needs=[has_the_shape_of_the_slice])
@for_all(cases(seeds=6))
def is_linear_in_the_distribution(student: Student, case: Case) -> None:
    """Be linear in the distribution of interest: a mixture has the mixed influence."""
    call = (case.network, case.layer, case.xs(4), case.target, case.other)
    p, q = distribution(case.seed, 4), distribution(case.seed + 50, 4)
    p, q = p / p.sum(), q / q.sum()
    parts = [student.comparative_influence(*call, w) for w in (p, q, 0.3 * p + 0.7 * q)]
    expect.finite(np.stack(parts))
    expected = 0.3 * parts[0].astype(np.float64) + 0.7 * parts[1]
    expect.close(parts[2], expected, what="the influence under a mixture", scale=1e-3)
    slopes = np.stack([case.derivative(x, case.other) for x in case.xs(4)])
    by_hand = np.tensordot(q, slopes, 1)
    expect.close(parts[1], by_hand, expect.DIFFERENCES, "the influence under weights", scale=1e-3)


@check("comparative_influence", points=1, needs=[has_the_shape_of_the_slice])
def is_right_elsewhere_too(student: Student) -> None:
    """Agree with our solution elsewhere and in float64, and leave everything unchanged.

    Half the points if the values are right, but arguments, parameters, gradients or modes are
    changed.
    """
    for case in (*OTHERS, *DOUBLE):
        dtype = case.network.dtype
        call = (case.network, case.layer, case.xs(3), case.target, case.other)
        few = 1e-6 * distribution(case.seed, 3)
        for weights in ((), (few,), (few.tolist(),), (NumPy(few),)):
            dtype_kept(student.reply(student.call("comparative_influence", *call, *weights)), dtype)
            # A list of weights is float32 in torch, whatever the network is.
            exact = dtype == "float64" and not weights
            expect.close(
                student.comparative_influence(*call, *weights),
                oracle.comparative_influence(*call, *weights),
                expect.FLOAT64 if exact else expect.FLOAT32,
                f"the influence in {dtype}",
            )
    for case, xs, some in many_rows(SEED + 60):
        row = (case.network, case.layer, xs)
        both = [oracle.instance_influence(*row, c) for c in (case.target, case.other)]
        expected = np.average(both[0].astype(np.float64) - both[1], 0, some)
        got = student.comparative_influence(*row, case.target, case.other, some)
        expect.close(got, expected, what=f"the influence of {len(xs)} rows")
    changes_nothing(student, "comparative_influence", 2, "xs", 1, 3)
    some = distribution(SEED + 0, 4)
    for given in (some, NumPy(some), some.tolist()):
        changes_nothing(student, "comparative_influence", 2, "xs", 1, 3, given)
    answers_anew(
        student,
        "comparative_influence",
        lambda case: [case.network, case.layer, case.xs(3), 1, 3, distribution(case.seed, 3)],
        "the influence",
    )


@check("comparative_influence", points=0.5, needs=[has_the_shape_of_the_slice])
def refuses_bad_arguments(student: Student) -> None:
    """Raise ValueError or IndexError for bad classes, layers, batches and weights.

    Each call that raises earns its share of the points.
    """
    wrong = (BAD_CLASSES, BAD_XS[2:], BAD_WEIGHTS)
    refuses(student, bad(student, "comparative_influence", *wrong, **GOOD))


@check("comparative_integrated_gradients", points=0.5, needs=[has_a_value_per_feature])
@for_all(cases(["smooth_mlp", "smooth_cnn", "dropout_bn"], layers=[-1], seeds=8, ignores=True))
def gives_nothing_to_what_does_nothing(student: Student, case: Case) -> None:
    """Return zero for an ignored input and for x = baseline; negate it for c2 - c1."""
    c1, c2 = case.target, case.other
    x, baseline = case.x, case.baseline
    line = (case.network, x, baseline)
    steps, tolerance = comparable(student, "comparative_integrated_gradients", (*line, c1, c2))
    one = student.comparative_integrated_gradients(*line, c1, c2, steps)
    two = student.comparative_integrated_gradients(*line, c2, c1, steps)
    expect.close(two, -one, tolerance, "the attribution for c2 - c1")
    nothing = np.zeros_like(one[0])
    expect.close(one[0], nothing, expect.NOTHING, "the attribution of an ignored input", scale=1.0)
    still = student.comparative_integrated_gradients(case.network, x, x, c1, c2, 20)
    expect.close(
        still,
        np.zeros_like(still),
        expect.NOTHING,
        "the attribution for x = baseline",
        scale=1.0,
    )
    expect.that(bool(np.abs(one).max() > 0), "the attribution is zero everywhere")


@check("comparative_integrated_gradients", points=1, needs=[has_a_value_per_feature])
def keeps_float64(student: Student) -> None:
    """Keep float64, also if the network ends in a log-softmax; leave everything unchanged.

    Inputs may be large, and scores end in any layer. Half the points if the values are right, but
    arguments, parameters, gradients or modes are changed.
    """
    for ended in ENDED:
        c1, c2 = ended.target, ended.other
        line = (ended.network, ended.x, ended.baseline)
        got = student.comparative_integrated_gradients(*line, c1, c2, 300)
        adds_up(got, partial(_difference, ended), ended, 300, "the attribution")
    for case in elsewhere(SEED + 50):
        pair = (case.network, case.target, case.other)
        ask, slope = partial(_attribution, student, *pair), partial(_slope, *pair)
        on_a_short_line(case, ask, slope, "the attribution")
    even = Case(Network("two_classes", seed=SEED + 34, unbiased=True), -1, 1, SEED + 34)
    through_the_middle(
        even,
        lambda x, baseline: student.comparative_integrated_gradients(
            even.network, x, baseline, 1, 0, LONG_STEPS
        ),
        lambda points, weights: oracle.comparative_influence(
            even.network, -1, points, 1, 0, weights
        ),
        "the attribution",
        times_difference=True,
    )
    curved = Case(Network("quadratic", seed=SEED + 31), -1, 1, SEED + 31)
    on_a_long_line(
        curved,
        lambda x, baseline: student.comparative_integrated_gradients(
            curved.network, x, baseline, 1, 3, LONG_STEPS
        ),
        lambda points, weights: oracle.comparative_influence(
            curved.network, -1, points, 1, 3, weights
        ),
        "the attribution",
        times_difference=True,
    )
    for dtype in ("float64", "float32"):
        spec = Network("affine", seed=SEED + 14, dtype=dtype, head="log_softmax")
        case = Case(spec, -1, 1, SEED + 14)
        call = (case.network, case.x, case.baseline, 1, 0, 6)
        dtype_kept(student.reply(student.call("comparative_integrated_gradients", *call)), dtype)
        weight, _ = linear_layer(case.network, 0)
        if dtype == "float64":
            expected = (weight[1] - weight[0]) * (case.x - case.baseline)
            got = student.comparative_integrated_gradients(*call)
            precise(got, expected, 6, "the attribution in float64")
        for x, baseline in unusual_lines(case, weight[1] - weight[0]):
            got = student.comparative_integrated_gradients(case.network, x, baseline, 1, 0, 5)
            expected = (weight[1] - weight[0]) * (x.astype(np.float64) - baseline)
            accepted = up_to_an_interval(expected, 5)
            expect.nearest(got, accepted, expect.FLOAT32, "the attribution on a linear network")
    changes_nothing(student, "comparative_integrated_gradients", "x", "baseline", 1, 0, 3)
    answers_anew(
        student,
        "comparative_integrated_gradients",
        lambda case: [case.network, *short_line(case), 1, 3, 5],
        "the attribution",
        accepted=lambda case: along_a_short_line(case, _slope(case.network, 1, 3, case.x)),
        tolerance=0.05,
    )


def _attribution(
    student: Student, model: Network, c1: int, c2: int, x: np.ndarray, baseline: np.ndarray
) -> np.ndarray:
    return student.comparative_integrated_gradients(model, x, baseline, c1, c2, 5)


def _slope(model: Network, c1: int, c2: int, x: np.ndarray) -> np.ndarray:
    return oracle.comparative_influence(model, -1, x[None], c1, c2)


def _difference(case: Case, at: np.ndarray) -> float:
    scores = case.scores(at)[0]
    return float(scores[case.target] - scores[case.other])


@check("comparative_integrated_gradients", points=0.5, needs=[has_a_value_per_feature])
def refuses_bad_steps(student: Student) -> None:
    """Raise ValueError or IndexError for bad classes and steps.

    Each call that raises earns its share of the points.
    """
    good = {"model": MLP.network, "x": MLP.x, "baseline": MLP.baseline, "c1": 2, "c2": 0}
    still = (("c1 = -1 from x to x", {"baseline": MLP.x, "c1": -1}),)
    wrong = (BAD_CLASSES, BAD_STEPS, still)
    refuses(student, bad(student, "comparative_integrated_gradients", *wrong, **good))


def _ranked_clearly(case: Case, k: int, rows: int, other: int | None = None) -> bool:
    c2 = case.other if other is None else other
    push = oracle.comparative_influence(case.network, case.layer, case.xs(rows), case.target, c2)
    return all(clear(sign * push, range(1, k + 1)) for sign in (1, -1))


CNN = Case(Network("smooth_cnn", seed=SEED + 35, mixed=True), 0, 2, SEED + 35)
BAD_K = (
    ("k = 0", {"k": 0}),
    ("k above the number of neurons", {"k": 10}),
    ("k = -1", {"k": -1}),
    ("k above the number of maps", {"model": CNN.network, "layer": 0, "xs": CNN.xs(), "k": 5}),
)


@check("distinguishing_neurons", points=0.75, needs=[ranks_by_the_weights_of_a_linear_network])
def ranks_all_neurons(student: Student) -> None:
    """Rank all neurons on further networks, and leave everything unchanged.

    One row and several rows are tried, at slices from the input to the scores. Neurons without any
    influence are tied, and ties go to the lower index. Half the points if the right neurons come in
    another order, or if something is changed.
    """
    for first in (*OTHERS, *ENDS, *IDLE, *SILENT):
        k = first.shape[0] if first in (*ENDS, *IDLE) else min(first.shape[0], 8)
        rows = 1 if first in IDLE else 2
        case = redrawn(first, partial(_ranked_clearly, k=k, rows=rows))
        if case is None:
            continue
        call = (case.network, case.layer, case.xs(rows), case.target, case.other, k)
        got, expected = student.distinguishing_neurons(*call), oracle.distinguishing_neurons(*call)
        expect.same_ranking(got[0], expected[0], "the neurons for c1")
        expect.same_ranking(got[1], expected[1], "the neurons for c2")
    for number in range(6):
        case = Case(Network("smooth_mlp", seed=SEED + 70 + number), 1, 1, SEED + 70 + number)
        few = case.xs(3)[[0, 1, 0, 0, 2, 0, 0]]
        push = oracle.comparative_influence(case.network, 1, few, 1, 3)
        if all(clear(sign * push, (1, 2, 3)) for sign in (1, -1)):
            call = (case.network, 1, few, 1, 3, 3)
            got, expected = (f.distinguishing_neurons(*call) for f in (student, oracle))
            expect.same_ranking(got[0], expected[0], "the neurons where rows stand several times")
            expect.same_ranking(got[1], expected[1], "the neurons where rows stand several times")
    changes_nothing(student, "distinguishing_neurons", 2, "xs", 1, 3, 2)
    answers_anew(
        student,
        "distinguishing_neurons",
        lambda case: [case.network, case.layer, case.xs(2), 1, 3, 2],
        "the neurons",
        clearly=lambda case: _ranked_clearly(replace(case, target=1), 2, 2, other=3),
    )


@check("distinguishing_neurons", points=0.75, needs=[ranks_by_the_weights_of_a_linear_network])
def refuses_k_and_classes(student: Student) -> None:
    """Raise ValueError or IndexError for bad classes, layers, batches and k.

    Each call that raises earns its share of the points.
    """
    wrong = (BAD_K, BAD_CLASSES, BAD_XS[2:])
    refuses(student, bad(student, "distinguishing_neurons", *wrong, **GOOD, k=2))


@check("compare_with_single_class", points=0.5, needs=[compares_the_two_explanations])
def compares_on_other_networks(student: Student) -> None:
    """Agree with our solution on further networks, and leave everything unchanged.

    One row and several rows are tried, at slices from the input to the scores. Neurons without any
    influence are tied, and ties go to the lower index. Half the points if the values are right, but
    something is changed.
    """
    asked = [(case, min(case.shape[0], 5), 2) for case in (*OTHERS, *DOUBLE)]
    asked += [(case, 1, 2) for case in ENDS]
    asked += [(case, case.shape[0] - most, 1) for case in IDLE for most in (1, 2, 3, 4)]
    for first, k, rows in asked:
        case = redrawn(first, partial(_cut_clearly, k=k, rows=rows))
        if case is None:
            continue
        call = (case.network, case.layer, case.xs(rows), case.target, case.other, k)
        got, expected = (
            student.compare_with_single_class(*call),
            oracle.compare_with_single_class(*call),
        )
        expect.close(got[0], expected[0], 1e-3, "the rank correlation", scale=1)
        expect.close(got[1], expected[1], what="the share of common top neurons", scale=1)
    flat = np.array([[2.0, 1.0], [3.0, 0.5]], dtype=np.float32)  # here class 0 has no gradient
    for k, common in ((1, 0.0), (2, 1.0)):
        got = student.compare_with_single_class(Network("clipped_sum"), -1, flat, 0, 1, k)
        what = "the comparison with an explanation that is 0 everywhere"
        expect.close(got, (0.0, common), what=what, scale=1)
    # The layer is clipped for both rows, so that neither class has a gradient.
    for k in (1, 2):
        got = student.compare_with_single_class(**NO_GRADIENTS, k=k)
        expect.close(
            got, (0.0, 1.0), what="the comparison of explanations that are both 0", scale=1
        )
    changes_nothing(student, "compare_with_single_class", 2, "xs", 1, 3, 2)
    answers_anew(
        student,
        "compare_with_single_class",
        lambda case: [case.network, case.layer, case.xs(2), 1, 3, 2],
        "the comparison",
        tolerance=1e-3,
        clearly=lambda case: _cut_clearly(replace(case, target=1), 2, 2, other=3),
    )


def _cut_clearly(case: Case, k: int, rows: int, other: int | None = None) -> bool:
    call = (case.network, case.layer, case.xs(rows), case.target)
    c2 = case.other if other is None else other
    both, alone = oracle.comparative_influence(*call, c2), oracle.class_influence(*call)
    return clear(both, [k]) and clear(alone, [k])


@check("compare_with_single_class", points=0.5, needs=[compares_the_two_explanations])
def refuses_bad_k(student: Student) -> None:
    """Raise ValueError or IndexError for bad classes, layers, batches and k.

    Each call that raises earns its share of the points.
    """
    same = [
        (f"k = {k} where the explanations are the same", {**NO_GRADIENTS, "k": k}) for k in (0, 3)
    ]
    wrong = (BAD_K, same, BAD_CLASSES, BAD_XS[2:])
    refuses(student, bad(student, "compare_with_single_class", *wrong, **GOOD, k=2))
