"""Hidden checks of the GAN."""

from __future__ import annotations

from typing import Any

import numpy as np

from grader.checks.framework import expect
from grader.checks.framework.registry import check
from grader.checks.framework.student import Student
from grader.checks.gan.evidence import (
    BATCH,
    LATENT,
    NOISE_STEPS,
    Steps,
    area,
    batches,
    different_images,
    enough_rows,
    field,
    noise,
    noise_rows,
    outputs,
    shuffled,
    standard_normal,
    take_steps,
    train_shortly,
)
from grader.checks.gan.losses import DENSITIES, accepted_optima, best_logits, best_of_two, declared
from grader.checks.gan.mechanics import (
    gives_one_logit_per_image,
    is_a_mean,
    is_a_mean_over_the_batch,
    makes_images,
)
from grader.checks.gan.training import MOMENTS, runs, steps_both
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


@check("discriminator_loss", points=1, needs=[is_a_mean_over_the_batch])
def is_finite_everywhere(student: Student) -> None:
    """The loss and its gradients are finite for logits of -100 and 100.

    In float32 the probability of such a logit is exactly 0 or 1, and the logarithm of 0 is not
    finite: use functions that take logits, such as softplus or binary_cross_entropy_with_logits.
    """
    ends = np.array([[100.0], [-100.0]], dtype=np.float32)
    real, fake = np.repeat(np.repeat(ends, 2, 0), 4, 1), np.repeat(np.tile(ends, (2, 1)), 4, 1)
    result = student.drive("discriminator_losses", seed=1, real=real, fake=fake)
    expect.finite(field(result, "values", (4,)), "the loss of logits of -100 and 100")
    for name in ("real_gradients", "fake_gradients"):
        expect.finite(field(result, name, (4, 4)), "its gradient")


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
    """The loss and its gradients are finite for logits of -100 and 100.

    Use functions that take logits, such as softplus or binary_cross_entropy_with_logits.
    """
    fake = np.repeat(np.array([[100.0], [-100.0]], dtype=np.float32), 4, 1)
    result = student.drive("generator_losses", seed=1, fake=fake)
    expect.finite(field(result, "values", (2,)), "the loss of logits of -100 and 100")
    expect.finite(field(result, "gradients", (2, 4)), "its gradient")


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


@check("train", points=0.5, needs=[runs], limits=MOMENTS)
def uses_all_images(student: Student) -> None:
    """Train on all the images that are given.

    We replace a quarter of the images by others, a different quarter each time: the trained
    discriminator should come out different each time. Of 17 images each should be drawn in 20
    batches of 16, as it is, and no batch should hold a single image.
    """
    images = np.repeat(batches(64, seed=14)[None], 5, 0).copy()
    for quarter in range(4):
        rows = slice(16 * quarter, 16 * quarter + 16)
        images[quarter + 1, rows] = batches(16, seed=15 + quarter)
    result = train_shortly(student, images, [{"images": choice} for choice in range(5)], steps=16)
    trained = field(result, "discriminator", (5, None))
    expect.finite(trained, "the trained discriminator")
    for quarter in range(4):
        expect.that(
            bool(np.abs(trained[quarter + 1] - trained[0]).max() > 0),
            f"other images in rows {16 * quarter} to {16 * quarter + 15} of 64 change nothing",
            diagnosis="draw batches from all rows of `images`",
        )
    _draws_every_image(student)


