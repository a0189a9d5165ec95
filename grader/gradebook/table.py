"""``gradebook.csv``: one row per submission, safe to open in a spreadsheet."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from grader.records import Report
from grader.report.analysis.fix_first import parts_of, status_of
from grader.report.deliver import ForInstructor
from grader.report.numbers import fixed
from grader.text import one_line

__all__ = ["gradebook", "rows", "text_cell"]

# A spreadsheet runs a cell that begins so.  Where it splits at semicolons, as Excel does in much of
# Europe, a cell can begin after one as well, and a quote there would swallow the rows that follow.
# Some take the wide forms for the narrow ones.
_FORMULA = re.compile(r"(^|;)(?=[\s\"]*[=+\-@|%＝＋－＠−])|;(?=\s*\")")
_ACTIVE = ("\t", "\r", "\n", "\0")


def gradebook(deliveries: Iterable[ForInstructor]) -> str:
    """The class as CSV: id, name, total, one column per part, undecided, status; two decimals."""
    return "".join(",".join(map(_quoted, row)) + "\n" for row in rows(list(deliveries)))


def _quoted(cell: str) -> str:
    # A semicolon too: LibreOffice splits at commas and at semicolons, where it is not told better.
    return '"' + cell.replace('"', '""') + '"' if re.search('[,;"]', cell) else cell


def rows(deliveries: Sequence[ForInstructor]) -> list[list[str]]:
    """The cells, the header first; a part that was not graded is empty, so is a total of none."""
    reports = [delivery.report for delivery in deliveries]
    parts = parts_of(reports)
    header = ["id", "name", "total", *map(text_cell, parts), "undecided", "status"]
    return [header, *(_row(report, parts) for report in reports)]


def text_cell(text: str) -> str:
    """Text on one line without control characters; a leading ' where a spreadsheet would run it."""
    quoted = _FORMULA.sub(r"\g<0>'", one_line(text, 300))
    if text.startswith(_ACTIVE) and not quoted.startswith("'"):
        return "'" + quoted
    return quoted


def _row(report: Report, parts: Sequence[str]) -> list[str]:
    total = report.total
    scores = [report.scores.get(part) for part in parts]
    return [
        text_cell(report.submission.id),
        text_cell(report.submission.name),
        fixed(total.earned, total.possible) if report.scores else "",
        *(fixed(score.earned, score.possible) if score else "" for score in scores),
        fixed(total.undecided, total.possible) if report.scores else "",
        text_cell(status_of(report)),
    ]
