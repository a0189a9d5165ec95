"""What a class's page says of its checks and of its submissions, against numbers made by hand."""

import numpy as np
import pytest

from grader.report.analysis.statistics import checks_of, histogram, to_look_at
from report_builders import BLOCKED, CRASHED, FAILED, INVALID, NO_WALLS, PASSED, judge, report


def class_of(*rows):
    """A submission for each row of statuses, on checks a, b, c, … of 1 point each."""
    return [
        report(*(judge(n, status, 1.0) for n, status in zip("abcd", row, strict=False)), id=f"s{i}")
        for i, row in enumerate(rows)
    ]


def test_pass_rates_means_and_item_rest_correlations():
    rows = [(PASSED, PASSED, FAILED), (PASSED, FAILED, FAILED), (PASSED, PASSED, PASSED)]
    a, b, c = checks_of(class_of(*rows))
    assert (a.passed, b.passed, c.passed) == pytest.approx((1, 2 / 3, 1 / 3))
    assert (a.mean, b.mean, c.mean) == pytest.approx((1, 2 / 3, 1 / 3))
    assert a.discrimination is None  # everybody passes it
    points = np.array([[1, 1, 0], [1, 0, 0], [1, 1, 1]])
    expected = np.corrcoef(points[:, 1], points[:, 0] + points[:, 2])[0, 1]
    assert b.discrimination == pytest.approx(expected)


def test_what_was_not_decided_does_not_count():
    (a,) = checks_of(class_of((PASSED,), (INVALID,), (FAILED,)))
    assert (a.decided, a.passed) == (2, 0.5)


def test_the_commonest_diagnoses_are_counted_and_waiting_is_none():
    said = [judge("a", FAILED, diagnosis=d) for d in ("x", "y", "x", "x", "y", "z")]
    waiting = [judge("a", BLOCKED, message="Waits.") for _ in range(9)]
    (a,) = checks_of([report(one, id=str(i)) for i, one in enumerate([*said, *waiting])])
    assert a.diagnoses == (("x", 3), ("y", 2))


def test_tenths():
    assert histogram([0, 0.05, 0.1, 0.3, 0.999, 1]) == [2, 1, 0, 1, 0, 0, 0, 0, 0, 2]


def test_who_needs_a_look():
    seen = judge("top_neurons.a", PASSED, function="top_neurons")
    secret = judge("top_neurons.b", FAILED, function="top_neurons", hidden=True)
    more = judge("top_neurons.c", FAILED, function="top_neurons", hidden=True)
    reports = [
        report(judge("a"), id="fine", digest="1"),
        report(seen, secret, id="nearly", digest="9"),
        report(judge("a", INVALID), id="open", digest="2"),
        report(id="broken", reason="No file.", digest="3"),
        report(judge("a"), id="bare", sandbox=NO_WALLS, digest="4"),
        report(judge("a"), id="slow", sandbox={"timeouts": 2}, digest="5"),
        report(seen, secret, more, id="guesses", digest="6"),
        report(judge("a"), id="twin", digest="7"),
        report(judge("a"), id="copy", digest="7"),
        report(judge("a", CRASHED), id="crashes", digest="8"),
    ]
    found = {look.report.submission.id: look.reasons for look in to_look_at(reports)}
    assert found == {
        "open": ("undecided",),
        "broken": ("unusable",),
        "slow": ("timed out 2 times",),
        "guesses": ("passes the public checks of top_neurons and fails the hidden ones",),
        "twin": ("the same files as copy",),
        "copy": ("the same files as twin",),
    }
