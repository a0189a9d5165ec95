"""GitLab's Code Quality report: marks lines of a merge request, as annotations do elsewhere."""

from __future__ import annotations

import hashlib
import json

from grader.records import Status
from grader.report import labels
from grader.report.analysis.fix_first import to_win
from grader.report.analysis.source_lines import to_mark
from grader.report.deliver import ForStudent
from grader.text import one_line

__all__ = ["code_quality"]

_SEVERITIES = {Status.PARTIAL: "minor", Status.FAILED: "major", Status.CRASHED: "critical"}


def code_quality(told: ForStudent, folder: str = "") -> str:
    """What a student should fix first, as JSON; ``folder`` is the submission's in the repository.

    By its file and check a finding is known again, on whichever line.
    """
    found = []
    for advice, place in to_mark(told.report, folder):
        check, outcome = advice.check, advice.outcome
        words = outcome.feedback.message or labels.WORDS[outcome.status]
        title = f"{check.function}: {check.title} ({to_win(advice)})"
        identity = f"{place.file}\0{check.id}".encode("utf-8", "replace")
        found.append(
            {
                "description": one_line(f"{title} {words}", 600),
                "check_name": check.id,
                "fingerprint": hashlib.sha256(identity).hexdigest(),
                "severity": _SEVERITIES[outcome.status],
                "location": {"path": place.file, "lines": {"begin": place.line}},
            }
        )
    return json.dumps(found, indent=1) + "\n"
