"""What Classroom 50 takes: ``result.json`` in its own format, ``classroom50/result/v1``.

Its scores are whole numbers that add up, so they are hundredths of a point.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from grader.records import Status
from grader.report import numbers
from grader.report.analysis.fix_first import judged
from grader.report.deliver import ForStudent
from grader.text import one_line

__all__ = ["NEEDED", "SCHEMA", "result"]

SCHEMA = "classroom50/result/v1"

NEEDED = ("CLASSROOM", "ASSIGNMENT", "SUBMISSION_TAG", "COMMIT_URL", "RELEASE_URL")
"""Environment variables that say which submission this is."""


def result(told: ForStudent, environ: Mapping[str, str], now: datetime) -> str:
    """``result.json``: a test per check, in hundredths of a point.

    Nothing may be undecided in the report: this format has no word for that.

    Args:
        told: the report, as a student may see it.
        environ: has all of :data:`NEEDED`.
        now: the time, in UTC.

    Returns:
        A JSON document.

    Raises:
        ValueError: the grader could not decide a check.
    """
    pairs = judged(told.report)
    if any(outcome.status is Status.INVALID for _, outcome in pairs):
        raise ValueError("what is undecided has no score")
    scores = numbers.hundredths([(c.points * o.fraction, c.points) for c, o in pairs])
    tests = [
        {
            "test-name": one_line(f"{check.function}: {check.title}", 200),
            "passed": outcome.status is Status.PASSED,
            "score": earned,
            "max-score": possible,
        }
        for (check, outcome), (earned, possible) in zip(pairs, scores, strict=True)
    ]
    document = {
        "schema": SCHEMA,
        "classroom": environ["CLASSROOM"],
        "assignment": environ["ASSIGNMENT"],
        "assignment_type": environ.get("ASSIGNMENT_TYPE") or "individual",
        "owner": environ.get("OWNER") or environ.get("USERNAME") or "",
        "submission": environ["SUBMISSION_TAG"],
        "commit": environ["COMMIT_URL"],
        "release": environ["RELEASE_URL"],
        "review": environ.get("REVIEW_URL") or environ["COMMIT_URL"],
        "datetime": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "score": sum(earned for earned, _ in scores),
        "max-score": sum(possible for _, possible in scores),
        "tests": tests,
    }
    return json.dumps({k: v for k, v in document.items() if v != ""}, indent=1) + "\n"
