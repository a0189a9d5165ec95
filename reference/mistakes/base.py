"""The functions of parts 1 to 3 a second time, made of small steps (``steps.py``).

A subclass that changes one step, or one function, is another way to write the homework, right or
wrong.  To learn how to *solve* the homework, read ``part1_focused.py`` and its neighbours instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from ..part1_focused import Values, numbers
from .steps import Half, Margins, Rule, Steps

__all__ = ["FUNCTIONS", "Half", "Rule", "Way"]

FUNCTIONS = (
    "linear_scores",
    "split",
    "instance_influence",
    "class_influence",
    "path_influence",
    "integrated_gradients",
    "top_neurons",
    "saliency_map",
    "integrated_saliency_map",
    "scale_pixels",
    "compare_attributions",
    "comparative_influence",
    "comparative_integrated_gradients",
    "distinguishing_neurons",
    "compare_with_single_class",
    "influential_neurons",
    "mask_slice",
    "binary_classifier",
    "evaluate",
)
"""All but ``random_classes``, which has no right value."""


class Way(Steps):
    """One gradient of the sum over the batch; midpoint."""

    def names(self) -> dict[str, Callable[..., Any]]:
        """The functions by name, as a submission's files define them."""
        return {name: getattr(self, name) for name in FUNCTIONS}

    # Functions of part 1

    def linear_scores(self, model: nn.Sequential) -> nn.Sequential:
        """Arguments as in `part1_focused.linear_scores`."""
        return self.network(model)

    def split(self, model: nn.Sequential, layer: int) -> tuple[Half, Half]:
        """Returns (h, g).  Arguments as in `part1_focused.split`."""
        return self.halves(model, layer)

    def instance_influence(
        self, model: nn.Sequential, layer: int, xs: Tensor, target: int
    ) -> Tensor:
        """Returns (N, *Z).  Arguments as in `part1_focused.instance_influence`."""
        return self.gradients(*self.halves(self.network(model), layer), xs, self.score(target))

    def class_influence(
        self,
        model: nn.Sequential,
        layer: int,
        xs: Tensor,
        target: int,
        weights: Values | None = None,
    ) -> Tensor:
        """Returns Z.  Arguments as in `part1_focused.class_influence`."""
        h, g = self.halves(self.network(model), layer)
        rows = self.gradients(h, g, xs, self.score(target))
        return self.finish(self.average(rows, self.distribution(weights, len(xs))))

    def path_influence(
        self,
        model: nn.Sequential,
        layer: int,
        x: Tensor,
        baseline: Tensor,
        target: int,
        steps: int = 50,
    ) -> Tensor:
        """Returns Z.  Arguments as in `part1_focused.path_influence`."""
        h, g = self.halves(self.network(model), layer)
        return self.finish(self.path(h, g, x, baseline, self.score(target), steps))

    def integrated_gradients(
        self, model: nn.Sequential, x: Tensor, baseline: Tensor, target: int, steps: int = 50
    ) -> Tensor:
        """Returns x.shape.  Arguments as in `part1_focused.integrated_gradients`."""
        return self.integral(self.network(model), x, baseline, self.score(target), steps)

    def top_neurons(self, attribution: Values, k: int = 1) -> Tensor:
        """Returns (k,).  Arguments as in `part1_focused.top_neurons`."""
        return self.highest(numbers(attribution), k)

    def saliency_map(self, model: nn.Sequential, layer: int, neuron: int, x: Tensor) -> Tensor:
        """Returns x.shape.  Arguments as in `part1_focused.saliency_map`."""
        h, _ = self.halves(self.network(model), layer)
        gradient = self.gradients(nn.Sequential(), h, x[None], self.activation(neuron))[0]
        return self.finish(gradient)

    def integrated_saliency_map(
        self,
        model: nn.Sequential,
        layer: int,
        neuron: int,
        x: Tensor,
        baseline: Tensor,
        steps: int = 50,
    ) -> Tensor:
        """Returns x.shape.  Arguments as in `part1_focused.integrated_saliency_map`."""
        h, _ = self.halves(self.network(model), layer)
        return self.integral(h, x, baseline, self.activation(neuron), steps)

    def scale_pixels(self, x: Tensor, saliency: Values) -> Tensor:
        """Returns x.shape.  Arguments as in `part1_focused.scale_pixels`."""
        return x * self.brightness(numbers(saliency)).to(x.dtype)

    def compare_attributions(self, a: Values, b: Values, k: int) -> tuple[float, float]:
        """Returns (rank correlation, overlap).

        Arguments as in `part1_focused.compare_attributions`.
        """
        a, b = numbers(a), numbers(b)
        one, other = (set(self.highest(v, k).tolist()) for v in (a, b))
        return self.correlation(a.flatten(), b.flatten()), self.share(one, other, len(a))

    # Functions of part 2

    def comparative_influence(
        self,
        model: nn.Sequential,
        layer: int,
        xs: Tensor,
        c1: int,
        c2: int,
        weights: Values | None = None,
    ) -> Tensor:
        """Returns Z.  Arguments as in `part2_comparative.comparative_influence`."""
        h, g = self.halves(self.network(model), layer)
        rows = self.gradients(h, g, xs, self.comparison(c1, c2))
        return self.finish(self.average(rows, self.distribution(weights, len(xs))))

    def comparative_integrated_gradients(
        self, model: nn.Sequential, x: Tensor, baseline: Tensor, c1: int, c2: int, steps: int = 50
    ) -> Tensor:
        """Returns x.shape.

        Arguments as in `part2_comparative.comparative_integrated_gradients`.
        """
        return self.integral(self.network(model), x, baseline, self.comparison(c1, c2), steps)

    def distinguishing_neurons(
        self, model: nn.Sequential, layer: int, xs: Tensor, c1: int, c2: int, k: int
    ) -> tuple[Tensor, Tensor]:
        """Returns (for c1, for c2).  Arguments as in `part2_comparative.distinguishing_neurons`."""
        return self.influential_neurons(self.comparative_influence(model, layer, xs, c1, c2), k, k)

    def compare_with_single_class(
        self, model: nn.Sequential, layer: int, xs: Tensor, c1: int, c2: int, k: int
    ) -> tuple[float, float]:
        """Returns (rank correlation, overlap).

        Arguments as in `part2_comparative.compare_with_single_class`.
        """
        comparative = self.comparative_influence(model, layer, xs, c1, c2)
        alone = self.class_influence(model, layer, xs, self.single(c1, c2))
        return self.compare_attributions(comparative, alone, k)

    # Functions of part 3

    def influential_neurons(
        self, influence: Values, positive: int, negative: int
    ) -> tuple[Tensor, Tensor]:
        """Returns (most positive, most negative).

        Arguments as in `part3_compression.influential_neurons`.
        """
        a = numbers(influence)
        return self.highest(a, positive), self.lowest(a, negative)

    def mask_slice(self, model: nn.Sequential, layer: int, keep: Iterable[int]) -> nn.Sequential:
        """Returns a network.  Arguments as in `part3_compression.mask_slice`."""
        neurons = sorted({int(neuron) for neuron in keep})
        return self.masked(model, layer, torch.tensor(neurons, dtype=torch.int64))

    def chosen(self, influence: Tensor, positive: int, negative: int) -> Tensor:
        """The neurons that a classifier keeps.

        Args:
            influence: Z, signed.
            positive: how many of most positive influence.
            negative: how many of most negative influence.

        Returns:
            (positive + negative,) int64; a neuron may be there twice.
        """
        return torch.cat(self.influential_neurons(influence, positive, negative))

    def binary_classifier(
        self,
        model: nn.Sequential,
        layer: int,
        xs: Tensor,
        target: int,
        positive: int,
        negative: int,
    ) -> nn.Module:
        """Returns a module of margins.  Arguments as in `part3_compression.binary_classifier`."""
        influence = self.class_influence(model, layer, xs, target)
        keep = self.chosen(influence, positive, negative)
        return Margins(self, self.masked(self.network(model), layer, keep), target)

    def evaluate(
        self, classifier: nn.Module, xs: Tensor, is_target: Values
    ) -> tuple[float, float, float]:
        """Returns (accuracy, precision, recall).  Arguments as in `part3_compression.evaluate`."""
        margins = self.ready(classifier)(xs.clone()).detach()
        return self.quality(self.says(margins.reshape(-1)), numbers(is_target) != 0)
