"""How a command of ``hw3`` ends: the exit statuses, and the sentence that each error becomes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from grader.errors import GraderError, GuestUnusable, NoWalls, Unfrozen, Unwritten
from grader.text import one_line, shown

__all__ = ["FAILED", "PASSED", "UNDECIDED", "USAGE", "path_words", "refusals", "writing"]

PASSED, FAILED, USAGE, UNDECIDED = 0, 1, 2, 3
"""All passed, something failed, the command cannot be carried out, the grader cannot decide."""

_SENTENCES: dict[type[GraderError], str] = {
    NoWalls: (
        "no walls work here ({}); `hw3 doctor` says what would help. --sandbox none "
        "grades without: only code that you trust, on a machine that you can lose"
    ),
    GuestUnusable: "{}; `hw3 doctor` may say more",
    Unfrozen: "nothing was frozen: {}",
}
"""Of errors whose own text does not suffice; it stands between the braces."""


class _Refusal(click.ClickException):
    """One sentence on what is wrong, and the exit status of a command that is not carried out."""

    exit_code = USAGE

    def format_message(self) -> str:
        """The sentence, on one line and without what acts on a terminal."""
        return one_line(self.message, 4000)


@contextmanager
def refusals() -> Iterator[None]:
    """Every error of the grader's tree ends the command with its sentence and exit status 2."""
    try:
        yield
    except GraderError as error:
        raise _Refusal(_sentence(error)) from None


def _sentence(error: GraderError) -> str:
    if isinstance(error, Unwritten):
        where = path_words(Path(error.filename)) if error.filename else "the result"
        return f"{where} cannot be written: {error.strerror or error}"
    return _SENTENCES.get(type(error), "{}").format(error)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Whatever the system refuses in here becomes an Unwritten that names the path."""
    try:
        yield
    except OSError as error:
        raise Unwritten(error.errno, error.strerror or str(error), str(path)) from None


def path_words(path: Path) -> str:
    """A path as it may stand in a message."""
    return shown(str(path), 1000)
