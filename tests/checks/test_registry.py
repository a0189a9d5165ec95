"""Declarations are checked when they are made; cases are drawn alike, and shrunk."""

import importlib
from types import SimpleNamespace

import pytest

from grader.checks.framework import expect, registry
from grader.checks.framework.expect import StudentFault, Unmet
from grader.checks.framework.registry import check, for_all
from grader.homework.contract import PARTS
from grader.records import Feedback, StudentError
from grading import BY_ID, CHECKS


@pytest.fixture
def scratch(monkeypatch):
    monkeypatch.setattr(registry, "CHECKS", {})
    monkeypatch.setattr(registry, "_DECLARED", {})


def test_a_check_is_its_function(scratch):
    @check("split", points=2)
    def works(student):
        """Works.

        Here is how.
        """

    @check("split", points=1, needs=[works])
    def works_twice(student):
        """Works twice."""

    made = registry.CHECKS["split.works"]
    assert (made.part, made.title, made.about) == ("part1", "Works.", "Here is how.")
    assert (made.points, made.hidden, made.needs) == (2.0, False, ())
    assert registry.CHECKS["split.works_twice"].needs == ("split.works",)


def declare(function="split", points=1.0, needs=(), doc="Title."):
    def body(student):
        pass

    body.__doc__ = doc
    return check(function, points=points, needs=needs)(body)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"function": "splt"}, "no function 'splt'"),
        ({"doc": None}, "needs a docstring"),
        ({"points": -1}, "points must be >= 0"),
        ({"needs": [lambda student: None]}, "no check of split declared above"),
    ],
)
def test_a_wrong_declaration_fails(scratch, wrong, words):
    with pytest.raises(ValueError, match=words):
        declare(**wrong)
    assert registry.CHECKS == {}


def test_a_name_stands_once_and_needs_stay_in_the_function(scratch):
    first = declare()
    with pytest.raises(ValueError, match="already"):
        declare()
    with pytest.raises(ValueError, match="no check of linear_scores"):
        declare("linear_scores", needs=[first])


class Student:
    """Counts, and explains as a student's façade does."""

    def __init__(self):
        self.tried = []

    def explain(self, unmet):
        return unmet


def test_cases_are_the_same_every_time():
    drawn = []
    for _ in range(2):
        student = Student()
        for_all(range(500))(lambda s, case: s.tried.append(case))(student)
        drawn.append(student.tried)
    assert drawn[0] == drawn[1]
    assert len(drawn[0]) >= 10


def test_what_is_loaded_beside_a_check_changes_no_case(tmp_path, monkeypatch):
    """Hypothesis would draw numbers that it finds in modules that are not installed."""

    def drawn():
        student = SimpleNamespace(tried=[])
        for_all(range(5000), examples=200)(lambda s, case: s.tried.append(case))(student)
        return student.tried

    before = drawn()
    numbers = ", ".join(map(str, range(4000, 4200)))
    (tmp_path / "many_numbers.py").write_text(f"NUMBERS = [{numbers}]\n")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("many_numbers")
    assert drawn() == before


def test_a_failure_is_shrunk_within_bounds_and_no_case_is_asked_twice():
    @for_all(range(1000), examples=100)
    def below_forty(student, case):
        student.tried.append(case)
        expect.that(case < 40, f"{case} is too large")

    student = Student()
    with pytest.raises(Unmet) as caught:
        below_forty(student)
    assert len(student.tried) == len(set(student.tried))
    failed = [case for case in student.tried if case >= 40]
    assert str(min(failed)) in caught.value.feedback.message
    assert len(failed) <= 31


def test_a_crash_ends_the_search_at_once():
    @for_all(range(1000), examples=100)
    def crashes(student, case):
        student.tried.append(case)
        raise StudentFault(StudentError("died", "gone"))

    student = Student()
    with pytest.raises(StudentFault, match="gone"):
        crashes(student)
    assert len(student.tried) == 1


def dies():
    raise StudentFault(StudentError("died", "gone"))


@pytest.mark.parametrize(
    "smaller",
    [dies, lambda: expect.that(False, "all wrong"), lambda: None],
    ids=["crash", "wrong", "right"],
)
def test_the_first_case_that_fails_decides_the_score(smaller):
    """How far shrinking comes depends on the machine's speed, and must not matter."""

    @for_all(range(1000), examples=100)
    def half_wrong(student, case):
        student.tried.append(case)
        if len(student.tried) == 3:
            expect.partial(0.5, "half")
        if len(student.tried) > 3:
            smaller()

    student = Student()
    with pytest.raises(Unmet, match="half") as caught:
        half_wrong(student)
    assert caught.value.fraction == 0.5
    assert 3 < len(student.tried) <= 3 + 31


def test_the_grader_s_own_mistake_is_not_the_student_s():
    @for_all(range(3))
    def broken(student, case):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken(Student())


@pytest.mark.parametrize("part", PARTS, ids=lambda p: p.id)
def test_points_are_the_homework_s_and_two_thirds_are_public(part):
    of_part = [c for c in CHECKS if c.part == part.id]
    assert sum(c.points for c in of_part) == part.points
    public = sum(c.points for c in of_part if not c.hidden)
    assert 0.6 * part.points <= public <= 0.72 * part.points


def test_every_function_of_the_homework_has_public_and_hidden_checks():
    from grader.homework.contract import FUNCTIONS

    required = {f.name for f in FUNCTIONS.values() if not f.optional}
    assert {c.function for c in CHECKS if not c.hidden} == required
    assert {c.function for c in CHECKS if c.hidden} == required


def test_titles_say_what_is_asked():
    for made in CHECKS:
        assert made.title.endswith(".")
        assert len(made.title) <= 88
        assert made.needs == tuple(n for n in made.needs if BY_ID[n].function == made.function)
        assert not any(BY_ID[need].hidden for need in made.needs if not made.hidden)


def test_choosing_checks():
    only = registry.checks_of(CHECKS, only="evaluate.takes_zero_for_a_no")
    assert [c.id for c in only] == ["evaluate.counts_right", "evaluate.takes_zero_for_a_no"]
    assert {c.function for c in registry.checks_of(CHECKS, only="split")} == {"split"}
    assert {c.part for c in registry.checks_of(CHECKS, part="gan")} == {"gan"}
    with pytest.raises(KeyError):
        registry.checks_of(CHECKS, only="nothing.of_the_kind")
    with pytest.raises(KeyError):
        registry.checks_of(CHECKS, part="part1", only="evaluate")


def test_feedback_passes_through():
    message = Feedback(message="as it is", expected="1", actual="2")
    unmet = expect.add(Unmet(message, 0.5), tried="f()", expected="ignored")
    assert (unmet.feedback.tried, unmet.feedback.expected, unmet.fraction) == ("f()", "1", 0.5)
