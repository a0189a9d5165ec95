"""What student code prints: the first and the last of each call, up to a cap."""

from __future__ import annotations

import io
import os
import threading
from contextlib import suppress

__all__ = ["Capture", "Printed"]

_MARK_BYTES = 16
_PATIENCE = 2.0
"""Seconds for which a mark is waited for; a guest sends it before its reply."""


class Kept:
    """The first and the last of some bytes.

    Args:
        kilobytes: how much is kept, half of it from the beginning.
    """

    def __init__(self, kilobytes: int) -> None:
        self._half = kilobytes * 512
        self._head, self._tail, self._size = b"", b"", 0

    def add(self, data: bytes) -> None:
        """Keep what fits."""
        self._size += len(data)
        room = self._half - len(self._head)
        self._head += data[:room]
        if len(data) > room and self._half:
            self._tail = (self._tail + data[room:])[-self._half :]

    def text(self) -> str:
        """What was kept, with a mark where something is left out."""
        left_out = self._size - len(self._head) - len(self._tail)
        between = f"\n… {left_out} bytes …\n".encode() if left_out else b""
        return (self._head + between + self._tail).decode("utf-8", "replace").replace("\r\n", "\n")


class Printed:
    """What comes out of a guest's pipe, call by call.

    A guest sends a mark after each call.  If it does not, because student code closed the pipe, or
    sends it early, some of what it printed is told with another call; nothing hangs.

    Args:
        kilobytes: how much of each call is kept.
    """

    def __init__(self, kilobytes: int) -> None:
        self._kilobytes = kilobytes
        self._changed = threading.Condition()
        self._kept, self._carry = Kept(kilobytes), b""
        self._mark, self._text = b"", ""
        self._patience, self._over = _PATIENCE, False

    def expect(self) -> bytes:
        """A call begins: the mark that ends what it prints."""
        with self._changed:
            self._mark = os.urandom(_MARK_BYTES)
            return self._mark

    def feed(self, data: bytes) -> None:
        """Something came out of the pipe."""
        with self._changed:
            data = self._carry + data
            before, mark, after = data.partition(self._mark) if self._mark else (data, b"", b"")
            if mark:
                self._kept.add(before)
                self._finish()
                before = after
            # The end may be the beginning of a mark.
            whole = max(0, len(before) - _MARK_BYTES + 1) if self._mark else len(before)
            self._kept.add(before[:whole])
            self._carry = before[whole:]

    def _finish(self) -> None:
        self._text, self._mark = self._kept.text(), b""
        self._kept = Kept(self._kilobytes)
        self._changed.notify_all()

    def end(self) -> None:
        """The pipe has ended: nothing more will come."""
        with self._changed:
            self._patience, self._over = 0.0, True
            self._changed.notify_all()

    def wait_for_end(self, seconds: float) -> None:
        """Wait until the pipe has ended, at most so long."""
        with self._changed:
            self._changed.wait_for(lambda: self._over, seconds)

    def of_call(self) -> str:
        """What was printed up to the mark of the last call, or up to now where none comes."""
        with self._changed:
            self._changed.wait_for(lambda: not self._mark or not self._patience, self._patience)
            if self._mark:
                self._patience = 0.0
                self._kept.add(self._carry)
                self._carry = b""
                self._finish()
            return self._text


class Capture(io.TextIOWrapper):
    """A text stream that keeps what is written: for code that runs in this process.

    Args:
        kilobytes: how much is kept.
    """

    def __init__(self, kilobytes: int) -> None:
        self._kept = Kept(kilobytes)
        super().__init__(io.BufferedWriter(_Bytes(self._kept)), "utf-8", "backslashreplace")

    def text(self) -> str:
        """What was written and kept."""
        with suppress(ValueError):  # it was closed, or its buffer taken away
            self.flush()
        return self._kept.text()


class _Bytes(io.RawIOBase):
    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        content = bytes(data)  # type: ignore[call-overload]
        self._kept.add(content)
        return len(content)
