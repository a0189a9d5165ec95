"""Hidden checks of the GAN's loop: which images and which noise it draws, and what repeats."""

from __future__ import annotations

import numpy as np

from grader.checks.framework import expect
from grader.checks.framework.registry import check
from grader.checks.framework.student import Student
from grader.checks.gan.evidence import (
    NOISE_STEPS,
    batches,
    different_images,
    enough_rows,
    field,
    noise_rows,
    standard_normal,
    train_shortly,
)
from grader.checks.gan.training import MOMENTS, runs
from grader.checks.hidden import SEED as SECRET
from grader.gan_metrics.measure import digits
from grader.homework.contract import MOST_STEPS

__all__: list[str] = []

SEED = SECRET.of("gan.train")


@check("train", points=0.5, needs=[runs], limits=MOMENTS)
def uses_all_images(student: Student) -> None:
    """Train on all the images that are given, in batches of the size that is asked for.

    We replace a quarter of the images by others, a different quarter each time: the trained
    discriminator should come out different each time. Of 17 images each should be drawn in 20
    batches of 16, as it is, and no batch should hold a single image. Batches may be small or large.
    """
    images = np.repeat(batches(64, seed=14)[None], 5, 0).copy()
    for quarter in range(4):
        rows = slice(16 * quarter, 16 * quarter + 16)
        images[quarter + 1, rows] = batches(16, seed=15 + quarter)
    result = train_shortly(student, images, [{"images": choice} for choice in range(5)], steps=16)
    trained = field(result, "discriminator", (5, None))
    expect.finite(trained, "the trained discriminator")
    expect.that(
        bool((field(result, "kept", (5,)) == 1).all()),
        "train changes the images that it is given",
        expected="the images as they were",
        diagnosis="a batch may share its memory with `images`: what changes it in place, such as "
        "added noise, changes them, too; write real = real + noise",
    )
    for quarter in range(4):
        expect.that(
            bool(np.abs(trained[quarter + 1] - trained[0]).max() > 0),
            f"other images in rows {16 * quarter} to {16 * quarter + 15} of 64 change nothing",
            diagnosis="draw batches from all rows of `images`",
        )
    _draws_every_image(student)
    _takes_any_batch_size(student)


def _takes_any_batch_size(student: Student) -> None:
    for size, steps in ((3, 40), (130, 8)):
        result = train_shortly(student, digits().train[None], [{}], steps, size)
        sizes = np.unique(field(result, "sizes", (None, 2)))
        sizes = sizes[~np.isnan(sizes)]
        expect.that(
            bool((sizes == size).all()),
            f"train calls train_step with batches that do not have batch_size={size} rows",
            expected=f"{size} of 1,197 images and {size} rows of noise in each call",
            actual=", ".join(f"{some:.0f}" for some in sizes[:5]),
            diagnosis="take the batch size as it is, whether it is small or large",
        )
        _is_standard_normal(noise_rows(result))
        stepped = float(field(result, "updates", (1, 2))[0, 0])
        expect.that(
            stepped <= MOST_STEPS["generator"] * steps,
            f"with batch_size={size} the generator takes {stepped:.0f} steps in {steps} calls",
            expected=f"at most {MOST_STEPS['generator']} in each call on the mean",
            actual=f"{stepped / steps:.2g}",
        )
        raised = float(field(result, "rates", (1,))[0])
        expect.that(
            raised <= 1 + 1e-6,
            f"with batch_size={size} train raises a learning rate of the optimizers",
            expected="at most the rate with which they come",
            actual=f"{raised:.3g} times that",
            diagnosis="leave the rates to LEARNING_RATE; train may lower them",
        )
    drawn = field(result, "drawn", (len(digits().train),))
    expect.that(
        bool(np.isnan(drawn).any() or drawn[1000:].sum() > 0),
        f"of 1,197 images none after the first 1,000 is in {steps} batches of {size}",
        diagnosis="draw from all rows of `images`, however many there are",
    )


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
    lengths = np.linalg.norm(rows, axis=1)
    expect.that(
        enough_rows(rows),
        f"in {NOISE_STEPS} steps of 16 images the generator sees {len(rows)} different rows of "
        "noise",
        expected=f"{NOISE_STEPS * 16} or more",
        actual=str(len(rows)),
        diagnosis="draw new noise inside the loop",
    )
    _is_standard_normal(rows)
    turned = len(np.unique(np.concatenate([rows, -rows]).round(5) + 0.0, axis=0)) < 1.95 * len(rows)
    expect.that(
        not turned,
        "some rows of noise are others with the other sign",
        expected="rows that have nothing to do with each other",
        diagnosis="draw new noise inside the loop",
    )
    expect.that(
        lengths.std() > 0.35,
        "all rows of noise have nearly the same length",
        expected="lengths with a standard deviation of about 0.7",
        actual=f"a standard deviation of {lengths.std():.2g}",
        diagnosis="standard normal noise has rows of many lengths: do not normalise them",
    )


def _is_standard_normal(rows: np.ndarray) -> None:
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
    plans = [{"seed": seed, "state": state} for seed in (5, 0) for state in (1, seed)]
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
    told = field(result, "told", (None, 2))
    expect.that(
        told.shape != losses.shape or bool(np.isclose(told, losses, 1e-4, 1e-6, True).all()),
        "the list of train is not what its steps returned",
        expected=f"what train_step returned, {expect.show(told)}",
        actual=expect.show(losses),
        diagnosis="append each result as it is; smooth them where they are drawn",
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
