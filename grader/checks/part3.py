"""Part 3: model compression, the essence of a class."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from grader.checks.framework import expect
from grader.checks.framework.cases import SIZES, Case, case_list, cases, normal
from grader.checks.framework.registry import check, for_all
from grader.checks.framework.shared import by_slice, of_all_sizes, right_on, right_on_each
from grader.checks.framework.student import Student
from grader.gan_metrics.measure import digits
from grader.homework.networks import Network, build
from grader.oracle.live import oracle
from grader.records import Feedback, Figure

__all__: list[str] = []

MARGINS = [
    *case_list(("smooth_cnn", 0, 51), ("smooth_cnn", 3, 52), ("smooth_mlp", 1, 53)),
    *case_list(("relu_avg_cnn", 1, 54), ("slides", 2, 55)),
    *case_list(("smooth_mlp", 3, 56), head="softmax"),
    *case_list(("dropout_bn", 1, 57), training=True),
    *case_list(("inplace_cnn", 3, 58), ("smooth_mlp", -1, 59), ("smooth_mlp", 4, 60)),
]


@check("influential_neurons", points=1)
def finds_the_most_positive(student: Student) -> None:
    """Find the neurons whose maps have the largest maxima, strongest first.

    Do not use means or absolute values. Half the points if the right neurons come in another order.
    """

    def holds(case: tuple[np.ndarray, int]) -> None:
        influence, k = case
        order = np.argsort(-influence.reshape(len(influence), -1).max(1), kind="stable")
        got, _ = student.influential_neurons(influence, k, 2)
        expect.same_ranking(got, order[:k], f"the {k} most positive of {len(influence)}")

    right_on_each(student, product((normal(31, 12), _maps(32), *of_all_sizes(31)), (1, 4)), holds)


@check("influential_neurons", points=1)
def finds_the_most_negative(student: Student) -> None:
    """Find the neurons whose maps have the smallest minima, strongest first.

    The most negative neuron comes first. Half the points if the right neurons come in another
    order.
    """

    def holds(case: tuple[np.ndarray, int]) -> None:
        influence, k = case
        order = np.argsort(influence.reshape(len(influence), -1).min(1), kind="stable")
        _, got = student.influential_neurons(influence, 2, k)
        expect.same_ranking(got, order[:k], f"the {k} most negative of {len(influence)}")

    right_on_each(student, product((normal(33, 12), _maps(34), *of_all_sizes(33)), (1, 4)), holds)


def _maps(seed: int) -> np.ndarray:
    influence = normal(seed, 8, 4, 4)
    influence[2, 1, 1], influence[5, 0, 3] = 7.0, -8.0  # strong features
    influence[2] -= 1.0  # in maps that lean the other way
    influence[5] += 1.0
    return influence


@check("influential_neurons", points=0.5)
def may_name_none(student: Student) -> None:
    """Return an empty list if none is asked for, and do not filter by sign.

    With positive = 0 or negative = 0 that list is empty. If all influences are positive, the
    smallest ones still count as the most negative. Half the points if the right neurons come in
    another order.
    """
    influence = np.abs(normal(35, 6)) + 0.1
    for positive, negative in ((0, 3), (3, 0), (0, 0), (6, 6)):
        got = student.influential_neurons(influence, positive, negative)
        down = np.argsort(-influence, kind="stable")
        expect.same_ranking(got[0], down[:positive], f"the {positive} most positive")
        up = np.argsort(influence, kind="stable")
        expect.same_ranking(got[1], up[:negative], f"the {negative} most negative")


_KEEP = [(), (0,), (1, 3), (3, 1), (2,), (0, 1, 2, 3), (3, 3, 0)]


@check("mask_slice", points=1.5)
@for_all(cases(["smooth_cnn", "relu_avg_cnn", "inplace_cnn"], layers=[0, 2], seeds=4), _KEEP)
def keeps_some_and_zeroes_the_rest(student: Student, case: tuple[Case, tuple[int, ...]]) -> None:
    """Keep the output of kept neurons exactly, and set all others to zero.

    We look at the masked output of the layer itself: after the layer, this network only flattens.
    The order of `keep` and repeated entries do not matter.
    """
    spec, keep = case
    ending = replace(spec.network, ends=spec.layer)
    z = spec.activations(*spec.xs(3))
    whole, got = (
        student.mask_slice(ending, spec.layer, kept)(spec.xs(3)) for kept in ([0, 1, 2, 3], [*keep])
    )
    expect.that(
        got.shape == whole.shape == (3, z[0].size),
        f"the masked network returns the shape {got.shape} instead of {(3, z[0].size)}",
    )
    whole, got = whole.reshape(z.shape), got.reshape(z.shape)
    expect.close(whole, z, what="the output of the layer with every neuron kept")
    rest = [n for n in range(4) if n not in keep]
    zero = np.zeros_like(whole[:, rest])
    expect.equal(got[:, rest], zero, f"the output of neurons {rest} with keep={list(keep)}")
    kept = sorted(set(keep))
    expect.equal(
        got[:, kept], whole[:, kept], f"the output of the kept neurons with keep={list(keep)}"
    )


@check("mask_slice", points=1)
def changes_nothing_when_all_are_kept(student: Student) -> None:
    """Change nothing if every neuron is kept, not even a softmax at the end.

    The scores stay the same for convolutional and linear slices, and differ if none is kept. A
    network that ends in a softmax still gives probabilities.
    """
    for case in MARGINS:
        got = student.mask_slice(case.network, case.layer, list(range(case.shape[0])))(case.xs(3))
        scores = case.scores(*case.xs(3))
        if case.network.head:
            powers = np.exp(scores - scores.max(1, keepdims=True))
            scores = powers / powers.sum(1, keepdims=True)
        expect.close(got, scores, what="the output with all neurons kept")
    for size in SIZES:
        spec, xs = Network("affine", ends=-1), normal(61, 3, 5, scale=size)
        got, kept = student.mask_slice(spec, -1, [0, 3])(xs), xs * [1, 0, 0, 1, 0]
        expect.close(got, kept, what=f"two of five inputs of about {size:g}")
    for case in MARGINS:
        got = student.mask_slice(case.network, case.layer, list(range(case.shape[0])))(case.xs(3))
        none = student.mask_slice(case.network, case.layer, [])(case.xs(3))
        expect.that(
            none.shape == got.shape,
            f"the output has the shape {none.shape} where no neuron is kept",
            expected=f"{got.shape}, as where all are kept",
        )
        expect.that(
            expect.relative_error(none, got) > expect.DIFFERENCES,
            "the output is the same with no neuron kept as with all",
            expected="another output, of a layer that is zero everywhere",
            actual=expect.show(none),
        )


@check("mask_slice", points=1)
def masks_behind_the_layer(student: Student) -> None:
    """Mask the output of the layer, not its input.

    The output of the masked network agrees with our solution. Half the points if only linear or
    only convolutional slices are right.
    """

    def holds(case: Case) -> None:
        keep = list(range(0, case.shape[0], 3))
        call = (case.network, case.layer, keep)
        got, expected = (f.mask_slice(*call)(case.xs(40)) for f in (student, oracle))
        expect.close(
            got, expected, what=f"the output with every third neuron of layer {case.layer}"
        )

    right_on(student, by_slice(MARGINS), holds)


@check("binary_classifier", points=0)
def gives_one_margin_per_row(student: Student) -> None:
    """Return one number per row: (N,)."""
    for case in MARGINS:
        call = (case.network, case.layer, case.xs(4), case.target, 2, 1)
        classifier = student.binary_classifier(*call)
        for rows in (5, 1):
            expect.finite(classifier(case.xs(rows)), f"the margins of a batch of {rows}")


@check("binary_classifier", points=2, needs=[gives_one_margin_per_row])
def is_the_margin_of_the_masked_network(student: Student) -> None:
    """Return the score of the class minus the highest other score, of the masked network.

    Scores are taken before softmax. The kept neurons are those of the most positive and the most
    negative influence on the class, averaged over the rows.
    """
    for case in MARGINS:
        many = 8 if case.network.family == "slides" else 70
        for positive, negative, rows in ((2, 1, 4), (1, 3, many)):
            xs = case.xs(rows)
            call = (case.network, case.layer, xs, case.target, positive, negative)
            got, expected = (f.binary_classifier(*call)(case.xs(many)) for f in (student, oracle))
            what = f"the margin with {positive} positive and {negative} negative neurons"
            expect.close(got, expected, what=what)


CLASSES = (0, 2, 4, 6, 9)
"""What the reference's ``random_classes(10, k=5, seed=0)`` draws, in order."""

