"""``gradebook.csv``: one row per submission, safe to open in a spreadsheet."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from grader.records import Report, Score, Submission, added
from grader.report.analysis.beside import kinds_of, line_score, most_of
from grader.report.analysis.fix_first import counted, has_total, parts_of, status_of
from grader.report.analysis.roll import NOT_GRADED, ClassFacts, WithoutResult
from grader.report.deliver import ForInstructor
from grader.report.numbers import fixed
from grader.text import one_line

__all__ = ["gradebook", "possible", "possible_in_all", "rows", "text_cell"]

# A spreadsheet runs a cell that begins so.  Where it splits at semicolons, as Excel does in much of
# Europe, a cell can begin after one as well, and a quote there would swallow the rows that follow.
# Some take the wide forms for the narrow ones.
_FORMULA = re.compile(r"(^|;)(?=[\s\"]*[=+\-@|%＝＋－＠−])|;(?=\s*\")")
_ACTIVE = ("\t", "\r", "\n", "\0")


def gradebook(
    deliveries: Iterable[ForInstructor], facts: ClassFacts | None = None, *, maximum: bool = False
) -> str:
    """The class as CSV: id, name, total, a column per part and per line, undecided, status.

    Nothing that is not known is 0: whoever handed in nothing, waits or is a question has empty
    cells, and so has a part that was not handed in.

    Args:
        deliveries: one for each result.
        facts: who has no result; a last row says how many of these are not graded yet.
        maximum: whether the first row after the header holds what can be earned.
    """
    results = list(deliveries)
    table = rows(results, facts)
    if maximum:
        table.insert(1, _maximum(table[0], [one.report for one in results]))
    return "".join(",".join(map(_quoted, row)) + "\n" for row in table)


def _quoted(cell: str) -> str:
    # A semicolon too: LibreOffice splits at commas and at semicolons, where it is not told better.
    return '"' + cell.replace('"', '""') + '"' if re.search('[,;"]', cell) else cell


def rows(deliveries: Sequence[ForInstructor], facts: ClassFacts | None = None) -> list[list[str]]:
    """The cells, the header first; a part that was not graded is empty, so is a total of none.

    The platform's id, the e-mail and the login have columns where anybody has one.
    """
    facts = facts or ClassFacts()
    reports = [delivery.report for delivery in deliveries]
    parts = parts_of(reports)
    people = [*(report.submission for report in reports), *facts.without]
    known = [key for key in ("person", "email", "login") if any(getattr(p, key) for p in people)]
    header = ["id", "name", *known, "total", *map(text_cell, parts), "undecided", "status"]
    lines = kinds_of(reports)
    header[header.index("undecided") : header.index("undecided")] = map(text_cell, lines)
    table = [header, *(_row(report, parts, lines, known, facts) for report in reports)]
    for one in facts.without:
        cells = [text_cell(value) for value in (one.id, one.name, *_of(one, known))]
        table.append([*cells, "", *("" for _ in (*parts, *lines)), "", one.status])
    if missing := facts.missing(len(reports)):
        table.append([*("" for _ in header[1:]), missing])
    return table


def _of(one: Submission | WithoutResult, keys: Sequence[str]) -> list[str]:
    return [getattr(one, key) for key in keys]


def _maximum(header: Sequence[str], reports: Sequence[Report]) -> list[str]:
    """What can be earned in each column; the status says that nobody's result stands here."""
    most = possible(reports)
    cells = {part: f"{points:.2f}" for part, points in most.items()}
    beside = {kind: most_of(reports, kind) for kind in kinds_of(reports)}
    cells |= {name: f"{points:.2f}" for name, points in beside.items()}
    cells |= {"name": "maximum", "status": "maximum"}
    cells |= {"total": f"{possible_in_all(reports):.2f}"} if most else {}
    return [cells.get(column, "") for column in header]


def possible_in_all(reports: Sequence[Report]) -> float:
    """The points that can be earned, lines beside the parts included."""
    beside = [most_of(reports, kind) for kind in kinds_of(reports)]
    return added([*possible(reports).values(), *beside])


def possible(reports: Sequence[Report]) -> dict[str, float]:
    """The points that can be earned in each part."""
    return {
        part: max(report.scores[part].possible for report in reports if part in report.scores)
        for part in parts_of(reports)
    }


def text_cell(text: str) -> str:
    """Text on one line without control characters; a leading ' where a spreadsheet would run it."""
    quoted = _FORMULA.sub(r"\g<0>'", one_line(text, 300))
    if text.startswith(_ACTIVE) and not quoted.startswith("'"):
        return "'" + quoted
    return quoted


def _row(
    report: Report,
    parts: Sequence[str],
    lines: Sequence[str],
    known: Sequence[str],
    facts: ClassFacts,
) -> list[str]:
    total, submission, scores = report.total, report.submission, counted(report)
    beside = [line_score(report, line) for line in lines]
    late = f"; {NOT_GRADED}: a part" if submission.id in facts.incomplete else ""
    return [
        *(text_cell(value) for value in (submission.id, submission.name)),
        *(text_cell(value) for value in _of(submission, known)),
        _points(total) if has_total(report) else "",
        *(_points(scores[part]) if part in scores else "" for part in parts),
        *(_points(score) if score else "" for score in beside),
        fixed(total.undecided, total.possible) if report.scores else "",
        text_cell(status_of(report) + late),
    ]


def _points(score: Score) -> str:
    return fixed(score.earned, score.possible)
