"""Parts 1 to 3 a second time, in small steps, so that a mistake can replace one of them.

A method is one step (which network, where the slice is, which points, which weights, which order),
or a function of the homework, which combines steps.  A subclass that changes one step is another
way to write the homework, right or wrong.  To learn how to *solve* the homework, read
``part1_focused.py`` and its neighbours instead: this code checks no argument, and may change the
model that it gets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from .part1_focused import Quantity, Values, numbers, ranks

__all__ = ["FUNCTIONS", "Half", "Rule", "Way"]

Half = nn.Sequential
Rule = Callable[[int], tuple[Tensor, Tensor]]
"""Steps to nodes (n,) on [0, 1] and their weights: (n,), or (rules, n) for several at once."""

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


class Masked(nn.Module):
    """The step `Way.mask`, as a layer."""

    def __init__(self, way: Way, keep: Tensor) -> None:
        super().__init__()
        self.way, self.keep = way, keep

    def forward(self, z: Tensor) -> Tensor:
        """(N, C, ...) -> (N, C, ...)."""
        return self.way.mask(z, self.keep)


class Margins(nn.Module):
    """The step `Way.margin`, after a network."""

    def __init__(self, way: Way, network: nn.Module, target: int) -> None:
        super().__init__()
        self.way, self.network, self.target = way, network, target

    def forward(self, xs: Tensor) -> Tensor:
        """(N, ...) -> (N,)."""
        return self.way.margin(self.network(xs), self.target)


class Way:
    """One gradient of the sum over the batch; midpoint."""

    def __init__(self, rule: Rule | None = None) -> None:
        self.given = rule

    def names(self) -> dict[str, Callable[..., Any]]:
        """The functions by name, as a submission's files define them."""
        return {name: getattr(self, name) for name in FUNCTIONS}

    # The slice and the quantity of interest

    def network(self, model: nn.Sequential) -> nn.Sequential:
        """In eval mode, without a last softmax."""
        model.eval()
        layers = list(model)
        last = isinstance(layers[-1], nn.Softmax | nn.LogSoftmax)
        return nn.Sequential(*layers[: len(layers) - last])

    def halves(self, network: nn.Sequential, layer: int) -> tuple[Half, Half]:
        """The h and g of a slice."""
        layers = list(network)
        return nn.Sequential(*layers[: layer + 1]), nn.Sequential(*layers[layer + 1 :])

    def scores(self, output: Tensor) -> Tensor:
        """What of the network's output is explained, (N, K) -> (N, K)."""
        return output

    def score(self, target: int) -> Quantity:
        """Of one class."""
        return lambda output: self.scores(output)[:, target]

    def comparison(self, c1: int, c2: int) -> Quantity:
        """Of one class rather than another."""
        return lambda output: self.scores(output)[:, c1] - self.scores(output)[:, c2]

    def single(self, c1: int, c2: int) -> int:
        """The class that a comparison is held against."""
        return c1

    def activation(self, neuron: int) -> Quantity:
        """Of a neuron, (N, *Z) -> (N,)."""
        return lambda z: z[:, neuron].reshape(len(z), -1).amax(1)

    # Gradients and the distribution of interest

    def gradients(self, h: Half, g: Half, xs: Tensor, quantity: Quantity) -> Tensor:
        """The gradient of a quantity at z = h(x), one for each row.

        Args:
            h, g: the halves of the network.
            xs: (n, *input_shape).
            quantity: of the output of g, (n, ...) -> (n,).

        Returns:
            (n, *Z), dtype of ``xs``; signed.
        """
        z = h(xs.clone()).detach().requires_grad_()
        gradient: Tensor = torch.autograd.grad(quantity(g(z.clone())).sum(), z)[0]
        return gradient

    def distribution(self, weights: Values | None, rows: int) -> Tensor:
        """P over the rows, (rows,) float64."""
        p = torch.ones(rows, dtype=torch.float64) if weights is None else numbers(weights)
        return p / p.sum()

    def average(self, rows: Tensor, p: Tensor) -> Tensor:
        """(n, *Z) under weights (n,) or (rules, n): Z, or (rules, *Z)."""
        mean: Tensor = torch.tensordot(p.to(rows.dtype), rows, dims=1)
        return mean

    def finish(self, influence: Tensor) -> Tensor:
        """What is done to an average at the end."""
        return influence

    # The path

    def rule(self, steps: int) -> tuple[Tensor, Tensor]:
        """Nodes and weights."""
        if self.given is not None:
            return self.given(steps)
        nodes = (torch.arange(steps, dtype=torch.float64) + 0.5) / steps
        return nodes, torch.full_like(nodes, 1 / steps)

    def line(self, x: Tensor, baseline: Tensor, nodes: Tensor) -> Tensor:
        """The points of the line at which gradients are taken.

        Args:
            x: (*input_shape), where the line ends.
            baseline: (*input_shape), where it begins.
            nodes: (n,), 0 at the baseline and 1 at x.

        Returns:
            (n, *x.shape), dtype of ``x``.
        """
        alpha = nodes.to(x.dtype).reshape(-1, *[1] * x.dim())
        return baseline + alpha * (x - baseline)

    def difference(self, x: Tensor, baseline: Tensor) -> Tensor:
        """What an integrated gradient is multiplied by."""
        return x - baseline

    def path(
        self, h: Half, g: Half, x: Tensor, baseline: Tensor, quantity: Quantity, steps: int
    ) -> Tensor:
        """The average gradient on the line from the baseline to x.

        Args:
            h, g: the halves of the network.
            x: (*input_shape), where the line ends.
            baseline: (*input_shape), where it begins.
            quantity: of the output of g, (n, ...) -> (n,).
            steps: from which the rule makes its nodes and weights.

        Returns:
            Z, or (rules, *Z) for several rules at once; signed.
        """
        nodes, p = self.rule(steps)
        rows = self.gradients(h, g, self.line(x, baseline, nodes), quantity)
        return self.average(rows, p)

    def integral(
        self, network: Half, x: Tensor, baseline: Tensor, quantity: Quantity, steps: int
    ) -> Tensor:
        """Integrated gradients: the average gradient on the line, times the difference of its ends.

        Args:
            network: whose output has the quantity.
            x: (*input_shape), where the line ends.
            baseline: (*input_shape), where it begins.
            quantity: of the output of ``network``, (n, ...) -> (n,).
            steps: from which the rule makes its nodes and weights.

        Returns:
            x.shape, or (rules, *x.shape) for several rules at once; signed, in units of the
            quantity.
        """
        mean = self.path(nn.Sequential(), network, x, baseline, quantity, steps)
        return self.finish(self.difference(x, baseline) * mean)

    # Neurons

    def strength(self, influence: Tensor) -> Tensor:
        """How influential a neuron is, Z -> (neurons,)."""
        return influence.reshape(len(influence), -1).amax(1)

    def order(self, strength: Tensor) -> Tensor:
        """Neurons, strongest first."""
        return strength.sort(descending=True, stable=True).indices

    def first(self, order: Tensor, k: int) -> Tensor:
        """The k neurons that are named."""
        return order[:k]

    def highest(self, influence: Tensor, k: int) -> Tensor:
        """The k neurons of most positive influence."""
        return self.first(self.order(self.strength(influence)), k)

    def lowest(self, influence: Tensor, k: int) -> Tensor:
        """The k neurons of most negative influence."""
        return self.first(self.order(self.strength(-influence)), k)

    def correlation(self, a: Tensor, b: Tensor) -> float:
        """Spearman's, of (F,) and (F,)."""
        return self.pearson(ranks(a), ranks(b))

    def pearson(self, u: Tensor, v: Tensor) -> float:
        """Pearson's; 0 for constant input."""
        u, v = u - u.mean(), v - v.mean()
        spread = float(u @ u * (v @ v)) ** 0.5
        return float(u @ v) / spread if spread else 0.0

    def share(self, one: set[int], other: set[int], neurons: int) -> float:
        """The share of the top neurons that two attributions have in common.

        Args:
            one, other: the top neurons of each, equally many.
            neurons: how many neurons there are in all.

        Returns:
            Share in [0, 1].
        """
        return len(one & other) / len(one)

    def over_channels(self, s: Tensor) -> Tensor:
        """|saliency| of a pixel, (C, H, W) -> (1, H, W)."""
        return s.amax(0, keepdim=True)

    def brightness(self, saliency: Tensor) -> Tensor:
        """What pixels are multiplied by, in [0, 1]."""
        s = saliency.abs()
        s = self.over_channels(s) if s.dim() > 1 else s
        return s / s.max() if s.any() else s

    # The masked network

    def mask(self, z: Tensor, keep: Tensor) -> Tensor:
        """z with every neuron not kept set to zero."""
        kept = torch.zeros_like(z)
        kept[:, keep] = z[:, keep]
        return kept

    def masked(self, network: nn.Sequential, layer: int, keep: Tensor) -> nn.Sequential:
        """The network with the mask in it.

        Args:
            network: (N, *input_shape) -> (N, K).
            layer: the mask comes after this layer; -1 is the input.
            keep: int64, the neurons that stay.

        Returns:
            (N, *input_shape) -> (N, K).
        """
        h, g = self.halves(network, layer)
        return nn.Sequential(*h, Masked(self, keep), *g)

    def margin(self, scores: Tensor, target: int) -> Tensor:
        """(N, K) -> (N,)."""
        return scores[:, target] - self.others(scores, target).amax(1)

    def others(self, scores: Tensor, target: int) -> Tensor:
        """Scores of the other classes, (N, K - 1)."""
        return torch.cat([scores[:, :target], scores[:, target + 1 :]], dim=1)

    def ready(self, classifier: nn.Module) -> nn.Module:
        """In eval mode."""
        return classifier.eval()

    def says(self, margins: Tensor) -> Tensor:
        """Whether it is the class."""
        return margins > 0

    def quality(self, said: Tensor, truth: Tensor) -> tuple[float, float, float]:
        """Accuracy, precision and recall."""
        hits = int((said & truth).sum())
        accuracy = float((said == truth).double().mean())
        return accuracy, hits / max(1, int(said.sum())), hits / max(1, int(truth.sum()))

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
