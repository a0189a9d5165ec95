"""Plain text for the output of other programs, as pytest is: a check's feedback, the points.

What comes from a submission is shown as printable characters after a label or a bar, so that no
line begins with it: it can pose neither as a line of that program nor as an order to what reads it.
"""

from __future__ import annotations

from collections.abc import Mapping

from grader.homework import contract
from grader.records import Score, Status
from grader.report import labels, numbers
from grader.report.analysis.fix_first import judged, told
from grader.report.deliver import ForStudent
from grader.text import capped, one_line, printable

__all__ = ["feedback", "labelled", "points"]


def feedback(delivery: ForStudent) -> str:
    """What a student reads of a report's one check: its title and points, then what is known."""
    ((check, outcome),) = judged(delivery.report)
    if outcome.status is Status.INVALID:
        undecided = f"{numbers.number(check.points)} points undecided"
        head = f"{undecided}: the grader could not decide; this is not your fault and not a zero"
    else:
        points = numbers.points(check.points * outcome.fraction, check.points)
        head = f"{labels.WORDS[outcome.status].lower()}: {points} points"
    lines = [f"{one_line(check.title)} [{head}]"]
    # Tracebacks of the grader are not for students; what their code printed stands elsewhere.
    lines += [labelled(label, text) for label, text in told(outcome.feedback, in_full=False)]
    code = printable(outcome.feedback.counterexample)
    if code:  # the grader's own words, at the margin: so they can be pasted
        lines += ["To see it yourself:", code.rstrip("\n")]
    return "\n".join(lines)


def labelled(label: str, text: str) -> str:
    """Text of a submission after a label and a bar, on as many lines as it has."""
    # GitHub Actions carries out what follows two signs and a bracket, anywhere in a line.
    shown = capped(printable(text)).replace("##[", "# #[")
    first, *rest = shown.rstrip("\n").split("\n")
    return "\n".join([f"{label:10} | {first}", *(f"{'':10} | {line}" for line in rest)])


def points(scores: Mapping[str, Score], left_out: int) -> list[str]:
    """Points by part and in total, what is undecided, and how many checks were not run."""
    if not scores:
        return ["No check was run, so there are no points."]
    lines = []
    for part in contract.PARTS:
        if part.id in scores:
            label = f"{labels.part_label(part.id):8}{part.title:34}"
            lines.append(f"{label}{_of(scores[part.id]):>14}")
    total = sum(scores.values(), Score())
    lines.append(f"{'Total':42}{_of(total):>14}")
    if total.undecided:
        lines.append(
            f"The grader could not decide about {numbers.number(total.undecided)} points. This is "
            "not your fault and not counted as 0; please tell your instructor."
        )
    if left_out:
        checks = "1 check was" if left_out == 1 else f"{left_out} checks were"
        lines.append(f"{checks} not run this time; the points above do not include them.")
    return lines


def _of(score: Score) -> str:
    return numbers.points(score.earned, score.possible)
