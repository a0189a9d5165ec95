"""The report as Markdown, for the summary that CI shows beside a run.

Whatever may be a student's stands in ``<pre>``, escaped: there Markdown and GitHub read nothing,
neither markup nor links nor mentions.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from grader.records import Report, Score, Status
from grader.report import labels, numbers
from grader.report.analysis.fix_first import (
    TO_FIX,
    Advice,
    brief,
    by_part,
    fix_first,
    judged,
    lost,
    passed_everything,
    sentence,
    to_win,
    unsandboxed,
)
from grader.report.deliver import ForStudent
from grader.text import capped, one_line, passage

__all__ = ["refusal", "summary"]

_MISTAKES, _LINE, _PASTED = 10, 200, 10
"""Mistakes that are told, characters of each but the first, lines of code: as in the terminal."""
_ROWS = 200
"""Checks named at most: a summary may have 1 MiB, and is to be read."""


def summary(delivery: ForStudent) -> str:
    """What a student may see, in Markdown."""
    return "\n\n".join(_blocks(delivery.report)) + "\n"


def refusal(reason: str) -> str:
    """Where nothing was checked: why."""
    return f"## Homework 3: not checked\n\n{_pre(reason)}\n"


def _blocks(report: Report) -> Iterator[str]:
    total = report.total
    undecided = f", {numbers.number(total.undecided)} undecided" if total.undecided else ""
    yield f"## Homework 3: {numbers.points(total.earned, total.possible)} points{undecided}"
    if unsandboxed(report):
        yield "**UNSANDBOXED**: this code ran without a sandbox."
    if report.submission.reason:
        yield "This submission could not be graded."
        yield _pre(report.submission.reason)
    if total.undecided > 0.0:
        yield (
            f"**The grader could not decide about {numbers.number(total.undecided)} points.** "
            "This is not your fault and not counted as 0; please tell your instructor."
        )
        reasons = [o.feedback.message for o in report.outcomes if o.status is Status.INVALID]
        yield _pre("\n".join(dict.fromkeys(filter(None, reasons))))
    yield _parts(report)
    if passed_everything(report):
        yield "Everything passed. Well done!"
    if report.left_out:
        checks = "1 check was" if report.left_out == 1 else f"{report.left_out} checks were"
        yield f"{checks} not run this time; the points above do not include them."
    if report.withheld > 0.0:
        yield (
            f"{numbers.number(report.withheld)} of the points come from hidden checks; "
            "the total counts them."
        )
    advice = fix_first(report, len(report.checks))
    if advice:
        yield "### What to fix first"
        for number, one in enumerate(advice[:_MISTAKES], 1):
            yield _advice(number, one)
    if more := advice[_MISTAKES:]:
        points = numbers.number(sum(one.points for one in more))
        yield f"{len(more)} more mistakes ({points} points): the table below names their checks."
    yield from _others(report)


def _parts(report: Report) -> str:
    rows = ["| part | | passed | points |", "|---|---|---:|---:|"]
    for part, pairs in by_part(report).items():
        score = report.scores.get(part, Score())
        passed = sum(outcome.status is Status.PASSED for _, outcome in pairs)
        points = numbers.points(score.earned, score.possible)
        if score.undecided > 0.0:
            points += f", {numbers.number(score.undecided)} undecided"
        label, title = labels.part_label(part), labels.part_title(part)
        rows.append(
            f"| **{_inline(label)}** | {_inline(title)} | {passed} of {len(pairs)} | {points} |"
        )
    return "\n".join(rows)


def _advice(number: int, advice: Advice) -> str:
    """The first mistake with all that is known, and the code to see it; of others one line."""
    check, feedback = advice.check, advice.outcome.feedback
    words, code = one_line(sentence(feedback), _LINE), ""
    if number == 1:
        rows = ((label, capped(value, 600, 8)) for label, value in brief(feedback))
        words = "\n".join(f"{label:12}{value}" for label, value in rows)
        code = feedback.counterexample
    title = f"{_inline(check.function)}: {_inline(check.title)}"
    heading = f"**{number}. {title}** ({to_win(advice)})"
    blocks = [heading, *([_pre(words)] if words else [])]
    if code and code.count("\n") <= _PASTED:
        blocks += ["To see it in Python:", _pre(code)]
    return "\n\n".join(blocks)


def _others(report: Report) -> Iterator[str]:
    rows = [
        f"| {_inline(check.function)} | {_inline(check.title)} | {labels.WORDS[outcome.status]} "
        f"| {_missing(check.points, lost(check, outcome))} |"
        for check, outcome in judged(report)
        if outcome.status in TO_FIX or outcome.status in (Status.INVALID, Status.BLOCKED)
    ]
    if rows:
        yield f"<details><summary>All checks that did not pass ({len(rows)})</summary>"
        yield "\n".join(["| function | check | | points |", "|---|---|---|---:|", *rows[:_ROWS]])
        yield "</details>"


def _missing(points: float, missed: float) -> str:
    return f"−{numbers.trimmed(numbers.fixed(missed, points))}" if missed else "undecided"


def _pre(text: str) -> str:
    return f"<pre>\n{html.escape(passage(text), quote=False)}\n</pre>"


def _inline(text: str) -> str:
    """Words of the grader's own, which hold no markup either."""
    line = one_line(text)
    return re.sub(r"[^\w\s.,;()/'−–-]|_", lambda found: f"&#{ord(found[0])};", line)
