"""What Classroom 50 reads of a report: its own format, in whole numbers that add up."""

import json
from datetime import datetime, timezone

import pytest

from grader.cli.ci import hand_over
from grader.report import numbers
from grader.report.deliver import ForStudent
from grader.report.writers.classroom50 import NEEDED, result
from report_builders import FAILED, INVALID, PARTIAL, PASSED, judge, report
from schemas import SUBMISSION, problems

NOW = datetime(2026, 11, 29, 12, 0, 1, tzinfo=timezone.utc)


def sample():
    return report(
        judge("split.one", PASSED, 3.0),
        judge("split.two", PARTIAL, 1.0, fraction=1 / 3),
        judge("split.three", PARTIAL, 1.0, fraction=1 / 3),
        judge("split.four", PARTIAL, 1.0, fraction=1 / 3),
        judge("split.five", FAILED, 0.5, message="\x1b[31mred"),
        judge("secret", FAILED, 5.0, hidden=True, title="Secret title"),
    )


def test_the_result_is_in_the_format_of_the_system():
    document = json.loads(result(ForStudent(sample()), SUBMISSION, NOW))
    assert problems("classroom50_result", document) == []
    assert document["datetime"] == "2026-11-29T12:00:01Z"
    assert document["review"] == SUBMISSION["COMMIT_URL"]  # there is no REVIEW_URL
    assert "ecret" not in json.dumps(document)


@pytest.mark.parametrize(
    "change", [{"score": 1.5}, {"datetime": "today"}, {"points": 3}, {"submission": "v1"}]
)
def test_the_schema_notices_another_format(change):
    document = json.loads(result(ForStudent(sample()), SUBMISSION, NOW))
    assert problems("classroom50_result", {**document, **change})


def test_scores_are_hundredths_that_add_up():
    document = json.loads(result(ForStudent(sample()), SUBMISSION, NOW))
    tests = document["tests"]
    assert [test["score"] for test in tests] == [300, 34, 33, 33, 0]
    assert sum(test["score"] for test in tests) == document["score"] == 400
    assert sum(test["max-score"] for test in tests) == document["max-score"] == 650


def test_almost_full_is_not_full():
    assert numbers.hundredths([(2.0, 2.0), (1.9999, 2.0)]) == [(200, 200), (199, 200)]
    assert numbers.hundredths([(0.001, 1.0)] * 3) == [(0, 100)] * 3
    assert numbers.hundredths([(1 / 3, 1 / 3)] * 3) == [(34, 34), (33, 33), (33, 33)]
    assert numbers.hundredths([]) == []


def test_what_is_undecided_is_no_result(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    undecided = ForStudent(report(judge("a", PASSED), judge("b", INVALID)))
    with pytest.raises(ValueError, match="undecided"):
        result(undecided, SUBMISSION, NOW)
    _, (problem,) = hand_over("classroom50", undecided, tmp_path, SUBMISSION)
    assert "could not decide" in problem
    assert not (tmp_path / "result.json").exists()
    assert "could not decide" in (tmp_path / "release-body.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NEEDED)
def test_a_variable_that_is_missing_is_named(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    _, (problem,) = hand_over(
        "classroom50", ForStudent(sample()), tmp_path, {**SUBMISSION, name: ""}
    )
    assert problem == f"result.json for Classroom 50 is not written: {name} is not set."
    assert not (tmp_path / "result.json").exists()
