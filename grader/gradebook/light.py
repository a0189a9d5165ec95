"""What of a report stays in memory for the class: marks, and the mistakes that are counted.

Pictures, code, and all else that one student's pages show stay in ``result.json``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from grader.records import Feedback, Outcome, Report

__all__ = ["Light"]


class Light:
    """Makes reports light; what is the same in many of them is held once."""

    def __init__(self) -> None:
        self._held: dict[Any, Any] = {}

    def of(self, report: Report) -> Report:
        """The same report; of feedback, what was seen and the known mistake, and no seconds."""
        checks = tuple(report.checks)
        return replace(
            report,
            checks=self._held.setdefault(checks, checks),
            outcomes=tuple(map(self._outcome, report.outcomes)),
            environment=self._facts(report.environment),
            sandbox=self._facts(report.sandbox),
        )

    def _outcome(self, outcome: Outcome) -> Outcome:
        told = outcome.feedback
        feedback = Feedback(message=told.message, diagnosis=told.diagnosis)
        light = replace(outcome, feedback=feedback, seconds=0.0)
        held: Outcome = self._held.setdefault(light, light)
        return held

    def _facts(self, facts: Mapping[str, Any]) -> Mapping[str, Any]:
        held: Mapping[str, Any] = self._held.setdefault(repr(facts), facts)
        return held
