"""What Gradescope reads of a report: its own format, whenever it is written."""

import json

import pytest

from grader.report.deliver import ForStudent
from grader.report.writers.gradescope import nothing, results
from report_builders import CRASHED, FAILED, INVALID, PARTIAL, PASSED, judge, report
from schemas import problems


def sample(**rest):
    return report(
        judge("split.one", PASSED, 3.0, title="Is right"),
        judge("split.two", PARTIAL, 1.0, fraction=0.5, message="half \x1b[31mred"),
        judge("split.three", CRASHED, 1.0, message="<script>alert(1)</script>"),
        judge("secret", PASSED, 5.0, hidden=True, title="Secret title"),
        judge("secret.two", FAILED, 2.5, hidden=True, title="Secret title", message="secret"),
        **rest,
    )


def read(made, **more):
    document = json.loads(results(ForStudent(made), **{"of": 5, "seconds": 1.25, **more}))
    assert problems("gradescope_results", document) == []
    return document


def test_public_checks_are_tests_and_hidden_ones_one_more():
    document = read(sample())
    assert document["score"] == 8.5
    names = [test["name"] for test in document["tests"]]
    assert names[0] == "Part 1, split: Is right"
    assert names[-1] == "Hidden checks, all together"
    assert [(t["score"], t["max_score"]) for t in document["tests"]] == [
        (3.0, 3.0), (0.5, 1.0), (0.0, 1.0), (5.0, 7.5),
    ]  # fmt: skip
    assert [t["visibility"] for t in document["tests"]] == ["visible"] * 3 + ["after_published"]
    assert [t.get("status") for t in document["tests"]] == ["passed", "failed", "failed", None]
    assert "ecret" not in json.dumps(document)
    assert "not finished" not in document["output"]


def test_words_of_a_submission_are_text():
    document = read(sample())
    assert document["test_output_format"] == document["output_format"] == "text"
    assert "half" in document["tests"][1]["output"]
    assert "\x1b" not in "".join(test["output"] for test in document["tests"])


def test_what_has_not_ended_is_said_and_not_lost():
    document = read(report(judge("split.one", PASSED, 3.0), left_out=4))
    assert "1 of 5 checks have ended" in document["output"]
    assert "not lost" in document["output"]
    assert (document["score"], len(document["tests"])) == (3.0, 1)
    assert read(report(left_out=5))["tests"] == []


def test_the_undecided_has_no_score():
    document = read(report(judge("a", PASSED), judge("b", INVALID)))
    assert "score" not in document["tests"][1]
    assert "not a zero" in document["tests"][1]["output"]
    assert "could not decide about 2 points" in document["output"]


def test_a_note_stands_first():
    assert read(sample(), notes=["Read this."])["output"].startswith("Read this.\n")


def test_where_nothing_is_graded_the_zero_is_no_mark():
    document = json.loads(nothing("There is no file \x1b here."))
    assert problems("gradescope_results", document) == []
    assert document["score"] == 0.0
    assert "is not a mark" in document["output"]
    assert "\x1b" not in document["output"]


@pytest.mark.parametrize("change", [{"score": "8"}, {"visibility": "no"}, {"points": 3}])
def test_the_schema_notices_another_format(change):
    document = read(sample())
    assert problems("gradescope_results", {**document, **change})
    assert problems("gradescope_results", {"tests": [{"max_score": 1.0}]})
