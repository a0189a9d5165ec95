"""Drivers of ``train_step`` and ``train``; what :mod:`grader.sandbox.gan.drivers` says holds here.

Where one looks into a training step it does so without changing what honest code computes: values
stay the same to the bit, only the *gradient* of one of the two losses is multiplied by a factor, so
that the grader sees where it ends up.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from grader.homework.contract import LEARNING_RATES
from grader.sandbox.gan.helpers import (
    LOSSES,
    MOST,
    Fed,
    Gan,
    Modes,
    Result,
    adam,
    batches_seen,
    builder,
    clear_gradients,
    function,
    gradients_arrive,
    has_batch_norm,
    loss_curve,
    loss_pair,
    scaled,
    seed_all,
    state,
    updates,
)
from grader.sandbox.gan.seen import Bounds, Outputs, same_rows, scales, times_drawn

__all__ = ["duel", "short_training", "steps"]


def steps(gan: Gan, real: Tensor, noise: Tensor, runs: list[dict[str, Any]]) -> Result:
    """Consecutive calls of ``train_step``, several times over from the same start.

    Args:
        gan: the student's namespace.
        real: (choices, calls, N, 1, 8, 8).
        noise: (choices, calls, N, latent_dim).
        runs: what differs between the runs, each a dict of
            ``lr_g``, ``lr_d``: learning rates of the two optimizers (plain gradient descent), 0.01
            unless given;
            ``scale_g``, ``scale_d``, ``scale_p``: factors on the gradients, not on the values, of
            the two losses, 1 unless given, and of the penalty, that of its loss unless given;
            ``real``, ``noise``: which of the choices, 0 unless given;
            ``clear``: ``"calls"`` clears every ``.grad`` between calls, ``"generator"`` those of
            the generator after each discriminator step, ``"discriminator"`` those of the
            discriminator after each generator step, ``"steps"`` those of a network after each
            step of its own.

    Returns:
        ``generator``, ``discriminator``: (runs, calls + 1, P) parameters before the calls and after
        each;
        ``losses``: (runs, calls, 2), what was returned for d_loss and g_loss, NaN where it is no
        number; ``returned``: in words what else came back, or nothing; ``by_name``: (3,) whether
        ``train_step`` calls ``discriminator_loss``, ``generator_loss`` and
        ``discriminator_penalty`` by name, 1 or 0;
        ``arrived``: (2,) whether a gradient arrived in the generator's and in the discriminator's
        parameters in the first run, ``evaluated``: (2,) whether their dropout or batch norm was
        called in eval mode, 1 or 0; ``used``: (runs,) the largest absolute weight with which the
        discriminator is called in the last call, 0 where it is not.
    """
    step = function(gan, "train_step")
    seed = torch.initial_seed() % 2**31
    build = builder(gan, noise.shape[-1])
    losses = torch.full((len(runs), noise.shape[1], 2), torch.nan)
    paths: tuple[list[Tensor], list[Tensor]] = ([], [])
    returned, names = "", set()
    arrived, modes, used = [], [], []
    for number, run in enumerate(runs):
        generator, discriminator = build()
        opt_g = torch.optim.SGD(generator.parameters(), lr=run.get("lr_g", 0.01))
        opt_d = torch.optim.SGD(discriminator.parameters(), lr=run.get("lr_d", 0.01))
        if run.get("clear") == "generator":
            opt_d.register_step_post_hook(lambda *_, of=generator: clear_gradients(of))
        if run.get("clear") == "discriminator":
            opt_g.register_step_post_hook(lambda *_, of=discriminator: clear_gradients(of))
        if run.get("clear") == "steps":
            opt_g.register_step_post_hook(lambda *_, of=generator: clear_gradients(of))
            opt_d.register_step_post_hook(lambda *_, of=discriminator: clear_gradients(of))
        if number == 0:
            arrived = [gradients_arrive(network) for network in (generator, discriminator)]
            modes = [Modes(network) for network in (generator, discriminator)]
        path = [[state(generator)], [state(discriminator)]]
        bounds = Bounds(discriminator)
        factors = {name: run[name] for name in ("scale_d", "scale_g", "scale_p") if name in run}
        with scaled(gan, **factors) as called:
            for call in range(noise.shape[1]):
                batch = real[run.get("real", 0), call].clone()
                z = noise[run.get("noise", 0), call].clone()
                bounds.largest = 0.0
                seed_all(seed + call)
                result = step(generator, discriminator, opt_g, opt_d, batch, z)
                losses[number, call], problem = loss_pair(result)
                returned = returned or problem
                path[0].append(state(generator))
                path[1].append(state(discriminator))
                if run.get("clear") == "calls":
                    clear_gradients(generator)
                    clear_gradients(discriminator)
        names.update(called)
        used.append(bounds.largest)
        for kept, states in zip(paths, path, strict=True):
            kept.append(torch.stack(states))
    return {
        "generator": torch.stack(paths[0]),
        "discriminator": torch.stack(paths[1]),
        "losses": losses,
        "returned": returned,
        "by_name": torch.tensor([float(name in names) for name in LOSSES]),
        "arrived": torch.tensor([float(one[0]) for one in arrived]),
        "evaluated": torch.tensor([float(m.still > 0) for m in modes]),
        "used": torch.tensor(used),
    }


def duel(
    gan: Gan, real: Tensor, noise: Tensor, probe: Tensor, probe_noise: Tensor, rounds: list[int]
) -> Result:
    """``train_step`` with the generator held still, then with the discriminator held still.

    Still is what a learning rate of 0 makes of it.

    Args:
        gan: the student's namespace.
        real: (calls, N, 1, 8, 8), gone through again and again.
        noise: (calls, N, latent_dim), likewise.
        probe: (M, 1, 8, 8), real images that the logits are asked of.
        probe_noise: (M, latent_dim), of generated ones.
        rounds: calls of the first and of the second kind.

    Returns:
        ``real``, ``fake``, ``later``: (2, M) logits of real and of generated images after the
        first kind, and of generated ones after the second; with both networks in eval mode, and in
        train mode; ``updates``: (2,) how often the discriminator's optimizer stepped in calls of
        the first kind, and the generator's in those of the second;
        ``batch_norm``: whether the discriminator has batch norm, 1 or 0; ``scaled``:
        (2, 2) by which factor and offset the discriminator's inputs follow from the real images,
        and from the generator's, in the first call; NaN where they do not.
    """
    step = function(gan, "train_step")
    generator, discriminator = builder(gan, noise.shape[-1])()
    opt_g, opt_d = adam(generator), adam(discriminator)

    def play(calls: range) -> None:
        for call in calls:
            row = call % len(real)
            generator.train()
            discriminator.train()
            step(generator, discriminator, opt_g, opt_d, real[row].clone(), noise[row].clone())

    def logits(fake: bool) -> Tensor:
        rows = []
        for training in (False, True):
            generator.train(training)
            discriminator.train(training)
            with torch.no_grad():
                rows.append(discriminator(generator(probe_noise) if fake else probe).flatten())
        return torch.stack(rows)

    for group in opt_g.param_groups:
        group["lr"] = 0.0
    fed, made = Fed(), Outputs()
    hooks = [
        discriminator.register_forward_pre_hook(fed, with_kwargs=True),
        generator.register_forward_hook(made),
    ]
    play(range(1))
    for hook in hooks:
        hook.remove()
    lines = torch.stack([scales(fed.inputs, some) for some in ([real[0]], made.inputs)])
    play(range(1, rounds[0]))
    result = {"real": logits(fake=False), "fake": logits(fake=True)}
    stepped = [updates(opt_d)]
    opt_g, opt_d = adam(generator), adam(discriminator)
    for group in opt_d.param_groups:
        group["lr"] = 0.0
    play(range(rounds[1]))
    stepped.append(updates(opt_g))
    normed = float(has_batch_norm(discriminator))
    facts = {"batch_norm": normed, "scaled": lines, "updates": torch.tensor(stepped)}
    return {**result, "later": logits(fake=True), **facts}


def short_training(
    gan: Gan, images: Tensor, runs: list[dict[str, int]], batch_size: int, latent_dim: int
) -> Result:
    """``train``, a few steps of it, several times over from the same networks.

    Args:
        gan: the student's namespace.
        images: (choices, M, 1, 8, 8).
        runs: what differs: ``images`` (which of the choices), ``steps``, ``seed``, ``state``, the
            seed of the global random state that it finds, and ``slowed``: the rates are divided by
            so many, 1 unless given.
        batch_size: of each step.
        latent_dim: of the generator.

    Returns:
        ``generator``, ``discriminator``: (runs, P), parameters after training; ``count``: (runs,)
        results in the list that came back, −1 where it is no list; ``losses``: (steps, 2) of the
        first run, NaN where there is no number;
        ``returned``: in words what else came back; ``updates``: (runs, 2), how often the
        generator's and the discriminator's optimizer stepped; ``noise``: (rows, latent_dim), what
        reached the generator in the first run; ``sizes``: (calls, 2), images and rows of noise in
        each ``train_step`` of the first run, one row of NaN if it is never called by name;
        ``rates``: (runs,) the largest learning rate after training, as a multiple of the one
        before; ``drawn``: (M,) how often ``train_step`` got each image, and ``scale``: (2,) by
        which factor and offset what it got follows from one, in the first run; NaN where it does
        not; ``told``: (calls, 2), the losses that each ``train_step`` of the first run returned,
        a row of NaN if it is never called by name;
        ``kept``: (runs,) whether the images are as they were, in whichever order, 1 or 0.
    """
    train = function(gan, "train")
    build = builder(gan, latent_dim)
    states: tuple[list[Tensor], list[Tensor]] = ([], [])
    counts, stepped, losses, returned = [], [], torch.empty(0, 2), ""
    rates: list[float] = []
    kept: list[float] = []
    fed = Fed()
    for number, run in enumerate(runs):
        generator, discriminator = build()
        rate = LEARNING_RATES[0] / run.get("slowed", 1)
        opt_g, opt_d = adam(generator, rate), adam(discriminator, rate)
        if number == 0:
            generator.register_forward_pre_hook(fed, with_kwargs=True)
        seed_all(run["state"])
        torch.rand(3)  # so that it is not the state that a seed gives, whichever that is
        data = images[run["images"]].clone()
        with batches_seen(gan) as seen:
            results = train(
                *(generator, discriminator, opt_g, opt_d),
                *(data, run["steps"], batch_size, latent_dim, run["seed"]),
            )
        if number == 0:
            losses, returned = loss_curve(results)
            sizes = [(len(real), len(z)) for real, z, _ in seen[:MOST]]
            told = [pair for _, _, pair in seen[:MOST]]
            given = [real for real, _, _ in seen[:MOST]]
            drawn, scale = times_drawn(given, images[run["images"]])
            # A forward that is called by name passes by every hook: then what the step was given.
            noise = [z.flatten(1) for z in fed.inputs or [z for _, z, _ in seen] if z.dim() > 1]
        kept.append(float(same_rows(data, images[run["images"]])))
        counts.append(len(results) if isinstance(results, (list, tuple)) else -1)
        stepped.append([updates(opt_g), updates(opt_d)])
        groups = [*opt_g.param_groups, *opt_d.param_groups]
        rates.append(max(float(group["lr"]) for group in groups) / rate)
        states[0].append(state(generator))
        states[1].append(state(discriminator))
    return {
        "generator": torch.stack(states[0]),
        "discriminator": torch.stack(states[1]),
        "count": torch.tensor(counts),
        "losses": losses,
        "returned": returned,
        "updates": torch.tensor(stepped),
        "sizes": torch.tensor(sizes or [(torch.nan, torch.nan)]),
        "rates": torch.tensor(rates),
        "told": torch.stack(told) if told else torch.full((1, 2), torch.nan),
        "kept": torch.tensor(kept),
        "drawn": drawn,
        "scale": scale,
        "noise": torch.cat(noise)[:MOST] if noise else torch.empty(0, latent_dim),
    }
