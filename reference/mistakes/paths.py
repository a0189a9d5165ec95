"""Mistakes about the line from baseline to x: ``base.py`` with one step wrong.

The docstring of a class says what it does; ``__init__.py`` says in which functions it is a mistake.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..part1_focused import Quantity
from .base import Half, Way


class OneTooMany(Way):
    """m + 1 points, divided by m"""

    def rule(self, steps: int) -> tuple[Tensor, Tensor]:
        nodes = torch.linspace(0, 1, steps + 1, dtype=torch.float64)
        return nodes, torch.full_like(nodes, 1 / steps)


class OneTooFew(Way):
    """m points, divided by m + 1"""

    def rule(self, steps: int) -> tuple[Tensor, Tensor]:
        nodes, p = super().rule(steps)
        return nodes, p * (steps / (steps + 1))


class FencePost(Way):
    """m points, divided by m - 1"""

    def rule(self, steps: int) -> tuple[Tensor, Tensor]:
        nodes, p = super().rule(steps)
        return nodes, p * (steps / (steps - 1))


class InnerPoints(Way):
    """m - 1 points, divided by m"""

    def rule(self, steps: int) -> tuple[Tensor, Tensor]:
        nodes = torch.arange(1, steps, dtype=torch.float64) / steps
        return nodes, torch.full_like(nodes, 1 / steps)


class AtTheEnd(Way):
    """gradient at x alone"""

    def rule(self, steps: int) -> tuple[Tensor, Tensor]:
        return torch.ones(1), torch.ones(1)


class AtTheStart(Way):
    """gradient at the baseline alone"""

    def rule(self, steps: int) -> tuple[Tensor, Tensor]:
        return torch.zeros(1), torch.ones(1)


class PathFromZero(Way):
    """line from zero, times x - baseline"""

    def line(self, x: Tensor, baseline: Tensor, nodes: Tensor) -> Tensor:
        return super().line(x, torch.zeros_like(x), nodes)


class ZeroBaseline(PathFromZero):
    """line from zero"""

    def difference(self, x: Tensor, baseline: Tensor) -> Tensor:
        return x


class LineOvershoots(Way):
    """baseline + alpha x"""

    def line(self, x: Tensor, baseline: Tensor, nodes: Tensor) -> Tensor:
        return baseline + super().line(x, torch.zeros_like(x), nodes)


class LineOfDifferences(Way):
    """alpha (x - baseline)"""

    def line(self, x: Tensor, baseline: Tensor, nodes: Tensor) -> Tensor:
        return super().line(x, baseline, nodes) - baseline


class LineOfScaledX(Way):
    """alpha x - baseline"""

    def line(self, x: Tensor, baseline: Tensor, nodes: Tensor) -> Tensor:
        return super().line(x, torch.zeros_like(x), nodes) - baseline


class LineBehindX(Way):
    """x + alpha (x - baseline)"""

    def line(self, x: Tensor, baseline: Tensor, nodes: Tensor) -> Tensor:
        return super().line(x, baseline, nodes) + (x - baseline)


class WeighedByAlpha(Way):
    """gradients weighted by their place on the line"""

    def path(
        self, h: Half, g: Half, x: Tensor, baseline: Tensor, quantity: Quantity, steps: int
    ) -> Tensor:
        nodes, p = self.rule(steps)
        rows = self.gradients(h, g, self.line(x, baseline, nodes), quantity)
        return self.average(rows, p * nodes)


class WeighedByAlphaOverAll(Way):
    """gradients weighted by their share of the line"""

    def path(
        self, h: Half, g: Half, x: Tensor, baseline: Tensor, quantity: Quantity, steps: int
    ) -> Tensor:
        nodes, p = self.rule(steps)
        rows = self.gradients(h, g, self.line(x, baseline, nodes), quantity)
        return self.average(rows, p * nodes / (p * nodes).sum(-1, keepdim=True))


class TimesX(Way):
    """times x, not x - baseline"""

    def difference(self, x: Tensor, baseline: Tensor) -> Tensor:
        return x


class GradientTimesX(AtTheEnd):
    """one gradient at x, times x"""

    def difference(self, x: Tensor, baseline: Tensor) -> Tensor:
        return x


class NoDifference(Way):
    """not multiplied by x - baseline"""

    def difference(self, x: Tensor, baseline: Tensor) -> Tensor:
        return torch.ones_like(x)


class Backwards(Way):
    """times baseline - x"""

    def difference(self, x: Tensor, baseline: Tensor) -> Tensor:
        return baseline - x


class TimesDifference(Way):
    """an average multiplied by the change of the features"""

    def path(
        self, h: Half, g: Half, x: Tensor, baseline: Tensor, quantity: Quantity, steps: int
    ) -> Tensor:
        end, start = h(torch.stack([x, baseline])).detach()
        change: Tensor = end - start
        return super().path(h, g, x, baseline, quantity, steps) * change


class StraightInside(Way):
    """line straight in feature space"""

    def path(
        self, h: Half, g: Half, x: Tensor, baseline: Tensor, quantity: Quantity, steps: int
    ) -> Tensor:
        end, start = h(torch.stack([x, baseline])).detach()
        return super().path(nn.Sequential(), g, end, start, quantity, steps)


class InsideTimesFeatures(Way):
    """line through feature space from zero, times the features"""

    def path(
        self, h: Half, g: Half, x: Tensor, baseline: Tensor, quantity: Quantity, steps: int
    ) -> Tensor:
        end: Tensor = h(x[None]).detach()[0]
        start = torch.zeros_like(end)
        return super().path(nn.Sequential(), g, end, start, quantity, steps) * end


class InsideTimesFeaturesFromBaseline(Way):
    """line through feature space from h(baseline), times the features"""

    def path(
        self, h: Half, g: Half, x: Tensor, baseline: Tensor, quantity: Quantity, steps: int
    ) -> Tensor:
        start: Tensor
        end: Tensor
        end, start = h(torch.stack([x, baseline])).detach()
        return super().path(nn.Sequential(), g, end, start, quantity, steps) * end


class InsideTimesChange(Way):
    """line through feature space, times the change of the features"""

    def path(
        self, h: Half, g: Half, x: Tensor, baseline: Tensor, quantity: Quantity, steps: int
    ) -> Tensor:
        end, start = h(torch.stack([x, baseline])).detach()
        change: Tensor = end - start
        return super().path(nn.Sequential(), g, end, start, quantity, steps) * change
