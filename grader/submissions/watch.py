"""Waiting until files of a submission are saved, and knowing which parts that concerns."""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Mapping
from pathlib import Path

from grader.homework.contract import PARTS

__all__ = ["Watched", "concerned"]

EVERY_SECONDS = 0.3


class Watched:
    """The homework's files in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen = self._look()

    def wait(self) -> list[str]:
        """Wait for files to be saved, and until that is over; their names."""
        while not (changed := self.changed()):
            time.sleep(EVERY_SECONDS)
        names = set(changed)
        while more := self._after_a_moment():
            names.update(more)
        return sorted(names)

    def changed(self) -> list[str]:
        """The files that are new, gone or other than when this was last asked."""
        now = self._look()
        names = [n for n in {**self._seen, **now} if self._seen.get(n) != now.get(n)]
        self._seen = now
        return names

    def _after_a_moment(self) -> list[str]:
        time.sleep(EVERY_SECONDS)  # an editor may write a file in several steps
        return self.changed()

    def _look(self) -> dict[str, tuple[int, int]]:
        found = {}
        for path in self._folder.glob("*.py"):
            try:
                about = path.stat()
            except OSError:
                continue
            found[path.name] = (about.st_mtime_ns, about.st_size)
        return found


def concerned(names: Collection[str], files: Mapping[str, bytes]) -> set[str]:
    """The parts to check again: those of the saved files, and those whose files import them.

    Args:
        names: of the files that were saved.
        files: the submission's, by name.
    """
    modules = {name.removesuffix(".py") for name in names}
    growing = True
    while growing:
        growing = False
        for name, data in files.items():
            lines = re.findall(rb"^\s*(?:from|import)\s+([^#\n]+)", data, re.MULTILINE)
            words = set(re.findall(r"\w+", b" ".join(lines).decode("ascii", "replace")))
            own = name.removesuffix(".py")
            if own not in modules and modules & words:
                modules.add(own)
                growing = True
    return {part.id for part in PARTS if part.file.removesuffix(".py") in modules}
