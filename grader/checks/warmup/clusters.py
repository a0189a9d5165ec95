"""The warm-up: k-means and principal components, judged by what a cluster and a direction are."""

from __future__ import annotations

import numpy as np

from grader.checks.framework import expect
from grader.checks.framework.registry import check
from grader.checks.framework.student import Student
from grader.checks.warmup.evidence import (
    blobs,
    clusters,
    digit_points,
    inertia,
    is_a_fixed_point,
    is_principal,
    spread_points,
    why,
)
from grader.records import Feedback, Figure

__all__ = [
    "WORST",
    "divides_the_points",
    "finds_the_largest_variances",
    "gives_orthonormal_directions",
    "stands_still",
]

WORST = {"blobs": 991.36, "digits": 4081.96}
"""The largest inertia of 100 single runs of Lloyd's algorithm from centres that are drawn among the
points; ``tests/checks/test_warmup.py`` computes it by scikit-learn."""

BLOBS, DIGITS = blobs(11), digit_points(400)


@check("kmeans", points=0.5)
def divides_the_points(student: Student) -> None:
    """Give every point a cluster from 0 to k - 1, and every cluster a centre.

    We hand over 120 points in 3 dimensions, with k = 5 and k = 2. The result is a tuple of labels,
    (N,) int64, and centres, (k, D).
    """
    for k in (5, 2):
        labels, centres = clusters(student, BLOBS, k)
        empty = sorted(set(range(k)) - set(labels.tolist()))
        expect.that(
            not empty,
            f"for 120 points and k = {k} no point has the label {', '.join(map(str, empty))}",
            of_values=True,
            diagnosis=why(BLOBS, labels, centres),
        )


@check("kmeans", points=1.5, needs=[divides_the_points])
def stands_still(student: Student) -> Feedback:
    """Repeat the two steps until nothing changes.

    At the end each point has the label of its nearest centre, and each centre is the mean of its
    points. We look at 120 points in 3 dimensions and at 400 digits in 64.
    """
    for points, k, what in (
        (BLOBS, 5, "120 points"),
        (BLOBS, 3, "120 points"),
        (DIGITS, 4, "400 digits"),
        (DIGITS, 10, "400 digits"),
    ):
        labels, centres = clusters(student, points, k)
        is_a_fixed_point(points, labels, centres, f"{what} and k = {k}")
    shown = {"the ten centres of digits": np.clip(centres, -1, 1).reshape(-1, 8, 8).tolist()}
    members = {f"cluster {c}": DIGITS[labels == c][:8].reshape(-1, 8, 8).tolist() for c in range(3)}
    return Feedback(figures=(Figure("images", "clusters of digits", {**shown, **members}),))


@check("kmeans", points=0.5, needs=[stands_still])
def finds_good_clusters(student: Student) -> None:
    """Find clusters that are no worse than a single run from random points finds.

    We add up the squared distances of all points to their centres. The best of three seeds should
    not be larger than the worst of 100 single runs of Lloyd's algorithm.
    """
    for name, points, k in (("blobs", BLOBS, 5), ("digits", DIGITS, 10)):
        found = min(inertia(points, *clusters(student, points, k, seed)) for seed in range(3))
        expect.that(
            found <= WORST[name] * (1 + 1e-6),
            f"the clusters of the {len(points)} points are worse than those of 100 runs from "
            "points drawn at random",
            of_values=True,
            expected=f"a sum of squared distances of at most {WORST[name]:.5g}",
            actual=f"{found:.5g}",
            diagnosis="where do the first centres lie? Begin with k different points, or with "
            "points that are far from each other",
        )


@check("kmeans", points=0.5, needs=[divides_the_points])
def leaves_no_cluster_empty(student: Student) -> None:
    """Use all k clusters as long as there are k different points.

    We try k = 1, k = N, and points of which many are the same: with as many clusters as there are
    different points, every point is a centre.
    """
    few = BLOBS[:7]
    labels, centres = clusters(student, few, 1)
    is_a_fixed_point(few, labels, centres, "k = 1")
    some = np.repeat(BLOBS[:4], [20, 1, 1, 9], axis=0)
    for points, k, what in (
        (few, 7, "k = N = 7"),
        (some, 4, "31 points, of which 4 are different, and k = 4"),
        (
            np.repeat(BLOBS[:2], [12, 1], axis=0),
            2,
            "13 points, of which 12 are the same, and k = 2",
        ),
    ):
        for seed in range(3):
            labels, centres = clusters(student, points, k, seed)
            used = len(np.unique(labels))
            expect.that(
                used == k,
                f"for {what} only {used} of {k} clusters have a point",
                of_values=True,
                diagnosis="move a centre that has lost its last point, for example to the point "
                "that is farthest from its own centre",
            )
            is_a_fixed_point(points, labels, centres, what)


SHAPES = ((40, 6), (9, 4))


@check("principal_components", points=0.5)
def gives_orthonormal_directions(student: Student) -> None:
    """Give k directions of length 1, at right angles to each other, and k variances that fall.

    The components are the rows of a (k, D) tensor; there are k variances.
    """
    for rows, columns in SHAPES:
        points = spread_points(12, rows, columns)
        for k in (1, 3):
            components, variances = student.principal_components(points, k)
            expect.finite(components, "the components")
            c = components.astype(np.float64)
            lengths = np.linalg.norm(c, axis=1)
            expect.that(
                bool(np.abs(lengths - 1).max() < 1e-3),
                "the rows of the components do not have length 1",
                of_values=True,
                expected=expect.show(np.ones(k)),
                actual=expect.show(lengths),
            )
            expect.that(
                bool(np.abs(c @ c.T - np.eye(k)).max() < 1e-3),
                "the directions are not at right angles to each other",
                of_values=True,
            )
            falls = bool((np.diff(variances) <= 1e-4 * np.abs(variances).max()).all())
            expect.that(falls, "the variances do not fall", actual=expect.show(variances))


@check("principal_components", points=1)
def finds_the_largest_variances(student: Student) -> Feedback:
    """Find the directions in which the points vary most, and these variances.

    We compare with the singular value decomposition of the points less their mean. The sign of a
    direction is free; variances divide by N - 1.
    """
    for rows, columns in SHAPES:
        points = spread_points(13, rows, columns)
        for k in (1, 3):
            what = f"{rows} points in {columns} dimensions and k = {k}"
            is_principal(points, *student.principal_components(points, k), what)
    components, variances = student.principal_components(DIGITS, 5)
    is_principal(DIGITS, components, variances, "400 digits and k = 5", exactly=2)
    maps = {f"direction {i + 1}": row.reshape(8, 8).tolist() for i, row in enumerate(components)}
    return Feedback(figures=(Figure("maps", "the principal components of digits", maps),))


@check("principal_components", points=0.5)
def accounts_for_all_variance(student: Student) -> None:
    """Give variances that add up to the total if all directions are asked for.

    The total is the sum of the variances of the columns, each divided by N - 1.
    """
    points = spread_points(14, 30, 5)
    _, variances = student.principal_components(points, 5)
    total = float(points.astype(np.float64).var(0, ddof=1).sum())
    found = float(np.sum(variances, dtype=np.float64))
    hints = {29 / 30: "these divide by N: divide by N − 1", 29.0: "divide by N − 1"}
    words = next((w for f, w in hints.items() if abs(found / total - f) < 1e-3 * f), "")
    expect.close(found, total, 1e-3, "the sum of all variances", diagnosis=words)
