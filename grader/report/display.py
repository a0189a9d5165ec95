"""Words and numbers as people read them: points, statuses, and text that is safe to show."""

from __future__ import annotations

import math
import re
import unicodedata

from grader.homework import contract
from grader.records import Status

__all__ = [
    "MARKS",
    "PLAIN_MARKS",
    "WORDS",
    "capped",
    "duration",
    "fixed",
    "number",
    "one_line",
    "part_label",
    "part_title",
    "points",
    "printable",
    "same",
    "share",
    "short",
    "trimmed",
]

WORDS = {
    Status.PASSED: "Passed",
    Status.PARTIAL: "Partly right",
    Status.FAILED: "Not right yet",
    Status.CRASHED: "Stopped early",
    Status.BLOCKED: "Waiting",
    Status.INVALID: "Undecided",
}

MARKS = {
    Status.PASSED: "✓",
    Status.PARTIAL: "◐",
    Status.FAILED: "✗",
    Status.CRASHED: "!",
    Status.BLOCKED: "…",
    Status.INVALID: "?",
}

PLAIN_MARKS = {
    Status.PASSED: "+",
    Status.PARTIAL: "~",
    Status.FAILED: "x",
    Status.CRASHED: "!",
    Status.BLOCKED: ".",
    Status.INVALID: "?",
}
"""For terminals that know ASCII only."""

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
    text = _UNSEEN.sub("", "".join(map(_shown, text)))
    return text if text.isascii() else _LOOSE_JOINERS.sub("", _without_piles(text))


def _without_piles(text: str) -> str:
    kept, marks = [], 0
    for character in text:
        marks = marks + 1 if unicodedata.category(character) in ("Mn", "Me") else 0
        if marks <= _MOST_MARKS:
            kept.append(character)
    return "".join(kept)


def _shown(character: str) -> str:
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
    """The beginning and the end of a long text; a line between them says what is missing."""
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


def same(a: float, b: float) -> bool:
    """Equal up to the noise of adding floats."""
    return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9)


def fixed(value: float, full: float) -> str:
    """Two decimals, but those of zero and of ``full`` only where true (coverage.py's rule)."""
    if same(value, full):
        return f"{full:.2f}"
    if same(value, 0.0):
        return "0.00"
    if not 0.0 < value < full:
        return f"{value:.2f}"
    digits = 2
    while 2 * 10.0**-digits > full:
        digits += 1
    text, unit = f"{value:.{digits}f}", 10.0**-digits
    if float(text) == 0.0:
        return f"{unit:.{digits}f}"
    if text == f"{full:.{digits}f}":
        return f"{float(text) - unit:.{digits}f}"
    return text


def trimmed(text: str) -> str:
    """A decimal number without needless zeros: ``12.50`` is ``12.5``."""
    return text.rstrip("0").rstrip(".") if "." in text else text


def number(value: float) -> str:
    """A number of points: ``3``, ``2.5``, ``0.25``."""
    return trimmed(fixed(value, math.inf))


def points(earned: float, possible: float) -> str:
    """``12.5 / 32``; shows full marks or zero only where that is true."""
    return f"{trimmed(fixed(earned, possible))} / {number(possible)}"


def share(earned: float, possible: float) -> float:
    """Percent for a bar; 0 and 100 only where that is true, else at least 1 and at most 99."""
    if possible <= 0.0 or same(earned, 0.0) or earned < 0.0:
        return 0.0
    if same(earned, possible) or earned > possible:
        return 100.0
    return min(max(round(100.0 * earned / possible, 1), 1.0), 99.0)


def short(value: float) -> str:
    """A measured value in three digits, with a real minus sign."""
    if math.isnan(value):
        return "not a number"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return f"{value:.3g}".replace("-", "−")


def duration(seconds: float) -> str:
    """``0.4 s``, ``12 s``, ``3 min 05 s``, ``2 h 10 min``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def part_title(part: str) -> str:
    """The homework's title of a part, or its id where the homework has none of that id."""
    return next((known.title for known in contract.PARTS if known.id == part), part_label(part))


def part_label(part: str) -> str:
    """The short name of a part: ``Part 1``, ``GAN``, ``Warmup``."""
    numbered = re.fullmatch(r"part(\d+)", part)
    if numbered:
        return f"Part {numbered[1]}"
    return part.upper() if len(part) <= 3 else part.capitalize()
