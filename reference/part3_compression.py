"""Part 3: model compression, the essence of a class.

If influence finds the neurons that matter for a class, these alone should still tell the class
from the others: keep them, set all others of the slice to zero, and read the network as a binary
classifier (Leino et al. 2018, arXiv:1802.03788, on the essence of a class).

Arguments and errors as in part 1.
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
    """Return k distinct classes of range(num_classes), the same for the same seed.

    Raises IndexError unless 1 <= k <= num_classes.
    """
    part1.require_index("k", k, 1, num_classes)
    return random.Random(seed).sample(range(num_classes), k)


def influential_neurons(
    influence: part1.Values, positive: int, negative: int
) -> tuple[Tensor, Tensor]:
    """Return the neurons of most positive and of most negative influence: int64, strongest first.

    Most positive is the largest maximum over a neuron's map, most negative the smallest minimum.
    Signs do not filter, a neuron may be in both, and ties go to the lower index.

    Args:
        influence: Z.
        positive, negative: how many of each, 0 ... neurons, else IndexError.
    """
    influence = part1.numbers(influence)
    part1.require_index("positive", positive, 0, len(influence))
    part1.require_index("negative", negative, 0, len(influence))
    return part1.ranking(influence)[:positive], part1.ranking(-influence)[:negative]


def mask_slice(model: nn.Sequential, layer: int, keep: Iterable[int]) -> nn.Sequential:
    """Return the network with every neuron not in ``keep`` set to zero at the output of ``layer``.

    The layers are the model's own, its softmax stays.  ``keep`` is a set: its order and repeats do
    not matter, and it may be empty.  A negative index raises IndexError here, one that is too large
    when the network is called.
    """
    h, g = part1.split(model, layer)
    return nn.Sequential(*h, KeepNeurons(keep), *g)


def binary_classifier(
    model: nn.Sequential, layer: int, xs: Tensor, target: int, positive: int, negative: int
) -> nn.Module:
    """Return the network masked to the neurons of most influence on a class, as "is it the class?".

    The neurons are those that `influential_neurons` names for the class's influence over ``xs``.

    Returns:
        Module (N, *input_shape) -> (N,): score of ``target`` minus highest other score of the
        masked network, before softmax.  Positive means "it is the class".
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
        Accuracy; precision, the share of the class among the rows that are said to be of it; and
        recall, the share that is found among the rows of the class.

    Raises:
        ValueError: ``xs`` is empty, or ``is_target`` is not one value a row.
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
