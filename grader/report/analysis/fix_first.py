"""What every renderer asks of a report: checks beside outcomes, parts, and what to fix first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce

from grader.homework import contract
from grader.records import (
    NOTHING_HERE,
    Check,
    Feedback,
    Figure,
    Outcome,
    Report,
    Score,
    Status,
)
from grader.report import numbers
from grader.report.labels import part_label
from grader.text import one_line

__all__ = [
    "OLDER",
    "TO_FIX",
    "Advice",
    "Judged",
    "also_in",
    "brief",
    "by_part",
    "counted",
    "fix_first",
    "handed_in_nothing",
    "has_total",
    "judged",
    "lost",
    "mistakes",
    "not_handed_in",
    "nothing_called",
    "parts_of",
    "passed_everything",
    "sentence",
    "stale_parts",
    "status_of",
    "to_do",
    "to_win",
    "told",
    "unsandboxed",
]

Judged = tuple[Check, Outcome]

OLDER = "to be graded again:"
"""In front of the parts whose results are older than the rest."""

TO_FIX = frozenset({Status.PARTIAL, Status.FAILED, Status.CRASHED})
"""What a student can do something about right now."""


@dataclass(frozen=True)
class Advice:
    """A check worth fixing: the points that it misses, and what is won with it."""

    check: Check
    outcome: Outcome
    lost: float
    waiting: int
    """Checks that it holds up, and what they miss."""
    waiting_points: float
    alike: int = 0
    """Further checks that found the same mistake, and what they miss."""
    alike_points: float = 0.0

    @property
    def points(self) -> float:
        """All that is won."""
        return self.lost + self.waiting_points + self.alike_points


def judged(report: Report) -> list[Judged]:
    """Every outcome beside its check, in the order of the outcomes.

    Raises:
        ValueError: an outcome belongs to no check, so nobody knows whether it is hidden.
    """
    checks = {check.id: check for check in report.checks}
    strangers = [o.check_id for o in report.outcomes if o.check_id not in checks]
    if strangers:
        raise ValueError(f"outcomes without a check: {', '.join(strangers)}")
    return [(checks[outcome.check_id], outcome) for outcome in report.outcomes]


def by_part(report: Report) -> dict[str, list[Judged]]:
    """Checks and outcomes by part: the scored parts in the homework's order, then any others."""
    parts: dict[str, list[Judged]] = {part: [] for part in report.scores}
    for check, outcome in judged(report):
        parts.setdefault(check.part, []).append((check, outcome))
    return parts


def parts_of(reports: Sequence[Report]) -> list[str]:
    """Every part that some report has a score of, the homework's own first and in its order."""
    found = dict.fromkeys(part for report in reports for part in report.scores)
    known = [part.id for part in contract.PARTS if part.id in found]
    return known + [part for part in found if part not in known]


def lost(check: Check, outcome: Outcome) -> float:
    """Points that the check misses; points that could not be decided are not lost."""
    if outcome.status is Status.INVALID:
        return 0.0
    return check.points * (1.0 - outcome.fraction)


def fix_first(report: Report, limit: int = 5) -> list[Advice]:
    """The mistakes to fix first, most points first; never a blocked check.

    A check counts with the points of the blocked checks that need it.  Of the checks that found the
    same (:func:`mistakes`) the one that costs most stands for all.  What failed because another
    check did (``Check.causes``) follows that one.

    Args:
        report: as it is to be shown.
        limit: at most so many.
    """
    pairs = judged(report)
    advice = []
    for alike in mistakes([pair for pair in pairs if pair[1].status in TO_FIX]):
        each = [_advice(*pair, pairs) for pair in alike]
        waits = nothing_called(each[0].outcome)
        advice.append(reduce(lambda one, more: _together(one, more, waits=waits), each))
    # Rounded, so that the noise of adding floats does not decide between equals; sorting is stable.
    order = {check.id: place for place, (check, _) in enumerate(pairs)}
    advice.sort(key=lambda a: (-round(a.points, 6), order[a.check.id]))
    return _causes_first(_unwritten_in_order(advice))[:limit]


def _advice(check: Check, outcome: Outcome, pairs: Sequence[Judged]) -> Advice:
    behind = _waiting_for(check.id, pairs)
    held_up = sum(lost(*pair) for pair in behind)
    return Advice(check, outcome, lost(check, outcome), len(behind), held_up)


