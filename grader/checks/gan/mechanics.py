"""The GAN: its networks and its losses."""

from __future__ import annotations

from typing import Any

import numpy as np

from grader.checks.framework import expect
from grader.checks.framework.registry import check
from grader.checks.framework.student import Student
from grader.checks.gan.evidence import BATCH, LATENT, batches, field, noise, outputs, shuffled
from grader.checks.gan.losses import (
    accepted_discriminator_losses,
    accepted_generator_losses,
    best_of_two,
    declared,
    logit_rows,
    logits_are_meant,
)
from grader.records import Limits

__all__: list[str] = []

MOMENTS = Limits(wall_seconds=120.0, cpu_seconds=60.0)
"""For a few hundred steps."""


@check("make_generator", points=1)
def makes_images(student: Student) -> None:
    """Return a generator of images.

    make_generator(latent_dim) returns an nn.Module with trainable parameters. It turns a batch of
    noise (N, latent_dim) into images (N, 1, 8, 8), for any N.
    """
    sizes = [2, 7, 33]
    result = student.drive("judge_generator", seed=0, noise=noise(33, LATENT), sizes=sizes)
    for size in sizes:
        outputs(result, f"images_{size}", size, (1, 8, 8))
    trainable = float(field(result, "trainable", ()))
    expect.that(trainable > 0, "the generator has no trainable parameters: it cannot learn")


@check("make_generator", points=1, needs=[makes_images])
def stays_in_range(student: Student) -> None:
    """The pixels of the images stay within [-1, 1], whatever the noise.

    Pixels of the real images lie in [-1, 1]. A last layer such as tanh keeps the generated ones
    there as well; without it the discriminator tells them apart by their range alone.
    """
    z = np.concatenate([noise(32, LATENT), 100 * noise(32, LATENT, seed=1)])
    result = student.drive("judge_generator", seed=0, noise=z, sizes=[64])
    images = outputs(result, "images_64", 64, (1, 8, 8))
    expect.that(
        np.abs(images).max() <= 1 + 1e-5,
        "pixels leave the range [-1, 1] when the noise is large",
        expected="all pixels in [-1, 1]",
        actual=f"pixels from {images.min():.4g} to {images.max():.4g}",
        diagnosis="the last layer does not limit its output: is a tanh missing?",
    )


@check("make_discriminator", points=1)
def gives_one_logit_per_image(student: Student) -> None:
    """Return a discriminator that gives one number per image.

    make_discriminator() returns an nn.Module with trainable parameters. It turns images (N, 1, 8,
    8) into logits (N,) or (N, 1), for any N.
    """
    sizes = [2, 7, 33]
    result = student.drive("judge_discriminator", seed=0, images=batches(33), sizes=[*sizes, 1])
    column = np.ndim(result.get("logits_7", 0)) == 2
    for size in sizes:
        outputs(result, f"logits_{size}", size, (1,) if column else ())
    field(result, "logits_1", (1, 1) if column else (1,), "the output for a batch of 1")
    trainable = float(field(result, "trainable", ()))
    expect.that(trainable > 0, "the discriminator has no trainable parameters: it cannot learn")


@check("make_discriminator", points=1, needs=[gives_one_logit_per_image], limits=MOMENTS)
def gives_logits(student: Student) -> None:
    """The discriminator gives logits, not probabilities.

    A logit is any real number; the loss turns it into a probability. With a sigmoid at the end of
    the discriminator, the losses have vanishing gradients, and the generator learns little.
    """
    images = np.concatenate([100 * batches(32), -100 * batches(32, seed=1), batches(32, seed=2)])
    result = student.drive("judge_discriminator", seed=0, images=images, sizes=[96])
    if not _all_probabilities(field(result, "logits_96", _any_of(result, "logits_96", 96))):
        return
    # A few honest networks give only such numbers by chance: train this one, and ask again.
    real = batches(64)
    probe = np.concatenate([real, shuffled(real)])
    result = student.drive(
        "discriminator_alone",
        seed=0,
        **{"real": real, "fake": shuffled(real), "probe": probe, "steps": 100, "batch_size": BATCH},
    )
    logits = field(result, "logits", _any_of(result, "logits", 128))
    expect.that(
        not _all_probabilities(logits),
        "every output lies between 0 and 1, for any images and even after training",
        expected="numbers that may be negative or larger than 1",
        actual=f"numbers from {logits.min():.4g} to {logits.max():.4g}",
        diagnosis="these are probabilities: is there a sigmoid in the discriminator?",
    )


def _any_of(result: Any, name: str, size: int) -> tuple[int, ...]:
    return (size, 1) if np.ndim(result.get(name)) == 2 else (size,)


def _all_probabilities(logits: np.ndarray) -> bool:
    return bool(((logits >= 0) & (logits <= 1)).all())


@check("discriminator_loss", points=1)
def is_a_mean_over_the_batch(student: Student) -> None:
    """Take the mean over the batch.

    A batch that holds the same logits twice must give the same loss. A sum would grow with the
    batch, and with it the effective learning rate.
    """
    real, fake = logit_rows(3, 8, 0), logit_rows(3, 8, 1)
    with logits_are_meant():
        once = student.drive("discriminator_losses", seed=0, real=real, fake=fake)
    twice = student.drive(
        "discriminator_losses", seed=0, real=np.tile(real, 2), fake=np.tile(fake, 2)
    )
    _same_for_twice(once, twice)
    for name in ("real_gradients", "fake_gradients"):
        _has_gradient(field(once, name, (3, 8)))


