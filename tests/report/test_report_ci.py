"""What CI systems get of a report: JUnit, annotations, points, code quality and Markdown."""

import json
import re
from dataclasses import replace
from html import unescape
from xml.etree import ElementTree as ET

import pytest

from ci_readers import Markdown, carried_out, junit_problems
from grader.cli.ci import hand_over, system
from grader.homework import contract
from grader.report.analysis.source_lines import Place, folder_in, place_of, to_mark
from grader.report.deliver import ForStudent
from grader.report.writers import github, gitlab
from grader.report.writers.junit import junit
from grader.report.writers.markdown import summary
from hostile import everything
from report_builders import (
    BLOCKED,
    CRASHED,
    FAILED,
    INVALID,
    NO_WALLS,
    PARTIAL,
    PASSED,
    Page,
    judge,
    many_mistakes,
    report,
    student_page,
)

TITLE = "Be right on linear slices and on maps, on networks of any kind"

ACTING = (
    "\n::error file=x::forged\n ::stop-commands::x\n##[error]forged %0A::warning::forged"
    "\r::debug::x"
    " </summary></pre><img src=x> @everyone |a|b| `code` [l](https://evil.invalid) www.evil.invalid"
    " \x1b[31mred\x1b[0m \x1b]8;;https://evil.invalid\x07l\x1b]8;;\x07 #1 **bold** $x$ ]]>"
    " \ufffe\x00\udce9"
)

SOURCE = (
    b"import torch\n\n\ndef split(model, layer):\n    return 1\n\ndef split_not(x):\n    pass\n"
)


def with_files(made, **files):
    named = {name.replace("_py", ".py"): content for name, content in files.items()}
    return replace(made, submission=replace(made.submission, files=named))


def sample(**rest):
    return with_files(
        report(
            judge("good", PASSED, 3.0, function="linear_scores"),
            judge("bad", FAILED, 2.0, message="Too large.", expected="1", actual="2"),
            judge("half", PARTIAL, 1.0, fraction=0.25, message="Half.", function="top_neurons"),
            judge(
                "stopped", CRASHED, 4.0, message="It raised.", where="part1_focused.py:5: return 1"
            ),
            judge("waits", BLOCKED, 1.5, needs=("bad",), message="Waits for bad."),
            judge("secret", FAILED, 5.0, hidden=True, title="Secret title", message="secret"),
            **rest,
        ),
        part1_focused_py=SOURCE,
    )


def undecided():
    return report(
        judge("good", PASSED, 3.0),
        judge("broken", INVALID, 2.0, details="Traceback of ours", function="top_neurons"),
    )


def cases_in_order(made):
    text = junit(ForStudent(made))
    assert junit_problems(text) == ""
    return list(ET.fromstring(text).iter("testcase"))


def cases_in(made):
    return {t.get("name"): t for t in cases_in_order(made)}


def test_in_junit_every_status_is_what_it_is():
    found = {n: [e.tag for e in t if e.tag != "properties"] for n, t in cases_in(sample()).items()}
    assert found == {
        "Title of good": [],
        "Title of bad": ["failure"],
        "Title of half": ["failure"],
        "Title of stopped": ["error"],
        "Title of waits": ["skipped"],
    }
    root = ET.fromstring(junit(ForStudent(sample())))
    counts = {n: root.get(n) for n in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "5", "failures": "2", "errors": "1", "skipped": "1"}


def test_in_junit_a_test_says_its_points_and_where_it_points():
    test = cases_in(sample())["Title of half"]
    properties = {p.get("name"): p.get("value") for p in test.iter("property")}
    assert properties == {"id": "half", "points": "1", "earned": "0.25"}
    assert (test.get("classname"), test.get("file")) == ("part1.top_neurons", "part1_focused.py")
    failure = cases_in(sample())["Title of bad"].find("failure")
    assert failure.get("message") == "Too large."
    assert failure.text == "Too large.\nexpected: 1\ngot: 2"
    assert cases_in(sample())["Title of stopped"].get("line") == "5"
    assert cases_in(sample())["Title of waits"].find("skipped").get("message") == "Waits for bad."


def test_in_junit_the_undecided_is_an_error_of_the_grader_s_and_no_zero():
    test = cases_in(undecided())["Title of broken"]
    assert "not counted as 0" in test.find("error").get("message")
    earned = {p.get("name"): p.get("value") for p in test.iter("property")}["earned"]
    assert earned == "undecided"
    assert "Traceback of ours" not in junit(ForStudent(undecided()))


@pytest.mark.parametrize("made", [everything(), everything(ACTING, ACTING)])
def test_in_junit_hostile_words_are_words(made):
    text = junit(ForStudent(made))
    assert junit_problems(text) == ""
    assert not re.search("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", text)


