"""A guest process and the pipes to it, whoever starts it: forked where that works, else started.

Importing this module does not import torch.
"""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import grader
from grader.sandbox import guest, zygote
from grader.sandbox.zygote import Forked, Zygote

__all__ = ["FORKS", "GuestProcess", "end_guests"]

_ENVIRONMENT = (
    *("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "TEMP", "TMP"),
    *("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "CONDA_PREFIX"),
    *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"),
    *("SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "USERPROFILE"),
    *("APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "NUMBER_OF_PROCESSORS", "PROCESSOR_ARCHITECTURE"),
)
"""What a guest sees of the environment: what Python and torch need, no token, no command file."""

FORKS = sys.platform == "linux"
"""Whether guests are forked from a process that has imported torch, instead of started anew."""

_zygotes: list[Zygote] = []
"""The one of this process, once there is one."""


def _fork() -> Forked:
    if not _zygotes or not _zygotes[0].alive:
        command = [sys.executable, "-c", zygote.BOOT, _home()]
        _zygotes[:] = [Zygote(command, _environment())]
    return _zygotes[0].fork()


def _start() -> subprocess.Popen[bytes]:
    options: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        options = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return subprocess.Popen(
        [sys.executable, "-c", guest.BOOT, _home()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=Path(sys.executable).anchor,
        env=_environment(),
        **options,
    )


def _home() -> str:
    return str(Path(grader.__file__).parent.parent)


def _environment() -> dict[str, str]:
    return {k: os.environ[k] for k in _ENVIRONMENT if k in os.environ} | {
        "OMP_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONIOENCODING": "utf-8",
    }


class GuestProcess:
    """A guest process with a thread at either end of its pipes: nothing blocks for long here."""

    def __init__(self) -> None:
        self.process = _fork() if FORKS else _start()
        # One frame at most waits here; a guest that sends without being asked fills its own pipe.
        self._incoming: queue.Queue[Any] = queue.Queue(maxsize=1)
        self._outgoing: queue.Queue[Any] = queue.Queue()
        self._threads = [
            threading.Thread(target=target, daemon=True) for target in (self._read, self._write)
        ]
        for thread in self._threads:
            thread.start()

    def _read(self) -> None:
        from grader.sandbox import wire

        assert self.process.stdout is not None
        try:
            while (frame := wire.read_frame(self.process.stdout)) is not None:
                self._incoming.put(frame)
            self._incoming.put(None)
        except (wire.Garbage, OSError, ValueError) as error:
            self._incoming.put(error)

    def _write(self) -> None:
        from grader.sandbox import wire

        assert self.process.stdin is not None
        while (frame := self._outgoing.get()) is not None:
            try:
                wire.write_frame(self.process.stdin, *frame)
            except (OSError, ValueError):
                return

    def send(self, frame: tuple[bytes, bytes]) -> None:
        """Hand a frame to the writing thread."""
        self._outgoing.put(frame)

    def waiting(self) -> list[Any]:
        """What came unasked: nothing, or one thing as :meth:`receive` would give it."""
        with self._incoming.mutex:
            return list(self._incoming.queue)

    def receive(self, seconds: float) -> Any:
        """A frame, ``None`` at the stream's end, or the error; ``queue.Empty`` at the deadline."""
        return self._incoming.get(timeout=seconds)

    def kill(self) -> None:
        """End the process, with those that it started, and reap it."""
        # A guest that was never born has no number, and group 0 would be our own.
        if sys.platform != "win32" and self.process.returncode is None and self.process.pid > 0:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()
        self._outgoing.put(None)
        deadline = time.monotonic() + 1
        streams = (self.process.stdout, self.process.stdin)
        for thread, stream in zip(self._threads, streams, strict=True):
            while thread.is_alive() and time.monotonic() < deadline:
                with suppress(queue.Empty):
                    self._incoming.get_nowait()
                thread.join(0.01)
            # A process that escaped may hold the other end; closing would then wait for it.
            if stream is not None and not thread.is_alive():
                with suppress(OSError):
                    stream.close()


def end_guests() -> None:
    """End all guests of this process at once, without waiting for them."""
    for one in _zygotes:
        one.end()
