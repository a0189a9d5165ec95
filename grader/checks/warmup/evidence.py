"""What the checks of the warm-up share: points, and what known mistakes make of them.

Nothing here asks the reference: a cluster or a direction is right by what it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from grader.checks.framework import expect
from grader.checks.framework.student import Student
from grader.gan_metrics.measure import digits
from grader.records import Call

__all__ = [
    "blobs",
    "clusters",
    "digit_points",
    "inertia",
    "is_a_fixed_point",
    "is_principal",
    "spread_points",
    "why",
]

Array = np.ndarray

CLOSE = 1e-3
"""Relative error of a centre, a direction or a variance; float32 and iterations stay below 1e-4."""


def blobs(seed: int, groups: int = 5, each: int = 24, dimensions: int = 3) -> Array:
    """Points around a few centres, in groups that overlap a little: (groups · each, D) float32.

    Args:
        seed: of the draw.
        groups: how many there are.
        each: points of each.
        dimensions: D.
    """
    draw = np.random.RandomState(seed)
    centres = 3 * draw.standard_normal((groups, dimensions))
    noise = draw.standard_normal((groups, each, dimensions))
    points = (centres[:, None] + noise).reshape(-1, dimensions)
    return np.asarray(points[draw.permutation(len(points))], dtype=np.float32)


def digit_points(count: int) -> Array:
    """The first training digits as points, (count, 64) float32."""
    return np.asarray(digits().train[:count].reshape(count, 64))


def spread_points(seed: int, rows: int, columns: int, rank: int | None = None) -> Array:
    """Points whose variances along their directions fall by half: (rows, columns) float32.

    Args:
        seed: of the draw.
        rows: how many points.
        columns: how many dimensions.
        rank: of the points less their mean; ``None`` for as much as fits.
    """
    draw = np.random.RandomState(seed)
    most = min(rows - 1, columns)
    rank = most if rank is None else min(rank, most)
    scores = draw.standard_normal((rows, rank))
    scores = np.linalg.qr(scores - scores.mean(0))[0] * np.sqrt(rows - 1)
    axes = np.linalg.qr(draw.standard_normal((columns, rank)))[0].T
    mean = 2 * draw.standard_normal(columns)
    return np.asarray(scores * 2.0 ** (-np.arange(rank) / 2) @ axes + mean, dtype=np.float32)


def clusters(
    student: Student, points: Array, k: int, seed: int | None = 0, *, state: int = 0
) -> tuple[Array, Array]:
    """Labels and centres that a submission finds, float64 and in range.

    Args:
        student: whose function is asked.
        points: (N, D).
        k: how many clusters.
        seed: handed over, unless it is ``None``.
        state: the seed of the global random state that the function finds.
    """
    named = {} if seed is None else {"seed": seed}
    call = Call("kmeans", {"points": points, "k": k, **named}, state)
    labels, centres = student.answer(call)
    expect.finite(centres, "the centres")
    low, high = int(labels.min()), int(labels.max())
    expect.that(
        low >= 0 and high < k,
        f"the labels for k = {k} should lie in 0 ... {k - 1}",
        actual=f"{low} ... {high}",
        diagnosis="count clusters from 0" if low == 1 and high == k else "",
    )
    return labels, np.asarray(centres, dtype=np.float64)


def inertia(points: Array, labels: Array, centres: Array) -> float:
    """The sum of squared distances from points to the centres of their clusters.

    Args:
        points: (N, D).
        labels: (N,).
        centres: (k, D).
    """
    return float(np.square(points.astype(np.float64) - centres[labels]).sum())


def is_a_fixed_point(points: Array, labels: Array, centres: Array, what: str) -> None:
    """Each centre is the mean of its points, and each point has the label of its nearest centre.

    Args:
        points: (N, D).
        labels: (N,), in 0 … k − 1.
        centres: (k, D) float64.
        what: how the sentence calls the points.

    Raises:
        Unmet: it is not.
    """
    x = points.astype(np.float64)
    size = float(np.sqrt(np.square(x - x.mean(0)).sum(1).mean())) or 1.0
    there = np.unique(labels)
    means = np.stack([x[labels == c].mean(0) for c in there])
    off = float(np.abs(centres[there] - means).max()) / size
    squared = np.square(x[:, None] - centres).sum(2)
    own = squared[np.arange(len(x)), labels]
    wrong = own > squared.min(1) + CLOSE * size**2
    expect.record(off, CLOSE)
    if off > CLOSE:
        expect.that(
            False,
            f"for {what} a centre is not the mean of the points with its label",
            of_values=True,
            expected=expect.show(means[0]),
            actual=expect.show(centres[there[0]]),
            diagnosis=why(x, labels, centres) or _LATE,
        )
    expect.that(
        not wrong.any(),
        f"for {what} {int(wrong.sum())} of {len(x)} points do not have the label of their nearest "
        "centre",
        of_values=True,
        diagnosis=why(x, labels, centres) or _LATE,
    )


def why(points: Array, labels: Array, centres: Array) -> str:
    """Which known mistake gives these labels or these centres, or "".

    Args:
        points: (N, D).
        labels: (N,).
        centres: (k, D).
    """
    x = points.astype(np.float64)
    size = float(np.sqrt(np.square(x - x.mean(0)).sum(1).mean())) or 1.0
    means = np.stack([x[labels == c].mean(0) for c in np.unique(labels)])
    right = float(np.abs(means - centres[np.unique(labels)]).max()) <= CLOSE * size
    wrong_centres = "" if right else _why_no_mean(x, labels, centres, size)
    agree = np.square(x[:, None] - centres).sum(2).argmin(1) == labels
    # Where the centres are not final, a few labels are others for many reasons.
    certain = right or agree.mean() < 0.7
    return wrong_centres or (_why_not_nearest(x, labels, centres) if certain else "")


_LATE = (
    "is the loop left after a fixed number of rounds, or before it stands still? Repeat both steps "
    "until no label changes, and return the centres that belong to the last labels"
)


def _why_no_mean(x: Array, labels: Array, centres: Array, size: float) -> str:
    there = np.unique(labels)
    members = [x[labels == c] for c in there]
    found = centres[there]
    whole, scale = x.mean(0), np.where(x.std(0) > 0, x.std(0), 1.0)
    wide = np.where(np.ptp(x, axis=0) > 0, np.ptp(x, axis=0), 1.0)
    rules = {
        "these are medians; k-means takes means": [
            np.sort(m, axis=0)[(len(m) - 1) // 2] for m in members
        ],
        "these are points of the data; k-means takes means": [
            m[np.square(m - c).sum(1).argmin()] for m, c in zip(members, found, strict=True)
        ],
        "these are sums over the cluster; divide by its number of points": [
            m.sum(0) for m in members
        ],
        "the sums are divided by the number of all points, not of the cluster's": [
            m.sum(0) / len(x) for m in members
        ],
        "the sums are divided by k, not by the cluster's number of points": [
            m.sum(0) / len(centres) for m in members
        ],
        "the sums are divided by one too many": [m.sum(0) / (len(m) + 1) for m in members],
        "the sums are divided by one too few": [m.sum(0) / max(len(m) - 1, 1) for m in members],
        "these lie midway between the cluster's smallest and largest values": [
            (m.min(0) + m.max(0)) / 2 for m in members
        ],
        "the points were centred first; give the centres back in the points' own place": [
            m.mean(0) - whole for m in members
        ],
        "the points were standardised; give the centres back in the points' own units": [
            (m.mean(0) - whole) / scale for m in members
        ],
        "the points were scaled to 0 ... 1; give the centres back in the points' own units": [
            (m.mean(0) - x.min(0)) / wide for m in members
        ],
        "the centres have length 1; k-means takes means": [
            m.mean(0) / (np.linalg.norm(m.mean(0)) or 1.0) for m in members
        ],
        "every centre is the mean of all points": [whole for _ in members],
    }
    telling = np.array([len(m) > 2 for m in members])  # of one or two points many things are alike
    for words, made in rules.items():
        off = np.abs(np.stack(made) - found).max(1)
        if telling.any() and (off[telling] <= CLOSE * size).mean() > 0.5:
            return words
    means = np.stack([m.mean(0) for m in members])
    distances = np.abs(means[:, None] - found).max(2)
    if len(there) == len(centres) and (distances.min(1) <= CLOSE * size).all():
        return "the centres come in another order than the labels: sort neither, or both"
    return ""


def _why_not_nearest(x: Array, labels: Array, centres: Array) -> str:
    apart = x[:, None] - centres
    squared = np.square(apart).sum(2)
    norms = np.linalg.norm(x, axis=1)[:, None] * np.linalg.norm(centres, axis=1)
    scale = np.where(x.std(0) > 0, x.std(0), 1.0)
    rules = {
        "this is the farthest centre: take the smallest distance": squared.argmax(1),
        "this is the nearest centre by the sum of absolute differences: use Euclidean distance": (
            np.abs(apart).sum(2).argmin(1)
        ),
        "this is the nearest centre by the largest difference: use Euclidean distance": (
            np.abs(apart).max(2).argmin(1)
        ),
        "this is the centre of the most similar direction: use Euclidean distance": (
            (x @ centres.T / np.where(norms > 0, norms, 1.0)).argmax(1)
        ),
        "this is the centre with the largest inner product: the centres' lengths are missing": (
            (x @ centres.T).argmax(1)
        ),
        "this is the nearest centre of standardised points: use the points as they are": (
            np.square(apart / scale).sum(2).argmin(1)
        ),
        "differences are added before they are squared: square each, then add": (
            np.square(apart.sum(2)).argmin(1)
        ),
        "only the first dimension is compared: add the squares over all dimensions": (
            np.square(apart[:, :, 0]).argmin(1)
        ),
        **(_never_asked(squared) if len(centres) > 1 else {}),
    }
    for words, made in rules.items():
        if np.mean(made == labels) > 0.995:
            return words
    return ""


def _never_asked(squared: Array) -> dict[str, Array]:
    return {
        "the last centre is never asked": squared[:, :-1].argmin(1),
        "the first centre is never asked": squared[:, 1:].argmin(1) + 1,
        "these are the second nearest centres": np.argsort(squared, 1, kind="stable")[:, 1],
    }


def is_principal(
    points: Array, components: Array, variances: Array, what: str, *, exactly: int | None = None
) -> None:
    """The rows are the directions of largest variance, up to sign, with these variances.

    Args:
        points: (N, D).
        components: (k, D).
        variances: (k,).
        what: how the sentence calls the points.
        exactly: how many directions are compared one by one; the others are only told by their
            variance. ``None`` for all.

    Raises:
        Unmet: they are not.
    """
    x = points.astype(np.float64)
    c, v = components.astype(np.float64), variances.astype(np.float64)
    expect.finite(c, "the components")
    expect.finite(v, "the variances")
    right, sizes = _directions(x - x.mean(0))
    k, right_variances = len(c), sizes**2 / (len(x) - 1)
    gram = float(np.abs(c @ c.T - np.eye(k)).max())
    near = np.abs((right[:k] * c).sum(1))[: k if exactly is None else exactly]
    expect.record(gram, CLOSE)
    if gram > CLOSE or (near < 1 - CLOSE).any():
        message = (
            f"for {what} the rows are not orthonormal"
            if gram > CLOSE
            else f"for {what} the directions are not those of largest variance"
        )
        expect.that(
            False,
            message,
            of_values=True,
            expected=f"{expect.show(right[0])}, up to its sign",
            actual=expect.show(c[0]),
            diagnosis=_why_other_directions(x, c),
        )
    total = float(right_variances.sum()) or 1.0
    error = float(np.abs(v - right_variances[:k]).max()) / total
    expect.record(error, CLOSE)
    expect.that(
        error <= CLOSE,
        f"for {what} the variances are wrong",
        of_values=True,
        expected=expect.show(right_variances[:k]),
        actual=expect.show(v),
        diagnosis=_why_other_variances(x, sizes, v, right_variances),
    )


def _directions(centred: Array) -> tuple[Array, Array]:
    _, sizes, right = np.linalg.svd(centred, full_matrices=False)
    return right, sizes


def _alike(a: Array, b: Array) -> bool:
    """Whether two sets of rows are the same up to the rows' signs."""
    if a.shape != b.shape:
        return False
    signs = np.sign((a * b).sum(1, keepdims=True))
    return float(np.abs(a - signs * b).max()) <= CLOSE * max(1.0, float(np.abs(b).max()))


