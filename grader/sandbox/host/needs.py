"""Which files of a submission a call needs, and how the call is named.

Importing this module does not import torch.
"""

from __future__ import annotations

from collections.abc import Mapping

from grader.homework import contract
from grader.records import Call, StudentError

__all__ = ["in_words", "missing_file", "parts_of"]


def _part_of(call: Call) -> str:
    if call.function.startswith("drive:"):
        return call.driven
    if call.function in contract.FUNCTIONS:
        return contract.function(call.function).part
    inner = call.arguments["module" if call.function == "()" else "of"]
    return _part_of(inner)


def parts_of(call: Call) -> list[str]:
    """The parts whose files a call needs, those of the calls in its arguments first."""
    inner = [parts_of(value) for value in call.arguments.values() if isinstance(value, Call)]
    return list(dict.fromkeys([*(part for parts in inner for part in parts), _part_of(call)]))


def in_words(call: Call) -> str:
    """A call in words, for what went wrong in it."""
    if call.function == "()":
        return "calling the returned value"
    driver = call.function.startswith("drive:")
    return contract.part(call.driven).file if driver else f"{call.function}(…)"


def missing_file(part: str, files: Mapping[str, bytes]) -> StudentError | None:
    """The error where the file of a part was not handed in."""
    file = next(p.file for p in contract.PARTS if p.id == part)
    if file in files:
        return None
    return StudentError("missing", f"{file} is not in the submission")
