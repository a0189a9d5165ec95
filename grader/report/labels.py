"""What statuses and parts are called where people read of them."""

from __future__ import annotations

import re

from grader.homework import contract
from grader.records import Status

__all__ = ["MARKS", "PLAIN_MARKS", "WORDS", "part_label", "part_title"]

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


def part_title(part: str) -> str:
    """The homework's title of a part, or its id where the homework has none of that id."""
    return next((known.title for known in contract.PARTS if known.id == part), part_label(part))


def part_label(part: str) -> str:
    """The short name of a part: ``Part 1``, ``GAN``, ``Warmup``."""
    numbered = re.fullmatch(r"part(\d+)", part)
    if numbered:
        return f"Part {numbered[1]}"
    return part.upper() if len(part) <= 3 else part.capitalize()
