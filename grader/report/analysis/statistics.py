"""What a class's results say about its checks, and which submissions a person should look at."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from grader.records import Check, Report, Status
from grader.report.analysis.fix_first import OLDER, judged, not_handed_in, stale_parts
from grader.report.labels import part_label
from grader.submissions.found import is_plain, together

__all__ = ["CheckFigures", "Look", "checks_of", "histogram", "to_look_at"]

BINS = 10
COMMONEST = 2
"""Diagnoses named for a check."""


@dataclass(frozen=True)
class CheckFigures:
    """How a class did on one check; shares are 0 … 1."""

    check: Check
    decided: int
    """Submissions on which it was decided; the rest are left out of the figures."""
    passed: float
    """Share that passed."""
    mean: float
    """Mean share of its points: the item's difficulty, as it is called, where 1 is easiest."""
    discrimination: float | None
    """Correlation of its points with those of all other checks; None where one of them is the same
    for everybody (item-rest correlation; Ebel, Frisbie 1991, chapter 13)."""
    diagnoses: tuple[tuple[str, int], ...]
    """The commonest, and how many submissions each was told to."""


@dataclass(frozen=True)
class Look:
    """A submission that a person should look at, and why."""

    report: Report
    reasons: tuple[str, ...]


def checks_of(reports: Sequence[Report]) -> list[CheckFigures]:
    """The figures of every check, in the order of the checks.

    They are about those who handed the part in; unusable submissions do not count.
    """
    usable = [r for r in reports if not r.submission.reason]
    checks: dict[str, Check] = {}
    earned: dict[str, dict[int, float]] = defaultdict(dict)
    passed: Counter[str] = Counter()
    told: dict[str, Counter[str]] = defaultdict(Counter)
    for number, report in enumerate(usable):
        absent = not_handed_in(report)
        for check, outcome in judged(report):
            checks.setdefault(check.id, check)
            if outcome.status is Status.INVALID or check.part in absent:
                continue
            earned[check.id][number] = outcome.fraction
            passed[check.id] += outcome.status is Status.PASSED
            words = outcome.feedback.diagnosis or outcome.feedback.message
            if outcome.fraction < 1 and words and outcome.status is not Status.BLOCKED:
                told[check.id][words] += 1
    totals = np.zeros(len(usable))
    for name, of_check in earned.items():
        for number, fraction in of_check.items():
            totals[number] += fraction * checks[name].points
    return [
        _figures(check, earned[check.id], totals, passed[check.id], told[check.id])
        for check in checks.values()
        if earned[check.id]
    ]


def _figures(
    check: Check, earned: dict[int, float], totals: np.ndarray, passed: int, told: Counter[str]
) -> CheckFigures:
    fractions = np.array(list(earned.values()))
    rest = totals[list(earned)] - fractions * check.points
    varies = len(fractions) > 2 and np.ptp(fractions) > 1e-9 and np.ptp(rest) > 1e-9
    return CheckFigures(
        check=check,
        decided=len(fractions),
        passed=passed / len(fractions),
        mean=float(fractions.mean()),
        discrimination=float(np.corrcoef(fractions, rest)[0, 1]) if varies else None,
        diagnoses=tuple((words, n) for words, n in told.most_common(COMMONEST) if n > 1),
    )


def histogram(shares: Sequence[float]) -> list[int]:
    """How many shares lie in each tenth of 0 … 1; exactly 1 is in the last."""
    counts = [0] * BINS
    for share in shares:
        counts[min(int(share * BINS + 1e-9), BINS - 1)] += 1
    return counts


def to_look_at(reports: Sequence[Report]) -> list[Look]:
    """The submissions that need a person, in their order."""
    alike: dict[str, list[Report]] = defaultdict(list)
    for report in reports:
        if not report.submission.reason:
            alike[report.submission.digest].append(report)
    found = []
    for report in reports:
        reasons = _reasons(report)
        others = [
            r.submission.id
            for r in alike[report.submission.digest]
            if r is not report and not together(report.submission, r.submission)
        ]
        if others and not report.submission.reason:
            also = f" and {len(others) - 2} more" if len(others) > 2 else ""
            reasons.append(f"the same files as {', '.join(others[:2])}{also}")
        if reasons:
            found.append(Look(report, tuple(reasons)))
    return found


def _reasons(report: Report) -> list[str]:
    reasons = []
    submission = report.submission
    if submission.question:
        reasons.append(f"a person has to decide: {submission.question}")
    elif submission.reason:
        reasons.append("unusable")
    elif report.total.undecided > 0:
        reasons.append("undecided")
    if parts := not_handed_in(report):
        reasons.append(f"not handed in: {', '.join(map(part_label, parts))}")
    if parts := stale_parts(report):
        reasons.append(f"{OLDER} {', '.join(map(part_label, parts))}")
    reasons += [note for note in submission.notes if not is_plain(note)]
    timeouts = report.sandbox.get("timeouts")
    if isinstance(timeouts, int) and timeouts > 0:
        reasons.append("timed out once" if timeouts == 1 else f"timed out {timeouts} times")
    if functions := _only_hidden_ones_fail(report):
        reasons.append(
            f"passes the public checks of {', '.join(functions)} and fails the hidden ones"
        )
    return reasons


def _only_hidden_ones_fail(report: Report) -> list[str]:
    """Functions of which every public check passed, and of several hidden ones none did."""
    public: dict[str, list[bool]] = defaultdict(list)
    hidden: dict[str, list[bool]] = defaultdict(list)
    for check, outcome in judged(report):
        (hidden if check.hidden else public)[check.function].append(
            outcome.status is Status.PASSED or outcome.status is Status.INVALID
        )
    return [
        f for f, seen in public.items() if all(seen) and len(hidden[f]) > 1 and not any(hidden[f])
    ]
