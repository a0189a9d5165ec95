"""The pages of each submission, made from what is kept, and only if they would say something else.

The instructor's page is written last and taken away first, and ends with a digest of all that both
pages were made from: where it is there, both are whole and of the same marks.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from grader.gradebook.book import Book
from grader.grading.fingerprint import fingerprint
from grader.records import Report
from grader.report.deliver import ForInstructor, ForStudent
from grader.report.writers.files import write_text
from grader.report.writers.html import instructor_page, student_page

__all__ = ["INSTRUCTOR", "STUDENT", "write_all"]

STUDENT, INSTRUCTOR = "report.html", "instructor.html"


def write_all(out: Path, book: Book, ids: Iterable[str], *, anew: bool = False) -> list[str]:
    """Write the pages of submissions, as far as they are not there as they should be.

    Args:
        out: the folder of all results.
        book: whose results and marks are shown.
        ids: whose pages.
        anew: whether all are written, whatever is there.

    Returns:
        The ids of those whose pages were written.

    Raises:
        BadSource: a result cannot be read any more.
        OSError: a page cannot be written.
    """
    rules = _digest(
        {
            "grader": fingerprint(),
            "checks": [
                (c.id, c.points, c.hidden, c.title, c.needs, c.causes, c.about)
                for c in book.rules.checks
            ],
            "about": book.rules.about(),
            "notes": [asdict(note) for note in book.notes],
        }
    )
    written = []
    for key in ids:
        report = book.reports[key]
        lines = [asdict(line) for line in report.lines]
        answers = [asdict(one) for one in report.written]
        kept = {"kept": book.results[key].source, "lines": lines, "answers": answers}
        stamp = _digest({"rules": rules, **kept})
        if anew or not _is_made_from(out / key, stamp):
            _write(out / key, book.full(key), stamp)
            written.append(key)
    return written


def _digest(document: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def _ending(stamp: str) -> str:
    return f"<!-- made from {stamp} -->\n"


def _is_made_from(folder: Path, stamp: str) -> bool:
    ending = _ending(stamp).encode()
    try:
        with (folder / INSTRUCTOR).open("rb") as file:
            file.seek(-len(ending), 2)
            return file.read() == ending and (folder / STUDENT).is_file()
    except OSError:
        return False


def _write(folder: Path, report: Report, stamp: str) -> None:
    student = student_page(ForStudent(report), requests=True)
    instructor = instructor_page(ForInstructor(report))
    with suppress(FileNotFoundError):
        (folder / INSTRUCTOR).unlink()
    write_text(folder / STUDENT, student)
    write_text(folder / INSTRUCTOR, instructor + _ending(stamp))
