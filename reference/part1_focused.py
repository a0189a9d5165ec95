"""Part 1: focused explanation of a slice.

A slice s = <g, h> cuts a network into f(x) = g(h(x)); z = h(x) are its features.  Definition 1 of
Leino, Sen, Datta, Fredrikson, Li 2018 (arXiv:1802.03788) says how feature z_j influences a
*quantity of interest* g(z), for inputs from a *distribution of interest* P:

    chi_j^s(f, P) = integral over X of dg/dz_j at h(x), weighed by P(x)                    (1)

All explanations here are this integral.  They differ in the choice of P, h and g:
    instance: P is the point x.
    class: P is uniform over the instances of the class.
    integrated gradients (Sundararajan, Taly, Yan 2017, arXiv:1703.01365): h is the identity, and P
        is uniform on the line from a baseline to x.
    saliency map: the quantity is the activation of a neuron.
Only `influences` differentiates; the other functions choose its arguments.

Arguments, the same everywhere:
    model: nn.Sequential, (N, *input_shape) -> (N, K).  The quantity is a score before softmax.
    layer: the slice is after this layer, -1 ... len(model) - 1; -1 is the input.  Z is the shape
        of h(x) without N: (C, H, W) or (F,).  A neuron indexes its first dimension.
    x, baseline: (*input_shape), one instance; xs: (N, *input_shape), N >= 1.  float32 or float64,
        like the model; results have this dtype.
    target: class, 0 ... K - 1.  steps: gradient evaluations of the midpoint rule, >= 1.
An index that does not exist raises IndexError, every other bad argument ValueError.  Arguments,
buffers, gradients, flags and modes do not change.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import reduce
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

__all__ = [
    "Comparison",
    "class_influence",
    "compare_attributions",
    "instance_influence",
    "integrated_gradients",
    "integrated_saliency_map",
    "linear_scores",
    "path_influence",
    "saliency_map",
    "scale_pixels",
    "split",
    "top_neurons",
]

Quantity = Callable[[Tensor], Tensor]  # (N, ...) -> (N,), row n of row n alone
Values = Tensor | np.ndarray[Any, Any] | Sequence[Any]  # numbers, however they are handed over

PASS_ELEMENTS = 2**19  # input numbers per backward pass: 8192 digits, 3 images for VGG16


class Comparison(NamedTuple):
    """How alike two attributions are: Spearman's rho in [-1, 1], shared top neurons in [0, 1]."""

    rank_correlation: float
    top_k_overlap: float


def require_index(name: str, index: int, lowest: int, highest: int) -> None:
    """Refuse an index that does not exist, even the negative one that counts from the end."""
    if not lowest <= index <= highest:
        raise IndexError(f"{name!r} must be in {lowest} ... {highest} (got {index})")


def numbers(values: Values) -> Tensor:
    """Return a tensor, array or nested list in float64, where no two floats become a tie."""
    if isinstance(values, Tensor):
        return values.detach().double()
    return torch.from_numpy(np.array(values, dtype=np.float64))


# The slice


def linear_scores(model: nn.Sequential) -> nn.Sequential:
    """Return the same layers without a last softmax or log-softmax.

    After a softmax, a class also scores higher because another one scores lower.  Only the last
    top-level layer counts as last.
    """
    layers = list(model)
    if layers and isinstance(layers[-1], nn.Softmax | nn.LogSoftmax):
        layers.pop()
    return nn.Sequential(*layers)


