"""The GAN: one training step, and the whole training with the grader's optimizers and budget."""

from __future__ import annotations

from typing import Any

import numpy as np

from grader.checks import expect
from grader.checks.gan_evidence import (
    BATCH,
    LATENT,
    SAMPLES,
    STEPS,
    batches,
    field,
    noise,
    outputs,
    take_steps,
    text,
)
from grader.checks.registry import check
from grader.records import Feedback, Figure, Limits
from grader.samples import digits, fraction, measure

__all__: list[str] = []

TRAINING = Limits(wall_seconds=1200.0, cpu_seconds=600.0)
"""Ten times what the heaviest honest variant takes for :data:`STEPS`."""

MOMENTS = Limits(wall_seconds=120.0, cpu_seconds=60.0)
"""For some dozens of steps."""

STILL = 2e-7
"""How far rounding may move a network that stands still, relative to its weights."""


@check("train_step", points=1, limits=MOMENTS)
def steps_both(student: Any) -> None:
    """Takes a step with each network and returns both losses.

    We call train_step twice with optimizers of ours (plain gradient descent): each time the
    generator and the discriminator should change, and {"d_loss": ..., "g_loss": ...} come back.
    """
    steps = take_steps(student, {})
    for network in ("generator", "discriminator"):
        expect.that(
            steps.moved(network, 0) > 0,
            f"after a step, no parameter of the {network} has changed",
            diagnosis=_WHY_STILL[network],
        )
    expect.that(not steps.returned, steps.returned, expected='{"d_loss": ..., "g_loss": ...}')
    expect.finite(steps.losses, "the returned losses")


_WHY_STILL = {
    "generator": "no opt_g.step(), or no gradient reaches the generator: a .detach() or "
    "torch.no_grad() may stand between its images and its own loss",
    "discriminator": "no opt_d.step(), or no gradient reaches the discriminator's parameters",
}


@check("train_step", points=1, needs=[steps_both], limits=MOMENTS)
def moves_only_its_own(student: Any) -> None:
    """Moves each network by its own optimizer alone.

    We hand over an optimizer with learning rate 0: its network should then stay where it is, while
    the other one still moves.  (A second call is what counts, so clipping weights is fine.)
    """
    steps = take_steps(student, {"lr_g": 0.0}, {"lr_d": 0.0})
    for network, optimizer, other, run in (
        ("generator", "opt_g", "discriminator", 0),
        ("discriminator", "opt_d", "generator", 1),
    ):
        moved = steps.moved(network, run)
        expect.that(
            moved <= STILL,
            f"with {optimizer} at learning rate 0, the {network} moves all the same",
            expected="no change",
            actual=f"a change by {moved:.2g} of the size of its weights",
            diagnosis=f"something else than {optimizer} moves it: an optimizer made inside "
            f"train_step, one over both networks, or a learning rate that is overwritten",
        )
        expect.that(
            steps.moved(other, run) > 0,
            f"with {optimizer} at learning rate 0, the {other} does not move either",
        )


FACTOR = 30.0
"""By how much one loss's gradient is multiplied where the other network should not notice."""


@check("train_step", points=2, needs=[steps_both, moves_only_its_own], limits=MOMENTS)
def keeps_the_losses_apart(student: Any) -> None:
    """Applies to each network the gradient of its own loss alone.

    We hold one network still and make the gradient of its loss 30 times larger: the other
    network's step should not change in the least.  A missing .detach() is harmless only where the
    gradients that it lets through are cleared before they are applied.
    """
    runs: list[dict[str, Any]] = []
    for still, factor, cleared in (
        ("lr_d", "scale_d", "generator"),
        ("lr_g", "scale_g", "discriminator"),
    ):
        base = {still: 0.0}
        runs += [base, dict(base), {**base, factor: FACTOR}, {**base, "clear": cleared}]
    steps = take_steps(student, *runs)
    for network, other, first, by_name in (
        ("generator", "discriminator", 0, steps.discriminator_loss_by_name),
        ("discriminator", "generator", 4, steps.generator_loss_by_name),
    ):
        change = steps.difference(network, first, first + 2)
        # Where a step writes its losses out, nothing could be multiplied.  Then what the other
        # network's backward pass left is cleared behind its step; where that stops this network
        # altogether, both losses were applied at once, and it says nothing.
        if not by_name and steps.moved(network, first + 3) > 0:
            change = steps.difference(network, first, first + 3)
        expect.that(
            change <= steps.tolerance(network, first),
            f"the {network}'s step contains the gradient of the {other}'s loss",
            expected=f"the same step of the {network}, whatever the {other}'s loss",
            actual=f"a step that differs by {change:.2g} times its size",
            diagnosis=_WHY_LEAKED[network],
        )


_WHY_LEAKED = {
    "generator": "in the discriminator's step, gradients flow back into the generator and are "
    "still there when opt_g.step() applies them: detach the fake images there, or call "
    "opt_g.zero_grad() after it",
    "discriminator": "the generator's backward pass also fills the discriminator's .grad: call "
    "opt_d.zero_grad() right before the discriminator's own backward pass",
}


