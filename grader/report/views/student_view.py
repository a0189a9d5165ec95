"""A report arranged for its page: what is shown is decided here, templates only place it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

from grader.homework.theory import THEORY, Theory, mathml
from grader.records import Feedback, Line, Report, Score, Status
from grader.report import labels, numbers
from grader.report.analysis.fix_first import (
    TO_FIX,
    Advice,
    Judged,
    also_in,
    by_part,
    fix_first,
    judged,
    lost,
    mistakes,
    passed_everything,
    sentence,
    stale_parts,
    to_do,
    unsandboxed,
)
from grader.report.analysis.regrade import about_check
from grader.report.figures.figures import Drawing, draw
from grader.report.views.written_view import WrittenView, written_view
from grader.text import one_line

__all__ = [
    "BarView",
    "CheckView",
    "FixView",
    "LineView",
    "PartView",
    "ReportView",
    "bar_view",
    "line_view",
    "report_view",
]

MOST_FIGURES, MOST_SLOW = 6, 3
"""Figures that a check shows, and checks that are opened only because they are slow."""


@dataclass(frozen=True)
class BarView:
    """A bar of points, in percent; full and empty only where that is true."""

    label: str
    earned: float
    undecided: float


@dataclass(frozen=True)
class CheckView:
    """One check as a row that can be opened."""

    anchor: str
    id: str
    title: str
    function: str
    css: str
    mark: str
    word: str
    points: str
    hidden: bool
    opened: bool
    feedback: Feedback
    figures: tuple[Drawing, ...]
    figures_left_out: int
    seconds: str
    about: str
    theory: Theory | None
    formula: Markup | None
    request: str
    """What a student copies to ask for another look; nothing where there is nothing to ask."""
    says: str
    """The mistake in one sentence, if it is told here first."""
    alike: tuple[CheckView, ...]
    """The checks that found the same mistake."""
    alike_in_words: str
    same_as: tuple[str, str]
    """Anchor and title of the check where the same mistake is told, or nothing."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to open."""
        nothing = self.feedback == Feedback() and not self.alike
        return nothing and not self.about and self.theory is None


@dataclass(frozen=True)
class PartView:
    """One part: its score and its checks."""

    anchor: str
    label: str
    title: str
    points: str
    bar: BarView | None
    counts: str
    checks: tuple[CheckView, ...]


@dataclass(frozen=True)
class LineView:
    """A line of marks beside the parts."""

    title: str
    points: str
    why: str


@dataclass(frozen=True)
class FixView:
    """One line of "what to fix first"."""

    anchor: str
    title: str
    function: str
    hidden: bool
    advice: str
    win: str
    opens: str


@dataclass(frozen=True)
class ReportView:
    """A whole page about one submission."""

    name: str
    id: str
    received: str
    reason: str
    question: str
    notes: tuple[str, ...]
    ignored: tuple[tuple[str, str], ...]
    stale: str
    """Which parts have to be graded again, in a sentence."""
    earned: str
    possible: str
    bar: BarView
    verdict: str
    undecided: str
    unmarked: str
    withheld: str
    parts: tuple[PartView, ...]
    lines: tuple[LineView, ...]
    written: tuple[WrittenView, ...]
    fixes: tuple[FixView, ...]
    unsandboxed: bool
    full_marks: bool
    digest: str
    sandbox: tuple[tuple[str, str], ...]
    environment: tuple[tuple[str, str], ...]


