"""The cases of checks: networks with a slice, inputs and a baseline, all from seeds.

A case is a frozen spec; its arrays follow from it.  Comparisons with the reference use lists of
cases; axioms draw from such lists, which are finite, so that the same check draws the same cases
everywhere.  Importing this module and declaring cases does not import torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from grader.calls.snippet import remember
from grader.homework.networks import (
    Network,
    depth,
    exact,
    input_shape,
    num_classes,
    scores,
    slice_shape,
)

__all__ = [
    "SIZES",
    "SMOOTH",
    "Case",
    "case_list",
    "cases",
    "distribution",
    "linear_layer",
    "normal",
    "of_size",
    "slices_of",
]

Array = np.ndarray


def normal(seed: int, *shape: int, scale: float = 1.0, dtype: str = "float32") -> Array:
    """Normally distributed numbers, the same on every machine.

    Args:
        seed: of the draw.
        *shape: of the array.
        scale: standard deviation.
        dtype: of the array.

    Returns:
        Array of that shape and dtype; a snippet shows how to make it instead of its numbers.
    """
    array = (scale * _drawn(seed, shape)).astype(dtype)
    times = f"{scale} * " if scale != 1 else ""
    draw = f"np.random.RandomState({seed}).standard_normal({shape})"
    return remember(array, f"({times}{draw}).astype({dtype!r})")


@lru_cache(maxsize=4096)
def _drawn(seed: int, shape: tuple[int, ...]) -> Array:
    # Making a generator takes longer than most draws, and one case is asked for many times.
    return np.random.RandomState(seed).standard_normal(shape)


def distribution(seed: int, rows: int) -> Array:
    """Positive weights of rows, which do not add up to 1: (rows,) float64."""
    return np.random.RandomState(seed).uniform(0.1, 3.0, rows).round(3)


def linear_layer(network: Network, index: int) -> tuple[Array, Array]:
    """Weight (out, in) and bias (out,) of a linear layer, float64: for closed forms."""
    layer: Any = exact(network)[index]
    return layer.weight.detach().numpy(), layer.bias.detach().numpy()


@dataclass(frozen=True)
class Case:
    """A network with a slice after ``layer``, a target class, and inputs drawn from ``seed``."""

    network: Network
    layer: int = -1
    target: int = 0
    seed: int = 0

    @property
    def shape(self) -> tuple[int, ...]:
        """Z, the shape of the slice."""
        return slice_shape(self.network, self.layer)

    @property
    def classes(self) -> int:
        """K, how many classes there are."""
        return num_classes(self.network)

    @property
    def other(self) -> int:
        """A class that is not the target."""
        return (self.target + 1 + self.seed % (self.classes - 1)) % self.classes

    @property
    def neuron(self) -> int:
        """A neuron of the slice."""
        return self.seed % self.shape[0]

    def xs(self, rows: int = 4) -> Array:
        """Inputs (rows, *input_shape)."""
        shape = input_shape(self.network)
        return normal(1000 + self.seed, rows, *shape, scale=1.5, dtype=self.network.dtype)

    @property
    def x(self) -> Array:
        """One input, (*input_shape)."""
        shape = input_shape(self.network)
        return normal(2000 + self.seed, *shape, scale=1.5, dtype=self.network.dtype)

    @property
    def baseline(self) -> Array:
        """A baseline for it, not zero."""
        shape = input_shape(self.network)
        return normal(3000 + self.seed, *shape, dtype=self.network.dtype)

    def on_line(self, nodes: Array) -> Array:
        """Points at ``nodes`` of the way from baseline to x: (len(nodes), *x.shape), its dtype."""
        alpha = nodes.reshape(-1, *[1] * self.x.ndim)
        points: Array = self.baseline + alpha * (self.x.astype(np.float64) - self.baseline)
        return points.astype(self.x.dtype)

    def scores(self, *points: Array) -> Array:
        """Class scores before any softmax of some points: (len(points), K) float64."""
        rows = np.stack(points)
        if rows.nbytes > _SMALL:
            return scores(self.network, rows)
        return _scores(self.network, rows.dtype.str, rows.shape, rows.tobytes()).copy()

    def activations(self, *points: Array) -> Array:
        """h(x) of some points, float64: (len(points), *Z)."""
        import torch

        model = exact(self.network)
        with torch.no_grad():
            rows = torch.from_numpy(np.stack(points).astype(np.float64))
            return np.asarray(model[: self.layer + 1](rows))

    def derivative(self, x: Array, other: int | None = None) -> Array:
        """∂ score_target / ∂z at z = h(x) by central differences: Z, float64, good to 1e-6.

        With ``other``, of score_target − score_other.  Only for networks without kinks.
        """
        at = x.astype(np.float64)
        change = _derivatives(self.network, self.layer, at.shape, at.tobytes())
        out = change[..., self.target] - (change[..., other] if other is not None else 0)
        return np.asarray(out)

    def with_network(self, **changes: Any) -> Case:
        """The same case on a changed network."""
        return replace(self, network=replace(self.network, **changes))


_SMALL = 1 << 14
"""Bytes of inputs up to which their scores are kept: what one case asks for, others ask again."""


@lru_cache(maxsize=20_000)
def _scores(network: Network, dtype: str, shape: tuple[int, ...], rows: bytes) -> Array:
    return scores(network, np.frombuffer(rows, dtype=dtype).reshape(shape))


@lru_cache(maxsize=5_000)
def _derivatives(network: Network, layer: int, shape: tuple[int, ...], x: bytes) -> Array:
    """∂ score / ∂z at z = h(x) by central differences: (*Z, K) float64."""
    import torch

    model = exact(network)
    with torch.no_grad():
        row = torch.from_numpy(np.frombuffer(x).reshape(1, *shape).copy())
        z = model[: layer + 1](row)[0]
        step = 1e-5 * torch.eye(z.numel(), dtype=torch.float64).reshape(-1, *z.shape)
        g = model[layer + 1 :]
        change = (g(z + step) - g(z - step)) / 2e-5  # (features, K)
    return np.asarray(change.reshape(*z.shape, -1))


SMOOTH = ("smooth_mlp", "smooth_cnn", "dropout_bn", "quadratic")
"""Families without a kink: quadrature converges fast on them."""


def slices_of(family: str) -> range:
    """The layers of a family after which a slice is possible, from −1 to the last."""
    return range(-1, depth(Network(family)))


def case_list(*rows: tuple[str, int, int], **network: Any) -> list[Case]:
    """Cases from (family, layer, seed): the finite lists of the comparisons with the reference."""
    made = []
    for family, layer, seed in rows:
        spec = Network(family, seed=seed, **network)
        made.append(Case(spec, layer, seed % num_classes(spec), seed))
    return made


SIZES = (1.0, 1e-6, 1e6)
"""Of the last layer's weights: what is right must not depend on the size of numbers."""


def of_size(case: Case, size: float) -> Case:
    """The case with a last layer so many times as large; with 1.0 the case as it is."""
    mix = ((size, 7 + case.seed),)
    return case if size == 1 else case.with_network(mix=mix)


def cases(
    families: Sequence[str] = SMOOTH,
    *,
    layers: Sequence[int] | None = None,
    seeds: int = 12,
    **network: Any,
) -> list[Case]:
    """All cases over families, layers, seeds and target classes, from which axioms draw.

    Args:
        families: of networks.
        layers: after which the slice is; ``None`` takes all layers of a family.
        seeds: how many; each seeds a network and its inputs.
        **network: further fields of :class:`Network`.
    """
    return [
        Case(spec, layer, target, seed)
        for family in families
        for seed in range(seeds)
        for spec in [Network(family, seed=seed, **network)]
        for layer in (slices_of(family) if layers is None else layers)
        for target in range(num_classes(Network(family)))
    ]
