"""Which known mistake a wrong result is, where that is beyond doubt, and what a student reads then.

A result is held against what the right way and every known mistake would have given for the same
call.  A mistake is named when it gives the very numbers that came back, the right way is far from
them, so is every other mistake, and the mistake also gives what came back from earlier calls.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["AWAY", "NEAR", "SENTENCES", "Answer", "diagnose", "name_of"]

Parts = tuple[np.ndarray, ...]

NEAR = 1e-4
"""Relative L2 error up to which a result is that of a mistake: the checks' own tolerance."""
NEAR_FEW = 1e-5
"""The same of one or two numbers, which agree by accident more easily."""
AWAY = 1e-2
"""From here on a result is another one; in between nothing is said."""

COVERS = {"times_x": {"zero_baseline"}, "predicted_class": {"other_class"}}
"""What is true of other mistakes, too, and is said where they cannot be told apart: on a linear
network it makes no difference where the line lies, and the class behind may be the predicted one.
"""


@dataclass(frozen=True)
class Answer:
    """What came back from a call, and what could have: by mistake, and under ``""`` what is right.

    Each of these are alternatives, one for every accepted rule of an integral; none is a call on
    which the mistake has no value.
    """

    function: str
    given: Parts
    possible: Mapping[str, Sequence[Parts]]


def name_of(key: str) -> str:
    """The mistake's name without the way to make it: ``"absolute"`` of ``"absolute.Result"``."""
    return key.partition(".")[0]


def diagnose(answers: Sequence[Answer]) -> str:
    """The name of the mistake, or nothing where it is not beyond doubt.

    Args:
        answers: latest first; the first that is wrong is diagnosed, the others confirm.
    """
    for answer in answers:
        right = answer.possible.get("", ())
        if not right or min(max(_errors(answer.given, r)) for r in right) <= AWAY:
            continue
        if not any(part.any() for part in answer.given):
            return ""  # zeros have many causes
        if _few(answer.given) and _few(right[0]):
            return ""  # and so have one or two numbers
        others = [a for a in answers if a is not answer and a.function == answer.function]
        return _name(answer, others)
    return ""


def _name(wrong: Answer, others: Sequence[Answer]) -> str:
    misfits = {key: _misfit(wrong, key) for key in wrong.possible if key}
    left = [key for key, misfit in misfits.items() if misfit <= AWAY]
    for other in others:
        left = [key for key in left if _misfit(other, key, confirming=True) <= AWAY]
    names = {name_of(key) for key in left}
    for name, others_too in COVERS.items():
        if name in names:
            names -= others_too
    exact = any(misfits[key] <= NEAR for key in left)
    return names.pop() if len(names) == 1 and exact else ""


def _misfit(answer: Answer, key: str, *, confirming: bool = False) -> float:
    """How far a mistake is from what came back.

    An item of a tuple may suffer from another mistake: there this one need only be right.
    """
    found = [float("inf")]
    for made in answer.possible.get(key, ()):
        errors = _errors(answer.given, made)
        found.append(max(errors))
        for right in answer.possible[""] if len(made) > 1 else ():
            theirs, ours = _errors(answer.given, right), _errors(made, right)
            if confirming or max(ours) > NEAR:
                items = zip(errors, theirs, ours, strict=True)
                found.append(max((e for e, a, b in items if a <= AWAY or b > NEAR), default=0.0))
    return min(found)


def _few(parts: Parts) -> bool:
    return len(parts) == 1 and parts[0].dtype.kind == "f" and parts[0].size < 3


def _errors(given: Parts, made: Parts) -> list[float]:
    if len(given) != len(made):
        return [float("inf")]
    return [_error(g, m) for g, m in zip(given, made, strict=True)]


def _error(given: np.ndarray, made: np.ndarray) -> float:
    if given.shape != made.shape:
        return float("inf")
    if made.dtype.kind in "iub":
        return 0.0 if np.array_equal(given, made) else float("inf")
    a, m = given.astype(np.float64), made.astype(np.float64)
    if not (np.isfinite(a).all() and np.isfinite(m).all()):
        return float("inf")
    error = float(np.linalg.norm(a - m)) / max(float(np.linalg.norm(m)), 1e-12)
    return error if a.size > 2 else error * NEAR / NEAR_FEW


_LAYER = "model[layer] is the last layer of h, and z is what comes out of it"