def report_view(report: Report, *, requests: bool = False) -> ReportView:
    """Arrange a report for its page; nothing is redacted here.

    Args:
        report: as its reader may see it.
        requests: whether the page has a form of words for regrade requests.
    """
    total = report.total
    fixes = fix_first(report)
    opened = _opened(report, fixes[:1])
    return ReportView(
        name=one_line(report.submission.name, 120) or one_line(report.submission.id, 120),
        id=one_line(report.submission.id, 120),
        received=one_line(report.submission.received, 60),
        reason=report.submission.reason,
        question=report.submission.question,
        notes=tuple(one_line(note, 400) for note in report.submission.notes),
        ignored=tuple(
            (one_line(path, 200), one_line(why, 200)) for path, why in report.submission.ignored
        ),
        stale=_stale(report),
        earned=numbers.trimmed(numbers.fixed(total.earned, total.possible)),
        possible=numbers.number(total.possible),
        bar=bar_view(total),
        verdict=_verdict(report),
        undecided=numbers.number(report.undecided) if report.undecided > 0.0 else "",
        unmarked=numbers.number(report.unmarked) if report.unmarked > 0.0 else "",
        withheld=numbers.number(report.withheld) if report.withheld > 0.0 else "",
        parts=tuple(
            _part(part, report.scores.get(part), pairs, opened, report if requests else None)
            for part, pairs in by_part(report).items()
        ),
        lines=tuple(map(line_view, report.lines)),
        written=tuple(written_view(one, report, requests=requests) for one in report.written),
        fixes=tuple(
            FixView(
                anchor=_anchor("check", advice.check.id),
                title=to_do(advice),
                function=advice.check.function,
                hidden=advice.check.hidden,
                advice=_advice(advice.outcome.feedback)
                if to_do(advice) == advice.check.title
                else "",
                win=_win(advice),
                opens=_opens(advice),
            )
            for advice in fixes
        ),
        unsandboxed=unsandboxed(report),
        full_marks=passed_everything(report),
        digest=report.submission.digest,
        sandbox=tuple((str(key), _words(value)) for key, value in report.sandbox.items()),
        environment=tuple((str(key), str(value)) for key, value in report.environment.items()),
    )


def _stale(report: Report) -> str:
    words = (f"{labels.part_label(part)} was {report.stale[part]}" for part in stale_parts(report))
    said = "; ".join(words)
    return f"{said}." if said else ""


def _anchor(kind: str, name: str) -> str:
    return f"{kind}-{re.sub(r'[^A-Za-z0-9._-]', '-', name)}"


def _opened(report: Report, first: Sequence[Advice]) -> frozenset[str]:
    """The checks shown opened: what to fix first, each part's worst mistake, and what is slow."""
    groups = [alike for pairs in by_part(report).values() for alike in mistakes(_wrong(pairs))[:1]]
    slow = [check.id for check, outcome in judged(report) if outcome.feedback.cost]
    worst = [alike[0][0].id for alike in groups]
    return frozenset([*(advice.check.id for advice in first), *worst, *slow[:MOST_SLOW]])


def _wrong(pairs: Sequence[Judged]) -> list[Judged]:
    open_ = (*TO_FIX, Status.INVALID)
    return [pair for pair in pairs if pair[1].status in open_]


def bar_view(score: Score) -> BarView:
    """The bar of a score."""
    earned = numbers.share(score.earned, score.possible)
    undecided = min(numbers.share(score.undecided, score.possible), 100.0 - earned)
    label = f"{numbers.points(score.earned, score.possible)} points"
    if score.undecided > 0.0:
        label += f", {numbers.number(score.undecided)} undecided"
    return BarView(label, earned, round(undecided, 1))


def line_view(line: Line) -> LineView:
    """A line beside the parts: what it adds or takes off, of how much there is to earn."""
    score = line.score
    points = numbers.points(score.earned, score.possible) if score.possible else ""
    if score.undecided > 0.0:
        points = f"? / {numbers.number(score.possible)}"
    return LineView(
        title=one_line(line.title, 120),
        points=points or numbers.signed(score.earned),
        why=one_line(line.why, 600),
    )


def _part(
    part: str,
    score: Score | None,
    pairs: Sequence[Judged],
    opened: frozenset[str],
    asked_about: Report | None,
) -> PartView:
    passed = sum(outcome.status is Status.PASSED for _, outcome in pairs)
    return PartView(
        anchor=_anchor("part", part),
        label=labels.part_label(part),
        title=labels.part_title(part),
        points=numbers.points(score.earned, score.possible) if score else "",
        bar=bar_view(score) if score and score.possible > 0.0 else None,
        counts=_counts(passed, len(pairs), score),
        checks=tuple(_in_order(pairs, opened, asked_about)),
    )


def _in_order(
    pairs: Sequence[Judged], opened: frozenset[str], asked_about: Report | None
) -> Iterator[CheckView]:
    """Each mistake once, the one that costs most first; then what was not run, and what passed."""
    wrong = _wrong(pairs)
    for (check, outcome), *alike in mistakes(wrong):
        first = _check((check, outcome), opened, asked_about)
        same_as = (first.anchor, first.title)
        yield replace(
            first,
            says=one_line(sentence(outcome.feedback), 200),
            alike=tuple(
                replace(_check(pair, opened, asked_about), same_as=same_as) for pair in alike
            ),
            alike_in_words=_alike([(check, outcome), *alike]),
        )
    told = {check.id for check, _ in wrong}
    rest = [pair for pair in pairs if pair[0].id not in told]
    for pair in sorted(rest, key=lambda pair: pair[1].status is Status.PASSED):
        yield _check(pair, opened, asked_about)