LAYER, POSITIVE, NEGATIVE = 4, 6, 2
MARGIN, AHEAD = 0.02, 0.05


@check("binary_classifier", points=2, needs=[gives_one_margin_per_row])
def keeps_the_essence_of_a_digit(student: Student) -> Feedback:
    """On a network that reads digits, tell a class from the rest with 8 of 32 neurons.

    For five classes of a trained network we ask your classifier about 300 digits that it has not
    seen. Its balanced accuracy is the mean of the share of the class that it finds and the share of
    the others that it rejects. It should be at most 0.02 below that of our solution, and at least
    0.05 above that of 8 random neurons.
    """
    essence = _looked_at(student)
    rows = [_essence(student, target) for target in CLASSES]
    ours, reference, random = (float(np.mean([row[i] for row in rows])) for i in range(3))
    words = (
        f"The balanced accuracy on the digits {', '.join(map(str, CLASSES))} is {ours:.3f} "
        f"(our solution {reference:.3f}, random neurons {random:.3f})."
    )
    names = ("yours", "ours", "random neurons", "all 32 neurons")
    arrays = {n: [float(row[i]) for row in rows] for i, n in enumerate(names)}
    figures = (
        Figure("bars", f"balanced accuracy on the digits {CLASSES}, after masking", arrays),
        *essence,
    )
    expect.that(
        ours >= reference - MARGIN and ours >= random + AHEAD,
        words,
        expected=f"at least {max(reference - MARGIN, random + AHEAD):.3f}",
        actual=f"{ours:.3f}",
        hint="keep the neurons with the largest maxima and the smallest minima of "
        "class_influence, and take the margin before softmax",
        figures=figures,
    )
    return Feedback(message=words, figures=figures)


