"""The GAN: one training step, and the loop over them."""

from __future__ import annotations

from typing import Any

import numpy as np

from grader.checks.framework import expect
from grader.checks.framework.registry import check
from grader.checks.framework.student import Student
from grader.checks.gan.evidence import BATCH, LATENT, batches, field, noise, take_steps, text
from grader.records import Limits

__all__ = ["CLEARED", "WHY_STILL"]

MOMENTS = Limits(wall_seconds=120.0, cpu_seconds=60.0)
"""For some dozens of steps."""

FACTOR = 30.0
"""The factor of a gradient, to see where it goes."""

STILL = 2e-7
"""How far rounding may move a network that stands still, relative to its weights."""


@check("train_step", points=0.5, limits=MOMENTS)
def steps_both(student: Student) -> None:
    """Take a step with each network and return both losses.

    We call train_step twice with our optimizers (plain gradient descent). Each call should change
    the generator and the discriminator, and return {"d_loss": ..., "g_loss": ...}. Dropout and
    batch norm should be in train mode.
    """
    steps = take_steps(student, {})
    for network in ("generator", "discriminator"):
        expect.that(
            steps.moved(network, 0) > 0,
            f"a step changes no parameter of the {network}",
            diagnosis=CLEARED[network] if steps.arrived[network] else WHY_STILL[network],
        )
    for network, evaluated in steps.evaluated.items():
        expect.that(
            not evaluated,
            f"the dropout or batch norm of the {network} is in eval mode during train_step",
            diagnosis=f"call {network}.train() before the step: in eval mode batch norm learns no "
            "statistics, and dropout does nothing",
        )
    expect.that(not steps.returned, steps.returned, expected='{"d_loss": ..., "g_loss": ...}')
    expect.finite(steps.losses, "the returned losses")


WHY_STILL = {
    "generator": "no gradient reaches the generator: compute its loss from "
    "discriminator(generator(z)), not from real images, and look for a .detach() or "
    "torch.no_grad() between its images and its own loss",
    "discriminator": "no gradient reaches the discriminator: is backward() called on its loss?",
}

CLEARED = {
    network: f"a gradient reaches the {network}, but no step applies it: {optimizer}.step() is "
    f"missing, or zero_grad() clears it between backward() and step()"
    for network, optimizer in (("generator", "opt_g"), ("discriminator", "opt_d"))
}


@check("train_step", points=0.5, needs=[steps_both], limits=MOMENTS)
def applies_the_penalty(student: Student) -> None:
    """Apply discriminator_penalty or weight clipping where it belongs, if there is one.

    We look at the gradient of your penalty with respect to the discriminator's parameters. Then we
    take it away: the step of the discriminator should change. If you clip weights instead, the
    discriminator should never be used with larger ones after its first step. Without either there
    is nothing to do.
    """
    _clips_in_time(student)
    real, z = batches(BATCH, seed=21), noise(BATCH, LATENT, seed=21)
    given = student.drive("penalty", seed=1, real=real, noise=z, factors=[1.0, 3.0, 10.0])
    if float(field(given, "given", ())) != 1:
        return
    expect.finite(field(given, "values", (3,)), "discriminator_penalty")
    sizes = np.nan_to_num(field(given, "sizes", (3,)))
    expect.that(
        bool((sizes > 0).any()),  # a penalty of large slopes alone is flat for small weights
        "no gradient of discriminator_penalty reaches the discriminator's parameters",
        diagnosis="a penalty of a gradient needs torch.autograd.grad(..., create_graph=True), and "
        "nothing in it may be detached",
    )
    _is_for_each_image(student)
    still = {"lr_g": 0.0}
    steps = take_steps(student, still, still, {**still, "scale_p": 0.0})
    called = steps.penalty_by_name or _called_later(student)
    expect.that(
        called,
        "train_step does not call discriminator_penalty",
        diagnosis="add discriminator_penalty(discriminator, real, fake) to the discriminator's "
        "loss before backward(), or leave the function out",
    )
    if sizes[0] == 0 or not steps.penalty_by_name:
        return
    change = steps.difference("discriminator", 0, 2)
    expect.that(
        change > 1e-6,
        "discriminator_penalty is called, but the discriminator's step does not depend on it",
        expected="another step without its gradient",
        diagnosis="add it to the discriminator's loss before backward()",
    )
    gradient = field(given, "gradient", (None,))
    path = steps.discriminator
    push = path[0, 1] - path[2, 1]
    expect.that(
        push.shape != gradient.shape or _cosine(push, gradient) < 0.5,
        "the discriminator's step makes the penalty larger",
        diagnosis="add the penalty to the discriminator's loss, do not subtract it",
    )


