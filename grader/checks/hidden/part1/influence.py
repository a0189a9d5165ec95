"""Hidden checks of part 1: slices, and the influence of their features."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from grader.checks.framework import expect
from grader.checks.framework.cases import Case, case_list, cases, distribution
from grader.checks.framework.registry import check, for_all
from grader.checks.framework.shared import dtype_kept, refuses, right_on_each
from grader.checks.framework.student import Student
from grader.checks.hidden import SEED as SECRET
from grader.checks.hidden.anew import answers_anew, module_answers_anew
from grader.checks.hidden.arguments import (
    BAD_CLASS,
    BAD_WEIGHTS,
    BAD_XS,
    MLP,
    bad,
    changes_nothing,
    elsewhere,
    many_rows,
)
from grader.checks.part1.influence import (
    composes,
    has_a_row_per_instance,
    has_the_shape_of_the_slice,
)
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
    *elsewhere(SEED + 50),
]
"""Further heads, modes, numbers of classes, sizes of weights and structures."""
ENDINGS = ("relu", "log_sigmoid", "softmin", "dropout", "identity", "scaled", "block", "waits")
"""Last layers that are no softmax: they stay."""
DOUBLE = [
    *case_list(("smooth_mlp", 0, SEED + 1), ("smooth_cnn", 4, SEED + 2), dtype="float64"),
    *case_list(("inplace_cnn", -1, SEED + 3), dtype="float64", head="softmax"),
]

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
    ends += case_list(("affine", -1, SEED + 41), head="softmax None")
    for head in ("softmax", "softmax -1", "log_softmax"):
        for tail in ("softmax", "log_softmax"):
            ends += case_list(("affine", -1, SEED + 40), tail=tail, head=head)

    def holds(case: Case) -> None:
        scores = student.linear_scores(case.network)(case.xs())
        expect.close(scores, case.scores(*case.xs()), what="the scores")

    right_on_each(student, (*OTHERS, *flat, *inside, *ends), holds)
    changes_nothing(student, "linear_scores")
    module_answers_anew(
        student,
        "linear_scores",
        lambda case: [replace(case.network, head="softmax")],
        "the scores",
    )


@check("split", points=0.5, needs=[composes])
def splits_any_network(student: Student) -> None:
    """Split networks with a softmax, in-place layers and batch norm; leave them unchanged.

    Half the points if the values are right, but something is changed.
    """
    one = [Case(Network("affine", seed=SEED + 45), layer, 0, SEED + 45) for layer in (-1, 0)]
    # Others may lay layers with other names by torch's own insert and append, which cannot.
    for case in (*OTHERS, *one, *case_list(("smooth_mlp", 2, SEED + 45), cut=True)):
        h, g = student.split(case.network, case.layer)
        scores = case.scores(*case.xs())
        if case.network.head:
            scores = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)
        if case.network.head.startswith("softmax"):
            scores = np.exp(scores)
        expect.close(g(h(case.xs())), scores, what="g(h(x))")
        expect.close(h(case.xs()), case.activations(*case.xs()), what="h(x)")
    whole = Case(Network("smooth_mlp", seed=SEED + 46, head="softmax"), 5, 0, SEED + 46)
    h, g = student.split(whole.network, 5)
    exact = np.exp(whole.scores(*whole.xs()))
    probabilities = exact / exact.sum(1, keepdims=True)
    for z in (h(whole.xs()), g(h(whole.xs()))):
        expect.close(z, probabilities, what="h(x) after the softmax")
    changes_nothing(student, "split", 1)
    module_answers_anew(student, "split", lambda case: [case.network, 1], "g(h(x))")


@check("split", points=0.5, needs=[composes])
def refuses_layers_that_are_not_there(student: Student) -> None:
    """Raise ValueError or IndexError for a layer that does not exist.

    Each call that raises earns its share of the points.
    """
    refuses(student, bad(student, "split", BAD_XS[2:5], model=MLP.network, layer=0))


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
    for case, xs, _ in many_rows(SEED + 60)[1:4]:
        call = (case.network, case.layer, xs, case.target)
        expected, got = (f.instance_influence(*call) for f in (oracle, student))
        expect.close(got, expected, what=f"the influence of {len(xs)} rows")
    for case in DOUBLE:
        call = (case.network, case.layer, case.xs(2), case.target)
        dtype_kept(student.reply(student.call("instance_influence", *call)), "float64")
        expect.close(
            student.instance_influence(*call),
            oracle.instance_influence(*call),
            expect.FLOAT64,
            what="the influence in float64",
        )
    changes_nothing(student, "instance_influence", 2, "xs", 1)
    answers_anew(
        student,
        "instance_influence",
        lambda case: [case.network, case.layer, case.xs(2), 1],
        "the influence",
    )


@check("instance_influence", points=0.5, needs=[has_a_row_per_instance])
def refuses_bad_arguments(student: Student) -> None:
    """Raise ValueError or IndexError for bad classes, layers and batches.

    Each call that raises earns its share of the points.
    """
    good = {"model": MLP.network, "layer": 1, "xs": MLP.xs(), "target": 2}
    refuses(student, bad(student, "instance_influence", BAD_XS, BAD_CLASS, **good))


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
    for weights in ([1, 0, 2], [1.0, -0.0, 2.0], np.array([1, 0, 2]), NumPy(np.array([1, 0, 2]))):
        got = student.class_influence(model, 1, xs, 2, weights)
        expect.close(got, rows, what="the influence under whole numbers")
    single = oracle.class_influence(model, 1, xs[:1], 2)
    for weights in ([0.7], np.array([0.7], dtype=np.float32), NumPy(np.array([0.7]))):
        got = student.class_influence(model, 1, xs[:1], 2, weights)
        expect.close(got, single, what="the influence of one row with a weight")
    for case, many, given in many_rows(SEED + 60):
        at = (case.network, case.layer, many, case.target)
        each = oracle.instance_influence(*at).astype(np.float64)
        got = student.class_influence(*at, given)
        expect.close(got, np.average(each, 0, given), what=f"the influence of {len(many)} rows")
    changes_nothing(student, "class_influence", 2, "xs", 1)
    some = distribution(SEED + 0, 4)
    for weights in (some, NumPy(some), some.tolist()):
        changes_nothing(student, "class_influence", 2, "xs", 1, weights)
    answers_anew(
        student,
        "class_influence",
        lambda case: [case.network, case.layer, case.xs(3), 1, distribution(case.seed, 3)],
        "the influence",
    )


@check("class_influence", points=0.5, needs=[has_the_shape_of_the_slice])
def refuses_bad_weights(student: Student) -> None:
    """Raise ValueError or IndexError for bad classes, layers, batches and weights.

    Each call that raises earns its share of the points.
    """
    good = {"model": MLP.network, "layer": 1, "xs": MLP.xs(4), "target": 2}
    wrong = (BAD_XS, BAD_CLASS, BAD_WEIGHTS)
    refuses(student, bad(student, "class_influence", *wrong, **good))
