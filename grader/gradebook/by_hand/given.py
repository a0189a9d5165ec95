"""What marks by hand make of a report: answers with their points, and changed points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from grader import layout
from grader.gradebook.by_hand import kept
from grader.gradebook.by_hand.kept import Kept
from grader.gradebook.by_hand.sheet import Given
from grader.grading.rules import Rules
from grader.homework.questions import Question, answer_sheet
from grader.records import Check, Line, Report, Score, Status, Written, added
from grader.report import numbers
from grader.report.analysis.answers import FILE, Answers, answers
from grader.report.analysis.fix_first import judged
from grader.report.labels import part_label
from grader.report.writers import handed_in
from grader.submissions.assemble import PROSE

__all__ = [
    "CHANGED",
    "ByHand",
    "answers_of",
    "changed",
    "handed_out",
    "possible",
    "read",
    "read_answers",
    "written",
]


CHANGED = "changed"
"""The kind of a line that changes the points of a check or a part."""


@dataclass(frozen=True)
class ByHand:
    """The marks of a folder of results, and what students wrote there."""

    out: Path = Path()
    questions: tuple[Question, ...] = ()
    kept: Kept = field(default_factory=Kept)

    def applied(self, report: Report) -> Report:
        """The report with its written answers, and with their marks as far as there are any."""
        if not self.questions:
            return report
        one = report.submission.id
        found = answers_of(self, one)
        return replace(report, written=written(self.questions, found, self.kept.of(one)))

    def of_questions(self, report: Report) -> list[Line]:
        """A line for each question."""
        waits = "Not marked yet: nothing of this counts as 0."
        return [
            Line(one.id, one.title, one.score, "" if one.marked else waits)
            for one in report.written
        ]

    def of_changes(self, report: Report) -> list[Line]:
        """A line for each check and part whose points a person changed."""
        return changed(report, self.kept.of(report.submission.id))


def possible(checks: Sequence[Check]) -> dict[str, float]:
    """What can be earned, by the id of a check or a part.

    Args:
        checks: of the assignment.
    """
    parts = {
        part: [c.points for c in checks if c.part == part] for part in {c.part for c in checks}
    }
    return {
        **{check.id: check.points for check in checks},
        **{part: added(points) for part, points in parts.items()},
    }


def read(out: Path, rules: Rules, marks: Kept | None = None) -> ByHand:
    """The marks of a folder of results.

    Args:
        out: the folder.
        rules: the assignment, whose questions and prices count.
        marks: in place of those that were taken over there.

    Raises:
        BadInput: they cannot be read, or the assignment has no place for them any more.
    """
    found = marks or kept.read(out)
    questions = rules.assignment.questions
    kept.fitting(found, questions, possible(rules.checks))
    return ByHand(out, questions, found)


@cache
def handed_out(questions: tuple[Question, ...]) -> bytes:
    """What students may have got as the file for answers: as delivered, and for these questions.

    Args:
        questions: of the assignment.
    """
    beside = layout.HOME / "student_template"
    folder = beside if beside.is_dir() else layout.data("student_template")
    path = folder / FILE
    template = path.read_text("utf-8") if path.is_file() else ""
    return f"{template}\n\n{answer_sheet(questions, template)}".encode()


def answers_of(by_hand: ByHand, student: str) -> Answers:
    """What one student wrote.

    Args:
        by_hand: of the folder of results.
        student: the id.
    """
    return read_answers(by_hand.out / student, by_hand.questions, handed_out(by_hand.questions))


def read_answers(folder: Path, questions: Sequence[Question], given: bytes) -> Answers:
    """What a student wrote, from the files that are kept beside the result.

    Args:
        folder: the student's, in the folder of results.
        questions: that were asked.
        given: the file for answers that students got.

    Raises:
        Unreadable: what is kept is damaged.
    """
    files = handed_in.read(folder) or {}
    texts = [files[name] for name in (FILE, PROSE) if name in files]
    return answers(b"\n\n".join(texts), questions, given)


def written(questions: Sequence[Question], found: Answers, marks: Sequence[Given]) -> list[Written]:
    """Each question with a student's answer and mark; without a mark its points are undecided.

    Args:
        questions: of the assignment.
        found: what the student wrote.
        marks: of the student, which fit the questions.
    """
    by_question = {mark.what: mark for mark in marks}
    return [_one(one, found.of.get(one.id, ""), by_question.get(one.id)) for one in questions]


def _one(question: Question, answer: str, mark: Given | None) -> Written:
    about = (question.prompt, question.part, answer)
    if mark is None:
        score = Score(0.0, question.points, question.points)
        return Written(question.id, question.title, score, *about)
    items = [item for item in question.rubric if item.id in mark.items]
    earned = question.earned(mark.items) if mark.points is None else mark.points
    return Written(
        *(question.id, question.title, Score(earned, question.points), *about),
        items=tuple((item.text, item.points) for item in items),
        comment=mark.comment,
    )


def changed(report: Report, marks: Sequence[Given]) -> list[Line]:
    """What a person changed: first the points of checks, then those of whole parts.

    A part's changed points stand for all of its checks, those with changed points included.

    Args:
        report: with the points that were earned.
        marks: of the student.
    """
    points = {mark.what: mark.points for mark in marks if mark.points is not None}
    why = {mark.what: mark.comment for mark in marks}
    lines = []
    so_far = dict(report.scores)
    for check, outcome in judged(report):
        if check.id in points:
            waits = check.points if outcome.status is Status.INVALID else 0.0
            before = Score(0.0 if waits else check.points * outcome.fraction, 0.0, waits)
            title = (
                f"a hidden check of {part_label(check.part)}"
                if check.hidden
                else check.title.rstrip(".")
            )
            lines.append(_line(title, before, points[check.id], why[check.id]))
            so_far[check.part] = so_far[check.part] + lines[-1].score
    for part, score in so_far.items():
        if part in points:
            lines.append(_line(part_label(part), score, points[part], why[part]))
    return lines


def _line(title: str, before: Score, points: float, why: str) -> Line:
    now, then = numbers.number(points), numbers.number(before.earned)
    change = f"{now} points" if before.undecided else f"{now} in place of {then} points"
    by = Score(added([points, -before.earned]), 0.0, -before.undecided)
    return Line(CHANGED, f"Changed by a person: {title}", by, f"{change}. {why}")
