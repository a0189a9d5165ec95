"""What measured images are worth, and in words.

The thresholds are measured: ``python fixtures/calibrate_gan.py`` prints what they let pass and what
they would if they were moved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from grader.gan_metrics.measure import Quality, digits

__all__ = [
    "CURVES",
    "NAMES",
    "Verdict",
    "earned_by",
    "fraction",
    "listed",
    "missing",
]

NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

CURVES = {"coverage": (0.15, 0.40), "mmd2": (0.20, 0.03), "entropy": (0.60, 0.90)}
"""Where the share of each measure is 0, and where it is 1; linear between.

Measured: ``python fixtures/calibrate_gan.py``.
"""

COPIES = (0.40, 0.10)
"""The share of copies at which the memorisation gate is shut, and up to which it is open."""

CLOSENESS = (0.75, 0.90)
"""The same for the mean distance to training images ÷ to held-out images."""


def _ramp(value: float, ends: tuple[float, float]) -> float:
    """0 at the first end and beyond, 1 at the second and beyond, linear between."""
    zero, one = ends
    return float(np.clip((value - zero) / (one - zero), 0, 1))


@dataclass(frozen=True)
class Verdict:
    """What a quality is worth, and why."""

    fraction: float
    """Share of the points, 0 … 1: the least of the three measures' shares, times the gate."""
    message: str
    """One sentence or two about what came out."""
    diagnosis: str
    """What it usually means where something is missing; empty at full marks."""
    final: bool = False
    """Whether another training would not change it: the images were not learnt."""


def earned_by(quality: Quality, curves: Mapping[str, tuple[float, float]]) -> float:
    """The share of the points by other curves than :data:`CURVES`."""
    shares, gate = _shares(quality, curves)
    return min(shares.values()) * gate


def _shares(
    quality: Quality, curves: Mapping[str, tuple[float, float]]
) -> tuple[dict[str, float], float]:
    """The share of each measure, and how far the memorisation gate is open."""
    shares = {name: _ramp(getattr(quality, name), ends) for name, ends in curves.items()}
    return shares, min(_ramp(quality.copies, COPIES), _ramp(quality.closeness, CLOSENESS))


def fraction(quality: Quality) -> Verdict:
    """Points and words for a quality.

    The least of three shares counts (:data:`CURVES`), since each measure is blind to a way of
    failing: coverage to noise around the digits, the discrepancy to a few lost digits, the entropy
    to everything else.  Copies of training images shut the gate whatever the rest says.
    """
    shares, gate = _shares(quality, CURVES)
    earned = min(shares.values()) * gate
    seen = (
        f"Of {len(digits().held_out)} digits that the generator has never seen, "
        f"{quality.coverage:.0%} have a generated image near them (full marks from "
        f"{CURVES['coverage'][1]:.0%}). The two sets of images differ by "
        f"{max(quality.mmd2, 0):.3f} (MMD², full marks up to {CURVES['mmd2'][1]}). The evenness of "
        f"the ten digits is {quality.entropy:.2f}, of at most 1 (full marks from "
        f"{CURVES['entropy'][1]})."
    )
    if earned == 1:
        return Verdict(1.0, seen, "")
    return Verdict(earned, seen, _diagnosis(quality, gate, min(shares, key=lambda n: shares[n])))


def missing(counts: tuple[int, ...]) -> list[int]:
    """The digits that are less than 1 % of the samples."""
    return [digit for digit, count in enumerate(counts) if count < 0.01 * sum(counts)]


def _diagnosis(quality: Quality, gate: float, least: str) -> str:
    if gate < 1 and quality.copies <= COPIES[1]:
        return (
            f"images are {1 - quality.closeness:.0%} nearer to training images than to digits that "
            "the generator has never seen: it imitates its training images"
        )
    if gate < 1:
        return (
            f"{quality.copies:.0%} of the images are nearer to a training image than digits are to "
            "each other: the generator copies its training images"
        )
    if quality.coverage == 0:
        return "no image resembles a digit: the generator learnt nothing, or the training diverged"
    lost = [NAMES[digit] for digit in missing(quality.counts)]
    if lost:
        return (
            f"the generator makes {10 - len(lost)} of the 10 digits, hardly ever {listed(lost)}: "
            "it has collapsed to the images that the discriminator takes for real"
        )
    words = {
        "coverage": "the images are too similar to each other, or too blurred, to cover all digits",
        "mmd2": "as a whole the images differ from digits in contrast, strokes or mixture",
        "entropy": "the generator makes some digits far more often: it begins to collapse",
    }[least]
    return f"{words}. If the other checks of the GAN pass, try another LEARNING_RATE"


def listed(words: list[str]) -> str:
    """Words with commas, the last after "and"."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
