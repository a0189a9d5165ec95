"""The table of marks by hand: read as any spreadsheet saves it, and only ever added to."""

import sys
from dataclasses import replace

import pytest

from grader.errors import BadAssignment, BadMarks
from grader.gradebook.book import Book
from grader.gradebook.by_hand import kept as by_hand
from grader.gradebook.by_hand import page
from grader.gradebook.by_hand.given import changed, written
from grader.gradebook.by_hand.order import Order
from grader.gradebook.by_hand.sheet import COLUMNS, Class, Given, added_to, read
from grader.grading.questions_toml import questions
from grader.grading.rules import Rules
from grader.grading.weights import Assignment
from grader.homework.questions import Item, Question, answer_sheet
from grader.records import Submission
from grader.report.analysis.answers import Answers, answers
from grader.report.deliver import ForStudent
from grading import ROOT
from report_builders import FAILED, INVALID, judge, report
from tables import written as table

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TAKES = Question(
    *("focus", "Focused explanation", 4.0, "Which neurons?", "part1"),
    (Item("vague", "no numbers", -1.5), Item("wrong", "the wrong layer", -3.0)),
)
GIVES = Question("pair", "Pairs", 3.0, rubric=(Item("named", "names both", 2.0),))
PLAIN = Question("mask", "Masking", 2.0)
CLASS = Class(
    {"ada": "Ada Lovelace", "00123": "Bob", "1e5": "Cy"},
    {"ada": "bcdfg-hjklm", "00123": "ghjkl-mnpqr", "1e5": "zzzzz-zzzzz"},
    (TAKES, GIVES, PLAIN),
    {"split.right": 2.0, "part1": 30.0},
)
MARKS = [
    ["bcdfg-hjklm", "", "focus", "", "vague", "say “how many”"],
    ["00123", "Bob", "focus", "3,5", "", ""],
    ["ada", "Ada Lovelace", "pair", "", "named", "two\nlines"],
    ["ada", "Ada Lovelace", "mask", "", "", ""],
    ["ada", "", "split.right", "1", "", "right but for a sign"],
]


def rows(*lines, **way):
    return table([COLUMNS, *lines], **way)


def marks(data):
    return read(data, CLASS, "marks.csv").marks


def refused(*lines):
    with pytest.raises(BadMarks) as said:
        marks(rows(*lines))
    assert "nothing was changed" in str(said.value)
    return str(said.value)


WAYS = {
    "as it was made": {"mark": "\ufeff"},
    "Excel in much of Europe": {"delimiter": ";", "encoding": "cp1252"},
    "Excel's Unicode text": {"delimiter": "\t", "encoding": "utf-16-le", "mark": "\ufeff"},
    "every cell quoted": {"always": True, "end": "\n"},
    "without a last line end": {"last": False, "end": "\r"},
}


@pytest.mark.parametrize("way", WAYS)
def test_a_spreadsheet_s_ways_to_save_it_are_read(way):
    assert marks(rows(*MARKS, **WAYS[way])) == (
        Given("ada", "focus", None, ("vague",), "say “how many”", 2),
        Given("00123", "focus", 3.5, (), "", 3),
        Given("ada", "pair", None, ("named",), "two\nlines", 4),
        Given("ada", "split.right", 1.0, (), "right but for a sign", 6),
    )


def test_empty_rows_more_columns_and_another_order_do_no_harm():
    lines = [
        ["Points", " What ", "done", "STUDENT"],
        ["", "", "", ""],
        [],
        ["2", "mask", "x", "ada"],
    ]
    assert marks(table(lines)) == (Given("ada", "mask", 2.0, row=4),)


@pytest.mark.parametrize("way", WAYS)
def test_rows_are_added_and_every_byte_stays(way):
    before = rows(*MARKS, **WAYS[way])
    after = added_to(before, [("bcdfg-hjklm", "", "pair"), ("=cmd", "Zoë", "mask")])
    assert after.startswith(before)
    encoding = WAYS[way].get("encoding", "utf-8")
    new = after[len(before) :].decode(encoding)
    assert "'=cmd" in new
    assert "Zoë" in new
    assert marks(added_to(before, [("ada", "", "mask")])) == marks(before)
    assert added_to(before, []) == before


