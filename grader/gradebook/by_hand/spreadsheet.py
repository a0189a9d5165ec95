"""What a spreadsheet makes of a cell without being asked, and how to say so."""

from __future__ import annotations

import re
from collections.abc import Iterable

from grader.text import shown

__all__ = ["damaged", "is_date", "is_day", "plain", "points_of"]

_MONTH = r"(?:jan|feb|mar|mär|mrz|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez)[a-zä]*\.?"
_DATE = re.compile(
    rf"(\d{{1,4}}[-./ ]+\d{{1,2}}[-./ ]+\d{{1,4}}\.?(?:[ T]\d\d:\d\d.*)?"
    rf"|\d{{1,2}}\.?[-/ ]?{_MONTH}(?:[-/ ]*\d{{2,4}})?"
    rf"|{_MONTH}[-/ ]?\d{{1,4}}(?:,? \d{{4}})?|\d{{1,2}}\.\d{{1,2}}\.)",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?(?:e[+-]?\d+)?", re.IGNORECASE)
_POINTS = re.compile(r"\d{1,6}(?:[.,]\d{1,2})?")
_SERIAL = range(36_500, 73_050)
"""Excel's numbers of the days from 2000 to 2099."""


def plain(cell: str) -> str:
    """A cell's text without blanks around it, and without the mark that protects it."""
    return cell.replace("\u00a0", " ").replace("\u202f", " ").strip().removeprefix("'").strip()


def is_date(cell: str) -> bool:
    """Whether a cell holds a date, in one of the forms that spreadsheets write."""
    return _DATE.fullmatch(cell) is not None


def damaged(cell: str, known: Iterable[str]) -> str:
    """Why a cell names none of the known ids, if a spreadsheet changed it; or nothing.

    Args:
        cell: as it is now.
        known: the ids that it may have been.
    """
    if is_date(cell):
        return f"a spreadsheet made a date of it ({shown(cell)})"
    if not _NUMBER.fullmatch(cell):
        return ""
    number = float(cell.replace(",", "."))
    near = [one for one in known if one.isdecimal() and _equal(float(one), number)]
    if len(near) == 1:
        return f"a spreadsheet turned {shown(near[0])} into the number {shown(cell)}"
    if near or "e" in cell.lower():
        return f"a spreadsheet turned it into the number {shown(cell)}"
    return ""


def _equal(one: float, number: float) -> bool:
    """The same number, or the six digits that a spreadsheet shows of a long one."""
    return one == number or (number > 1e10 and abs(one - number) <= 1e-2 * number)


def points_of(cell: str) -> tuple[float | None, str]:
    """The points in a cell, with a point or a comma; or what is wrong with it, and what to do.

    Args:
        cell: not empty.
    """
    if re.fullmatch(r"\d+\s*/\s*\d+", cell):
        return None, f"{shown(cell)} is no number of points: write 0.5 for a half"
    if is_date(cell):
        return None, (
            f"points are a date ({shown(cell)}), which a spreadsheet makes of 1/2: write 0.5 for a "
            "half"
        )
    if not _POINTS.fullmatch(cell):
        wanted = "a number with at most two decimals, such as 2 or 1.5"
        return None, f"points must be {wanted} (got {shown(cell)})"
    return float(cell.replace(",", ".")), ""


def is_day(points: float) -> bool:
    """Whether a number of points is the number of a day, as which a spreadsheet may show a date."""
    return points in _SERIAL
