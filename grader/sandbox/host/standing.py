"""In which line a call stood when its time was up, read from what its guest wrote.

A submission can write the same text, so it counts for nothing: it is shown.  The line of source
comes from the files as they were handed in.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Standing", "read"]

_HEAD = r"(?:Timeout \([0-9:.]{1,40}\)!\n)?"
_WHOSE = r"(?:Stack|(?:Current thread|Thread) 0x[0-9a-f]{1,16}[^\n]{0,80})"
_THREAD = f"{_WHOSE} \\(most recent call first\\):\n"
_FRAME = r'  File "[^"\n]{0,600}", line [0-9?]{1,9} in [^\n]{0,600}\n'
_STACKS = re.compile(f"{_HEAD}(?:{_THREAD}(?:{_FRAME}|  <no Python frame>\n|  \\.\\.\\.\n)*\n?)+")
_LINE = re.compile(r'  File "([^"\n]{0,600})", line ([0-9]{1,9}) in ')


@dataclass(frozen=True)
class Standing:
    """A line of a file that was handed in: its number counts from 1."""

    file: str
    line: int
    code: str


def read(printed: str, files: Mapping[str, bytes], folder: str = "") -> tuple[str, Standing | None]:
    """What a call printed without the stack in it, and the innermost line of the submission's own.

    Args:
        printed: by the guest, the stack last.
        files: what was handed in, by path.
        folder: where it lies for the guest.
    """
    found = list(_STACKS.finditer(printed))
    if not found:
        return printed, None
    stack = found[-1]
    rest = printed[: stack.start()] + printed[stack.end() :]
    own = {_as_written(name, folder): name for name in files}
    for path, number in _LINE.findall(stack[0]):
        if path in own:
            rows = files[own[path]].decode("utf-8", "replace").splitlines()
            if 1 <= int(number) <= len(rows):
                code = rows[int(number) - 1].strip()[:200]
                return rest, Standing(own[path], int(number), code)
    return rest, None


def _as_written(name: str, folder: str) -> str:
    path = os.path.join(folder, *name.split("/")) if folder else name
    return path.encode("ascii", "backslashreplace").decode()
