"""Mistakes about slices, gradients and averages: ``base.py`` with one step wrong.

The docstring of a class says what it does; ``__init__.py`` says in which functions it is a mistake.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ..part1_focused import Quantity, Values, numbers
from .base import Half, Way
from .steps import Margins

# The slice and its gradients


class RuleByRule(Way):
    """the points of each rule of integration in a batch of their own"""

    def path(
        self, h: Half, g: Half, x: Tensor, baseline: Tensor, quantity: Quantity, steps: int
    ) -> Tensor:
        nodes, p = self.rule(steps)
        state = torch.get_rng_state()
        paths = []
        for weights in p.reshape(-1, len(nodes)):
            torch.set_rng_state(state)
            used = weights != 0
            rows = self.gradients(h, g, self.line(x, baseline, nodes[used]), quantity)
            paths.append(self.average(rows, weights[used]))
        return torch.stack(paths).reshape(*p.shape[:-1], *paths[0].shape)


class TrainMode(RuleByRule):
    """no eval mode"""

    def network(self, model: nn.Sequential) -> nn.Sequential:
        modes = [(module, module.training) for module in model.modules()]
        network = super().network(model)
        for module, training in modes:
            module.training = training
        return network

    def ready(self, classifier: nn.Module) -> nn.Module:
        return classifier


class MaxOverBatch(RuleByRule):
    """one maximum over the whole batch"""

    def activation(self, neuron: int) -> Quantity:
        def quantity(z: Tensor) -> Tensor:
            strongest = z[:, neuron].reshape(len(z), -1).amax(1)
            return strongest * (strongest == strongest.max())

        return quantity


class LayerBefore(Way):
    """slice one layer too early"""

    def halves(self, network: nn.Sequential, layer: int) -> tuple[Half, Half]:
        return super().halves(network, max(layer - 1, -1))


class LayerAfter(Way):
    """slice one layer too late"""

    def halves(self, network: nn.Sequential, layer: int) -> tuple[Half, Half]:
        return super().halves(network, layer + 1)


class HalvesSwapped(Way):
    """(g, h) instead of (h, g)"""

    def split(self, model: nn.Sequential, layer: int) -> tuple[Half, Half]:
        h, g = self.halves(model, layer)
        return g, h


class Overwritten(Way):
    """z overwritten by an in-place layer"""

    def gradients(self, h: Half, g: Half, xs: Tensor, quantity: Quantity) -> Tensor:
        z = h(xs.clone().requires_grad_() * 1)
        gradient: Tensor = torch.autograd.grad(quantity(g(z)).sum(), z)[0]
        return gradient


class TimesActivation(Way):
    """gradient times activation"""

    def gradients(self, h: Half, g: Half, xs: Tensor, quantity: Quantity) -> Tensor:
        z: Tensor = h(xs.clone()).detach()
        return super().gradients(h, g, xs, quantity) * z


class Absolute(Way):
    """absolute gradients"""

    def gradients(self, h: Half, g: Half, xs: Tensor, quantity: Quantity) -> Tensor:
        return super().gradients(h, g, xs, quantity).abs()


class AbsoluteResult(Way):
    """absolute value of the result"""

    def finish(self, influence: Tensor) -> Tensor:
        return influence.abs()


class AbsoluteClasses(Way):
    """difference of two absolute influences"""

    def comparative_influence(
        self, model: nn.Sequential, layer: int, xs: Tensor, c1: int, c2: int, *rest: Any, **_: Any
    ) -> Tensor:
        one, other = (self.class_influence(model, layer, xs, c, *rest) for c in (c1, c2))
        return one.abs() - other.abs()

    def comparative_integrated_gradients(
        self, model: nn.Sequential, x: Tensor, baseline: Tensor, c1: int, c2: int, steps: int = 50
    ) -> Tensor:
        one, other = (self.integrated_gradients(model, x, baseline, c, steps) for c in (c1, c2))
        return one.abs() - other.abs()


class Ratio(Way):
    """influence on c1 divided by that on c2"""

    def comparative_influence(
        self, model: nn.Sequential, layer: int, xs: Tensor, c1: int, c2: int, *rest: Any, **_: Any
    ) -> Tensor:
        one, other = (self.class_influence(model, layer, xs, c, *rest) for c in (c1, c2))
        return one / other


class Clipped(Way):
    """negative gradients set to zero"""

    def gradients(self, h: Half, g: Half, xs: Tensor, quantity: Quantity) -> Tensor:
        return super().gradients(h, g, xs, quantity).clamp(min=0)


class ClippedResult(Way):
    """negative results set to zero"""

    def finish(self, influence: Tensor) -> Tensor:
        return influence.clamp(min=0)


# The distribution of interest


class SumForMean(Way):
    """rows added up, not averaged"""

    def distribution(self, weights: Values | None, rows: int) -> Tensor:
        return torch.ones(rows)

    def rule(self, steps: int) -> tuple[Tensor, Tensor]:
        nodes, p = super().rule(steps)
        return nodes, p * steps


class RowsKept(Way):
    """not averaged at all"""

    def average(self, rows: Tensor, p: Tensor) -> Tensor:
        return rows


class BatchOfOne(Way):
    """the average as a batch of one"""

    def finish(self, influence: Tensor) -> Tensor:
        return influence[None]


class RowsDivided(Way):
    """rows divided by their number, not added up"""

    def average(self, rows: Tensor, p: Tensor) -> Tensor:
        return rows / len(rows)


class AtTheMean(Way):
    """influence at the mean of the rows"""

    def class_influence(
        self, model: nn.Sequential, layer: int, xs: Tensor, target: int, *weights: Any, **_: Any
    ) -> Tensor:
        return self.instance_influence(model, layer, self.mean(xs, *weights), target)[0]

    def comparative_influence(
        self,
        model: nn.Sequential,
        layer: int,
        xs: Tensor,
        c1: int,
        c2: int,
        *weights: Any,
        **_: Any,
    ) -> Tensor:
        h, g = self.halves(self.network(model), layer)
        mean = self.mean(xs, *weights)
        return self.gradients(h, g, mean, self.comparison(c1, c2))[0]

    def mean(self, xs: Tensor, weights: Values | None = None) -> Tensor:
        """A batch of one row."""
        return self.average(xs, self.distribution(weights, len(xs)))[None]


class FirstRow(AtTheMean):
    """influence of the first row alone"""

    def mean(self, xs: Tensor, weights: Values | None = None) -> Tensor:
        return xs[:1]


class PathToRows(Way):
    """average on the lines from zero to the rows"""

    def class_influence(
        self, model: nn.Sequential, layer: int, xs: Tensor, target: int, *weights: Any, **_: Any
    ) -> Tensor:
        h, g = self.halves(self.network(model), layer)
        start, quantity = torch.zeros_like(xs[0]), self.score(target)
        nodes = (torch.arange(50, dtype=torch.float64) + 0.5) / 50
        rows = [self.gradients(h, g, self.line(x, start, nodes), quantity).mean(0) for x in xs]
        return self.average(torch.stack(rows), self.distribution(None, len(xs)))


class StrengthOfEachRow(Way):
    """every row ranked by its largest feature, then the mean"""

    def row_strengths(self, rows: Tensor) -> Tensor:
        """(N, *Z) to (neurons,)."""
        return rows.reshape(*rows.shape[:2], -1).amax(2).mean(0)

    def distinguishing_neurons(
        self, model: nn.Sequential, layer: int, xs: Tensor, c1: int, c2: int, k: int
    ) -> tuple[Tensor, Tensor]:
        h, g = self.halves(self.network(model), layer)
        rows = self.gradients(h, g, xs, self.comparison(c1, c2))
        one, other = (self.order(self.row_strengths(sign * rows))[:k] for sign in (1, -1))
        return one, other

    def binary_classifier(
        self,
        model: nn.Sequential,
        layer: int,
        xs: Tensor,
        target: int,
        positive: int,
        negative: int,
    ) -> nn.Module:
        rows = self.instance_influence(model, layer, xs, target)
        up, down = (self.order(self.row_strengths(sign * rows)) for sign in (1, -1))
        keep = torch.cat([up[:positive], down[:negative]])
        return Margins(self, self.masked(self.network(model), layer, keep), target)


class OverNeurons(Way):
    """mean over neurons, not over rows"""

    def average(self, rows: Tensor, p: Tensor) -> Tensor:
        return rows.mean(1)


class Accumulated(Way):
    """gradients of earlier rows added to each"""

    def instance_influence(
        self, model: nn.Sequential, layer: int, xs: Tensor, target: int
    ) -> Tensor:
        return super().instance_influence(model, layer, xs, target).cumsum(0)

    def average(self, rows: Tensor, p: Tensor) -> Tensor:
        later = p.flip(-1).cumsum(-1).flip(-1)  # a row counts in its own term and in all later ones
        return super().average(rows, later * (p != 0))


class WeightsIgnored(Way):
    """weights left out"""

    def distribution(self, weights: Values | None, rows: int) -> Tensor:
        return super().distribution(None, rows)


class WeightsRaw(Way):
    """weights not normalised"""

    def distribution(self, weights: Values | None, rows: int) -> Tensor:
        return super().distribution(None, rows) if weights is None else numbers(weights)


class WeightsOverRows(Way):
    """weighted rows divided by their number"""

    def distribution(self, weights: Values | None, rows: int) -> Tensor:
        return super().distribution(None, rows) if weights is None else numbers(weights) / rows


class DropsRows(Way):
    """rows left out that are predicted as another class"""

    def class_influence(
        self, model: nn.Sequential, layer: int, xs: Tensor, target: int, *weights: Any, **_: Any
    ) -> Tensor:
        if weights and weights[0] is not None:
            return super().class_influence(model, layer, xs, target, *weights)
        rows = self.instance_influence(model, layer, xs, target)
        return rows[model(xs.clone()).argmax(1) == target].mean(0)
