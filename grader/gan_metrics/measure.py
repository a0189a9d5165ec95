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

import numpy as np
from safetensors.numpy import load as load_arrays

from grader import layout
from grader.homework.networks import Network, build

__all__ = [
    "Digits",
    "Quality",
    "class_entropy",
    "coverage",
    "different_bins",
    "digits",
    "distances",
    "features",
    "in_bins",
    "measure",
    "mmd2",
    "nearest",
    "principal",
]

Array = np.ndarray

BANDWIDTHS = (0.25, 0.5, 1.0, 2.0, 4.0)
"""The kernel's bandwidths, in medians of the real images' distances."""


@dataclass(frozen=True)
class Digits:
    """The digits, pixels in [−1, 1]: to train a generator on, and to compare it with."""

    train: Array
    """(1197, 1, 8, 8) float32."""
    held_out: Array
    """(600, 1, 8, 8) float32."""
    train_labels: Array
    held_out_labels: Array
    bins: Array
    """(30, 64): the centres of groups of alike training images (k-means)."""


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
    data = load_arrays(layout.data("digits.safetensors").read_bytes())
    images = (data["images"].astype(np.float32) / 8 - 1)[:, None]
    held = data["held_out"].astype(bool)
    labels = data["labels"].astype(np.int64)
    bins = data["bins"].astype(np.float32)
    return Digits(images[~held], images[held], labels[~held], labels[held], bins)


def features(images: Array) -> tuple[Array, Array]:
    """What the digits network makes of images.

    Args:
        images: (N, 1, 8, 8) in [−1, 1].

    Returns:
        (N, 128) float64, its last hidden features, and (N,) int64, the digits that it sees.
    """
    import torch

    model = build(Network("digits"))
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


def in_bins(images: Array) -> Array:
    """How many images are nearest to each of the bins' centres: (N, 1, 8, 8) → (30,) int64."""
    bins = digits().bins
    flat = images.reshape(len(images), -1).astype(np.float64)
    return np.bincount(distances(flat, bins.astype(np.float64)).argmin(1), minlength=len(bins))


def different_bins(counts: Array, others: Array) -> Array:
    """Which bins hold significantly different shares of two sets (Richardson, Weiss 2018, section
    3): a two-sample test of proportions for each, at the level 0.05.

    Args:
        counts: (K,) of the one set.
        others: (K,) of the other.

    Returns:
        (K,) bool.
    """
    n, m = counts.sum(), others.sum()
    pooled = (counts + others) / (n + m)
    error = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    return np.asarray(np.abs(counts / n - others / m) > 1.96 * error)


def principal(images: Array) -> Array:
    """Images seen along the two directions in which held-out digits differ most: (N, …) → (N, 2).

    Principal component analysis of the pixels.
    """
    real = digits().held_out.reshape(-1, 64).astype(np.float64)
    directions = np.linalg.svd(real - real.mean(0), full_matrices=False)[2][:2]
    directions *= np.sign(directions.sum(1, keepdims=True))  # the sign is arbitrary, so fix it
    out: Array = (images.reshape(len(images), -1) - real.mean(0)) @ directions.T
    return out
