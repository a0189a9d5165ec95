"""Hidden checks of part 1: what is integrated along a line."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from grader.checks.framework import expect
from grader.checks.framework.cases import Case, case_list, cases, linear_layer
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
from grader.checks.framework.shared import dtype_kept, refuses
from grader.checks.framework.student import Student
from grader.checks.hidden import SEED as SECRET
from grader.checks.hidden.anew import answers_anew
from grader.checks.hidden.arguments import (
    BAD_CLASS,
    BAD_STEPS,
    BAD_XS,
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
from grader.checks.part1.paths import has_a_value_per_feature, has_the_shape_of_its_slice
from grader.homework.networks import Network
from grader.oracle.live import oracle

__all__: list[str] = []

SEED = SECRET.of("part1.paths")

ENDED = [
    *case_list(("smooth_mlp", -1, SEED + 30), tail="sigmoid"),
    *case_list(("smooth_mlp", -1, SEED + 31), tail="softmax", head="log_softmax"),
]
"""Networks whose scores come from another layer than a linear one."""
CURVED = Case(Network("quadratic", seed=SEED + 32), -1, 1, SEED + 32)
BALANCED = Case(Network("two_classes", seed=SEED + 33, unbiased=True), 0, 1, SEED + 33)
"""Its gradient at -x is that at x."""


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
    for case in (Case(Network("sequence", seed=SEED + 44), 1, 2, SEED + 44), *elsewhere(SEED + 50)):
        there = oracle.instance_influence(case.network, case.layer, case.x[None], case.target)[0]
        got = student.path_influence(case.network, case.layer, case.x, case.x, case.target, 5)
        accepted = up_to_an_interval(there, 5)
        expect.nearest(got, accepted, expect.FLOAT32, "the influence from x to x")
    spec = BALANCED.network
    through_the_middle(
        BALANCED,
        lambda x, baseline: student.path_influence(spec, 0, x, baseline, 1, LONG_STEPS),
        lambda points, weights: oracle.class_influence(spec, 0, points, 1, weights),
        "the influence",
    )
    spec = CURVED.network
    on_a_long_line(
        CURVED,
        lambda x, baseline: student.path_influence(spec, -1, x, baseline, 1, LONG_STEPS),
        lambda points, weights: oracle.class_influence(spec, -1, points, 1, weights),
        "the influence",
    )
    changes_nothing(student, "path_influence", 2, "x", "baseline", 1, 3)
    answers_anew(
        student,
        "path_influence",
        lambda case: [case.network, case.layer, *short_line(case), 1, 5],
        "the influence",
        accepted=lambda case: up_to_an_interval(
            oracle.instance_influence(case.network, case.layer, case.x[None], 1)[0], 5
        ),
        tolerance=0.05,
    )


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
    wrong = (BAD_XS[:5], BAD_CLASS, BAD_STEPS)
    refuses(student, bad(student, "path_influence", *wrong, **good))


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
    steep = MLP.network  # so much so that steps miss what happens
    far = student.integrated_gradients(steep, 300 * MLP.x, -300 * MLP.x, 2, 60)
    expect.finite(far, "the attribution of large inputs")
    for other in elsewhere(SEED + 50):
        of = (other.network, other.target)
        ask, slope = partial(_attribution, student, *of), partial(_slope, *of)
        on_a_short_line(other, ask, slope, "the attribution")
    curved = BALANCED.network
    through_the_middle(
        BALANCED,
        lambda x, baseline: student.integrated_gradients(curved, x, baseline, 1, LONG_STEPS),
        lambda points, weights: oracle.class_influence(curved, -1, points, 1, weights),
        "the attribution",
        times_difference=True,
    )
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
        for x, baseline in unusual_lines(case, weight[1]):
            got = student.integrated_gradients(case.network, x, baseline, 1, 5)
            difference = x.astype(np.float64) - baseline
            accepted = up_to_an_interval(weight[1] * difference, 5)
            expect.nearest(got, accepted, expect.FLOAT32, "the attribution on a linear network")
    changes_nothing(student, "integrated_gradients", "x", "baseline", 1, 3)
    answers_anew(
        student,
        "integrated_gradients",
        lambda case: [case.network, *short_line(case), 1, 5],
        "the attribution",
        accepted=lambda case: along_a_short_line(case, _slope(case.network, 1, case.x)),
        tolerance=0.05,
    )


def _attribution(
    student: Student, model: Network, target: int, x: np.ndarray, baseline: np.ndarray
) -> np.ndarray:
    return student.integrated_gradients(model, x, baseline, target, 5)


def _slope(model: Network, target: int, x: np.ndarray) -> np.ndarray:
    return oracle.class_influence(model, -1, x[None], target)


def _score(case: Case, at: np.ndarray) -> float:
    return float(case.scores(at)[0, case.target])


@check("integrated_gradients", points=0.5, needs=[has_a_value_per_feature])
def refuses_classes_that_are_not_there(student: Student) -> None:
    """Raise ValueError or IndexError for bad classes and steps.

    Each call that raises earns its share of the points.
    """
    good = {"model": MLP.network, "x": MLP.x, "baseline": MLP.baseline, "target": 2}
    still = (("class -1 from x to x", {"baseline": MLP.x, "target": -1}),)
    refuses(student, bad(student, "integrated_gradients", BAD_XS[:2], BAD_STEPS, still, **good))
