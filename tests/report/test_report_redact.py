import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from grader.gradebook.table import gradebook
from grader.records import Figure, Outcome
from grader.report.deliver import ForInstructor, ForStudent
from grader.report.redact import redacted
from grader.report.writers import github, gitlab, html, plain, terminal
from grader.report.writers.junit import junit
from grader.report.writers.markdown import summary
from grader.report.writers.results import result
from report_builders import (
    BLOCKED,
    FAILED,
    INVALID,
    PASSED,
    instructor_page,
    judge,
    report,
    student_page,
)

HIDDEN_WORDS = {
    "message": "tokenmessage",
    "hint": "tokenhint",
    "diagnosis": "tokendiagnosis",
    "tried": "tokentried",
    "expected": "tokenexpected",
    "actual": "tokenactual",
    "counterexample": "tokencounterexample",
    "where": "tokenwhere",
    "stdout": "tokenstdout",
    "details": "tokendetails",
}
TOKENS = [
    *HIDDEN_WORDS.values(),
    "tokenid",
    "tokentitle",
    "tokenfunction",
    "tokencaption",
    "tokenarray",
    "tokentraceback",
]


def planted():
    secret = judge(
        "tokenid",
        FAILED,
        3.0,
        title="Secret tokentitle.",
        function="tokenfunction",
        hidden=True,
        figures=(Figure("bars", "tokencaption", {"tokenarray": [1.0]}),),
        **HIDDEN_WORDS,
    )
    return report(
        judge("open", FAILED, 2.0, message="A public message", details="tokentraceback"),
        secret,
        judge("waits", BLOCKED, 1.0, needs=("tokenid",), message="Waits for Secret tokentitle."),
        judge("waits_behind", BLOCKED, 1.0, needs=("waits",), message="needs SECRET  TOKENTITLE"),
        judge("undecided", INVALID, 1.0, needs=("tokenid",), hint="like tokenid"),
    )


def shown_in_terminal(shown):
    console = Console(file=io.StringIO(), width=200)
    terminal.show(shown, console, verbose=True)
    return console.file.getvalue()


def test_every_planted_token_is_in_the_instructors_page_and_json():
    everything = instructor_page(planted()) + json.dumps(result(ForInstructor(planted())))
    assert [token for token in TOKENS if token not in everything] == []


@pytest.mark.parametrize(
    "render",
    [
        student_page,
        lambda full: student_page(redacted(full)),
        lambda full: instructor_page(redacted(full)),
        lambda full: json.dumps(result(ForStudent(full))),
        lambda full: shown_in_terminal(ForStudent(full)),
        lambda full: repr(ForStudent(full)),
    ],
    ids=["page", "redacted page", "instructor's page", "json", "terminal", "repr"],
)
def test_nothing_hidden_is_left(render):
    text = render(planted()).casefold()
    assert [token for token in TOKENS if token in text] == []
    assert "a public message" in text or "feedback" in text


def test_scores_stay_and_hidden_points_are_withheld():
    full = planted()
    shown = redacted(full)
    assert shown.scores == full.scores
    assert shown.withheld == 3.0
    assert [check.id for check in shown.checks] == ["open", "waits", "waits_behind", "undecided"]
    assert [outcome.check_id for outcome in shown.outcomes] == [c.id for c in shown.checks]


def test_a_check_that_waits_for_a_hidden_one_says_so_without_a_name():
    shown = {outcome.check_id: outcome for outcome in redacted(planted()).outcomes}
    assert shown["waits"].feedback.message.startswith("Not run")
    assert shown["waits_behind"].feedback.message.startswith("Not run")
    assert shown["undecided"].feedback.message == "The grader could not decide this check."


def test_a_check_that_waits_for_a_public_one_keeps_its_words():
    full = report(
        judge("first", FAILED, title="Shapes"),
        judge("second", BLOCKED, needs=("first",), message="Waits for “Shapes”."),
        judge("secret", PASSED, title="Something else", hidden=True),
    )
    outcome = redacted(full).outcomes[1]
    assert outcome.feedback.message == "Waits for “Shapes”."
    assert redacted(full).checks[1].needs == ("first",)


def test_what_waits_for_a_hidden_check_says_nothing_of_it_even_without_its_name():
    full = report(
        judge("secret", FAILED, title="Batch norm", hidden=True),
        judge("waits", BLOCKED, needs=("secret",), message="Waits for a check of normalisation."),
    )
    assert "normalisation" not in redacted(full).outcomes[0].feedback.message


@pytest.mark.parametrize(
    "figure", [Figure("bars", "Secret", {"a": [1.0]}), Figure("bars", "c", {"secret": [1.0]})]
)
def test_a_figure_that_names_a_hidden_check_is_removed(figure):
    full = report(
        judge("tokenid", FAILED, title="Secret", hidden=True),
        judge("waits", BLOCKED, figures=(figure,)),
    )
    assert redacted(full).outcomes[0].feedback.figures == ()


def test_a_hidden_check_without_a_title_hides_no_public_words():
    full = report(
        judge("secret", hidden=True, title=" . "),
        judge("second", BLOCKED, message="Waits for “Shapes”."),
    )
    assert redacted(full).outcomes[0].feedback.message == "Waits for “Shapes”."


def test_redacting_twice_changes_nothing():
    once = redacted(planted())
    assert redacted(once) == once


def test_an_outcome_without_a_check_is_refused():
    full = report(judge("known"))
    stranger = Outcome("stranger", FAILED, 0.0, full.outcomes[0].feedback)
    broken = type(full)(full.submission, full.checks, (*full.outcomes, stranger), full.scores)
    with pytest.raises(ValueError, match="stranger"):
        redacted(broken)


def test_of_the_causes_of_a_failure_hidden_ones_are_left_out():
    check, outcome = judge("effect", FAILED)
    full = report(
        judge("seen", FAILED),
        judge("tokenid", FAILED, hidden=True),
        (replace(check, causes=("tokenid", "seen")), outcome),
    )
    assert redacted(full).checks[1].causes == ("seen",)


def test_a_student_s_delivery_is_redacted_however_it_is_made():
    full = planted()
    assert ForStudent(full).report == redacted(full)
    assert replace(ForStudent(full), report=full).report == redacted(full)
    assert ForInstructor(full).report == full


@pytest.mark.parametrize(
    "write",
    [
        html.student_page,
        html.instructor_page,
        lambda full: html.index_page([full]),
        result,
        junit,
        summary,
        github.commands,
        gitlab.code_quality,
        plain.feedback,
        lambda full: gradebook([full]),
        lambda full: terminal.show(full, Console(file=io.StringIO())),
        lambda full: terminal.show_class([full], Console(file=io.StringIO())),
    ],
)
def test_no_writer_takes_a_report_that_nobody_addressed_to_a_reader(write):
    with pytest.raises(AttributeError, match="'Report' object has no attribute 'report'"):
        write(planted())
