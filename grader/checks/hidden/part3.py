"""Hidden checks of part 3."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from grader.checks.draws import draws_distinct_classes
from grader.checks.framework import expect
from grader.checks.framework.cases import Case, case_list, normal
from grader.checks.framework.registry import check
from grader.checks.framework.shared import dtype_kept, leaves_as_found, of_all_sizes, refuses
from grader.checks.framework.student import Student
from grader.checks.hidden import SEED as SECRET
from grader.checks.hidden.anew import answers_anew, module_answers_anew
from grader.checks.hidden.arguments import (
    BAD_CLASS,
    BAD_XS,
    MLP,
    bad,
    changes_nothing,
    clear,
    elsewhere,
    redrawn,
)
from grader.checks.part3 import (
    counts_right,
    finds_the_most_negative,
    finds_the_most_positive,
    gives_one_margin_per_row,
    keeps_some_and_zeroes_the_rest,
    margins,
    quality,
)
from grader.homework.networks import Network, scores
from grader.oracle.live import oracle
from grader.records import Call, NumPy

__all__: list[str] = []

SEED = SECRET.of("part3")

OTHERS = [
    *case_list(("smooth_cnn", 1, SEED + 1), ("smooth_mlp", 2, SEED + 2), head="log_softmax"),
    *case_list(("dropout_bn", 6, SEED + 3), ("dropout_bn", -1, SEED + 4), training=True),
    *case_list(("inplace_mlp", 0, SEED + 5), ("relu_max_cnn", 3, SEED + 8)),
    *case_list(("slides", 3, SEED + 9)),
    *case_list(("blocks", 1, SEED + 11), mixed=True),
    *case_list(("softmax_inside", 2, SEED + 12), head="softmax"),
    *case_list(("smooth_mlp", 1, SEED + 17), tail="sigmoid"),
    *case_list(("smooth_mlp", 2, SEED + 23), tail="softmax", head="log_softmax"),
    *case_list(("two_classes", 0, SEED + 18), ("many_classes", 1, SEED + 19)),
    *case_list(("smooth_mlp", 1, SEED + 20), mix=((1e-6, SEED + 20),)),
    *case_list(("smooth_mlp", 3, SEED + 21), mix=((1e6, SEED + 21),)),
    *case_list(("sequence", 1, SEED + 26), head="softmax -1"),
    *case_list(("smooth_mlp", 1, SEED + 27), head="softmax", mix=((300.0, SEED + 27),)),
    *case_list(("smooth_mlp", 1, SEED + 28), mix=((0.0, SEED + 28),)),
    *case_list(("two_classes", 1, SEED + 29), mix=((1e8, SEED + 29),)),
    Case(Network("many_classes", seed=SEED + 30), 1, 280, SEED + 30),
    *elsewhere(SEED + 50),
]
ODD = (
    ("positive = -1", {"positive": -1}),
    ("negative = -1", {"negative": -1}),
    ("positive above the number of neurons", {"positive": 10}),
    ("negative above the number of neurons", {"negative": 10}),
)


@check("random_classes", points=0.5, needs=[draws_distinct_classes])
def refuses_k_that_is_impossible(student: Student) -> None:
    """Raise ValueError or IndexError for k below 1 or above the number of classes.

    Each call that raises earns its share of the points.
    """
    wrong = (
        ("k = 0", {"k": 0}),
        ("k above the number of classes", {"k": 11}),
        ("k = -2", {"k": -2}),
        ("one of no classes", {"num_classes": 0, "k": 1}),
    )
    refuses(student, bad(student, "random_classes", wrong, num_classes=10, k=5))


@check("influential_neurons", points=0.5, needs=[finds_the_most_positive, finds_the_most_negative])
def breaks_ties_towards_the_lower_index(student: Student) -> None:
    """Put the lower index first in a tie; accept arrays and lists.

    Half the points if the right neurons come in another order.
    """
    low = normal(SEED + 32, 9, 2, 2) - 4
    for given in (NumPy(low), low.tolist()):
        got = student.influential_neurons(given, 9, 9)
        flat = low.reshape(9, -1)
        expect.same_ranking(got[0], np.argsort(-flat.max(1)), "the most positive neurons of a list")
        expect.same_ranking(got[1], np.argsort(flat.min(1)), "the most negative neurons of a list")
    for one in of_all_sizes(SEED + 33):
        got = student.influential_neurons(one.tolist(), 12, 12)
        expect.same_ranking(got[0], np.argsort(-one), "the most positive neurons of a list")
        expect.same_ranking(got[1], np.argsort(one), "the most negative neurons of a list")
    close = 1 + 1e-10 * np.random.RandomState(SEED + 35).permutation(30)
    many = np.random.RandomState(SEED + 36).permutation(5_000).astype(np.float64)
    for row, k in ((close, 30), (many, 20)):
        for given in (row, NumPy(row)):
            got = student.influential_neurons(given, k, k)
            expect.equal(got[0], np.argsort(-row)[:k], "the most positive neurons in float64")
            expect.equal(got[1], np.argsort(row)[:k], "the most negative neurons in float64")
    volumes = normal(SEED + 37, 5, 2, 3, 2)
    got, flat = student.influential_neurons(volumes, 5, 5), volumes.reshape(5, -1)
    expect.same_ranking(got[0], np.argsort(-flat.max(1)), "the most positive neurons of volumes")
    expect.same_ranking(got[1], np.argsort(flat.min(1)), "the most negative neurons of volumes")
    wide = normal(SEED + 45, 6, 15, 17) + np.reshape([0, 0, -3, 0, 3, 0], (6, 1, 1))
    wide[2, -1, -1], wide[4, -1, 0] = 9.0, -9.0
    got, flat = student.influential_neurons(wide, 6, 6), wide.reshape(6, -1)
    expect.same_ranking(got[0], np.argsort(-flat.max(1)), "the most positive neurons of wide maps")
    expect.same_ranking(got[1], np.argsort(flat.min(1)), "the most negative neurons of wide maps")
    one = normal(SEED + 34, 1, 3, 3)
    one[0, 2, 1], one[0, 1, 0] = 9.0, -9.0
    for alone in student.influential_neurons(one, 1, 1):
        expect.equal(alone, np.array([0]), "the neurons of a single map")
    idle = np.array([0.0, -1.0, 3.0, -2.0, 0.0, -0.5], dtype=np.float32)
    got = student.influential_neurons(idle, 4, 6)
    expect.equal(got[0], np.array([2, 0, 4, 5]), "the most positive neurons, of which two are 0")
    expect.equal(got[1], np.array([3, 1, 5, 0, 4, 2]), "the most negative neurons")
    zeros = np.array([-0.0, 0.0, -1.0, 0.0, -0.0, 2.0], dtype=np.float32)  # they are equal
    for given in (zeros, NumPy(zeros), zeros.tolist()):
        got = student.influential_neurons(given, 6, 6)
        expect.equal(got[0], np.array([5, 0, 1, 3, 4, 2]), "the most positive neurons, some 0")
        expect.equal(got[1], np.array([2, 0, 1, 3, 4, 5]), "the most negative neurons, some 0")
    large = np.array([3e8, -2e8, 1e8, 2e8, -1e8], dtype=np.float32)  # less 1 is the same number
    got = student.influential_neurons(large, 5, 5)
    expect.equal(got[0], np.array([0, 3, 2, 4, 1]), "the most positive neurons of large numbers")
    expect.equal(got[1], np.array([1, 4, 2, 3, 0]), "the most negative neurons of large numbers")
    ties = np.array([1.0, -3.0, 2.0, -3.0, 2.0, 1.0, -3.0, 2.0] * 4, dtype=np.float32)
    for influence in (ties, NumPy(ties.astype(np.float64)), ties.tolist()):
        got = student.influential_neurons(influence, 20, 20)
        down, up = np.argsort(-ties, kind="stable"), np.argsort(ties, kind="stable")
        expect.equal(got[0], down[:20], "the most positive neurons with ties")
        expect.equal(got[1], up[:20], "the most negative neurons with ties")


@check("influential_neurons", points=0.5, needs=[finds_the_most_positive])
def may_name_a_neuron_twice(student: Student) -> None:
    """Name a neuron in both lists if it has both a strong positive and negative feature.

    Half the points if the right neurons come in another order, or if the argument is changed.
    """
    influence = 0.1 * normal(SEED + 30, 7, 3, 3)
    influence[4, 0, 0], influence[4, 2, 2] = 5.0, -5.0
    got = student.influential_neurons(influence, 2, 2)
    flat = influence.reshape(7, -1)
    expect.same_ranking(got[0], np.argsort(-flat.max(1))[:2], "the most positive neurons")
    expect.same_ranking(got[1], np.argsort(flat.min(1))[:2], "the most negative neurons")
    answers_anew(
        student,
        "influential_neurons",
        lambda case: [normal(case.seed, 6, 3, 2), 3, 2],
        "the neurons",
    )
    row = influence[:, 0, 0]
    for some in (influence, row, row.astype(np.float64), NumPy(row), row.tolist()):
        for numbers in ((2, 2), (0, 3), (3, 0)):
            leaves_as_found(student, [student.call("influential_neurons", some, *numbers)])


@check("influential_neurons", points=0.5, needs=[finds_the_most_positive])
def refuses_impossible_numbers(student: Student) -> None:
    """Raise ValueError or IndexError for numbers below 0 or above the number of neurons.

    Each call that raises earns its share of the points.
    """
    maps = {"influence": normal(SEED + 38, 9, 2, 2)}
    many = tuple((f"{words} that are maps", {**maps, **wrong}) for words, wrong in ODD[2:])
    good = {"influence": normal(SEED + 31, 9), "positive": 1, "negative": 1}
    refuses(student, bad(student, "influential_neurons", ODD, many, **good))


@check("mask_slice", points=0.5, needs=[keeps_some_and_zeroes_the_rest])
def may_keep_nothing(student: Student) -> None:
    """If no neuron is kept, pass zeros to the next layer."""
    for case in OTHERS:
        call: tuple[Any, ...] = (case.network, case.layer, [])
        got, expected = (f.mask_slice(*call)(case.xs(3)) for f in (student, oracle))
        expect.close(got, expected, what="the output with no neuron kept")


@check("mask_slice", points=1, needs=[keeps_some_and_zeroes_the_rest])
def takes_any_order(student: Student) -> None:
    """Accept `keep` as a list, array or tensor, in any order, with repeats; keep float64.

    Half the points if the values are right, but the given model is changed.
    """
    for case in OTHERS:
        keep = np.array([1, 0, 1, 1], dtype=np.int64)
        expected = oracle.mask_slice(case.network, case.layer, [0, 1])(case.xs(3))
        for given in (keep, NumPy(keep), NumPy(keep.astype(np.int32)), keep.tolist()):
            got = student.mask_slice(case.network, case.layer, given)(case.xs(3))
            expect.close(got, expected, what="the output with neurons 0 and 1 kept")
    wide = Case(Network("many_classes", seed=SEED + 22), 2, 0, SEED + 22)
    most = [n for n in range(wide.shape[0]) if n % 7]
    got, expected = (f.mask_slice(wide.network, 2, most)(wide.xs(3)) for f in (student, oracle))
    expect.close(got, expected, what=f"the output with {len(most)} of {wide.shape[0]} neurons kept")
    case = Case(Network("smooth_cnn", seed=SEED + 10, dtype="float64"), 0, 0, SEED + 10)
    module = student.mask_slice(case.network, 0, [2])
    reply = student.reply(Call("()", {"module": module.call, "inputs": case.xs(2)}))
    dtype_kept(reply, "float64")
    expected = oracle.mask_slice(case.network, 0, [2])(case.xs(2))
    expect.close(module(case.xs(2)), expected, expect.FLOAT64, "the output in float64")
    changes_nothing(student, "mask_slice", 2, [3, 0])
    norm = replace(case.network, family="dropout_bn")
    for layer in (1, 7):
        leaves_as_found(student, [student.call("mask_slice", norm, layer, [3, 0])])
    for layer in (1, 4):
        module_answers_anew(student, "mask_slice", partial(_masked, layer), "the output")


def _masked(layer: int, case: Case) -> list[Any]:
    return [case.network, layer, [0, 2] if case.target == 1 else [3, 1]]


@check("mask_slice", points=1, needs=[keeps_some_and_zeroes_the_rest])
def refuses_neurons_that_are_not_there(student: Student) -> None:
    """Raise ValueError or IndexError for bad layers and neurons.

    For a neuron that does not exist, the function may raise, or the module when it is called. Each
    call that raises earns its share of the points.
    """
    good = {"model": MLP.network, "layer": 1, "keep": [0, 2]}
    refused = bad(student, "mask_slice", BAD_XS[2:5], **good)
    cnn = Case(Network("smooth_cnn", seed=SEED + 13, mixed=True), 0, 0, SEED + 13)
    for case, count in ((MLP, 9), (cnn, 4)):
        for words, keep in (
            (f"neuron {count} of {count}", [0, count]),
            ("neuron -1", [-1, 2]),
            (f"neuron {count} of {count}, which comes first", [count, 0]),
            ("neuron -1, which comes last", [2, -1]),
            ("neuron -1 between others", [0, -1, 2]),
            (f"neuron {count} of {count} in a second call", [count, 0]),
        ):
            made = student.call("mask_slice", case.network, case.layer, keep)
            refused.append((words, Call("()", {"module": made, "inputs": case.xs(2)})))
    refuses(student, refused)


@check("binary_classifier", points=1.5, needs=[gives_one_margin_per_row])
def is_right_elsewhere_too(student: Student) -> None:
    """Agree with our solution on further networks, also if no neuron is kept.

    A single row, scores of any size and float64 are tried. Neurons without any influence are tied,
    and ties go to the lower index. Half the points if the values are right, but arguments,
    parameters, gradients or modes are changed.
    """
    for first in OTHERS:
        for positive, negative in ((2, 2), (0, 1), (0, 0), (first.shape[0], 0)):
            clearly = partial(_chosen_clearly, rows=3, positive=positive, negative=negative)
            case = redrawn(first, clearly)
            if case is None:
                continue
            call = (case.network, case.layer, case.xs(3), case.target, positive, negative)
            got, expected = (f.binary_classifier(*call)(case.xs(4)) for f in (student, oracle))
            what = f"the margin with {positive} positive and {negative} negative neurons"
            expect.close(got, expected, what=what)
    first = Case(Network("smooth_mlp", mix=((1e6, SEED + 25),), seed=SEED + 25), 1, 0, SEED + 25)
    found = redrawn(first, lambda case: _chosen_clearly(_least(case), 1, 2, 1))
    if found is not None:
        low = _least(found)
        call = (low.network, low.layer, low.xs(1), low.target, 2, 1)
        got, expected = (f.binary_classifier(*call)(low.xs(4)) for f in (student, oracle))
        expect.close(got, expected, what="the margin of a class of very low score")
    double = case_list(("smooth_mlp", 1, SEED + 14), dtype="float64")
    idle = [(case, rest) for case in case_list(("digits", 3, SEED + 16)) for rest in (1, 2, 3, 4)]
    large = [(case, 2) for case in (*case_list(("deep_affine", 0, SEED + 15)), *double)]
    for first, rest in (*large, *idle):
        cuts = (first.shape[0] - rest, 1)
        case = redrawn(first, partial(_chosen_clearly, rows=1, positive=cuts[0], negative=1))
        if case is None:
            continue
        call = (case.network, case.layer, case.xs(1), case.target, *cuts)
        xs = case.xs(40) * np.asarray(300.0, dtype=case.network.dtype)
        got, expected = (f.binary_classifier(*call)(xs) for f in (student, oracle))
        tolerance = expect.FLOAT64 if first in double else expect.FLOAT32
        expect.close(got, expected, tolerance, "the margin where scores are large")
    for number in range(6):
        again = Case(Network("smooth_mlp", seed=SEED + 60 + number), 1, 0, SEED + 60 + number)
        few = again.xs(3)[[0, 1, 0, 0, 2, 0, 0]]
        influence = oracle.class_influence(again.network, 1, few, 0)
        if clear(influence, [3]) and clear(-influence, [2]):
            call = (again.network, 1, few, 0, 3, 2)
            got, expected = (f.binary_classifier(*call)(again.xs(4)) for f in (student, oracle))
            expect.close(got, expected, what="the margin where rows stand several times")
    _is_right_for_the_winner(student)
    changes_nothing(student, "binary_classifier", 2, "xs", 1, 2, 1)
    for least in (1, 2):  # the second case is of the same class, or of another one
        module_answers_anew(
            student,
            "binary_classifier",
            partial(_classified, least),
            "the margin",
            clearly=lambda case: all(
                _chosen_clearly(replace(case, target=target), 3, 2, 1) for target in (1, 2)
            ),
        )


def _classified(least: int, case: Case) -> list[Any]:
    return [case.network, 1, case.xs(3), min(case.target, least), 2, 1]


def _is_right_for_the_winner(student: Student) -> None:
    """A class of a large number that is ahead: its own score is none of the others."""
    case = Case(Network("many_classes", seed=SEED + 70), 1, 0, SEED + 70)
    rows = case.xs(120)
    first = case.scores(*rows).argmax(1)
    ahead = np.flatnonzero(first > 256)[:2]
    for row in ahead:
        call = (case.network, 1, rows[:2], int(first[row]), case.shape[0], 0)
        got, expected = (f.binary_classifier(*call)(rows[ahead]) for f in (student, oracle))
        expect.close(got, expected, what=f"the margin of class {first[row]} of 300")


def _least(case: Case) -> Case:
    """The case with the class of the lowest score."""
    return replace(case, target=int(case.scores(*case.xs(1))[0].argmin()))


def _chosen_clearly(case: Case, rows: int, positive: int, negative: int) -> bool:
    influence = oracle.class_influence(case.network, case.layer, case.xs(rows), case.target)
    return clear(influence, [positive]) and clear(-influence, [negative])


@check("binary_classifier", points=0.5, needs=[gives_one_margin_per_row])
def refuses_bad_arguments(student: Student) -> None:
    """Raise ValueError or IndexError for bad classes, layers, batches and neuron numbers.

    Each call that raises earns its share of the points.
    """
    good = {
        "model": MLP.network,
        "layer": 1,
        "xs": MLP.xs(),
        "target": 2,
        "positive": 1,
        "negative": 1,
    }
    refuses(student, bad(student, "binary_classifier", BAD_XS, BAD_CLASS, ODD, **good))


@check("evaluate", points=0.5, needs=[counts_right])
def evaluates_in_eval_mode(student: Student) -> None:
    """Run the classifier in eval mode, and leave its mode and all else unchanged.

    That holds if the classifier raises, too. Half the points if the values are right, but something
    is changed.
    """
    xs = normal(SEED + 41, 60, 4, scale=2.0)
    seed = next(filter(lambda seed: _tells(seed, xs), SEED.candidates(SEED + 40)), SEED + 40)
    network = Network("margin", seed=seed, training=True, mixed=True, grads=True)
    truth = (np.arange(60) % 3 == 0).tolist()
    expected = oracle.evaluate(network, xs, truth)
    got = student.evaluate(network, xs, truth)
    for name, ours, theirs in zip(("accuracy", "precision", "recall"), got, expected, strict=True):
        expect.close(ours, theirs, what=f"the {name} of a classifier with dropout", scale=1)
    held = student.evaluate(replace(network, held=True), xs, truth)
    expect.close(held, expected, what="the evaluation of a module that is no nn.Sequential")
    for training in (False, True):
        for mixed in (False, True):
            other = replace(network, training=training, mixed=mixed)
            leaves_as_found(student, [student.call("evaluate", other, xs, truth)])
    double, rows = replace(network, dtype="float64"), xs.astype(np.float64)
    leaves_as_found(student, [student.call("evaluate", double, rows, truth)])
    wider = normal(SEED + 43, 60, 5)  # it cannot take five features
    leaves_as_found(student, [student.call("evaluate", network, wider, truth)], may_raise=True)
    calls = [
        student.call("evaluate", replace(network, seed=network.seed + n), rows, truth)
        for n, rows in enumerate((xs, normal(SEED + 45, 60, 4, scale=2.0)))
    ]
    lists = {n: list(c.arguments.values()) for n, c in zip(("first", "second"), calls, strict=True)}
    for value, call in zip(student.driven("again", *calls, **lists), calls, strict=True):
        expected = oracle.evaluate(*call.arguments.values())
        expect.close(value, expected, what="the evaluation of one of two calls", scale=1)
    in_place, stored = Network("inplace_margin", seed=SEED + 42), Network("stored_margin")
    for careless, some in ((in_place, xs), (stored, xs[:3, :1])):
        leaves_as_found(student, [student.call("evaluate", careless, some, truth[: len(some)])])
    expected, got = (f.evaluate(in_place, xs, truth) for f in (oracle, student))
    expect.close(got, expected, what="the evaluation of a module that works in place", scale=1)


def _tells(seed: int, xs: np.ndarray) -> bool:
    """Whether the margin calls some rows the class and others not, and none of them nearly both."""
    margin = scores(Network("margin", seed=seed), xs)
    return bool((np.abs(margin) > 1e-3).all() and 6 <= (margin > 0).sum() <= len(xs) - 6)


@check("evaluate", points=0.5, needs=[counts_right])
def takes_any_truth(student: Student) -> None:
    """Accept any callable, `is_target` as a list, an array or a tensor, and a batch of one.

    Half the points if the values are right, but an argument is changed.
    """
    truth = np.array([True, False, True, False])
    for given in (truth, NumPy(truth), truth.tolist()):
        quality(student, (1.0, 1.0, -1.0, -3.0), getattr(given, "array", given), (0.5, 0.5, 0.5))
        classifier, rows = margins(1.0, 1.0, -1.0, -3.0)
        got = student.evaluate(classifier, rows, given)
        expect.close(got[0], 0.5, what="the accuracy", scale=1)
    function = replace(classifier, function=True)
    of_function = student.evaluate(function, rows, truth)
    expect.close(
        of_function, (0.5, 0.5, 0.5), what="the evaluation of a function that is no module"
    )
    learnt, some = Network("margin", seed=SEED + 40, function=True), normal(SEED + 44, 9, 4)
    every = np.ones(9, dtype=bool)
    expected, got = (f.evaluate(learnt, some, every) for f in (oracle, student))
    expect.close(got, expected, what="the evaluation of a function with parameters")
    quality(student, (2.0,), [True], (1.0, 1.0, 1.0))
    quality(student, (1e-9, -1e-9, 1e-9, 1e-30), [True, True, False, True], (0.5, 2 / 3, 2 / 3))
    three = np.array([True, False, True])
    classifier, rows = margins(1.0, 1.0, -1.0)
    for is_target in (three, NumPy(three), three.tolist()):
        leaves_as_found(student, [student.call("evaluate", classifier, rows, is_target)])
        got = student.evaluate(classifier, rows, is_target)
        expect.close(got[0], 1 / 3, 1e-5, "the accuracy of one right row in three", scale=1)
    many = tuple(1.0 if i % 3 == 0 or i > 100 else -1.0 for i in range(700))
    rows, said = np.arange(len(many)), np.array(many) > 0
    truth = rows % 2 == 0
    found = float((said & truth).sum())
    expected = (float((said == truth).mean()), found / said.sum(), found / truth.sum())
    quality(student, many, truth, expected)


@check("evaluate", points=0.5, needs=[counts_right])
def refuses_truth_of_another_length(student: Student) -> None:
    """Raise ValueError or IndexError for an empty batch and for truth of another length.

    Each call that raises earns its share of the points.
    """
    classifier, rows = margins(1.0, -1.0, 2.0)
    wrong = (
        ("is_target that is too short", {"is_target": [True, False]}),
        ("is_target that is too long", {"is_target": [True, False, True, True]}),
        ("an empty batch", {"xs": rows[:0], "is_target": []}),
        ("one truth for three rows", {"is_target": [True]}),
        ("three truths for one row", {"xs": rows[:1], "is_target": [True, False, True]}),
    )
    mixed = replace(classifier, mixed=True)
    good = {"classifier": mixed, "xs": rows, "is_target": [True, False, True]}
    refuses(student, bad(student, "evaluate", wrong, **good))