def test_a_new_table_says_its_columns_and_opens_in_excel():
    made = added_to(None, [("bcdfg-hjklm", "", "focus")])
    assert (
        made.decode() == "\ufeffstudent,name,what,points,items,comment\r\nbcdfg-hjklm,,focus,,,\r\n"
    )


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (["123", "", "mask", "1"], "turned 00123 into the number 123: write the id again"),
        (["1.00E+05", "", "mask", "1"], "turned it into the number 1.00E+05"),
        (["1-Feb", "", "mask", "1"], "made a date of it (1-Feb): write the id again"),
        (["adaa", "", "mask", "1"], "there is no student adaa (did you mean ada?): correct it"),
        (["bcdfg-hjkln", "", "mask", "1"], "codes belong to the seed of the assignment"),
        (["", "", "mask", "1"], "it names no student"),
        (["ada", "", "", "1"], "it names no question"),
        (["ada", "", "msak", "1"], "no question, check or part msak (did you mean mask?)"),
        (["ada", "", "mask", "1/2"], "1/2 is no number of points: write 0.5 for a half"),
        (["ada", "", "mask", "01.02.2026"], "points are a date (01.02.2026)"),
        (["ada", "", "mask", "2-Jan"], "which a spreadsheet makes of 1/2: write 0.5 for a half"),
        (["ada", "", "mask", "46054"], "may be the number of a day"),
        (["ada", "", "mask", "2.5"], "2.5 points are more than the 2 of mask"),
        (["ada", "", "mask", "-1"], "points must be a number with at most two decimals"),
        (["ada", "", "mask", "two"], "such as 2 or 1.5 (got two)"),
        (["ada", "", "part1", "30.5", "", "x"], "more than the 30 of part1"),
        (["ada", "", "split.right", "1"], "say why in the column comment"),
        (["ada", "", "split.right", "", "vague"], "items belong to questions"),
        (["ada", "", "focus", "1", "vague"], "it has points and items: leave one of them empty"),
        (["ada", "", "focus", "", "vage"], "has no item vage (did you mean vague?): put it back"),
        (["ada", "", "mask", "", "gone"], "the rubric of mask has no item gone"),
        (["ada", "", "mask", "", "", "x" * 4001], "shorten it"),
    ],
)
def test_what_is_wrong_is_said_with_its_row_and_what_to_do(line, words):
    said = refused(["ada", "", "pair", "1"], [*line, *[""] * (6 - len(line))])
    assert said.startswith("marks.csv, row 3: ")
    assert words in said


def test_every_row_is_named_at_once_and_two_marks_of_one_thing():
    said = refused(
        ["ada", "", "mask", "1"],
        ["bcdfg-hjklm", "", "mask", "2"],
        ["nobody at all", "", "mask", "2"],
    )
    assert "row 3: bcdfg-hjklm has a mark for mask in row 2 too: leave one of them" in said
    assert "row 4: there is no student" in said
    many = refused(*[["x", "", "mask", ""]] * 30)
    assert "and 10 more rows" in many


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "it is empty"),
        (b"name,points\n", "no column student and no column what"),
        (b"student,what,points,points\n", "the column points twice"),
        (b'student,what,points\n"ada', "never closed"),
        (b"PK\x03\x04\0\0", "not a text file"),
    ],
)
def test_no_table_of_marks_is_refused(data, words):
    with pytest.raises(BadMarks, match=words):
        marks(data)


class TestPrices:
    def test_items_take_from_full_points_or_give_from_none(self):
        assert TAKES.earned(["vague"]) == 2.5
        assert TAKES.earned(["none"]) == 4.0
        assert TAKES.earned(["vague", "wrong"]) == 0.0
        assert GIVES.earned(["named"]) == 2.0
        assert GIVES.earned(["none"]) == 0.0

    def test_a_changed_price_changes_past_marks(self):
        given = [Given("ada", "focus", None, ("vague",))]
        dearer = Question("focus", "Focused", 4.0, rubric=(Item("vague", "no numbers", -2.0),))
        earned = [written([one], Answers(), given)[0].score.earned for one in (TAKES, dearer)]
        assert earned == [2.5, 2.0]

    def test_without_a_mark_points_are_undecided_and_not_0(self):
        (one,) = written([TAKES], Answers({"focus": "words"}), [])
        assert (one.score.undecided, one.marked, one.answer) == (4.0, False, "words")


