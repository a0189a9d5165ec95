"""Drivers of a whole training, stage by stage, and of what it made.

What a training has learnt leaves its guest as arrays: the generator's parameters and buffers.
Another guest, which never saw an image, makes the generator, loads them and draws samples
(:func:`sample`).  Nothing that is observed here beside these arrays may earn points.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from grader.homework.contract import GAN_NETWORKS
from grader.sandbox.gan.helpers import (
    Gan,
    Result,
    adam,
    builder,
    function,
    loss_curve,
    materialised,
    module,
    seed_all,
)
from grader.sandbox.gan.stages import Stages
from grader.sandbox.guest.progress import tell

__all__ = ["begin_training", "go_on", "learning_rates", "leave", "sample"]


def learning_rates(gan: Gan) -> Result:
    """What ``LEARNING_RATE`` says.

    Returns:
        ``rates``: (2,) of the generator and of the discriminator, NaN where there is no number;
        ``given``: whether the constant is there, 1 or 0; ``words``: what it is.
    """
    found = gan.get("LEARNING_RATE")
    values = [found, found]
    if isinstance(found, Mapping):
        values = [found.get(name) for name in GAN_NETWORKS]
    return {
        "rates": torch.tensor([_number(value) for value in values], dtype=torch.float64),
        "given": float(found is not None),
        "words": repr(found)[:100],
    }


def _number(value: Any) -> float:
    if isinstance(value, bool):
        return float("nan")
    try:
        return float(value)
    except (TypeError, ValueError, RuntimeError):
        return float("nan")


class _Training:
    """One training, and what its optimizers did so far."""

    def __init__(self, generator: nn.Module, noise: Tensor) -> None:
        self.generator, self.noise = generator, noise
        self.updates, self.rose = [0, 0], [1.0, 1.0]
        self.results: Any = []
        self.stages = Stages(lambda: None)
        self._random: tuple[Any, ...] = ()

    def stage(self) -> Result:
        """Run to the next pause, and say how things stand.

        Each call of the grader seeds the global random states; a training goes on with its own.
        """
        if self._random:
            torch.set_rng_state(self._random[0])
            np.random.set_state(self._random[1])
            random.setstate(self._random[2])
        self.stages.go_on()
        self._random = torch.get_rng_state(), np.random.get_state(), random.getstate()
        made: Result = {
            **_state(self.generator),
            "updates": torch.tensor(self.updates),
            "rose": torch.tensor(self.rose),
            "ended": float(self.stages.ended),
        }
        if self.stages.ended:
            self.generator.eval()
            with torch.no_grad():
                made["own"] = self.generator(self.noise)
            made["losses"] = loss_curve(self.results)[0]
        return made


class _Current:
    """The training that is under way in this process."""

    training: _Training | None = None


def begin_training(
    gan: Gan,
    images: Tensor,
    noise: Tensor,
    steps: int,
    batch_size: int,
    train_seed: int,
    rates: list[float],
    stops: list[int],
    still: bool,
) -> Result:
    """``train`` with the whole budget, up to the first stop.

    Args:
        gan: the student's namespace.
        images: (M, 1, 8, 8), the training set.
        noise: (n, latent_dim), what the training's own samples are made of.
        steps: handed to ``train``.
        batch_size: handed to ``train``, as is the next one.
        train_seed: as above.
        rates: of the generator's and of the discriminator's optimizer.
        stops: steps of the generator's optimizer after which the training pauses; 0 is before the
            first.
        still: whether the discriminator is another one, which each of its steps leaves as it was.

    Returns:
        ``values``, ``sizes``, ``parameters``: the generator's state as :func:`_state` gives it;
        ``updates``: (2,) steps of the two optimizers so far; ``rose``: (2,) the highest learning
        rate of each, as a multiple of the one that was given; ``ended``: 1 where ``train`` has
        returned, else 0; at the end also ``losses`` (steps, 2), NaN where there is no number, and
        ``own`` (n, 1, 8, 8), samples of this very generator.
    """
    train = function(gan, "train")
    leave(gan)
    generator, discriminator = builder(gan, noise.shape[1])()
    if still:
        seed_all(train_seed + 1)
        discriminator = materialised(module(gan, "make_discriminator"), 1, 8, 8)
    seed_all(train_seed)
    optimizers = adam(generator, rates[0]), adam(discriminator, rates[1])
    training = _Training(generator, noise)

    def watched(which: int) -> None:
        optimizer = optimizers[which]

        def before(*_: Any) -> None:
            rate = max((float(group["lr"]) for group in optimizer.param_groups), default=0.0)
            training.rose[which] = max(training.rose[which], rate / rates[which])
            if which == 0 and training.updates[0] == 0 and 0 in stops:
                training.stages.pause()

        def after(*_: Any) -> None:
            training.updates[which] += 1
            if which == 0:
                tell(min(training.updates[0] / max([steps, *stops][-1], 1), 1.0))
                if training.updates[0] in stops:
                    training.stages.pause()

        optimizer.register_step_pre_hook(before)
        optimizer.register_step_post_hook(after)

    watched(0)
    watched(1)
    _put_back(discriminator, optimizers[1], really=still)

    def work() -> None:
        training.results = train(
            *(generator, discriminator, *optimizers),
            *(images, steps, batch_size, noise.shape[1], train_seed),
        )

    training.stages = Stages(work)
    _Current.training = training
    return training.stage()


def _put_back(network: nn.Module, optimizer: torch.optim.Optimizer, *, really: bool) -> None:
    """Let no step move a network; or do nothing, in hooks that look the same."""
    first: list[Tensor] = []

    def before(*_: Any) -> None:
        if not first:
            first.extend(p.detach().clone() for p in network.parameters())

    def after(*_: Any) -> None:
        with torch.no_grad():
            for p, was in zip(network.parameters() if really else (), first, strict=False):
                if p.shape == was.shape:
                    p.copy_(was)

    optimizer.register_step_pre_hook(before)
    optimizer.register_step_post_hook(after)


def go_on(gan: Gan) -> Result:
    """The training under way, up to its next stop; what it gives is that of
    :func:`begin_training`."""
    del gan
    if _Current.training is None:
        raise RuntimeError("the process in which train was running is gone")
    return _Current.training.stage()


def leave(gan: Gan) -> Result:
    """End the training that pauses, if there is one."""
    del gan
    if _Current.training is not None:
        _Current.training.stages.leave()
        _Current.training = None
    return {}


def sample(
    gan: Gan, noise: Tensor, near: Tensor, values: Tensor, sizes: Tensor, train_seed: int
) -> Result:
    """Make the generator as a training does, load a state and draw samples in eval mode.

    Args:
        gan: the student's namespace.
        noise: (n, latent_dim).
        near: (k, latent_dim), drawn apart from the first.
        values: (V,) of all tensors of the state; none leaves the generator as it was made.
        sizes: (K,) how many of them each tensor has.
        train_seed: of the training.

    Returns:
        ``samples`` (n, 1, 8, 8) and ``near`` (k, 1, 8, 8); ``values``, ``sizes`` and ``parameters``
        of the generator as it was made; ``fits``: whether the state has its sizes, 1 or 0.
    """
    generator, _ = builder(gan, noise.shape[1])()
    made = _state(generator)
    fits = len(values) == 0 or torch.equal(sizes, made["sizes"])
    if not fits:
        return {**made, "fits": 0.0}
    if len(values):
        with torch.no_grad():
            for tensor, part in zip(
                _tensors(generator)[0], torch.split(values, sizes.tolist()), strict=True
            ):
                tensor.copy_(part.reshape(tensor.shape))
    seed_all(train_seed)
    generator.eval()
    with torch.no_grad():
        return {
            **made,
            "fits": 1.0,
            "samples": generator(noise.clone()),
            "near": generator(near.clone()),
        }


def _tensors(network: nn.Module) -> tuple[list[Tensor], int]:
    """Its parameters and then its buffers, each kind in the order of their names; how many of the
    first there are."""
    parameters, buffers = dict(network.named_parameters()), dict(network.named_buffers())
    tensors = [parameters[name].detach() for name in sorted(parameters)]
    return tensors + [buffers[name] for name in sorted(buffers)], len(tensors)


def _state(network: nn.Module) -> Result:
    """Everything that a network has learnt: ``values`` (V,), all its tensors one after the other,
    ``sizes`` (K,), and ``parameters``, how many of these tensors are parameters."""
    tensors, parameters = _tensors(network)
    double = any(tensor.dtype is torch.float64 for tensor in tensors)
    dtype = torch.float64 if double else torch.float32
    flat = [tensor.flatten().to(dtype) for tensor in tensors]
    return {
        "values": torch.cat([*flat, torch.empty(0, dtype=dtype)]),
        "sizes": torch.tensor([len(part) for part in flat], dtype=torch.int64),
        "parameters": float(parameters),
    }
