"""Output that nobody reads, as in ``hw3 check | head``, or that cannot be written: a full disk.

The first ends as it would have ended, the second with one sentence.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import Any, TextIO

__all__ = ["lost", "outlive_readers"]

_GONE = (errno.EPIPE, errno.EINVAL) if sys.platform == "win32" else (errno.EPIPE,)


def outlive_readers() -> None:
    """From now on, what nobody reads any more is dropped, and the work goes on.

    Only streams that this process was started with and that are no terminal are replaced.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is not getattr(sys, f"__{name}__") or not isinstance(stream, io.TextIOWrapper):
            continue
        stream.reconfigure(errors="replace")
        if not stream.isatty():
            setattr(sys, name, _lasting(stream))


def _lasting(stream: io.TextIOWrapper) -> TextIO:
    stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(_Raw(stream.fileno(), "w", closefd=False)),
        encoding=stream.encoding,
        errors="replace",
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


def lost() -> str:
    """Why output that somebody wants could not be written, as on a full disk; nothing if it was."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    return _LOST[0] if _LOST else ""


_LOST: list[str] = []


class _Raw(io.FileIO):
    def write(self, content: Any) -> int:
        try:
            return super().write(content) or 0
        except OSError as error:
            if error.errno not in _GONE:
                _LOST.append(f"the output cannot be written: {error.strerror or error}")
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.fileno())
        os.close(nowhere)
        return len(memoryview(content).cast("B"))
