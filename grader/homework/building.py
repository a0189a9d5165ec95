"""Networks as torch modules, from their specs (:mod:`grader.homework.networks`).

Weights come from NumPy's ``RandomState``, whose stream never changes, so that they depend neither
on torch's version nor on its generator.
"""

from __future__ import annotations

import copy
import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from functools import cache, lru_cache

import numpy as np
import torch
from safetensors.torch import load as load_tensors
from torch import Tensor, nn

from grader import layout
from grader.homework.families import FAMILIES, ScaledTanh
from grader.homework.networks import Network, input_shape

__all__ = ["TAILS", "build", "exact", "scores", "shapes"]


TAILS: dict[str, Callable[[], list[nn.Module]]] = {
    "": list,
    "sigmoid": lambda: [nn.Sigmoid()],
    "relu": lambda: [nn.ReLU()],
    "log_sigmoid": lambda: [nn.LogSigmoid()],
    "softmin": lambda: [nn.Softmin(dim=1)],
    "dropout": lambda: [nn.Dropout(0.5)],
    "identity": lambda: [nn.Identity()],
    "scaled": lambda: [ScaledTanh()],
    "softmax": lambda: [nn.Softmax(dim=1)],
    "log_softmax": lambda: [nn.LogSoftmax(dim=1)],
    "block": lambda: [nn.Sequential(nn.Identity(), nn.Softmax(dim=1))],
    "waits": lambda: [nn.Softmax(dim=1), nn.Identity()],
}
"""Layers after the last linear one that are no final softmax: they stay where one is removed.

``softmax`` and ``log_softmax`` only with a head, which is then the final one; in ``block`` the
softmax is not a top-level layer, in ``waits`` not the last one.
"""


def build(network: Network) -> nn.Sequential:
    """A fresh network of that spec.

    Returns:
        ``nn.Sequential``, (N, *input_shape) → (N, K), in the mode that the spec says.

    Raises:
        ValueError: the spec names a family, a head or a dtype that does not exist.
    """
    family = FAMILIES.get(network.family)
    if family is None:
        raise ValueError(f"no network family {network.family!r}; there are: {', '.join(FAMILIES)}")
    if network.dtype not in ("float32", "float64"):
        raise ValueError(f"dtype must be 'float32' or 'float64' (got {network.dtype!r})")
    # Their own initialisation draws from torch's global generator, which stays as it was.
    with torch.random.fork_rng(devices=[]):
        layers = [layer.float() for layer in family.layers()]
    _fill(layers, network, family.gain)
    # From here on in the network's own precision: a float64 one is mixed and rewritten exactly.
    layers = [layer.to(getattr(torch, network.dtype)) for layer in layers]
    modules = nn.Sequential(*layers).modules()
    weighted = [m for m in modules if isinstance(m, _WEIGHTED)]
    if network.mix:
        _mix(weighted[-1], network.mix, family.gain)
    if network.ignores:
        with torch.no_grad():
            weighted[0].weight[:, 0] = 0
    for module in weighted if network.unbiased else ():
        assert module.bias is not None
        nn.init.zeros_(module.bias)
    if network.rewritten:
        layers = _rewrite(layers)
    if network.ends > -2:
        layers = [*layers[: network.ends + 1], nn.Flatten()]
    heads: dict[str, list[nn.Module]] = {
        "": [],
        "softmax": [nn.Softmax(dim=1)],
        "softmax -1": [nn.Softmax(dim=-1)],
        "softmax None": [nn.Softmax()],
        "log_softmax": [nn.LogSoftmax(dim=1)],
    }
    for name, known in (("head", heads), ("tail", TAILS)):
        if getattr(network, name) not in known:
            given = getattr(network, name)
            raise ValueError(f"{name} must be one of {sorted(known)} (got {given!r})")
    ending = [*TAILS[network.tail](), *heads[network.head]]
    model = nn.Sequential(*layers, *ending).train(network.training)
    if network.cut:
        model = nn.Sequential(OrderedDict((f"{n}", layer) for n, layer in enumerate(model, 2)))
        model.train(network.training)
    for layer in model if network.hooked else ():
        layer.register_forward_hook(_does_nothing)
    if network.mixed:
        leaves = [module for module in model.modules() if not list(module.children())]
        for layer in leaves[1::2]:
            layer.train(not network.training)
    return model


def _does_nothing(*_: object) -> None:
    """A hook that a caller has put on a layer."""


