"""Hidden checks of the GAN."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from grader.checks.framework import expect
from grader.checks.framework.registry import check
from grader.checks.framework.student import Student
from grader.checks.gan.evidence import (
    BATCH,
    LAST,
    LATENT,
    Steps,
    area,
    field,
    noise,
    outputs,
    shuffled,
    take_steps,
)
from grader.checks.gan.losses import (
    DENSITIES,
    accepted_discriminator_losses,
    accepted_generator_losses,
    accepted_optima,
    best_logits,
    best_of_two,
    declared,
)
from grader.checks.gan.mechanics import (
    gives_one_logit_per_image,
    is_a_mean,
    is_a_mean_over_the_batch,
    makes_images,
)
from grader.checks.gan.training import MOMENTS, steps_both
from grader.checks.hidden import SEED as SECRET
from grader.gan_metrics.measure import digits

__all__: list[str] = []

SEED = SECRET.of("gan")


@check("make_generator", points=0.5, needs=[makes_images])
def follows_the_noise(student: Student) -> None:
    """Different noise gives different images, for any number of noise values.

    Every image is made from its own row of noise. The caller chooses latent_dim.
    """
    for latent_dim in (LATENT, 5):
        z = noise(24, latent_dim, seed=SEED.instead_of(11))
        result = student.drive("judge_generator", seed=1, noise=z, sizes=[24])
        images = outputs(result, "images_24", 24, (1, 8, 8)).reshape(24, 64)
        kinds = len(np.unique(images, axis=0))
        expect.that(
            kinds >= 20,
            f"24 different rows of noise give only {kinds} different image(s)",
            expected="a different image for each row of noise",
        )
    alone = []
    for row in range(2):
        z = noise(2, LATENT, seed=SEED.instead_of(11))[row : row + 1]
        result = student.drive("judge_generator", seed=1, noise=z, sizes=[1])
        alone.append(outputs(result, "images_1", 1, (1, 8, 8)))
    expect.that(
        bool((alone[0] != alone[1]).any()),
        "two batches of a single row of noise give the same image",
        expected="an image that depends on its row of noise, also if it is the only one",
        diagnosis="take no mean and no norm over the batch of noise",
    )


@check("make_discriminator", points=1, needs=[gives_one_logit_per_image], limits=MOMENTS)
def can_learn(student: Student) -> None:
    """Learn to tell digits from digits with shuffled pixels.

    We train the discriminator alone with our own loss for 200 steps. That is enough for a network
    that sees where in the image a pixel is.
    """
    real, test = digits().train[:600], digits().held_out[:200]
    probe = np.concatenate([test, shuffled(test, SEED.instead_of(12))])
    result = student.drive(
        "discriminator_alone",
        seed=1,
        **{"real": real, "fake": shuffled(real, SEED.instead_of(13)), "probe": probe},
        **{"steps": 200, "batch_size": BATCH},
    )
    row = (1,) if np.ndim(result.get("logits", 0)) == 2 else ()
    logits = outputs(result, "logits", 400, row).reshape(400)
    separated = area(logits[:200], logits[200:])
    expect.that(
        separated > 0.95,
        "after 200 steps the discriminator still takes shuffled pixels for digits",
        expected="a digit has the higher logit in more than 95 % of all pairs",
        actual=f"in {separated:.1%}",
    )
    expect.that(
        bool(logits.max() > 0),
        "no image gets a logit above 0, although 200 steps have told digits from others",
        expected="logits above 0 for digits: the sigmoid of a logit is the probability",
        actual=f"at most {logits.max():.3g}",
        diagnosis="let the discriminator end in its last linear layer, without a sigmoid or its "
        "logarithm",
    )


@check("discriminator_loss", points=1, needs=[is_a_mean_over_the_batch])
def is_finite_everywhere(student: Student) -> None:
    """The loss and its gradients are right for large logits, and finite for -100 and 100.

    In float32 the probability of such a logit is exactly 0 or 1, and the logarithm of 0 is not
    finite: use functions that take logits, such as softplus or binary_cross_entropy_with_logits.
    Half the points if all is finite, but the loss or its gradient is not that of LOSS.
    """
    ends = np.array([[100.0], [-100.0]], dtype=np.float32)
    real, fake = np.repeat(np.repeat(ends, 2, 0), 4, 1), np.repeat(np.tile(ends, (2, 1)), 4, 1)
    result = student.drive("discriminator_losses", seed=1, real=real, fake=fake)
    expect.finite(field(result, "values", (4,)), "the loss of logits of -100 and 100")
    for name in ("real_gradients", "fake_gradients"):
        expect.finite(field(result, name, (4, 4)), "its gradient")
    real, fake = LARGE, LARGE[::-1].copy()
    result = student.drive("discriminator_losses", seed=1, real=real, fake=fake)
    gradients = [field(result, name, LARGE.shape) for name in ("real_gradients", "fake_gradients")]
    _is_as_declared(result, accepted_discriminator_losses, [real, fake], gradients)


@check("discriminator_loss", points=1, needs=[is_a_mean_over_the_batch])
def tells_real_from_fake(student: Student) -> None:
    """Minimising the loss tells how likely an image is real.

    We minimise your loss over the logits themselves, for kinds of images that are more frequent
    among real ones or among generated ones. Theory says where the minimum lies: for cross entropy
    where sigmoid(logit) = p / (p + q), with p and q the densities of the real and of the generated
    images; for least squares at p / (p + q), for hinge at the sign of p - q. In this way a GAN
    learns a density that it never writes down. Other losses only have to give real and generated
    images different logits.
    """
    start, (real, fake) = best_of_two(student)
    actual = f"real {real:.3g}, fake {fake:.3g}"
    for name, logit in (("real", real), ("fake", fake)):
        expect.that(
            abs(logit - start) > 0.02,
            f"the loss does not move the logits of {name} images: it does not learn from them",
            actual=actual,
        )
    expect.that(
        abs(real - fake) > 0.1,
        "real and fake images get the same logits where the loss is smallest",
        actual=actual,
    )
    p, q = (np.repeat(np.arange(5), counts) for counts in DENSITIES)
    once = student.drive("discriminator_losses", seed=1, real=noise(1, 2), fake=noise(1, 2))
    family = declared(once)
    optima = accepted_optima(family)
    if not optima:
        return
    found = best_logits(student, p, q, steps=600)
    error, optimum = min(
        ((float(np.nanmax(np.abs(found - o))), o) for o in optima.values()),
        key=lambda pair: pair[0],
    )
    expect.that(
        error <= 0.1,
        f'for LOSS = "{family}" the minimum of the loss is not where theory puts it',
        expected=f"logits {expect.show(optimum)} for images of which 80, 67, 50, 33 and 20 % are "
        "real",
        actual=expect.show(found),
    )


@check("generator_loss", points=1, needs=[is_a_mean])
def stays_finite(student: Student) -> None:
    """The loss and its gradients are right for large logits, and finite for -100 and 100.

    Use functions that take logits, such as softplus or binary_cross_entropy_with_logits. Half the
    points if all is finite, but the loss or its gradient is not that of LOSS.
    """
    fake = np.repeat(np.array([[100.0], [-100.0]], dtype=np.float32), 4, 1)
    result = student.drive("generator_losses", seed=1, fake=fake)
    expect.finite(field(result, "values", (2,)), "the loss of logits of -100 and 100")
    expect.finite(field(result, "gradients", (2, 4)), "its gradient")
    result = student.drive("generator_losses", seed=1, fake=LARGE)
    gradients = [field(result, "gradients", LARGE.shape)]
    _is_as_declared(result, accepted_generator_losses, [LARGE], gradients)


LARGE = np.array(
    [[0.3, -2.5, 1.7, 0.1], [30.0, 8.0, -12.0, 5.0], [-30.0, 4.0, -60.0, 60.0], [45.0] * 4],
    dtype=np.float32,
)
"""Logits among which are some whose probability is 0 or 1 in float32."""


def _is_as_declared(
    result: Mapping[str, Any],
    accepted: Callable[..., dict[str, np.ndarray]],
    logits: list[np.ndarray],
    gradients: list[np.ndarray],
) -> None:
    """Of a declared family are the values for large logits, too, and the gradients."""
    family = declared(result)
    if family == "other":
        return
    values, exact = field(result, "values", (len(LARGE),)), [a.astype(np.float64) for a in logits]
    forms = accepted(family, *exact)
    off = {name: expect.relative_error(values, form) for name, form in forms.items()}
    best = min(off, key=lambda name: off[name])
    name = f'LOSS = "{family}"'
    if off[best] > 1e-4:
        expect.partial(
            expect.HALF,
            f"the loss is finite everywhere, but for large logits it is no longer that of {name}",
            expected=expect.show(forms[best]),
            actual=expect.show(values),
            diagnosis="do not compute probabilities on the way, and cut nothing off: softplus, "
            "logsigmoid and binary_cross_entropy_with_logits stay right for every logit",
        )
    step = 1e-4
    for number, got in enumerate(gradients):
        slopes = np.empty(LARGE.shape)
        for column in range(LARGE.shape[1]):
            ends = []
            for sign in (1, -1):
                moved = [rows.copy() for rows in exact]
                moved[number][:, column] += sign * step
                ends.append(accepted(family, *moved)[best])
            slopes[:, column] = (ends[0] - ends[1]) / (2 * step)
        if expect.relative_error(got, slopes) > 1e-3:
            expect.partial(
                expect.HALF,
                f"the loss is that of {name}, but its gradient is another one",
                expected=expect.show(slopes),
                actual=expect.show(got),
                diagnosis="no part of the loss may be detached, and no gradient be changed",
            )


@check("train_step", points=1, needs=[steps_both], limits=MOMENTS)
def starts_from_zero(student: Student) -> None:
    """Clear the gradients of one step before the next, and return the losses of this call.

    If we clear every .grad between two calls, the second call should do the same as without. So it
    should if we clear a network's after each of its steps. PyTorch adds new gradients to those that
    are still there, unless zero_grad() is called.
    """
    plans: list[dict[str, Any]] = []
    for still in ("lr_d", "lr_g"):
        base = {still: 0.0}
        plans += [base, dict(base), {**base, "clear": "calls"}, {**base, "clear": "steps"}]
    steps = take_steps(student, *plans, size=7)
    for network, optimizer, first in (("generator", "opt_g", 0), ("discriminator", "opt_d", 4)):
        for run, of, when in (
            (first + 2, "the previous call", "between the calls"),
            (first + 3, "an earlier step", "after each step"),
        ):
            change = steps.difference(network, first, run)
            expect.that(
                change <= steps.tolerance(network, first),
                f"the {network}'s step contains gradients of {of}",
                expected=f"the same step, also if the gradients are cleared {when}",
                actual=f"a step that differs by {change:.2g} times its size",
                diagnosis=f"call {optimizer}.zero_grad() before each of the {network}'s backward "
                "passes",
            )
    _same_losses(steps)


def _same_losses(steps: Steps) -> None:
    """Where the same call moves both networks as before, it returns the same losses."""
    for first, network in ((0, "generator"), (4, "discriminator")):
        one, again = steps.losses[first], steps.losses[first + 1]
        if steps.difference(network, first, first + 1) > 1e-5:
            continue  # noise of its own, or a store of earlier images
        off = np.abs(one - again) > 1e-3 * (1 + np.abs(one))
        expect.that(
            not bool(off.any()),
            "the same call of train_step, on the same networks, returns other losses than before",
            expected=f"d_loss and g_loss as before: {expect.show(one[0])}",
            actual=expect.show(again[0]),
            diagnosis="return the losses of this call, not those of earlier calls or their mean",
        )


@check("train_step", points=1, needs=[steps_both], limits=MOMENTS)
def learns_from_both(student: Student) -> None:
    """The discriminator's step depends on the real images and on the noise.

    The discriminator should learn from the given images, and from what the generator makes of the
    given noise.
    """
    still = {"lr_g": 0.0}
    steps = take_steps(student, still, {**still, "real": 1}, {**still, "noise": 1})
    for run, what, why in (
        (1, "real images", "it does not learn from the images that train_step gets"),
        (
            2,
            "noise",
            "it does not learn from fake images, or not from those of the given noise",
        ),
    ):
        expect.that(
            steps.difference("discriminator", 0, run) > 1e-6,
            f"the discriminator's step is exactly the same with other {what}",
            diagnosis=why,
        )
    for size in (7, 130):
        steps = take_steps(
            student, still, {**still, "real": LAST}, {**still, "noise": LAST}, size=size
        )
        for run, what in ((1, "image"), (2, "row of noise")):
            expect.that(
                steps.difference("discriminator", 0, run) > 1e-7,
                f"with {size} rows the discriminator's step is exactly the same with another last "
                f"{what}",
                diagnosis="use all rows of the batch, however many there are",
            )
