"""Sessions: where calls into a submission go.

:class:`ProcessSession` keeps a guest process and talks to it in frames; it is what grading uses.
:class:`InProcessSession` does the same in this process, without any protection: for tests and for one's own code.
"""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np

import grader
from grader import contract
from grader.records import Call, Limits, Reply, StudentError
from grader.sandbox.guest import BOOT

__all__ = ["GuestUnusable", "InProcessSession", "ProcessSession", "Session"]


class GuestUnusable(RuntimeError):
    """The guest cannot even start here: the grader's fault or the machine's, never the student's."""


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


def _missing_file(part: str, files: Mapping[str, bytes]) -> StudentError | None:
    file = next(p.file for p in contract.PARTS if p.id == part)
    if file in files:
        return None
    return StudentError("missing", f"{file} is not in the submission")


class _Pipes:
    """A guest process with a thread at either end of its pipes, so that nothing here ever blocks without a deadline."""

    def __init__(self) -> None:
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONIOENCODING": "utf-8",
        }
        environment.pop("PYTHONSTARTUP", None)
        options: dict[str, Any] = {"start_new_session": True}
        if sys.platform == "win32":
            options = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
        home = str(Path(grader.__file__).parent.parent)
        self.process = subprocess.Popen(
            [sys.executable, "-c", BOOT, home],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=Path(sys.executable).anchor,
            env=environment,
            **options,
        )
        self._incoming: queue.Queue[Any] = queue.Queue()
        self._outgoing: queue.Queue[Any] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=self._write, daemon=True).start()

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

    def early(self) -> bool:
        """Whether the guest said something unasked."""
        return not self._incoming.empty()

    def receive(self, seconds: float) -> Any:
        """A frame, ``None`` at the stream's end, or the error; ``queue.Empty`` at the deadline."""
        return self._incoming.get(timeout=seconds)

    def kill(self) -> None:
        """End the process and reap it."""
        self.process.kill()
        self.process.wait()
        self._outgoing.put(None)
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except OSError:
                    pass


class ProcessSession:
    """A submission in a guest process of its own.

    The guest is started at once, so that it imports torch while the grader does; after a crash or an overrun it is
    started again for the next call.  A file that cannot be loaded is not tried a second time.
    """

    def __init__(self, files: Mapping[str, bytes], limits: Limits | None = None) -> None:
        self._files = dict(files)
        self._limits = limits or Limits()
        self._load_errors: dict[str, StudentError] = {}
        self._loaded: set[str] = set()
        self._number = 0
        self._greeted = False
        self._pipes: _Pipes | None = _Pipes()

    def call(self, call: Call, limits: Limits | None = None) -> Reply:
        """Carry out one call, within its limits."""
        limits = limits or self._limits
        part = part_of(call)
        error = _missing_file(part, self._files) or self._load(part)
        if error is not None:
            return Reply(error=error)
        return self._ask({"op": "call", "call": call}, limits.wall_seconds, "the call")

    def _load(self, part: str) -> StudentError | None:
        if part in self._load_errors:
            return self._load_errors[part]
        if part in self._loaded:
            return None
        file = next(p.file for p in contract.PARTS if p.id == part)
        reply = self._ask({"op": "load", "part": part}, self._limits.load_seconds, f"importing {file}")
        if reply.error is None:
            self._loaded.add(part)
            return None
        error = reply.error
        self._load_errors[part] = StudentError(
            "load", error.message, error.types, error.file or file, error.line, error.code
        )
        return self._load_errors[part]

    def _ask(self, request: dict[str, Any], seconds: float, doing: str) -> Reply:
        from grader.sandbox import wire

        pipes = self._guest()
        if pipes.early():
            return self._lost("garbage", f"the submission wrote into the grader's pipe before {doing}")
        self._number += 1
        try:
            frame = wire.encode({**request, "id": self._number})
            pipes.send(frame)
            got = pipes.receive(seconds)
            if isinstance(got, Exception):
                return self._lost("garbage", f"the submission broke the grader's pipe in {doing}")
            if got is None:
                return self._lost("died", f"the process ended in {doing}{self._how()}")
            reply = _reply(wire.decode(*got), self._number)
        except queue.Empty:
            return self._lost("timeout", f"{doing} took longer than {seconds:g} seconds")
        except wire.Garbage:
            return self._lost("garbage", f"the submission broke the grader's pipe in {doing}")
        return reply

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
        from grader.sandbox import wire

        if self._pipes is None:
            self._pipes = _Pipes()
        if not self._greeted:
            # Importing torch can take long on a cold disk; the student's limits do not run meanwhile.
            try:
                got = self._pipes.receive(120)
                hello = wire.decode(*got) if isinstance(got, tuple) else {}
            except (queue.Empty, wire.Garbage):
                hello = {}
            if not hello.get("ready"):
                self.close()
                reason = hello.get("fatal", "it ended before it was ready")
                raise GuestUnusable(f"the process for student code cannot start: {reason}")
            self._greeted = True
            files = {n: np.frombuffer(d, dtype=np.uint8) for n, d in self._files.items()}
            reply = self._ask({"op": "files", "files": files}, 30, "reading the files")
            if reply.error is not None:
                raise GuestUnusable(f"the process for student code cannot start: {reply.error.message}")
        return self._pipes

    def close(self) -> None:
        """End the guest; the next call starts another."""
        if self._pipes is not None:
            self._pipes.kill()
        self._pipes, self._greeted = None, False
        self._loaded.clear()


def _reply(message: Mapping[str, Any], number: int) -> Reply:
    from grader.sandbox.wire import Garbage

    try:
        if message["id"] != number:
            raise Garbage("a reply to another request")
        error = message.get("error")
        if error is not None:
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
        changed = tuple(str(c)[:200] for c in message.get("changed", ()))[:20]
        return Reply(
            message.get("value"), error, str(message["stdout"]), changed, float(message["seconds"])
        )
    except Garbage:
        raise
    except Exception as error:  # a forged reply may hold anything anywhere
        raise Garbage("a malformed reply") from error


class InProcessSession:
    """A submission in this very process, without protection: for tests, and for code that one trusts."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        from grader.calls import Performer
        from grader.sandbox.loading import Loader

        self._files = dict(files)
        self._loader = Loader(files, blocked=())
        self._loader.install()
        self._performer = Performer(self._loader.namespace)

    def call(self, call: Call, limits: Limits | None = None) -> Reply:
        """Carry out one call; limits do not apply here."""
        from grader.calls import to_sendable
        from grader.sandbox.loading import describe

        part = part_of(call)
        error = _missing_file(part, self._files)
        if error is not None:
            return Reply(error=error)
        started = time.perf_counter()
        loading = next(p.file for p in contract.PARTS if p.id == part)
        try:
            self._loader.namespace(part)
            loading = ""
            value, changed = self._performer.perform(call)
        except Exception as raised:
            return Reply(error=describe(raised, self._loader.names, loading=loading))
        return Reply(to_sendable(value), None, "", changed, time.perf_counter() - started)

    def close(self) -> None:
        """Forget the submission's modules."""
        self._loader.uninstall()
