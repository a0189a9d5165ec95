"""The warm-up: honest variants keep all points, mistakes lose some and are told why."""

import numpy as np
import pytest

import unsupervised
from grader.checks.framework import expect, registry
from grader.checks.hidden.warmup import worst_of
from grader.checks.warmup import autoencoder, clusters, evidence
from grader.grading import engine
from grader.records import Status
from grader.sandbox.host.session import InProcessSession

CHECKS = {c.id: c for c in registry.load(optional=True) if c.part == "warmup"}
weekly = pytest.mark.weekly
UNTRAINED = set(unsupervised.MISTAKES) - set(unsupervised.TRAINED)
HONEST_IN_EVERY_RUN = {"random_start", "cdist", "power_iteration", "upsampled", "flat_code"}


def ended(name, checks):
    files = {"warmup.py": unsupervised.source(name).encode()}
    found = {o.check_id: o for o in engine.run(checks, lambda part: InProcessSession(files))}
    broken = [o.feedback.details for o in found.values() if o.status is Status.INVALID]
    assert not broken, broken[0]
    return found


def told(outcome):
    said = outcome.feedback
    return f"{said.message} {said.diagnosis} {said.expected} {said.actual}"


def every(names, in_every_run):
    return [n if n in in_every_run else pytest.param(n, marks=weekly) for n in names]


@pytest.mark.parametrize("name", every(unsupervised.MISTAKES, UNTRAINED))
def test_a_mistake_loses_the_check_that_is_meant_for_it_and_is_told_why(name):
    mistake = unsupervised.MISTAKES[name]
    meant = CHECKS[mistake.caught_by]
    needed = [CHECKS[need] for need in meant.needs]
    found = ended(name, [*needed, meant])
    assert found[meant.id].status in (Status.FAILED, Status.PARTIAL, Status.CRASHED), name
    assert mistake.told.lower() in told(found[meant.id]).lower()


def test_there_are_many_mistakes_and_every_check_catches_one():
    assert len(unsupervised.MISTAKES) >= 60
    caught = {mistake.caught_by for mistake in unsupervised.MISTAKES.values()}
    others = {
        "kmeans.finds_good_clusters",
        "kmeans.is_right_elsewhere_too",
        "principal_components.copes_with_every_shape",
        "principal_components.gives_orthonormal_directions",
        "principal_components.accounts_for_all_variance",
    }
    assert caught | others == set(CHECKS)


@pytest.mark.parametrize("name", every(unsupervised.HONEST, HONEST_IN_EVERY_RUN))
def test_an_honest_variant_keeps_everything_that_needs_no_training(name):
    found = ended(name, [c for c in CHECKS.values() if not c.long])
    assert {n: told(o) for n, o in found.items() if o.status is not Status.PASSED} == {}


@weekly
@pytest.mark.parametrize(
    "name", [n for n in unsupervised.HONEST if n not in ("cdist", "covariance")]
)
def test_an_honest_variant_learns_enough(name):
    found = ended(name, [c for c in CHECKS.values() if c.function == "train_autoencoder"])
    assert {n: told(o) for n, o in found.items() if o.status is not Status.PASSED} == {}


def test_clusters_that_are_stuck_are_told_from_good_ones():
    """Two centres in one group, and one between two: a fixed point that is a bad answer."""
    points = np.repeat(np.array([[0.0, 0], [0.1, 0], [10, 0], [20, 0]], np.float32), 5, axis=0)
    stuck = np.array([0] * 5 + [1] * 5 + [2] * 10), np.array([[0.0, 0], [0.1, 0], [15, 0]])
    evidence.is_a_fixed_point(points, *stuck, "these points")
    assert evidence.inertia(points, *stuck) > 100
    good = np.array([0] * 10 + [1] * 5 + [2] * 5), np.array([[0.05, 0], [10, 0], [20, 0]])
    assert evidence.inertia(points, *good) < 1
    assert evidence.inertia(points, *stuck) <= worst_of(points, 3) * 1.001


@weekly
def test_the_limits_on_inertia_are_those_of_100_runs_by_scikit_learn():
    from sklearn.cluster import KMeans

    for name, points, k in (("blobs", clusters.BLOBS, 5), ("digits", clusters.DIGITS, 10)):
        runs = [
            KMeans(k, init="random", n_init=1, tol=0, max_iter=1000, random_state=seed)
            .fit(points.astype(float))
            .inertia_
            for seed in range(100)
        ]
        assert clusters.WORST[name] == pytest.approx(max(runs), rel=1e-3)


@pytest.mark.parametrize(
    ("values", "sizes", "words"),
    [
        (np.zeros((2, 3)), [6], "not numbers one after the other"),
        (np.zeros(6, np.int64), [6], "not numbers one after the other"),
        ("a text", [6], "not numbers one after the other"),
        (np.zeros(0), [6], "has 0 parameters"),
        (np.broadcast_to(0.0, (autoencoder.MOST + 1,)), [6], "has 2,000,001 parameters"),
        (np.zeros(6), [2, 3], "not what their sizes say"),
        (np.zeros(6), [9, -3], "not what their sizes say"),
        (np.zeros(6), [2.5, 3.5], "not what their sizes say"),
        (np.zeros(6), [np.nan], "not what their sizes say"),
        (np.zeros(6), [np.inf, -np.inf], "not what their sizes say"),
    ],
)
def test_a_state_that_is_none_is_refused_before_anything_is_made_of_it(values, sizes, words):
    """A submission may send back what it likes; no process is started for it."""
    result = {"values": values, "sizes": np.array(sizes, dtype=np.float64)}
    with pytest.raises(expect.Unmet, match=words):
        autoencoder.drawn_again(None, np.zeros((1, 8), np.float32), result, seed=0)