def _alike(pairs: Sequence[Judged]) -> str:
    alike = pairs[1:]
    if not alike:
        return ""
    checks = "1 more check" if len(alike) == 1 else f"{len(alike)} more checks"
    points = _in_points(numbers.number(sum(lost(*pair) for pair in alike)))
    functions = also_in(pairs)
    where = f" in {', '.join(functions)}" if functions else ""
    return f"{checks}{where} found the same ({points})"


def _counts(passed: int, checks: int, score: Score | None) -> str:
    words = f"{passed} of {checks} checks passed" if checks else "no check was run"
    if score and score.undecided > 0.0:
        words += f", {numbers.number(score.undecided)} points undecided"
    return words


def _check(pair: Judged, opened: frozenset[str], asked_about: Report | None) -> CheckView:
    check, outcome = pair
    can_ask = asked_about and outcome.status is not Status.PASSED and check.points
    figures = outcome.feedback.figures
    theory = THEORY.get(check.function)
    return CheckView(
        anchor=_anchor("check", check.id),
        id=check.id,
        title=check.title,
        function=check.function,
        css=outcome.status.value,
        mark=labels.MARKS[outcome.status],
        word=labels.WORDS[outcome.status],
        points=_points(pair),
        hidden=check.hidden,
        opened=check.id in opened,
        feedback=outcome.feedback,
        figures=tuple(draw(figure) for figure in figures[:MOST_FIGURES]),
        figures_left_out=max(0, len(figures) - MOST_FIGURES),
        seconds=numbers.duration(outcome.seconds),
        about="" if outcome.feedback.hint == check.about else check.about,
        theory=theory,
        formula=mathml(theory.formula) if theory else None,
        request=about_check(asked_about, check, outcome) if asked_about and can_ask else "",
        says="",
        alike=(),
        alike_in_words="",
        same_as=("", ""),
    )


def _points(pair: Judged) -> str:
    check, outcome = pair
    if outcome.status is Status.INVALID:
        return f"? / {numbers.number(check.points)}"
    return numbers.points(check.points - lost(check, outcome), check.points)


def _advice(feedback: Feedback) -> str:
    return one_line(sentence(feedback), 240)


def _win(advice: Advice) -> str:
    if advice.waiting:
        return f"up to +{numbers.number(advice.points)}"
    if advice.alike:
        return f"+{numbers.number(advice.points)}"
    return f"+{numbers.trimmed(numbers.fixed(advice.lost, advice.check.points))}"


def _opens(advice: Advice) -> str:
    words = [_in_points(numbers.trimmed(numbers.fixed(advice.lost, advice.check.points)))]
    if advice.alike:
        found = "1 more check" if advice.alike == 1 else f"{advice.alike} more checks"
        words.append(f"{found} ({_in_points(numbers.number(advice.alike_points))}) found the same")
    if advice.waiting:
        checks = "1 more check" if advice.waiting == 1 else f"{advice.waiting} more checks"
        points = _in_points(numbers.number(advice.waiting_points))
        words.append(f"{checks} ({points}) could not run until this one passes")
    return "; ".join(words) if len(words) > 1 else ""


def _in_points(number: str) -> str:
    return "1 point" if number == "1" else f"{number} points"


def _verdict(report: Report) -> str:
    statuses = [outcome.status for outcome in report.outcomes]
    if not statuses:
        return "No check was run."
    passed = statuses.count(Status.PASSED)
    if passed_everything(report):
        return "Everything passed. Well done!"
    if passed == len(statuses):
        return "Every check on this page passed." if report.withheld else "Every check passed."
    words = f"{passed} of {len(statuses)} checks passed"
    partly = statuses.count(Status.PARTIAL)
    undecided = statuses.count(Status.INVALID)
    waiting = statuses.count(Status.BLOCKED)
    extras = [f"{partly} partly"] if partly else []
    extras += [f"{waiting} not run because others did not pass"] if waiting else []
    extras += [f"{undecided} undecided"] if undecided else []
    return f"{', '.join([words, *extras])}."


def _words(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {item}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return str(value)
