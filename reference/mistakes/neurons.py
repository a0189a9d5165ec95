"""Mistakes about rankings, comparisons and pictures: ``base.py`` with one step wrong.

The docstring of a class says what it does; ``__init__.py`` says in which functions it is a mistake.
"""

from __future__ import annotations

from torch import Tensor

from ..part1_focused import Values, numbers
from .base import Way

# Ranking


class RankAbsolute(Way):
    """ranked by absolute values, signs kept apart afterwards"""

    def strength(self, influence: Tensor) -> Tensor:
        return super().strength(influence.abs())


class RankOfAbsolute(Way):
    """absolute values handed to the ranking"""

    def highest(self, influence: Tensor, k: int) -> Tensor:
        return super().highest(influence.abs(), k)

    def lowest(self, influence: Tensor, k: int) -> Tensor:
        return super().lowest(influence.abs(), k)


class LowestAbsolute(Way):
    """the second list by absolute values"""

    def lowest(self, influence: Tensor, k: int) -> Tensor:
        return super().lowest(-influence.abs(), k)


class RankMean(Way):
    """ranked by the mean over the map"""

    def strength(self, influence: Tensor) -> Tensor:
        return influence.reshape(len(influence), -1).mean(1)


class RankMeanAbsolute(Way):
    """ranked by the mean of absolute values over the map"""

    def strength(self, influence: Tensor) -> Tensor:
        return influence.abs().reshape(len(influence), -1).mean(1)


class RankLength(Way):
    """ranked by the length of the map"""

    def strength(self, influence: Tensor) -> Tensor:
        length: Tensor = influence.reshape(len(influence), -1).norm(dim=1)
        return length


class FeatureIndices(Way):
    """indices of features, not of neurons"""

    def highest(self, influence: Tensor, k: int) -> Tensor:
        return self.first(self.order(influence.reshape(-1)), k)

    def lowest(self, influence: Tensor, k: int) -> Tensor:
        return self.first(self.order(-influence.reshape(-1)), k)


class NeuronsOfTopFeatures(Way):
    """the neurons of the k strongest features"""

    def highest(self, influence: Tensor, k: int) -> Tensor:
        size = influence[0].numel()
        return self.first(self.order(influence.reshape(-1)), k) // size

    def lowest(self, influence: Tensor, k: int) -> Tensor:
        size = influence[0].numel()
        return self.first(self.order(-influence.reshape(-1)), k) // size


class OverlapOfFeatures(Way):
    """overlap of the k strongest features"""

    def compare_attributions(self, a: Values, b: Values, k: int) -> tuple[float, float]:
        one, other = (set(self.order(numbers(v).reshape(-1))[:k].tolist()) for v in (a, b))
        return super().compare_attributions(a, b, k)[0], len(one & other) / k


class LowestOfMaxima(Way):
    """most negative by the largest feature"""

    def lowest(self, influence: Tensor, k: int) -> Tensor:
        return self.first(self.strength(influence).sort(stable=True).indices, k)


class WeakestFirst(Way):
    """named weakest first"""

    def first(self, order: Tensor, k: int) -> Tensor:
        return super().first(order, k).flip(0)


class LowestWeakestFirst(Way):
    """the second list weakest first"""

    def lowest(self, influence: Tensor, k: int) -> Tensor:
        return super().lowest(influence, k).flip(0)


class Rising(Way):
    """the k weakest"""

    def order(self, strength: Tensor) -> Tensor:
        return strength.sort(stable=True).indices


class LowestHighest(Way):
    """the second list the end of the first one's order, not turned round"""

    def lowest(self, influence: Tensor, k: int) -> Tensor:
        return super().highest(influence, len(influence))[len(influence) - k :]


class CountedFromOne(Way):
    """neurons counted from one"""

    def first(self, order: Tensor, k: int) -> Tensor:
        return super().first(order, k) + 1


class IndexOrder(Way):
    """the right neurons, sorted by their indices"""

    def first(self, order: Tensor, k: int) -> Tensor:
        return super().first(order, k).sort().values


class TiesHigher(Way):
    """ties to the higher index"""

    def order(self, strength: Tensor) -> Tensor:
        return strength.sort(stable=True).indices.flip(0)


