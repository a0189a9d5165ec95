"""Who earns the public checks of a function and fails its hidden ones.

That is what a table of answers does.  An honest mistake can do it too, so it is a reason to look.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from grader.records import Report, Status
from grader.report.analysis.fix_first import Judged, judged

__all__ = ["Fitted", "fitted"]


@dataclass(frozen=True)
class Fitted:
    """A submission, and the functions of which it earns the public checks alone."""

    id: str
    functions: tuple[str, ...]


def fitted(reports: Iterable[Report]) -> list[Fitted]:
    """The submissions that have such functions, those with most of them first.

    A function is one of them if it passes every public check, and if no hidden check that was run
    gives it all points.
    """
    found = []
    for report in reports:
        functions: dict[str, list[Judged]] = {}
        for check, outcome in judged(report):
            functions.setdefault(check.function, []).append((check, outcome))
        names = tuple(name for name, pairs in functions.items() if _public_alone(pairs))
        if names:
            found.append(Fitted(report.submission.id, names))
    return sorted(found, key=lambda one: (-len(one.functions), one.id))


def _public_alone(pairs: list[Judged]) -> bool:
    public = [outcome.status for check, outcome in pairs if not check.hidden]
    hidden = [outcome.status for check, outcome in pairs if check.hidden]
    lost = [status for status in hidden if status not in (Status.BLOCKED, Status.INVALID)]
    return (
        bool(public)
        and all(status is Status.PASSED for status in public)
        and bool(lost)
        and all(status is not Status.PASSED for status in lost)
    )
