"""``result.json``: everything about one submission, as strict JSON; the instructor's file."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np

from grader.records import (
    FORMAT,
    Check,
    Feedback,
    Figure,
    Outcome,
    Report,
    Score,
    Status,
    Submission,
)
from grader.report.analysis.fix_first import judged
from grader.report.deliver import Delivery
from grader.report.labels import part_title
from grader.report.writers.files import write_text
from grader.text import storable

__all__ = ["OtherFormatError", "read_json", "result", "write_json"]

_READ = (1, FORMAT)


class OtherFormatError(ValueError):
    """A ``result.json`` of a version that this one does not know."""


def result(delivery: Delivery) -> dict[str, Any]:
    """The report as JSON values only: what is not finite is null, a lone surrogate is U+FFFD."""
    report = delivery.report
    submission, total = report.submission, report.total
    document = {
        "format": report.format,
        "submission": {
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
        },
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
        "checks": [_check(check, outcome) for check, outcome in judged(report)],
        "withheld": report.withheld,
        "left_out": report.left_out,
        "handed_in": report.handed_in,
        "stale": report.stale,
        "environment": report.environment,
        "sandbox": report.sandbox,
    }
    return {key: _json(value) for key, value in document.items()}


def write_json(path: Path, delivery: Delivery) -> None:
    """Write ``result.json``, whole or not at all."""
    write_text(path, json.dumps(result(delivery), allow_nan=False, indent=1) + "\n")


def read_json(path: Path) -> Report:
    """The report that :func:`write_json` wrote, now or as format 1; its checks cannot be run.

    Raises:
        OtherFormatError: a version of the grader wrote it whose format this one does not know.
        OSError, ValueError, KeyError, TypeError: the file is not there, or not such a file.
    """
    document = json.loads(path.read_text("utf-8"))
    if document["format"] not in _READ:
        known = " and ".join(map(str, _READ))
        raise OtherFormatError(
            f"it has format {document['format']}, and this version reads {known}"
        )
    submission = _read_submission(document["submission"])
    handed_in = document.get("handed_in")
    pairs = [_read_check(row) for row in document["checks"]]
    return Report(
        submission=submission,
        checks=tuple(check for check, _ in pairs),
        outcomes=tuple(outcome for _, outcome in pairs),
        scores={
            part["id"]: Score(part["earned"], part["possible"], part["undecided"])
            for part in document["parts"]
        },
        environment=document["environment"],
        sandbox=document["sandbox"],
        withheld=document["withheld"],
        left_out=document["left_out"],
        handed_in=None if handed_in is None else tuple(handed_in),
        stale=dict(document.get("stale", {})),
    )


def _read_submission(about: Mapping[str, Any]) -> Submission:
    """Without its files; of format 1, without what that did not hold."""
    return Submission(
        *(about["id"], about["name"], {}, about["digest"], about["received"], about["reason"]),
        person=about.get("person", ""),
        email=about.get("email", ""),
        login=about.get("login", ""),
        notes=tuple(about.get("notes", ())),
        ignored=tuple((path, reason) for path, reason in about.get("ignored", ())),
        question=about.get("question", ""),
    )


def _read_check(row: Mapping[str, Any]) -> tuple[Check, Outcome]:
    function = row["id"].partition(".")[0]
    check = Check(
        *(row["id"], row["part"], function, row["title"], row["points"], row["hidden"]),
        needs=(),
        limits=None,
        run=_not_here,
    )
    figures = tuple(Figure(**figure) for figure in row["feedback"]["figures"])
    feedback = Feedback(**{**row["feedback"], "figures": figures})
    status = Status(row["status"])
    return check, Outcome(row["id"], status, row["fraction"], feedback, row["seconds"])


def _not_here(student: Any) -> Feedback | None:
    raise RuntimeError("a check that was read from result.json cannot be run")


def _check(check: Check, outcome: Outcome) -> dict[str, Any]:
    return {
        "id": check.id,
        "part": check.part,
        "title": check.title,
        "status": outcome.status,
        "fraction": outcome.fraction,
        "points": check.points,
        "hidden": check.hidden,
        "feedback": _feedback(outcome.feedback),
        "seconds": outcome.seconds,
    }


def _feedback(feedback: Feedback) -> dict[str, Any]:
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


def _json(value: Any) -> Any:
    """``value`` as strict JSON.

    Raises:
        TypeError: JSON has no such value.
    """
    if isinstance(value, Enum):
        return _json(value.value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, np.ndarray | np.generic):
        return _json(value.tolist())
    if isinstance(value, Mapping):
        return {storable(str(key)): _json(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_json(item) for item in value]
    raise TypeError(f"result.json cannot hold a {type(value).__name__}: {value!r:.80}")