class TestKept:
    def test_marks_come_back_as_they_were(self, tmp_path):
        kept = by_hand.Kept("marks.csv", marks(rows(*MARKS)), {"focus": {"ada": "d"}})
        by_hand.write(tmp_path, kept)
        assert by_hand.read(tmp_path) == kept
        by_hand.fitting(kept, CLASS.questions, CLASS.possible)

    def test_an_assignment_without_place_for_them_is_refused(self):
        kept = by_hand.Kept("marks.csv", marks(rows(*MARKS)))
        less = Question("focus", "Focused", 3.0, rubric=(Item("wrong", "the wrong layer", -3.0),))
        with pytest.raises(BadMarks) as said:
            by_hand.fitting(kept, [less, GIVES], {})
        for words in (
            "row 2: the rubric of focus has no item vague any more",
            "row 3: 3.5 points are more than the 3 of focus",
            "row 6: split.right is gone",
        ):
            assert words in str(said.value)


def marked(answer):
    """A class of one, who wrote that, and got a mark for it."""
    full = report(judge("split.right", FAILED), judge("mask.secret", FAILED, hidden=True), id="ada")
    marks = [Given("ada", "focus", 2.0)]
    return Book(reports={"ada": replace(full, written=(written([TAKES], answer, marks)))}), marks


def test_an_answer_that_changed_after_it_was_marked_is_named():
    old, marks = marked(Answers({"focus": "old"}))
    new, _ = marked(Answers({"focus": "new"}))
    first = page.with_answers(by_hand.Kept("t", tuple(marks)), by_hand.Kept(), old)
    assert page.changed_since(first, old) == []
    again = page.with_answers(by_hand.Kept("t", (replace(marks[0], row=7),)), first, new)
    assert [mark.what for mark in page.changed_since(again, new)] == ["focus"]
    other = page.with_answers(by_hand.Kept("t", (replace(marks[0], points=3.0),)), first, new)
    assert page.changed_since(other, new) == []


def test_changed_points_are_lines_and_name_no_hidden_check():
    book, _ = marked(Answers())
    given = [
        Given("ada", "split.right", 1.5, (), "nearly"),
        Given("ada", "mask.secret", 2.0, (), "as mask.secret says"),
        Given("ada", "part1", 4.0, (), "all right"),
    ]
    full = replace(book.reports["ada"], lines=tuple(changed(book.reports["ada"], given)))
    assert [line.score.earned for line in full.lines] == [1.5, 2.0, 0.5]
    assert full.total.earned == 4.0
    seen = ForStudent(full).report.lines
    assert [(line.title, line.why) for line in seen] == [
        ("Changed by a person: Title of split.right", "1.5 in place of 0 points. nearly"),
        ("Changed by a person: a hidden check of Part 1", ""),
        ("Changed by a person: Part 1", "4 in place of 3.5 points. all right"),
    ]


def test_points_that_the_grader_could_not_decide_are_decided_by_a_person():
    full = report(judge("split.right", INVALID))
    (line,) = changed(full, [Given("ada_1", "split.right", 2.0, (), "it is right")])
    made = replace(full, lines=(line,))
    assert (made.total.earned, made.undecided) == (2.0, 0.0)


def test_rows_name_people_where_that_is_asked_for():
    order = Order("a seed", CLASS.names)
    rows = page.missing(CLASS, order, {("ada", "focus")}, named=True)
    assert rows[:2] == [("00123", "Bob", "focus"), ("1e5", "Cy", "focus")]
    assert rows[2] == ("ada", "Ada Lovelace", "pair")
    assert {name for _, name, _ in page.missing(CLASS, order, (), named=False)} == {""}