def _why_other_directions(x: Array, c: Array) -> str:
    k, centred = len(c), x - x.mean(0)
    right, sizes = _directions(centred)
    scale = np.where(x.std(0) > 0, x.std(0), 1.0)
    deviations = sizes / np.sqrt(len(x) - 1)
    most = len(right)
    others: Mapping[str, Any] = {
        "subtract the mean of the points first": _directions(x)[0],
        "subtract the mean of each column, not of each row": _directions(
            x - x.mean(1, keepdims=True)
        )[0],
        "subtract the mean of each column, not one mean of all numbers": _directions(x - x.mean())[
            0
        ],
        "subtract the mean, not the median": _directions(x - np.median(x, 0))[0],
        "do not divide the columns by their standard deviations": _directions(centred / scale)[0],
        "these are the directions of smallest variance: sort the variances falling": right[::-1],
        "the first direction is missing": right[1:],
        "each row should have length 1; these are scaled by the standard deviation": (
            right * deviations[:, None]
        ),
        "each row should have length 1; these are scaled by the variance": (
            right * deviations[:, None] ** 2
        ),
        "each row should have length 1; these are scaled by the singular value": (
            right * sizes[:, None]
        ),
        "each row should have length 1; these are divided by the standard deviation": (
            right / np.where(deviations > 0, deviations, 1.0)[:, None]
        ),
        "these are the columns of the matrix of directions: is a transpose missing?": (
            right.T[:most]
        ),
        "these are absolute values: keep the signs": np.abs(right),
        "these are coordinates, not directions: the unit vectors of the widest columns": (
            np.eye(x.shape[1])[np.argsort(-x.var(0), kind="stable")]
        ),
    }
    for words, made in others.items():
        if _alike(c, np.asarray(made)[:k]):
            return words
    agreement = np.abs(c @ right.T)
    places = set(agreement.argmax(1).tolist())
    if len(places) == k and (agreement.max(1) > 1 - CLOSE).all():
        return "these directions come in another order: sort them by their variances, falling"
    if k > 1 and _alike(c[:1], right[:1]):
        return "only the first direction is right: take its part away before the next is looked for"
    return ""


