"""How good generated digits are: coverage, maximum mean discrepancy, class entropy, and how many
are copies.

Everything is measured in the features of the small digits network that comes with the grader (128
numbers per image, what its last linear layer sees), against the 600 digits that were held out of
the generator's training set; copies are found in pixels.  All of it is pure: arrays in, numbers
out, the same on every run.

Sources: coverage is equation 9 of Naeem et al. 2020 (arXiv:2002.09797); the discrepancy is the
unbiased estimate of lemma 6 of Gretton et al. 2012 (JMLR 13, 723-773); the memorisation test
compares nearest-neighbour distances to training and to held-out images, in the spirit of Meehan et
al. 2020 (arXiv:2004.05675).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np
import torch
from safetensors.numpy import load as load_arrays
from torch import nn

from grader.networks import Network, build

__all__ = [
    "CURVES",
    "NAMES",
    "Digits",
    "Quality",
    "Verdict",
    "class_entropy",
    "coverage",
    "digits",
    "features",
    "fraction",
    "measure",
    "missing",
    "mmd2",
    "nearest",
]

Array = np.ndarray

NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

BANDWIDTHS = (0.25, 0.5, 1.0, 2.0, 4.0)
"""The kernel's bandwidths, in medians of the real images' distances."""

CURVES = {"coverage": (0.20, 0.50), "mmd2": (0.20, 0.03), "entropy": (0.60, 0.90)}
"""Where the share of each measure is 0, and where it is 1; linear between.

