"""A function that pauses where it is told to, and goes on when it is asked; it judges nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable

__all__ = ["Stages"]


class _Ended(BaseException):
    """Ends the function from within; nothing that student code catches by accident."""


class Stages:
    """Runs a function in a thread of its own, which alone runs while the others wait for it.

    Args:
        work: the function; it calls :meth:`pause`.
    """

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._may_run, self._has_stopped = threading.Semaphore(0), threading.Semaphore(0)
        self._leaving = False
        self._error: BaseException | None = None
        self.ended = False
        """Whether the function has returned or raised."""
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        self._may_run.acquire()
        try:
            if not self._leaving:
                self._work()
        except _Ended:
            pass
        except BaseException as error:  # it is raised where the function was asked to go on
            self._error = error
        self.ended = True
        self._has_stopped.release()

    def pause(self) -> None:
        """Called by the function: wait until it is asked to go on."""
        self._has_stopped.release()
        self._may_run.acquire()
        if self._leaving:
            raise _Ended

    def go_on(self) -> None:
        """Let the function run until its next pause, or to its end.

        Raises:
            BaseException: what the function raised.
        """
        if self.ended:
            return
        self._may_run.release()
        self._has_stopped.acquire()
        if self._error is not None:
            raise self._error

    def leave(self) -> None:
        """End the function where it pauses."""
        self._leaving = True
        self._may_run.release()
