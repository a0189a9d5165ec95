import math

import pytest

from grader.records import Score, Status
from grader.report import labels, numbers
from grader.report.analysis.fix_first import (
    by_part,
    fix_first,
    passed_everything,
    status_of,
    unsandboxed,
)
from grader.text import capped, one_line, printable
from report_builders import BLOCKED, CRASHED, FAILED, INVALID, PARTIAL, PASSED, judge, report


@pytest.mark.parametrize(
    ("earned", "possible", "text"),
    [
        (32, 32, "32 / 32"),
        (0, 32, "0 / 32"),
        (12.5, 32, "12.5 / 32"),
        (1 / 3, 2.5, "0.33 / 2.5"),
        (31.9999, 32, "31.99 / 32"),
        (0.0001, 32, "0.01 / 32"),
        (99.995, 100, "99.99 / 100"),
        (sum([0.1] * 10), 1, "1 / 1"),
        (0.004, 0.012, "0.004 / 0.01"),
        (33, 32, "33 / 32"),
        (20, 100, "20 / 100"),
    ],
)
def test_points_round_to_full_marks_or_zero_only_where_true(earned, possible, text):
    assert numbers.points(earned, possible) == text


@pytest.mark.parametrize("full", [0.02, 0.5, 1.0, 3.0, 32.0, 100.0])
def test_no_share_in_between_ever_looks_full_or_empty(full):
    for exponent in range(1, 8):
        for value in (full * 10.0**-exponent, full * (1 - 10.0**-exponent)):
            assert 0.0 < float(numbers.fixed(value, full)) < full
            assert 1.0 <= numbers.share(value, full) <= 99.0


def test_bars_are_full_and_empty_where_true():
    assert numbers.share(3, 3) == numbers.share(4, 3) == 100.0
    assert numbers.share(0, 3) == numbers.share(0, 0) == numbers.share(-1, 3) == 0.0
    assert numbers.share(1, 3) == 33.3


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]0;never closed\nnext line", "\nnext line"),
        ("\x9b2Jcleared", "cleared"),
        ("\x1bcreset", "reset"),
        ("\x1b\x1b[31m[31mtwice", "[31mtwice"),
        ("abc\u202edef\u2066g\u200f", "abcdefg"),
        ("a\x00b\x07c\x08d\x7fe", "abcde"),
        ("zero\u200bwidth\ufeff\u2060", "zerowidth"),
        ("tag\U000e0041", "tag"),
        ("lone\ud800surrogate", "lone\ufffdsurrogate"),
        ("non\uffffcharacter\U0001fffe", "non\ufffdcharacter\ufffd"),
        ("joi\u200dned \u200d\u200c", "joined "),
        ("é\u200d\u200dé", "éé"),
        ("Hangul \u3164\u115f\uffa0filler", "Hangul filler"),
        ("se\ufe00lec\U000e0101tor", "selector"),
        ("z\u0336\u030d\u0489\u0336\u0336\u030da", "z\u0336\u030d\u0489\u0336a"),
        ("10%\r20%\r\n30%\x85\u2028", "10%\n20%\n30%\n\n"),
    ],
)
def test_what_acts_instead_of_showing_is_stripped(text, shown):
    assert printable(text) == shown


@pytest.mark.parametrize(
    "text", ["plain", "a\n\tb", "Jörg", "李雷", "می‌خواهم", "👩‍🔬", "❤️", "שָׁלוֹם", "e\u0301", "½ ≤ −1"]
)
def test_ordinary_text_is_printable_as_it_is(text):
    assert printable(text) == text


def test_long_text_keeps_its_beginning_and_end():
    text = capped("a" * 5000 + "z" * 5000, limit=400)
    assert text.startswith("a" * 300 + "\n")
    assert text.endswith("\n" + "z" * 100)
    assert "9600 characters left out" in text


def test_many_lines_keep_the_first_and_the_last():
    text = capped("\n".join(map(str, range(1000))), limit=10**6, lines=8)
    assert text.split("\n") == [
        "0",
        "1",
        "2",
        "3",
        "4",
        "5",
        "… 992 lines left out …",
        "998",
        "999",
    ]


@pytest.mark.parametrize("end", ["\r", "\r\n", "\x0b", "\x85", "\u2028"])
def test_lines_are_counted_however_they_end(end):
    text = printable(capped(end.join(map(str, range(1000))), lines=8))
    assert text.count("\n") == 8
    assert "992 lines left out" in text


def test_short_text_is_not_capped():
    assert capped("a\nb") == "a\nb"


