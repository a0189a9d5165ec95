"""What ``hw3 marks`` makes of a class: whom its table may name, the rows, and the markers' page."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from grader.gradebook.book import Book
from grader.gradebook.by_hand.given import answers_of, possible
from grader.gradebook.by_hand.kept import Kept
from grader.gradebook.by_hand.order import Order
from grader.gradebook.by_hand.sheet import Class, Given
from grader.grading.rules import Rules
from grader.records import Submission
from grader.report.views.marking_view import Answer, marking_view
from grader.report.views.written_view import WrittenView, written_view
from grader.report.writers.html import render
from grader.submissions.found import together

__all__ = ["changed_since", "class_of", "for_groups", "markers_page", "missing", "with_answers"]


def class_of(rules: Rules, submissions: Mapping[str, Submission], order: Order) -> Class:
    """Whom and what a table of marks may name.

    Args:
        rules: the assignment.
        submissions: of the class, by id.
        order: of the class.
    """
    names = {key: one.name for key, one in submissions.items()}
    asked, most = rules.assignment.questions, possible(rules.checks)
    return Class(names, order.codes, asked, most, _groups(submissions))


def _groups(submissions: Mapping[str, Submission]) -> dict[str, tuple[str, ...]]:
    """Who handed in the same files together with others, by id."""
    groups: dict[str, list[str]] = {}
    for key, one in sorted(submissions.items()):
        same = groups.setdefault(one.digest, [])
        if not same or together(one, submissions[same[0]]):
            same.append(key)
    return {key: tuple(same) for same in groups.values() if len(same) > 1 for key in same}


def for_groups(marks: Sequence[Given], class_: Class) -> tuple[Given, ...]:
    """Marks of questions count for all members of a group who have none of their own.

    Args:
        marks: in the order of their rows.
        class_: of the table.
    """
    asked = {question.id for question in class_.questions}
    every = {(mark.student, mark.what): mark for mark in marks}
    for mark in marks:
        for member in class_.groups.get(mark.student, ()) if mark.what in asked else ():
            every.setdefault((member, mark.what), replace(mark, student=member))
    return tuple(every.values())


def missing(
    class_: Class, order: Order, there: Collection[tuple[str, str]], *, named: bool
) -> list[tuple[str, str, str]]:
    """The rows that a table lacks, question by question: student, name and question.

    Args:
        class_: of the table.
        order: in which answers are read.
        there: students and questions that have a row.
        named: whether rows say who it is.
    """
    rows = []
    for question in class_.questions:
        for key in _read(class_, order, question.id, named=named):
            if (key, question.id) not in there:
                who = (key, class_.names[key]) if named else (class_.codes[key], "")
                rows.append((*who, question.id))
    return rows


def _read(class_: Class, order: Order, question: str, *, named: bool) -> Sequence[str]:
    """Everybody in the order in which answers to a question are read."""
    every = order.shuffled(question)
    if named:
        every = sorted(every, key=lambda key: ((class_.names[key] or key).casefold(), key))
    return [key for key in every if class_.is_read(key)]


def markers_page(book: Book, class_: Class, order: Order, table: str, *, named: bool) -> str:
    """The page for whoever marks.

    Args:
        book: of the class, with answers and marks.
        class_: of the table.
        order: in which answers are read.
        table: the file of the marks, as it is called.
        named: whether the page says who wrote what.
    """
    rest = {key: answers_of(book.by_hand, key) for key in book.reports}
    answers = {}
    for n, question in enumerate(class_.questions):
        answers[question.id] = [
            Answer(
                who=_who(class_, key, named=named),
                view=_view(book, key, n),
                rest="" if n else rest[key].rest,
                cut=rest[key].cut,
            )
            for key in _read(class_, order, question.id, named=named)
        ]
    return render("marking.html", view=marking_view(class_.questions, answers, table))


def _view(book: Book, key: str, number: int) -> WrittenView:
    """An answer, with the pictures beside it: only these need the whole report."""
    light = book.reports[key]
    one = light.written[number]
    return written_view(one, book.full(key) if one.part else light)


def _who(class_: Class, key: str, *, named: bool) -> str:
    members = class_.groups.get(key, (key,))
    return ", ".join(class_.names[one] or one for one in members) if named else class_.codes[key]


def with_answers(kept: Kept, before: Kept, book: Book) -> Kept:
    """The marks with digests of the answers to which they were given.

    Args:
        kept: the marks of now.
        before: those of the last time; a mark that has not changed was given to the answer of then.
        book: of the class.
    """
    old = {(mark.student, mark.what): _same(mark) for mark in before.marks}
    read: dict[str, dict[str, str]] = {}
    for mark in kept.marks:
        now = _digest(book, mark)
        if now:
            key = (mark.student, mark.what)
            then = before.read.get(mark.what, {}).get(mark.student, "")
            given = then if then and old.get(key) == _same(mark) else now
            read.setdefault(mark.what, {})[mark.student] = given
    return replace(kept, read=read)


def changed_since(kept: Kept, book: Book) -> list[Given]:
    """The marks that were given to another answer than the one that is there now.

    Args:
        kept: the marks.
        book: of the class.
    """
    return [
        mark
        for mark in kept.marks
        if (then := kept.read.get(mark.what, {}).get(mark.student)) and then != _digest(book, mark)
    ]


def _same(mark: Given) -> Given:
    return replace(mark, row=0)


def _digest(book: Book, mark: Given) -> str:
    report = book.reports.get(mark.student)
    written = [one for one in report.written if one.id == mark.what] if report else []
    texts = [one.answer.encode("utf-8", "surrogatepass") for one in written]
    return hashlib.sha256(texts[0]).hexdigest()[:16] if texts else ""
