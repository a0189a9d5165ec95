"""A class's results are read one after the other, and little of each stays in memory."""

import gc
import pickle
import weakref
from dataclasses import replace

import pytest

import grader.cli.grade as command
from grader.errors import BadSource
from grader.gradebook import book, pages, state
from grader.gradebook.table import gradebook
from grader.grading import results
from grader.records import Figure
from grader.report.deliver import ForInstructor
from grader.report.writers.html import index_page
from report_builders import BLOCKED, CRASHED, FAILED, INVALID, PARTIAL, PASSED, judge, report
from results_of import kept

NAMES = ("ada", "bob", "eve")
SEEN = "It is twice too large."


def told(**words):
    """The feedback of a check that keeps much."""
    figure = Figure("bars", "Drawn of what came back", {"yours": [0.25] * 20_000})
    long = {name: f"{name} " * 5000 for name in ("stdout", "counterexample", "details", "actual")}
    return {"message": SEEN, "hint": "Look at the scale.", **long, "figures": (figure,), **words}


def hand_out(out, name, **about):
    """A result with outcomes of all kinds."""
    pairs = [
        judge("split.right", FAILED, **told()),
        judge("split.composes", PARTIAL, **told(diagnosis="The mean is not averaged.")),
        judge("mask.secret", CRASHED, **told(), hidden=True),
        judge("mask.waits", BLOCKED, needs=("split.right",)),
        judge("mask.open", INVALID, **told()),
        judge("split.easy", PASSED, **told(message="")),
    ]
    submission = replace(report(*pairs, id=name).submission, digest=f"files of {name}")
    kept(out, submission, *pairs, **about)


@pytest.fixture
def out(tmp_path):
    for name in NAMES:
        hand_out(tmp_path, name)
    return tmp_path


def size(*held):
    """Bytes of all that is held, what several hold counted once."""
    return len(pickle.dumps(held))


def test_little_of_a_large_result_is_held(out):
    made = book.read_results(out)
    assert (out / "ada" / "result.json").stat().st_size > 500_000
    assert size(made.results, made.reports) < 10_000
    assert size(made.full("ada")) > 100_000


def test_one_result_is_in_memory_at_a_time(out, monkeypatch):
    read, alive, most = results.read, [], []

    def watched(path):
        gc.collect()
        most.append(sum(one() is not None for one in alive))
        found = read(path)
        alive.append(weakref.ref(found))
        return found

    monkeypatch.setattr(results, "read", watched)
    made = book.read_results(out)
    pages.write_all(out, made, NAMES)
    book.write_class(out, made, state.read(out), over=True)
    gc.collect()
    assert len(most) == 2 * len(NAMES)
    assert max(most) <= 1
    assert not [one for one in alive if one() is not None]


def test_a_run_on_a_folder_of_results_holds_none_of_them(course, monkeypatch):
    for name in NAMES:
        course.hand_in(name)
    course.grade()
    read, alive, most, there, said = results.read, [], [], [], command.reused

    def watched(path):
        gc.collect()
        most.append(sum(one() is not None for one, *_ in alive))
        found = read(path)
        alive.append([*map(weakref.ref, (found, *found.ran))])
        return found

    def reused(plans):
        gc.collect()
        there.append(sum(one() is not None for held in alive for one in held))
        return said(plans)

    monkeypatch.setattr(results, "read", watched)
    monkeypatch.setattr(command, "reused", reused)
    assert course.grade()[0] == 0
    assert len(most) >= 3
    assert max(most) <= 1
    assert there == [0]


def test_what_is_the_same_in_two_results_is_held_once(out):
    made = book.read_results(out)
    one, other = made.reports["ada"], made.reports["bob"]
    assert one.checks is other.checks
    assert one.environment is other.environment
    assert one.sandbox is other.sandbox
    pairs = zip(one.outcomes, other.outcomes, strict=True)
    assert all(mine is yours for mine, yours in pairs)


def test_tables_and_the_page_of_the_class_are_those_of_whole_reports(out):
    (out / "notes.toml").write_text('[[note]]\ncheck = "split.right"\ntext = "See the forum."\n')
    made = book.read_results(out)
    light = [ForInstructor(one) for one in made.in_order()]
    full = [ForInstructor(made.full(name)) for name in NAMES]
    assert light != full
    assert index_page(light) == index_page(full)
    assert SEEN in index_page(light)
    assert "The mean is not averaged." in index_page(light)
    assert gradebook(light, maximum=True) == gradebook(full, maximum=True)


def test_a_student_s_pages_show_all_of_the_feedback(out):
    pages.write_all(out, book.read_results(out), NAMES)
    page = (out / "ada" / pages.STUDENT).read_text("utf-8")
    assert "Drawn of what came back" in page
    assert "stdout stdout" in page


def test_a_result_that_is_gone_meanwhile_is_named(out):
    made = book.read_results(out)
    (out / "bob" / "result.json").unlink()
    with pytest.raises(BadSource, match=r"bob/result\.json is damaged"):
        pages.write_all(out, made, NAMES)
