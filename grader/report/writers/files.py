"""Writing a file so that nobody ever reads half of it, whatever happens to the writer."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

__all__ = ["sweep", "write_bytes", "write_text"]

_TEMPORARY = f".{'[0-9a-f]' * 16}.tmp"


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 to a temporary name beside ``path``, then rename; missing folders are made.

    Line ends are written as they are.  What UTF-8 cannot hold (a lone surrogate) is written as its
    escape.
    """
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def write_bytes(path: Path, content: bytes) -> None:
    """The same with bytes."""
    path = Path(path)
    try:
        _write(path, content)
    except FileNotFoundError:  # somebody removed the folder meanwhile
        _write(path, content)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # A short name of our own: the target's may already be as long as the system allows.
    temporary = path.parent / f".{secrets.token_hex(8)}.tmp"
    try:
        with temporary.open("xb") as file:
            file.write(content)
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
