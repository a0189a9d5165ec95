from dataclasses import replace

import pytest

from grader.records import Figure, Score
from grader.report.analysis.fix_first import fix_first
from report_builders import (
    BLOCKED,
    CRASHED,
    FAILED,
    INVALID,
    NO_WALLS,
    PARTIAL,
    PASSED,
    Page,
    index_page,
    instructor_page,
    judge,
    report,
    rich_report,
    student_page,
)

PAGES = {
    "student": student_page,
    "instructor": instructor_page,
    "index": lambda full: index_page([full, full], seconds=3.0),
}
every_page = pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)


def test_figures_are_drawn():
    parsed = Page(student_page(rich_report()))
    assert len(parsed.all("img")) == 4  # two maps, their scale, one sheet of images
    assert len([svg for svg in parsed.all("svg") if svg["class"] == "chart"]) == 2
    assert parsed.all("polyline")
    assert "not finite" in parsed.text


def test_the_result_comes_first_and_never_rounds_to_full_marks():
    full = report(judge("a"), scores={"part1": Score(31.999, 32), "gan": Score(28, 28)})
    parsed = Page(student_page(full))
    assert "31.99 / 32" in parsed.text
    assert "59.99 of 60 points" in parsed.text
    widths = [r["width"] for r in parsed.all("rect") if r["class"] == "bar-earned"]
    assert widths == ["99.0", "99.0", "100.0"]


def test_what_to_fix_first_is_ranked_and_says_what_waits():
    text = student_page(
        report(
            judge("small", FAILED, 1.0, title="Small one", hint="Look here."),
            judge("root", CRASHED, 2.0, title="Root one", diagnosis="A known mistake."),
            judge("behind", BLOCKED, 3.0, title="Behind", needs=("root",)),
        )
    )
    fixes = text[text.index("What to fix first") : text.index('class="part"')]
    assert fixes.index("Root one") < fixes.index("up to +5") < fixes.index("A known mistake.")
    assert fixes.index("A known mistake.") < fixes.index("Small one") < fixes.index("Look here.")
    assert "2 points; 1 more check (3 points) could not run until this one passes" in fixes
    assert "Behind" not in fixes


def test_nothing_to_fix_says_nothing():
    text = student_page(report(judge("a")))
    assert "What to fix first" not in text
    assert "Well done" in text


def test_of_each_part_the_mistake_that_costs_most_comes_first_and_is_open():
    pairs = [judge(f"bad{n}", FAILED, message=f"Seen {n}") for n in range(9)]
    worst = judge("worst", FAILED, 9.0, message="Seen")
    fine = judge("fine", PASSED, message="All is well.")
    other = judge("other", FAILED, 1.0, message="Seen there", part="part2")
    parsed = Page(student_page(report(fine, *pairs, worst, other)))
    rows = [a["id"] for a in parsed.all("details")]
    assert [a["id"] for a in parsed.all("details") if "open" in a] == ["check-worst", "check-other"]
    assert (rows[0], rows[-2]) == ("check-worst", "check-fine")


def test_a_mistake_is_explained_once_and_its_sentence_is_there_while_it_is_closed():
    same = {"diagnosis": "Ranked by absolute values.", "tried": "f(x)", "hint": "Look."}
    parsed = Page(
        student_page(
            report(
                judge("worse", FAILED, 3.0, tried="g(x)", message="Off.", function="top_neurons"),
                judge("a", FAILED, 1.0, message="1", **same),
                judge("b", FAILED, 1.5, message="2", **same),
            )
        )
    )
    assert parsed.text.count("Likely mistake: Ranked by absolute values.") == 1
    assert "1 more check found the same (1 point)" in parsed.text
    assert "The same mistake as in Title of b" in parsed.text
    rows = [a.get("id") for a in parsed.all("details")]
    assert rows == ["check-worse", "check-b", None, "check-a"]


