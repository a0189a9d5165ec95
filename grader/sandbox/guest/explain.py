"""What a student's exception says, and the line of theirs where it was raised.

A guest tells it in a reply, ``explore.py`` under a picture.
"""

from __future__ import annotations

import linecache
import traceback
from collections.abc import Callable
from dataclasses import dataclass

from grader.text import of_exception

__all__ = ["Explanation", "Line", "explain"]


@dataclass(frozen=True)
class Line:
    """A line of source that an exception passed through; ``number`` counts from 1."""

    file: str
    number: int
    function: str
    code: str


@dataclass(frozen=True)
class Explanation:
    """An exception in words.

    Args:
        head: the name of its class, or what else comes before the colon.
        text: what it says of itself; empty for many.
        line: the innermost line of the student's own, if it passed through one.
        unwritten: whether that line raised NotImplementedError: the function is yet to be written.
    """

    head: str
    text: str
    line: Line | None
    unwritten: bool = False

    @property
    def words(self) -> str:
        """Both, with a colon between them."""
        return ": ".join(word for word in (self.head, self.text) if word)


def explain(error: BaseException, theirs: Callable[[str], bool]) -> Explanation:
    """Explain an exception.

    Args:
        error: what was raised.
        theirs: says of a file, as it stands in tracebacks, whether it is the student's.

    Raises:
        BaseException: whatever a student's class raises where it is asked for its name.
    """
    if isinstance(error, SyntaxError) and error.filename is not None and theirs(error.filename):
        code = (error.text or "").strip()[:200]
        line = Line(str(error.filename), int(error.lineno or 0), "", code)
        return Explanation("Python cannot read the file", str(error.msg or "syntax error"), line)
    frames = [
        (frame.f_code.co_filename, number, frame.f_code.co_name)
        for frame, number in traceback.walk_tb(error.__traceback__)
    ]
    own = [frame for frame in frames if theirs(frame[0])]
    last = None
    if own:
        last = Line(*own[-1], linecache.getline(own[-1][0], own[-1][1]).strip()[:200])
    # torch, too, has functions that are not written.
    unwritten = isinstance(error, NotImplementedError) and bool(own) and own[-1] is frames[-1]
    return Explanation(str(type(error).__name__)[:100], of_exception(error), last, unwritten)
