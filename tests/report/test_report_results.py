import json
from pathlib import Path

import numpy as np
import pytest

from grader.grading import results as kept
from grader.records import FORMAT, Figure, Status, Submission
from grader.report.deliver import ForInstructor
from grader.report.writers import results
from grader.report.writers.files import write_text
from report_builders import BLOCKED, INVALID, PARTIAL, PASSED, WALLS, judge, report


def result(full):
    return results.result(ForInstructor(full))


def write_json(path, full):
    results.write_json(path, ForInstructor(full))


def strict(text):
    def refuse(word):
        raise AssertionError(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse)


def test_the_document_has_the_promised_shape():
    document = result(
        report(
            judge("one", PARTIAL, 2.0, fraction=0.5, message="half", seconds=1.5),
            judge("two", INVALID, 4.0, part="gan", hidden=True),
        )
    )
    assert document["format"] == FORMAT == 3
    assert document["submission"]["id"] == "ada_1"
    assert document["submission"]["digest"] == "d1ge57"
    assert document["score"] == {"earned": 1.0, "possible": 6.0, "undecided": 4.0}
    assert document["parts"][1] == {
        "id": "gan",
        "title": "Generative adversarial network",
        "earned": 0.0,
        "possible": 4.0,
        "undecided": 4.0,
    }
    first = document["checks"][0]
    assert first.pop("feedback")["message"] == "half"
    assert first == {
        "id": "one",
        "part": "part1",
        "title": "Title of one",
        "status": "partial",
        "fraction": 0.5,
        "points": 2.0,
        "hidden": False,
        "seconds": 1.5,
    }
    assert document["environment"]["torch"] == "2.9.0"
    assert document["sandbox"] == WALLS


def test_a_hint_about_cost_is_kept_and_read_back(tmp_path):
    check, ended = judge("slow", PASSED, cost="It is slow.")
    of = Submission("ada", "Ada", {}, "1")
    kept.write(tmp_path, kept.Result(of, (kept.Ran(check, ended, kept.Terms("1")),)))
    (ran,) = kept.read(tmp_path / "result.json").ran
    assert (ran.outcome.feedback.cost, ran.outcome.fraction) == ("It is slow.", 1.0)
    assert ran.check.points == 0.0


def test_statuses_are_lower_case():
    pairs = [judge(status.value, status) for status in Status]
    statuses = [check["status"] for check in result(report(*pairs))["checks"]]
    assert statuses == ["passed", "partial", "failed", "crashed", "blocked", "invalid"]


def test_what_is_not_finite_is_null(tmp_path):
    values = [[1.0, float("nan")], [float("inf"), -0.5]]
    pair = judge(
        "one",
        BLOCKED,
        figures=(Figure("maps", "c", {"a": values, "b": np.array([np.nan, 2.0], np.float32)}),),
    )
    path = tmp_path / "result.json"
    write_json(path, report(pair, sandbox={"load": float("-inf"), "cores": np.int64(2)}))
    document = strict(path.read_text("ascii"))
    figure = document["checks"][0]["feedback"]["figures"][0]
    assert figure["arrays"] == {"a": [[1.0, None], [None, -0.5]], "b": [None, 2.0]}
    assert document["sandbox"] == {"load": None, "cores": 2}


def test_lone_surrogates_do_not_reach_the_file(tmp_path):
    path = tmp_path / "result.json"
    write_json(path, report(judge("one", BLOCKED, message="a\ud800b \U0001f600")))
    message = strict(path.read_text())["checks"][0]["feedback"]["message"]
    assert message == "a\ufffdb \U0001f600"


def test_the_file_holds_the_document(tmp_path):
    full = report(judge("one"), judge("two", BLOCKED, needs=("one",), stdout="x" * 100))
    write_json(tmp_path / "deep" / "result.json", full)
    assert strict((tmp_path / "deep" / "result.json").read_text()) == result(full)


def test_a_value_that_json_has_no_word_for_is_refused():
    with pytest.raises(TypeError, match=r"cannot hold a \w+Path"):
        result(report(judge("one"), sandbox={"mode": Path("x")}))


def test_a_flood_of_text_is_cut():
    document = result(report(judge("one", BLOCKED, stdout="x" * 10**6)))
    assert len(document["checks"][0]["feedback"]["stdout"]) < 10**5


def test_writing_replaces_whole_files_and_leaves_nothing_beside(tmp_path):
    path = tmp_path / "new" / "page.html"
    write_text(path, "first\r\n")
    write_text(path, "second\n")
    assert path.read_bytes() == b"second\n"
    assert [entry.name for entry in path.parent.iterdir()] == ["page.html"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "page.html"
    write_text(path, "old")

    def fail(descriptor):
        raise OSError("disk full")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        write_text(path, "new and longer")
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["page.html"]


def test_a_lone_surrogate_is_written_as_its_escape(tmp_path):
    write_text(tmp_path / "a.txt", "a\udc80é")
    assert (tmp_path / "a.txt").read_bytes() == b"a\\udc80\xc3\xa9"


def test_a_written_file_has_the_usual_permissions(tmp_path):
    (tmp_path / "plain").write_text("")
    write_text(tmp_path / "ours", "")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_the_status_passed_is_not_lost(tmp_path):
    assert result(report(judge("one", PASSED)))["checks"][0]["fraction"] == 1.0
