"""Drivers: small programs of ours that run a student's ``gan.py`` in the guest.

A driver judges nothing.  It builds the student's networks, hands the student's functions what the
homework promises them, optimizers included, and gives back states, losses and samples as plain
arrays; what they should be is known to the grader alone.  Weights and whatever else is drawn follow
from the global random state, which the call's seed has set.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from grader.sandbox.gan.helpers import (
    Gan,
    Result,
    adam,
    builder,
    function,
    logit_shape,
    materialised,
    module,
    state,
    value_and_gradients,
)
from grader.sandbox.gan.training import duel, short_training, steps
from grader.sandbox.gan.whole import begin_training, go_on, learning_rates, leave, sample

__all__ = ["DRIVERS"]


def judge_generator(gan: Gan, noise: Tensor, sizes: list[int]) -> Result:
    """An untrained generator in eval mode, on batches of each size.

    Args:
        gan: the student's namespace.
        noise: (n, latent_dim), of which the first rows are taken.
        sizes: of the batches.

    Returns:
        ``images_<size>``: what it makes of so many rows; ``trainable``: how many trainable
        parameters it has.
    """
    return _judge(module(gan, "make_generator", noise.shape[1]), noise, sizes, "images")


def judge_discriminator(gan: Gan, images: Tensor, sizes: list[int]) -> Result:
    """As :func:`judge_generator`, of a discriminator: ``logits_<size>`` and ``trainable``."""
    return _judge(module(gan, "make_discriminator"), images, sizes, "logits")


def _judge(network: nn.Module, inputs: Tensor, sizes: list[int], what: str) -> Result:
    network.eval()
    with torch.no_grad():
        outputs = {f"{what}_{size}": network(inputs[:size].clone()) for size in sizes}
    trainable = sum(p.numel() for p in network.parameters() if p.requires_grad)
    return {"trainable": trainable, **outputs}


def discriminator_alone(
    gan: Gan, real: Tensor, fake: Tensor, probe: Tensor, steps: int, batch_size: int
) -> Result:
    """Train a discriminator to tell ``real`` from ``fake``, then ask it about ``probe``.

    The loss is ours (cross entropy), so that only the network is put to the test.

    Returns:
        ``logits``: its answers in eval mode, in the shape that it returns them.
    """
    discriminator = materialised(module(gan, "make_discriminator"), 1, 8, 8)
    optimizer = adam(discriminator)
    draw = torch.Generator().manual_seed(0)
    for _ in range(steps):
        rows = torch.randint(min(len(real), len(fake)), (batch_size,), generator=draw)
        # In one batch: batch norm then learns the statistics of what it will be asked about.
        logits = discriminator(torch.cat([real[rows], fake[rows]])).flatten()
        loss = softplus(-logits[:batch_size]).mean() + softplus(logits[batch_size:]).mean()
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
    discriminator.eval()
    with torch.no_grad():
        return {"logits": discriminator(probe)}


def discriminator_losses(gan: Gan, real: Tensor, fake: Tensor) -> Result:
    """``discriminator_loss`` and its gradients, once for each row of logits: (B, N) and (B, N).

    Returns:
        ``values`` (B,); ``real_gradients`` and ``fake_gradients`` (B, N), NaN where there is none;
        ``LOSS``.
    """
    loss, shape = function(gan, "discriminator_loss"), logit_shape(gan)
    values, gradients = [], []
    for row in zip(real, fake, strict=True):
        r, f = (logits.reshape(shape).clone().requires_grad_(True) for logits in row)
        value, found = value_and_gradients(loss(r, f), (r, f))
        values.append(value)
        gradients.append(torch.stack([g.flatten() for g in found]))
    both = torch.stack(gradients)  # (B, 2, N)
    return {
        "values": torch.stack(values),
        "real_gradients": both[:, 0],
        "fake_gradients": both[:, 1],
        "LOSS": str(gan.get("LOSS"))[:100],
    }


def generator_losses(gan: Gan, fake: Tensor) -> Result:
    """``generator_loss`` and its gradient, once for each row of ``fake`` (B, N).

    Returns:
        ``values`` (B,); ``gradients`` (B, N), NaN where there is none; ``LOSS``.
    """
    loss, shape = function(gan, "generator_loss"), logit_shape(gan)
    values, gradients = [], []
    for row in fake:
        f = row.reshape(shape).clone().requires_grad_(True)
        value, (gradient,) = value_and_gradients(loss(f), (f,))
        values.append(value)
        gradients.append(gradient.flatten())
    return {
        "values": torch.stack(values),
        "gradients": torch.stack(gradients),
        "LOSS": str(gan.get("LOSS"))[:100],
    }


def penalty(gan: Gan, real: Tensor, noise: Tensor, factors: list[float]) -> Result:
    """``discriminator_penalty`` of networks whose discriminator's weights are multiplied.

    Args:
        gan: the student's namespace.
        real: (N, 1, 8, 8).
        noise: (N, latent_dim).
        factors: on the weights, one after the other.

    Returns:
        ``given``: whether there is such a function, 1 or 0; ``values``: (factors,) and ``sizes``:
        (factors,), the norm of its gradient with respect to the discriminator's parameters, NaN
        where it is cut off from them; ``gradient``: (P,), that of the first factor, as
        :func:`grader.sandbox.gan.helpers.state` orders it.
    """
    if not callable(gan.get("discriminator_penalty")):
        return {"given": 0.0}
    values, sizes, first = [], [], torch.empty(0)
    build = builder(gan, noise.shape[1])
    for factor in factors:
        generator, discriminator = build()
        parameters = [p for p in discriminator.parameters() if p.requires_grad]
        with torch.no_grad():
            fake = generator(noise)
            for parameter in parameters:
                parameter.mul_(factor)
        loss = function(gan, "discriminator_penalty")(discriminator, real.clone(), fake)
        value, found = value_and_gradients(loss, tuple(parameters))
        values.append(value)
        sizes.append(torch.cat([g.flatten() for g in found]).norm())
        if not len(first):
            for parameter, gradient in zip(parameters, found, strict=True):
                parameter.data = gradient.detach().clone()
            first = state(discriminator)
    return {
        "given": 1.0,
        "values": torch.stack(values),
        "sizes": torch.stack(sizes),
        "gradient": first,
    }


def tabulated(
    gan: Gan, start: Tensor, real: Tensor, fake: Tensor, steps: int, rate: float
) -> Result:
    """Minimise ``discriminator_loss`` over the logits themselves.

    That is a discriminator that knows every kind of image by heart.

    Args:
        gan: the student's namespace.
        start: (K,) logits to begin with, one for each kind of image.
        real: (N,) the kinds of a batch of real images.
        fake: (N,) those of generated ones.
        steps: of Adam.
        rate: its learning rate, which falls to 0.

    Returns:
        ``logits`` (K,): where it arrives.
    """
    loss, shape = function(gan, "discriminator_loss"), logit_shape(gan)
    table = start.clone().requires_grad_(True)
    optimizer = torch.optim.Adam([table], lr=rate)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = rate * (1 - step / steps)
        logits = table[real].reshape(shape), table[fake].reshape(shape)
        table.grad = value_and_gradients(loss(*logits), (table,))[1][0]
        optimizer.step()
    return {"logits": table.detach()}


DRIVERS: dict[str, Callable[..., Result]] = {
    driver.__name__: driver
    for driver in (
        judge_generator,
        judge_discriminator,
        discriminator_alone,
        discriminator_losses,
        generator_losses,
        penalty,
        tabulated,
        steps,
        duel,
        short_training,
        learning_rates,
        begin_training,
        go_on,
        leave,
        sample,
    )
}