class HighestTiesHigher(TiesHigher):
    """ties to the higher index in the first list"""

    def lowest(self, influence: Tensor, k: int) -> Tensor:
        return Way().lowest(influence, k)


class LowestTiesHigher(TiesHigher):
    """ties to the higher index in the second list"""

    def highest(self, influence: Tensor, k: int) -> Tensor:
        return Way().highest(influence, k)


class SignFilter(Way):
    """neurons of the other sign left out"""

    def highest(self, influence: Tensor, k: int) -> Tensor:
        named = super().highest(influence, k)
        return named[self.strength(influence)[named] > 0]

    def lowest(self, influence: Tensor, k: int) -> Tensor:
        named = super().lowest(influence, k)
        return named[self.strength(-influence)[named] > 0]


class ListsSwapped(Way):
    """most negative first"""

    def influential_neurons(
        self, influence: Values, positive: int, negative: int
    ) -> tuple[Tensor, Tensor]:
        a = numbers(influence)
        return self.lowest(a, positive), self.highest(a, negative)


# Comparison and pictures


class SecondAlone(Way):
    """the comparison beside c2 alone"""

    def single(self, c1: int, c2: int) -> int:
        return c2


class Pearson(Way):
    """Pearson's correlation"""

    def correlation(self, a: Tensor, b: Tensor) -> float:
        return self.pearson(a, b)


class TiesApart(Way):
    """different ranks for ties"""

    def correlation(self, a: Tensor, b: Tensor) -> float:
        one, other = (v.argsort(stable=True).argsort().double() for v in (a, b))
        return self.pearson(one, other)


class Union(Way):
    """overlap over the union"""

    def share(self, one: set[int], other: set[int], neurons: int) -> float:
        return len(one & other) / len(one | other)


class OfAllNeurons(Way):
    """overlap over all neurons"""

    def share(self, one: set[int], other: set[int], neurons: int) -> float:
        return len(one & other) / neurons


class Counted(Way):
    """overlap as a number of neurons"""

    def share(self, one: set[int], other: set[int], neurons: int) -> float:
        return float(len(one & other))


class SamePlaces(Way):
    """neurons that have the same place in both"""

    def compare_attributions(self, a: Values, b: Values, k: int) -> tuple[float, float]:
        one, other = (self.highest(numbers(v), k) for v in (a, b))
        share = float((one == other).double().mean())
        return super().compare_attributions(a, b, k)[0], share


class Unnormalised(Way):
    """not divided by the maximum"""

    def brightness(self, saliency: Tensor) -> Tensor:
        s = saliency.abs()
        return self.over_channels(s) if s.dim() > 1 else s


class Spread(Way):
    """(s - min) / (max - min)"""

    def brightness(self, saliency: Tensor) -> Tensor:
        s = saliency.abs()
        s = self.over_channels(s) if s.dim() > 1 else s
        return (s - s.min()) / (s.max() - s.min())


class EveryChannel(Way):
    """not maximised over channels"""

    def over_channels(self, s: Tensor) -> Tensor:
        return s


class ChannelAlone(Way):
    """every channel over its own maximum"""

    def brightness(self, saliency: Tensor) -> Tensor:
        s = saliency.abs()
        return s / (s.amax((1, 2), keepdim=True) if s.dim() > 1 else s.max())


class ChannelMean(Way):
    """mean over channels"""

    def over_channels(self, s: Tensor) -> Tensor:
        return s.mean(0, keepdim=True)


class ChannelSum(Way):
    """summed over channels"""

    def over_channels(self, s: Tensor) -> Tensor:
        return s.sum(0, keepdim=True)


class SignedScale(Way):
    """signed saliency"""

    def brightness(self, saliency: Tensor) -> Tensor:
        s = self.over_channels(saliency) if saliency.dim() > 1 else saliency
        return s / s.max()


class SignedOverAbsolute(Way):
    """signed saliency over its largest absolute value"""

    def brightness(self, saliency: Tensor) -> Tensor:
        s = self.over_channels(saliency) if saliency.dim() > 1 else saliency
        return s / s.abs().max()


class PositiveScale(Way):
    """negative saliency set to zero"""

    def brightness(self, saliency: Tensor) -> Tensor:
        return super().brightness(saliency.clamp(min=0))
