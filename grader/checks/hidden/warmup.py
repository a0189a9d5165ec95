"""Hidden checks of the warm-up."""

from __future__ import annotations

import numpy as np

from grader.checks.framework import expect
from grader.checks.framework.registry import check
from grader.checks.framework.student import Student
from grader.checks.hidden import SEED as SECRET
from grader.checks.warmup.autoencoder import (
    TRAINING,
    compared,
    takes_its_steps,
)
from grader.checks.warmup.clusters import (
    divides_the_points,
    gives_orthonormal_directions,
)
from grader.checks.warmup.evidence import (
    blobs,
    clusters,
    inertia,
    is_a_fixed_point,
    is_principal,
    spread_points,
)
from grader.gan_metrics.measure import digits
from grader.records import Feedback

SEED = SECRET.of("warmup")

__all__ = ["worst_of"]

Array = np.ndarray


@check("kmeans", points=0.25, needs=[divides_the_points])
def is_the_same_for_the_same_seed(student: Student) -> None:
    """Give the same answer for the same seed, whatever else has drawn random numbers.

    Without a seed it is that of 0.
    """
    points = blobs(SEED + 1, groups=8)

    def same(one: tuple[Array, Array], two: tuple[Array, Array]) -> bool:
        return np.array_equal(one[0], two[0]) and np.allclose(one[1], two[1])

    for seed in (0, 7):
        one, two = (clusters(student, points, 6, seed, state=state) for state in (3, 4))
        expect.that(
            same(one, two),
            f"two calls with seed={seed} give different clusters",
            diagnosis="draw from a generator of your own: torch.Generator().manual_seed(seed)",
        )
    expect.that(
        same(*(clusters(student, points, 6, seed, state=3) for seed in (0, None))),
        "a call without a seed gives other clusters than one with seed=0",
        diagnosis="the signature is kmeans(points, k, seed=0)",
    )


@check("kmeans", points=0.5, needs=[divides_the_points])
def works_far_away_and_on_small_scales(student: Student) -> None:
    """Find clusters also where points lie far from zero or very close together.

    Points ten thousand away come in float64.
    """
    points = blobs(SEED + 2, groups=6)
    far = points.astype(np.float64) + 10_000
    for scaled, what in (
        (far, "points 10,000 away from zero"),
        (points * np.float32(1e-5), "points of a size of 1e-5"),
        (points * np.float32(1e4), "points of a size of 1e4"),
    ):
        is_a_fixed_point(scaled, *clusters(student, scaled, 6), what)


@check("kmeans", points=0.75, needs=[divides_the_points])
def is_right_elsewhere_too(student: Student) -> None:
    """Stand still at good clusters on points that you have not seen."""
    for number, (groups, dimensions, k) in enumerate(((4, 2, 4), (6, 5, 6), (3, 1, 5))):
        points = blobs(SEED + 3 + number, groups, 30, dimensions)
        what = f"{len(points)} points in {dimensions} dimensions and k = {k}"
        sizes = []
        for seed in range(3):
            labels, centres = clusters(student, points, k, seed)
            is_a_fixed_point(points, labels, centres, what)
            sizes.append(inertia(points, labels, centres))
        worst = worst_of(points, k)
        expect.that(
            min(sizes) <= worst * (1 + 1e-6),
            f"for {what} the clusters are worse than those of 100 runs from random points",
            of_values=True,
            expected=f"a sum of squared distances of at most {worst:.5g}",
            actual=f"{min(sizes):.5g}",
        )


def worst_of(points: Array, k: int, runs: int = 100) -> float:
    """The largest inertia of single runs of Lloyd's algorithm, each from k of the points.

    Args:
        points: (N, D).
        k: how many clusters.
        runs: how many.
    """
    draw, worst = np.random.RandomState(0), 0.0
    x = points.astype(np.float64)
    for _ in range(runs):
        centres, labels = x[draw.permutation(len(x))[:k]], np.full(len(x), -1)
        while True:
            after = np.square(x[:, None] - centres).sum(2).argmin(1)
            if (after == labels).all():
                break
            labels = after
            for cluster in np.unique(labels):
                centres[cluster] = x[labels == cluster].mean(0)
        worst = max(worst, inertia(x, labels, centres))
    return worst


@check("principal_components", points=0.5, needs=[gives_orthonormal_directions])
def copes_with_every_shape(student: Student) -> None:
    """Be right for more points than dimensions, for fewer, and for points in a plane.

    Where points do not reach every direction, the variances of the rest are zero, and the rest may
    be any directions at right angles.
    """
    for number, (rows, columns, rank, k) in enumerate(
        ((60, 4, None, 4), (5, 9, None, 5), (30, 6, 2, 4), (12, 12, None, 12), (2, 3, None, 2))
    ):
        points = spread_points(SEED + 20 + number, rows, columns, rank)
        spans = min(rows - 1, columns) if rank is None else rank
        what = f"{rows} points in {columns} dimensions that span {spans}, and k = {k}"
        found = student.principal_components(points, k)
        is_principal(points, *found, what, exactly=min(spans, 4))


@check("principal_components", points=0.5, needs=[gives_orthonormal_directions])
def copes_with_every_scale(student: Student) -> None:
    """Be right for points far from zero, very close together, or very far apart.

    Points ten thousand away come in float64.
    """
    points = spread_points(SEED + 30, 40, 5)
    for scaled, what in (
        (points.astype(np.float64) + 10_000, "points 10,000 away from zero"),
        (points * np.float32(1e-4), "points of a size of 1e-4"),
        (points * np.float32(1e4), "points of a size of 1e4"),
    ):
        is_principal(scaled, *student.principal_components(scaled, 3), what)


@check("train_autoencoder", points=1, needs=[takes_its_steps], limits=TRAINING)
def learns_from_all_the_images_given(student: Student) -> Feedback:
    """Draw images again that are like any of those it was trained on, not only like the first.

    The images are digits that are turned or mirrored, the last third of them with black and white
    exchanged.
    """
    data = digits()
    turn = (SEED + 0) % 7 + 1

    def changed(images: Array) -> Array:
        turned = np.rot90(images, turn % 4, (2, 3))
        turned = turned[:, :, :, ::-1] if turn >= 4 else turned
        sign = np.where(np.arange(len(images)) < len(images) * 2 // 3, 1, -1)
        return np.ascontiguousarray(turned * sign[:, None, None, None], dtype=np.float32)

    return compared(student, changed(data.train), changed(data.held_out), data.held_out_labels)