def _clips_in_time(student: Student) -> None:
    steps = take_steps(student, {"lr_d": 0.0}, {"lr_g": 0.0})
    expect.that(
        np.isnan(steps.clipped_at("generator", 1)),
        "train_step clips the weights of the generator",
        diagnosis="clipping keeps the slopes of the discriminator in bounds: clip its weights, "
        "right after opt_d.step(), and none of the generator",
    )
    bound = steps.clipped_at("discriminator", 0)
    # A weight at its bound is above it after the next step; NaN where nothing is clipped.
    expect.that(
        not steps.used[1] > bound * (1 + 1e-6),
        f"weights are clipped to {bound:.3g}, but the discriminator is used with larger ones",
        expected=f"no weight above {bound:.3g} after its first step",
        actual=f"a weight of {steps.used[1]:.3g}",
        diagnosis="clip the weights right after opt_d.step(), before the generator's loss is "
        "computed: clipping before the step is too early, after the generator's step too late",
    )


def _is_for_each_image(student: Student) -> None:
    """A penalty whose slope is as long as it should be, but not as that of one image."""
    real, z = batches(BATCH, seed=21), noise(BATCH, LATENT, seed=21)
    values = []
    for times in (1, 4):
        rows = (np.tile(real, (times, 1, 1, 1)), np.tile(z, (times, 1)))
        given = student.drive("penalty", seed=1, real=rows[0], noise=rows[1], factors=[0.01, 10.0])
        values.append(field(given, "values", (2,)))
    with np.errstate(all="ignore"):  # of what is not finite, and of 0, there is no ratio
        small, large = values[1] / values[0]
    # A penalty (slope - 1)² of tiny slopes is 1 for any batch. Of large slopes it is their square,
    # which is 4 times as large for 4 times as many images if one slope is taken over all of them.
    expect.that(
        not (abs(small - 1) < 0.2 and large > 2.5),
        "discriminator_penalty is larger for more of the same images",
        expected="the same for a batch that holds every image four times",
        actual=f"{large:.2g} times as much",
        diagnosis="the norm is taken over the whole batch: take it for each image, with "
        "gradient.flatten(1).norm(dim=1), and average the penalties",
    )


def _called_later(student: Student) -> bool:
    """Whether the penalty is one that only every few steps apply."""
    result = student.drive(
        "steps",
        seed=1,
        real=batches(1, 20, 8, seed=22),
        noise=noise(1, 20, 8, LATENT, seed=22),
        runs=[{}],
    )
    return bool(field(result, "by_name", (3,))[2] == 1)


def _cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / max(np.linalg.norm(a) * np.linalg.norm(b), 1e-12))


@check("train_step", points=1, needs=[steps_both], limits=MOMENTS)
def moves_only_its_own(student: Student) -> None:
    """Move each network with its own optimizer only.

    We pass one optimizer with learning rate 0: its network should stay where it is, and the other
    network should still move. Only the second call counts, so clipping weights is fine.
    """
    steps = take_steps(student, {"lr_g": 0.0}, {"lr_d": 0.0})
    for network, optimizer, other, run in (
        ("generator", "opt_g", "discriminator", 0),
        ("discriminator", "opt_d", "generator", 1),
    ):
        moved = steps.moved(network, run)
        expect.that(
            moved <= STILL,
            f"the {network} moves although {optimizer} has learning rate 0",
            expected="no change",
            actual=f"a change by {moved:.2g} of the size of its weights",
            diagnosis=f"move it with {optimizer} only: look for an optimizer that train_step makes "
            "itself, an optimizer over both networks, or a learning rate that is overwritten",
        )
        expect.that(
            steps.moved(other, run) > 0,
            f"the {other} does not move if {optimizer} has learning rate 0",
        )


