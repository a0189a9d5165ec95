"""Hidden checks of part 1."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from grader.checks.framework import expect
from grader.checks.framework.cases import Case, case_list, cases, distribution, linear_layer
from grader.checks.framework.path_rules import (
    FLAT,
    LONG_STEPS,
    Integral,
    adds_up,
    comparable,
    follows_a_rule,
    on_a_long_line,
    precise,
    up_to_an_interval,
)
from grader.checks.framework.registry import check, for_all
from grader.checks.framework.shared import dtype_kept, leaves_as_found, refuses, right_on_each
from grader.checks.framework.student import Student
from grader.checks.hidden import SEED as SECRET
from grader.checks.hidden.arguments import (
    BAD_STEPS,
    BAD_WEIGHTS,
    BAD_XS,
    MLP,
    bad,
    right_at_any_steps,
    stateful,
)
from grader.checks.part1.influence import (
    composes,
    has_a_row_per_instance,
    has_the_shape_of_the_slice,
)
from grader.checks.part1.paths import has_a_value_per_feature, has_the_shape_of_its_slice
from grader.homework.networks import Network
from grader.oracle.live import oracle
from grader.records import NumPy

__all__: list[str] = []

SEED = SECRET.of("part1.influence")

OTHERS = [
    *case_list(("smooth_cnn", 1, SEED + 1), ("smooth_mlp", 3, SEED + 2), head="log_softmax"),
    *case_list(("dropout_bn", 4, SEED + 3), ("dropout_bn", -1, SEED + 4), training=True),
    *case_list(("dropout_bn", 1, SEED + 10), mixed=True),
    *case_list(("inplace_mlp", 0, SEED + 5), ("inplace_cnn", 3, SEED + 6)),
    *case_list(("relu_max_cnn", 0, SEED + 8), ("slides", 3, SEED + 9)),
    *case_list(("blocks", 1, SEED + 12), mixed=True),
    *case_list(("softmax_inside", 2, SEED + 13), ("smooth_mlp", 4, SEED + 14), head="softmax"),
    *case_list(("smooth_mlp", 1, SEED + 17), ("smooth_cnn", 3, SEED + 18), tail="sigmoid"),
    *case_list(("smooth_mlp", 2, SEED + 19), tail="softmax", head="log_softmax"),
    *case_list(("two_classes", 0, SEED + 20), ("many_classes", 1, SEED + 21)),
    *case_list(("smooth_mlp", 1, SEED + 22), mix=((1e-6, SEED + 22),)),
    *case_list(("smooth_cnn", 1, SEED + 23), mix=((1e5, SEED + 23),)),
    *case_list(("relu_max_cnn", -1, SEED + 43)),
    *case_list(("sequence", 1, SEED + 44), head="softmax -1"),
]
"""Further heads, modes, numbers of classes and sizes of weights."""
ENDINGS = ("relu", "log_sigmoid", "softmin", "dropout", "identity", "scaled", "block")
"""Last layers that are no softmax: they stay."""
DOUBLE = [
    *case_list(("smooth_mlp", 0, SEED + 1), ("smooth_cnn", 4, SEED + 2), dtype="float64"),
    *case_list(("inplace_cnn", -1, SEED + 3), dtype="float64", head="softmax"),
]
ENDED = [
    *case_list(("smooth_mlp", -1, SEED + 30), tail="sigmoid"),
    *case_list(("smooth_mlp", -1, SEED + 31), tail="softmax", head="log_softmax"),
]
"""Networks whose scores come from another layer than a linear one."""
CURVED = Case(Network("quadratic", seed=SEED + 32), -1, 1, SEED + 32)

SMALL = 1e-6
"""Weights this small are valid too, and reveal an epsilon that was added to their sum."""


@check("linear_scores", points=1)
def removes_the_last_softmax_only(student: Student) -> None:
    """Remove a softmax at the end, and change nothing else.

    In-place layers, batch norm, convolutions and a softmax in the middle stay as they are. So does
    a last layer of any other kind, and of two softmaxes at the end the first. Half the points if
    the scores are right, but the given model is changed.
    """
    flat = case_list(("smooth_cnn", -1, SEED + 1), ends=3) + case_list(
        ("smooth_mlp", -1, SEED + 2), ends=3
    )
    inside = case_list(("softmax_inside", -1, SEED + 15))
    ends = [
        case
        for i, tail in enumerate(ENDINGS)
        for head in ("", "softmax", "log_softmax")
        for case in case_list(("affine", -1, SEED + 24 + i), tail=tail, head=head)
    ]
    for head in ("softmax", "softmax -1", "log_softmax"):
        for tail in ("softmax", "log_softmax"):
            ends += case_list(("affine", -1, SEED + 40), tail=tail, head=head)

    def holds(case: Case) -> None:
        scores = student.linear_scores(case.network)(case.xs())
        expect.close(scores, case.scores(*case.xs()), what="the scores")

    right_on_each(student, (*OTHERS, *flat, *inside, *ends), holds)
    leaves_as_found(student, stateful(student, "linear_scores"))


@check("split", points=0.5, needs=[composes])
def splits_any_network(student: Student) -> None:
    """Split networks with a softmax, in-place layers and batch norm; leave them unchanged.

    Half the points if the values are right, but something is changed.
    """
    for case in (*OTHERS, *case_list(("smooth_mlp", 2, SEED + 45), cut=True)):
        h, g = student.split(case.network, case.layer)
        scores = case.scores(*case.xs())
        if case.network.head:
            scores = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)
        if case.network.head.startswith("softmax"):
            scores = np.exp(scores)
        expect.close(g(h(case.xs())), scores, what="g(h(x))")
        expect.close(h(case.xs()), case.activations(*case.xs()), what="h(x)")
    leaves_as_found(student, stateful(student, "split", 1))


@check("split", points=0.5, needs=[composes])
def refuses_layers_that_are_not_there(student: Student) -> None:
    """Raise ValueError or IndexError for a layer that does not exist.

    Each call that raises earns its share of the points.
    """
    refuses(student, bad(student, "split", BAD_XS[2:4], model=MLP.network, layer=0))


@check("instance_influence", points=0.5, needs=[has_a_row_per_instance])
@for_all(cases(["smooth_mlp", "smooth_cnn", "quadratic"], layers=[0, 1], seeds=8))
def is_linear_in_the_model(student: Student, case: Case) -> None:
    """Be linear in the model: a mixture of two networks has the mixed influence."""
    spec, xs = case.network, case.xs(2)
    one, two = ((1.0, 7 + case.seed),), ((1.0, 70 + case.seed),)
    mixed = ((2.0, 7 + case.seed), (-0.5, 70 + case.seed))
    parts = [
        student.instance_influence(case.with_network(mix=mix).network, case.layer, xs, case.target)
        for mix in (one, two, mixed)
    ]
    expect.finite(np.stack(parts))
    expected = 2.0 * parts[0].astype(np.float64) - 0.5 * parts[1]
    expect.close(parts[2], expected, what=f"the influence on a mixture of two {spec.family}")
    expect.that(bool(np.abs(parts[2]).max() > 0), "the influence is zero everywhere")


@check("instance_influence", points=0.5, needs=[has_a_row_per_instance])
def is_right_elsewhere_too(student: Student) -> None:
    """Agree with our solution on further networks, and leave everything unchanged.

    Half the points if the values are right, but something is changed.
    """
    for case in OTHERS:
        call = (case.network, case.layer, case.xs(2), case.target)
        expect.close(
            student.instance_influence(*call),
            oracle.instance_influence(*call),
            what="the influence",
        )
    for case in DOUBLE:
        call = (case.network, case.layer, case.xs(2), case.target)
        dtype_kept(student.reply(student.call("instance_influence", *call)), "float64")
        expect.close(
            student.instance_influence(*call),
            oracle.instance_influence(*call),
            expect.FLOAT64,
            what="the influence in float64",
        )
    leaves_as_found(student, stateful(student, "instance_influence", 2, "xs", 1))


@check("instance_influence", points=0.5, needs=[has_a_row_per_instance])
def refuses_bad_arguments(student: Student) -> None:
    """Raise ValueError or IndexError for bad classes, layers and batches.

    Each call that raises earns its share of the points.
    """
    good = {"model": MLP.network, "layer": 1, "xs": MLP.xs(), "target": 2}
    refuses(student, bad(student, "instance_influence", BAD_XS, **good))


@check("class_influence", points=0.5, needs=[has_the_shape_of_the_slice])
@for_all(cases(seeds=8))
def is_linear_in_the_distribution(student: Student, case: Case) -> None:
    """Be linear in the distribution of interest: a mixture has the mixed influence.

    The influence also equals the average of derivatives found by small changes of the features.
    """
    xs, (model, layer, target) = case.xs(5), (case.network, case.layer, case.target)
    p, q = distribution(case.seed, 5), distribution(case.seed + 50, 5)
    p, q = p / p.sum(), q / q.sum()
    parts = [
        student.class_influence(model, layer, xs, target, w) for w in (p, q, 0.3 * p + 0.7 * q)
    ]
    expect.finite(np.stack(parts))
    expected = 0.3 * parts[0].astype(np.float64) + 0.7 * parts[1]
    expect.close(parts[2], expected, what="the influence under a mixture", scale=1e-3)
    slopes = np.stack([case.derivative(x) for x in xs])
    by_hand = np.tensordot(p, slopes, 1)
    expect.close(parts[0], by_hand, expect.DIFFERENCES, "the influence under weights", scale=1e-3)


@check("class_influence", points=0.5, needs=[has_the_shape_of_the_slice])
def is_right_with_small_weights(student: Student) -> None:
    """Agree with our solution, also for tiny weights, and leave everything unchanged.

    Half the points if the values are right, but arguments, parameters, gradients or modes are
    changed.
    """
    for case in (*OTHERS, *DOUBLE):
        p, dtype = SMALL * distribution(case.seed, 3), case.network.dtype
        call = (case.network, case.layer, case.xs(3), case.target, p)
        dtype_kept(student.reply(student.call("class_influence", *call)), dtype)
        expected = oracle.class_influence(*call)
        for weights in (p, p.tolist(), NumPy(p)):
            got = student.class_influence(*call[:-1], weights)
            expect.close(got, expected, what="the influence")
    model, xs = MLP.network, MLP.xs(3)
    rows = oracle.class_influence(model, 1, xs, 2, np.array([1.0, 0.0, 2.0]))
    for weights in ([1, 0, 2], np.array([1, 0, 2]), NumPy(np.array([1, 0, 2]))):
        got = student.class_influence(model, 1, xs, 2, weights)
        expect.close(got, rows, what="the influence under whole numbers")
    single = oracle.class_influence(model, 1, xs[:1], 2)
    for weights in ([0.7], np.array([0.7], dtype=np.float32), NumPy(np.array([0.7]))):
        got = student.class_influence(model, 1, xs[:1], 2, weights)
        expect.close(got, single, what="the influence of one row with a weight")
    leaves_as_found(student, stateful(student, "class_influence", 2, "xs", 1))
    some = distribution(SEED + 0, 4)
    for weights in (some, NumPy(some), some.tolist()):
        leaves_as_found(student, stateful(student, "class_influence", 2, "xs", 1, weights))


@check("class_influence", points=0.5, needs=[has_the_shape_of_the_slice])
def refuses_bad_weights(student: Student) -> None:
    """Raise ValueError or IndexError for bad classes, layers, batches and weights.

    Each call that raises earns its share of the points.
    """
    good = {"model": MLP.network, "layer": 1, "xs": MLP.xs(4), "target": 2}
    refuses(student, bad(student, "class_influence", BAD_XS, BAD_WEIGHTS, **good))


@check("path_influence", points=1, needs=[has_the_shape_of_its_slice])
def bends_the_line(student: Student) -> None:
    """Follow the line that is straight in input space, also for a deeper slice.

    We compare with derivatives found by small changes of the features, in float32 and float64, and
    with the weights on a linear network. Inputs may be large, and scores end in any layer. Half the
    points if the values are right, but arguments, parameters, gradients or modes are changed.
    """
    deep = (("smooth_mlp", 1, SEED + 11), ("smooth_cnn", 2, SEED + 12))
    ended = [replace(case, layer=2) for case in ENDED]
    bent = [*case_list(*deep), *case_list(*deep, dtype="float64"), *ended]
    for case in bent:
        call = (case.network, case.layer, case.x, case.baseline, case.target)
        dtype_kept(student.reply(student.call("path_influence", *call, 8)), case.network.dtype)
    follows_a_rule(
        [_bends(student, case) for case in bent],
        "the influence",
        lambda x, baseline, steps: student.path_influence(FLAT, 0, x, baseline, 0, steps),
    )
    case = Case(Network("deep_affine", seed=SEED + 16, dtype="float64"), -1, 2, SEED + 16)
    (first, _), (second, _) = (linear_layer(case.network, i) for i in (0, 1))
    got = student.path_influence(case.network, -1, case.x, case.baseline, 2, 6)
    precise(got, second[2] @ first, 6, "the influence on a linear network in float64")
    line = (case.network, -1, case.x, case.baseline, 2)
    what = "the influence on a linear network"
    right_at_any_steps(lambda n: student.path_influence(*line, n), second[2] @ first, what)
    long = Case(Network("sequence", seed=SEED + 44), 1, 2, SEED + 44)
    there = oracle.instance_influence(long.network, 1, long.x[None], 2)[0]
    got = student.path_influence(long.network, 1, long.x, long.x, 2, 5)
    expect.nearest(got, up_to_an_interval(there, 5), expect.FLOAT32, "the influence from x to x")
    spec = CURVED.network
    on_a_long_line(
        CURVED,
        lambda x, baseline: student.path_influence(spec, -1, x, baseline, 1, LONG_STEPS),
        lambda points, weights: oracle.class_influence(spec, -1, points, 1, weights),
        "the influence",
    )
    leaves_as_found(student, stateful(student, "path_influence", 2, "x", "baseline", 1, 3))


def _bends(student: Student, case: Case) -> Integral:
    call = (case.network, case.layer, case.x, case.baseline, case.target)

    def average(points: np.ndarray, weights: np.ndarray) -> np.ndarray:
        return np.tensordot(weights, np.stack([case.derivative(x) for x in points]), 1)

    return Integral(
        case,
        lambda steps: student.path_influence(*call, steps),
        average,
        quantity="path_influence by differences",
    )


@check("path_influence", points=0.5, needs=[has_the_shape_of_its_slice])
def refuses_bad_steps(student: Student) -> None:
    """Raise ValueError or IndexError for bad classes, layers and steps.

    Each call that raises earns its share of the points.
    """
    good = {"model": MLP.network, "layer": 1, "x": MLP.x, "baseline": MLP.baseline, "target": 2}
    refuses(student, bad(student, "path_influence", BAD_XS[:4], BAD_STEPS, **good))


@check("integrated_gradients", points=0.5, needs=[has_a_value_per_feature])
@for_all(cases(["smooth_mlp", "smooth_cnn"], layers=[-1], seeds=10))
def does_not_depend_on_the_implementation(student: Student, case: Case) -> None:
    """Return the same attribution for two networks that compute the same function."""
    rewritten = case.with_network(rewritten=True)
    line = (case.x, case.baseline, case.target)
    steps, tolerance = comparable(student, "integrated_gradients", (case.network, *line))
    one, two = (student.integrated_gradients(c.network, *line, steps) for c in (case, rewritten))
    expect.close(
        two, one, tolerance, "the attribution for the same function written in other layers"
    )
    other = case.with_network(seed=case.network.seed + 50).network
    three = student.integrated_gradients(other, *line, steps)
    expect.that(
        expect.relative_error(three, one) > expect.DIFFERENCES,
        "the attribution is the same for another network",
        expected="another attribution, because the network computes another function",
        actual=expect.show(three),
    )
    expect.that(bool(np.abs(one).max() > 0), "the attribution is zero everywhere")


@check("integrated_gradients", points=0.5, needs=[has_a_value_per_feature])
@for_all(cases(["smooth_mlp", "smooth_cnn"], layers=[-1], seeds=10))
def is_linear(student: Student, case: Case) -> None:
    """Be linear in the model, and zero for inputs that do nothing."""
    mixes = (
        ((1.0, 7 + case.seed),),
        ((1.0, 70 + case.seed),),
        ((2.0, 7 + case.seed), (-0.5, 70 + case.seed)),
    )
    networks = [case.with_network(mix=mix, ignores=True).network for mix in mixes]
    line = (case.x, case.baseline, case.target)
    steps, tolerance = comparable(student, "integrated_gradients", (networks[0], *line))
    parts = [student.integrated_gradients(network, *line, steps) for network in networks]
    expect.finite(np.stack(parts))
    expect.that(bool(np.abs(parts[2]).max() > 0), "the attribution is zero everywhere")
    expected = 2.0 * parts[0].astype(np.float64) - 0.5 * parts[1]
    what = "the attribution on a mixture of two networks"
    expect.close(parts[2], expected, tolerance, what)
    nothing = np.zeros_like(parts[2][0])
    expect.close(
        parts[2][0], nothing, expect.NOTHING, "the attribution of an ignored input", scale=1.0
    )


@check("integrated_gradients", points=0.5, needs=[has_a_value_per_feature])
def keeps_float64(student: Student) -> None:
    """Keep float64, take large inputs and any last layer, and leave everything unchanged.

    Half the points if the values are right, but something is changed.
    """
    for ended in ENDED:
        got = student.integrated_gradients(
            ended.network, ended.x, ended.baseline, ended.target, 300
        )
        score = partial(_score, ended)
        adds_up(got, score, ended, 300, "the attribution")
    curved = CURVED.network
    on_a_long_line(
        CURVED,
        lambda x, baseline: student.integrated_gradients(curved, x, baseline, 1, LONG_STEPS),
        lambda points, weights: oracle.class_influence(curved, -1, points, 1, weights),
        "the attribution",
        times_difference=True,
    )
    for dtype in ("float64", "float32"):
        spec = Network("affine", seed=SEED + 13, dtype=dtype)
        case = Case(spec, -1, 1, SEED + 13)
        call = (case.network, case.x, case.baseline, 1, 6)
        dtype_kept(student.reply(student.call("integrated_gradients", *call)), dtype)
        weight, _ = linear_layer(case.network, 0)
        if dtype == "float64":
            expected = weight[1] * (case.x - case.baseline)
            precise(student.integrated_gradients(*call), expected, 6, "the attribution in float64")
            line = (case.network, case.x, case.baseline, 1)
            what = "the attribution on a linear network"
            right_at_any_steps(partial(student.integrated_gradients, *line), expected, what)
    leaves_as_found(student, stateful(student, "integrated_gradients", "x", "baseline", 1, 3))


def _score(case: Case, at: np.ndarray) -> float:
    return float(case.scores(at)[0, case.target])


@check("integrated_gradients", points=0.5, needs=[has_a_value_per_feature])
def refuses_classes_that_are_not_there(student: Student) -> None:
    """Raise ValueError or IndexError for bad classes and steps.

    Each call that raises earns its share of the points.
    """
    good = {"model": MLP.network, "x": MLP.x, "baseline": MLP.baseline, "target": 2}
    refuses(student, bad(student, "integrated_gradients", BAD_XS[:2], BAD_STEPS, **good))
