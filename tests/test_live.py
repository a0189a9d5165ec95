"""What ``hw3 check`` says while it runs."""

import io
from dataclasses import replace

from rich.console import Console

from grader.checks.framework import registry
from grader.cli.live import Live
from grader.grading import engine
from grader.records import Feedback, Outcome, Status
from grader.sandbox.host.session import InProcessSession

registry.load()
CHECK = registry.CHECKS["evaluate.counts_right"]


def said(*outcomes, encoding="utf-8"):
    """The lines, one for each outcome of the check, and what explains it."""
    raw = io.BytesIO()
    live = Live(Console(file=io.TextIOWrapper(raw, encoding), width=40))
    for outcome in outcomes:
        live.ended(CHECK, outcome)
        live.explained(CHECK, outcome)
    return raw.getvalue().decode(encoding).splitlines()


def outcome(status, fraction=0.0, **feedback):
    return Outcome(CHECK.id, status, fraction, Feedback(**feedback), 0.1)


def test_a_line_says_what_ended_how_and_what_it_earned():
    (line,) = said(outcome(Status.PARTIAL, 0.5))
    assert line.startswith(f"◐ {CHECK.id}: {CHECK.title}")
    assert line.endswith(f"  {CHECK.points / 2:g} / {CHECK.points:g}")
    (line,) = said(outcome(Status.INVALID))
    assert line.endswith(f"undecided, {CHECK.points:g} points")


def test_a_diagnosis_is_said_once_for_a_function():
    wrong = outcome(Status.FAILED, diagnosis="Use the score before the softmax.")
    head, sentence, again = said(wrong, wrong)
    assert sentence == f"  {CHECK.function}: Use the score before the softmax."
    assert head == again


def test_a_terminal_that_knows_ascii_only_gets_ascii():
    (line,) = said(outcome(Status.PASSED, 1.0), encoding="ascii")
    assert line.startswith("+ ")


def test_a_check_is_told_before_the_function_ends():
    checks = [c for c in registry.load() if c.function == "evaluate" and not c.hidden]
    log = []
    runs = [replace(c, run=lambda student, name=c.id: log.append(f"runs {name}")) for c in checks]
    ended = engine.run(
        runs,
        lambda part: InProcessSession({}),
        on_end=lambda check, outcome: log.append(f"ended {check.id} {outcome.status}"),
    )
    assert [one.status for one in ended] == [Status.PASSED] * len(checks)
    expected = [(f"runs {c.id}", f"ended {c.id} {Status.PASSED}") for c in checks]
    assert log == [line for pair in expected for line in pair]
