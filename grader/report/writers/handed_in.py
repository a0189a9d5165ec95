"""The files of a submission, kept beside its result: for what asks for them after grading."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from grader.errors import Unreadable
from grader.report.writers.files import write_bytes
from grader.text import shown

__all__ = ["FILE", "read", "write"]

FILE = "submission.zip"

_DATE = (2020, 1, 1, 0, 0, 0)


def write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Keep files in a submission's folder of results, whole or not at all.

    Args:
        folder: of one submission, in the folder of all results.
        files: contents by name.

    Raises:
        OSError: they cannot be written.
    """
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name, _DATE), files[name], zipfile.ZIP_DEFLATED)
    write_bytes(folder / FILE, content.getvalue())


def read(folder: Path) -> dict[str, bytes] | None:
    """The files that were kept; ``None`` if none were, as older versions did.

    Raises:
        Unreadable: what was kept is damaged.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        with zipfile.ZipFile(path) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise Unreadable(
            f"{shown(str(path), 1000)} cannot be read ({type(error).__name__}): remove it, and "
            "grade that submission again"
        ) from None
