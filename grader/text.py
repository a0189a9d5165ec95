"""The one sanitiser of text that may be a student's: what acts goes, long text is cut.

Everything that a submission says passes through here before anybody sees it: names, messages,
what its code prints, the text of its exceptions.  What a format asks for beside that (HTML, XML,
Markdown, commands of GitHub Actions) is escaped where that format is written.
"""

from __future__ import annotations

import re
import unicodedata

__all__ = ["capped", "of_exception", "one_line", "passage", "printable", "shown", "storable"]

_LONGEST = 65_536
"""Characters of one text in a file; the sandbox caps earlier, this holds what slips by."""

# CSI sequences; OSC, DCS, SOS, PM and APC strings up to their end or that of the line; others.
_ANSI = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]"
)
_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
# Joiners that ordinary names and emoji are written with; no other format character is shown.
_KEPT = frozenset("\n\t\u200c\u200d")
# They join two letters or emoji, never ASCII.
_LOOSE_JOINERS = re.compile(
    "(?:^|(?<=[\0-\x7f\u200c\u200d]))[\u200c\u200d]|[\u200c\u200d](?=[\0-\x7f\u200c\u200d]|$)"
)
# Letters, marks and selectors that show nothing, but for those of emoji (U+FE0E and U+FE0F).
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0d\uffa0\ufff0-\ufff8"
    "\U000e0000-\U000e0fff]"
)
_MOST_MARKS = 4
"""Accents on one letter; a higher pile covers the lines above and below it."""


def printable(text: str) -> str:
    """``text`` without what acts instead of showing: escapes, controls, bidi and format characters.

    Newlines and tabs stay, every other line end becomes a newline; lone surrogates and
    noncharacters become U+FFFD.  Of accents piled up on one letter the first few stay.
    """
    text = _LINE_ENDS.sub("\n", _ANSI.sub("", text))
    if text.isascii() and text.isprintable():
        return text
    text = _UNSEEN.sub("", "".join(map(_visible, text)))
    return text if text.isascii() else _LOOSE_JOINERS.sub("", _without_piles(text))


def _without_piles(text: str) -> str:
    kept, marks = [], 0
    for character in text:
        marks = marks + 1 if unicodedata.category(character) in ("Mn", "Me") else 0
        if marks <= _MOST_MARKS:
            kept.append(character)
    return "".join(kept)


def _visible(character: str) -> str:
    if character in _KEPT:
        return character
    category = unicodedata.category(character)
    if category in ("Cc", "Cf"):
        return ""
    code = ord(character)
    if category == "Cs" or code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF:
        return "\ufffd"
    return character


def one_line(text: str, limit: int = 200) -> str:
    """``text`` printable, on one line, at most ``limit`` characters."""
    line = " ".join(printable(text[: 8 * limit]).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def capped(text: str, limit: int = 6000, lines: int = 120) -> str:
    """The beginning and the end of a long text; a line between them says what is missing.

    Args:
        text: of any length.
        limit: characters that are kept, three quarters of them from the beginning.
        lines: lines that are kept, likewise.

    Returns:
        The text, every line end a newline; where it was cut, with a line that says so.
    """
    text = _LINE_ENDS.sub("\n", text)
    if len(text) > limit:
        head, tail = text[: limit * 3 // 4], text[-(limit // 4) :]
        text = f"{head}\n… {len(text) - len(head) - len(tail)} characters left out …\n{tail}"
    rows = text.split("\n")
    if len(rows) > lines:
        head_rows, tail_rows = rows[: lines * 3 // 4], rows[-(lines // 4) :]
        missing = len(rows) - len(head_rows) - len(tail_rows)
        text = "\n".join([*head_rows, f"… {missing} lines left out …", *tail_rows])
    return text


def passage(text: str, limit: int = 6000, lines: int = 120) -> str:
    """``text`` printable, and cut if it is long (see :func:`capped`).

    Args:
        text: of any length.
        limit: characters that are kept.
        lines: lines that are kept.

    Returns:
        A text without control characters but line ends and tabs.
    """
    return printable(capped(text, limit, lines))


def shown(text: str, limit: int = 120) -> str:
    """A name as it may stand in a message, at most ``limit`` characters of it."""
    text = text if text.isprintable() else ascii(text)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def storable(text: str) -> str:
    """``text`` as UTF-8 can hold it, at most 65,536 characters: a lone surrogate is U+FFFD."""
    kept = text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
    return kept.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def of_exception(error: BaseException, limit: int = 1500) -> str:
    """What an exception says of itself, whatever its class does when it is asked."""
    try:
        return str(error)[:limit]
    except BaseException:  # a student's class may do anything here
        return "(its text cannot be shown)"
