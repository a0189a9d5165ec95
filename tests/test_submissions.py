"""The grader is held to what each sample submission must earn, check by check.

``fixtures/submissions/<case>/expected.toml``: the score of every part, and the status of every
check that does not pass, but for those that are blocked and those of files that are not there.
"""

import importlib.util
import subprocess
import sys

import pytest

from grader.grading import batch
from grader.grading.weights import Assignment
from grader.homework import contract
from grader.records import Limits, Status
from grader.submissions import intake
from grading import CHECKS, ROOT, walls

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FOLDER = ROOT / "fixtures" / "submissions"
CASES = sorted(path.name for path in FOLDER.iterdir() if path.is_dir())
EXPECTED = {
    case: tomllib.loads((FOLDER / case / "expected.toml").read_text("utf-8")) for case in CASES
}

FILE = {part.id: part.file for part in contract.PARTS}


@pytest.fixture(scope="module")
def class_():
    return {submission.id: submission for submission in intake.read_many([FOLDER])}


@pytest.mark.parametrize("case", CASES)
def test_sample_submission(case, class_):
    expected = EXPECTED[case]
    needs = expected.get("requires")
    assert needs is None or importlib.util.find_spec(needs), f"{case} needs {needs}"
    # Whoever never comes to an end is believed sooner than in a class.
    limits = Limits(cpu_seconds=4.0) if case == "endless_loop" else Limits()
    job = batch.Job(walls(), assignment=Assignment(limits=limits))
    report = batch.grade_one(class_[case], job)
    assert report.submission.reason == expected.get("reason", "")
    assert {part: round(s.earned, 2) for part, s in report.scores.items()} == expected["score"]
    assert report.total.undecided == 0
    parts = {check.id: check.part for check in report.checks}
    there = report.submission.files
    found = {
        outcome.check_id: outcome.status.value
        for outcome in report.outcomes
        if outcome.status not in (Status.PASSED, Status.BLOCKED)
        and FILE[parts[outcome.check_id]] in there
    }
    assert found == expected.get("status", {})
    slow = [outcome.feedback.cost for outcome in report.outcomes if outcome.feedback.cost]
    assert slow == expected.get("cost", [])
    for outcome in report.outcomes:
        assert "Traceback" not in outcome.feedback.message
        assert outcome.status is Status.PASSED or outcome.feedback.message


def test_every_check_fails_for_a_sample_that_answers_wrongly():
    """Not only where nothing is written, and not only behind a check that it waits for."""
    unwritten = {"empty_template", "unfinished", "syntax_error", "import_error", "not_utf8"}
    caught = {
        check
        for case, expected in EXPECTED.items()
        if case not in unwritten
        for check in expected.get("status", {})
    }
    assert {check.id for check in CHECKS} - caught == set()


def test_each_part_is_earned_in_full_by_code_that_is_not_the_reference_s():
    for part in contract.PARTS:
        full = [case for case in CASES if EXPECTED[case]["score"][part.id] == part.points]
        assert "twin_hooks" in full


def test_an_untouched_template_earns_nothing():
    assert set(EXPECTED["empty_template"]["score"].values()) == {0}


def test_there_are_enough_mistakes():
    wrong = [case for case in CASES if EXPECTED[case].get("status")]
    assert len(wrong) >= 20


def test_the_files_are_what_the_script_makes():
    script = ROOT / "fixtures" / "make_submissions.py"
    done = subprocess.run(
        [sys.executable, script, "--check"], capture_output=True, text=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stdout + done.stderr
