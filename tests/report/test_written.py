"""Written answers: which text answers which question, and how it is shown without acting."""

import json

import pytest

from grader.homework.questions import Question
from grader.records import Figure, Score, Written
from grader.report.analysis.answers import LONGEST, answers
from grader.report.deliver import ForStudent
from grader.report.views.prose import TAGS, rendered
from grader.report.views.written_view import written_view
from grader.report.writers import html
from grader.submissions import notebooks
from grading import ROOT
from report_builders import FAILED, PASSED, Page, judge, report

FOCUS = Question("focus", "Focused explanation", 4.0)
PAIR = Question("pair", "Comparative explanations", 3.0, "Take two classes.")
GIVEN = (ROOT / "student_template" / "answers.md").read_bytes()


@pytest.mark.parametrize(
    "heading",
    [
        "## 1. Focused explanation",
        "# focused EXPLANATION #",
        "### Question 1: Focused explanation",
        "## a) focus",
        "Focused explanation\n---",
        "## focus: Focused explanation",
    ],
)
def test_an_answer_stands_below_its_heading(heading):
    text = f"Intro\n\n{heading}\nmine\n\n#### a detail\nmore\n\n# Sources\nnone\n"
    found = answers(text.encode(), [FOCUS, PAIR])
    assert found.of == {"focus": "mine\n\n#### a detail\nmore"}
    assert "Intro" in found.rest
    assert "# Sources\nnone" in found.rest


def test_what_students_were_handed_is_nobody_s_answer():
    assert answers(GIVEN, [FOCUS, PAIR], GIVEN).of == {}
    mine = GIVEN.replace(b"saliency maps show?\n", b"saliency maps show?\n\nOpen ends.\n", 1)
    assert answers(mine, [FOCUS, PAIR], GIVEN).of == {"focus": "Open ends."}


def test_a_heading_in_code_is_none_and_nothing_is_lost():
    text = "# focus\n```\n# pair\n```\nafter\n# Something else\nkept\n"
    found = answers(text.encode(), [FOCUS, PAIR])
    assert found.of == {"focus": "```\n# pair\n```\nafter"}
    assert found.rest == "# Something else\nkept"
    assert answers(b"no heading at all \xff", [FOCUS]).rest == "no heading at all \ufffd"
    assert answers(b"x" * (LONGEST + 1), [FOCUS]).cut


def test_cells_of_markdown_are_answers():
    cells = [
        {"cell_type": "markdown", "source": ["# focus\n", "mine"]},
        {"cell_type": "code", "source": "def split(model, layer):\n    return model"},
        {"cell_type": "markdown", "source": "more"},
    ]
    made = notebooks.module(json.dumps({"cells": cells, "nbformat": 4}).encode())
    assert made.defines == {"split"}
    assert answers(made.prose.encode(), [FOCUS]).of == {"focus": "mine\n\nmore"}


HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt&#58;alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "![x](https://evil.example/a.png)",
    '![x](a.png "onload=alert(1)")',
    "<a href='https://evil.example' style='position:fixed'>x</a>",
    "<https://evil.example/>",
    "[x][y]\n\n[y]: https://evil.example 'a\"b'",
    "</div></main><form action=https://evil.example>",
    "<style>*{display:none}</style><svg><use href=#x></svg>",
    "```html onclick=1\n</code></pre><script>\n```",
    "a\u202eb\x1b[31m",
    "| <b>x</b> |\n|:-:|\n| y |",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_markdown_is_words(text):
    made = str(rendered(text))
    page = Page(f"<main>{made}</main>")
    assert {tag for tag, _ in page.elements} - {"main"} <= TAGS
    assert not any(attributes for _, attributes in page.elements)
    assert "\u202e" not in made
    assert "\x1b" not in made


def test_markdown_is_shown():
    made = str(rendered("# A\n**b** `c` ~~d~~\n\n- e\n\n| f |\n|---|\n| g |\n\n> h"))
    for tag in ("<h4>A</h4>", "<strong>b</strong>", "<code>c</code>", "<li>e</li>", "<td>g</td>"):
        assert tag in made
    assert "see (link: https://x.example/)" in rendered("[see](https://x.example/)")
    assert "[picture, not shown: losses a.png]" in rendered("![losses](a.png)")


@pytest.mark.parametrize("text", ["![" * 1_000, "> " * 10_000, "x" * 70_000])
def test_long_and_nested_markdown_is_bounded(text):
    assert len(rendered(text)) < 60_000


PICTURE = Figure("images", "samples", {"yours": [[[0.0, 1.0]]]})


def full(*written, hidden=False):
    made = report(
        judge("gan.draws", PASSED, part="gan", function="train", figures=(PICTURE,)),
        judge("split.secret", FAILED, hidden=hidden, figures=(PICTURE,), part="gan"),
    )
    return ForStudent(made).report if not written else made, written


def test_pictures_of_the_part_stand_beside_the_answer():
    one = Written(
        "gan", "GAN", Score(2.0, 4.0), "Why?", "gan", "Because.", (("vague", -1.0),), "Hm."
    )
    made, _ = full(one, hidden=True)
    assert len(written_view(one, made).figures) == 2
    (shown,) = written_view(one, ForStudent(made).report).figures
    assert shown.caption == "samples"


def test_a_student_s_page_shows_answer_mark_and_form():
    one = Written(
        "gan", "GAN", Score(2.0, 4.0), "Why?", "gan", "Because.", (("vague", -1.0),), "Hm."
    )
    two = Written("pair", "Pairs", Score(0.0, 3.0, 3.0))
    made = report(judge("split.right", FAILED, tried="split(m)", actual="0.5"))
    made = type(made)(**{**vars(made), "written": (one, two)})
    text = Page(html.student_page(ForStudent(made), requests=True)).text
    for words in (
        "GAN 2 / 4",
        "Because.",
        "vague −1",
        "Hm.",
        "Pairs ? / 3",
        "Nothing was written.",
        "3 points are for written answers that no person has marked yet",
        "Regrade request for homework 3 Student: ada_1 Check: split.right Points: 0 of 2 "
        "Called: split(m) Came back: 0.5",
        "Check: gan Points: 2 of 4",
    ):
        assert words in text
    assert "Regrade request" not in Page(html.student_page(ForStudent(made))).text
