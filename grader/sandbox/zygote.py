"""A process that has imported torch and forks a guest whenever one is wanted (Linux).

Importing torch is most of what a guest costs; here it happens once.  The zygote runs no student
code and computes nothing (a parent that ran a multi-threaded operation makes its children hang): it
forks, and its children serve as :mod:`grader.sandbox.guest` says.  It answers on a socket: ``F``
with two descriptors forks a guest that talks over them, ``W`` with a process's number tells whether
that one has ended.  When the grader goes, the socket ends, and the zygote ends with its children.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import os
import signal
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

__all__ = ["BOOT", "Forked", "Zygote", "main"]

BOOT = (
    "import sys; sys.path[:] = [p for p in sys.path if p] + sys.argv[1:2]; sys.argv[1:] = []; "
    "from grader.sandbox.zygote import main; main()"
)
"""The zygote's command, as the guest's (``grader/sandbox/guest.py``)."""

_NUMBER = struct.Struct(">i")
_RUNNING = -(2**31)
_FIRST_SECONDS, _ANSWER_SECONDS = 120.0, 10.0
"""In which the zygote answers: at first it imports torch.  One that does not is ended."""


def main() -> None:
    """Fork guests until the grader closes the socket."""
    from grader.sandbox import guest

    control = socket.socket(fileno=os.dup(0))
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    problem = guest.prepare()
    gc.collect()
    gc.freeze()  # so that collections in a child do not copy what it shares with this process
    children: set[int] = set()
    try:
        while True:
            message, descriptors, _, _ = socket.recv_fds(control, 1 + _NUMBER.size, 2)
            if not message:
                break
            if message[:1] == b"F":
                child = os.fork()
                if child == 0:
                    _serve(control, descriptors, problem)
                for descriptor in descriptors:
                    os.close(descriptor)
                children.add(child)
                control.sendall(_NUMBER.pack(child))
            else:
                (child,) = _NUMBER.unpack(message[1:])
                control.sendall(_NUMBER.pack(_ended(child, children)))
    except OSError:
        pass  # the grader has died
    finally:
        for child in children:
            _end_group(child)


def _serve(control: socket.socket, descriptors: list[int], problem: str) -> NoReturn:
    """A child's whole life; nothing of it may come back into the zygote's loop."""
    from grader.sandbox import guest

    status = 1
    try:
        _follow_the_parent()
        os.setsid()
        control.close()
        requests, replies = descriptors
        guest.serve(requests, replies, problem)
        status = 0
    finally:
        os._exit(status)


def _ended(child: int, children: set[int]) -> int:
    """The exit status of a child, which is reaped, or that it is running."""
    if child not in children:
        return -signal.SIGKILL
    if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        return _RUNNING
    _end_group(child)  # while its number is still its own: what it started ends with it
    _, status = os.waitpid(child, 0)
    children.discard(child)
    return os.waitstatus_to_exitcode(status)


def _end_group(child: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)
    with suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)


def _follow_the_parent() -> None:
    """End when the zygote does, however that ends (Linux, prctl 1)."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


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
        return self._process.poll() is None

    def fork(self) -> Forked:
        """A new guest; at once, also where torch is still being imported."""
        theirs_in, ours_in = os.pipe()
        ours_out, theirs_out = os.pipe()
        with self._lock:
            self._settle()
            child = Forked(self._wait, self._settle, ours_in, ours_out)
            with suppress(OSError):  # a zygote that died: the guest's pipe ends, which says so
                message = b"F" + _NUMBER.pack(0)
                socket.send_fds(self._socket, [message], [theirs_in, theirs_out])
                self._unborn = child
        os.close(theirs_in)
        os.close(theirs_out)
        return child

    def _settle(self) -> None:
        """Read the number of the guest that was asked for last."""
        with self._lock:
            if self._unborn is not None:
                self._unborn.number, self._unborn = self._read() or 0, None

    def _wait(self, number: int) -> int | None:
        """How the guest ended, or ``None``."""
        with self._lock:
            self._settle()
            try:
                self._socket.sendall(b"W" + _NUMBER.pack(number))
            except OSError:
                pass
            else:
                code = self._read()
                if code is not None:
                    return None if code == _RUNNING else code
        _end_group(number)  # nobody is left to say how it ended
        return -signal.SIGKILL

    def _read(self) -> int | None:
        data = b""
        while len(data) < _NUMBER.size:
            try:
                more = self._socket.recv(_NUMBER.size - len(data))
            except OSError:
                more = b""
            if not more:  # it died, or was stopped, and so it ends
                self._process.kill()
                return None
            data += more
        self._socket.settimeout(_ANSWER_SECONDS)
        return int(_NUMBER.unpack(data)[0])

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

    def __init__(
        self,
        ended: Callable[[int], int | None],
        settle: Callable[[], None],
        requests: int,
        replies: int,
    ) -> None:
        self._ended, self._settle = ended, settle
        self.number = 0
        self.stdin = os.fdopen(requests, "wb")
        self.stdout = os.fdopen(replies, "rb")
        self.returncode: int | None = None

    @property
    def pid(self) -> int:
        """Its number; 0 where it was never born."""
        self._settle()
        return self.number

    def poll(self) -> int | None:
        """How it ended (negative: by that signal), or ``None``."""
        if self.returncode is None:
            self.returncode = self._ended(self.pid) if self.pid else -signal.SIGKILL
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The same, at the latest after ``timeout`` seconds."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if deadline is not None and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("guest", timeout or 0.0)
            time.sleep(0.005)
        return code

    def kill(self) -> None:
        """End it."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
