"""What marks by hand make of a report: answers with their points, and changed points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from grader import layout
from grader.gradebook.by_hand.sheet import Given
from grader.homework.questions import Question
from grader.records import Report, Score, Status, Written, added
from grader.report.analysis.answers import FILE, Answers, answers
from grader.report.analysis.fix_first import judged
from grader.report.labels import part_label
from grader.report.writers import handed_in
from grader.submissions.assemble import PROSE

__all__ = ["Changed", "changed", "handed_out", "read_answers", "written"]


@dataclass(frozen=True)
class Changed:
    """Points of a check or a part in place of those that were earned."""

    what: str
    title: str
    by: Score
    """What is added to the sum; ``earned`` may be below 0."""
    why: str


def handed_out() -> bytes:
    """The file for answers that students got; nothing where it is not there."""
    beside = layout.HOME / "student_template"
    folder = beside if beside.is_dir() else layout.data("student_template")
    path = folder / FILE
    return path.read_bytes() if path.is_file() else b""


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


def changed(report: Report, marks: Sequence[Given]) -> list[Changed]:
    """The points that a person changed: first of checks, then of whole parts.

    A part's changed points stand for all of its checks, those with changed points included.

    Args:
        report: with the points that were earned.
        marks: of the student.
    """
    by_what = {mark.what: mark for mark in marks if mark.points is not None}
    found = []
    so_far = dict(report.scores)
    for check, outcome in judged(report):
        if (mark := by_what.get(check.id)) is None or mark.points is None:
            continue
        undecided = check.points if outcome.status is Status.INVALID else 0.0
        earned = 0.0 if undecided else check.points * outcome.fraction
        by = Score(added([mark.points, -earned]), 0.0, -undecided)
        title = f"A hidden check of {part_label(check.part)}" if check.hidden else check.title
        found.append(Changed(check.id, title, by, mark.comment))
        so_far[check.part] = so_far[check.part] + by
    for part, score in so_far.items():
        if (mark := by_what.get(part)) is not None and mark.points is not None:
            by = Score(added([mark.points, -score.earned]), 0.0, -score.undecided)
            found.append(Changed(part, part_label(part), by, mark.comment))
    return found
