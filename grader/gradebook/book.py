"""All results of a folder, whichever run wrote them, and the two files that show the class."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from grader.errors import BadSource
from grader.gradebook.state import ClassState
from grader.gradebook.table import gradebook
from grader.records import Report, Submission
from grader.report.deliver import ForInstructor
from grader.report.writers.files import write_text
from grader.report.writers.html import index_page
from grader.report.writers.results import OtherFormatError, read_json
from grader.text import shown

__all__ = ["INDEX", "TABLE", "Book", "read_results", "write_class"]

TABLE, INDEX = "gradebook.csv", "index.html"

_BOM = "\ufeff"
"""Excel takes a file without it for the machine's own encoding, and spoils names."""


@dataclass(frozen=True)
class Book:
    """The results that count, by id."""

    reports: dict[str, Report]

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


def read_results(out: Path, again: Collection[str] = ()) -> Book:
    """Every result of a folder.

    Args:
        out: the folder of all results.
        again: ids that are graded now, and whose earlier result may be damaged.

    Raises:
        BadSource: a result cannot be read, or a newer version wrote it: nobody may vanish.
    """
    reports = {}
    for path in sorted(out.glob("*/result.json")):
        name, where = path.parent.name, shown(str(path), 1000)
        try:
            report = read_json(path)
            if report.submission.id != name:
                raise ValueError("it was moved")
            reports[name] = report
        except OtherFormatError as error:
            raise BadSource(
                f"{where} cannot be read: {error}; use the version that wrote it, or name another "
                "folder for results"
            ) from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            if name not in again:
                raise BadSource(
                    f"{where} is damaged ({type(error).__name__}): grade that submission again, or "
                    "remove its folder"
                ) from None
    return Book(reports)


def write_class(out: Path, book: Book, state: ClassState, *, over: bool, left: str = "") -> None:
    """Write the class's page and its table.

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
