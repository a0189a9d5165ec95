"""The measures of generated images: closed forms, a slow second version, sets of known worth."""

import numpy as np
import pytest

from grader.checks.gan.evidence import area, shuffled
from grader.gan_metrics.measure import (
    Quality,
    class_entropy,
    coverage,
    digits,
    features,
    measure,
    mmd2,
    nearest,
)
from grader.gan_metrics.thresholds import CURVES, fraction, missing

FULL = Quality(0.5, 0.03, 0.9, 0.01, 1.0, (60,) * 10)


def some_training_digits(seed=0, count=600):
    data = digits()
    return data.train[np.random.RandomState(seed).permutation(len(data.train))[:count]]


def test_coverage_counts_real_points_with_a_fake_one_within_their_kth_neighbour():
    line = np.arange(10.0)[:, None]
    assert coverage(line, np.array([[0.0]]), k=1) == pytest.approx(0.2)  # covers 0 and 1
    assert coverage(line, np.array([[0.0], [5.0]]), k=1) == pytest.approx(0.5)
    assert coverage(line, line, k=5) == 1
    assert coverage(line, line + 100, k=5) == 0


def test_discrepancy_is_lemma_6_of_gretton():
    random = np.random.RandomState(0)
    real, fake = random.standard_normal((7, 3)), random.standard_normal((5, 3)) + 0.5
    pairs = [np.linalg.norm(a - b) for i, a in enumerate(real) for b in real[:i]]
    median = np.median(pairs)

    def kernel(a, b):
        squared = ((a - b) ** 2).sum()
        widths = [s * median for s in (0.25, 0.5, 1, 2, 4)]
        return np.mean([np.exp(-squared / (2 * w * w)) for w in widths])

    within = sum(kernel(a, b) for i, a in enumerate(real) for j, b in enumerate(real) if i != j)
    other = sum(kernel(a, b) for i, a in enumerate(fake) for j, b in enumerate(fake) if i != j)
    across = sum(kernel(a, b) for a in real for b in fake)
    expected = within / (7 * 6) + other / (5 * 4) - 2 * across / (7 * 5)
    assert mmd2(real, fake) == pytest.approx(expected, abs=1e-12)


def test_discrepancy_of_one_distribution_is_zero_in_the_mean():
    random = np.random.RandomState(1)
    values = [mmd2(*random.standard_normal((2, 60, 4))) for _ in range(200)]
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(200)
    assert min(values) < 0 < max(values)


def test_entropy_of_classes():
    assert class_entropy(np.full(10, 60)) == pytest.approx(1)
    assert class_entropy(np.eye(10)[3] * 600) == pytest.approx(0)
    assert class_entropy(np.array([300, 300] + [0] * 8)) == pytest.approx(np.log(2) / np.log(10))


def test_nearest_distances():
    points = np.array([[0.0, 0.0], [3.0, 4.0]])
    assert nearest(points, np.array([[0.0, 1.0]])) == pytest.approx([1, np.sqrt(18)])


def test_features_are_those_before_the_last_layer():
    hidden, seen = features(digits().held_out)
    assert hidden.shape == (600, 128)
    assert (seen == digits().held_out_labels).mean() > 0.97


def test_digits_are_split_and_in_range():
    data = digits()
    assert data.train.shape == (1197, 1, 8, 8)
    assert data.held_out.shape == (600, 1, 8, 8)
    assert (data.train.min(), data.train.max()) == (-1, 1)
    assert set(data.train_labels) == set(data.held_out_labels) == set(range(10))


def test_real_against_real_is_full_marks_but_for_copies():
    quality = measure(some_training_digits())
    assert quality.coverage > 0.95
    assert abs(quality.mmd2) < 0.005
    assert quality.entropy > 0.99
    assert quality.copies == 1
    verdict = fraction(quality)
    assert verdict.fraction == 0
    assert "copies its training images" in verdict.diagnosis


def test_jittered_copies_are_copies():
    images = some_training_digits(1)
    noisy = images + 0.1 * np.random.RandomState(2).standard_normal(images.shape)
    assert fraction(measure(np.clip(noisy, -1, 1).astype(np.float32))).fraction == 0


def test_noise_earns_nothing():
    noise = np.random.RandomState(3).uniform(-1, 1, (600, 1, 8, 8)).astype(np.float32)
    quality = measure(noise)
    assert quality.coverage == 0
    assert quality.mmd2 > 0.2
    assert fraction(quality).fraction == 0


def test_one_mode_earns_nothing_and_is_named():
    data = digits()
    threes = data.held_out[features(data.held_out)[1] == 3]
    quality = measure(threes[np.arange(600) % len(threes)])
    assert quality.entropy < 0.1
    verdict = fraction(quality)
    assert verdict.fraction == 0
    assert "makes 1 of the 10 digits" in verdict.diagnosis
    assert "zero, one, two, four, five, six, seven, eight and nine" in verdict.diagnosis


def test_measuring_twice_gives_the_same():
    images = some_training_digits(4)
    assert measure(images) == measure(images.copy())


def test_full_marks_begin_at_the_thresholds():
    verdict = fraction(FULL)
    assert verdict.fraction == 1
    assert verdict.diagnosis == ""


@pytest.mark.parametrize("name", sorted(CURVES))
def test_each_measure_alone_can_cost_everything_or_half(name):
    zero, one = CURVES[name]
    worst = fraction(Quality(**{**vars(FULL), name: zero}))
    middle = fraction(Quality(**{**vars(FULL), name: (zero + one) / 2}))
    assert worst.fraction == 0
    assert middle.fraction == pytest.approx(0.5)
    assert worst.diagnosis
    assert "try another LEARNING_RATE" in middle.diagnosis


@pytest.mark.parametrize(("name", "value"), [("copies", 0.4), ("closeness", 0.75)])
def test_memorising_costs_everything(name, value):
    assert fraction(Quality(**{**vars(FULL), name: value})).fraction == 0


def test_missing_digits_are_those_below_one_percent():
    assert missing((100, 5, 0, 95, 100, 100, 50, 50, 50, 50)) == [1, 2]


def test_shuffling_keeps_the_pixels_of_each_image():
    images = some_training_digits(5, 20)
    mixed = shuffled(images)
    assert mixed.shape == images.shape
    assert not np.array_equal(mixed, images)
    assert np.array_equal(np.sort(mixed.reshape(20, -1)), np.sort(images.reshape(20, -1)))


def test_area_under_the_curve():
    assert area(np.array([2.0, 3.0]), np.array([0.0, 1.0])) == 1
    assert area(np.array([0.0, 3.0]), np.array([1.0, 2.0])) == 0.5
    assert area(np.array([1.0]), np.array([1.0])) == 0.5
