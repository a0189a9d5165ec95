"""Every check ends in one outcome, and blame falls where it belongs."""

from dataclasses import replace

import numpy as np
import pytest

from grader.checks.framework import expect
from grader.grading import engine, scoring
from grader.records import Feedback, Outcome, Reply, Status, StudentError, Submission
from grading import FakeSession, make

SUBMISSION = Submission("ada", "Ada", {}, "digest")


def run(*checks, **replies):
    sessions = []

    def open_session(part):
        sessions.append(FakeSession(**replies))
        return sessions[-1]

    ended = list(engine.run(checks, open_session))
    assert all(session.closed for session in sessions)
    return {outcome.check_id: outcome for outcome in ended}, sessions


def passes(student):
    return None


def fails(student):
    expect.that(False, "wrong", expected="1", actual="2")


def half(student):
    expect.partial(0.5, "half")


def broken(student):
    raise ZeroDivisionError("ours")


def ask(student):
    student.random_classes(10, 2)


@pytest.mark.parametrize(
    ("body", "status", "fraction"),
    [
        (passes, Status.PASSED, 1.0),
        (fails, Status.FAILED, 0.0),
        (half, Status.PARTIAL, 0.5),
        (broken, Status.INVALID, 0.0),
    ],
)
def test_statuses(body, status, fraction):
    ended, _ = run(make("a", body))
    assert (ended["a"].status, ended["a"].fraction) == (status, fraction)


def test_a_wrong_answer_comes_with_a_hint_and_what_was_called():
    def body(student):
        drawn = student.random_classes(10, 2)
        expect.equal(drawn, np.array([5, 6]), "the classes")

    ended, _ = run(make("a", body), random_classes=Reply([1, 2]))
    feedback = ended["a"].feedback
    assert feedback.hint == "How."
    assert feedback.tried == "random_classes(num_classes=10, k=2)"
    assert "import part3_compression" in feedback.counterexample
    assert (feedback.expected, feedback.actual) == ("[5, 6]", "[1, 2]")


@pytest.mark.parametrize("kind", ["raised", "timeout", "died", "garbage", "load"])
def test_code_that_breaks_is_crashed_and_says_where(kind):
    error = StudentError(kind, "KeyError: 'a'", ("KeyError",), "part1.py", 7, "x['a']")
    ended, _ = run(make("a", ask), random_classes=Reply(error=error))
    assert ended["a"].status is Status.CRASHED
    assert "KeyError: 'a'" in ended["a"].feedback.message
    if kind in ("raised", "load"):
        assert ended["a"].feedback.where == "part1.py:7: x['a']"


def test_what_is_not_written_is_failed_in_one_sentence():
    error = StudentError("missing", "not written yet")
    ended, _ = run(make("a", ask), random_classes=Reply(error=error))
    assert ended["a"].status is Status.FAILED
    assert ended["a"].feedback == Feedback(message="split is not written yet")


@pytest.mark.parametrize("value", [None, [1], [1, 2, 3], "text", [1.5, 2.5]])
def test_a_value_of_another_kind_is_failed_and_says_what_came(value):
    ended, _ = run(make("a", ask), random_classes=Reply(value))
    assert ended["a"].status is Status.FAILED
    assert ended["a"].feedback.message.startswith("random_classes should")


def test_a_blocked_check_is_not_run_and_names_what_it_waits_for():
    checks = [make("a", fails), make("b", broken, needs=("a",)), make("c", broken, needs=("b",))]
    ended, _ = run(*checks)
    assert [o.status for o in ended.values()] == [Status.FAILED, Status.BLOCKED, Status.BLOCKED]
    assert "Title of a." in ended["b"].feedback.message


def test_checks_after_an_undecided_one_are_undecided():
    ended, _ = run(make("a", broken), make("b", passes, needs=("a",)))
    assert ended["b"].status is Status.INVALID


def test_hidden_checks_run_in_a_session_of_their_own():
    checks = [make("a", ask), make("b", ask, hidden=True, needs=("a",)), make("c", ask)]
    ended, sessions = run(*checks, random_classes=Reply([0, 1]))
    assert [o.status for o in ended.values()] == [Status.PASSED] * 3
    assert list(ended) == ["a", "c", "b"]
    assert [len(session.asked) for session in sessions] == [2, 1]


def test_a_report_adds_up():
    checks = [make("a", passes), make("b", half), make("c", broken, part="gan", points=5.0)]
    ended, _ = run(*checks)
    report = engine.report(SUBMISSION, checks, list(ended.values()), {"mode": "none"})
    assert {p: (s.earned, s.possible, s.undecided) for p, s in report.scores.items()} == {
        "part1": (3.0, 4.0, 0.0),
        "gan": (0.0, 5.0, 5.0),
    }
    assert (report.total.earned, report.total.possible, report.total.undecided) == (3.0, 9.0, 5.0)
    assert report.environment["torch"]


def test_a_check_without_an_outcome_is_refused():
    check = make("a", passes)
    outcome = Outcome("a", Status.PASSED, 1.0, Feedback())
    for outcomes in ([], [outcome, outcome], [replace(outcome, check_id="b")]):
        with pytest.raises(ValueError, match="exactly one outcome"):
            scoring.scores([check], outcomes)


def test_an_unusable_submission_earns_nothing_and_says_why():
    reason = "there is nothing in it"
    report = engine.unusable(replace(SUBMISSION, reason=reason), [make("a", passes)], {})
    assert report.total.earned == 0.0
    assert report.outcomes[0].feedback.message == reason
