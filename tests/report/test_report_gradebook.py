import csv
import io

import pytest

from grader.gradebook import table
from grader.gradebook.table import text_cell
from grader.records import Score
from grader.report.deliver import ForInstructor
from report_builders import INVALID, PARTIAL, PASSED, judge, report


def gradebook(reports):
    return table.gradebook(map(ForInstructor, reports))


def read_back(reports):
    return list(csv.DictReader(io.StringIO(gradebook(reports))))


def test_a_row_comes_back_from_the_csv():
    ada = report(
        judge("a", PARTIAL, 3.0, fraction=0.5),
        judge("b", PASSED, 4.0, part="gan"),
        judge("c", INVALID, 2.0, part="gan"),
        name='Lovelace, "Ada"',
    )
    assert read_back([ada]) == [
        {
            "id": "ada_1",
            "name": 'Lovelace, "Ada"',
            "total": "5.50",
            "part1": "1.50",
            "gan": "4.00",
            "undecided": "2.00",
            "status": "undecided",
        }
    ]


def test_parts_come_in_the_homeworks_order_and_others_last():
    first = report(scores={"warmup": Score(1, 1), "gan": Score(2, 28)})
    second = report(scores={"part2": Score(3, 18)})
    header, one, two = table.rows([ForInstructor(first), ForInstructor(second)])
    assert header == ["id", "name", "total", "part2", "gan", "warmup", "undecided", "status"]
    assert one[3:6] == ["", "2.00", "1.00"]
    assert two[3:6] == ["3.00", "", ""]


def test_an_unusable_submission_shows_its_reason_and_no_score():
    (row,) = read_back([report(reason="The archive is empty.")])
    assert row["status"] == "The archive is empty."
    assert row["total"] == row["undecided"] == ""


def test_a_graded_submission_says_so():
    (row,) = read_back([report(judge("a"))])
    assert row["status"] == "graded"


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "|calc",
        "%1",
        "\t=1",
        "\rx",
        "\0x",
        "\nx",
        " =1",
        "＝1",
        '"=1',
        "\x1b[0m=1",
        "\u202e=1",
    ],
)
def test_a_cell_that_a_spreadsheet_would_run_is_quoted(text):
    assert text_cell(text).startswith("'")
    (row,) = read_back([report(judge("a"), id=text, name=text, reason=text)])
    assert [row[key][0] for key in ("id", "name", "status")] == ["'", "'", "'"]


def test_a_formula_after_a_semicolon_is_quoted_too():
    assert text_cell('x;=1;"=2') == "x;'=1;'\"=2"
    assert text_cell("x; |y") == "x;' |y"


def test_a_quote_after_a_semicolon_swallows_no_rows():
    book = gradebook([report(judge("a"), id=f"s{n}", name='x; "') for n in range(3)])
    assert len(list(csv.reader(io.StringIO(book), delimiter=";"))) == 4


def test_a_semicolon_moves_no_cell_where_commas_and_semicolons_both_split():
    book = gradebook([report(judge("a"), name="x;100;100")])
    assert '"x;100;100"' in book


@pytest.mark.parametrize("text", ["ada_1", "Jörg Müller", "a=b", "x-y", "李 雷", "O'Hara", "1;2"])
def test_ordinary_text_stays_as_it_is(text):
    assert text_cell(text) == text


def test_control_characters_never_reach_a_cell():
    cell = text_cell("a\x00b\x1b[31mc\u202ed\r\ne\x9bm")
    assert cell == "abcd e"


def test_a_newline_in_a_name_does_not_make_a_row():
    assert len(gradebook([report(judge("a"), name="x\nmallory,100,100")]).splitlines()) == 2


def test_scores_stay_numbers_and_never_round_to_full_marks_or_zero():
    ada = report(scores={"part1": Score(31.9999, 32), "gan": Score(0.0001, 28)})
    (row,) = read_back([ada])
    assert (row["part1"], row["gan"], row["total"]) == ("31.99", "0.01", "32.00")
    assert float(row["part1"]) == 31.99


def test_a_negative_number_is_no_formula():
    (row,) = read_back([report(scores={"part1": Score(-1.5, 32)})])
    assert row["part1"] == "-1.50"
