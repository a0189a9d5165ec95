"""Comparisons, and what they tell a student."""

import numpy as np
import pytest

from grader.checks.framework import expect
from grader.checks.framework.expect import Unmet
from grader.records import Reply, StudentError

ROW = np.array([1.0, -2.0, 3.0, 0.5])


def told(call, *arguments, **named):
    with pytest.raises(Unmet) as caught:
        call(*arguments, **named)
    return caught.value


def test_close_is_relative_to_what_was_expected():
    for size in (1e-6, 1.0, 1e6):
        expect.close(size * ROW * (1 + 5e-5), size * ROW)
        told(expect.close, size * ROW * (1 + 2e-4), size * ROW)


def test_close_counts_from_a_scale_where_nothing_is_expected():
    expect.close(1e-7 * ROW, 0 * ROW, 1e-5, scale=1.0)
    told(expect.close, 1e-3 * ROW, 0 * ROW, 1e-5, scale=1.0)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_never_close(bad):
    unmet = told(expect.close, np.array([1.0, bad]), np.array([1.0, bad]))
    assert "NaN or infinity" in unmet.feedback.message
    assert expect.relative_error(np.array([bad]), np.array([bad])) == np.inf


def test_shapes_do_not_broadcast():
    unmet = told(expect.close, ROW[None], ROW)
    assert "(1, 4)" in unmet.feedback.message


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda e: -e, "every sign is reversed"),
        (np.abs, "absolute"),
        (lambda e: 4 * e, "4 times"),
        (lambda e: e[::-1], ""),
        (lambda e: 0 * e, ""),
    ],
)
def test_simple_mistakes_are_named(change, words):
    diagnosis = told(expect.close, change(ROW), ROW).feedback.diagnosis
    assert words in diagnosis
    assert bool(words) == bool(diagnosis)


def test_nearest_names_the_rule():
    accepted = {"left": ROW, "right": 2 * ROW}
    assert expect.nearest(2 * ROW, accepted, 1e-4, "it") == "right"
    told(expect.nearest, 1.5 * ROW, accepted, 1e-4, "it")


def test_rankings():
    expect.same_ranking([2, 0, 1], np.array([2, 0, 1]), "the order")
    assert told(expect.same_ranking, [0, 2, 1], [2, 0, 1], "the order").fraction == 0.5
    assert told(expect.same_ranking, [0, 2, 3], [2, 0, 1], "the order").fraction == 0.0
    assert told(expect.same_ranking, [0, 2], [2, 0, 1], "the order").fraction == 0.0


def test_large_arrays_are_shown_in_short_and_as_pictures():
    feedback = told(expect.close, np.ones((2, 3, 4, 4)), np.zeros((2, 3, 4, 4))).feedback
    assert "2×3×4×4" in feedback.actual
    (figure,) = feedback.figures
    assert list(figure.arrays) == ["expected", "yours", "difference"]
    assert np.shape(figure.arrays["yours"]) == (4, 4)


def test_a_fraction_of_what_failed_is_less_than_all():
    for fraction in (1.0, -0.1):
        with pytest.raises(ValueError, match="fraction"):
            expect.partial(fraction, "half")


def test_an_exception_without_a_name_is_told_as_one():
    reply = Reply(error=StudentError("raised", "an exception that cannot be shown"))
    feedback = told(expect.raises, reply, "class -1").feedback
    assert feedback.message.endswith("but raises an exception without a name")