def _draws_every_image(student: Student) -> None:
    """As far as ``train_step`` is called by name, and gets images that can be told apart."""
    result = train_shortly(student, different_images(17, SEED + 18)[None], [{}], steps=20)
    sizes = field(result, "sizes", (None, 2))
    expect.that(
        not bool((sizes[:, 0] == 1).any()),
        "a batch of train holds a single image",
        expected="16 of 17 images, and at least 2 where a pass over them ends",
        actual="1 image",
        diagnosis="leave the last batch of a pass out if it is short, or draw batches at random: "
        "batch norm in train mode cannot take a single image",
    )
    drawn = field(result, "drawn", (17,))
    if np.isnan(drawn).any():
        return
    never = np.flatnonzero(drawn == 0).tolist()
    expect.that(
        not never,
        f"of 17 images, {len(never)} are in none of 20 batches of 16",
        expected="each image in some batch",
        actual="never row " + ", ".join(str(row) for row in never[:4]),
        diagnosis="draw from all rows, the last one included (randint leaves its end out), and "
        "shuffle anew for each pass if its short last batch is left out",
    )
    factor, offset = field(result, "scale", (2,))
    expect.that(
        abs(factor - 1) <= 0.15 and abs(offset) <= 0.15,
        "train gives train_step images on another scale than those that it gets",
        expected="the images as they are, in [-1, 1]",
        actual=f"images times {factor:.3g} plus {offset:.3g}",
        diagnosis="they are in [-1, 1] already, as the generator's are",
    )


@check("train", points=0.5, needs=[runs], limits=MOMENTS)
def draws_fresh_noise(student: Student) -> None:
    """Draw fresh standard normal noise for every step.

    A generator that always sees the same noise learns these few images only.
    """
    result = train_shortly(student, batches(1, 64, seed=19), [{}], NOISE_STEPS)
    rows = noise_rows(result)
    expect.that(
        enough_rows(rows),
        f"in {NOISE_STEPS} steps of 16 images the generator sees {len(rows)} different rows of "
        "noise",
        expected=f"{NOISE_STEPS * 16} or more",
        actual=str(len(rows)),
        diagnosis="draw new noise inside the loop",
    )
    far = float((np.abs(rows) > 2).mean())
    expect.that(
        standard_normal(rows),
        "the noise is not standard normal",
        expected="mean 0, standard deviation 1, 4.6 % of it beyond 2",
        actual=f"mean {rows.mean():.2g}, standard deviation {rows.std():.2g}, {far:.1%} beyond 2",
        diagnosis="torch.randn draws standard normal noise, torch.rand does not",
    )


@check("train", points=0.5, needs=[runs], limits=MOMENTS)
def repeats_itself(student: Student) -> None:
    """Train to the same networks again, from the same start and the same seed.

    Everything that is drawn (batches, noise, dropout) follows from `seed`, which may be 0, whatever
    was drawn before: torch.manual_seed(seed) at the beginning is enough. The list holds what each
    step returned, and the learning rates of our optimizers do not rise.
    """
    plans = [{"seed": seed, "state": state} for seed in (5, 0) for state in (1, 2)]
    plans.append({"slowed": SLOWED})
    result = train_shortly(student, batches(1, 64, seed=20), plans, steps=6)
    trained = field(result, "generator", (5, None))
    expect.finite(trained, "the trained generator")
    for first, seed in ((0, 5), (2, 0)):
        expect.that(
            expect.relative_error(trained[first + 1], trained[first]) <= 1e-5,
            f"two trainings from the same start with seed {seed} give different generators",
            diagnosis="call torch.manual_seed(seed) at the beginning, draw from no other random "
            "generator, and keep nothing from one call of train to the next",
        )
    losses = field(result, "losses", (None, 2))
    expect.that(
        len(losses) < 2 or bool((losses != losses[0]).any()),
        "all results in the list of train are the same",
        expected="what each of the steps returned",
        actual=f"{len(losses)} times {expect.show(losses[0])}",
        diagnosis="append a dict of its own for each step: one that is changed and appended again "
        "is the same one every time",
    )
    raised = float(field(result, "rates", (5,)).max())
    expect.that(
        raised <= 1 + 1e-6,
        "train raises a learning rate of the optimizers",
        expected="at most the rate with which they come",
        actual=f"{raised:.3g} times that",
        diagnosis="leave the rates to LEARNING_RATE; train may lower them",
    )


SLOWED = 100
"""By so much smaller are the rates of one training, so that a rate of its own is a larger one."""
