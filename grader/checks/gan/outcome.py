"""The GAN: what it learns with the grader's optimizers and budget.

Modules are imported in the order of the alphabet, so the checks of the mechanics run first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from grader.checks.framework import expect
from grader.checks.framework.expect import StudentFault, Unmet
from grader.checks.framework.registry import check
from grader.checks.framework.student import Student
from grader.checks.gan.evidence import BATCH, LATENT, SAMPLES, STEPS, batches, field, noise, outputs
from grader.gan_metrics.measure import (
    Quality,
    different_bins,
    digits,
    distances,
    in_bins,
    measure,
    principal,
)
from grader.gan_metrics.thresholds import NAMES, Verdict, fraction, listed, missing
from grader.records import Feedback, Figure, Limits

__all__ = ["ELSEWHERE", "JUMPS", "NEAR", "STILL", "TRAINING", "how_far", "train_whole"]

TRAINING = Limits(wall_seconds=2400.0, cpu_seconds=1200.0)
"""Twelve times what the slowest honest training took for :data:`STEPS` (the seconds of ``python
fixtures/calibrate_gan.py``), for machines that are slower."""

NEAR = 100
"""Samples that are made a second time, from slightly different noise."""

ELSEWHERE = 0.01
"""The share of a generator's weights that may have values its optimizer never gave them."""

STILL = 0.5
"""The share of images that may stay unchanged when the noise changes a little."""

JUMPS = 0.5
"""How far images may move when noise or weights change a little, in distances between images."""

ENOUGH_UPDATES = 0.9
"""The share of the steps in which the generator's optimizer must have stepped."""

CAUSES = (
    "train_step.steps_both",
    "train_step.makes_rivals",
    "generator_loss.plays_against_the_discriminator",
    "train_step.keeps_the_losses_apart",
    "train_step.moves_only_its_own",
    "discriminator_loss.matches_its_family",
    "generator_loss.belongs_to_its_family",
    "discriminator_loss.is_a_mean_over_the_batch",
    "generator_loss.is_a_mean",
    "make_discriminator.gives_logits",
    "make_discriminator.gives_one_logit_per_image",
    "make_generator.stays_in_range",
    "make_generator.makes_images",
    "train.runs",
)
"""Checks that say why a generator does not learn, the likeliest first."""


def train_whole(
    student: Student, images: np.ndarray, seed: int, enough: int = STEPS
) -> tuple[dict[str, Any], np.ndarray]:
    """Train a submission's networks with its ``train``, as the homework promises.

    Args:
        student: of the check.
        images: (M, 1, 8, 8), handed to ``train``.
        seed: of the networks, and handed to ``train``.
        enough: steps at which the training is stopped; ``train`` is told of :data:`STEPS`.

    Returns:
        What the driver ``full_training`` gives, and its samples: (600, 1, 8, 8), in [−1, 1].
    """
    z = noise(SAMPLES, LATENT, seed=7)
    try:
        result = student.drive(
            "full_training",
            seed=seed,
            images=images,
            noise=z,
            near=z[:NEAR] + 0.01 * noise(NEAR, LATENT, seed=8),
            **{"steps": STEPS, "enough": enough, "batch_size": BATCH, "train_seed": seed},
        )
    except StudentFault as fault:
        if fault.error.kind == "timeout":
            words = (
                f"{fault.error.message}: we stopped the training of {enough:,} steps. It takes a "
                "minute or less with networks of some ten thousand weights and one or two steps "
                "of each in train_step"
            )
            raise StudentFault(replace(fault.error, message=words)) from None
        raise
    samples = outputs(result, "samples", SAMPLES, (1, 8, 8)).astype(np.float32)
    return dict(result), np.clip(samples, -1, 1)


@dataclass(frozen=True)
class _Training:
    """What came out of one training."""

    samples: np.ndarray
    quality: Quality
    verdict: Verdict
    losses: Any


@check("train", points=4, limits=TRAINING, causes=CAUSES)
def learns_the_digits(student: Student) -> Feedback:
    """The trained generator makes all ten digits, in all their variety.

    We train your two networks with your train, our optimizers (Adam, learning rate 0.002, betas 0.5
    and 0.999) and 4,000 steps of 32 images. Then we compare 600 of its images with 600 digits that
    it has never seen. A training that is nearly good enough gets a second chance with another seed.
    Look at the pictures: if they look like mush, the generator does not learn; if they show few
    kinds of digits, it has collapsed. The checks of the losses and of train_step say more about the
    cause.
    """
    best = _trained(student, 0)
    if 0 < best.verdict.fraction < 1:
        try:
            again = _trained(student, 1)
            best = max(best, again, key=lambda one: one.verdict.fraction)
        except (StudentFault, Unmet):
            pass  # then the first training counts
    verdict, figures = best.verdict, _figures(best)
    if verdict.fraction == 1:
        return Feedback(message=verdict.message, figures=figures)
    feedback: dict[str, Any] = {"diagnosis": verdict.diagnosis, "figures": figures}
    expect.that(verdict.fraction > 0, verdict.message, **feedback)
    expect.partial(verdict.fraction, verdict.message, **feedback)


def _trained(student: Student, seed: int) -> _Training:
    result, samples = train_whole(student, digits().train, seed)
    quality = measure(samples)
    verdict = fraction(quality)
    if verdict.fraction > 0:
        verdict = _of_other_origin(result, samples) or verdict
    return _Training(samples, quality, verdict, result.get("losses"))