def test_a_place_is_the_line_that_raised_else_the_function_s_else_the_file_s_first():
    files = {"part1_focused.py": SOURCE, "own.py": b"x\r\ny\r\n"}

    def place(where, function="split"):
        return place_of(*judge("bad", FAILED, function=function, where=where), files)

    assert place("own.py:2: y") == Place("own.py", 2)
    assert place("own.py:2") == Place("own.py", 2)
    function = Place("part1_focused.py", 4)
    for forged in ("own.py:3: z", "own.py:0: z", "/etc/passwd:1: root", "../own.py:1", "::1", ""):
        assert place(forged) == function
    assert place("", "not_there") == Place("part1_focused.py", 1)
    assert place_of(*judge("bad", FAILED, part="gan", function="train"), files) is None


def test_the_last_of_two_definitions_is_meant():
    twice = SOURCE + b"split = lambda model, layer: 2\n"
    assert place_of(*judge("bad", FAILED), {"part1_focused.py": twice}).line == 9


def test_a_folder_is_named_from_the_root_of_the_repository(tmp_path):
    (tmp_path / "work" / "hw").mkdir(parents=True)
    (tmp_path / "a.zip").write_bytes(b"")
    assert folder_in(str(tmp_path), tmp_path / "work" / "hw") == "work/hw"
    assert folder_in(str(tmp_path), tmp_path) == ""
    assert folder_in(str(tmp_path / "work" / "hw"), tmp_path / "work") is None
    assert folder_in(str(tmp_path), tmp_path / "a.zip") is None
    assert to_mark(sample(), "work/hw")[0][1].file == "work/hw/part1_focused.py"


def test_annotations_lead_with_what_to_fix_first_on_the_student_s_lines():
    assert github.commands(ForStudent(sample()), "hw") == [
        "::error file=hw/part1_focused.py,line=5,title=split%3A Title of stopped (+4)::It raised.",
        "::error file=hw/part1_focused.py,line=4,"
        "title=split%3A Title of bad (+2; 1 more check needs it)::"
        "Too large.%0Aexpected: 1%0Agot: 2",
        "::warning file=hw/part1_focused.py,line=1,"
        "title=top_neurons%3A Title of half (+0.75)::Half.",
    ]


def test_at_most_ten_lines_are_marked():
    many = [judge(f"c{n}", FAILED, message=f"{n}", diagnosis=f"{n}") for n in range(30)]
    made = with_files(report(*many), part1_focused_py=SOURCE)
    assert (
        len(github.commands(ForStudent(made)))
        == len(json.loads(gitlab.code_quality(ForStudent(made))))
        == 10
    )


def test_an_annotation_is_one_command_whatever_it_says():
    told = {"message": ACTING, "expected": ACTING, "hint": ACTING, "where": "part1_focused.py:1"}
    made = report(judge("bad", FAILED, title=ACTING, function=f"f,:%{ACTING}", **told))
    made = with_files(made, part1_focused_py=SOURCE)
    (command,) = github.commands(ForStudent(made), "a,b:c%d")
    ((kind, properties, message),) = carried_out(command)
    assert (kind, set(properties)) == ("error", {"file", "line", "title"})
    assert (properties["file"], properties["line"]) == ("a,b:c%d/part1_focused.py", "1")
    assert "forged %0A::warning::forged" in message
    assert "\x1b" not in command


def test_code_quality_names_severity_path_and_line():
    found = json.loads(gitlab.code_quality(ForStudent(sample()), "hw"))
    assert [(f["severity"], f["check_name"]) for f in found] == [
        ("critical", "stopped"),
        ("major", "bad"),
        ("minor", "half"),
    ]
    assert found[1]["location"] == {"path": "hw/part1_focused.py", "lines": {"begin": 4}}
    assert len({f["fingerprint"] for f in found}) == 3


def test_a_finding_is_known_again_on_another_line():
    moved = with_files(sample(), part1_focused_py=b"\n\n" + SOURCE)
    before, after = (
        json.loads(gitlab.code_quality(ForStudent(made))) for made in (sample(), moved)
    )
    assert before[1]["location"] != after[1]["location"]
    assert before[1]["fingerprint"] == after[1]["fingerprint"]


def test_a_finding_is_one_line_of_printable_words():
    told = {"message": ACTING, "where": "part1_focused.py:1"}
    made = with_files(report(judge("bad", FAILED, **told)), part1_focused_py=SOURCE)
    (found,) = json.loads(gitlab.code_quality(ForStudent(made)))
    assert "forged" in found["description"]
    assert found["description"].isprintable()


def test_the_summary_says_total_parts_and_what_to_fix_first():
    shown = Markdown(summary(ForStudent(sample(left_out=3, sandbox=NO_WALLS))))
    for words in (
        "## Homework 3: 3.25 / 16.5 points",
        "**UNSANDBOXED**",
        "| **Part 1** | Focused explanation of a slice | 1 of 5 | 3.25 / 16.5 |",
        "3 checks were not run this time",
        "5 of the points come from hidden checks",
        "**1. split: Title of stopped** (+4)",
        "**2. split: Title of bad** (+2; 1 more check needs it)",
        "All checks that did not pass (4)",
    ):
        assert words in shown.ours, words
    assert shown.quoted[0].startswith("seen        It raised.\nwhere")
    assert shown.quoted[1] == "Too large.\n"  # what was expected stands in the log


