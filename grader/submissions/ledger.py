"""Every file of the sources, and where it ended: in exactly one place, or the grader stops."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from grader.errors import Miscounted
from grader.text import shown

__all__ = ["Fate", "Ledger"]


class Fate(Enum):
    """Where a file of a source can end."""

    GRADED = "graded"
    """As a file of the homework, of one student or of a group's members."""
    BESIDE = "beside"
    """Beside the code of a student, which may read it."""
    IGNORED = "ignored"
    """For a stated reason."""
    ASKED = "asked"
    """In a question for a person."""


class Ledger:
    """Counts the files that are found, and those whose fate is known."""

    def __init__(self) -> None:
        self._found: set[str] = set()
        self.fates: dict[str, tuple[Fate, str]] = {}

    def found(self, origins: Iterable[str]) -> None:
        """Files of a source; those in one folder of junk share its path."""
        self._found.update(origins)

    def opened(self, origin: str) -> None:
        """An archive that is not a file any more: what lies in it is."""
        self._found.discard(origin)

    def put(self, origin: str, fate: Fate, words: str) -> None:
        """Say where a file ended.

        Args:
            origin: the file's path from its source on.
            fate: the kind of place.
            words: which one: the file it was graded as and whose, the reason, or the question's id.

        Raises:
            Miscounted: it had another fate already.
        """
        before = self.fates.get(origin)
        if before not in (None, (fate, words)):
            raise Miscounted(f"{shown(origin)} ended in two places: a mistake in the grader.")
        self.fates[origin] = fate, words

    def close(self) -> None:
        """Compare what was found with what was put.

        Raises:
            Miscounted: a file is missing on one side.
        """
        lost = sorted(self._found ^ self.fates.keys())
        if lost:
            names = ", ".join(map(shown, lost[:5]))
            raise Miscounted(
                f"{len(lost)} files are not accounted for ({names}): a mistake in the grader; "
                "nothing was graded."
            )
