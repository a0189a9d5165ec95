"""A guest process and the pipes to it, whoever starts it: forked where that works, else started.

Importing this module does not import torch.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from grader import layout
from grader.errors import GuestUnusable
from grader.sandbox.guest import folder, forking, server, standing
from grader.sandbox.host import bubblewrap
from grader.sandbox.host.printed import Printed
from grader.sandbox.host.zygote import Forked, Zygote
from grader.sandbox.isolation.modes import Walls
from grader.sandbox.isolation.readable import DEVICES, readable
from grader.sandbox.isolation.surroundings import of_guest

__all__ = ["FORKS", "GuestProcess", "end_guests", "end_zygote", "with_secrets"]

_CACHES = ("MPLCONFIGDIR", "TORCHINDUCTOR_CACHE_DIR")
"""Matplotlib and torch's optimizers want a folder that is there and whose permissions, which walls
do not change, would let them write; that they then cannot does not trouble them."""


def _environment(temporary: str) -> dict[str, str]:
    return {**of_guest(), **dict.fromkeys(_CACHES, temporary), "MPLBACKEND": "Agg"}


_WRITES_SECONDS = 0.5
"""In which a guest writes down its stack; one that holds the signal back is not waited for."""

FORKS = sys.platform == "linux"
"""Whether guests are forked from a process that has imported torch, instead of started anew."""

_zygotes: dict[str, Zygote] = {}
"""Those of this process, by the mode of their walls; ``_SECRET`` marks the second one of a mode."""

_SECRET = " with secrets"
_secrets = False


@contextmanager
def with_secrets() -> Iterator[None]:
    """Inside, guests are told what other submissions must not learn, such as hidden inputs.

    Where there are namespaces, they come from a process of their own: process numbers, which code
    can move, then count in another namespace than those of guests whose words a student reads.
    """
    global _secrets
    before, _secrets = _secrets, True
    try:
        yield
    finally:
        _secrets = before


def _fork(walls: Walls, memory_mb: int, *, trains: bool) -> Forked:
    name = walls.mode + (_SECRET if _secrets and walls.mode == "bubblewrap" else "")
    old = _zygotes.get(name)
    if old is None or not old.alive:
        _end(name)
        _zygotes[name] = _zygote(walls.mode)
    return _zygotes[name].fork(memory_mb, trains=trains)


def _zygote(mode: str) -> Zygote:
    command = [sys.executable, "-c", forking.BOOT, str(layout.HOME)]
    if mode == "none":
        return Zygote(command, _environment(tempfile.gettempdir()))
    sees = readable()
    locks = {
        "readable": [*sees.allowed, *DEVICES],
        "listed": sees.listed,
        "writable": DEVICES[:1],
    }
    command.append(json.dumps(locks))
    environment = _environment("/tmp")
    if mode == "bubblewrap":
        return Zygote(bubblewrap.wrapped(command, sees, environment), {})
    return Zygote(command, environment)


class _Started:
    """A guest that was started, as far as a session uses it; limits are looked after from here."""

    def __init__(self) -> None:
        options: dict[str, Any] = {"start_new_session": True}
        if sys.platform == "win32":
            options = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
        self._process = subprocess.Popen(
            [sys.executable, "-c", server.BOOT, str(layout.HOME)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=Path(sys.executable).anchor,
            env=_environment(tempfile.gettempdir()),
            **options,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self.stdin, self.stdout = self._process.stdin, self._process.stdout
        self.stderr = self._process.stderr
        self.most_kb = 0
        self.orphaned = False

    @property
    def returncode(self) -> int | None:
        return self._process.returncode

    def wait(self, timeout: float | None = None) -> int:
        return self._process.wait(timeout)

    def processor_seconds(self) -> float:
        with suppress(psutil.Error):
            process = psutil.Process(self._process.pid)
            self.most_kb = max(self.most_kb, process.memory_info().rss >> 10)
            times = process.cpu_times()
            return float(times.user + times.system)
        return 0.0

    def ask_where(self) -> None:
        if standing.ASKED is not None:
            with suppress(OSError):
                self._process.send_signal(standing.ASKED)

    def kill(self) -> None:
        if sys.platform != "win32" and self._process.returncode is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()


def _folder(files: Mapping[str, bytes]) -> str:
    """A folder with a submission's files.

    Raises:
        GuestUnusable: it cannot be made.
    """
    try:
        made = os.path.join(tempfile.mkdtemp(prefix="hw3-guest-"), "handed_in")
        folder.write(made, files)
    except OSError as error:
        why = f"no temporary file can be written: {error.strerror or error}"
        raise GuestUnusable(f"the process for student code cannot start: {why}") from None
    return os.path.realpath(made)


class GuestProcess:
    """A guest process with a thread at the end of each of its pipes: nothing blocks for long here.

    Args:
        walls: the isolation of the process.
        memory_mb: MiB that it may take on top of the imports.
        output_kb: KiB that are kept of what it prints in a call.
        files: what was handed in, by path: a guest that is not forked finds it in a folder.
        trains: whether it makes optimizers.
    """

    def __init__(
        self,
        walls: Walls,
        memory_mb: int,
        output_kb: int,
        files: Mapping[str, bytes],
        *,
        trains: bool,
    ) -> None:
        self.printed = Printed(output_kb)
        self.folder = "" if FORKS else _folder(files)
        self.process = _fork(walls, memory_mb, trains=trains) if FORKS else _Started()
        # One frame at most waits here; a guest that sends without being asked fills its own pipe.
        self._incoming: queue.Queue[Any] = queue.Queue(maxsize=1)
        self._outgoing: queue.Queue[Any] = queue.Queue()
        self._threads = [
            threading.Thread(target=target, daemon=True)
            for target in (self._read, self._write, self._read_printed)
        ]
        for thread in self._threads:
            thread.start()

    def _read(self) -> None:
        from grader.sandbox.protocol import wire

        try:
            while (frame := wire.read_frame(self.process.stdout, wire.MAX_STATE)) is not None:
                self._incoming.put(frame)
            self._incoming.put(None)
        except (wire.Garbage, OSError, ValueError) as error:
            self._incoming.put(error)

    def _write(self) -> None:
        from grader.sandbox.protocol import wire

        while (frame := self._outgoing.get()) is not None:
            try:
                wire.write_frame(self.process.stdin, *frame)
            except (OSError, ValueError):
                return

    def _read_printed(self) -> None:
        try:
            while data := os.read(self.process.stderr.fileno(), 65536):
                self.printed.feed(data)
        except (OSError, ValueError):
            pass
        self.printed.end()

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

    def ask_where(self) -> None:
        """Let the guest print in which line it stands; it ends with that, or soon after."""
        self.process.ask_where()
        self.printed.wait_for_end(_WRITES_SECONDS)

    def kill(self) -> None:
        """End the process, with those that it started, and reap it."""
        self.process.kill()
        self.process.wait()
        if self.folder:
            folder.remove(os.path.dirname(self.folder))
        self._outgoing.put(None)
        deadline = time.monotonic() + 1
        streams = (self.process.stdout, self.process.stdin, self.process.stderr)
        for thread, stream in zip(self._threads, streams, strict=True):
            while thread.is_alive() and time.monotonic() < deadline:
                with suppress(queue.Empty):
                    self._incoming.get_nowait()
                thread.join(0.01)
            # A process that escaped may hold the other end; closing would then wait for it.
            if not thread.is_alive():
                with suppress(OSError):
                    stream.close()


def end_zygote(mode: str) -> None:
    """End the zygotes of a mode, with their guests, and wait for that."""
    _end(mode)
    _end(mode + _SECRET)


def _end(name: str) -> None:
    if name in _zygotes:
        _zygotes.pop(name).close()


def end_guests() -> None:
    """End all guests of this process at once, without waiting for them."""
    for mode in list(_zygotes):  # a signal may have come while one was being added
        _zygotes.pop(mode).end()
