"""Written answers arranged for a page: the text, the pictures beside it, and the mark."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from grader.records import Report, Written
from grader.report import numbers
from grader.report.analysis.fix_first import judged
from grader.report.analysis.regrade import about_answer
from grader.report.figures.figures import Drawing, draw
from grader.report.labels import part_label
from grader.report.views.prose import rendered
from grader.text import one_line

__all__ = ["MOST_PICTURES", "WrittenView", "of_part", "written_view"]

MOST_PICTURES = 4
"""Figures beside an answer."""


@dataclass(frozen=True)
class WrittenView:
    """One question with one answer."""

    anchor: str
    title: str
    prompt: Markup
    answer: Markup | None
    points: str
    marked: bool
    items: tuple[tuple[str, str], ...]
    comment: Markup | None
    part: str
    figures: tuple[Drawing, ...]
    request: str


def written_view(one: Written, report: Report, *, requests: bool = False) -> WrittenView:
    """An answer for a page.

    Args:
        one: the answer.
        report: whose figures are shown beside it, redacted for whoever reads the page.
        requests: whether the page has a form of words for regrade requests.
    """
    earned, possible = one.score.earned, one.score.possible
    open_ = f"? / {numbers.number(possible)}"
    return WrittenView(
        anchor=f"question-{one.id}",
        title=one_line(one.title, 200),
        prompt=rendered(one.prompt),
        answer=rendered(one.answer) if one.answer.strip() else None,
        points=numbers.points(earned, possible) if one.marked else open_,
        marked=one.marked,
        items=tuple((one_line(text, 1000), numbers.signed(price)) for text, price in one.items),
        comment=rendered(one.comment) if one.comment.strip() else None,
        part=part_label(one.part) if one.part else "",
        figures=of_part(report, one.part),
        request=about_answer(report, one) if requests and one.marked else "",
    )


def of_part(report: Report, part: str) -> tuple[Drawing, ...]:
    """The figures that the checks of a part keep, which the student's own code made.

    Args:
        report: with the outcomes.
        part: its id; without one there are none.
    """
    kept = [
        figure
        for check, outcome in judged(report)
        if check.part == part
        for figure in outcome.feedback.figures
    ]
    return tuple(draw(figure) for figure in kept[:MOST_PICTURES])
