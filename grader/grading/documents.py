"""Reading what a folder of results keeps for itself: JSON with a format number."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from grader.errors import BadSource
from grader.text import shown

__all__ = ["other_format", "read_document"]

T = TypeVar("T")


def read_document(
    path: Path, number: int, made: Callable[[Any], T], *, missing: T, repair: str
) -> T:
    """What is made of a document.

    Args:
        path: the file.
        number: the format that this version reads.
        made: makes it of what the file holds.
        missing: what there is without a file.
        repair: what to do with a file that is damaged, as a command.

    Raises:
        BadSource: the file is damaged, or of another format.
    """
    try:
        document = json.loads(path.read_text("utf-8"))
        if document["format"] != number:
            raise other_format(path, document["format"], number)
        return made(document)
    except FileNotFoundError:
        return missing
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        where = shown(str(path), 1000)
        raise BadSource(f"{where} is damaged ({type(error).__name__}): {repair}") from None


def other_format(path: Path, found: object, number: int) -> BadSource:
    """A file of a format that this version does not read.

    Args:
        path: the file.
        found: its format.
        number: the one that is read.
    """
    return BadSource(
        f"{shown(str(path), 1000)} has format {found}, and this version reads {number}: use the "
        "version that wrote it, or name another folder"
    )
