"""A report on its way to a reader: redacted here, once, before any writer sees it.

No writer takes a bare ``Report``.  Each takes one of these two, and so says for whom it writes; a
type checker refuses anything else, and so does the writer when it runs.
"""

from __future__ import annotations

from dataclasses import dataclass

from grader.records import Report
from grader.report.redact import redacted

__all__ = ["Delivery", "ForInstructor", "ForStudent"]


@dataclass(frozen=True)
class ForStudent:
    """What a student may see of a report; making one redacts it, so that nobody can forget to."""

    report: Report

    def __post_init__(self) -> None:
        object.__setattr__(self, "report", redacted(self.report))


@dataclass(frozen=True)
class ForInstructor:
    """All of a report: hidden checks and the grader's own tracebacks too; not to be handed out."""

    report: Report


Delivery = ForStudent | ForInstructor
"""For what is written in the same way for both readers."""
