"""Outcomes are kept, points are computed: which changes run which checks again, and no others."""

import csv
from dataclasses import replace

import pytest

from course import FUNCTIONS, RIGHT, Session, rules
from grader.checks.framework import registry
from grader.gradebook import book, history
from grader.grading import engine, results, terms
from grader.records import Status

WRONG = {"part3_compression.py": "def random_classes(num_classes, k=5, seed=0):\n    return [0]\n"}


@pytest.fixture
def asked(monkeypatch):
    """The checks that runs have run, in their order."""
    found, every = [], engine._run

    def noted(check, *rest):
        found.append(check.id)
        return every(check, *rest)

    monkeypatch.setattr(engine, "_run", noted)
    return found


@pytest.fixture
def graded(course, asked):
    """Two students, graded once."""
    course.hand_in("ada")
    course.hand_in("bob", {**RIGHT, **WRONG})
    assert course.grade()[0] == 0
    asked.clear()
    return course


def checks_of(function, *, hidden):
    return [c.id for c in registry.load() if (c.function, c.hidden) == (function, hidden)]


def test_changed_points_run_nothing_and_change_every_mark(graded, asked):
    before, opened = graded.table(), Session.opened
    graded.rules(rules(random_classes=50))
    code, said = graded.grade()
    assert (code, asked, Session.opened) == (0, [], opened)
    assert "2 of 2 have a result already" in said
    after = graded.table()
    assert after["maximum"]["part3"] == "50.00"
    assert after["ada"]["part3"] == "50.00" != before["ada"]["part3"]
    assert "2 marks changed" in said
    assert "because the points of the assignment have changed" in said
    assert "50" in graded.page("ada/report.html")


def test_report_makes_the_pages_anew_and_runs_nothing(graded, asked):
    opened = Session.opened
    graded.rules(rules(random_classes=50))
    code, said = graded.hw3("report", graded.out, "--assignment", graded.folder / "assignment.toml")
    assert (code, asked, Session.opened) == (0, [], opened)
    assert "2 made anew, no check was run" in said
    assert graded.table()["ada"]["part3"] == "50.00"
    (graded.out / "ada" / "report.html").unlink()
    code, said = graded.hw3("report", graded.out)  # by the assignment of before
    assert code == 0
    assert "changed" not in said
    assert "50" in graded.page("ada/report.html")


def test_a_hidden_check_that_is_made_public_is_run_again_and_no_other(graded, asked):
    (name, *_) = checks_of(FUNCTIONS["part1"], hidden=True)
    graded.rules(rules() + f'[visibility]\n"{name}" = "public"\n')
    code, said = graded.grade()
    assert (code, asked) == (0, [name, name])
    assert f"{name} runs for 2 submissions, because it was hidden, and is public now" in said
    asked.clear()
    graded.rules(rules())
    code, said = graded.grade()
    assert (code, asked) == (0, [name, name])
    assert "because it was public, and is hidden now" in said


def test_until_it_is_run_a_check_that_was_hidden_shows_nothing_and_is_undecided(graded, asked):
    (name, *_) = checks_of(FUNCTIONS["part1"], hidden=True)
    graded.rules(rules() + f'[visibility]\n"{name}" = "public"\n')
    code, said = graded.hw3("report", graded.out, "--assignment", graded.folder / "assignment.toml")
    assert (code, asked) == (3, [])
    assert "1 checks have not been run as the assignment has them now" in said
    ended = {o.check_id: o for o in book.read_results(graded.out).reports["bob"].outcomes}
    assert ended[name].status is Status.INVALID
    assert float(graded.table()["ada"]["undecided"]) > 0


def test_a_check_that_had_no_points_is_run_and_no_other(course, asked):
    (name, *_) = checks_of(FUNCTIONS["part3"], hidden=False)[1:]
    course.hand_in("ada")
    course.rules(rules() + f'"{name}" = 0\n')
    course.grade()
    assert name not in asked
    asked.clear()
    course.rules(rules())
    code, said = course.grade()
    assert (code, asked) == (0, [name])
    assert f"{name} runs for 1 submission, because it had no points before" in said