def test_what_takes_too_long_is_shown_where_a_check_passed():
    slow = judge("slow", PASSED, cost="It made 600 passes <b>, where 50 suffice.")
    for page in (student_page, instructor_page):
        parsed = Page(page(report(judge("fine", PASSED, message="Well."), slow)))
        assert "It made 600 passes <b>, where 50 suffice." in parsed.text
        assert [a["id"] for a in parsed.all("details") if "open" in a] == ["check-slow"]


def test_a_check_with_nothing_to_tell_has_nothing_to_open():
    parsed = Page(student_page(report(judge("silent", PASSED, function="none of ours"))))
    assert parsed.all("details") == []
    assert "Title of silent" in parsed.text


def test_every_status_is_a_word_not_only_a_colour():
    statuses = (PASSED, PARTIAL, FAILED, CRASHED, BLOCKED, INVALID)
    parsed = Page(student_page(report(*(judge(s.value, s) for s in statuses))))
    for word in ("Passed", "Partly right", "Not right yet", "Stopped early", "Waiting"):
        assert word in parsed.text
    assert "Undecided" in parsed.text


def test_all_that_a_student_can_use_is_on_the_page():
    words = {
        "tried": "split(model, 1)",
        "message": "Twice too large.",
        "expected": "2.0",
        "actual": "4.5",
        "diagnosis": "Not divided.",
        "hint": "Divide.",
        "where": "gan.py:3: return x",
        "counterexample": "print(  1)",
        "stdout": "my\nprint",
    }
    page = student_page(report(judge("bad", FAILED, **words)))
    assert [value for value in words.values() if value not in page] == []
    assert page.index("print(  1)") > page.index("<pre")


def test_undecided_points_are_said_and_not_counted_as_lost():
    parsed = Page(student_page(rich_report()))
    assert "could not decide about 3 points. This is not counted as 0." in parsed.text
    assert "tell your instructor" in parsed.text
    assert "? / 3" in parsed.text
    assert "could not decide" not in Page(student_page(report(judge("a")))).text


def test_hidden_points_are_counted_aloud_for_the_student_and_shown_to_the_instructor():
    student = Page(student_page(rich_report())).text
    assert "5 of the 20 points come from hidden checks" in student
    assert "Secret title" not in student
    instructor = Page(instructor_page(rich_report())).text
    assert "come from hidden checks" not in instructor
    assert "Secret title" in instructor
    assert "hidden, do not hand out" in instructor
    assert "Do not hand it out." in instructor


def test_everything_visible_passed_is_not_full_marks():
    full = report(judge("a"), judge("secret", FAILED, hidden=True))
    text = Page(student_page(full)).text
    assert "Every check on this page passed." in text
    assert "Well done" not in text


def test_the_graders_traceback_is_the_instructors():
    assert "Traceback of ours" not in student_page(rich_report())
    assert "Traceback of ours" in instructor_page(rich_report())


@pytest.mark.parametrize("sandbox", [NO_WALLS, {"mode": "none"}])
def test_running_without_walls_is_said_on_every_page(sandbox):
    full = rich_report(sandbox=sandbox)
    assert "UNSANDBOXED" in Page(instructor_page(full)).text
    assert (
        "1 of 2 submissions ran without a sandbox" in Page(index_page([full, rich_report()])).text
    )
    assert "Every submission ran without a sandbox" in Page(index_page([full])).text
    student = Page(student_page(full)).text
    assert "UNSANDBOXED" in student
    assert "ran without a sandbox" in student


@every_page
def test_walls_are_not_called_missing(page):
    text = Page(page(rich_report())).text
    assert "UNSANDBOXED" not in text
    assert "without a sandbox" not in text


@every_page
def test_an_unusable_submission_shows_its_reason(page):
    text = Page(page(report(reason="The archive holds no gan.py."))).text
    assert "The archive holds no gan.py." in text


@every_page
def test_the_environment_is_in_the_footer(page):
    text = page(rich_report())
    assert "torch" in text[text.index("<footer") :]
    assert "2.9.0" in text[text.index("<footer") :]


