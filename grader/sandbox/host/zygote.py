"""The grader's side of a zygote, which forks guests (:mod:`grader.sandbox.guest.forking`)."""

from __future__ import annotations

import atexit
import os
import signal
import socket
import subprocess
import threading
import time
from contextlib import suppress

from grader.sandbox.guest.forking import ANSWERED, ASKED, RUNNING

__all__ = ["Forked", "Zygote"]

_FIRST_SECONDS, _ANSWER_SECONDS = 120.0, 10.0
"""In which the zygote answers, the first time where it imports.  One that does not is ended."""


class Zygote:
    """The grader's side of a zygote.

    Args:
        command: what starts it.
        environment: all that it sees.
    """

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        ours, theirs = socket.socketpair()
        self._lock = threading.RLock()
        self._socket = ours
        self._unborn: Forked | None = None
        self._silent = self._trains = False
        self._socket.settimeout(_FIRST_SECONDS)
        self._process = subprocess.Popen(
            command,
            stdin=theirs.fileno(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=environment,
            start_new_session=True,
        )
        theirs.close()
        atexit.register(self.close)

    @property
    def alive(self) -> bool:
        """Whether it can still fork."""
        return not self._silent and self._process.poll() is None

    def fork(self, memory_mb: int, *, trains: bool = False) -> Forked:
        """A new guest; at once, also where torch is still being imported.

        Args:
            memory_mb: MiB that it may take on top of the imports, where it is locked down.
            trains: whether it makes optimizers, for which torch imports more.
        """
        theirs_in, ours_in = os.pipe()
        ours_out, theirs_out = os.pipe()
        ours_printed, theirs_printed = os.pipe()
        theirs = [theirs_in, theirs_out, theirs_printed]
        with self._lock:
            self._settle()
            child = Forked(self, ours_in, ours_out, ours_printed)
            with suppress(OSError):  # a zygote that died: the guest's pipe ends, which says so
                if trains and not self._trains:
                    self._socket.settimeout(_FIRST_SECONDS)
                    self._trains = True
                message = ASKED.pack(b"T" if trains else b"F", memory_mb)
                socket.send_fds(self._socket, [message], theirs)
                self._unborn = child
        for descriptor in theirs:
            os.close(descriptor)
        return child

    def _settle(self) -> None:
        """Read the number of the guest that was asked for last."""
        with self._lock:
            if self._unborn is not None:
                born, self._unborn = self._unborn, None
                born.number = (self._read() or (0, 0))[0]

    def number(self, child: Forked) -> int:
        """The number of a guest; 0 where it was never born."""
        self._settle()
        return child.number

    def ask(self, letter: bytes, number: int) -> tuple[int, int]:
        """Ask about a guest; of a zygote that has ended, that the guest was killed."""
        with self._lock:
            self._settle()
            with suppress(OSError):
                self._socket.sendall(ASKED.pack(letter, number))
                answer = self._read()
                if answer is not None:
                    return answer
        self._silent = True
        return -signal.SIGKILL, 0  # its children follow it

    def _read(self) -> tuple[int, int] | None:
        data = b""
        while len(data) < ANSWERED.size:
            try:
                more = self._socket.recv(ANSWERED.size - len(data))
            except OSError:
                more = b""
            if not more:  # it died, or was stopped, and so it ends
                self._process.kill()
                return None
            data += more
        self._socket.settimeout(_ANSWER_SECONDS)
        first, second = ANSWERED.unpack(data)
        return int(first), int(second)

    def end(self) -> None:
        """Let the zygote end, and its children with it, without waiting for that."""
        self._socket.close()

    def close(self) -> None:
        """End the zygote and its children."""
        atexit.unregister(self.close)
        self._socket.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Forked:
    """A forked guest, as far as a session uses a ``subprocess.Popen``."""

    def __init__(self, zygote: Zygote, requests: int, replies: int, printed: int) -> None:
        self._zygote = zygote
        self.number = 0
        self.stdin = os.fdopen(requests, "wb")
        self.stdout = os.fdopen(replies, "rb")
        self.stderr = os.fdopen(printed, "rb")
        """What it prints, whether to stdout or to stderr."""
        self.returncode: int | None = None
        self.most_kb = 0
        """The most memory that it had, in KiB, once it has ended."""

    @property
    def orphaned(self) -> bool:
        """Whether its zygote has ended, and it with that."""
        self._zygote.ask(b"W", 0)
        return not self._zygote.alive

    def poll(self) -> int | None:
        """How it ended (negative: by that signal), or ``None``."""
        if self.returncode is None:
            number = self._zygote.number(self)
            self._is(self._zygote.ask(b"W", number) if number else (-signal.SIGKILL, 0))
        return self.returncode

    def _is(self, how: tuple[int, int]) -> None:
        if how[0] != RUNNING:
            self.returncode, self.most_kb = how

    def wait(self, timeout: float | None = None) -> int:
        """The same, at the latest after ``timeout`` seconds."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if deadline is not None and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("guest", timeout or 0.0)
            time.sleep(0.005)
        return code

    def processor_seconds(self) -> float:
        """The processor time that it took until now, with all its threads."""
        number = self._zygote.number(self)
        return max(0, self._zygote.ask(b"C", number)[0]) / 1e9 if number else 0.0

    def ask_where(self) -> None:
        """Let it print in which line it stands, and end."""
        if number := self._zygote.number(self):
            self._zygote.ask(b"S", number)

    def kill(self) -> None:
        """End it, with what it started."""
        number = self._zygote.number(self)
        if self.returncode is None and number:
            self._is(self._zygote.ask(b"K", number))
