"""Honest ways to write the homework's functions, for ``tolerances.py``.

:class:`Way` writes them down once, from steps that a subclass takes differently, as its docstring
says; a mistake (``mistakes.py``) is a wrong step.  A way gets its own copy of every network, so it
restores nothing, and it checks no argument.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable

import torch
from questions import CASES
from torch import Tensor, nn

__all__ = ["HONEST", "Way"]

Quantity = Callable[[Tensor], Tensor]  # (n, ...) -> (n,)
Half = nn.Sequential


class Way:
    """One gradient of the sum over the batch; midpoint."""

    # Steps

    def network(self, model: nn.Sequential) -> nn.Sequential:
        model.eval()
        last = isinstance(model[-1], (nn.Softmax, nn.LogSoftmax))
        return model[:-1] if last else model

    def halves(self, network: nn.Sequential, layer: int) -> tuple[Half, Half]:
        return network[: layer + 1], network[layer + 1 :]

    def gradients(self, h: Half, g: Half, xs: Tensor, quantity: Quantity) -> Tensor:
        z = h(xs.clone()).detach().requires_grad_()
        return torch.autograd.grad(quantity(g(z.clone())).sum(), z)[0]  # (n, *Z)

    def distribution(self, weights: object, rows: int) -> Tensor:
        p = torch.ones(rows) if weights is None else torch.as_tensor(weights)
        return p.double() / p.double().sum()

    def average(self, rows: Tensor, p: Tensor) -> Tensor:
        return torch.tensordot(p.to(rows.dtype), rows, dims=1)

    def rule(self, steps: int) -> tuple[Tensor, Tensor]:
        nodes = (torch.arange(steps).double() + 0.5) / steps
        return nodes, torch.full_like(nodes, 1 / steps)

    def line(self, x: Tensor, baseline: Tensor, nodes: Tensor) -> Tensor:
        alpha = nodes.to(x.dtype).reshape(-1, *[1] * x.dim())
        return baseline + alpha * (x - baseline)

    def difference(self, x: Tensor, baseline: Tensor) -> Tensor:
        return x - baseline

    def score(self, target: int) -> Quantity:
        return lambda scores: scores[:, target]

    def comparison(self, c1: int, c2: int) -> Quantity:
        return lambda scores: scores[:, c1] - scores[:, c2]

    def activation(self, neuron: int) -> Quantity:
        return lambda z: z[:, neuron].reshape(len(z), -1).amax(1)

    def path(
        self, h: Half, g: Half, x: Tensor, baseline: Tensor, quantity: Quantity, steps: int
    ) -> Tensor:
        nodes, p = self.rule(steps)
        rows = self.gradients(h, g, self.line(x, baseline, nodes), quantity)
        return self.average(rows, p)

    # Functions

    def instance_influence(self, model, layer, xs, target):
        return self.gradients(*self.halves(self.network(model), layer), xs, self.score(target))

    def class_influence(self, model, layer, xs, target, weights=None):
        rows = self.instance_influence(model, layer, xs, target)
        return self.average(rows, self.distribution(weights, len(xs)))

    def comparative_influence(self, model, layer, xs, c1, c2, weights=None):
        h, g = self.halves(self.network(model), layer)
        rows = self.gradients(h, g, xs, self.comparison(c1, c2))
        return self.average(rows, self.distribution(weights, len(xs)))

    def saliency_map(self, model, layer, neuron, x):
        h, _ = self.halves(self.network(model), layer)
        return self.gradients(nn.Sequential(), h, x[None], self.activation(neuron))[0]

    def path_influence(self, model, layer, x, baseline, target, steps=50):
        h, g = self.halves(self.network(model), layer)
        return self.path(h, g, x, baseline, self.score(target), steps)

    def integrated_gradients(self, model, x, baseline, target, steps=50):
        h, g = nn.Sequential(), self.network(model)
        mean = self.path(h, g, x, baseline, self.score(target), steps)
        return self.difference(x, baseline) * mean

    def comparative_integrated_gradients(self, model, x, baseline, c1, c2, steps=50):
        h, g = nn.Sequential(), self.network(model)
        mean = self.path(h, g, x, baseline, self.comparison(c1, c2), steps)
        return self.difference(x, baseline) * mean

    def integrated_saliency_map(self, model, layer, neuron, x, baseline, steps=50):
        h, _ = self.halves(self.network(model), layer)
        mean = self.path(nn.Sequential(), h, x, baseline, self.activation(neuron), steps)
        return self.difference(x, baseline) * mean

    def names(self) -> dict[str, Callable[..., Tensor]]:
        """The functions by name, as a submission's file defines them."""
        return {name: getattr(self, name) for name in CASES}


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
)
"""Among them every accepted rule but Gauss–Legendre, which ``fixtures/bases/captum`` has."""
