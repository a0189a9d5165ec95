r"""Part 1: focused explanation of a slice.

A network f is cut into f(x) = g(h(x)); the pair s = <g, h> is a *slice* and z = h(x) its features.  What a feature
z_j does to a *quantity of interest* computed from g(z), for inputs from a *distribution of interest* P, is
definition 1 of Leino, Sen, Datta, Fredrikson, Li 2018, "Influence-directed explanations for deep convolutional
networks" (arXiv:1802.03788):

    chi_j^s(f, P) = integral over X of  dg/dz_j at h(x)  P(x) dx                                     (1)

Every explanation of this homework is this one integral.  An instance takes P to be a point, a class takes P over its
instances, integrated gradients (Sundararajan, Taly, Yan 2017, arXiv:1703.01365, equation 1) take h to be the
identity and P uniform on the line from a baseline to x, and a saliency map takes a neuron for the quantity.  So
`average_influence` is the only place that differentiates anything, and the functions below choose its arguments.
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

Quantity = Callable[[Tensor], Tensor]  # (N, ...) -> (N,); row n depends on row n alone
Values = Tensor | np.ndarray[Any, Any] | Sequence[Any]  # numbers, however they are handed over

PASS_ELEMENTS = 2**19  # input elements in one backward pass: 8192 digits, 3 photographs of 3 x 224 x 224


class Comparison(NamedTuple):
    """How alike two attributions are: over all features, and among the neurons that they put first."""

    rank_correlation: float
    top_k_overlap: float


# The slice


def linear_scores(model: nn.Sequential) -> nn.Sequential:
    """Return the network without its final softmax, since softmax lets one class overshadow the others.

    Args:
        model: (N, *input_shape) -> (N, K).  Only its last top-level layer counts as final.

    Returns:
        A new container of the same layers, without a last ``nn.Softmax`` or ``nn.LogSoftmax``.
    """
    layers = list(model)
    if layers and isinstance(layers[-1], nn.Softmax | nn.LogSoftmax):
        layers.pop()
    return nn.Sequential(*layers)


def split(model: nn.Sequential, layer: int) -> tuple[nn.Sequential, nn.Sequential]:
    """Return the slice (h, g) of the model behind ``layer``: g(h(x)) == model(x).

    Args:
        model: (N, *input_shape) -> (N, K).  A final softmax stays, as the end of g.
        layer: index of the last layer of h; -1 makes h the identity, the last index makes g the identity.

    Returns:
        h: (N, *input_shape) -> (N, *Z) and g: (N, *Z) -> (N, K).  They share the model's layers, and like these they
        may work in place: clone a value that is needed afterwards.

    Raises:
        IndexError: ``layer`` is not in -1 ... len(model) - 1.
    """
    layers = list(model)
    require_index("layer", layer, -1, len(layers) - 1)
    return nn.Sequential(*layers[: layer + 1]), nn.Sequential(*layers[layer + 1 :])


def require_index(name: str, index: int, lowest: int, highest: int) -> None:
    """Refuse an index that does not exist, above all the negative one that Python would count from the end."""
    if not lowest <= index <= highest:
        raise IndexError(f"{name!r} must be in {lowest} ... {highest} (got {index})")


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Run a block in eval mode, with gradients and with frozen parameters, and leave the module as it was found.

    Nobody asks for gradients of the parameters; frozen, they cost nothing and their ``.grad`` cannot change.  The
    caller's ``no_grad`` or ``inference_mode`` is lifted inside.
    """
    modes = [(part, part.training) for part in module.modules()]
    flags = [(parameter, parameter.requires_grad) for parameter in module.parameters()]
    try:
        module.eval()
        module.requires_grad_(False)
        with torch.inference_mode(False), torch.enable_grad():
            yield
    finally:
        for part, training in modes:
            part.training = training  # one by one: a model may have some parts frozen in eval mode
        for parameter, requires_grad in flags:
            parameter.requires_grad_(requires_grad)


# Definition 1: quantity of interest, distribution of interest, influence


def score(target: int) -> Quantity:
    """Return the quantity "score of class ``target``": (N, K) -> (N,)."""

    def quantity(scores: Tensor) -> Tensor:
        require_index("target", target, 0, scores.shape[1] - 1)
        return scores[:, target]

    return quantity


