"""All results of a folder, whichever run wrote them, as marks of today; and the class's two files.

Everything that shows or exports a class reads it here: outcomes from each ``result.json``, points
from ``rules.json`` or an assignment, and lines beside the parts (:mod:`grader.gradebook.lines`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from grader.errors import BadSource
from grader.gradebook import lateness, lines, notes
from grader.gradebook.by_hand import given as by_hand
from grader.gradebook.by_hand.given import ByHand
from grader.gradebook.by_hand.kept import Kept
from grader.gradebook.light import Light
from grader.gradebook.notes import Note
from grader.gradebook.state import ClassState
from grader.gradebook.table import gradebook
from grader.grading import marks, results
from grader.grading import rules as kept_rules
from grader.grading.results import Result
from grader.grading.rules import Rules
from grader.records import Report, Submission
from grader.report.deliver import ForInstructor
from grader.report.writers.files import write_text
from grader.report.writers.html import index_page
from grader.text import shown

__all__ = ["INDEX", "TABLE", "Book", "OnDisk", "read_book", "read_results", "write_class"]

TABLE, INDEX = "gradebook.csv", "index.html"

_BOM = "\ufeff"
"""Excel takes a file without it for the machine's own encoding, and spoils names."""


@dataclass(frozen=True)
class OnDisk:
    """A ``result.json`` that counts: whose it is, and a digest of the file."""

    submission: Submission
    source: str


@dataclass(frozen=True)
class Book:
    """The results that count, by id, and the rules by which they become marks."""

    rules: Rules = field(default_factory=Rules)
    results: dict[str, OnDisk] = field(default_factory=dict)
    reports: dict[str, Report] = field(default_factory=dict)
    """The marks, in step with the results, and as light as tables and the class's page need them;
    :meth:`full` has the rest.
    """
    makers: tuple[lines.Maker, ...] = ()
    """What makes the lines beside the parts, in this order."""
    notes: tuple[Note, ...] = ()
    """What an instructor says to everybody who met a mistake."""
    by_hand: ByHand = field(default_factory=ByHand)
    """The marks that persons gave."""
    out: Path = Path()
    """The folder of all results."""
    light: Light = field(default_factory=Light, repr=False, compare=False)

    def take(self, result: Result) -> None:
        """Take over a result, in place of an earlier one."""
        key = result.submission.id
        self.results[key] = OnDisk(result.submission, result.source)
        self.reports[key] = self.light.of(self._report(result))

    def full(self, key: str) -> Report:
        """The whole report on a submission, with the feedback as it lies in the folder.

        Raises:
            BadSource: its result cannot be read any more.
        """
        return self._report(results.read_of(self.out, key))

    def _report(self, result: Result) -> Report:
        report = marks.report_of(result, self.rules.checks, self.rules.about())
        report = self.by_hand.applied(notes.applied(report, self.notes))
        for maker in self.makers:
            report = marks.with_lines(report, maker(report))
        return report

    def drop(self, key: str) -> None:
        """Leave out a result that is there no more."""
        self.results.pop(key, None)
        self.reports.pop(key, None)

    @property
    def submissions(self) -> dict[str, Submission]:
        """Whose they are."""
        return {key: report.submission for key, report in self.reports.items()}

    def in_order(self) -> list[Report]:
        """By name, as the table shows them."""
        return sorted(
            self.reports.values(),
            key=lambda r: ((r.submission.name or r.submission.id).casefold(), r.submission.id),
        )


def read_results(out: Path) -> Book:
    """Every result of a folder, by the rules that were used there last.

    Raises:
        BadSource: a result cannot be read, or another version wrote it: nobody may vanish.
    """
    rules = kept_rules.read(out)
    if rules is None and next(results.read_all(out), None):
        raise BadSource(
            f"{shown(str(out), 1000)} holds results of an older version of the grader: run the "
            "same `hw3 grade` command again, which grades them again"
        )
    return read_book(out, rules or Rules(), results.read_all(out))


def read_book(out: Path, rules: Rules, every: Iterable[Result], marks: Kept | None = None) -> Book:
    """Marks from what is kept.

    Args:
        out: the folder of all results, which holds what persons decided about marks.
        rules: by which points are given.
        every: the results that count.
        marks: by hand, in place of those that were taken over there.

    Raises:
        BadInput: a file in the folder that changes marks cannot be used.
    """
    said = notes.read(out, rules.checks)
    given = by_hand.read(out, rules, marks)
    book = Book(rules, makers=lines.makers(rules, given), notes=said, by_hand=given, out=out)
    for result in every:
        book.take(result)
    return book


def write_class(out: Path, book: Book, state: ClassState, *, over: bool, left: str = "") -> None:
    """Write the class's page and its table, and who was how late if there is a rule for that.

    Args:
        out: the folder of all results.
        book: the results.
        state: what else is known of the class.
        over: whether the run has ended in order.
        left: how long the rest may take, in words.
    """
    deliveries = [ForInstructor(report) for report in book.in_order()]
    facts = replace(state.facts(book.submissions, over=over), left=left)
    write_text(out / TABLE, _BOM + gradebook(deliveries, facts, maximum=True))
    write_text(out / INDEX, index_page(deliveries, facts=facts))
    rule = book.rules.assignment.late
    if rule.due:
        write_text(out / lateness.FILE, lateness.table(rule, book.in_order()))