def _looked_at(student: Student) -> tuple[Figure, ...]:
    """What the kept neurons look at: how far the margin falls if a pixel becomes background."""
    shown: list[Any] = []
    falls = {}
    for target in CLASSES:
        xs, digit = _of_class(target), digits().held_out[digits().held_out_labels == target][0]
        blanked = np.repeat(digit[None], 65, 0)
        blanked.reshape(65, 64)[np.arange(64), np.arange(64)] = -1.0  # the last row stays whole
        call = (Network("digits"), LAYER, xs, target, POSITIVE, NEGATIVE)
        margins = student.binary_classifier(*call)(blanked)
        fall = np.asarray(margins[64] - margins[:64], dtype=float).reshape(8, 8)
        shown.append(digit[0].tolist())
        falls[f"is it a {target}?"] = fall.tolist()
    return (
        Figure("images", f"a digit of each of the classes {CLASSES}", {"digits": shown}),
        Figure(
            "maps",
            "the essence of the class, by your classifier of 8 neurons: orange pixels speak for "
            "the class (without them the margin falls), blue ones against it",
            falls,
        ),
    )


def _of_class(target: int) -> np.ndarray:
    rows: np.ndarray = digits().train[digits().train_labels == target][:30]
    return rows


def _essence(student: Student, target: int) -> tuple[float, float, float, float]:
    data, network = digits(), Network("digits")
    xs = _of_class(target)
    held_out, truth = data.held_out[:300], data.held_out_labels[:300] == target
    call = (network, LAYER, xs, target, POSITIVE, NEGATIVE)
    ours, reference = (
        _balanced(functions.binary_classifier(*call)(held_out), truth)
        for functions in (student, oracle)
    )
    draw = np.random.RandomState(target)
    others = []
    for _ in range(5):
        keep = sorted(draw.permutation(32)[: POSITIVE + NEGATIVE].tolist())
        scores = oracle.mask_slice(network, LAYER, keep)(held_out)
        rest = np.delete(scores, target, axis=1).max(1)
        others.append(_balanced(scores[:, target] - rest, truth))
    import torch

    with torch.no_grad():
        scores = build(network)(torch.from_numpy(held_out)).numpy()
    whole = _balanced(scores[:, target] - np.delete(scores, target, axis=1).max(1), truth)
    return ours, reference, float(np.mean(others)), whole


