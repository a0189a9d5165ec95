"""Where in a student's own files a check points: the line that raised, else the function's."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from grader.homework import contract
from grader.records import Check, Outcome, Report
from grader.report.analysis.fix_first import Advice, fix_first

__all__ = ["MOST", "Place", "folder_in", "place_of", "to_mark"]

MOST = 10
"""Lines marked: as many annotations of one step as GitHub shows."""

_WHERE = re.compile(r"([^\n]+?):(\d{1,9})(?:: |$)")


@dataclass(frozen=True)
class Place:
    """A line of a student's file; ``file`` is relative, with forward slashes."""

    file: str
    line: int


def to_mark(report: Report, folder: str = "") -> list[tuple[Advice, Place]]:
    """What to fix first, beside its place in a repository where the submission lies in ``folder``.

    What has no line, such as a file that is not there, is left out.
    """
    found = []
    for advice in fix_first(report, len(report.checks)):
        place = place_of(advice.check, advice.outcome, report.submission.files)
        if place:
            file = f"{folder}/{place.file}" if folder else place.file
            found.append((advice, Place(file, place.line)))
    return found[:MOST]


def place_of(check: Check, outcome: Outcome, files: Mapping[str, bytes]) -> Place | None:
    """The line that raised, else that of the check's function, else its file's first.

    Files are searched and not parsed: what a stranger wrote does not reach Python's parser outside
    the walls.

    Args:
        check: that took points.
        outcome: of the check.
        files: of the submission, by name.

    Returns:
        File and line, counted from 1; ``None`` if the file is not in the submission.
    """
    raised = _WHERE.match(outcome.feedback.where)
    if raised and raised[1] in files:
        place = Place(raised[1], int(raised[2]))
        if 1 <= place.line <= len(_text(files[place.file]).splitlines()):
            return place
    file = next((part.file for part in contract.PARTS if part.id == check.part), "")
    if file not in files:
        return None
    definition = re.compile(
        rf"(?:(?:async[ \t]+)?def[ \t]+)?{re.escape(check.function)}[ \t]*[(=:]"
    )
    lines = _text(files[file]).split("\n")
    # The last one holds, as in Python.
    found = [n for n, line in enumerate(lines, 1) if definition.match(line)]
    return Place(file, found[-1] if found else 1)


def folder_in(repository: str, submission: Path) -> str | None:
    """The submission's folder as named from the root of the repository, "" for the root itself.

    None where it lies outside, or is no folder: then no line of it is a line of the repository.
    """
    if not submission.is_dir():
        return None
    try:
        path = os.path.relpath(submission.resolve(), Path(repository).resolve())
    except ValueError:  # another drive
        return None
    inside = Path(path).as_posix()
    if inside == "." or inside == ".." or inside.startswith("../"):
        return "" if inside == "." else None
    return inside


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
