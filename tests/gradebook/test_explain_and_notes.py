"""A mark that is defended: one check again with every step shown, and notes to all who met it."""

import pytest

from course import RIGHT, Session, shown
from grader.checks.framework import registry
from grader.cli import explain as command
from grader.gradebook import notes
from grader.sandbox.host import session

WRONG = {"part3_compression.py": "def random_classes(num_classes, k=5, seed=0):\n    return [0]\n"}
CHECK = "random_classes.draws_distinct_classes"


@pytest.fixture
def graded(course, monkeypatch):
    monkeypatch.setattr(session, "ProcessSession", Session)
    course.hand_in("ada")
    course.hand_in("bob", {**RIGHT, **WRONG})
    assert course.grade()[0] == 0
    return course


def explained(course, *words):
    return course.hw3("explain", course.out, *words, "--sandbox", "none")


def test_every_step_of_a_check_that_did_not_pass_is_shown(graded):
    before = {path: path.stat().st_mtime_ns for path in graded.out.rglob("*")}
    code, said = explained(graded, "bob", CHECK)
    assert code == 0
    assert f"bob: {CHECK} (public," in said
    assert "called random_classes(num_classes=" in said
    assert "came back" in said
    assert "DOES NOT HOLD" in said
    assert "this is what counts" in said
    assert "What is said about it:" in said
    assert {path: path.stat().st_mtime_ns for path in graded.out.rglob("*")} == before


def test_a_check_that_passed_says_so(graded):
    _, said = explained(graded, "ada", "scale_pixels.gives_zeros_for_an_empty_map")
    assert "This time: Passed, 100 % of its points; this is what counts." in said
    assert "DOES NOT HOLD" not in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("adda", CHECK), "no result of adda (did you mean 'ada'?)"),
        (("ada", "random_classes.draws"), "there is no check random_classes.draws"),
    ],
)
def test_what_is_not_there_is_named(graded, words, said):
    code, output = explained(graded, *words)
    assert code == 2
    assert said in output


def test_who_handed_in_nothing_is_said(graded):
    (graded.out / "bob" / "submission.zip").unlink()
    code, said = explained(graded, "bob", CHECK)
    assert code == 2
    assert "bob has no files" in said


def test_values_of_every_kind_fit_on_a_line():
    assert command._value({"a": [1, (2.5,)]}) == "a: (1, (2.5))"
    assert command._value(None) == "None"
    assert len(command._value("x" * 9000)) <= command.WIDTH + 1


def test_the_notes_in_the_readme_are_some(tmp_path):
    (tmp_path / notes.FILE).write_text(shown("the notes"), encoding="utf-8")
    (one,) = notes.read(tmp_path, registry.load())
    assert (one.check, one.diagnosis) == ("class_influence", "averaged")


def note(course, text):
    (course.out / "notes.toml").write_text(text, encoding="utf-8")
    return course.hw3("report", course.out)


def test_a_note_is_shown_to_everybody_who_met_the_mistake(graded):
    code, said = note(graded, f'[[note]]\ncheck = "{CHECK}"\ntext = "Read <slide> 12."\n')
    assert (code, "changed" in said) == (0, False)
    for page in ("bob/report.html", "bob/instructor.html"):
        assert "Your instructor says:</b> Read &lt;slide&gt; 12." in graded.page(page)
    assert "Your instructor says" not in graded.page("ada/report.html")
    (graded.out / "notes.toml").unlink()
    graded.grade()  # and pages without it are made by the next run
    assert "Your instructor says" not in graded.page("bob/report.html")


def test_a_note_is_pinned_to_words_of_a_diagnosis(graded):
    for words, there in (("no such words", False), ("RANDOM_CLASSES", True)):
        text = f'[[note]]\ncheck = "random_classes"\ndiagnosis = "{words}"\ntext = "Note 1."\n'
        note(graded, text)
        assert ("Note 1." in graded.page("bob/report.html")) == there


def test_a_note_on_a_hidden_check_names_no_check(graded):
    hidden = {c["id"] for c in graded.result("bob")["checks"] if c["hidden"]}
    name = sorted(one for one in hidden if one.startswith("random_classes"))[0]
    failed = {c["id"]: c["status"] for c in graded.result("bob")["checks"]}
    note(graded, f'[[note]]\ncheck = "{name}"\ntext = "Think of seeds."\n')
    page = graded.page("bob/report.html")
    assert ("Your instructor says: Think of seeds." in page) == (failed[name] != "blocked")
    assert name not in page


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[note]\n", "is not TOML"),
        ("[note]\ncheck = 'x'\n", "each below a line [[note]]"),
        ("[[note]]\ntext = 'x'\n", "note 1 has no check"),
        ("[[note]]\ncheck = 'random_classes'\n", "note 1 has no text"),
        ("[[note]]\ncheck = 'random_clases'\ntext = 'x'\n", "did you mean 'random_classes'"),
        ("[[note]]\ncheck = 'random_classes'\ntext = 7\n", "text must be a text in quotes (got 7)"),
        ("[[note]]\nchek = 'random_classes'\n", "has no setting chek"),
    ],
)
def test_a_file_of_notes_that_cannot_be_used_changes_nothing(graded, text, words):
    before = graded.page("bob/report.html")
    code, said = note(graded, text)
    assert code == 2
    assert words in said
    assert graded.page("bob/report.html") == before
