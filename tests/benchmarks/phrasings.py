"""Honest ways to write the homework's functions: ``reference/mistakes/base.py`` with other steps.

A subclass takes the steps that its docstring names differently; a mistake (a class in
``reference/mistakes``) is a wrong step.  A way gets its own copy of every network, so it restores
nothing, and it checks no argument.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable

import torch
from torch import Tensor, nn

from reference.mistakes import Way

__all__ = ["HONEST", "Way"]


class Loops(Way):
    """One gradient per row, a running sum; right-hand sum."""

    def gradients(self, h, g, xs, quantity):
        one = super().gradients
        return torch.cat([one(h, g, x[None], quantity) for x in xs])

    def average(self, rows, p):
        total = torch.zeros_like(rows[0])
        for row, share in zip(rows, p.tolist(), strict=True):
            total += share * row
        return total

    def rule(self, steps):
        nodes = torch.arange(1, steps + 1).double() / steps
        return nodes, torch.full_like(nodes, 1 / steps)


class Hooks(Way):
    """A hook in the whole network, nothing detached; left-hand sum."""

    def gradients(self, h, g, xs, quantity):
        kept: list[Tensor] = []

        def hook(module: nn.Module, inputs: object, output: Tensor) -> Tensor:
            kept.append(output)
            return output.clone()

        whole = nn.Sequential(nn.Identity(), *h, *g)
        whole[len(h)].register_forward_hook(hook)
        scores = whole(xs.clone().requires_grad_() * 1)  # times 1: layers may overwrite it
        return torch.autograd.grad(quantity(scores).sum(), kept[0])[0]

    def rule(self, steps):
        nodes = torch.arange(steps).double() / steps
        return nodes, torch.full_like(nodes, 1 / steps)


class Backward(Way):
    """backward() and .grad; mean over linspace(0, 1, m)."""

    def gradients(self, h, g, xs, quantity):
        z = h(xs.clone()).detach().requires_grad_()
        quantity(g(z.clone())).sum().backward()
        return z.grad

    def line(self, x, baseline, nodes):
        alpha = nodes.to(x.dtype).reshape(-1, *[1] * x.dim())
        return (1 - alpha) * baseline + alpha * x

    def rule(self, steps):
        nodes = torch.linspace(0, 1, steps, dtype=torch.float64)
        return nodes, torch.full_like(nodes, 1 / steps)


class Vmap(Way):
    """vmap of grad; trapezoid of m intervals."""

    def gradients(self, h, g, xs, quantity):
        def value(z: Tensor) -> Tensor:
            return quantity(g(z[None].clone()))[0]

        return torch.func.vmap(torch.func.grad(value))(h(xs.clone()).detach())

    def rule(self, steps):
        p = torch.full((steps + 1,), 1 / steps, dtype=torch.float64)
        p[[0, -1]] /= 2
        return torch.linspace(0, 1, steps + 1, dtype=torch.float64), p


class Jacrev(Way):
    """The diagonal of jacrev over the batch; trapezoid of m points."""

    def gradients(self, h, g, xs, quantity):
        whole = torch.func.jacrev(lambda z: quantity(g(z.clone())))(h(xs.clone()).detach())
        return torch.stack([whole[n, n] for n in range(len(xs))])  # of (n, n, *Z)

    def rule(self, steps):
        p = torch.full((steps,), 1 / (steps - 1), dtype=torch.float64)
        p[[0, -1]] /= 2
        return torch.linspace(0, 1, steps, dtype=torch.float64), p


class TwoGradients(Way):
    """The difference of two gradients; mean over linspace(0, 1, m + 1)."""

    def comparative_influence(self, model, layer, xs, c1, c2, weights=None):
        one, other = (self.class_influence(model, layer, xs, c, weights) for c in (c1, c2))
        return one - other

    def comparative_integrated_gradients(self, model, x, baseline, c1, c2, steps=50):
        one, other = (self.integrated_gradients(model, x, baseline, c, steps) for c in (c1, c2))
        return one - other

    def rule(self, steps):
        nodes = torch.linspace(0, 1, steps + 1, dtype=torch.float64)
        return nodes, torch.full_like(nodes, 1 / (steps + 1))


class DoubleInside(Way):
    """float64 inside, the result rounded; midpoint."""

    inside = torch.float64

    def names(self):
        def rounded(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
            def call(model: nn.Sequential, *arguments: object) -> Tensor:
                floats = [a for a in arguments if isinstance(a, Tensor)]
                wide = [a.to(self.inside) if isinstance(a, Tensor) else a for a in arguments]
                return function(copy.deepcopy(model).to(self.inside), *wide).to(floats[0].dtype)

            return call

        return {name: rounded(function) for name, function in super().names().items()}


class OtherKernels(Way):
    """Convolutions without oneDNN; midpoint."""

    def gradients(self, h, g, xs, quantity):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about TF32, which no CPU has
            with torch.backends.mkldnn.flags(enabled=False):
                return super().gradients(h, g, xs, quantity)


class TwoThreads(Way):
    """On two threads, which add up in another order; midpoint."""

    def gradients(self, h, g, xs, quantity):
        torch.set_num_threads(2)
        try:
            return super().gradients(h, g, xs, quantity)
        finally:
            torch.set_num_threads(1)


HONEST: tuple[type[Way], ...] = (
    Way,
    Loops,
    Hooks,
    Backward,
    Vmap,
    Jacrev,
    TwoGradients,
    DoubleInside,
    OtherKernels,
    TwoThreads,
)
"""Among them every accepted rule but Gauss–Legendre, which ``fixtures/cases/bases/captum`` has."""