@check("generator_loss", points=0.5)
def is_a_mean(student: Student) -> None:
    """Take the mean over the batch.

    A batch that holds the same logits twice must give the same loss.
    """
    fake = logit_rows(3, 8, 2)
    with logits_are_meant():
        once = student.drive("generator_losses", seed=0, fake=fake)
    _same_for_twice(once, student.drive("generator_losses", seed=0, fake=np.tile(fake, 2)))
    _has_gradient(field(once, "gradients", (3, 8)))


def _same_for_twice(once: Any, twice: Any) -> None:
    value, again = field(once, "values", (3,), "the loss"), field(twice, "values", (3,), "the loss")
    expect.that(
        bool(np.isfinite(value).all() and np.isfinite(again).all()),
        "the loss of ordinary logits is not finite",
        actual=expect.show(value),
        diagnosis="logits are any real numbers: is this loss written for probabilities?",
    )
    doubled = bool(np.allclose(again, 2 * value, rtol=1e-3, atol=1e-6))
    diagnosis = "the loss is a sum over the batch: take the mean" if doubled else ""
    what = "the loss of a batch that holds every logit twice"
    # A loss that draws its labels at random has to be "other"; a sum is off by a factor of 2.
    tolerance = 0.25 if declared(once) == "other" else 1e-4
    expect.close(again, value, tolerance, what, scale=1e-3, diagnosis=diagnosis)


def _has_gradient(gradients: np.ndarray) -> None:
    expect.that(
        not np.isnan(gradients).any(),
        "no gradient flows from the loss back to the logits",
        diagnosis="remove .detach(), .item() or torch.no_grad() from the loss: they stop the "
        "gradient",
    )


@check("discriminator_loss", points=1, needs=[is_a_mean_over_the_batch])
def matches_its_family(student: Student) -> None:
    """Return the value of the family that LOSS names.

    You may add or average the terms for real and for fake images, and high logits may mean real or
    fake. If your loss is a variant of a family, set LOSS = "other": then this check only asks that
    the loss treats real and fake images differently.
    """
    real, fake = logit_rows(4, 8, 3), logit_rows(4, 8, 4)
    real[0], fake[0] = 0.5, 0.5
    result = student.drive("discriminator_losses", seed=0, real=real, fake=fake)
    values, family = field(result, "values", (4,), "the loss"), declared(result)
    r, f = real.astype(np.float64), fake.astype(np.float64)
    if family != "other":
        accepted = accepted_discriminator_losses(family, r, f)
        expect.nearest(values, accepted, 1e-4, f'the loss for LOSS = "{family}"')
        return
    turned = student.drive("discriminator_losses", seed=0, real=fake, fake=real)
    other = field(turned, "values", (4,), "the loss")
    expect.that(
        expect.relative_error(other[1:], values[1:]) > 1e-4,
        "the loss stays the same if real and fake logits are swapped",
    )


@check("generator_loss", points=0.5, needs=[is_a_mean])
def belongs_to_its_family(student: Student) -> None:
    """Return the value of the family that LOSS names.

    High logits may mean real or fake. If your loss is a variant of a family, set LOSS = "other":
    then this check only asks that the loss depends on the logits.
    """
    fake = logit_rows(4, 8, 5)
    fake[0] = 0.5
    result = student.drive("generator_losses", seed=0, fake=fake)
    values, family = field(result, "values", (4,), "the loss"), declared(result)
    if family != "other":
        accepted = accepted_generator_losses(family, fake.astype(np.float64))
        expect.nearest(values, accepted, 1e-4, f'the loss for LOSS = "{family}"')
        return
    gradients = field(result, "gradients", (4, 8))
    expect.that(bool(np.abs(gradients).max() > 0), "the loss does not depend on the logits at all")


@check("generator_loss", points=1, needs=[is_a_mean])
def plays_against_the_discriminator(student: Student) -> None:
    """Pull fake images to where the discriminator puts real ones.

    We let discriminator_loss choose the best logits for real and for fake images. There, the
    gradient of generator_loss should move the logits of fake images towards those of real ones: the
    two losses have to agree on what a high logit means.
    """
    _, (real, fake) = best_of_two(student)
    logits = np.full((1, 8), fake, dtype=np.float32)
    result = student.drive("generator_losses", seed=0, fake=logits)
    pull = -field(result, "gradients", (1, 8)).mean()
    towards = real - fake
    expect.that(
        bool(pull * towards > 0),
        "the generator's loss pulls the logits of fake images away from those of real ones"
        if pull * towards < 0
        else "the generator's loss does not move the logits of fake images",
        expected=f"from {fake:.3g} (fake) towards {real:.3g} (real)",
        actual="up" if pull > 0 else "down" if pull < 0 else "nowhere",
        diagnosis="one of the two losses has swapped labels or the wrong sign",
    )
