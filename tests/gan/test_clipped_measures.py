"""Clipped density and coverage, which are compared with our measures, on points of a plane."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from clipped import clipped_coverage, clipped_density

DRAW = np.random.RandomState(0)
REAL, SAME = DRAW.standard_normal((2, 400, 2))
FAR = 100 + DRAW.standard_normal((400, 2))


def test_points_of_the_same_distribution_are_worth_everything():
    assert clipped_density(REAL, SAME) > 0.9
    assert clipped_coverage(REAL, SAME) > 0.9


def test_points_elsewhere_are_worth_nothing():
    assert clipped_density(REAL, FAR) == clipped_coverage(REAL, FAR) == 0


@pytest.mark.parametrize("good", [100, 200, 300])
def test_both_fall_with_the_share_of_good_points(good):
    mixed = np.concatenate([SAME[:good], FAR[good:]])
    assert clipped_density(REAL, mixed) == pytest.approx(good / 400, abs=0.1)
    assert clipped_coverage(REAL, mixed) == pytest.approx(good / 400, abs=0.1)


def test_one_point_many_times_has_density_but_covers_little():
    many = np.repeat(REAL[:1] * 0, 400, 0)
    assert clipped_density(REAL, many) > 0.9
    assert clipped_coverage(REAL, many) < 0.1
