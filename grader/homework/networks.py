"""The networks that submissions are graded on: seeded, small, built alike on both sides.

A :class:`Network` is data; :func:`build` makes the ``nn.Sequential``
(:mod:`grader.homework.building`).  Importing this module does not import torch, so that commands
that only name networks start at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import nn

__all__ = [
    "Network",
    "build",
    "depth",
    "exact",
    "input_shape",
    "num_classes",
    "scores",
    "slice_shape",
]


@dataclass(frozen=True)
class Network:
    """The spec of a network; equal specs build equal networks, to the bit, in every process.

    Args:
        family: a key of ``FAMILIES`` (:mod:`grader.homework.families`).
        seed: seeds every weight, bias and running statistic.
        dtype: ``"float32"`` or ``"float64"`` (the same weights, rounded).
        head: ``""``, ``"softmax"`` or ``"log_softmax"``: a last layer that the quantity of interest
            leaves out; ``"softmax -1"`` is over the last dimension, which is the same, and so is
            ``"softmax None"``, where torch chooses it.
        tail: layers before the head that belong to the scores, a key of ``TAILS``
            (:mod:`grader.homework.building`); ``""`` for none.
        training: handed over in train mode.
        ignores: the first input feature (channel) has weight 0 everywhere.
        rewritten: the same function in other layers: the last linear layer is two, without a kink
            in between.
        mix: ``((a, s), …)``: the last linear layer is Σ a · (the layer drawn from seed s).
        grads: handed over with a ``.grad`` on every parameter, of which every second one is frozen.
        mixed: handed over in eval mode, but for every second layer, which is in train mode; the
            layers of blocks count one by one.
        ends: after this layer the network only flattens, so that its scores are that layer's
            features; −2 leaves it whole.
        function: handed over as a plain function instead of a module.
        hooked: handed over with a hook of the caller's on every layer, which does nothing.
        cut: its layers are called as those of a larger network that it is a part of: "2", "3", ….
        unbiased: without biases: each is 0.
        held: handed over inside a module that is no ``nn.Sequential``.
    """

    family: str
    seed: int = 0
    dtype: str = "float32"
    head: str = ""
    training: bool = False
    ignores: bool = False
    rewritten: bool = False
    mix: tuple[tuple[float, int], ...] = ()
    grads: bool = False
    mixed: bool = False
    ends: int = -2
    tail: str = ""
    function: bool = False
    hooked: bool = False
    cut: bool = False
    held: bool = False
    unbiased: bool = False

    def __str__(self) -> str:
        default = Network(self.family)
        words = [repr(self.family)]
        words += [f"{k}={v!r}" for k, v in vars(self).items() if v != getattr(default, k)]
        return f"Network({', '.join(words)})"


_FACTS: dict[str, tuple[tuple[int, ...], int, int]] = {
    "affine": ((5,), 1, 4),
    "deep_affine": ((5,), 2, 4),
    "affine_image": ((2, 5, 5), 3, 4),
    "quadratic": ((5,), 3, 4),
    "clipped_sum": ((2,), 3, 2),
    "smooth_mlp": ((6,), 5, 5),
    "smooth_cnn": ((2, 6, 6), 7, 5),
    "relu_avg_cnn": ((2, 6, 6), 7, 5),
    "relu_max_cnn": ((1, 8, 8), 6, 6),
    "inplace_mlp": ((6,), 6, 5),
    "inplace_cnn": ((2, 6, 6), 7, 5),
    "dropout_bn": ((2, 6, 6), 11, 5),
    "sequence": ((2, 9), 4, 5),
    "blocks": ((6,), 3, 5),
    "inplace_blocks": ((6,), 3, 5),
    "all_convolutional": ((2, 6, 4), 5, 5),
    "no_weights": ((2, 4, 6), 3, 12),
    "rows": ((3, 4), 4, 5),
    "normed_rows": ((3, 4), 5, 5),
    "transposed": ((3, 3, 3), 4, 5),
    "own_layers": ((1, 4, 4), 7, 5),
    "volumes": ((2, 3, 4, 3), 4, 5),
    "large_image": ((3, 64, 64), 4, 5),
    "softmax_inside": ((6,), 5, 5),
    "two_classes": ((5,), 3, 2),
    "many_classes": ((5,), 3, 300),
    "slides": ((1, 28, 28), 5, 10),
    "digits": ((1, 8, 8), 8, 10),
    "margin": ((4,), 5, 0),
    "inplace_margin": ((4,), 3, 0),
    "stored_margin": ((1,), 1, 0),
    "identity_margin": ((1,), 2, 0),
}
"""Of each family the shape of an input, the number of layers, and of classes (0: no class scores).

They are known here without building a network; a test compares them with those that are built.
"""


def build(network: Network) -> nn.Sequential:
    """A fresh network of that spec.

    Returns:
        ``nn.Sequential``, (N, *input_shape) → (N, K), in the mode that the spec says.

    Raises:
        ValueError: the spec names a family, a head or a dtype that does not exist.
    """
    from grader.homework import building

    return building.build(network)


def exact(network: Network) -> nn.Sequential:
    """The network up to its scores in float64 and eval mode, made once: read it, change nothing."""
    from grader.homework import building

    return building.exact(network)


def scores(network: Network, xs: np.ndarray) -> np.ndarray:
    """The class scores before any softmax, in float64.

    Args:
        network: the spec; its dtype, head and mode are left aside.
        xs: (N, *input_shape).

    Returns:
        (N, K) float64.
    """
    from grader.homework import building

    return building.scores(network, xs)


def input_shape(network: Network) -> tuple[int, ...]:
    """The shape of one instance: (F,), (C, L) or (C, H, W)."""
    return _FACTS[network.family][0]


def depth(network: Network) -> int:
    """How many layers the network's family has."""
    return _FACTS[network.family][1]


def slice_shape(network: Network, layer: int) -> tuple[int, ...]:
    """Z, the shape of h(x) for one instance, after ``layer`` (−1: the input itself).

    Raises:
        IndexError: there is no such layer.
    """
    from grader.homework import building

    if layer < -1:
        raise IndexError(f"no layer {layer}")
    return building.shapes(network)[layer + 1]


def num_classes(network: Network) -> int:
    """K, the number of class scores."""
    known = _FACTS.get(network.family)
    if known and known[2] and network.ends == -2:
        return known[2]
    from grader.homework import building

    return building.shapes(network)[-1][0]