@check("train_step", points=2, needs=[steps_both, moves_only_its_own], limits=MOMENTS)
def keeps_the_losses_apart(student: Student) -> None:
    """Apply only the gradient of its own loss to each network.

    We hold one network still and make the gradient of its loss 30 times larger: the step of the
    other network should not change at all. A missing .detach() is harmless only if the gradients
    that it lets through are cleared before they are applied.
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
        # If a step does not call the loss by its name, its gradient cannot be multiplied.  Then the
        # gradients that the other network's backward pass left are cleared after its step.  If that
        # stops this network, the step applies both losses at once, and the test says nothing.
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
    "generator": "in the discriminator's step, gradients flow back into the generator, and "
    "opt_g.step() later applies them: detach the fake images in that step, or call "
    "opt_g.zero_grad() after it",
    "discriminator": "the generator's backward pass also fills the discriminator's .grad: call "
    "opt_d.zero_grad() right before the discriminator's own backward pass",
}


@check("train_step", points=1, needs=[steps_both], limits=MOMENTS)
def makes_rivals(student: Student) -> None:
    """The discriminator learns to tell fakes, the generator to pass as real.

    First only the discriminator learns (opt_g has learning rate 0): its logits of real and of fake
    images should move apart. Then only the generator learns: the logits of its images should move
    towards those of real ones. Each call takes at least one step of each, whoever wins.
    """
    calls, size = 8, 64
    result = student.drive(
        "duel",
        seed=2,
        real=batches(calls, BATCH, seed=3),
        noise=noise(calls, BATCH, LATENT, seed=3),
        probe=batches(size, seed=4),
        probe_noise=noise(size, LATENT, seed=4),
        rounds=list(ROUNDS),
    )
    real, fake, later = (field(result, n, (2, size)) for n in ("real", "fake", "later"))
    for name, logits in (("real", real), ("fake", fake), ("fake", later)):
        expect.finite(logits, f"the logits of {name} images")
    apart = real.mean(1) - fake.mean(1)
    spread = np.maximum(real.std(1), fake.std(1))
    normed = float(field(result, "batch_norm", ())) == 1
    _sees_images_as_they_are(field(result, "scaled", (2, 2)))
    # The better of eval and train mode counts: they differ with batch norm in the discriminator.
    expect.that(
        bool((np.abs(apart) > 0.5 * spread).any()),
        "80 steps of the discriminator do not separate real from fake images",
        actual=_means(real, fake),
        diagnosis=_NORMED
        if normed
        else "does its loss use both kinds of images, each with its own label?",
    )
    for stepped, rounds, network in zip(
        field(result, "updates", (2,)), ROUNDS, ("discriminator", "generator"), strict=True
    ):
        expect.that(
            stepped == 0 or stepped >= rounds,  # 0: an optimizer of its own, which is told above
            f"{rounds} calls of train_step take {stepped:.0f} steps of the {network}",
            expected=f"at least {rounds} steps: one in each call",
            actual=f"{stepped:.0f}",
            diagnosis=f"step the {network} in each call, also where it is ahead of the other one",
        )
    separated_in_both = bool((np.abs(apart) > 0.5 * spread).all())
    pull = (later.mean(1) - fake.mean(1)) * np.sign(apart)
    expect.that(
        bool((pull > 0.5 * spread).any()),
        "25 steps of the generator do not move its images' logits towards those of real ones",
        expected=f"from fake towards real ({_means(real, fake)})",
        actual=f"fake from {fake.mean(1)[0]:.3g} to {later.mean(1)[0]:.3g}",
        diagnosis=_NORMED
        if normed and not separated_in_both
        else "one of the two losses has the wrong sign, swapped labels or swapped arguments",
    )


ROUNDS = (80, 25)
"""Calls of train_step in which only the discriminator learns, and only the generator."""


def _sees_images_as_they_are(lines: np.ndarray) -> None:
    """Both kinds of images may be scaled, but alike."""
    (factor, offset), fake = lines
    with np.errstate(all="ignore"):  # what was not seen is NaN, and says nothing
        apart = bool((np.abs(lines[0] - fake) > 0.15).any())
    expect.that(
        not apart,
        "the discriminator sees real images on another scale than the generator's",
        expected="real images as train_step gets them, in [-1, 1]",
        actual=f"real images times {factor:.3g}" + (f" plus {offset:.3g}" if offset else ""),
        diagnosis="it tells them apart by their scale alone, and the generator learns that scale: "
        "pass `real` to the discriminator as it is",
    )


_NORMED = (
    "the discriminator has batch norm, which gives every batch the same mean: if real and fake "
    "images come in batches of their own, it cannot tell them by their level. Leave batch norm out "
    "of its first or last layers, or pass both kinds in one batch"
)


def _means(real: np.ndarray, fake: np.ndarray) -> str:
    return f"mean logits: real {real.mean(1)[0]:.3g}, fake {fake.mean(1)[0]:.3g}"


@check("train", points=1, limits=MOMENTS)
def runs(student: Student) -> None:
    """Take as many steps as asked for, and return their results.

    train(..., steps=7, batch_size=8, ...) calls train_step seven times, each time with 8 images and
    8 rows of noise, and returns the list of the seven results.
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
            f"the list holds {count:.0f} results for steps={steps}",
            expected=str(steps),
            actual=f"{count:.0f}",
        )
        expect.that(
            stepped == 0
            or stepped >= steps,  # 0: optimizers of its own, for which train_step loses points
            f"the optimizers took too few steps for steps={steps}",
            expected=f"at least {steps} steps",
            actual=f"{stepped:.0f}",
        )
    sizes = np.unique(field(result, "sizes", (None, 2)))
    sizes = sizes[~np.isnan(sizes)]  # NaN: train calls what does a step by another name
    expect.that(
        bool((sizes == 8).all()),
        "train calls train_step with batches that do not have batch_size=8 rows",
        expected="8 of 40 images and 8 rows of noise in each call",
        actual=", ".join(f"{size:.0f}" for size in sizes[:5]),
    )
    trained = [field(result, network, (2, None)) for network in ("generator", "discriminator")]
    expect.that(
        any(bool(np.abs(path[0] - path[1]).max() > 0) for path in trained),
        "both networks are the same after 7 steps as after 3: nothing is trained",
    )
    expect.finite(field(result, "losses", (7, 2)), "the losses in the list")