def test_a_check_that_waited_for_one_without_points_now_is_run_and_no_other(graded, asked):
    blocked = [c for c in graded.result("bob")["checks"] if c["status"] == "blocked"]
    assert blocked
    every = {c.id: c for c in registry.load()}
    (need,) = {need for c in blocked for need in every[c["id"]].needs}
    free = sorted(c["id"] for c in blocked if every[c["id"]].needs == (need,))
    graded.rules(rules() + f'"{need}" = 0\n')
    code, said = graded.grade()
    assert (code, sorted(asked)) == (0, free)
    assert "for 1 submission, because it waited for a check that has no points" in said


def test_points_that_come_back_find_their_outcomes(graded, asked):
    graded.rules(rules(random_classes=0))
    graded.grade()
    assert graded.table()["maximum"].get("part3", "") == ""
    graded.rules(rules())
    graded.grade()
    assert asked == []


def test_only_checks_of_code_that_changed_run_again(graded, asked, monkeypatch):
    every = terms.code_of

    def of_another_version(module, part):
        return every(module, part) + ("x" if module.endswith("part3") else "")

    monkeypatch.setattr(terms, "code_of", of_another_version)
    code, said = graded.grade()
    assert code == 0
    assert {name.partition(".")[0] for name in asked} == {FUNCTIONS["part3"]}
    assert "because its code, or what it can import, has changed" in said


def test_what_ran_late_alone_is_kept_and_what_ran_late_beside_others_is_not(graded, asked):
    path = graded.out / "ada" / "result.json"
    kept = results.read(path)
    for beside in (False, True):
        first, *rest = kept.ran
        ran = (replace(first, timeouts=1, beside=beside), *rest)
        results.write(path.parent, replace(kept, ran=ran))
        graded.grade()
        assert asked == ([first.check.id] if beside else [])


def test_a_history_of_marks_is_only_added_to(graded):
    path = graded.out / history.FILE
    first = path.read_bytes()
    graded.grade()
    assert path.read_bytes() == first
    graded.rules(rules(random_classes=50))
    graded.grade()
    assert path.read_bytes().startswith(first)
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == ["ada", "bob", "ada", "bob"]
    assert rows[0]["reason"] == history.FIRST
    graded.hand_in("bob")
    _, said = graded.grade()
    assert "bob: 46" in said or "because the submission has changed" in said


def test_a_row_that_was_cut_off_is_no_row(graded):
    path = graded.out / history.FILE
    path.write_bytes(path.read_bytes()[:-40])
    assert set(history.last(graded.out)) == {"ada"}
    graded.grade()
    assert set(history.last(graded.out)) == {"ada", "bob"}


def test_pages_of_other_marks_are_made_anew_and_others_stay(graded):
    pages = [graded.out / name / "report.html" for name in ("ada", "bob")]
    before = [page.stat().st_mtime_ns for page in pages]
    graded.grade()
    assert [page.stat().st_mtime_ns for page in pages] == before
    (graded.out / "ada" / "instructor.html").write_text("cut off")
    graded.grade()
    after = [page.stat().st_mtime_ns for page in pages]
    assert (after[0] > before[0], after[1] == before[1]) == (True, True)


@pytest.mark.parametrize("words", ["nowhere", "empty"])
def test_report_refuses_what_holds_no_results(course, words):
    (course.folder / "empty").mkdir()
    code, said = course.hw3("report", course.folder / words)
    assert code == 2
    assert "hw3 grade" in said


def test_the_code_of_a_check_is_what_it_can_import():
    files = {}
    terms._follow("grader.checks.part2", files)
    assert {"grader.checks.part2", "grader.checks.framework.expect", "grader.records"} <= set(files)
    assert not {"grader.checks.part3", "grader.report.numbers", "grader.grading"} & set(files)
    assert terms.code_of("grader.checks.part2", "part2") != terms.code_of(
        "grader.checks.part3", "part3"
    )