def test_a_group_is_read_once_and_its_mark_counts_for_each_member():
    note = "Handed in together with {}."
    people = {
        "ann": Submission("ann", "Ann", {}, "same", notes=(note.format("Bo"),)),
        "bo": Submission("bo", "Bo", {}, "same", notes=(note.format("Ann"),)),
        "copy": Submission("copy", "Cat", {}, "same"),
    }
    order = Order("a seed", people)
    group = page.class_of(Rules(Assignment(questions=(PLAIN,))), people, order)
    rows = page.missing(group, order, (), named=True)
    assert [row[0] for row in rows] == ["ann", "copy"]
    marks = page.for_groups([Given("ann", "mask", 1.0), Given("ann", "split.right", 1.0)], group)
    assert [(mark.student, mark.what) for mark in marks] == [
        ("ann", "mask"),
        ("ann", "split.right"),
        ("bo", "mask"),
    ]
    own = page.for_groups([Given("bo", "mask", 2.0), Given("ann", "mask", 1.0)], group)
    assert {mark.student: mark.points for mark in own} == {"bo": 2.0, "ann": 1.0}


def test_codes_name_nobody_and_the_order_is_another_for_each_question():
    ids = [f"student{n}" for n in range(40)]
    order = Order("a seed", ids)
    assert Order("a seed", ids[::-1]).codes == order.codes
    assert Order("another", ids).codes != order.codes
    assert all(set(code) <= set("bcdfghjklmnpqrstvwxz-") for code in order.ids)
    first, second = order.shuffled("one"), order.shuffled("two")
    assert sorted(first) == sorted(second) == sorted(ids)
    assert first not in (second, ids)


class TestQuestions:
    def test_are_read(self):
        rubric = [{"id": "vague", "text": "no numbers", "points": -1.5}]
        row = {"id": "focus", "title": "Focus", "points": 4, "part": "part1", "rubric": rubric}
        assert questions([row]) == (
            Question("focus", "Focus", 4.0, "", "part1", (Item("vague", "no numbers", -1.5),)),
        )

    def test_the_readme_s_are(self):
        readme = (ROOT / "grader" / "gradebook" / "README.md").read_text("utf-8")
        text = readme.partition("<!-- the questions -->")[2].split("```")[1].removeprefix("toml")
        (one,) = questions(tomllib.loads(text)["questions"])
        assert one.earned(["vague", "slice"]) == 0.5

    def test_students_get_a_file_with_their_headings(self):
        template = (ROOT / "student_template" / "answers.md").read_text("utf-8")
        made = answer_sheet(CLASS.questions, template)
        asked = CLASS.questions
        assert "## Focused explanation\n\n(4 points)\n\nWhich neurons?\n" in made
        assert "## Sources and tools" in made
        filled = made.replace("## Pairs\n\n(3 points)\n", "## Pairs\n\n(3 points)\n\nmine\n")
        assert answers(filled.encode(), asked, made.encode()).of == {"pair": "mine"}
        assert answer_sheet([], template) == template

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"id": "1/2"}, "begins with a letter"),
            ({"id": "mar1"}, "a spreadsheet would change the id 'mar1'"),
            ({"id": "part1"}, "has a meaning of its own"),
            ({"points": 0}, "points must be above 0"),
            ({"points": 1.234}, "at most two decimals"),
            ({"points": True}, "must be a number"),
            ({"part": "part9"}, "part must be one of part1"),
            ({"titel": "x"}, "did you mean 'title'?"),
            ({"title": " "}, "title must be a text"),
            ({"rubric": [{"id": "none", "text": "x", "points": 1}]}, "has a meaning of its own"),
            ({"rubric": [{"id": "a", "text": "x", "points": "1"}]}, "rubric 1: points must be"),
            ({"rubric": [{"id": "a", "text": " ", "points": 1}]}, "text must be a text"),
            ({"rubric": [{"id": "a", "points": 1}]}, "text must be a text"),
            ({"rubric": "x"}, "must be a list of tables"),
        ],
    )
    def test_bad_ones_are_named(self, change, words):
        with pytest.raises(BadAssignment) as said:
            questions([{"id": "focus", "title": "Focus", "points": 4, **change}])
        assert words in str(said.value)

    def test_two_of_one_id_or_title_are_refused(self):
        one = {"id": "a", "title": "A", "points": 1}
        for other in ({**one, "title": "B"}, {**one, "id": "b"}):
            with pytest.raises(BadAssignment, match="twice"):
                questions([one, other])