def test_one_line_is_one_line():
    assert one_line("a\n b\t\tc\x1b[1m") == "a b c"
    assert one_line("x" * 500, 10) == "x" * 9 + "…"


@pytest.mark.parametrize(
    ("value", "text"),
    [(-0.25, "−0.25"), (1234.5, "1.23e+03"), (math.nan, "not a number"), (-math.inf, "−∞")],
)
def test_measured_values_are_short(value, text):
    assert numbers.short(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.44, "0.4 s"), (12.3, "12 s"), (185.0, "3 min 05 s"), (7800.0, "2 h 10 min")],
)
def test_durations(seconds, text):
    assert numbers.duration(seconds) == text


def test_every_status_has_a_word_and_two_marks():
    for words in (labels.WORDS, labels.MARKS, labels.PLAIN_MARKS):
        assert set(words) == set(Status)
        assert len(set(words.values())) == len(Status)
    assert "".join(labels.PLAIN_MARKS.values()).isascii()


def test_part_names():
    assert [labels.part_label(part) for part in ("part2", "gan", "warmup")] == [
        "Part 2",
        "GAN",
        "Warmup",
    ]
    assert labels.part_title("part3") == "Model compression"
    assert labels.part_title("warmup") == "Unsupervised learning"
    assert labels.part_title("appendix") == "Appendix"  # the homework has no such part


def test_fix_first_ranks_by_what_can_be_won():
    full = report(
        judge("small", FAILED, 1.0, function="scale_pixels"),
        judge("passed", PASSED, 9.0),
        judge("undecided", INVALID, 9.0),
        judge("half", PARTIAL, 6.0, fraction=0.5, function="top_neurons"),
        judge("root", CRASHED, 2.0),
        judge("behind", BLOCKED, 3.0, needs=("root",)),
        judge("further", BLOCKED, 4.0, needs=("behind",)),
        judge("elsewhere", BLOCKED, 8.0, needs=("undecided",)),
    )
    advice = fix_first(full)
    assert [(a.check.id, a.lost, a.waiting, a.waiting_points) for a in advice] == [
        ("root", 2.0, 2, 7.0),
        ("half", 3.0, 0, 0.0),
        ("small", 1.0, 0, 0.0),
    ]
    assert [a.check.id for a in fix_first(full, 1)] == ["root"]


def test_equal_checks_keep_the_homeworks_order_whatever_the_noise():
    first = judge("first", PARTIAL, 0.3, fraction=0.0, function="top_neurons")
    second = judge("second", PARTIAL, 0.1 + 0.2, fraction=0.0)
    assert [a.check.id for a in fix_first(report(first, second))] == ["first", "second"]


def test_parts_keep_their_order_and_unscored_ones_come_last():
    full = report(
        judge("a", part="warmup"), judge("b", part="part2"), scores={"part2": Score(2, 2)}
    )
    assert list(by_part(full)) == ["part2", "warmup"]


def test_full_marks_need_everything_decided_and_something_to_earn():
    assert passed_everything(report(judge("a")))
    assert not passed_everything(report())
    assert not passed_everything(report(judge("a"), judge("b", FAILED)))
    assert not passed_everything(report(judge("a"), reason="No file."))
    assert not passed_everything(report(scores={"gan": Score(2, 2, 1)}))


def test_the_status_of_a_submission():
    assert status_of(report(judge("a", FAILED))) == "graded"
    assert status_of(report(judge("a", INVALID))) == "undecided"
    assert status_of(report(judge("a", INVALID), reason="No file.")) == "No file."


@pytest.mark.parametrize(
    ("sandbox", "answer"),
    [
        ({"mode": "none"}, True),
        ({"mode": "odd", "unsandboxed": True}, True),
        ({"mode": "lockdown", "unsandboxed": False}, False),
        ({}, False),
    ],
)
def test_running_without_walls_is_seen(sandbox, answer):
    assert unsandboxed(report(sandbox=sandbox)) is answer


def test_one_cause_is_one_thing_to_fix():
    """A file that is not there fails many checks, and is fixed once."""
    gone = "gan.py is not in the submission"
    pairs = [judge(f"gone{n}", FAILED, 2.0, part="gan", message=gone) for n in range(3)]
    called = [
        judge(f"{f}{n}", FAILED, 1.0, message="it differs", tried=f"f({n})", function=f)
        for f in ("split", "top_neurons")
        for n in range(2)
    ]
    first, *others = fix_first(report(*pairs, *called))
    assert (first.check.id, first.lost + first.waiting_points, first.waiting) == ("gone0", 6.0, 2)
    assert [(a.check.id, a.alike) for a in others] == [("split0", 1), ("top_neurons0", 1)]
