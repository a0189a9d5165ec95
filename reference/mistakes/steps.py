"""Parts 1 to 3 in small steps, so that a mistake can replace one of them.

A step says which network is explained, where the slice is, at which points gradients are taken,
with which weights they are averaged, and in which order neurons come.  ``base.py`` combines the
steps to the functions of the homework.  This code checks no argument, and may change the model
that it gets.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ..part1_focused import Quantity, Values, numbers, ranks

__all__ = ["Half", "Margins", "Masked", "Rule", "Steps"]

Half = nn.Sequential
Rule = Callable[[int], tuple[Tensor, Tensor]]
"""Steps to nodes (n,) on [0, 1] and their weights: (n,), or (rules, n) for several at once."""


class Masked(nn.Module):
    """The step `Steps.mask`, as a layer."""

    def __init__(self, way: Steps, keep: Tensor) -> None:
        super().__init__()
        self.way, self.keep = way, keep

    def forward(self, z: Tensor) -> Tensor:
        """(N, C, ...) -> (N, C, ...)."""
        return self.way.mask(z, self.keep)


class Margins(nn.Module):
    """The step `Steps.margin`, after a network."""

    def __init__(self, way: Steps, network: nn.Module, target: int) -> None:
        super().__init__()
        self.way, self.network, self.target = way, network, target

    def forward(self, xs: Tensor) -> Tensor:
        """(N, ...) -> (N,)."""
        return self.way.margin(self.network(xs), self.target)


class Steps:
    """One gradient of the sum over the batch; midpoints of equal pieces of the line."""

    def __init__(self, rule: Rule | None = None) -> None:
        self.given = rule

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
        return classifier.eval() if isinstance(classifier, nn.Module) else classifier

    def says(self, margins: Tensor) -> Tensor:
        """Whether it is the class."""
        return margins > 0

    def quality(self, said: Tensor, truth: Tensor) -> tuple[float, float, float]:
        """Accuracy, precision and recall."""
        hits = int((said & truth).sum())
        accuracy = float((said == truth).double().mean())
        return accuracy, hits / max(1, int(said.sum())), hits / max(1, int(truth.sum()))
