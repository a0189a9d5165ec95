"""Sessions: where calls into a submission go.

:class:`ProcessSession` keeps a guest process and talks to it in frames; it is what grading uses.
:class:`InProcessSession` does the same in this process, without any protection: for tests and for
one's own code.

Importing this module does not import torch: a guest that is started first imports it at the same
time as the grader does.
"""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

import grader
from grader import contract
from grader.records import Call, Limits, Reply, StudentError
from grader.sandbox import zygote
from grader.sandbox.guest import BOOT, Capture, Server
from grader.sandbox.zygote import Forked, Zygote

__all__ = ["GuestUnusable", "InProcessSession", "ProcessSession", "Session", "end_guests"]

_ENVIRONMENT = (
    *("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "TEMP", "TMP"),
    *("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "CONDA_PREFIX"),
    *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"),
    *("SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "USERPROFILE"),
    *("APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "NUMBER_OF_PROCESSORS", "PROCESSOR_ARCHITECTURE"),
)
"""What a guest sees of the environment: what Python and torch need, no token, no command file."""


RETRIED_SECONDS = 30.0
"""Up to this limit a call that takes too long is tried once more: the machine may have stalled."""


class GuestUnusable(RuntimeError):  # noqa: N818 - a state of the guest, whoever made the error
    """The guest cannot even start here: the grader's fault or the machine's, not the student's."""


class Session(Protocol):
    """A place that carries out calls on one submission."""

    def call(self, call: Call, limits: Limits | None = None) -> Reply:
        """Carry out one call; whatever the student's code does comes back as a reply."""

    def close(self) -> None:
        """Let go of everything."""


def part_of(call: Call) -> str:
    """The part whose file a call needs."""
    if call.function.startswith("drive:"):
        return "gan"
    if call.function in contract.FUNCTIONS:
        return contract.function(call.function).part
    inner = call.arguments["module" if call.function == "()" else "of"]
    return part_of(inner)


def _parts(call: Call) -> list[str]:
    """The parts whose files a call needs, those of the calls in its arguments first."""
    inner = [_parts(value) for value in call.arguments.values() if isinstance(value, Call)]
    return list(dict.fromkeys([*(part for parts in inner for part in parts), part_of(call)]))


def _name(call: Call) -> str:
    """A call in words, for what went wrong in it."""
    if call.function == "()":
        return "calling what was returned"
    return "gan.py" if call.function.startswith("drive:") else f"{call.function}(…)"


def end_guests() -> None:
    """End all guests of this process at once, without waiting for them."""
    for one in _zygotes:
        one.end()


def _missing_file(part: str, files: Mapping[str, bytes]) -> StudentError | None:
    file = next(p.file for p in contract.PARTS if p.id == part)
    if file in files:
        return None
    return StudentError("missing", f"{file} is not in the submission")


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
        [sys.executable, "-c", BOOT, _home()],
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


class _Pipes:
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


class _OneSubmission:
    """What all sessions do: a file that is missing, or cannot be loaded, costs what needs it."""

    def __init__(self, files: Mapping[str, bytes], limits: Limits | None = None) -> None:
        self._files = dict(files)
        self._limits = limits or Limits()
        self._load_errors: dict[str, StudentError] = {}
        self._loaded: set[str] = set()
        self._loaded_once: set[str] = set()

    def call(self, call: Call, limits: Limits | None = None) -> Reply:
        """Carry out one call, within its limits."""
        limits = limits or self._limits
        for part in _parts(call):
            error = _missing_file(part, self._files) or self._load(part)
            if error is not None:
                return Reply(error=error)
        return self._ask({"op": "call", "call": call}, limits.wall_seconds, _name(call))

    def _load(self, part: str) -> StudentError | None:
        if part in self._load_errors:
            return self._load_errors[part]
        if part in self._loaded:
            return None
        file = next(p.file for p in contract.PARTS if p.id == part)
        request = {"op": "load", "part": part}
        error = self._ask(request, self._limits.load_seconds, f"importing {file}").error
        if error is None:
            self._loaded.add(part)
            self._loaded_once.add(part)
            return None
        if error.kind == "timeout" and part in self._loaded_once:
            return error  # the machine stalled: the same file was quick before
        self._load_errors[part] = replace(error, kind="load", file=error.file or file)
        return self._load_errors[part]

    def _sources(self) -> dict[str, Any]:
        files = {n: d for n, d in self._files.items() if n.endswith(".py")}
        arrays = {n: np.frombuffer(d, dtype=np.uint8) for n, d in files.items()}
        return {"op": "files", "files": arrays, "output_kb": self._limits.output_kb}

    def _ask(self, request: dict[str, Any], seconds: float, doing: str) -> Reply:
        raise NotImplementedError


class ProcessSession(_OneSubmission):
    """A submission in a guest process of its own.

    The guest is started at once, so that it imports torch while the grader does; after a crash or
    an overrun it is started again for the next call.  A file that cannot be loaded is not tried a
    second time.
    """

    def __init__(self, files: Mapping[str, bytes], limits: Limits | None = None) -> None:
        super().__init__(files, limits)
        self._number = 0
        self._greeted = False
        self._pipes: _Pipes | None = _Pipes()

    def call(self, call: Call, limits: Limits | None = None) -> Reply:
        """Carry out one call, within its limits."""
        if self._pipes is not None and self._pipes.waiting() == [None]:
            self.close()  # it ended after its last reply: that call was answered, this one is new
        reply = super().call(call, limits)
        late = reply.error is not None and reply.error.kind == "timeout"
        if late and (limits or self._limits).wall_seconds <= RETRIED_SECONDS:
            return super().call(call, limits)  # once more, in a guest of its own
        return reply

    def _ask(self, request: dict[str, Any], seconds: float, doing: str) -> Reply:
        from grader.sandbox import wire

        pipes = self._guest()
        if pipes.waiting():
            early = f"the submission wrote into the grader's pipe before {doing}"
            return self._lost("garbage", early)
        self._number += 1
        frame = wire.encode({**request, "id": self._number})
        started = time.perf_counter()
        pipes.send(frame)
        try:
            got = pipes.receive(seconds)
            if isinstance(got, Exception):
                raise got
            if got is None:
                return self._lost("died", f"the process ended in {doing}{self._how()}")
            return _reply(wire.decode(*got), self._number, time.perf_counter() - started)
        except queue.Empty:
            return self._lost("timeout", f"{doing} took longer than {seconds:g} seconds")
        except (wire.Garbage, OSError, ValueError):
            return self._lost("garbage", f"the submission broke the grader's pipe in {doing}")

    def _how(self) -> str:
        assert self._pipes is not None
        try:
            code = self._pipes.process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            return ": it closed its pipe"
        return f" with exit status {code}" if code >= 0 else f" by signal {-code}"

    def _lost(self, kind: str, message: str) -> Reply:
        self.close()
        return Reply(error=StudentError(kind, message))

    def _guest(self) -> _Pipes:
        if self._pipes is None:
            self._pipes = _Pipes()
        if not self._greeted:
            # Importing torch can take long on a cold disk; a student's limits do not run meanwhile.
            hello = self._hello()
            if FORKS and not hello:  # the zygote had just been killed: another one forks
                self.close()
                self._pipes = _Pipes()
                hello = self._hello()
            if not hello.get("ready"):
                self.close()
                reason = hello.get("fatal", "it ended before it was ready")
                raise GuestUnusable(f"the process for student code cannot start: {reason}")
            self._greeted = True
            reply = self._ask(self._sources(), 30, "reading the files")
            if reply.error is not None:
                message = reply.error.message
                raise GuestUnusable(f"the process for student code cannot start: {message}")
        return self._pipes

    def _hello(self) -> dict[str, Any]:
        from grader.sandbox import wire

        assert self._pipes is not None
        try:
            got = self._pipes.receive(120)
            return wire.decode(*got) if isinstance(got, tuple) else {}
        except (queue.Empty, wire.Garbage):
            return {}

    def close(self) -> None:
        """End the guest; the next call starts another."""
        if self._pipes is not None:
            self._pipes.kill()
        self._pipes, self._greeted = None, False
        self._loaded.clear()


def _reply(message: Mapping[str, Any], number: int, seconds: float) -> Reply:
    from grader.sandbox.wire import Garbage

    try:
        if message["id"] != number or set(message) not in _REPLIES:
            raise Garbage("not the reply to this request")
        stdout = str(message["stdout"])
        if "error" not in message:
            changed = tuple(str(c)[:200] for c in message["changed"][:20])
            return Reply(message["value"], None, stdout, changed, seconds)
        error = message["error"]
        error = StudentError(
            str(error["kind"]),
            str(error["message"])[:2000],
            tuple(str(t)[:100] for t in error["types"][:20]),
            str(error["file"])[:200],
            int(error["line"]),
            str(error["code"])[:200],
        )
        if error.kind not in ("raised", "missing", "load"):
            raise Garbage("an unknown kind of error")
        return Reply(None, error, stdout, (), seconds)
    except Garbage:
        raise
    except Exception as error:  # a forged reply may hold anything anywhere
        raise Garbage("a malformed reply") from error


_REPLIES = ({"id", "stdout", "value", "changed"}, {"id", "stdout", "error"})


class InProcessSession(_OneSubmission):
    """A submission in this very process, without protection: for tests, and for code one trusts.

    Calls and values pass through frames as they do on their way to a guest and back.  Of the limits
    only that on the output applies.
    """

    def __init__(self, files: Mapping[str, bytes], limits: Limits | None = None) -> None:
        super().__init__(files, limits)
        self._capture = Capture(0)
        self._server = Server(self._capture, blocked=(), caught=(Exception, SystemExit))
        self._ask(self._sources(), 0, "")

    def _ask(self, request: dict[str, Any], seconds: float, doing: str) -> Reply:
        from grader.sandbox import wire

        started = time.perf_counter()
        sent = wire.decode(*wire.encode({**request, "id": 0}))
        with redirect_stdout(self._capture), redirect_stderr(self._capture):
            frame = self._server.answer(sent)
        return _reply(wire.decode(*frame), 0, time.perf_counter() - started)

    def close(self) -> None:
        """Forget the submission's modules."""
        self._server.close()