def test_all_of_them_say_the_same_once_and_what_costs_most_first():
    made = with_files(many_mistakes(10, 2), part1_focused_py=SOURCE, part2_comparative_py=b"\n")
    told = ForStudent(made)
    words = summary(told)
    first_screen = words[words.index("### What to fix first") : words.index("<details>")]
    lines = [line for line in first_screen.splitlines() if line and not line.startswith("<")]
    assert len(lines) <= 40
    assert words.count("print(x)") == 1
    names = list(contract.FUNCTIONS)[:10][::-1]
    assert re.findall(r"\*\*\d+\. (\w+): ", unescape(first_screen)) == names
    titles = [re.search("title=(.*?)%3A", line)[1] for line in github.commands(told)]
    assert titles == names
    rows = [a for a in Page(student_page(made)).all("details") if "id" in a]
    found = [a["id"].removeprefix("check-").partition(".")[0] for a in rows]
    assert list(dict.fromkeys(found)) == names
    assert sum("open" in a for a in rows) == 1
    full = [t.find("failure").text for t in cases_in_order(made)]
    assert [text.count("looks like") for text in full] == [1, 0] * 10
    assert full[1].endswith(f"The same mistake as in {names[-1]}: {TITLE} 0.")


def test_the_summary_says_what_is_undecided():
    shown = Markdown(summary(ForStudent(undecided()))).ours
    assert "could not decide about 2 points" in shown
    assert "not counted as 0" in shown
    assert "| undecided |" in shown


def test_the_summary_praises_what_is_complete_only():
    assert "Well done" in summary(ForStudent(report(judge("good"))))
    assert "Well done" not in summary(ForStudent(report(judge("good"), left_out=1)))


@pytest.mark.parametrize("made", [everything(), everything(ACTING, ACTING)])
def test_the_summary_quotes_a_submission_and_reads_nothing_in_it(made):
    shown = Markdown(summary(ForStudent(made)))
    for acts in ("forged", "@", "evil", "<img", "`", "\x1b"):
        assert acts not in re.sub(r"&#\d+;", "", _without_titles(shown.ours)), acts
    assert all("<" not in block for block in shown.raw)


def _without_titles(text):
    """Titles are the grader's own, and the next test's."""
    rows = [line for line in text.split("\n") if not line.startswith(("|", "**"))]
    return "\n".join(rows)


def test_titles_hold_no_markup_either():
    made = report(judge("bad", FAILED, title="a|b *c* `d` <e> @f [g](https://h) _i_"))
    (row,) = re.findall(r"\| split \|(.*)\| Not right", summary(ForStudent(made)))
    assert not re.search(r"[|*`<>@\[\]_]|://", row)
    assert unescape(row).strip() == "a|b *c* `d` <e> @f [g](https://h) _i_"


def test_a_summary_fits_however_much_is_said():
    long = "x\n" * 100_000
    told = dict.fromkeys(("message", "hint", "diagnosis", "tried", "expected", "actual"), long)
    many = [judge(f"c{n}", FAILED, title=long, **told) for n in range(300)]
    assert len(summary(ForStudent(report(*many))).encode()) < 2**18


@pytest.mark.parametrize("make", [junit, summary, gitlab.code_quality])
def test_hidden_checks_are_in_nothing(make):
    text = make(ForStudent(sample()))
    assert "ecret" not in text.replace("hidden checks", "")


@pytest.mark.parametrize(
    ("wish", "variables", "found"),
    [
        (None, {}, "none"),
        (None, {"GITHUB_ACTIONS": "true"}, "github"),
        (None, {"GITLAB_CI": "true"}, "gitlab"),
        ("none", {"GITHUB_ACTIONS": "true"}, "none"),
        ("gitlab", {}, "gitlab"),
    ],
)
def test_a_system_is_told_by_its_variables_or_by_a_wish(wish, variables, found):
    assert system(wish, variables) == found


def test_what_cannot_be_written_is_a_sentence_each(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    variables = {"GITHUB_STEP_SUMMARY": str(blocked / "summary")}
    commands, problems = hand_over("github", ForStudent(sample()), tmp_path, variables)
    assert [p.split(" ")[1] for p in problems] == ["summary"]
    assert commands == []  # it lies outside of the repository
    _, problems = hand_over("github", ForStudent(sample()), tmp_path, {})
    assert problems == ["The summary for GitHub is not written: GITHUB_STEP_SUMMARY is not set."]
    _, problems = hand_over(
        "gitlab", ForStudent(sample()), tmp_path, {"CI_PROJECT_DIR": str(blocked)}
    )
    assert len(problems) == 2
    assert all(p.count("\n") == 0 and "cannot be written" in p for p in problems)


def test_what_others_wrote_for_github_stays(tmp_path):
    file = tmp_path / "summary"
    file.write_text("before\n")
    hand_over("github", ForStudent(sample()), tmp_path, {"GITHUB_STEP_SUMMARY": str(file)})
    assert file.read_text().startswith("before\n## Homework 3")