Measured: ``python fixtures/calibrate_gan.py``.
"""

COPIES = (0.40, 0.10)
"""The share of copies at which the memorisation gate is shut, and up to which it is open."""

CLOSENESS = (0.75, 0.90)
"""The same for the mean distance to training images ÷ to held-out images."""


@dataclass(frozen=True)
class Digits:
    """The digits, pixels in [−1, 1]: to train a generator on, and to compare it with."""

    train: Array
    """(1197, 1, 8, 8) float32."""
    held_out: Array
    """(600, 1, 8, 8) float32."""
    train_labels: Array
    held_out_labels: Array


@dataclass(frozen=True)
class Quality:
    """What was measured on a set of samples."""

    coverage: float
    """Share of held-out digits that have a sample in their neighbourhood: 0 (none) … 1."""
    mmd2: float
    """Squared discrepancy to the held-out digits: 0 (none, or slightly negative) … 1."""
    entropy: float
    """Entropy of the classes ÷ log 10: 0 (one digit only) … 1 (all equally often)."""
    copies: float
    """Share of samples nearer to a training image than all but 1 % of held-out digits are."""
    closeness: float
    """Mean distance to the nearest training image ÷ to the nearest held-out one, among as many.

    About 1 for samples that are no copies.
    """
    counts: tuple[int, ...]
    """How many samples the digits network takes for each digit."""


@lru_cache(maxsize=1)
def digits() -> Digits:
    """The data that come with the grader, split as ``fixtures/make_digits.py`` split them."""
    data = load_arrays(files("grader").joinpath("data", "digits.safetensors").read_bytes())
    images = (data["images"].astype(np.float32) / 8 - 1)[:, None]
    held = data["held_out"].astype(bool)
    labels = data["labels"].astype(np.int64)
    return Digits(images[~held], images[held], labels[~held], labels[held])


def features(images: Array) -> tuple[Array, Array]:
    """What the digits network makes of images.

    Args:
        images: (N, 1, 8, 8) in [−1, 1].

    Returns:
        (N, 128) float64, its last hidden features, and (N,) int64, the digits that it sees.
    """
    model: nn.Sequential = build(Network("digits"))
    with torch.no_grad():
        hidden = model[:-1](torch.from_numpy(np.array(images, dtype=np.float32)))
        seen = model[-1](hidden).argmax(dim=1)
    return hidden.double().numpy(), seen.numpy()


def distances(a: Array, b: Array) -> Array:
    """Euclidean distances between rows: (N, F) and (M, F) → (N, M)."""
    squares = (a * a).sum(1)[:, None] + (b * b).sum(1)[None] - 2 * a @ b.T
    out: Array = np.sqrt(np.maximum(squares, 0))
    return out


def nearest(a: Array, b: Array) -> Array:
    """The distance of each row of ``a`` to the nearest row of ``b``: (N, F) and (M, F) → (N,)."""
    out: Array = distances(a, b).min(axis=1)
    return out


def coverage(real: Array, fake: Array, k: int = 5) -> float:
    """Share of real points that have a fake point within the distance of their k-th real neighbour.

    Equation 9 of Naeem et al. 2020; for equally many points of one distribution its mean is about 1
    − 2^−k.

    Args:
        real: (N, F), N > k.
        fake: (M, F).
        k: the neighbour, not counting the point itself.
    """
    among = distances(real, real)
    np.fill_diagonal(among, 0)  # rounding would leave a point at some distance from itself
    radius = np.sort(among, axis=1)[:, k]
    return float((distances(real, fake).min(axis=1) <= radius).mean())


def mmd2(real: Array, fake: Array) -> float:
    """Squared maximum mean discrepancy with a mixture of Gaussian kernels, unbiased (Gretton et al.
    2012, lemma 6).

    The kernel is the mean of exp(−d² / 2σ²) over σ = ¼, ½, 1, 2 and 4 times the median distance
    between real points.

    Args:
        real: (N, F).
        fake: (M, F).
    """
    within, across, other = distances(real, real), distances(real, fake), distances(fake, fake)
    n, m = len(real), len(fake)
    median = float(np.median(within[np.triu_indices(n, 1)]))
    total = 0.0
    for scale in BANDWIDTHS:
        gamma = 1 / (2 * (scale * median) ** 2)
        k_rr, k_rf, k_ff = (np.exp(-gamma * d * d) for d in (within, across, other))
        total += (k_rr.sum() - np.trace(k_rr)) / (n * (n - 1))
        total += (k_ff.sum() - np.trace(k_ff)) / (m * (m - 1))
        total -= 2 * k_rf.mean()
    return float(total / len(BANDWIDTHS))


def class_entropy(counts: Array) -> float:
    """Entropy of the classes ÷ log K: (K,) counts → [0, 1]."""
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum() / np.log(len(counts)))


@lru_cache(maxsize=1)
def _copy_distance() -> float:
    data = digits()
    flat = data.held_out.reshape(len(data.held_out), -1).astype(np.float64)
    return float(np.percentile(nearest(flat, data.train.reshape(len(data.train), -1)), 1))


def measure(samples: Array) -> Quality:
    """Measure samples against the digits.

    Args:
        samples: (N, 1, 8, 8), finite, in [−1, 1]; N = 600 as many as held-out digits, which the
            curves assume.
    """
    data = digits()
    real, _ = features(data.held_out)
    fake, seen = features(samples)
    counts = np.bincount(seen, minlength=10)
    flat = samples.reshape(len(samples), -1).astype(np.float64)
    train = data.train.reshape(len(data.train), -1).astype(np.float64)
    held_out = data.held_out.reshape(len(data.held_out), -1).astype(np.float64)
    to_train = nearest(flat, train)
    # As many training as held-out images: among more images the nearest one is nearer.
    to_as_many = nearest(flat, train[: len(held_out)])
    return Quality(
        coverage=coverage(real, fake),
        mmd2=mmd2(real, fake),
        entropy=class_entropy(counts),
        copies=float((to_train < _copy_distance()).mean()),
        closeness=float(to_as_many.mean() / max(nearest(flat, held_out).mean(), 1e-12)),
        counts=tuple(int(c) for c in counts),
    )


def ramp(value: float, ends: tuple[float, float]) -> float:
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


def fraction(quality: Quality) -> Verdict:
    """Points and words for a quality.

    The least of three shares counts (:data:`CURVES`), since each measure is blind to a way of
    failing: coverage to noise around the digits, the discrepancy to a few lost digits, the entropy
    to everything else.  Copies of training images shut the gate whatever the rest says.
    """
    shares = {name: ramp(getattr(quality, name), ends) for name, ends in CURVES.items()}
    gate = min(ramp(quality.copies, COPIES), ramp(quality.closeness, CLOSENESS))
    earned = min(shares.values()) * gate
    seen = (
        f"Generated images lie near {quality.coverage:.0%} of {len(digits().held_out)} digits that "
        f"the generator has never seen (full marks from {CURVES['coverage'][1]:.0%}), the "
        f"discrepancy between the two sets is {max(quality.mmd2, 0):.3f} (full marks up to "
        f"{CURVES['mmd2'][1]}), and how evenly the ten digits are made is {quality.entropy:.2f} of "
        f"1 (full marks from {CURVES['entropy'][1]})."
    )
    if earned == 1:
        return Verdict(1.0, seen, "")
    return Verdict(earned, seen, _diagnosis(quality, gate, min(shares, key=lambda n: shares[n])))


def missing(counts: tuple[int, ...]) -> list[int]:
    """The digits that are less than 1 % of the samples."""
    return [digit for digit, count in enumerate(counts) if count < 0.01 * sum(counts)]


def _diagnosis(quality: Quality, gate: float, least: str) -> str:
    if gate < 1:
        return (
            f"{quality.copies:.0%} of the images are nearer to a training image than digits are to "
            "each other: the generator repeats what it was shown instead of learning to draw"
        )
    if quality.coverage == 0:
        return "no image resembles a digit: nothing was learnt, or the training fell apart"
    lost = [NAMES[digit] for digit in missing(quality.counts)]
    if lost:
        return (
            f"the generator makes {10 - len(lost)} of the 10 digits, hardly ever {_list(lost)}: "
            "it has collapsed to the images with which it gets past the discriminator"
        )
    return {
        "coverage": "the images are too much alike, or too blurred, to reach all digits",
        "mmd2": "taken together the images differ from digits: in contrast, strokes or mix",
        "entropy": "some digits are made far more often than others: the beginning of a collapse",
    }[least]


def _list(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
