"""What lies in a folder on disk: names first, contents only where they are asked for."""

from __future__ import annotations

import os
import stat
from functools import partial
from pathlib import Path

from grader.errors import BadSource, Unreadable
from grader.submissions.archives import Entry, reading, special
from grader.submissions.junk import junk

__all__ = ["peek", "read_file", "walk"]

MAX_ENTRIES = 100_000  # of a folder, which are only looked at


def walk(folder: Path, origin: str = "", deep: bool = True) -> list[Entry]:
    """What lies in a folder; links are not followed, and no file is opened yet.

    Args:
        folder: on this machine.
        origin: what the paths of its files begin with in a list of all files of a source.
        deep: also what lies in its folders.

    Returns:
        Files and folders, ordered by path; of a folder of junk only its own name.

    Raises:
        Unreadable: it is a link, holds too much, or cannot be read.
    """
    if folder.is_symlink():
        raise Unreadable("This is a link to a folder; put the folder itself here.")
    entries: list[Entry] = []
    todo = [""]
    while todo:
        above = todo.pop()
        with reading(above or "The folder"), os.scandir(folder / above) as scan:
            for item in scan:
                path, read = above + item.name, partial(read_file, Path(item.path))
                _, why = junk(path)
                # Beside submissions a link stands for one of them, which is refused aloud.
                is_link = not deep and item.is_symlink() and not os.path.isfile(item.path)
                is_folder = is_link or item.is_dir(follow_symlinks=False)
                whole = origin + path + ("/" if why and is_folder else "")
                entries.append(
                    Entry(path, partial(read, path), is_folder and not why, origin=whole, junk=why)
                )
                todo += [f"{path}/"] if deep and is_folder and not why else []
                if len(entries) > MAX_ENTRIES:
                    raise Unreadable(f"There are more than {MAX_ENTRIES} files; move data away.")
    return sorted(entries, key=lambda entry: entry.path)


def read_file(file: Path, path: str, limit: int) -> bytes:
    """At most so many bytes of an ordinary file.

    Args:
        file: on this machine.
        path: what it is called in a message.
        limit: the bytes that are read.

    Returns:
        What the file begins with, or all of it.

    Raises:
        BadSource: it is a link, a device or a pipe.
        OSError: it cannot be read.
    """
    if not stat.S_ISREG(os.lstat(file).st_mode):
        raise BadSource(special(path))
    # It may have become a link or a pipe since.
    safely = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    with open(file, "rb", opener=lambda name, flags: os.open(name, flags | safely)) as opened:
        # Not the limit itself: as much is allocated at once, however short the file.
        return opened.read(min(limit, os.fstat(opened.fileno()).st_size + 1))


def peek(folder: Path, path: str, limit: int) -> bytes | None:
    """What a file below a folder holds, or nothing: no link on the way is followed.

    Args:
        folder: on this machine.
        path: of the file, from there on.
        limit: a larger file gives nothing.

    Returns:
        The bytes, or ``None`` if there is no such file, or it cannot be read.
    """
    file = folder / path
    try:
        if os.path.realpath(file) != os.path.join(os.path.realpath(folder), *path.split("/")):
            return None
        data = read_file(file, path, limit + 1)
    except (OSError, BadSource, ValueError):
        return None
    return data if len(data) <= limit else None