def _of_other_origin(result: dict[str, Any], samples: np.ndarray) -> Verdict | None:
    """Why images were not learnt by the generator's weights from its loss, if that is so."""
    elsewhere = float(field(result, "elsewhere", ()))
    if elsewhere > ELSEWHERE:
        return Verdict(
            0.0,
            f"{elsewhere:.0%} of the generator's weights have values that no step of the given "
            "optimizer gave them.",
            "change the weights only with opt_g: look for an optimizer that train makes itself, or "
            "for weights that are copied or computed from the images",
        )
    unlearnt = field(result, "unlearnt", (2, *samples.shape)).astype(np.float32)
    for images, weights in zip(
        unlearnt, ("are shuffled", "are those from before the training"), strict=True
    ):
        if fraction(measure(np.clip(np.nan_to_num(images), -1, 1))).fraction > 0:
            return Verdict(
                0.0,
                f"The generator still makes digits if its weights {weights}.",
                "compute the images with the learnt weights: here they come from something that is "
                "stored elsewhere, or that existed before the training",
            )
    updates = float(field(result, "updates", ()))
    if updates < ENOUGH_UPDATES * STEPS:
        return Verdict(
            0.0,
            f"opt_g took {updates:,.0f} steps in a training of {STEPS:,} steps.",
            "take at least one step with the given optimizer in every train_step",
        )
    near, nudged = (outputs(result, name, NEAR, (1, 8, 8)) for name in ("near", "nudged"))
    still = float((np.abs(near - samples[:NEAR]).reshape(NEAR, -1).max(1) < 1e-6).mean())
    if still > STILL:
        return Verdict(
            0.0,
            f"{still:.0%} of the images do not change at all when the noise changes a little.",
            "the noise picks stored images; compute the images from the noise instead",
        )
    for moved, what in ((near, "the noise"), (nudged, "each of its weights")):
        if how_far(moved, samples) > JUMPS:
            return Verdict(
                0.0,
                f"The generator's images change completely when {what} changes a little.",
                "something picks stored images; compute them with the learnt weights instead",
            )
    return None


def how_far(images: np.ndarray, samples: np.ndarray) -> float:
    """How far images are from the samples that they should be close to, in distances of samples."""
    before = samples[: len(images)].reshape(len(images), -1).astype(np.float64)
    far = np.linalg.norm(images.clip(-1, 1).reshape(len(images), -1) - before, axis=1)
    apart = np.median(distances(before, before)[np.triu_indices(len(before), 1)])
    return float(np.median(far) / max(apart, 1e-12))


def _figures(training: _Training) -> tuple[Figure, ...]:
    samples = training.samples
    return (
        _pictures(samples),
        _digit_counts(training.quality.counts),
        _plane(samples),
        _groups(samples),
        _copies(samples),
        *_curves(training.losses),
    )


def _images(arrays: dict[str, np.ndarray], caption: str) -> Figure:
    shown = {name: images[:, 0].astype(float).round(2).tolist() for name, images in arrays.items()}
    return Figure("images", caption, shown)


def _pictures(samples: np.ndarray) -> Figure:
    arrays = {"generated": samples[:40], "real": batches(40, seed=8)}
    return _images(arrays, "images of your generator, and digits")


def _digit_counts(counts: tuple[int, ...]) -> Figure:
    real = np.bincount(digits().held_out_labels, minlength=10)
    arrays = {"generated": [float(c) for c in counts], "real": [float(c) for c in real]}
    lost = listed([NAMES[digit] for digit in missing(counts)]) if missing(counts) else "none"
    caption = f"how many of {sum(counts)} images look like each digit, 0 to 9 (missing: {lost})"
    return Figure("bars", caption, arrays)


def _plane(samples: np.ndarray) -> Figure:
    shown = {"real": principal(digits().held_out)[:200], "generated": principal(samples)[:200]}
    arrays = {name: points.round(2).tolist() for name, points in shown.items()}
    caption = (
        "each image as a point in the plane in which digits differ most (principal components): "
        "generated images should cover the same regions as real ones"
    )
    return Figure("points", caption, arrays)


def _groups(samples: np.ndarray) -> Figure:
    real, made = in_bins(digits().train), in_bins(samples)
    different = int(different_bins(real, made).sum())
    share = real / real.sum() * made.sum()
    arrays = {"generated": made.astype(float).tolist(), "expected": share.round(1).tolist()}
    caption = (
        f"images in each of {len(real)} groups of similar digits (k-means): in {different} groups "
        "their number differs significantly from that of real digits; by chance it would in about 2"
    )
    return Figure("bars", caption, arrays)


def _copies(samples: np.ndarray) -> Figure:
    train = digits().train
    flat, known = (x.reshape(len(x), -1).astype(np.float64) for x in (samples, train))
    between = distances(flat, known)
    closest = between.min(1).argsort(kind="stable")[:8]
    arrays = {
        "generated": samples[closest],
        "nearest training digits": train[between[closest].argmin(1)],
    }
    caption = "the images that are nearest to a training digit, and that digit: are they copies?"
    return _images(arrays, caption)


def _curves(losses: Any) -> tuple[Figure, ...]:
    if not isinstance(losses, np.ndarray) or losses.ndim != 2 or losses.shape[1] != 2:
        return ()
    length = len(losses) // 100 * 100
    if not 0 < length <= STEPS or losses.dtype.kind != "f" or not np.isfinite(losses).all():
        return ()
    means = losses[:length].astype(np.float64).reshape(100, -1, 2).mean(1).round(5)
    arrays = {"d_loss": means[:, 0].tolist(), "g_loss": means[:, 1].tolist()}
    caption = (
        f"the losses that train returned, means of {length // 100}: in a healthy training neither "
        "falls to 0 nor grows without limit"
    )
    return (Figure("lines", caption, arrays),)
