"""JUnit's XML: a suite per part, a test per public check; GitLab, Jenkins and editors read it.

What the grader could not decide is an error that says so: never a pass, and never a zero.
Every text is made printable, which leaves nothing in it that XML 1.0 forbids.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.etree import ElementTree as ET

from grader.records import Check, Outcome, Report, Score, Status
from grader.report import labels
from grader.report.analysis.fix_first import (
    TO_FIX,
    Judged,
    by_part,
    judged,
    lost,
    mistakes,
    told,
    unsandboxed,
)
from grader.report.analysis.source_lines import place_of
from grader.report.deliver import ForStudent
from grader.text import one_line, passage

__all__ = ["junit"]

_KINDS = {
    Status.PARTIAL: "failure",
    Status.FAILED: "failure",
    Status.CRASHED: "error",
    Status.INVALID: "error",
    Status.BLOCKED: "skipped",
}

_UNDECIDED = (
    "The grader could not decide this check. This is not your fault and not counted as 0; "
    "please tell your instructor."
)


def junit(delivery: ForStudent) -> str:
    """What a student may see, as a JUnit report."""
    report = delivery.report
    root = ET.Element("testsuites", {"name": "hw3", **_counts(judged(report))})
    stands_for = {
        check.id: alike[0][0]
        for alike in mistakes([pair for pair in judged(report) if pair[1].status in TO_FIX])
        for check, _ in alike[1:]
    }
    for part, pairs in by_part(report).items():
        suite = ET.SubElement(root, "testsuite", {"name": passage(part), **_counts(pairs)})
        _properties(suite, _about(report, report.scores.get(part, Score())))
        for check, outcome in pairs:
            _test(suite, check, outcome, report, stands_for.get(check.id))
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, "unicode") + "\n"


def _test(
    suite: ET.Element, check: Check, outcome: Outcome, report: Report, told_at: Check | None
) -> None:
    """One check; the same mistake is explained once, ``told_at`` the check that costs most."""
    name, group = passage(check.title), passage(f"{check.part}.{check.function}")
    test = ET.SubElement(suite, "testcase", name=name, classname=group, time=_time([outcome]))
    place = place_of(check, outcome, report.submission.files)
    if place and outcome.status is not Status.PASSED:
        test.set("file", passage(place.file))
        test.set("line", str(place.line))
    undecided = outcome.status is Status.INVALID
    earned = "undecided" if undecided else _points(check.points - lost(check, outcome))
    _properties(test, {"id": check.id, "points": _points(check.points), "earned": earned})
    kind = _KINDS.get(outcome.status)
    if kind:
        message = outcome.feedback.message or labels.WORDS[outcome.status]
        message = f"{_UNDECIDED} {message}" if undecided else message
        result = ET.SubElement(test, kind, message=one_line(message, 600))
        result.set("type", outcome.status.value)
        lines = [message, _same(told_at)] if told_at else _lines(outcome, message)
        result.text = passage("\n".join(lines))
    if outcome.feedback.stdout:
        ET.SubElement(test, "system-out").text = passage(outcome.feedback.stdout)


def _same(check: Check) -> str:
    return f"The same mistake as in {check.function}: {check.title}"


def _lines(outcome: Outcome, message: str) -> Iterator[str]:
    yield message
    for label, value in told(outcome.feedback, in_full=False):
        if label != "seen":
            yield f"{label}: {value}"
    if outcome.feedback.counterexample:
        yield f"reproduce:\n{outcome.feedback.counterexample}"


def _about(report: Report, score: Score) -> dict[str, str]:
    about = {
        "points": _points(score.possible),
        "earned": _points(score.earned),
        "undecided": _points(score.undecided),
    }
    return {**about, "walls": "UNSANDBOXED"} if unsandboxed(report) else about


def _properties(parent: ET.Element, values: dict[str, str]) -> None:
    properties = ET.SubElement(parent, "properties")
    for name, value in values.items():
        ET.SubElement(properties, "property", name=name, value=passage(value))


def _counts(pairs: Sequence[Judged]) -> dict[str, str]:
    kinds = [_KINDS.get(outcome.status) for _, outcome in pairs]
    return {
        "tests": str(len(pairs)),
        "failures": str(kinds.count("failure")),
        "errors": str(kinds.count("error")),
        "skipped": str(kinds.count("skipped")),
        "time": _time([outcome for _, outcome in pairs]),
    }


def _time(outcomes: Sequence[Outcome]) -> str:
    return f"{sum(outcome.seconds for outcome in outcomes):.3f}"


def _points(value: float) -> str:
    return f"{round(value, 9):g}"
