"""What GitHub takes besides the summary: annotations, and the Classroom reporter's payload.

Annotations are commands that the runner reads from the log; everything in them is escaped as it
asks for, so that no word of a submission is a command of its own.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

from grader.records import Status, added
from grader.report import labels, numbers
from grader.report.analysis.fix_first import Advice, Judged, judged, lost, to_win
from grader.report.analysis.source_lines import Place, to_mark
from grader.report.deliver import ForStudent
from grader.text import one_line, printable

__all__ = ["commands", "payload"]


def commands(told: ForStudent, folder: str = "") -> list[str]:
    """Annotations: commands that mark lines of the student's own, what to fix first leading.

    ``folder`` is the submission's in the repository.
    """
    return [_command(*marked) for marked in to_mark(told.report, folder)]


def payload(told: ForStudent) -> str:
    """Base64 of JSON for ``autograding-grading-reporter``: a test per function.

    Its words are the grader's own, since the reporter prints them to a log that nothing fences.
    Where something is undecided, ``status`` is "error" and ``max_score`` 0: then the reporter fails
    and hands no points on, where it would add up those undecided as zeros.
    """
    report = told.report
    functions: dict[str, list[Judged]] = {}
    for check, outcome in judged(report):
        functions.setdefault(check.function, []).append((check, outcome))
    tests = [_test(name, pairs) for name, pairs in functions.items()]
    statuses = {outcome.status for outcome in report.outcomes}
    undecided = Status.INVALID in statuses
    status = "error" if undecided else "pass" if statuses <= {Status.PASSED} else "fail"
    possible = 0.0 if undecided else added(check.points for check in report.checks)
    document = {"version": 1, "status": status, "max_score": possible, "tests": tests}
    text = json.dumps(document, separators=(",", ":"), allow_nan=False)
    return base64.b64encode(text.encode("ascii")).decode("ascii")


def _test(function: str, pairs: Sequence[Judged]) -> dict[str, Any]:
    passed = sum(outcome.status is Status.PASSED for _, outcome in pairs)
    possible = added(check.points for check, _ in pairs)
    earned = added(c.points - lost(c, o) for c, o in pairs if o.status is not Status.INVALID)
    words = f"{passed} of {len(pairs)} checks passed, {numbers.points(earned, possible)} points"
    test = {"name": _plain(function), "max_score": possible}
    if any(outcome.status is Status.INVALID for _, outcome in pairs):
        message = f"{words}; the grader could not decide the others: not your fault, and not a zero"
        return {**test, "status": "error", "score": None, "message": message}
    if passed == len(pairs):
        return {**test, "status": "pass", "score": earned}
    message = f"{words}; the summary of this run says what to fix"
    return {**test, "status": "fail", "score": earned, "message": message}


def _command(advice: Advice, place: Place) -> str:
    kind = "warning" if advice.outcome.status is Status.PARTIAL else "error"
    feedback = advice.outcome.feedback
    lines = [
        feedback.message or labels.WORDS[advice.outcome.status],
        f"expected: {feedback.expected}" if feedback.expected else "",
        f"got: {feedback.actual}" if feedback.actual else "",
        feedback.diagnosis or feedback.hint,
    ]
    words = "\n".join(one_line(line, 400) for line in lines if line)
    title = f"{advice.check.function}: {advice.check.title} ({to_win(advice)})"
    properties = {"file": place.file, "line": str(place.line), "title": title}
    named = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{kind} {named}::{_data(words)}"


def _data(text: str) -> str:
    text = printable(text)
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(one_line(text, 400)).replace(":", "%3A").replace(",", "%2C")


def _plain(text: str) -> str:
    return "".join(c for c in one_line(text, 80) if c.isalnum() or c in "_ ")
