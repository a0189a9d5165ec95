"""Mistakes about masks, margins and how a classifier is evaluated: ``base.py``, one step wrong.

The docstring of a class says what it does; ``__init__.py`` says in which functions it is a mistake.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from .base import Half, Way
from .steps import Masked

# The mask and the margin


class MaskSwapped(Way):
    """the kept neurons set to zero"""

    def mask(self, z: Tensor, keep: Tensor) -> Tensor:
        return z - super().mask(z, keep)


class MaskedRows(Way):
    """rows of the batch set to zero"""

    def mask(self, z: Tensor, keep: Tensor) -> Tensor:
        return super().mask(z.transpose(0, 1), keep[keep < len(z)]).transpose(0, 1)


class BiasLeft(Way):
    """weights of the layer set to zero, its bias left"""

    def masked(self, network: nn.Sequential, layer: int, keep: Tensor) -> nn.Sequential:
        place = max(i for i in range(layer + 1) if hasattr(network[i], "weight"))
        layer_with_bias: Any = network[place]
        self.bias: Tensor = layer_with_bias.bias.detach()
        h, g = self.halves(network, place)
        return nn.Sequential(*h, Masked(self, keep), *g)

    def mask(self, z: Tensor, keep: Tensor) -> Tensor:
        left = torch.zeros_like(z) + self.bias.reshape(-1, *[1] * (z.dim() - 2))
        left[:, keep] = z[:, keep]
        return left


class MaskForgotten(Way):
    """no mask"""

    def mask(self, z: Tensor, keep: Tensor) -> Tensor:
        return z


class SoftmaxDropped(Way):
    """the softmax taken off"""

    def mask_slice(self, model: nn.Sequential, layer: int, keep: Iterable[int]) -> nn.Sequential:
        return super().mask_slice(self.network(model), layer, keep)

    def split(self, model: nn.Sequential, layer: int) -> tuple[Half, Half]:
        return super().split(self.network(model), layer)


class NegativeMissing(Way):
    """neurons of most positive influence alone"""

    def chosen(self, influence: Tensor, positive: int, negative: int) -> Tensor:
        return super().chosen(influence, positive, 0)


class PositiveMissing(Way):
    """neurons of most negative influence alone"""

    def chosen(self, influence: Tensor, positive: int, negative: int) -> Tensor:
        return super().chosen(influence, 0, negative)


class MarginOfProbabilities(Way):
    """margin after the softmax"""

    def margin(self, scores: Tensor, target: int) -> Tensor:
        return super().margin(scores.softmax(1), target)


class MarginOverMean(Way):
    """margin over the mean of the others"""

    def margin(self, scores: Tensor, target: int) -> Tensor:
        return scores[:, target] - self.others(scores, target).mean(1)


class MarginOverSum(Way):
    """margin over the sum of the others"""

    def margin(self, scores: Tensor, target: int) -> Tensor:
        return scores[:, target] - self.others(scores, target).sum(1)


class MarginOverAll(Way):
    """margin over the highest score of all"""

    def others(self, scores: Tensor, target: int) -> Tensor:
        return scores


class RunnerUp(Way):
    """margin over the second highest score of all"""

    def margin(self, scores: Tensor, target: int) -> Tensor:
        return scores[:, target] - scores.topk(2, dim=1).values[:, 1]


class ScoreAlone(Way):
    """the score, no margin"""

    def margin(self, scores: Tensor, target: int) -> Tensor:
        return scores[:, target]


class ProbabilityAlone(Way):
    """the probability, no margin"""

    def margin(self, scores: Tensor, target: int) -> Tensor:
        return scores.softmax(1)[:, target]


class MarginTurned(Way):
    """highest other score minus score"""

    def margin(self, scores: Tensor, target: int) -> Tensor:
        return -super().margin(scores, target)


class MarginInColumn(Way):
    """margins of the shape (N, 1)"""

    def margin(self, scores: Tensor, target: int) -> Tensor:
        return super().margin(scores, target)[:, None]


# Evaluation


class ZeroSaysYes(Way):
    """a margin of 0 says that it is the class"""

    def says(self, margins: Tensor) -> Tensor:
        return margins >= 0


class OneHalf(Way):
    """margins taken for probabilities"""

    def says(self, margins: Tensor) -> Tensor:
        return margins > 0.5


class Swapped(Way):
    """precision and recall swapped"""

    def quality(self, said: Tensor, truth: Tensor) -> tuple[float, float, float]:
        accuracy, precision, recall = super().quality(said, truth)
        return accuracy, recall, precision


class PerCent(Way):
    """in per cent"""

    def quality(self, said: Tensor, truth: Tensor) -> tuple[float, float, float]:
        accuracy, precision, recall = super().quality(said, truth)
        return 100 * accuracy, 100 * precision, 100 * recall


class AccuracyPerCent(Way):
    """accuracy in per cent"""

    def quality(self, said: Tensor, truth: Tensor) -> tuple[float, float, float]:
        accuracy, precision, recall = super().quality(said, truth)
        return 100 * accuracy, precision, recall


class OneWithoutDenominator(Way):
    """1 where precision or recall has no denominator"""

    def quality(self, said: Tensor, truth: Tensor) -> tuple[float, float, float]:
        accuracy, precision, recall = super().quality(said, truth)
        return accuracy, precision if said.any() else 1.0, recall if truth.any() else 1.0


class OverBothClasses(Way):
    """precision and recall averaged over both classes"""

    def quality(self, said: Tensor, truth: Tensor) -> tuple[float, float, float]:
        accuracy, *one = super().quality(said, truth)
        _, *other = super().quality(~said, ~truth)
        precision, recall = (sum(pair) / 2 for pair in zip(one, other, strict=True))
        return accuracy, precision, recall


class OverAllRows(Way):
    """precision and recall over all rows"""

    def quality(self, said: Tensor, truth: Tensor) -> tuple[float, float, float]:
        accuracy, _, _ = super().quality(said, truth)
        hits = float((said & truth).double().mean())
        return accuracy, hits, hits
