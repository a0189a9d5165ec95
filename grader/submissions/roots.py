"""What lies at the root of a source: folders with their files, and files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from grader.errors import BadSource, Unreadable
from grader.submissions.archives import ARCHIVE, Entry, members
from grader.submissions.disk import peek, read_file, walk

__all__ = ["Top", "on_disk", "opened", "tops_of"]


@dataclass(eq=False)
class Top:
    """A folder or a file at the root of a source."""

    name: str
    entry: Entry | None = None
    entries: list[Entry] = field(default_factory=list)
    error: BadSource | None = None
    peek: Callable[[str, int], bytes | None] = lambda path, limit: None
    packs: tuple[str, ...] = ()
    inside: Callable[[], list[Top]] = list
    """Gives what lies at the root of this folder."""
    holds: frozenset[str] | None = None

    @property
    def is_archive(self) -> bool:
        """Whether its name is that of an archive."""
        return self.entry is not None and bool(ARCHIVE.search(self.name))

    @property
    def is_clone(self) -> bool:
        """Whether it is a clone of a repository."""
        return any(e.path == ".git" or e.path.startswith(".git/") for e in self.entries)

    def open(self) -> list[Entry]:
        """The files in it, from there on.

        Raises:
            BadSource: it cannot be read.
        """
        if self.error:
            raise self.error
        return members(self.entry) if self.is_archive and self.entry else self.entries

    @property
    def origins(self) -> tuple[str, ...]:
        """Where its files come from."""
        if self.entry is not None:
            return (self.entry.origin,)
        return tuple(dict.fromkeys(e.origin for e in self.entries if not e.folder))


def opened(source: Path, origin: str = "") -> list[Entry]:
    """All that lies in a folder or an archive that was named.

    Args:
        source: a link to it is followed; one found in it is not.
        origin: what the origins of its files begin with.

    Raises:
        BadSource: it cannot be read.
    """
    real = Path(os.path.realpath(source))
    if os.path.isdir(real):
        return walk(real, origin)
    packed = Entry("The archive", partial(read_file, real, "The archive"))
    return [replace(entry, origin=origin + entry.origin) for entry in members(packed)]


def on_disk(source: Path, origin: str) -> list[Top]:
    """What lies at the root of a folder; what cannot be read keeps its error."""
    real = Path(os.path.realpath(source))
    tops: list[Top] = []
    for entry in walk(real, origin, deep=False):
        if not (entry.folder or (entry.junk and entry.origin.endswith("/"))):
            tops.append(Top(entry.name, entry))
            continue
        top = Top(entry.name, peek=partial(_below, real / entry.name))
        top.inside = partial(on_disk, real / entry.name, f"{origin}{entry.name}/")
        if entry.junk:
            top.entries = [entry]
        else:
            try:
                top.entries = walk(real / entry.name, f"{origin}{entry.name}/")
            except BadSource as error:
                top.error = error
        if top.is_clone:
            with suppress(OSError):
                top.packs = tuple(os.listdir(real / entry.name / ".git" / "objects" / "pack")[:100])
        tops.append(top)
    return tops


def _below(folder: Path, path: str, limit: int) -> bytes | None:
    return peek(folder, path, limit)


def tops_of(entries: Iterable[Entry]) -> list[Top]:
    """What lies at the root of an archive; a problem that lies in no folder is everybody's."""
    tops: dict[str, Top] = {}
    for entry in entries:
        top, inside, path = entry.path.partition("/")
        if entry.problem and (not inside or not top or Entry(top).unsafe):
            raise (Unreadable if entry.asks else BadSource)(entry.problem)
        if not inside and not entry.folder:
            tops[f"{top}#{len(tops)}"] = Top(top, entry)
            continue
        folder = tops.setdefault(top, Top(top))
        if inside:
            folder.entries.append(replace(entry, path=path))
    for folder in tops.values():
        folder.inside = partial(tops_of, folder.entries)
        if folder.is_clone:
            found = {e.path: e for e in folder.entries if e.path.startswith(".git/")}
            folder.peek = partial(_member, found)
            folder.packs = tuple(
                path.rpartition("/")[2] for path in found if path.startswith(".git/objects/pack/")
            )
    return list(tops.values())


def _member(found: dict[str, Entry], path: str, limit: int) -> bytes | None:
    try:
        return found[path].content(limit) if path in found else None
    except BadSource:
        return None
