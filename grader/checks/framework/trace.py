"""What a check did, step by step: for an instructor who has to defend a mark (``hw3 explain``).

Nothing is noted unless somebody listens.  No check asks for it, and no outcome depends on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from grader.records import Call, Reply

__all__ = ["Asked", "Called", "Case", "Compared", "Step", "listening", "note"]


@dataclass(frozen=True)
class Case:
    """A case begins, which Hypothesis drew."""

    case: Any


@dataclass(frozen=True)
class Called:
    """A call into the submission, and what came back."""

    call: Call
    reply: Reply


@dataclass(frozen=True)
class Compared:
    """A value beside what was expected; both are shown as far as they are arrays.

    ``error`` is relative where there is a tolerance; without one the values have to be equal.
    """

    what: str
    expected: Any
    actual: Any
    holds: bool
    error: float | None = None
    tolerance: float | None = None


@dataclass(frozen=True)
class Asked:
    """A value that the check took from the reference: what it expects of this call."""

    call: Call
    value: Any


Step = Case | Called | Compared | Asked

_steps: list[Step] | None = None


@contextmanager
def listening() -> Iterator[list[Step]]:
    """Inside, the list collects every step."""
    global _steps
    before, _steps = _steps, []
    try:
        yield _steps
    finally:
        _steps = before


def note(step: Step) -> None:
    """Keep a step for :func:`listening`."""
    if _steps is not None:
        _steps.append(step)
