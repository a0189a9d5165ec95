import io
import re

import pytest
from rich.console import Console

from grader.homework import contract
from grader.records import Figure, Score
from grader.report.deliver import ForInstructor
from grader.report.writers.terminal import show
from report_builders import (
    BLOCKED,
    CRASHED,
    FAILED,
    INVALID,
    NO_WALLS,
    PARTIAL,
    PASSED,
    judge,
    many_mistakes,
    report,
)

HOSTILE = "[bold]b[/bold] [/] \x1b[2J\x1b]0;owned\x07 \u202eevil :smile: \x9bm"


def shown(full, verbose=False, width=120, **options):
    console = Console(file=io.StringIO(), width=width, **options)
    show(ForInstructor(full), console, verbose)
    return console.file.getvalue()


def squeezed(text):
    return " ".join(text.split())


def sample():
    return report(
        judge("good", PASSED, 3.0, message="quiet when passed"),
        judge(
            "bad",
            FAILED,
            2.0,
            title="Sums are right",
            tried="split(model, 1)",
            message="It is twice too large.",
            expected="2.0",
            actual="4.0",
            diagnosis="Not divided by the steps.",
            hint="Divide by steps.",
            where="gan.py:3: return x",
            counterexample="print(split(m, 1))",
            stdout="my own print",
            figures=(Figure("bars", "A caption", {"yours": [1.0]}),),
        ),
        judge("half", PARTIAL, 1.0, fraction=0.999, part="part2"),
        judge("waits", BLOCKED, 1.5, needs=("bad",)),
        judge("waits_too", BLOCKED, 1.0, needs=("bad",)),
        judge("broken", INVALID, 2.0, part="gan", details="grader traceback"),
    )


def test_what_takes_too_long_is_said_of_a_check_that_passed_too():
    pairs = (judge("good", PASSED, cost="It is slow."), judge("bad", FAILED, cost="So is that."))
    text = squeezed(shown(report(*pairs)))
    assert "[good] cost It is slow." in text
    assert "cost So is that." in text
    assert "−" not in squeezed(shown(report(pairs[0])))


def test_it_starts_with_a_bar_for_every_part():
    lines = shown(sample()).splitlines()
    bars = [line for line in lines if "█" in line or "░" in line]
    assert [squeezed(line)[:6].strip() for line in bars] == ["Part 1", "Part 2", "GAN Ge"]
    assert "3 / 7.5" in bars[0]
    assert "0.99 / 1" in bars[1]
    assert bars[1].count("█") == 19
    assert "0 / 2" in bars[2]
    assert "2 undecided" in bars[2]


def test_a_check_that_did_not_pass_says_everything_useful():
    text = squeezed(shown(sample()))
    assert "✗ Sums are right [bad] −2" in text
    assert "hint Divide by steps." not in text  # the mistake itself is named
    assert "hint Divide by steps." in squeezed(shown(sample(), verbose=True))
    for said in (
        "called split(model, 1)",
        "seen It is twice too large.",
        "expected 2.0",
        "got 4.0",
        "looks like Not divided by the steps.",
        "where gan.py:3: return x",
    ):
        assert said in text


def test_points_lost_never_round_to_nothing():
    assert "◐ Title of half [half] −0.01" in squeezed(shown(sample()))


def test_blocked_checks_are_one_line_per_part():
    text = shown(sample())
    assert "2 checks not run: others have to pass first (2.5 points)" in text
    assert "Title of waits" not in text


def test_passed_checks_and_long_evidence_are_for_verbose():
    brief, full = shown(sample()), shown(sample(), verbose=True)
    for said in (
        "Title of good",
        "quiet when passed",
        "my own print",
        "A caption (yours)",
        "Title of waits",
        "grader traceback",
    ):
        assert said not in brief
        assert said in full


@pytest.mark.parametrize("width", [80, 120])
def test_a_part_with_ten_wrong_functions_fits_a_screen(width):
    lines = shown(many_mistakes(10, 2), width=width).splitlines()
    first = lines.index("Part 1: Focused explanation of a slice")
    last = next(i for i, line in enumerate(lines) if line.startswith("Total"))
    assert last - 1 - first <= 40  # a blank line comes before the total
    names = [line.split("[")[1].split(".")[0] for line in lines if "✗" in line]
    assert names == list(contract.FUNCTIONS)[:10][::-1]


def test_a_mistake_is_told_once_and_what_is_left_is_counted():
    text = shown(many_mistakes(12, 3))
    assert text.count("print(x)") == 1
    assert "−24 (2 checks)" in text  # two found the same
    assert "more mistakes (" in text