def mistakes(pairs: Sequence[Judged]) -> list[list[Judged]]:
    """Checks that did not pass by what is wrong, what costs most first.

    Checks that found the same known mistake are one, and so are those of one function of which
    nothing is known but that its values are wrong, or that it ends with an error.  What is missing
    is missing for all.  Every renderer groups by this.

    Args:
        pairs: to be shown.

    Returns:
        Groups; in each, the check that costs most comes first.
    """
    groups: dict[tuple[str, ...], list[Judged]] = {}
    for check, outcome in pairs:
        groups.setdefault(_mistake(check, outcome), []).append((check, outcome))
    for alike in groups.values():
        alike.sort(key=lambda pair: -round(lost(*pair), 6))
    return sorted(groups.values(), key=lambda alike: -round(sum(lost(*p) for p in alike), 6))


def _mistake(check: Check, outcome: Outcome) -> tuple[str, ...]:
    told = outcome.feedback
    if outcome.status is Status.PASSED:
        return "passed", check.id
    if outcome.status is Status.INVALID:
        return "undecided", told.message or check.id
    if nothing_called(outcome):
        return "missing", check.part, told.message
    if told.diagnosis:
        return "known", told.diagnosis
    return "crashed" if outcome.status is Status.CRASHED else "wrong", check.part, check.function


def sentence(feedback: Feedback) -> str:
    """A mistake in one sentence: the known one, else what was seen, else what to look at."""
    return feedback.diagnosis or feedback.message or feedback.hint


def also_in(alike: Sequence[Judged]) -> list[str]:
    """The functions besides the first check's in which the same was found."""
    functions = list(dict.fromkeys(check.function for check, _ in alike))
    return functions[1:]


def nothing_called(outcome: Outcome) -> bool:
    """Whether the check could not call anything: what is missing is missing for others alike."""
    told = outcome.feedback
    return bool(told.message and not told.tried and not told.expected)


def _unwritten_in_order(advice: Sequence[Advice]) -> list[Advice]:
    """The same places for functions of a part that are not there, in the homework's order."""
    order = list(contract.FUNCTIONS)
    ordered = list(advice)
    for part in {one.check.part for one in advice}:
        places = [
            i
            for i, one in enumerate(advice)
            if one.check.part == part
            and one.check.function in order
            and one.outcome.feedback.message.rstrip(".").endswith("is not written yet")
        ]
        missing = sorted((advice[i] for i in places), key=lambda a: order.index(a.check.function))
        for i, one in zip(places, missing, strict=True):
            ordered[i] = one
    return ordered


def _causes_first(advice: Sequence[Advice]) -> list[Advice]:
    by_id = {one.check.id: one for one in advice}
    ordered: dict[str, Advice] = {}
    for one in advice:
        cause = next((by_id[name] for name in one.check.causes if name in by_id), one)
        for each in (cause, one):
            ordered.setdefault(each.check.id, each)
    return list(ordered.values())


def _together(one: Advice, more: Advice, *, waits: bool) -> Advice:
    waiting, points = one.waiting + more.waiting, one.waiting_points + more.waiting_points
    if waits:
        return replace(one, waiting=waiting + 1, waiting_points=points + more.lost)
    return replace(
        one,
        waiting=waiting,
        waiting_points=points,
        alike=one.alike + 1,
        alike_points=one.alike_points + more.lost,
    )


def _waiting_for(check_id: str, pairs: Sequence[Judged]) -> list[Judged]:
    """The blocked checks that need a check, directly or through other blocked ones."""
    held_up = {check_id}
    found = []
    for check, outcome in pairs:  # a check comes after those that it needs
        if outcome.status is Status.BLOCKED and held_up.intersection(check.needs):
            found.append((check, outcome))
            held_up.add(check.id)
    return found


def to_do(advice: Advice) -> str:
    """The check's title, or what is missing where nothing could be tried."""
    if advice.waiting and nothing_called(advice.outcome):
        return one_line(advice.outcome.feedback.message, 160)
    return advice.check.title


