"""A hidden check of the GAN: it learns the images that it is given, whichever they are."""

from __future__ import annotations

from contextlib import suppress

import numpy as np

from grader.checks.framework import expect
from grader.checks.framework.registry import check
from grader.checks.framework.student import Student
from grader.checks.gan.outcome import HALF, TRAINING, worth
from grader.checks.gan.training import runs
from grader.checks.gan.tries import given_up
from grader.checks.gan.whole import HELD, draw, learning_rates, moved_alike, stages
from grader.checks.hidden import SEED as SECRET
from grader.gan_metrics.measure import digits, distances, measure
from grader.gan_metrics.thresholds import CURVES, listed

__all__ = ["ENOUGH", "GIVEN", "PLACES", "placed", "put_back", "share_of", "some_place"]

SEED = SECRET.of("gan")


ENOUGH = (800, 1600, 2400, 3200)
"""Steps after which the images should show which digits the generator was given: most show it at
the first look, what learns slowly at a later one.

Measured: ``python fixtures/calibrate_gan.py``.
"""

GIVEN = 0.4
"""The share of images that must then be nearest to digits that are placed as the given ones are.

Chance is 1/16; of digits in another position, less than a fifth are.
"""

LIKE_DIGITS = CURVES["mmd2"][0]
"""The MMD² from which on images are no digits in any position: what 20 steps make of noise may be
nearest to the given ones by chance, and so may all images if they are the same."""

PLACES = [
    (turns, mirrored, inverted) for inverted in (0, 1) for mirrored in (0, 1) for turns in range(4)
]
"""Ways to place a digit: quarter turns, whether it is mirrored, whether black is white."""


def placed(images: np.ndarray, place: tuple[int, int, int]) -> np.ndarray:
    """Images (N, 1, 8, 8) turned, mirrored and inverted."""
    turns, mirrored, inverted = place
    turned = np.rot90(images, turns, (2, 3))
    flipped = turned[..., ::-1] if mirrored else turned
    return np.ascontiguousarray(-flipped if inverted else flipped)


def put_back(images: np.ndarray, place: tuple[int, int, int]) -> np.ndarray:
    """Undo :func:`placed`."""
    turns, mirrored, inverted = place
    upright = -images if inverted else images
    flipped = upright[..., ::-1] if mirrored else upright
    return np.ascontiguousarray(np.rot90(flipped, -turns, (2, 3)))


def some_place(seed: int) -> tuple[np.ndarray, tuple[int, int, int]]:
    """The training digits, placed in a way that follows from the seed, in another order.

    As many as ever, as many different ones, and convolutions see in them what they always see.
    Half a turn or none is left out: many digits look the same then.
    """
    random = np.random.RandomState(seed)
    place = [p for p in PLACES if p[0] % 2 or p[2]][random.randint(12)]
    images = digits().train
    return placed(images, place)[random.permutation(len(images))], place


def share_of(samples: np.ndarray, place: tuple[int, int, int]) -> float:
    """How many of (N, 1, 8, 8) samples are nearest to training digits placed in that way, 0 … 1."""
    flat = samples.reshape(len(samples), -1).astype(np.float64)
    known = digits().train
    nearest = [distances(flat, placed(known, p).reshape(len(known), -1)).min(1) for p in PLACES]
    return float((np.argmin(nearest, axis=0) == PLACES.index(place)).mean())


@check("train", points=2, needs=[runs], limits=TRAINING)
def learns_what_it_is_given(student: Student) -> None:
    """Learn to make the images that train is given, whichever they are.

    We give train digits that are turned, mirrored or inverted, and look after 800 of 4,000 steps:
    the generator's images should be like digits, and nearer to these digits than to digits in any
    other position. If not, we look again after 1,600 steps, and later while they show something.
    Then we do the same against a discriminator that stands still: there should be no digits.
    """
    images, place = some_place(SEED + 0)
    share = 0.0
    for rates in learning_rates(student)[:2]:
        passed = {}
        for stage in stages(student, images, 2, rates, (0, HELD, *ENOUGH)):
            passed[stage.steps] = stage
            if stage.steps < ENOUGH[0] and not stage.ended:
                continue
            drawn = draw(student, 2, stage.weights)
            if drawn is None:
                break
            mmd2 = measure(put_back(drawn.samples, place)).mmd2
            share = share_of(drawn.samples, place) if mmd2 < LIKE_DIGITS else 0.0
            if share >= GIVEN or given_up(stage.steps, share, mmd2):
                break
        if share >= GIVEN:
            break
    turns, mirrored, inverted = place
    words = [f"turned by {90 * turns} degrees"] if turns else []
    words += ["mirrored"] if mirrored else []
    words += ["inverted"] if inverted else []
    expect.that(
        share >= GIVEN,
        f"after training on digits that are {listed(words)}, few of the generator's images are "
        "digits that are nearest to one of these",
        expected=f"at least {GIVEN:.0%} of its images",
        actual=f"{share:.0%}",
        diagnosis="draw the real images from `images` only; if train does so, the generator hardly "
        "learns at all",
    )
    for still in stages(student, images, 2, rates, (0, HELD), still=True):
        if still.steps == 0:
            continue
        alike = {0, HELD} <= set(passed) and moved_alike(
            passed[0].weights, passed[HELD].weights, still.weights
        )
        with suppress(expect.Unmet):
            drawn = draw(student, 2, still.weights)
            alike |= drawn is not None and worth(put_back(drawn.samples, place)) >= HALF
        expect.that(
            not alike,
            "the generator learns the same from a discriminator that stands still",
            diagnosis="move the generator only by the gradient of its own loss, which comes "
            "through the discriminator that train is given",
        )
        break