def test_it_ends_with_the_total_what_is_undecided_and_what_to_fix():
    lines = shown(sample()).splitlines()
    start = lines.index("Total 4 / 10.5 points, 2 undecided")
    end = squeezed(" ".join(lines[start:]))
    assert "could not decide about 2 points. This is not your fault and not counted as 0" in end
    assert end.endswith("Sums are right (+2; 2 more checks need it)")


def test_a_part_where_everything_passed_is_only_a_bar():
    text = shown(report(judge("a"), judge("b", FAILED, part="gan")))
    assert text.count("Focused explanation") == 1
    assert text.count("Generative adversarial network") == 2


def test_full_marks_are_praised_and_nothing_else_is():
    assert "Well done" in shown(report(judge("a")))
    assert "Well done" not in shown(report(judge("a"), judge("b", CRASHED)))


def test_hidden_points_and_missing_walls_are_said():
    text = shown(report(judge("a"), withheld=1.5, sandbox=NO_WALLS))
    assert "1.5 of the points come from hidden checks" in text
    assert "UNSANDBOXED" in text
    assert "UNSANDBOXED" not in shown(sample())


def test_a_hidden_check_is_marked():
    assert "hidden" in shown(report(judge("a", FAILED, hidden=True)))


def test_an_unusable_submission_shows_its_reason():
    assert "could not be graded.\n  The archive is empty.\n" in shown(
        report(reason="The archive is empty.")
    )


def hostile():
    words = dict.fromkeys(
        ("message", "hint", "diagnosis", "tried", "expected", "actual", "where", "stdout"), HOSTILE
    )
    return report(
        judge("a", FAILED, title=HOSTILE, counterexample=HOSTILE, **words),
        name=HOSTILE,
        reason=HOSTILE,
    )


@pytest.mark.parametrize("terminal", [True, False])
def test_student_text_is_never_markup_nor_an_escape(terminal):
    text = shown(hostile(), verbose=True, force_terminal=terminal, color_system=None)
    assert text.count("[bold]b[/bold] [/]") == 13
    assert text.count(":smile:") == 13
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text)
    assert "owned" not in text


def test_colours_are_ours_alone():
    text = shown(hostile(), verbose=True, force_terminal=True, color_system="standard")
    codes = re.findall("\x1b(.[0-9;]*.?)", text)
    assert codes
    assert all(re.fullmatch(r"\[[0-9;]+m", code) for code in codes)


def test_it_is_plain_where_there_is_no_terminal():
    assert "\x1b" not in shown(sample())


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_an_encoding_without_the_signs_gets_plain_ones(encoding):
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding, write_through=True)
    name = judge("a", FAILED, title="Jörg 李", message="≤")
    show(ForInstructor(report(name, judge("b"))), Console(file=file, width=100))
    text = file.buffer.getvalue().decode(encoding)
    assert "x J" in text
    assert "#" in text
    assert "-2" in text


def test_floods_are_capped():
    flood = report(judge("a", FAILED, message="line\n" * 10**4, actual="y" * 10**5))
    assert len(shown(flood).splitlines()) < 80


def test_a_bar_is_full_only_with_full_marks():
    def cells(score):
        return shown(report(scores={"gan": score})).count("█")

    assert [cells(Score(x, 28)) for x in (0, 0.001, 14, 27.999, 28)] == [0, 1, 10, 19, 20]


@pytest.mark.parametrize("before", range(60, 130, 5))
def test_no_line_of_the_terminal_begins_with_a_name_or_a_reason(before):
    words = "x" * before + " Total 100 / 100 points"
    text = shown(report(name=words, reason=f"None is here: {words}."))
    assert [line for line in text.splitlines() if line.startswith("Total 1")] == []


def test_a_name_that_shows_nothing_gives_way_to_the_id_in_the_terminal():
    assert "Homework 3: ada_1\n" in shown(report(name="\u202e\u200b", id="ada_1"))


def test_one_cause_is_printed_once_and_is_what_to_fix_first():
    missing = {"message": "part1_focused.py is not in the submission."}
    full = report(*(judge(name, FAILED, 1.0, **missing) for name in "abc"))
    text = shown(full)
    assert text.count("seen") == 1
    assert "[a]  −3 (3 checks)" in text
    assert (
        "Fix first: part1_focused.py is not in the submission (up to +3; 2 more checks need" in text
    )


def test_a_narrow_terminal_has_no_bar_and_labels_above_words():
    text = shown(report(judge("a", FAILED, message="Seen.")), width=40)
    assert "█" not in text
    assert "    seen\n      Seen." in "\n".join(line.rstrip() for line in text.splitlines())
    assert max(map(len, text.splitlines())) <= 40
