"""The page for whoever marks written answers: question by question, and nobody named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from grader.homework.questions import NO_ITEM, Question
from grader.report import numbers
from grader.report.views.prose import rendered
from grader.report.views.written_view import WrittenView
from grader.text import one_line

__all__ = ["Answer", "marking_view"]


@dataclass(frozen=True)
class Answer:
    """One student's answer to one question, and whatever else this student wrote."""

    who: str
    """What stands in the column student."""
    view: WrittenView
    rest: str = ""
    """What belongs to no question; shown with the first."""
    cut: bool = False


@dataclass(frozen=True)
class _AnswerView:
    anchor: str
    who: str
    view: WrittenView
    rest: Markup | None
    cut: bool


def marking_view(
    questions: Sequence[Question], answers: Mapping[str, Sequence[Answer]], table: str
) -> dict[str, Any]:
    """What ``marking.html`` shows.

    Args:
        questions: of the assignment.
        answers: by question, in the order in which they are read.
        table: the file that marks are written into.
    """
    every = [one for question in questions for one in answers[question.id]]
    marked = sum(one.view.marked for one in every)
    return {
        "how": (
            f"Write marks into {one_line(table, 300)}: a row stands there for each answer. Fill in "
            f"points, or items of the rubric (“{NO_ITEM}” if none applies), and a comment for the "
            "student. Then run hw3 marks again."
        ),
        "facts": [
            ("questions", str(len(questions))),
            ("answers", str(len(every))),
            ("marked", str(marked)),
            ("not marked yet", str(len(every) - marked)),
        ],
        "questions": [_question(one, answers[one.id]) for one in questions],
    }


def _question(question: Question, answers: Sequence[Answer]) -> dict[str, Any]:
    begins = "none" if question.earned([]) == 0.0 else "all"
    return {
        "anchor": f"question-{question.id}",
        "id": question.id,
        "title": one_line(question.title, 200),
        "points": numbers.number(question.points),
        "prompt": rendered(question.prompt) if question.prompt else None,
        "rubric": [
            [i.id, one_line(i.text, 1000), numbers.signed(i.points)] for i in question.rubric
        ],
        "begins": f"An answer begins with {begins} of the points. A mark is never below 0, nor "
        "above the question’s points.",
        "answers": [_answer(question, n, one) for n, one in enumerate(answers, 1)],
    }


def _answer(question: Question, number: int, one: Answer) -> _AnswerView:
    return _AnswerView(
        anchor=f"answer-{question.id}-{number}",
        who=one_line(one.who, 120),
        view=one.view,
        rest=rendered(one.rest) if one.rest.strip() else None,
        cut=one.cut,
    )