def activation(neuron: int) -> Quantity:
    """Return the quantity "activation of ``neuron``", the maximum over its map: (N, *Z) -> (N,)."""

    def quantity(z: Tensor) -> Tensor:
        require_index("neuron", neuron, 0, z.shape[1] - 1)
        return z[:, neuron].flatten(1).amax(1) if z.dim() > 2 else z[:, neuron]

    return quantity


def line(x: Tensor, baseline: Tensor, steps: int) -> Tensor:
    """Return the ``steps`` nodes of the midpoint rule on the straight line from baseline to x: (steps, *x.shape).

    The rule weighs its nodes alike, so P uniform on the line is P uniform on these rows.  Its error falls as
    1/steps^2 where the gradient is smooth, the right-hand sum's of equation 3 of Sundararajan et al. as 1/steps.
    """
    if steps < 1:
        raise ValueError(f"'steps' must be at least 1 (got {steps})")
    alpha = (torch.arange(steps, dtype=x.dtype, device=x.device) + 0.5) / steps
    return baseline + alpha.view(-1, *[1] * x.dim()) * (x - baseline)


def influences(network: nn.Sequential, layer: int, xs: Tensor, quantity: Quantity) -> Iterator[Tensor]:
    """Yield dquantity/dz at z = h(x), (n, *Z), for n rows of ``xs`` after another, n bounded by memory.

    Rows do not meet in eval mode, so the gradient of the sum over rows is each row's own: one backward pass for all.
    """
    if len(xs) == 0:
        raise ValueError("'xs' must have at least one row (got an empty batch)")
    h, g = split(network, layer)
    for rows in xs.detach().split(rows_per_pass(xs)):
        with evaluating(network):
            z = h(rows.clone()).detach().requires_grad_()  # (n, *Z); h may overwrite its input,
            value = quantity(g(z.clone()))  # (n,); and g must not overwrite the leaf z
            (gradient,) = torch.autograd.grad(value.sum(), z)
        yield gradient


