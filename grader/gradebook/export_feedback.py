"""Student pages in the archives with which Moodle and Canvas take feedback for a whole class."""

from __future__ import annotations

import io
import os
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.errors import BadSource, Refused
from grader.gradebook.export import Filled, Sheet
from grader.gradebook.export_moodle import number_of
from grader.text import shown

__all__ = ["Feedback", "for_canvas", "for_moodle"]

PAGE = "report.html"

_UPLOAD = re.compile(r"^(.+?)(_LATE)?_(\d+)_(\d+)_(.+)$")
"""A file that Canvas hands out: whose it is, the user's number, the upload's, and its own name."""

_DATE = (2020, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Feedback:
    """An archive to upload, how many pages are in it, and whose are not."""

    data: bytes
    pages: int
    left: Sequence[str]


def for_moodle(sheet: Sheet, filled: Filled, out: Path) -> Feedback:
    """Pages in folders ``Name_123_assignsubmission_file_``, as Moodle handed the submissions out.

    Moodle goes by the number, which is the worksheet's (View all submissions, Upload multiple
    feedback files in a zip).

    Args:
        sheet: the worksheet.
        filled: whose result is whose.
        out: the folder of all results.
    """
    files, left = {}, []
    column = next(
        (n for n, cell in enumerate(sheet.table.values(0)) if number_of_column(sheet, n)), None
    )
    if column is None:
        raise Refused(
            "this table has no “Participant 123”, by which Moodle takes feedback: use the grading "
            "worksheet of the assignment"
        )
    for row, grade in filled.rows.items():
        number = number_of(sheet.table.values(row), column)
        # Moodle splits the folder's name at underscores: the name must not hold any.
        name = " ".join(re.sub(r'[\\/:*?"<>|_\x00-\x1f]', " ", sheet.name(row)).split())
        name = re.sub(r"[\s.]*\d+$", "", name) if name.endswith(number) else name
        page = _page(out, grade.report.submission.id)
        if page is None:
            left.append(sheet.name(row))
        else:
            files[f"{name or 'Participant'}_{number}_assignsubmission_file_/{PAGE}"] = page
    return Feedback(_zipped(files), len(files), left)


def number_of_column(sheet: Sheet, column: int) -> bool:
    """Whether every person's cell in a column is a word and a number of its own."""
    cells = [sheet.table.values(row)[column].strip() for row in sheet.people]
    return len(set(cells)) == len(cells) and all(re.fullmatch(r"\D+\d+", cell) for cell in cells)


def for_canvas(sheet: Sheet, filled: Filled, out: Path, downloaded: Path) -> Feedback:
    """Pages under the names that the uploads had, as Canvas takes them back.

    Canvas goes by the numbers of the user and of the upload, and shows the page under the upload's
    name (the assignment's page, Upload submission comments).

    Args:
        sheet: the gradebook.
        filled: whose result is whose.
        out: the folder of all results.
        downloaded: what Canvas handed out: the archive, or the folder that was made of it.
    """
    uploads = _uploads(_names(downloaded))
    if not uploads:
        raise BadSource(
            f"{shown(str(downloaded), 1000)} holds no upload of Canvas (name_123_456_file.py): "
            "name the archive that Canvas gave for the assignment"
        )
    header = [value.strip() for value in sheet.table.values(0)]
    number = header.index("ID")
    files, left = {}, []
    for row, grade in filled.rows.items():
        upload = uploads.get(sheet.table.values(row)[number].strip())
        page = _page(out, grade.report.submission.id)
        if upload is None or page is None:
            left.append(sheet.name(row))
        else:
            files[upload] = page
    return Feedback(_zipped(files), len(files), left)


def _uploads(names: Sequence[str]) -> dict[str, str]:
    """A user's last upload, by the user's number."""
    found: dict[str, tuple[int, str]] = {}
    for name in names:
        match = _UPLOAD.match(name)
        if match and not match[5].startswith("link"):  # an address, which Canvas does not take back
            user, upload = match[3], (int(match[4]), name)
            found[user] = max(found.get(user, upload), upload)
    return {user: name for user, (_, name) in found.items()}


def _names(downloaded: Path) -> list[str]:
    """The names of the files in an archive or a folder; nothing is read."""
    try:
        if downloaded.is_dir():
            return sorted(os.listdir(downloaded))
        with zipfile.ZipFile(downloaded) as archive:
            return [name.rpartition("/")[2] for name in archive.namelist()]
    except (OSError, zipfile.BadZipFile) as error:
        raise BadSource(f"{shown(str(downloaded), 1000)} cannot be read: {error}") from None


def _page(out: Path, submission: str) -> bytes | None:
    try:
        return (out / submission / PAGE).read_bytes()
    except OSError:
        return None


def _zipped(files: Mapping[str, bytes]) -> bytes:
    """An archive of files in memory; the same files give the same bytes."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, data in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _DATE)
            entry.external_attr = 0o100644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    return content.getvalue()