def split(model: nn.Sequential, layer: int) -> tuple[nn.Sequential, nn.Sequential]:
    """Return the slice as (h, g): (N, *input_shape) -> (N, *Z) -> (N, K), g(h(x)) == model(x).

    A softmax at the end stays in g.  h and g share the model's layers, some of which may work in
    place: clone a value that is needed afterwards.
    """
    layers = list(model)
    require_index("layer", layer, -1, len(layers) - 1)
    return nn.Sequential(*layers[: layer + 1]), nn.Sequential(*layers[layer + 1 :])


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Eval mode, gradients on and parameters frozen inside; afterwards everything is restored.

    Nobody needs gradients of parameters: frozen ones cost no time, and no ``.grad`` changes.
    """
    modes = [(part, part.training) for part in module.modules()]
    flags = [(parameter, parameter.requires_grad) for parameter in module.parameters()]
    try:
        module.eval().requires_grad_(False)
        with torch.inference_mode(False), torch.enable_grad():
            yield
    finally:
        for part, training in modes:
            part.training = training  # one by one: parts need not share a mode
        for parameter, requires_grad in flags:
            parameter.requires_grad_(requires_grad)


# Definition 1


def score(target: int) -> Quantity:
    """Quantity of interest: the score of a class, (N, K) -> (N,)."""

    def quantity(scores: Tensor) -> Tensor:
        require_index("target", target, 0, scores.shape[1] - 1)
        return scores[:, target]

    return quantity


def activation(neuron: int) -> Quantity:
    """Quantity of interest: the activation of a neuron, max over its map, (N, *Z) -> (N,)."""

    def quantity(z: Tensor) -> Tensor:
        require_index("neuron", neuron, 0, z.shape[1] - 1)
        return z[:, neuron].reshape(len(z), -1).amax(1)

    return quantity


def line(x: Tensor, baseline: Tensor, steps: int) -> Tensor:
    """Distribution of interest: uniform on the line, as ``steps`` equal rows (steps, *x.shape).

    They are the nodes of the midpoint rule, whose error falls as steps**-2 on smooth networks;
    the right-hand sum of Sundararajan et al. (equation 3) falls as 1 / steps.
    """
    if steps < 1:
        raise ValueError(f"'steps' must be at least 1 (got {steps})")
    alpha = (torch.arange(steps, dtype=x.dtype, device=x.device) + 0.5) / steps
    return (baseline + alpha.view(-1, *[1] * x.dim()) * (x - baseline)).detach()


def distribution(weights: Values | None, rows: int) -> Tensor:
    """Distribution of interest: P over the rows, (rows,) float64; adds up to 1."""
    p = torch.ones(rows, dtype=torch.float64) if weights is None else numbers(weights)
    if p.shape != (rows,):
        raise ValueError(f"'weights' must be {rows} numbers, one a row (got shape {(*p.shape,)})")
    if not (p.isfinite().all() and (p >= 0).all() and (p > 0).any()):
        raise ValueError(f"'weights' must be finite, >= 0 and not all 0 (got {p.tolist()})")
    p = p / p.max()  # first: a sum of large weights would overflow
    return p / p.sum()


def rows_per_pass(xs: Tensor) -> int:
    """Return how many rows of ``xs`` go through a network at once, at least one."""
    if len(xs) == 0:
        raise ValueError("'xs' must have at least one row (got an empty batch)")
    return max(1, PASS_ELEMENTS // xs[0].numel())


def influences(
    network: nn.Sequential, layer: int, xs: Tensor, quantity: Quantity
) -> Iterator[Tensor]:
    """Yield dquantity/dz at z = h(x), (n, *Z), for as many rows at a time as memory allows.

    In eval mode rows do not affect each other, so the gradient of the sum holds each row's own
    gradient.
    """
    h, g = split(network, layer)
    for rows in torch.split(xs.detach(), rows_per_pass(xs)):
        with evaluating(network):
            z = h(rows.clone()).detach().requires_grad_()  # (n, *Z); h may overwrite its input
            value = quantity(g(z.clone()))  # (n,); g may too, and a leaf forbids that
            (gradient,) = torch.autograd.grad(value.sum(), z)
        yield gradient


def average_influence(
    network: nn.Sequential,
    layer: int,
    xs: Tensor,
    quantity: Quantity,
    weights: Values | None = None,
) -> Tensor:
    """Definition 1: dquantity/dz at z = h(x), averaged over the rows of ``xs``; Z, signed."""
    size = rows_per_pass(xs)
    masses = torch.split(distribution(weights, len(xs)).to(xs), size)
    passes = zip(masses, influences(network, layer, xs, quantity), strict=True)
    terms: Iterator[Tensor] = (torch.tensordot(p, gradient, dims=1) for p, gradient in passes)
    return reduce(torch.add, terms)


def instance_influence(model: nn.Sequential, layer: int, xs: Tensor, target: int) -> Tensor:
    """Influence of every feature on a class score, for each instance: (1) with P the point x.

    Args:
        model: (N, *input_shape) -> (N, K); a softmax at its end is left out.
        layer: the slice is after this layer; -1 is the input.
        xs: (N, *input_shape), N >= 1.
        target: the class that is explained, 0 ... K - 1.

    Returns:
        dscore/dz at z = h(x), (N, *Z), dtype of ``xs``; signed, in score units per unit of
        activation.

    Raises:
        IndexError: no such layer, or no such class.
        ValueError: ``xs`` has no rows.
    """
    return torch.cat(list(influences(linear_scores(model), layer, xs, score(target))))


def class_influence(
    model: nn.Sequential, layer: int, xs: Tensor, target: int, weights: Values | None = None
) -> Tensor:
    """Influence of every feature on a class score, over a class: (1) with P over the rows of xs.

    Every row counts, whatever the model predicts for it.

    Args:
        model: (N, *input_shape) -> (N, K); a softmax at its end is left out.
        layer: the slice is after this layer; -1 is the input.
        xs: (N, *input_shape), N >= 1, as a rule instances of the class.
        target: the class that is explained, 0 ... K - 1.
        weights: (N,), finite, non-negative, not all zero: P is proportional to them.  ``None``
            makes P uniform.

    Returns:
        Z, dtype of ``xs``; signed, in score units per unit of activation.

    Raises:
        IndexError: no such layer, or no such class.
        ValueError: ``xs`` has no rows, or ``weights`` cannot be used.
    """
    return average_influence(linear_scores(model), layer, xs, score(target), weights)


def path_influence(
    model: nn.Sequential, layer: int, x: Tensor, baseline: Tensor, target: int, steps: int = 50
) -> Tensor:
    """Influence of every feature on a class score, on the way to x: (1) with P on a line.

    The line from baseline to x is straight in input space; h may bend it.

    Args:
        model: (N, *input_shape) -> (N, K); a softmax at its end is left out.
        layer: the slice is after this layer; -1 is the input.
        x: (*input_shape), where the line ends.
        baseline: (*input_shape), where the line begins.
        target: the class that is explained, 0 ... K - 1.
        steps: gradient evaluations of the midpoint rule, >= 1.

    Returns:
        Z, dtype of ``x``; the average gradient on the line, signed, in score units per unit of
        activation.

    Raises:
        IndexError: no such layer, or no such class.
        ValueError: ``steps`` is below 1.
    """
    xs = line(x, baseline, steps)
    return average_influence(linear_scores(model), layer, xs, score(target))


def integrate(
    network: nn.Sequential, x: Tensor, baseline: Tensor, quantity: Quantity, steps: int
) -> Tensor:
    """Integrated gradients of any quantity of a network's output: x.shape, signed, in its units.

    Equation 1 of Sundararajan et al. 2017 (arXiv:1703.01365): (x_i - x'_i) times the integral over
    alpha in [0, 1] of dF/dx_i at x' + alpha (x - x').  Complete (proposition 1): adds up to
    F(x) - F(x') as ``steps`` grows.
    """
    xs = line(x, baseline, steps)
    return (x - baseline).detach() * average_influence(network, -1, xs, quantity)


def integrated_gradients(
    model: nn.Sequential, x: Tensor, baseline: Tensor, target: int, steps: int = 50
) -> Tensor:
    """Integrated gradients of a class score (see `integrate`).

    Args:
        model: (N, *input_shape) -> (N, K); a softmax at its end is left out.
        x: (*input_shape), the instance that is explained.
        baseline: (*input_shape), what it is compared with.
        target: the class that is explained, 0 ... K - 1.
        steps: gradient evaluations of the midpoint rule, >= 1.

    Returns:
        x.shape, dtype of ``x``; signed, in score units.  The sum is the change in the score between
        ``baseline`` and ``x``, up to the error of the rule.

    Raises:
        IndexError: no such class.
        ValueError: ``steps`` is below 1.
    """
    return integrate(linear_scores(model), x, baseline, score(target), steps)


# Neurons


def ranking(attribution: Values) -> Tensor:
    """Return all neurons, int64, by their largest feature, falling; ties to the lower index."""
    features = numbers(attribution)  # Z
    return features.reshape(len(features), -1).amax(1).sort(descending=True, stable=True).indices


def top_neurons(attribution: Values, k: int = 1) -> Tensor:
    """Return the k most influential neurons of an attribution (Z), strongest first: (k,) int64.

    A neuron is as influential as its most influential feature: the signed maximum over its map.
    Ties go to the lower index.  Raises IndexError unless 1 <= k <= neurons.
    """
    require_index("k", k, 1, len(attribution))
    return ranking(attribution)[:k]


def saliency_map(model: nn.Sequential, layer: int, neuron: int, x: Tensor) -> Tensor:
    """Gradient of a neuron's activation (max over its map) with respect to the pixels of x.

    Args:
        model: (N, *input_shape) -> (N, K).
        layer: the neuron is at the output of this layer; -1 is the input.
        neuron: index into the first dimension of Z.
        x: (*input_shape), where the gradient is taken.

    Returns:
        x.shape, dtype of ``x``; signed, in units of activation per unit of pixel.

    Raises:
        IndexError: no such layer, or no such neuron.
    """
    h, _ = split(linear_scores(model), layer)
    return average_influence(h, -1, x[None], activation(neuron))


def integrated_saliency_map(
    model: nn.Sequential, layer: int, neuron: int, x: Tensor, baseline: Tensor, steps: int = 50
) -> Tensor:
    """Integrated gradients of a neuron's activation (max over its map).

    Args:
        model: (N, *input_shape) -> (N, K).
        layer: the neuron is at the output of this layer; -1 is the input.
        neuron: index into the first dimension of Z.
        x: (*input_shape), the instance that is explained.
        baseline: (*input_shape), what it is compared with.
        steps: gradient evaluations of the midpoint rule, >= 1.

    Returns:
        x.shape, dtype of ``x``; signed, in units of activation.

    Raises:
        IndexError: no such layer, or no such neuron.
        ValueError: ``steps`` is below 1.
    """
    h, _ = split(linear_scores(model), layer)
    return integrate(h, x, baseline, activation(neuron), steps)


def scale_pixels(x: Tensor, saliency: Values) -> Tensor:
    """Return x times s / max(s), s = |saliency| maximised over channels; all-zero s gives zeros.

    x and saliency: (C, H, W), or (F,), which has no channels.  Returns x.shape, dtype of x.
    """
    s = numbers(saliency).abs()
    if s.dim() > 1:
        s = s.amax(0, keepdim=True)  # (1, H, W)
    if not s.any():
        return torch.zeros_like(x)
    return x.detach() * (s / s.max()).to(x)


def ranks(values: Tensor) -> Tensor:
    """Return 1-based ranks, tied values sharing their average: (F,) -> (F,)."""
    ordered = values.sort().values
    below = torch.searchsorted(ordered, values)
    through = torch.searchsorted(ordered, values, right=True)
    return (below + 1 + through).double() / 2  # halfway from the first to the last of its ties


def compare_attributions(a: Values, b: Values, k: int) -> Comparison:
    """Compare two attributions of one shape: of two slices' features, quantities or methods.

    Args:
        a: Z, numbers of either sign.
        b: Z, likewise.
        k: how many top neurons are compared, 1 ... neurons.

    Returns:
        Spearman's rank correlation over all features (ties averaged; 0 if an input is constant),
        and the share of the k top neurons that both name.

    Raises:
        IndexError: ``k`` is out of range.
    """
    shared = set(top_neurons(a, k).tolist()) & set(top_neurons(b, k).tolist())
    u, v = (r - r.mean() for r in (ranks(numbers(a).flatten()), ranks(numbers(b).flatten())))
    spread = float(u @ u * (v @ v)) ** 0.5
    return Comparison(float(u @ v) / spread if spread else 0.0, len(shared) / k)