def rows_per_pass(xs: Tensor) -> int:
    """Return how many rows of ``xs`` go through the network at once."""
    return max(1, PASS_ELEMENTS // max(1, xs[0].numel()))


def average_influence(
    network: nn.Sequential, layer: int, xs: Tensor, quantity: Quantity, weights: Values | None = None
) -> Tensor:
    """Definition 1: dquantity/dz at z = h(x), averaged over the rows of ``xs`` under ``weights``: Z."""
    probabilities = distribution(weights, len(xs)).to(xs)  # (N,)
    terms = zip(probabilities.split(rows_per_pass(xs)), influences(network, layer, xs, quantity), strict=True)
    return reduce(torch.add, (torch.tensordot(p, gradient, dims=1) for p, gradient in terms))


def distribution(weights: Values | None, rows: int) -> Tensor:
    """Return P over the rows, float64 (rows,), adding up to 1; uniform where there are no weights."""
    if rows == 0:
        raise ValueError("'xs' must have at least one row (got an empty batch)")
    p = torch.ones(rows, dtype=torch.float64) if weights is None else numbers(weights)
    if p.shape != (rows,):
        raise ValueError(f"'weights' must hold one number a row, {rows} (got shape {tuple(p.shape)})")
    if not (p.isfinite().all() and (p >= 0).all() and (p > 0).any()):
        raise ValueError(f"'weights' must be finite, non-negative and not all zero (got {p.tolist()})")
    p = p / p.max()  # first, lest the sum overflow
    return p / p.sum()


def numbers(values: Values) -> Tensor:
    """Return a tensor, array or nested list as a float64 tensor: exact, so that ties stay ties and nothing else."""
    if isinstance(values, Tensor):
        return values.detach().double()
    return torch.from_numpy(np.array(values, dtype=np.float64))


def instance_influence(model: nn.Sequential, layer: int, xs: Tensor, target: int) -> Tensor:
    """Influence of every feature of the slice on one class score, for each instance.

    Definition 1 of Leino et al. 2018 (arXiv:1802.03788) with P the point x: dscore_target/dz at z = h(x).

    Args:
        model: (N, *input_shape) -> (N, K) class scores; a final softmax is left out.
        layer: the slice is behind this layer, -1 is the input.
        xs: (N, *input_shape), N >= 1.
        target: class, 0 ... K - 1.

    Returns:
        (N, *Z), dtype of ``xs``; signed, in score units per unit of activation.

    Raises:
        ValueError: ``xs`` is empty.
        IndexError: ``layer`` or ``target`` does not exist.
    """
    return torch.cat(list(influences(linear_scores(model), layer, xs, score(target))))


def class_influence(
    model: nn.Sequential, layer: int, xs: Tensor, target: int, weights: Values | None = None
) -> Tensor:
    """Influence of every feature of the slice on one class score, averaged over a distribution of interest.

    Definition 1 of Leino et al. 2018 (arXiv:1802.03788) with P over the rows of ``xs``, uniform or proportional to
    ``weights``.  With all instances of a class it explains the class.  No row is left out for what the model predicts.

    Args:
        model: (N, *input_shape) -> (N, K) class scores; a final softmax is left out.
        layer: the slice is behind this layer, -1 is the input.
        xs: (N, *input_shape), N >= 1.
        target: class, 0 ... K - 1.
        weights: (N,) non-negative, finite, not all zero, of any sum; None is uniform.

    Returns:
        Z, dtype of ``xs``; signed, in score units per unit of activation.

    Raises:
        ValueError: ``xs`` is empty, or ``weights`` are not as above.
        IndexError: ``layer`` or ``target`` does not exist.
    """
    return average_influence(linear_scores(model), layer, xs, score(target), weights)


def path_influence(
    model: nn.Sequential, layer: int, x: Tensor, baseline: Tensor, target: int, steps: int = 50
) -> Tensor:
    """Influence of every feature of the slice on one class score, averaged on the way from a baseline to x.

    Definition 1 of Leino et al. 2018 (arXiv:1802.03788) with P uniform on the straight line from ``baseline`` to
    ``x`` in input space: z runs along h(line), which need not be straight.

    Args:
        model: (N, *input_shape) -> (N, K) class scores; a final softmax is left out.
        layer: the slice is behind this layer, -1 is the input.
        x: (*input_shape).
        baseline: (*input_shape), the input that stands for "nothing there".
        target: class, 0 ... K - 1.
        steps: gradient evaluations of the midpoint rule, at least 1.

    Returns:
        Z, dtype of ``x``; signed, in score units per unit of activation.

    Raises:
        ValueError: ``steps`` < 1.
        IndexError: ``layer`` or ``target`` does not exist.
    """
    return average_influence(linear_scores(model), layer, line(x, baseline, steps), score(target))


def integrate(network: nn.Sequential, quantity: Quantity, x: Tensor, baseline: Tensor, steps: int) -> Tensor:
    """Integrated gradients of any quantity of a network's output: x.shape."""
    return (x - baseline).detach() * average_influence(network, -1, line(x, baseline, steps), quantity)


def integrated_gradients(
    model: nn.Sequential, x: Tensor, baseline: Tensor, target: int, steps: int = 50
) -> Tensor:
    """Integrated gradients of one class score.

    Equation 1 of Sundararajan et al. 2017 (arXiv:1703.01365): (x - baseline) times the integral over alpha in 0 ... 1
    of dscore_target/dx at baseline + alpha (x - baseline).  Complete: adds up to score(x) - score(baseline) as
    ``steps`` grows.

    Args:
        model: (N, *input_shape) -> (N, K) class scores; a final softmax is left out.
        x: (*input_shape).
        baseline: (*input_shape), the input that stands for "nothing there".
        target: class, 0 ... K - 1.
        steps: gradient evaluations of the midpoint rule, at least 1.

    Returns:
        x.shape, dtype of ``x``; signed, in score units.

    Raises:
        ValueError: ``steps`` < 1.
        IndexError: ``target`` does not exist.
    """
    return integrate(linear_scores(model), score(target), x, baseline, steps)


# Neurons


def ranking(attribution: Values) -> Tensor:
    """Return all neurons, int64, by their most influential feature, largest first; ties go to the lower index."""
    peaks = numbers(attribution).flatten(1).amax(1) if np.ndim(attribution) > 1 else numbers(attribution)
    return peaks.sort(descending=True, stable=True).indices
