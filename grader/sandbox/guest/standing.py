"""In which line a call stands when its time is up: the guest tells it, and nobody relies on it.

Python's own ``faulthandler`` writes the stack into the pipe of what is printed.  It does so from a
signal's handler, and so also where the code is inside a long computation of torch.  The process
ends right after that, so that the stack is the last thing in the pipe.  Where a system has no such
signals, a thread of ``faulthandler`` writes the stack a moment before the limit.

The grader's side is :mod:`grader.sandbox.host.standing`.
"""

from __future__ import annotations

import faulthandler
import signal
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["ASKED", "told", "when_asked"]

ASKED: int | None = getattr(signal, "SIGUSR1", None)
"""The signal that asks for it; ``None`` where there are none (Windows)."""

_EARLY = 0.95
"""The share of the limit after which a guest that cannot be asked tells by itself."""


def when_asked(printed_fd: int) -> None:
    """Tell it when the signal comes, and end.

    Args:
        printed_fd: where it is written.
    """
    if ASKED is not None:
        signal.signal(ASKED, signal.SIG_DFL)  # which ends the process
        faulthandler.register(ASKED, file=printed_fd, all_threads=False, chain=True)


@contextmanager
def told(printed_fd: int, seconds: float) -> Iterator[None]:
    """Inside, tell it shortly before the time is up, if nobody can ask.

    Args:
        printed_fd: where it is written.
        seconds: that the call may take.
    """
    if ASKED is None:
        faulthandler.dump_traceback_later(seconds * _EARLY, file=printed_fd)
    try:
        yield
    finally:
        if ASKED is None:
            faulthandler.cancel_dump_traceback_later()