def _fill(layers: list[nn.Module], network: Network, gain: float) -> None:
    if network.family == "digits":
        nn.Sequential(*layers).load_state_dict(load_tensors(_data("digits_cnn.safetensors")))
        return
    if network.family == "clipped_sum":
        _fill_clipped_sum(layers)
        return
    random = np.random.RandomState(network.seed)
    for module in nn.Sequential(*layers).modules():
        if isinstance(module, _WEIGHTED):
            _draw(module, random, gain)
        elif isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            width = module.num_features
            _set(module.weight, random.uniform(0.6, 1.4, width))
            _set(module.bias, random.uniform(-0.5, 0.5, width))
            assert module.running_mean is not None
            assert module.running_var is not None
            _set(module.running_mean, random.uniform(-0.5, 0.5, width))
            _set(module.running_var, random.uniform(0.5, 2.0, width))
        elif isinstance(module, nn.LayerNorm):
            _set(module.weight, random.uniform(0.6, 1.4, module.normalized_shape))
            _set(module.bias, random.uniform(-0.5, 0.5, module.normalized_shape))


_WEIGHTED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d)

Weighted = nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d | nn.ConvTranspose2d


def _draw(
    module: Weighted,
    random: np.random.RandomState,
    gain: float,
) -> None:
    fan_in = math.prod(module.weight.shape[1:])
    _set(module.weight, gain * random.standard_normal(module.weight.shape) / math.sqrt(fan_in))
    assert module.bias is not None
    _set(module.bias, 0.5 * random.standard_normal(module.bias.shape))


def _mix(
    module: Weighted,
    mix: tuple[tuple[float, int], ...],
    gain: float,
) -> None:
    drawn = copy.deepcopy(module).float()  # weights are float32 values, whatever they are kept in
    total = [torch.zeros_like(p, dtype=torch.float64) for p in drawn.parameters()]
    for factor, seed in mix:
        _draw(drawn, np.random.RandomState(seed), gain)
        total = [t + factor * p.double() for t, p in zip(total, drawn.parameters(), strict=True)]
    with torch.no_grad():
        for parameter, value in zip(module.parameters(), total, strict=True):
            parameter.copy_(value)


def _fill_clipped_sum(layers: list[nn.Module]) -> None:
    # Scores: min(2a + 3b, 1) = 1 − relu(1 − 2a − 3b), and a − b where that is positive.
    first, last = layers[0], layers[2]
    assert isinstance(first, nn.Linear)
    assert isinstance(last, nn.Linear)
    _set(first.weight, np.array([[-2.0, -3.0], [1.0, -1.0]]))
    _set(first.bias, np.array([1.0, 0.0]))
    _set(last.weight, np.array([[-1.0, 0.0], [0.0, 1.0]]))
    _set(last.bias, np.array([1.0, 0.0]))


def _rewrite(layers: list[nn.Module]) -> list[nn.Module]:
    # W z + b = (W Qᵀ)(Q z) + b for a Q with orthonormal columns: two linear layers in place of one.
    last = layers[-1]
    assert isinstance(last, nn.Linear)
    width = last.in_features
    square = np.random.RandomState(0).standard_normal((width + 3, width))
    orthonormal = torch.from_numpy(np.linalg.qr(square)[0])
    with torch.random.fork_rng(devices=[]):
        rotate = nn.Linear(width, width + 3, dtype=last.weight.dtype)
        turned = nn.Linear(width + 3, last.out_features, dtype=last.weight.dtype)
    with torch.no_grad():
        rotate.weight.copy_(orthonormal)
        rotate.bias.fill_(0.25)
        turned.weight.copy_(last.weight.double() @ orthonormal.T)
        turned.bias.copy_(last.bias.double() - 0.25 * turned.weight.double().sum(1))
    return [*layers[:-1], rotate, turned]


def _set(parameter: Tensor, value: np.ndarray) -> None:
    with torch.no_grad():
        parameter.copy_(torch.from_numpy(np.asarray(value, dtype=np.float64)))


@cache
def _data(name: str) -> bytes:
    # By path: in a guest the grader's packages can no longer be imported by then.
    return layout.data(name).read_bytes()


@lru_cache(maxsize=1024)
def shapes(network: Network) -> tuple[tuple[int, ...], ...]:
    """The shape of one instance: the input's, and after each layer."""
    model = build(replace(network, training=False, mixed=False))
    z = torch.zeros((1, *input_shape(network)), dtype=getattr(torch, network.dtype))
    shapes = [tuple(z.shape[1:])]
    with torch.no_grad():
        for layer in model:
            z = layer(z)
            shapes.append(tuple(z.shape[1:]))
    return tuple(shapes)


@lru_cache(maxsize=1024)
def exact(network: Network) -> nn.Sequential:
    """The network up to its scores in float64 and eval mode, made once: read it, change nothing."""
    return build(replace(network, dtype="float64", head="", training=False, mixed=False))


def scores(network: Network, xs: np.ndarray) -> np.ndarray:
    """The class scores before any softmax, in float64.

    Args:
        network: the spec; its dtype, head and mode are left aside.
        xs: (N, *input_shape).

    Returns:
        (N, K) float64.
    """
    with torch.no_grad():
        out: np.ndarray = exact(network)(torch.from_numpy(np.array(xs, dtype=np.float64))).numpy()
    return out