def _why_other_variances(x: Array, sizes: Array, v: Array, right: Array) -> str:
    k, rows = len(v), len(x)
    share = right / (right.sum() or 1.0)
    others = {
        "these divide by N: divide by N − 1": sizes**2 / rows,
        "these are singular values: square them and divide by N − 1": sizes,
        "these are squared singular values: divide them by N − 1": sizes**2,
        "these are standard deviations: variances are their squares": np.sqrt(right),
        "these are shares of the total variance: give the variances themselves": share,
        "these are added up from the first: give each by itself": np.cumsum(right),
        "these are singular values divided by N − 1: square them first": sizes / (rows - 1),
        "these are variances of the columns, not along the directions": -np.sort(-x.var(0, ddof=1)),
        "these are squares: are variances squared once more?": right**2,
        "these come in rising order: the largest is the first": right[:k][::-1],
        "these divide by D: divide by N − 1": sizes**2 / x.shape[1],
        "these come from points whose mean was not subtracted": _directions(x)[1] ** 2 / (rows - 1),
        "subtract the mean, not the median": _directions(x - np.median(x, 0))[1] ** 2 / (rows - 1),
        "these are shares of the variance of the k directions": right / (right[:k].sum() or 1.0),
    }
    for words, made in others.items():
        if len(made) >= k and expect.relative_error(v, made[:k]) <= CLOSE:
            return words
    return ""
