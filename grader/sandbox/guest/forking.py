"""A process that has imported torch and forks a guest whenever one is wanted (Linux).

Importing torch is most of what a guest costs; here it happens once.  The zygote runs no student
code and computes nothing (a parent that ran a multi-threaded operation makes its children hang).
Its children lock themselves down, and serve as :mod:`grader.sandbox.guest.server` says.  When the
grader goes, the socket ends, and the zygote ends with its children.

It is asked with a letter and a number, and answers with two numbers.  ``F``, with three
descriptors, forks a guest that talks over two of them, prints into the third and may take so many
MiB: its number.  Of a guest by its number, ``W`` says how it ended and the most memory in KiB that
it had, ``C`` the nanoseconds of processor time that it took, ``S`` lets it say in which line it
stands, which ends it (:mod:`grader.sandbox.guest.standing`), and ``K`` ends it.  The numbers are
the zygote's, which may have a namespace.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import signal
import socket
import struct
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, NoReturn

from grader.sandbox.guest import folder

__all__ = ["ANSWERED", "ASKED", "BOOT", "RUNNING", "TOO_MANY_THREADS", "import_and_sweep", "main"]

BOOT = (
    "import sys; home = sys.argv[1]; rest = [p for p in sys.path if p]; "
    "sys.path[:] = rest if home in rest else [home, *rest]; "
    "from grader.sandbox.guest.forking import main; main()"
)
"""The zygote's command, as the guest's (``grader/sandbox/guest/server.py``)."""

ASKED, ANSWERED = struct.Struct(">cq"), struct.Struct(">qq")
"""A request and an answer."""
RUNNING = -(2**31)
"""How a guest ended that has not."""
TOO_MANY_THREADS = -(2**30)
"""How a guest ended that had more threads than it may; otherwise as ``subprocess`` says it."""
_WATCH_SECONDS = 0.05
_PERSONAL = ("HOME", "TMPDIR", "TEMP", "TMP", "VIRTUAL_ENV", "CONDA_PREFIX")


def main() -> None:
    """Fork guests until the grader closes the socket.

    ``sys.argv[2]`` says in JSON what a guest may read (``Lockdown``'s arguments); without it guests
    are not locked down.
    """
    from grader.sandbox.guest import server
    from grader.sandbox.isolation import lockdown

    wanted = json.loads(sys.argv[2]) if sys.argv[2:] else None
    sys.argv[1:] = []
    control = socket.socket(fileno=os.dup(0))
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    gc.disable()  # most of what torch makes stays
    problem, locked = server.prepare(), None
    gc.enable()
    place = ""
    try:
        place = tempfile.mkdtemp(prefix="hw3-guests-")
        os.chmod(place, 0o711)  # guests have other users, who need not see what is there
    except OSError as error:
        problem = problem or f"no temporary file can be written: {error.strerror or error}"
    if wanted is not None:
        try:
            locked = lockdown.Lockdown(**wanted, handed_in=[place])
            lockdown.hide()
        except Exception as error:
            problem = problem or f"{error}"
        for name in _PERSONAL:
            os.environ.pop(name, None)
        tempfile.tempdir = "/tmp"  # torch asks for it, and does not write there
        # Torch 2.6 does write there, where the first optimizer is made.
        import_and_sweep("torch.distributed.nn.jit.instantiator")
    _share()
    trains = False
    children: dict[int, tuple[int, int]] = {}
    watch = _Watch(control, children, place)
    try:
        while True:
            if locked is not None:
                watch.until_asked()
            message, descriptors, _, _ = socket.recv_fds(control, ASKED.size, 3)
            if not message:
                break
            letter, number = ASKED.unpack(message)
            if letter in (b"F", b"T"):
                if letter == b"T" and not trains:
                    server.prepare_to_train()
                    _share()
                    trains = True
                child = _fork(partial(_serve, control, descriptors, problem, locked, number, place))
                for descriptor in descriptors:
                    os.close(descriptor)
                if child:
                    children[child] = _LIVES
                answer = (child, 0)
            elif letter == b"C":
                answer = (_processor_time(number), 0)
            elif letter == b"S":
                answer = (0, 0)
                if children.get(number) == _LIVES:
                    os.kill(number, signal.SIGUSR1)
            else:
                if letter == b"K" and children.get(number) == _LIVES:
                    _end_group(number)
                answer = _ended(number, children, place, wait=letter == b"K")
            control.sendall(ANSWERED.pack(*answer))
    except OSError:
        pass  # the grader has died
    finally:
        for child, how in children.items():
            if how == _LIVES:
                _end_group(child)
                with suppress(ChildProcessError):
                    os.waitpid(child, 0)
        if place:
            folder.remove(place)


def _share() -> None:
    """Let no collection in a child copy what it shares with this process."""
    gc.collect()
    gc.freeze()


def import_and_sweep(name: str) -> None:
    """Import a module that makes a temporary folder and wants to write to it, and remove that.

    Within walls the import would fail.
    """
    make, paths = tempfile.TemporaryDirectory, list(sys.path)
    made: list[tempfile.TemporaryDirectory[str]] = []

    def noted(*arguments: Any, **named: Any) -> tempfile.TemporaryDirectory[str]:
        made.append(make(*arguments, **named))
        return made[-1]

    setattr(tempfile, "TemporaryDirectory", noted)  # noqa: B010
    try:
        with suppress(ImportError):  # a torch without it needs none
            importlib.import_module(name)
    finally:
        setattr(tempfile, "TemporaryDirectory", make)  # noqa: B010
        sys.path[:] = paths  # where the folder was put, too
        for folder in made:
            folder.cleanup()


_LIVES = (RUNNING, 0)


class _Watch:
    """Ends guests that start more threads than they may.

    Args:
        control: where requests come in.
        children: how they ended, or that they live.
        place: where their folders are.
    """

    def __init__(
        self, control: socket.socket, children: dict[int, tuple[int, int]], place: str
    ) -> None:
        self._control, self._children, self._place = control, children, place
        self._next = 0.0

    def until_asked(self) -> None:
        """Wait for a request, and look meanwhile; also before each, where many come."""
        while True:
            left = self._next - time.monotonic()
            lives = _LIVES in self._children.values()
            if lives and left <= 0:
                self._look()
                self._next = time.monotonic() + _WATCH_SECONDS
            elif select.select([self._control], [], [], left if lives else None)[0]:
                return

    def _look(self) -> None:
        from grader.sandbox.isolation.lockdown import THREADS

        for child, how in self._children.items():
            if how == _LIVES and _threads(child) > THREADS:
                _end_group(child)
                _, _, used = os.wait4(child, 0)
                self._children[child] = TOO_MANY_THREADS, used.ru_maxrss
                _tidy(self._place, child)


def _threads(child: int) -> int:
    with suppress(OSError):
        return os.stat(f"/proc/{child}/task").st_nlink - 2
    return 0


def _fork(serve: Callable[[], NoReturn]) -> int:
    """Fork a guest; its number, or 0 where the system refuses."""
    try:
        child = os.fork()
    except OSError:
        return 0
    if child == 0:
        serve()
    return child


def _serve(
    control: socket.socket,
    descriptors: list[int],
    problem: str,
    locked: Any,
    memory_mb: int,
    place: str,
) -> NoReturn:
    """A child's whole life; nothing of it may come back into the zygote's loop."""
    from grader.sandbox.guest import server
    from grader.sandbox.isolation import lockdown

    def lock_down() -> list[str]:
        if locked is not None:
            return list(locked.enter(memory_mb))
        lockdown.limit_memory(memory_mb)
        return []

    status = 1
    try:
        lockdown.follow_the_parent()
        os.setsid()
        control.close()
        requests, replies, printed = descriptors
        own = os.path.join(place, str(os.getpid()))
        server.serve(requests, replies, printed, problem, lock_down, own)
        status = 0
    finally:
        os._exit(status)


def _tidy(place: str, child: int) -> None:
    """Remove the folder of a child that has ended."""
    folder.remove(os.path.join(place, str(child)))


def _ended(
    child: int, children: dict[int, tuple[int, int]], place: str, *, wait: bool
) -> tuple[int, int]:
    """How a child ended, which is reaped, and its memory; or that it is running."""
    how = children.get(child, (-signal.SIGKILL, 0))
    if how != _LIVES:
        return how
    options = os.WEXITED | os.WNOWAIT | (0 if wait else os.WNOHANG)
    if os.waitid(os.P_PID, child, options) is None:
        return _LIVES
    _end_group(child)  # while its number is still its own: what it started ends with it
    _, status, used = os.wait4(child, 0)
    children[child] = os.waitstatus_to_exitcode(status), used.ru_maxrss
    _tidy(place, child)
    return children[child]


def _end_group(child: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)
    with suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)


def _processor_time(child: int) -> int:
    """Nanoseconds that the process took, with all its threads."""
    with suppress(OSError):
        return time.clock_gettime_ns((~child << 3) | 2)  # as clock_getcpuclockid(3) makes it
    return 0
