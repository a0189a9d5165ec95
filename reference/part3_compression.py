"""Part 3: model compression, the essence of a class.

If influence finds the neurons that matter for a class, these neurons alone should still tell the
class from the others.  So keep them, set all others of the slice to zero, and use the network as a
binary classifier (Leino et al. 2018, arXiv:1802.03788, on the essence of a class).

Arguments and errors are those of part 1.
"""

import random
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import NamedTuple

import torch
from torch import Tensor, nn

if __package__:
    from . import part1_focused as part1
else:  # a submission folder, where the files lie flat
    import part1_focused as part1  # type: ignore[import-not-found, no-redef]

__all__ = [
    "Evaluation",
    "binary_classifier",
    "evaluate",
    "influential_neurons",
    "mask_slice",
    "random_classes",
]


class Evaluation(NamedTuple):
    """Quality of a binary classifier, each in [0, 1]; 0 where there is no denominator."""

    accuracy: float
    precision: float
    recall: float


class KeepNeurons(nn.Module):
    """Set every neuron that is not kept to zero: (N, C, ...) -> (N, C, ...)."""

    keep: Tensor

    def __init__(self, keep: Iterable[int]) -> None:
        super().__init__()
        neurons = sorted({int(neuron) for neuron in keep})
        if neurons and neurons[0] < 0:
            raise IndexError(f"'keep' must hold indices >= 0 (got {neurons[0]})")
        self.register_buffer("keep", torch.tensor(neurons, dtype=torch.int64), persistent=False)

    def forward(self, z: Tensor) -> Tensor:
        """Copy the kept neurons, to the bit; IndexError for one that z does not have."""
        kept = torch.zeros_like(z)  # not z times a mask: 0 * inf is NaN
        kept[:, self.keep] = z[:, self.keep]
        return kept


class Margin(nn.Module):
    """By how much the score of a class exceeds the highest other score: (N, ...) -> (N,)."""

    def __init__(self, scores: nn.Module, target: int) -> None:
        super().__init__()
        self.scores = scores
        self.target = target

    def forward(self, xs: Tensor) -> Tensor:
        """Return the margin of each row, in score units; positive means "it is the class"."""
        scores = self.scores(xs)  # (N, K)
        others = torch.cat([scores[:, : self.target], scores[:, self.target + 1 :]], dim=1)
        margin: Tensor = scores[:, self.target] - others.amax(1)
        return margin


def random_classes(num_classes: int, k: int = 5, seed: int = 0) -> list[int]:
    """Draw k distinct classes; the same seed draws the same ones.

    Args:
        num_classes: how many classes there are, >= 1.
        k: how many are drawn, 1 ... num_classes.
        seed: of a generator of its own; the global random state stays as it is.

    Returns:
        k distinct ints in range(num_classes), in the order in which they are drawn.

    Raises:
        IndexError: ``k`` is out of range.
    """
    part1.require_index("k", k, 1, num_classes)
    return random.Random(seed).sample(range(num_classes), k)


def influential_neurons(
    influence: part1.Values, positive: int, negative: int
) -> tuple[Tensor, Tensor]:
    """The neurons of most positive influence, and those of most negative influence.

    Most positive is the largest maximum over a neuron's map, most negative the smallest minimum.
    Neither list is filtered by sign, and a neuron may be in both.

    Args:
        influence: Z, signed.
        positive: how many of most positive influence, 0 ... neurons.
        negative: how many of most negative influence, 0 ... neurons.

    Returns:
        (positive,) and (negative,) int64, strongest first; ties go to the lower index.

    Raises:
        IndexError: ``positive`` or ``negative`` is out of range.
    """
    influence = part1.numbers(influence)
    part1.require_index("positive", positive, 0, len(influence))
    part1.require_index("negative", negative, 0, len(influence))
    return part1.ranking(influence)[:positive], part1.ranking(-influence)[:negative]


def mask_slice(model: nn.Sequential, layer: int, keep: Iterable[int]) -> nn.Sequential:
    """The network with every neuron not in ``keep`` set to zero at the output of ``layer``.

    The new network shares its layers with the model, and keeps a softmax at the end.

    Args:
        model: (N, *input_shape) -> (N, K); it is not changed.
        layer: the slice is after this layer; -1 is the input.
        keep: neurons, a set: order and repeats do not matter, and it may be empty.

    Returns:
        (N, *input_shape) -> (N, K).

    Raises:
        IndexError: no such layer, or ``keep`` holds a negative index.  An index that is too large
            raises it when the network is called.
    """
    h, g = part1.split(model, layer)
    return nn.Sequential(*h, KeepNeurons(keep), *g)


def binary_classifier(
    model: nn.Sequential, layer: int, xs: Tensor, target: int, positive: int, negative: int
) -> nn.Module:
    """The network masked to the most influential neurons of a class, as "is it the class?".

    The neurons are those that `influential_neurons` names for the class's influence over ``xs``.

    Args:
        model: (N, *input_shape) -> (N, K), K >= 2; it is not changed.
        layer: the slice is after this layer; -1 is the input.
        xs: (N, *input_shape), N >= 1, as a rule instances of the class.
        target: the class, 0 ... K - 1.
        positive: how many neurons of most positive influence stay, 0 ... neurons.
        negative: how many of most negative influence stay, 0 ... neurons.

    Returns:
        Module (N, *input_shape) -> (N,): score of ``target`` minus the highest other score of the
        masked network, before softmax.  Positive means "it is the class".

    Raises:
        IndexError: no such layer or class, or ``positive`` or ``negative`` is out of range.
        ValueError: ``xs`` has no rows.
    """
    influence = part1.class_influence(model, layer, xs, target)
    keep = torch.cat(influential_neurons(influence, positive, negative))
    return Margin(part1.linear_scores(mask_slice(model, layer, keep)), target)


def evaluate(
    classifier: Callable[[Tensor], Tensor], xs: Tensor, is_target: part1.Values
) -> Evaluation:
    """Evaluate a binary classifier, which says "it is the class" where its margin is > 0.

    Args:
        classifier: (N, *input_shape) -> (N,) margins; a module runs in eval mode.
        xs: (N, *input_shape), N >= 1.
        is_target: (N,) bool, whether a row is of the class.

    Returns:
        Accuracy, precision and recall, each in [0, 1].  Precision is the share of the class among
        the rows that the classifier calls the class; recall is the share that it finds of the rows
        of the class.

    Raises:
        ValueError: ``xs`` is empty, or ``is_target`` does not hold one value for each row.
    """
    truth = part1.numbers(is_target) != 0  # (N,)
    if len(xs) == 0 or truth.shape != (len(xs),):
        raise ValueError(
            "'xs' must have rows and 'is_target' one value for each "
            f"(got {len(xs)} rows and shape {(*truth.shape,)})"
        )
    with ExitStack() as stack:
        if isinstance(classifier, nn.Module):
            stack.enter_context(part1.evaluating(classifier))
        stack.enter_context(torch.no_grad())
        margin = classifier(xs.clone())  # it may work in place
    said = (margin > 0).reshape(-1)
    hits = int((said & truth).sum())
    return Evaluation(
        accuracy=float((said == truth).double().mean()),
        precision=hits / max(1, int(said.sum())),
        recall=hits / max(1, int(truth.sum())),
    )
