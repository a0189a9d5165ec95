"""What reading a class finds beside submissions: questions, people without one, files of nobody."""

import csv
import io
from dataclasses import dataclass, replace

import pytest

from course import RIGHT
from grader.cli import grade as command
from grader.records import Submission
from grader.report.analysis.roll import ClassFacts, WithoutResult
from grader.report.analysis.statistics import checks_of, to_look_at
from grader.report.deliver import ForInstructor, ForStudent
from grader.report.views.class_view import class_view
from grader.report.writers import html
from grader.submissions import intake
from grader.submissions.found import Class, Question, RosterPerson
from report_builders import FAILED, NO_WALLS, PASSED, Page, judge, report

FILES = {name: text.encode() for name, text in RIGHT.items()}
ADA = Submission("ada", "Ada", FILES, "1", person="1001", email="a@u", login="ada")
BOB = Submission("bob", "Bob", {}, "2", question="two files called gan.py differ")
ASKED = Question("bob/gan.py", "Bob", "gan.py and final/gan.py", ("gan.py", "final/gan.py"))


@dataclass
class Reading:
    """Stands for the reading of a class; remembers which decisions it was given."""

    found: Class
    decisions: object = None

    def __call__(self, sources, *, roster, decisions):
        self.decisions = dict(decisions)
        return self.found


@pytest.fixture
def reads(course, monkeypatch):
    def made(found):
        reading = Reading(found)
        monkeypatch.setattr(intake, "read_class", reading)
        return reading

    return made