SENTENCES = {
    # The quantity of interest
    "after_softmax": "This is taken behind the softmax, from a probability or its logarithm. There "
    "a class also gains when the others lose, so it no longer says what speaks for this class: the "
    "quantity of interest is the score before the softmax.",
    "last_layer_dropped": "The last layer is gone although it is no softmax: these are features, "
    "not class scores.",
    "predicted_class": "This explains the class that the network predicts, not the one that was "
    "asked for. The two differ exactly where an explanation is most interesting.",
    "all_classes": "This is the derivative of the scores of all classes added up, not of the one "
    "that was asked for: what speaks for one class and against another cancels.",
    "other_class": "This explains a neighbouring class, not the one that was asked for: classes "
    "count from 0.",
    "one_class": "This is the explanation of c1 alone: c2 is left out, so what speaks for both "
    "classes alike is still in it.",
    "c2_alone": "This is the explanation of c2 alone: the question is what speaks for c1 rather "
    "than c2.",
    "classes_swapped": "c1 and c2 are swapped: this says what speaks for c2 rather than c1.",
    "classes_added": "The two classes are added up where their difference is meant, so what tells "
    "them apart cancels and what they share counts twice.",
    "classes_divided": "The influence on c1 is divided by the one on c2: a quotient explodes where "
    "c2 does not care, and says nothing about which class is ahead.",
    "single_c2": "The comparison is held against the explanation of c2, not against that of c1 "
    "alone.",
    "other_neuron": "This is the map of another neuron than the one that was asked for: a neuron "
    "is an index into the first dimension of the slice, counted from 0, and stands for its whole "
    "map.",
    "strongest_neuron": "This explains the strongest neuron of the layer, not the one that was "
    "asked for.",
    "map_sum": "The neuron's map is added up here. Its activation is the largest value of its map: "
    "a sum mixes the place where the neuron fires with all the places where it does not.",
    "map_mean": "The neuron's map is averaged here. Its activation is the largest value of its "
    "map: an average drowns the one place where the neuron fires.",
    # The slice and its gradients
    "train_mode": "The network ran in train mode: dropout drew at random and batch norm looked at "
    "the other rows, so this explains another network than the one that answers.",
    "layer_before": f"The slice is one layer too early: {_LAYER}.",
    "layer_after": f"The slice is one layer too late: {_LAYER}.",
    "halves_swapped": "h and g are returned the other way round: h comes first, it takes the input "
    "to the slice.",
    "overwritten": "These are the gradients behind the next layer: it works in place and has "
    "overwritten the features that were kept, so that they are no longer those of the slice.",
    "times_activation": "The gradient is multiplied by the features here. Influence is the "
    "derivative alone: how the quantity answers to a small change of a feature, however large the "
    "feature is.",
    "absolute": "These are absolute values. The sign says whether a feature speaks for the class "
    "or against it, and in an average only signed terms can cancel.",
    "clipped": "Negative values are set to zero here. They say what speaks against the class, and "
    "without them neither averages nor sums come out right.",
    "sum_for_mean": "This is a sum where an average is meant: it grows with the number of points "
    "instead of settling.",
    "not_averaged": "This has one row per instance: the average over the distribution of interest "
    "is missing.",
    "over_neurons": "The average is taken over the neurons, not over the instances: one number is "
    "left per instance, where one per feature is meant.",
    "accumulated": "Gradients add up from one point to the next here: the .grad of the point "
    "before was still there when the next one was computed, so early points count many times.",
    "weights_ignored": "The weights make no difference here: this is the plain mean over the rows, "
    "whatever the distribution of interest is.",
    "weights_raw": "The weights are used as they came. A distribution of interest adds up to 1, so "
    "only their proportions may matter.",
    "rows_dropped": "Rows that the network takes for another class are left out here. The "
    "distribution of interest is over all rows: mistakes of the network need explaining too.",
    # The path
    "wrong_count": "The number of points and the number by which their sum is divided are not the "
    "same, so the weights do not add up to 1: even on a linear network, where every point has the "
    "same gradient, the average is off.",
    "at_the_end": "This is the gradient at x alone. A network that saturates before x has hardly "
    "any gradient left there; the average over the whole way from the baseline is meant.",
    "at_the_start": "This is the gradient at the baseline alone; the average over the whole way to "
    "x is meant.",
    "zero_baseline": "The baseline makes no difference here: the way starts at zero instead. An "
    "attribution is always relative to the baseline that was asked for.",
    "path_from_zero": "The line starts at zero instead of at the baseline. Both ends of the way "
    "matter: only then does the attribution add up to the change of the score.",
    "off_the_line": "The points do not lie between the baseline and x: the first should be at (or "
    "near) the baseline, the last at (or near) x.",
    "times_x": "The average gradient is multiplied by x, not by x - baseline: a pixel that does "
    "not differ from the baseline should get nothing, and the sum should be the change of the "
    "score.",
    "no_difference": "This is the gradient alone: it is not multiplied by (x - baseline), so it "
    "says how sensitive the score is, not how much each pixel contributed.",
    "difference_reversed": "The gradient is multiplied by baseline - x, so every sign is the wrong "
    "way round: what speaks for the class looks as if it spoke against it.",
    "times_difference": "This is multiplied by the change of the features. Influence along the way "
    "is the average derivative alone; multiplying makes an attribution of it.",
    "straight_inside": "The way is straight in the features of the slice here. It should be "
    "straight in the input: the points between h(baseline) and h(x) need not belong to any input.",
    # Neurons
    "rank_absolute": "The ranking is by absolute values. A strongly negative neuron is not among "
    "the most positive ones: it speaks against the class.",
    "rank_mean": "Neurons are ranked by the mean over their maps. One strong feature makes a "
    "neuron influential, and a mean hides it: the extreme of the map counts.",
    "lowest_maxima": "The negative neurons are those of the smallest maximum. A neuron with both a "
    "strong positive and a strong negative feature is missed: the smallest minimum counts.",
    "weakest_first": "The order is the wrong way round: the strongest neuron comes first, so that "
    "a list that is cut off keeps the strongest ones.",
    "ties_higher": "Among equally influential neurons the one of the lower index comes first.",
    "sign_filtered": "Neurons of the other sign are left out here: as many as were asked for "
    "should be named, whatever their sign, or the lists of two classes cannot be compared.",
    "lists_swapped": "The two lists are swapped: the most positive neurons come first.",
    "pearson": "This is Pearson's correlation of the values. Spearman's is that of their ranks, so "
    "that one huge feature does not decide alone.",
    "ties_apart": "Equal values get different ranks here, in the order in which they happen to "
    "stand. Ties share the average of their ranks.",
    "overlap_count": "The overlap is the share of the k top neurons of one explanation that are "
    "among the k top neurons of the other, in any order: it is between 0 and 1.",
    "unnormalised": "The saliency is not divided by its largest value alone: the most salient "
    "pixel should keep its value, and one without saliency should go dark.",
    "channels_apart": "Every channel is dimmed on its own here, which changes the colours: a "
    "pixel's saliency is the largest over its channels.",
    "channels_averaged": "Saliency is averaged or added up over the channels here: a pixel's "
    "saliency is the largest over its channels.",
    "signed_scale": "The saliency keeps its sign here. A pixel on which the neuron depends matters "
    "whichever way it pushes, and a negative factor would invert it.",
    # The mask and the classifier
    "mask_swapped": "Kept and masked are swapped: the neurons in `keep` are those that are set to "
    "zero.",
    "masked_rows": "Rows of the batch are set to zero here: neurons are the dimension behind it.",
    "mask_forgotten": "Nothing is masked here: the network answers with all of its neurons.",
    "softmax_dropped": "The softmax is gone here: where a network is only cut, or masked, it stays "
    "what it was otherwise.",
    "negative_missing": "Only the neurons of most positive influence are kept: those of most "
    "negative influence are missing, which tell the class from the others as well.",
    "positive_missing": "Only the neurons of most negative influence are kept: those of most "
    "positive influence are missing.",
    "margin_over_mean": "The score is held against the mean of the other scores. One class that "
    "scores higher is enough for the network to say so: the highest other score counts.",
    "margin_over_sum": "The score is held against the sum of the other scores: the highest of them "
    "counts.",
    "margin_over_all": "The class itself is among the scores that it is held against, so the "
    "margin is never positive and the classifier never says that it is the class.",
    "no_margin": "This is the score of the class alone. It says that it is the class only where it "
    "is above the highest other one: the margin is the difference.",
    "margin_turned": "The margin has the wrong sign: positive means that it is the class.",
    "margin_in_column": "The margins stand in a column: one number per row is meant.",
    # Evaluation
    "zero_says_yes": "The threshold is another one: a margin above 0 says that it is the class, "
    "and one of exactly 0 does not.",
    "precision_recall_swapped": "Precision and recall are swapped: precision is the share of the "
    "class among the rows that are taken for it, recall the share of its rows that are found.",
    "per_cent": "These are per cent: shares between 0 and 1 are meant.",
    "other_rows": "Precision and recall are of other rows: precision is among the rows that are "
    "taken for the class, recall among those that are of it.",
}
"""What a student reads, by name of the mistake."""
