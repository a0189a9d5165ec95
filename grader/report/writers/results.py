"""A report as strict JSON, with its marks: what ``hw3 check --json`` writes.

``hw3 grade`` keeps outcomes without marks, made of the same pieces (:mod:`grader.grading.results`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, fields
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np

from grader.records import (
    Allowed,
    Check,
    Feedback,
    Figure,
    Outcome,
    Status,
    Submission,
)
from grader.report.analysis.fix_first import judged
from grader.report.deliver import Delivery
from grader.report.labels import part_title
from grader.report.writers.files import write_text
from grader.text import storable

__all__ = [
    "as_json",
    "check_of",
    "feedback_as_json",
    "outcome_as_json",
    "outcome_of",
    "result",
    "submission_as_json",
    "submission_of",
    "write_json",
]


def result(delivery: Delivery) -> dict[str, Any]:
    """The report as JSON values only: what is not finite is null, a lone surrogate is U+FFFD."""
    report = delivery.report
    submission, total = report.submission, report.total
    document = {
        "format": report.format,
        "submission": submission_as_json(submission),
        "score": {
            "earned": total.earned,
            "possible": total.possible,
            "undecided": total.undecided,
        },
        "parts": [
            {
                "id": part,
                "title": part_title(part),
                "earned": score.earned,
                "possible": score.possible,
                "undecided": score.undecided,
            }
            for part, score in report.scores.items()
        ],
        "checks": [
            {**outcome_as_json(check, outcome), "points": check.points}
            for check, outcome in judged(report)
        ],
        "withheld": report.withheld,
        "left_out": report.left_out,
        "handed_in": report.handed_in,
        "stale": report.stale,
        "environment": report.environment,
        "sandbox": report.sandbox,
    }
    return {key: as_json(value) for key, value in document.items()}


def submission_as_json(submission: Submission) -> dict[str, Any]:
    """All of a submission but its files."""
    return {
        "id": submission.id,
        "digest": submission.digest,
        "name": submission.name,
        "received": submission.received,
        "reason": submission.reason,
        "person": submission.person,
        "email": submission.email,
        "login": submission.login,
        "notes": submission.notes,
        "ignored": submission.ignored,
        "question": submission.question,
        "allowed": asdict(submission.allowed),
    }


def write_json(path: Path, delivery: Delivery) -> None:
    """Write a report, whole or not at all."""
    write_text(path, json.dumps(result(delivery), allow_nan=False, indent=1) + "\n")


def submission_of(about: Mapping[str, Any]) -> Submission:
    """A submission without its files; of format 1, without what that did not hold."""
    return Submission(
        *(about["id"], about["name"], {}, about["digest"], about["received"], about["reason"]),
        person=about.get("person", ""),
        email=about.get("email", ""),
        login=about.get("login", ""),
        notes=tuple(about.get("notes", ())),
        ignored=tuple((path, reason) for path, reason in about.get("ignored", ())),
        question=about.get("question", ""),
        allowed=Allowed(**about.get("allowed", {})),
    )


def check_of(row: Mapping[str, Any]) -> Check:
    """A check that was written, without points; it cannot be run."""
    function = row["id"].partition(".")[0]
    return Check(
        *(row["id"], row["part"], function, row["title"], 0.0, row["hidden"]),
        needs=(),
        limits=None,
        run=_not_here,
    )


def outcome_of(row: Mapping[str, Any]) -> Outcome:
    """An outcome that was written."""
    figures = tuple(Figure(**figure) for figure in row["feedback"]["figures"])
    feedback = Feedback(**{**row["feedback"], "figures": figures})
    return Outcome(row["id"], Status(row["status"]), row["fraction"], feedback, row["seconds"])


def _not_here(student: Any) -> Feedback | None:
    raise RuntimeError("a check that was read from result.json cannot be run")


def outcome_as_json(check: Check, outcome: Outcome) -> dict[str, Any]:
    """How a check ended, without its points."""
    return {
        "id": check.id,
        "part": check.part,
        "title": check.title,
        "status": outcome.status,
        "fraction": outcome.fraction,
        "hidden": check.hidden,
        "feedback": feedback_as_json(outcome.feedback),
        "seconds": outcome.seconds,
    }


def feedback_as_json(feedback: Feedback) -> dict[str, Any]:
    """Feedback, before its values are made strict JSON."""
    words = {
        field.name: getattr(feedback, field.name)
        for field in fields(feedback)
        if field.name != "figures"
    }
    figures = [
        {"kind": figure.kind, "caption": figure.caption, "arrays": figure.arrays}
        for figure in feedback.figures
    ]
    return {**words, "figures": figures}


def as_json(value: Any) -> Any:
    """``value`` as strict JSON: what is not finite is null, a lone surrogate is U+FFFD.

    Raises:
        TypeError: JSON has no such value.
    """
    if isinstance(value, Enum):
        return as_json(value.value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, np.ndarray | np.generic):
        return as_json(value.tolist())
    if isinstance(value, Mapping):
        return {storable(str(key)): as_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [as_json(item) for item in value]
    raise TypeError(f"result.json cannot hold a {type(value).__name__}: {value!r:.80}")