def questions(course):
    text = (course.out / "questions.csv").read_text("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


class TestQuestions:
    def test_until_somebody_decides_the_student_is_undecided_and_never_0(self, course, reads):
        reads(Class((ADA, BOB), questions=(ASKED,)))
        code, said = course.grade()
        assert code == 3
        assert "1 to decide: fill in" in said
        row = course.table()["bob"]
        assert [row[key] for key in ("total", "part1", "part3", "gan")] == ["", "", "", ""]
        assert row["undecided"] == "6.00"
        assert row["status"] == "a person has to decide: two files called gan.py differ"
        assert questions(course) == [
            {
                "id": "bob/gan.py",
                "name": "Bob",
                "found": "gan.py and final/gan.py",
                "options": "gan.py; final/gan.py",
                "decision": "",
            }
        ]
        for page in ("index.html", "bob/report.html", "bob/instructor.html"):
            assert "two files called gan.py differ" in course.page(page)

    def test_a_decision_is_read_by_the_next_run_and_never_overwritten(self, course, reads):
        reads(Class((ADA, BOB), questions=(ASKED,)))
        course.grade()
        file = course.out / "questions.csv"
        # As a spreadsheet of Western Europe saves it.
        lines = file.read_text("utf-8-sig").replace("; ", " / ").replace(",", ";")
        file.write_bytes(lines.replace("gan.py;\n", "gan.py;final/gan.py\r\n").encode("cp1252"))
        again = reads(Class((ADA, replace(BOB, question="", files=FILES, digest="3"))))
        code, _ = course.grade()
        assert code == 0
        assert again.decisions == {"bob/gan.py": "final/gan.py"}
        assert [row["decision"] for row in questions(course)] == ["final/gan.py"]
        assert course.table()["bob"]["total"] == course.table()["maximum"]["total"]
        asked = reads(Class((ADA, BOB), questions=(ASKED,)))
        course.grade()
        assert asked.decisions == {"bob/gan.py": "final/gan.py"}
        assert [row["decision"] for row in questions(course)] == ["final/gan.py"]

    def test_a_decision_that_settles_nothing_is_said(self, course, reads):
        reads(Class((ADA, BOB), questions=(ASKED,)))
        course.grade()
        file = course.out / "questions.csv"
        file.write_text(f"id,decision\n{ASKED.id},gam.py\n", encoding="utf-8")
        code, said = course.grade()
        assert code == 3
        assert "The decision gam.py about bob/gan.py does not settle it; there are: " in said
        assert [row["decision"] for row in questions(course)] == ["gam.py"]

    def test_what_is_no_question_any_more_is_not_asked(self, course, reads):
        other = Question("zoe", "Zoe", "nothing", ())
        zoe = replace(BOB, id="zoe", name="Zoe")
        reads(Class((BOB, zoe), questions=(ASKED, other)))
        course.grade()
        reads(Class((replace(BOB, question="", files=FILES, digest="3"),)))
        course.grade()
        assert [row["id"] for row in questions(course)] == ["zoe"]


class TestPeople:
    def test_who_handed_in_nothing_has_a_row_and_no_points(self, course, reads, tmp_path):
        roster = tmp_path / "people.csv"
        roster.write_text("name\nAnn Li\n", encoding="utf-8")
        found = Class((ADA,), layout=("a folder",), absent=(RosterPerson(name="Ann Li"),))
        reads(replace(found, unknown=("Ada",), ignored=(("notes.txt", "junk"),)))
        code, said = course.grade("--roster", roster)
        assert code == 0
        assert "Read as a folder. 1 student: 1 complete; 1 file ignored; " in said
        row = course.table()["not handed in"]
        assert (row["name"], row["total"], row["email"]) == ("Ann Li", "", "")
        assert course.table()["ada"]["email"] == "a@u"
        page = Page(course.page()).text
        for words in ("Read as a folder.", "Not on the roster: Ada.", "notes.txt : junk"):
            assert words in page
        reads(Class((replace(ADA, id="ann", name="Li, Ann"),)))
        course.grade()
        assert "not handed in" not in course.table()

    def test_of_two_people_with_one_name_the_absent_one_has_a_row(self, course, reads, tmp_path):
        roster = tmp_path / "people.csv"
        roster.write_text("name\nKim\n", encoding="utf-8")
        here = replace(ADA, name="Kim Lee", person="32", email="k32@u", login="")
        gone = RosterPerson(id="33", name="Kim Lee", email="k33@u")
        reads(Class((here,), absent=(gone,)))
        assert course.grade("--roster", roster)[0] == 0
        row = course.table()["not handed in"]
        assert (row["name"], row["person"], row["email"]) == ("Kim Lee", "33", "k33@u")
        reads(Class((replace(here, id="kim", person="33", email="k33@u"),)))
        course.grade()
        assert "not handed in" not in course.table()


def test_nothing_handed_in_is_no_total(course):
    course.hand_in("ada")
    (course.source / "bob").mkdir()
    course.grade()
    assert course.table()["bob"]["total"] == ""
    assert course.table()["ada"]["total"] == course.table()["maximum"]["total"]


def class_page(reports, facts=None):
    page = html.index_page([ForInstructor(one) for one in reports], facts=facts)
    return Page(page).text


def test_unsandboxed_is_said_once_for_the_class():
    bare = [report(judge("a"), id=f"s{n}", digest=str(n), sandbox=NO_WALLS) for n in range(3)]
    assert to_look_at(bare) == []
    assert class_page(bare).count("UNSANDBOXED") == 1
    mixed = [*bare, report(judge("a"), id="fine", digest="9")]
    assert class_page(mixed).count("UNSANDBOXED") == 4  # of the class, and who they are


def test_who_needs_a_look_and_why():
    def one(id, **about):
        made = report(judge("a"), id=id, digest=id, **about.pop("of", {}))
        return replace(made, submission=replace(made.submission, **about))

    reports = [
        one("fine", of={"handed_in": ("part1",)}),
        one("renamed", notes=("GAN.py was graded as gan.py.",)),
        one("asked", question="two archives"),
        one("missing", of={"handed_in": ("gan",)}),
        one("cloned", notes=("Commit 0123456789ab.", "Extension, by the roster: Monday.")),
        one("late", notes=("Canvas marks this as late.",)),
        one("old", of={"stale": {"part1": "graded on other files"}}),
    ]
    assert {look.report.submission.id: look.reasons for look in to_look_at(reports)} == {
        "renamed": ("GAN.py was graded as gan.py.",),
        "asked": ("a person has to decide: two archives",),
        "missing": ("not handed in: Part 1",),
        "old": ("to be graded again: Part 1",),
    }


def test_the_same_files_are_told_of_but_for_those_of_a_group():
    def one(id, *notes):
        made = report(judge("a"), id=id, digest="same")
        return replace(made, submission=replace(made.submission, name=id, notes=notes))

    group = [one("ann", "Handed in together with bob."), one("bob", "Handed in together with ann.")]
    assert to_look_at(group) == []
    assert [look.reasons for look in to_look_at([*group, one("cy")])] == [
        ("the same files as cy",),
        ("the same files as cy",),
        ("the same files as ann, bob",),
    ]


def test_a_question_is_undecided_on_the_page_and_not_unusable():
    about = {"question": "a damaged zip", "reason": "a damaged zip"}
    asked = report(judge("a"), id="asked")
    asked = replace(asked, submission=replace(asked.submission, **about))
    text = class_page([asked, report(judge("a"), id="fine", digest="9")])
    assert "Undecided 1 Unusable 0" in text


def test_who_did_not_hand_a_part_in_is_in_no_distribution():
    some = [report(judge("a", status), id=status.value) for status in (PASSED, FAILED)]
    graded, absent = (replace(some[0], handed_in=("part1",)), replace(some[1], handed_in=()))
    every, alone = (
        dict(class_view(some, ClassFacts()).distribution) for some in ([graded, absent], [graded])
    )
    assert every["Part 1"] == alone["Part 1"]
    assert every["Total"] != alone["Total"]


def test_pass_rates_are_of_those_who_handed_the_part_in():
    some = [report(judge("a", status), id=status.value) for status in (PASSED, FAILED)]
    (figures,) = checks_of([replace(some[0], handed_in=("part1",)), replace(some[1], handed_in=())])
    assert (figures.decided, figures.passed) == (1, 1.0)


def test_notes_are_on_both_pages_and_ignored_files_on_the_instructor_s():
    full = report(judge("a"))
    about = {"notes": ("GAN.py was graded as gan.py.",), "ignored": (("old/gan.py", "older"),)}
    full = replace(full, submission=replace(full.submission, **about))
    student = Page(html.student_page(ForStudent(full))).text
    instructor = Page(html.instructor_page(ForInstructor(full))).text
    assert "GAN.py was graded as gan.py." in student
    assert "GAN.py was graded as gan.py." in instructor
    assert "old/gan.py : older" in instructor
    assert "old/gan.py" not in student


def test_how_many_are_missing_and_how_long_it_took():
    waiting = [WithoutResult(f"s{n}", f"S {n}", "not graded yet") for n in range(2)]
    text = class_page([report(judge("a"))], ClassFacts(without=waiting, incomplete=["ada_1"]))
    assert "3 of 3 not graded yet." in text
    assert "Not graded yet 2" in text
    assert "Time left about 9 s, at 12:01" in class_page(
        [report(judge("a"))], ClassFacts(left="about 9 s, at 12:01")
    )
    assert "Graded in 1 h 02 min" in class_page([report(judge("a"))], ClassFacts(seconds=3725.0))


@pytest.mark.parametrize(
    ("seconds", "done", "words"),
    [(60.0, 2, "about 1 min 30 s"), (5.0, 5, ""), (50.0, 1, "about 3 min 20 s")],
)
def test_the_time_left_is_estimated(seconds, done, words):
    assert command._left(seconds, done, [ADA] * 5) == words