def to_win(advice: Advice) -> str:
    """What fixing it wins: ``+1; 2 more checks need it``, or with how many found the same."""
    checks = "1 more check needs" if advice.waiting == 1 else f"{advice.waiting} more checks need"
    held_up = f"; {checks} it" if advice.waiting else ""
    if advice.waiting and nothing_called(advice.outcome):
        return f"up to +{numbers.number(advice.points)}{held_up}"
    found = "1 check" if advice.alike == 1 else f"{advice.alike} checks"
    alike = f", with {found} that found the same" if advice.alike else ""
    won = numbers.number(advice.lost + advice.alike_points) if advice.alike else _own(advice)
    return f"+{won}{alike}{held_up}"


def _own(advice: Advice) -> str:
    return numbers.trimmed(numbers.fixed(advice.lost, advice.check.points))


def passed_everything(report: Report) -> bool:
    """Full marks: all checks were run, there was something to earn, and all of it was earned."""
    total = report.total
    full = total.possible > 0.0 and numbers.same(total.earned, total.possible)
    full = full and not report.stale and not report.submission.question
    return full and not report.left_out and total.undecided == 0.0 and not report.submission.reason


def status_of(report: Report) -> str:
    """``graded`` or ``undecided`` and what of it is missing or old, or why nothing was graded."""
    if report.submission.question:
        return f"a person has to decide: {report.submission.question}"
    if report.submission.reason:
        return report.submission.reason
    words = ["undecided" if report.undecided > 0.0 else "graded"]
    if waiting := sum(not one.marked for one in report.written):
        words.append(f"{waiting} {'answer' if waiting == 1 else 'answers'} to be marked")
    if parts := not_handed_in(report):
        words.append(f"not handed in: {_parts(parts)}")
    if parts := stale_parts(report):
        words.append(f"{OLDER} {_parts(parts)}")
    return "; ".join(words)


def not_handed_in(report: Report) -> list[str]:
    """The parts that were graded and whose files are not in the submission, where that is known."""
    if report.handed_in is None or report.submission.question:
        return []
    return [part for part in report.scores if part not in report.handed_in]


def stale_parts(report: Report) -> list[str]:
    """The parts whose results are older than the rest."""
    return [part for part in report.scores if part in report.stale]


def counted(report: Report) -> dict[str, Score]:
    """The scores of the parts that have points to show: nothing that is not known is 0.

    Left out are parts that were not handed in, and those of which nothing could be decided.
    """
    if report.submission.question:
        return {}
    absent = not_handed_in(report)
    return {part: s for part, s in report.scores.items() if part not in absent and not _open(s)}


def has_total(report: Report) -> bool:
    """Whether there are points to show for all of it: nothing that was not handed in is 0."""
    some = bool(report.scores) and not report.submission.question
    return some and not all(map(_open, report.scores.values())) and not handed_in_nothing(report)


def handed_in_nothing(report: Report) -> bool:
    """Whether no file of the homework was handed in; of a submission that is refused there was."""
    submission = report.submission
    nothing = submission.reason.startswith(NOTHING_HERE) and not submission.question
    return nothing and report.handed_in is not None and not report.handed_in


def _open(score: Score) -> bool:
    return score.possible > 0.0 and numbers.same(score.undecided, score.possible)


def _parts(parts: Sequence[str]) -> str:
    return ", ".join(map(part_label, parts))


def unsandboxed(report: Report) -> bool:
    """Whether the submission ran without walls around it."""
    return bool(report.sandbox.get("unsandboxed")) or report.sandbox.get("mode") == "none"


def told(feedback: Feedback, *, in_full: bool) -> list[tuple[str, str]]:
    """What is said about a check in words, label by label, without what is empty."""
    said = [
        ("called", feedback.tried),
        ("seen", feedback.message),
        ("expected", feedback.expected),
        ("got", feedback.actual),
        ("looks like", feedback.diagnosis),
        ("note", feedback.note),
        ("hint", feedback.hint),
        ("cost", feedback.cost),
        ("where", feedback.where),
    ]
    if in_full:
        said += [
            ("reproduce", feedback.counterexample),
            ("printed", feedback.stdout),
            ("figures", "\n".join(map(_caption, feedback.figures))),
            ("details", feedback.details),
        ]
    return [(label, value) for label, value in said if value]


def brief(feedback: Feedback) -> list[tuple[str, str]]:
    """The same, without a hint where the mistake itself is named."""
    rows = told(feedback, in_full=False)
    return [(label, v) for label, v in rows if label != "hint" or not feedback.diagnosis]


def _caption(figure: Figure) -> str:
    return f"{figure.caption} ({', '.join(map(str, figure.arrays))})"