def test_floods_of_text_and_figures_are_cut():
    figures = tuple(Figure("bars", f"Bars {n}", {"a": [1.0]}) for n in range(50))
    full = report(judge("a", FAILED, message="x" * 10**6, stdout="y\n" * 10**6, figures=figures))
    page = student_page(full)
    assert len(page) < 100_000
    assert "44 more figures not shown" in page
    assert len([svg for svg in Page(page).all("svg") if svg["class"] == "chart"]) == 6
    assert "characters left out" in page


def test_the_class_page_links_both_pages_of_everyone():
    reports = [rich_report(id=name) for name in ("ada", "a/../b c", "jörg", "javascript:alert(1)")]
    links = [a["href"] for a in Page(index_page(reports)).all("a")]
    looked_at = len(links) - 8
    assert links[looked_at:] == [
        f"{folder}/{page}.html"
        for folder in ("ada", "a%2F..%2Fb%20c", "j%C3%B6rg", "javascript%3Aalert%281%29")
        for page in ("report", "instructor")
    ]


@every_page
def test_a_name_that_shows_nothing_gives_way_to_the_id(page):
    text = Page(page(rich_report(name="\u202e\u3164", id="ada_1"))).text
    assert "ada_1" in text


@pytest.mark.parametrize("name", ["..", ".", ""])
def test_an_id_that_is_a_step_gets_no_link(name):
    assert Page(index_page([report(id=name)])).all("a") == []


def test_the_class_page_shows_scores_and_the_class_in_numbers():
    reports = [
        report(scores={"part1": Score(10, 32)}, id="one"),
        report(scores={"part1": Score(20, 32), "gan": Score(1, 28)}, id="two"),
        report(scores={"part1": Score(0, 32, 4)}, id="three"),
        report(scores={"part1": Score(0, 32)}, reason="No file.", id="four"),
    ]
    text = Page(index_page(reports, "Homework 3, spring", 125)).text
    assert text.count("Homework 3, spring") == 2
    assert "Submissions 4 Median 10 / 60 Undecided 1 Unusable 1 Graded in 2 min 05 s" in text
    assert "Part 1 GAN" in text
    assert "21 / 60" in text


def test_the_class_page_without_time_or_class():
    assert "Graded in" not in index_page([report()])
    assert "No submissions." in index_page([])


def test_a_cause_is_fixed_before_what_it_causes():
    effect = judge("b", FAILED, 5.0, message="1")
    effect = (replace(effect[0], causes=("c", "a")), effect[1])
    full = report(
        judge("a", FAILED, 1.0, message="2"), effect, judge("d", FAILED, 3.0, message="3")
    )
    assert [advice.check.id for advice in fix_first(full)] == ["a", "b", "d"]


def test_a_mistake_that_several_checks_found_is_one_thing_to_fix():
    same = {"diagnosis": "Behind the softmax.", "tried": "f(x)"}
    full = report(
        judge("a", FAILED, 1.0, message="1", **same),
        judge("b", FAILED, 1.5, message="2", part="part2", **same),
        judge("c", FAILED, 2.0, message="3", tried="g(x)"),
    )
    first, second = fix_first(full)
    assert (first.check.id, first.alike, first.points) == ("b", 1, 2.5)
    assert second.check.id == "c"
    text = Page(student_page(full)).text
    assert "1.5 points; 1 more check (1 point) found the same" in text


def test_functions_that_are_not_written_come_in_the_homework_s_order():
    def unwritten(function, points):
        return judge(
            f"{function}.x",
            FAILED,
            points,
            function=function,
            message=f"{function} is not written yet.",
        )

    full = report(
        unwritten("top_neurons", 1.0), unwritten("path_influence", 3.0), unwritten("split", 2.0)
    )
    order = [advice.check.function for advice in fix_first(full)]
    assert order == ["split", "path_influence", "top_neurons"]
