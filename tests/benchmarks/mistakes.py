"""Single mistakes for ``tolerances.py``: the right way of :mod:`phrasings` with one step wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from phrasings import DoubleInside, Way
from questions import CASES, INFLUENCES, INTEGRALS, Question, oracle
from torch import nn

from grader.checks.expect import relative_error
from grader.networks import build

__all__ = ["FLOAT32_INSIDE", "MISTAKES", "STEPS_IGNORED", "Mistake"]


@dataclass(frozen=True)
class Mistake:
    """A wrong way, the functions in which it is wrong, and the questions that it concerns.

    ``concerns`` leaves out what a mistake cannot show on, such as a softmax that is kept where
    there is none.
    """

    way: type[Way]
    functions: tuple[str, ...]
    concerns: Callable[[Question], bool] = lambda question: True


MEANS = ("class_influence", "comparative_influence")
BY_SCORE = (*INFLUENCES, *INTEGRALS[:3])
BY_NEURON = ("saliency_map", "integrated_saliency_map")
WITH_DIFFERENCE = INTEGRALS[1:]


class SumForMean(Way):
    """rows added up, not averaged"""

    def distribution(self, weights, rows):
        return torch.ones(rows)


class WeightsIgnored(Way):
    """weights left out"""

    def distribution(self, weights, rows):
        return super().distribution(None, rows)


class WeightsRaw(Way):
    """weights not normalised"""

    def distribution(self, weights, rows):
        return torch.as_tensor(weights)


class DropsRows(Way):
    """rows left out that are predicted as another class"""

    def class_influence(self, model, layer, xs, target, weights=None):
        rows = self.instance_influence(model, layer, xs, target)
        return rows[model(xs.clone()).argmax(1) == target].mean(0)


class TrainMode(Way):
    """no eval mode"""

    def network(self, model):
        modes = [(module, module.training) for module in model.modules()]
        network = super().network(model)
        for module, training in modes:
            module.training = training
        return network


class SoftmaxKept(Way):
    """softmax kept"""

    def network(self, model):
        return model.eval()


class LayerBefore(Way):
    """slice one layer too early"""

    def halves(self, network, layer):
        return super().halves(network, layer - 1)


class LayerAfter(Way):
    """slice one layer too late"""

    def halves(self, network, layer):
        return super().halves(network, layer + 1)


class Overwritten(Way):
    """z overwritten by an in-place layer"""

    def gradients(self, h, g, xs, quantity):
        z = h(xs.clone().requires_grad_() * 1)
        return torch.autograd.grad(quantity(g(z)).sum(), z)[0]


class TimesActivation(Way):
    """gradient times activation"""

    def gradients(self, h, g, xs, quantity):
        return super().gradients(h, g, xs, quantity) * h(xs.clone()).detach()


class Absolute(Way):
    """absolute gradients"""

    def gradients(self, h, g, xs, quantity):
        return super().gradients(h, g, xs, quantity).abs()


class Clipped(Way):
    """negative gradients set to zero"""

    def gradients(self, h, g, xs, quantity):
        return super().gradients(h, g, xs, quantity).clamp(min=0)


class Predicted(Way):
    """class that is predicted, not the target"""

    def score(self, target):
        return lambda scores: scores.amax(1)


class OneClass(Way):
    """c1 alone, c2 left out"""

    def comparison(self, c1, c2):
        return self.score(c1)


class OtherSign(Way):
    """c2 rather than c1"""

    def comparison(self, c1, c2):
        return super().comparison(c2, c1)


class NextNeuron(Way):
    """the neuron beside"""

    def activation(self, neuron):
        return super().activation(neuron - 1)


class MapSum(Way):
    """activation summed over the map"""

    def activation(self, neuron):
        return lambda z: z[:, neuron].flatten(1).sum(1)


class MapMean(Way):
    """activation averaged over the map"""

    def activation(self, neuron):
        return lambda z: z[:, neuron].flatten(1).mean(1)


class OneTooMany(Way):
    """m + 1 points, divided by m"""

    def rule(self, steps):
        nodes = torch.linspace(0, 1, steps + 1, dtype=torch.float64)
        return nodes, torch.full_like(nodes, 1 / steps)


class OneTooFew(Way):
    """m points, divided by m + 1"""

    def rule(self, steps):
        nodes, _ = super().rule(steps)
        return nodes, torch.full_like(nodes, 1 / (steps + 1))


class AtTheEnd(Way):
    """gradient at x alone"""

    def rule(self, steps):
        return torch.ones(1), torch.ones(1)


class AtTheStart(Way):
    """gradient at the baseline alone"""

    def rule(self, steps):
        return torch.zeros(1), torch.ones(1)


class ZeroBaseline(Way):
    """line from zero"""

    def line(self, x, baseline, nodes):
        return super().line(x, torch.zeros_like(x), nodes)

    def difference(self, x, baseline):
        return x


class TimesX(Way):
    """times x, not x - baseline"""

    def difference(self, x, baseline):
        return x


class NoDifference(Way):
    """not multiplied by x - baseline"""

    def difference(self, x, baseline):
        return torch.ones_like(x)


class StraightInside(Way):
    """line straight in feature space"""

    def path(self, h, g, x, baseline, quantity, steps):
        end, start = h(torch.stack([x, baseline])).detach()
        return super().path(nn.Sequential(), g, end, start, quantity, steps)


class StepsIgnored(Way):
    """always 50 steps (right-hand sum)"""

    def rule(self, steps):
        nodes = torch.arange(1, 51).double() / 50
        return nodes, torch.full_like(nodes, 1 / 50)


class MiddlesIgnored(Way):
    """always 50 steps (midpoint rule)"""

    def rule(self, steps):
        return super().rule(50)


class Float32Inside(DoubleInside):
    """float32 inside, the result in float64"""

    inside = torch.float32


def _has_maps(q: Question) -> bool:
    return len(q.case.shape) > 1


def _has_negative(q: Question) -> bool:
    return bool((q.accepted[0] < 0).any())


def _goes_on(q: Question) -> bool:
    return q.case.layer + 1 < len(build(replace(q.case.network, head="")))


def _overwrites(q: Question) -> bool:
    return _goes_on(q) and getattr(build(q.case.network)[q.case.layer + 1], "inplace", False)


def _bends(q: Question) -> bool:
    h = list(build(q.case.network))[: q.case.layer + 1]
    return any(isinstance(layer, nn.ReLU | nn.Softplus) for layer in h)


def _predicted(q: Question) -> np.ndarray:
    return q.case.scores(*q.rows).argmax(1) == q.case.target


def _needs_float64(q: Question) -> bool:
    return relative_error(q.accepted[0].astype(np.float32), q.accepted[0]) > 1e-9


def _drops(q: Question) -> bool:
    return not q.weighted and 0 < _predicted(q).sum() < len(q.rows) and _varies(q)


def _varies(q: Question) -> bool:
    """The gradient is not the same for every row, or all along the line."""
    if q.call.function in INTEGRALS:
        return relative_error(q.accepted[0], q.accepted[1]) > 1e-5  # right-hand and left-hand sum
    rows = oracle.instance_influence(q.case.network, q.case.layer, q.rows, q.case.target)
    if q.call.function == "comparative_influence":
        other = oracle.instance_influence(q.case.network, q.case.layer, q.rows, q.case.other)
        rows = rows - other
    return any(relative_error(row, rows[0]) > 1e-5 for row in rows)


MISTAKES = (
    Mistake(SumForMean, MEANS),
    Mistake(WeightsIgnored, MEANS, lambda q: q.weighted and _varies(q)),
    Mistake(WeightsRaw, MEANS, lambda q: q.weighted),
    Mistake(DropsRows, MEANS[:1], _drops),
    Mistake(TrainMode, BY_SCORE, lambda q: q.case.network.training),
    Mistake(SoftmaxKept, BY_SCORE, lambda q: q.case.network.head == "softmax"),
    Mistake(LayerBefore, BY_SCORE[:4], lambda q: q.case.layer > -1),
    Mistake(LayerAfter, BY_SCORE[:4], _goes_on),
    Mistake(Overwritten, BY_SCORE[:4], _overwrites),
    Mistake(TimesActivation, BY_SCORE[:4]),
    Mistake(Absolute, (*INFLUENCES, "saliency_map"), _has_negative),
    Mistake(Clipped, (*INFLUENCES, "saliency_map"), _has_negative),
    Mistake(Predicted, INFLUENCES[:2], lambda q: not _predicted(q).all()),
    Mistake(OneClass, ("comparative_influence", "comparative_integrated_gradients")),
    Mistake(OtherSign, ("comparative_influence", "comparative_integrated_gradients")),
    Mistake(NextNeuron, BY_NEURON),
    Mistake(MapSum, BY_NEURON, _has_maps),
    Mistake(MapMean, BY_NEURON, _has_maps),
    Mistake(OneTooMany, INTEGRALS),
    Mistake(OneTooFew, INTEGRALS),
    Mistake(AtTheEnd, INTEGRALS, _varies),
    Mistake(AtTheStart, INTEGRALS, _varies),
    Mistake(ZeroBaseline, INTEGRALS),
    Mistake(TimesX, WITH_DIFFERENCE),
    Mistake(NoDifference, WITH_DIFFERENCE),
    Mistake(StraightInside, INTEGRALS[:1], _bends),
)

STEPS_IGNORED = (
    Mistake(StepsIgnored, INTEGRALS, _varies),
    Mistake(MiddlesIgnored, INTEGRALS, _varies),
)
"""Near an exact rule at any number of steps; checks find them by what does not change with it."""

FLOAT32_INSIDE = Mistake(Float32Inside, tuple(CASES), _needs_float64)
"""The smallest mistake in float64."""
