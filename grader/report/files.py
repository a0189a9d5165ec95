"""Writing a file so that nobody ever reads half of it, whatever happens to the writer."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

__all__ = ["sweep", "write_text"]

_TEMPORARY = f".{'[0-9a-f]' * 16}.tmp"


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 to a temporary name beside ``path``, then rename; missing folders are made.

    Line ends are written as they are.  What UTF-8 cannot hold (a lone surrogate) is written as its
    escape.
    """
    path = Path(path)
    try:
        _write(path, text)
    except FileNotFoundError:  # somebody removed the folder meanwhile
        _write(path, text)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # A short name of our own: the target's may already be as long as the system allows.
    temporary = path.parent / f".{secrets.token_hex(8)}.tmp"
    try:
        with temporary.open("x", encoding="utf-8", errors="backslashreplace", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def sweep(folder: Path) -> None:
    """Remove the temporary files of writers that were killed."""
    for left in folder.glob(_TEMPORARY):
        with suppress(OSError):
            left.unlink()
