"""Comparisons, and what they tell a student."""

import numpy as np
import pytest

from grader.calls.snippet import script
from grader.checks.framework import expect
from grader.checks.framework.expect import Pair, Unmet
from grader.homework.networks import Network
from grader.records import Call, Reply, StudentError

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
    assert expect.relative_error(ROW[:3], ROW) == np.inf
    assert expect.relative_error(ROW[None], ROW) == np.inf


def test_a_call_with_an_array_of_a_trillion_empty_rows_can_be_written_out():
    """A returned module may give one, which is then handed to the next module."""
    nothing = np.zeros((2**40, 0), dtype=np.float32)
    module = Call("linear_scores", {"model": Network("affine")})
    assert f"np.zeros({nothing.shape}" in script(Call("()", {"module": module, "inputs": nothing}))


def earned_by(*factors, sizes=(1, 1, 1)):
    """What a result earns whose values are so many times the expected ones, in three cases."""
    pairs = [
        Pair(factor * ROW, ROW, "it", (size,)) for factor, size in zip(factors, sizes, strict=True)
    ]
    try:
        expect.up_to_a_factor(pairs, 0.5)
    except Unmet as unmet:
        return unmet.fraction
    return None


def test_one_factor_earns_a_share_if_it_is_the_same_everywhere():
    assert earned_by(1, 1, 1) is None
    assert earned_by(4, 4, 4) == 0.5
    assert earned_by(3, 5, 7, sizes=(3, 5, 7)) == 0.5
    assert earned_by(0.2, 5, 7, sizes=(3, 5, 7)) is None
    assert earned_by(1, 1, 4) is None
    assert earned_by(-1, -1, -1) is None


def test_nearest_names_the_rule_and_shows_the_first():
    accepted = {"left": ROW, "right": 2 * ROW}
    assert expect.nearest(2 * ROW, accepted, 1e-4, "it") == "right"
    shown = told(expect.nearest, 1.9 * ROW, accepted, 1e-4, "it").feedback
    assert shown.expected == expect.show(ROW)


def test_numbers_that_differ_are_shown_so_that_they_differ():
    for error in (1e-3, 1e-6, 1e-9, 1e-15):
        shown = told(expect.close, ROW * (1 + error), ROW, 1e-17).feedback
        assert shown.actual != shown.expected
    long, other = np.ones(50), np.ones(50)
    other[31] += 0.5
    shown = told(expect.close, other, long).feedback
    assert (shown.expected, shown.actual) == ("1 at [31]", "1.5 at [31]")


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
