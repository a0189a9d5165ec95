"""What Gradescope takes: ``results.json``, which can be written as often as a check ends.

Students see a test for each public check.  All hidden ones together are one more test, which they
see when the instructor has published the grades.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from grader.records import Report, Status, added
from grader.report import labels
from grader.report.analysis.fix_first import Judged, judged
from grader.report.deliver import ForStudent
from grader.report.writers import plain
from grader.text import one_line, passage

__all__ = ["nothing", "results"]

_PUBLISHED = "after_published"


def results(told: ForStudent, *, of: int, seconds: float, notes: Sequence[str] = ()) -> str:
    """``results.json`` of a submission, also while its grading goes on.

    Args:
        told: the report on what has ended, as a student may see it.
        of: how many checks there are in all; more than have ended means that it goes on.
        seconds: what it has taken.
        notes: sentences in front of everything else.

    Returns:
        A JSON document.
    """
    report = told.report
    ended = of - report.left_out
    lines = list(notes)
    if report.left_out:
        lines.append(
            f"Grading has not finished: {ended} of {of} checks have ended. If this stays, the "
            "points that are missing are not lost: ask your instructor to run the autograder again."
        )
    if report.submission.reason:
        lines.append(report.submission.reason)
    lines += plain.points(report.scores, 0)
    return _document(report, "\n".join(lines), seconds)


def nothing(reason: str) -> str:
    """``results.json`` of what could not be graded: why, and no test."""
    words = "Nothing was graded, so the score of 0 is not a mark."
    return _json({"score": 0.0, "output": f"{words}\n{passage(reason)}", "output_format": "text"})


def _document(report: Report, words: str, seconds: float) -> str:
    pairs = judged(report)
    total = report.total
    tests = [_test(report, number, pair) for number, pair in enumerate(pairs, 1)]
    if report.withheld:
        tests.append(_of_hidden(report, pairs))
    return _json(
        {
            "score": _points(total.earned),
            "execution_time": round(seconds, 1),
            "output": passage(words),
            "output_format": "text",
            "test_output_format": "text",
            "test_name_format": "text",
            "stdout_visibility": "hidden",
            "tests": tests,
        }
    )


def _test(report: Report, number: int, pair: Judged) -> dict[str, Any]:
    check, outcome = pair
    undecided = outcome.status is Status.INVALID
    name = f"{labels.part_label(check.part)}, {check.function}: {check.title}"
    test: dict[str, Any] = {
        "name": one_line(name, 300),
        "number": str(number),
        "max_score": _points(check.points),
        "output": plain.feedback(ForStudent(replace(report, checks=(check,), outcomes=(outcome,)))),
        "visibility": "visible",
    }
    if undecided:  # no score at all: this is no zero
        return test
    passed = outcome.status is Status.PASSED
    score = _points(check.points * outcome.fraction)
    return {**test, "score": score, "status": "passed" if passed else "failed"}


def _of_hidden(report: Report, public: Sequence[Judged]) -> dict[str, Any]:
    shown = added(c.points * o.fraction for c, o in public if o.status is not Status.INVALID)
    return {
        "name": "Hidden checks, all together",
        "number": str(len(public) + 1),
        "score": _points(max(report.total.earned - shown, 0.0)),
        "max_score": _points(report.withheld),
        "output": "They test what the docstrings say, on other networks and inputs.",
        "visibility": _PUBLISHED,
    }


def _points(value: float) -> float:
    return round(value, 6)


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=1, allow_nan=False) + "\n"
