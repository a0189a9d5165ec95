"""Seeded networks, slices and inputs to draw from, and the one comparison of these tests."""

import numpy as np
import torch
from hypothesis import settings
from hypothesis import strategies as st
from torch import Tensor

from grader.homework.networks import Network, input_shape

axiom = settings(derandomize=True, deadline=None, database=None, max_examples=20)

SLICES = [
    (family, layer)
    for family, layers in {
        "smooth_mlp": 4,
        "smooth_cnn": 6,
        "relu_avg_cnn": 6,
        "quadratic": 2,
    }.items()
    for layer in range(-1, layers)
]
seeds = st.sampled_from(range(12))
classes = st.sampled_from([(0, 1), (3, 0), (1, 2), (2, 3)])
smooth = st.builds(
    Network,
    family=st.sampled_from(["smooth_mlp", "smooth_cnn", "dropout_bn", "quadratic"]),
    seed=seeds,
    dtype=st.just("float64"),
)
slices = st.builds(
    lambda s, seed: (Network(s[0], seed=seed, dtype="float64"), s[1]),
    st.sampled_from(SLICES),
    seeds,
)


def inputs(network: Network, rows: int, seed: int = 0) -> Tensor:
    """(rows, *input_shape), standard normal, the network's dtype."""
    values = np.random.RandomState(seed).standard_normal((rows, *input_shape(network)))
    return torch.from_numpy(values).to(getattr(torch, network.dtype))


def error(actual: Tensor, expected: Tensor) -> float:
    """Relative L2 error; the shapes must be the same."""
    assert tuple(actual.shape) == tuple(expected.shape)
    actual, expected = actual.detach().double(), expected.detach().double()
    return float((actual - expected).norm() / expected.norm())


def assert_close(actual: Tensor, expected: Tensor, tolerance: float) -> None:
    """The relative L2 error is at most ``tolerance``, and the expectation is not just zero."""
    assert float(expected.detach().double().norm()) > 1e-3, "compares with nothing"
    assert error(actual, expected) <= tolerance
