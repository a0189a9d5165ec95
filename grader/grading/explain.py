"""One check of one submission, run once more with every step noted, to defend a mark."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from grader.checks.framework import trace
from grader.grading import engine
from grader.oracle.live import Source, oracle
from grader.oracle.store import Parts
from grader.records import Call, Check, Outcome
from grader.sandbox.host.session import Session

__all__ = ["Explained", "Stage", "explained", "stages"]


@dataclass(frozen=True)
class Stage:
    """The steps of one case; of a check without drawn cases, all of its steps."""

    case: Any
    steps: Sequence[trace.Step]

    @property
    def holds(self) -> bool:
        """Whether nothing in it went wrong, as far as comparisons and errors tell."""
        return all(
            one.holds if isinstance(one, trace.Compared) else True for one in self.steps
        ) and not any(isinstance(one, trace.Called) and one.reply.error for one in self.steps)


@dataclass(frozen=True)
class Explained:
    """How the check ended this time, and all that it did."""

    outcome: Outcome
    stages: Sequence[Stage]


def explained(check: Check, open_session: Callable[[str], Session]) -> Explained:
    """Run a check alone, whether or not others that it needs pass, and note its steps.

    Args:
        check: the one.
        open_session: opens a session on the submission.

    Raises:
        GuestUnusable: nothing can be run here.
    """
    with trace.listening() as steps, oracle.answering(_Noting(oracle.source)):
        (outcome,) = engine.run([replace(check, needs=(), causes=())], open_session)
    return Explained(outcome, stages(steps))


def stages(steps: Sequence[trace.Step]) -> list[Stage]:
    """The steps by the case in which they happened."""
    found: list[tuple[Any, list[trace.Step]]] = []
    for step in steps:
        if isinstance(step, trace.Case):
            found.append((step.case, []))
        else:
            if not found:
                found.append((None, []))
            found[-1][1].append(step)
    return [Stage(case, of) for case, of in found]


class _Noting:
    """The source of an oracle, which notes what is asked."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.freezing = source.freezing

    def value(self, call: Call, *arguments: Any) -> Any:
        value = self._source.value(call, *arguments)
        trace.note(trace.Asked(call, value))
        return value

    def mistaken(self, call: Call) -> Mapping[str, Sequence[Parts]]:
        return self._source.mistaken(call)

    def seen(self, parts: Parts) -> Parts:
        return self._source.seen(parts)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)