@check("train_step", points=1, needs=[steps_both], limits=MOMENTS)
def makes_rivals(student: Any) -> None:
    """The discriminator learns to tell fakes, the generator to pass as real.

    First only the discriminator learns (opt_g has learning rate 0): its logits of real and of fake
    images should part.  Then only the generator learns: the logits of its images should move
    towards those of real ones.
    """
    calls, size = 8, 64
    result = student.drive(
        "duel",
        seed=2,
        real=batches(calls, BATCH, seed=3),
        noise=noise(calls, BATCH, LATENT, seed=3),
        probe=batches(size, seed=4),
        probe_noise=noise(size, LATENT, seed=4),
        rounds=[80, 25],
    )
    real, fake, later = (field(result, n, (2, size)) for n in ("real", "fake", "later"))
    for name, logits in (("real", real), ("fake", fake), ("fake", later)):
        expect.finite(logits, f"the logits of {name} images")
    apart = real.mean(1) - fake.mean(1)
    spread = np.maximum(real.std(1), fake.std(1))
    # Of eval and train mode the better counts: batch norm in the discriminator makes them differ.
    expect.that(
        bool((np.abs(apart) > 0.5 * spread).any()),
        "80 steps of the discriminator do not part real from fake images",
        actual=_means(real, fake),
        diagnosis="does its loss use both kinds of images, each with its own label?",
    )
    pull = (later.mean(1) - fake.mean(1)) * np.sign(apart)
    expect.that(
        bool((pull > 0).any()),
        "25 steps of the generator move its images' logits away from those of real ones",
        expected=f"from fake towards real ({_means(real, fake)})",
        actual=f"fake from {fake.mean(1)[0]:.3g} to {later.mean(1)[0]:.3g}",
        diagnosis="one of the two losses has the wrong sign, or its labels or arguments swapped",
    )


def _means(real: np.ndarray, fake: np.ndarray) -> str:
    return f"mean logits: real {real.mean(1)[0]:.3g}, fake {fake.mean(1)[0]:.3g}"


@check("train", points=1, limits=MOMENTS)
def runs(student: Any) -> None:
    """Takes as many steps as it is told to, and returns their results.

    train(..., steps=7, ...) calls train_step seven times and returns the list of the seven results.
    """
    result = student.drive(
        "short_training",
        seed=0,
        images=batches(1, 40, seed=6),
        runs=[{"images": 0, "steps": n, "seed": 5, "state": 0} for n in (7, 3)],
        batch_size=8,
        latent_dim=LATENT,
    )
    returned = text(result, "returned")
    expect.that(not returned, returned, expected="a list of what every train_step returned")
    counts, updates = field(result, "count", (2,)), field(result, "updates", (2, 2))
    for steps, count, stepped in zip((7, 3), counts, updates.max(1), strict=True):
        expect.that(
            count == steps,
            f"for steps={steps} the list holds {count:.0f} results",
            expected=str(steps),
            actual=f"{count:.0f}",
        )
        expect.that(
            stepped == 0
            or stepped >= steps,  # 0: optimizers of its own, which train_step loses for
            f"for steps={steps} the optimizers stepped less often",
            expected=f"at least {steps} steps",
            actual=f"{stepped:.0f}",
        )
    trained = [field(result, network, (2, None)) for network in ("generator", "discriminator")]
    expect.that(
        any(bool(np.abs(path[0] - path[1]).max() > 0) for path in trained),
        "after 7 steps both networks are what they are after 3: nothing is trained",
    )
    expect.finite(field(result, "losses", (7, 2)), "the losses in the list")


@check("train", points=5, limits=TRAINING)
def learns_the_digits(student: Any) -> Feedback:
    """The trained generator makes the ten digits, in all their variety.

    We train your two networks with your train, our optimizers (Adam, learning rate 0.002, betas 0.5
    and 0.999) and 3,000 steps of 32 images, and compare 600 of its images with 600 digits that it
    has never seen.  Look at the pictures: mush means that the generator does not learn, few kinds
    of digits that it has collapsed.  The checks of the losses and of train_step say more about why.
    """
    result = student.drive(
        "full_training",
        seed=0,
        images=digits().train,
        noise=noise(SAMPLES, LATENT, seed=7),
        **{"steps": STEPS, "batch_size": BATCH, "train_seed": 0},
    )
    samples = outputs(result, "samples", SAMPLES, (1, 8, 8)).astype(np.float32)
    quality = measure(np.clip(samples, -1, 1))
    verdict = fraction(quality)
    figures = (_pictures(samples), _digit_counts(quality.counts), *_curves(result))
    if verdict.fraction == 1:
        return Feedback(message=verdict.message, figures=figures)
    feedback: dict[str, Any] = {"diagnosis": verdict.diagnosis, "figures": figures}
    expect.that(verdict.fraction > 0, verdict.message, **feedback)
    expect.partial(verdict.fraction, verdict.message, **feedback)


def _pictures(samples: np.ndarray) -> Figure:
    shown = {"generated": samples[:40, 0], "real": batches(40, seed=8)[:, 0]}
    arrays = {name: np.clip(images, -1, 1).round(3).tolist() for name, images in shown.items()}
    return Figure("images", "images of your generator beside digits", arrays)


def _digit_counts(counts: tuple[int, ...]) -> Figure:
    real = np.bincount(digits().held_out_labels, minlength=10)
    arrays = {"generated": [float(c) for c in counts], "real": [float(c) for c in real]}
    return Figure("bars", "how many of 600 images look like each digit, 0 to 9", arrays)


def _curves(result: Any) -> tuple[Figure, ...]:
    losses = result.get("losses")
    if not isinstance(losses, np.ndarray) or losses.ndim != 2 or losses.shape[1] != 2:
        return ()
    length = len(losses) // 100 * 100
    if length == 0 or losses.dtype.kind != "f" or not np.isfinite(losses).all():
        return ()
    means = losses[:length].astype(np.float64).reshape(100, -1, 2).mean(1).round(5)
    arrays = {"d_loss": means[:, 0].tolist(), "g_loss": means[:, 1].tolist()}
    return (Figure("lines", f"the losses that train returned, means of {length // 100}", arrays),)