def _balanced(margin: np.ndarray, truth: np.ndarray) -> float:
    said = margin > 0
    return float((said[truth].mean() + (~said[~truth]).mean()) / 2)


def margins(*values: float, dtype: str = "float32") -> tuple[Network, np.ndarray]:
    """A classifier whose margin is its input, and the rows that give it these margins."""
    rows = np.array(values, dtype=dtype)[:, None]
    return Network("identity_margin", dtype=dtype), rows


def quality(
    student: Student, values: tuple[float, ...], truth: Any, expected: tuple[float, float, float]
) -> None:
    """``evaluate`` of given margins gives the counted shares."""
    classifier, rows = margins(*values)
    got = student.evaluate(classifier, rows, truth)
    for name, ours, theirs in zip(("accuracy", "precision", "recall"), got, expected, strict=True):
        expect.close(
            ours,
            theirs,
            what=f"the {name} of margins {list(values)} and truth {np.asarray(truth).tolist()}",
            scale=1,
        )


def qualities(
    student: Student, *cases: tuple[tuple[float, ...], Any, tuple[float, float, float]]
) -> None:
    """:func:`quality` of each case."""
    right_on_each(student, cases, lambda case: quality(student, *case))


@check("evaluate", points=1.5)
def counts_right(student: Student) -> None:
    """Return accuracy, precision and recall, each between 0 and 1, in this order.

    Precision is the share of the class among the rows that the classifier calls the class. Recall
    is the share that it finds among the rows of the class.
    """
    truth = [True, True, True, False, False, False, False, False]
    # 2 found, 1 missed, 3 false alarms, 2 rejected
    qualities(
        student,
        ((1.0, 2.0, -1.0, 3.0, 0.5, 0.1, -2.0, -0.1), truth, (4 / 8, 2 / 5, 2 / 3)),
        ((1.0, -1.0, -2.0), np.array([True, False, False]), (1.0, 1.0, 1.0)),
        ((-1.0, 1.0, 2.0), [True, True, False], (1 / 3, 1 / 2, 1 / 2)),
    )


@check("evaluate", points=0.5, needs=[counts_right])
def takes_zero_for_a_no(student: Student) -> None:
    """A margin above 0 means that the row is the class; a margin of 0 means that it is not."""
    qualities(
        student,
        ((0.0, 1.0, 0.0, -1.0), [True, True, False, False], (3 / 4, 1.0, 1 / 2)),
        ((1e-3, 1e-6, -1e-6, 0.0), [True, True, False, False], (1.0, 1.0, 1.0)),
    )


@check("evaluate", points=0.5, needs=[counts_right])
def has_no_denominator(student: Student) -> None:
    """Return 0 for precision or recall if its denominator is 0."""
    qualities(
        student,
        ((-1.0, -2.0), [True, False], (1 / 2, 0.0, 0.0)),
        ((1.0, -2.0), [False, False], (1 / 2, 0.0, 0.0)),
        ((-1.0, -2.0), [False, False], (1.0, 0.0, 0.0)),
    )
