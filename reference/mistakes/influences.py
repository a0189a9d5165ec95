"""Mistakes about slices, gradients and averages: ``base.py`` with one step wrong.

The docstring of a class says what it does; ``__init__.py`` says in which functions it is a mistake.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ..part1_focused import Quantity, Values, numbers
from .base import Half, Way

# The slice and its gradients


class TrainMode(Way):
    """no eval mode"""

    def network(self, model: nn.Sequential) -> nn.Sequential:
        modes = [(module, module.training) for module in model.modules()]
        network = super().network(model)
        for module, training in modes:
            module.training = training
        return network

    def path(
        self, h: Half, g: Half, x: Tensor, baseline: Tensor, quantity: Quantity, steps: int
    ) -> Tensor:
        nodes, p = self.rule(steps)
        state = torch.get_rng_state()
        paths = []
        for weights in p.reshape(-1, len(nodes)):  # each rule's points in a batch of their own
            torch.set_rng_state(state)
            used = weights != 0
            rows = self.gradients(h, g, self.line(x, baseline, nodes[used]), quantity)
            paths.append(self.average(rows, weights[used]))
        return torch.stack(paths).reshape(*p.shape[:-1], *paths[0].shape)

    def ready(self, classifier: nn.Module) -> nn.Module:
        return classifier


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
