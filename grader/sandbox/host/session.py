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
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from grader.errors import GuestUnusable
from grader.homework import contract
from grader.records import Call, Limits, Reply, StudentError
from grader.sandbox.guest import standing as guests
from grader.sandbox.guest.forking import TOO_MANY_THREADS
from grader.sandbox.guest.server import Server
from grader.sandbox.host import process, standing
from grader.sandbox.host.needs import in_words, missing_file, parts_of
from grader.sandbox.host.printed import Capture
from grader.sandbox.host.process import GuestProcess
from grader.sandbox.isolation.modes import NO_WALLS, Walls

__all__ = ["Allowance", "InProcessSession", "ProcessSession", "Session"]

RETRIED_SECONDS = 60.0
"""Up to this limit a call that takes too long is tried once more: the machine may have stalled."""

_LOOK_SECONDS = 0.05
"""How often a guest that is at work is asked for the processor time that it took."""


class _Orphaned(Exception):  # noqa: N818 - a state of the guest
    """What forks guests was killed, and a guest with it: nothing that the student's code did."""


class Allowance:
    """What all sessions of one submission may take together, and what they met.

    Args:
        seconds: of wall clock that its calls may take in all.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds, self.left = seconds, seconds
        self.timeouts = 0
        """Calls, and imports of files, that took too long and count so."""


class Session(Protocol):
    """A place that carries out calls on one submission."""

    def call(self, call: Call, limits: Limits | None = None) -> Reply:
        """Carry out one call; whatever the student's code does comes back as a reply."""

    def fresh(self) -> Session:
        """Another session on the same submission, in a process that this one never reached."""

    def close(self) -> None:
        """Let go of everything."""


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
        for part in parts_of(call):
            error = missing_file(part, self._files) or self._load(part)
            if error is not None:
                return Reply(error=error)
        return self._ask({"op": "call", "call": call}, limits, in_words(call))

    def _retries(self, limits: Limits) -> bool:
        """Whether what took longer than this is tried once more."""
        return False

    def _load(self, part: str) -> StudentError | None:
        if part in self._load_errors:
            return self._load_errors[part]
        if part in self._loaded:
            return None
        file = next(p.file for p in contract.PARTS if p.id == part)
        seconds = self._limits.load_seconds
        limits = replace(self._limits, wall_seconds=seconds, cpu_seconds=seconds)
        error = self._ask({"op": "load", "part": part}, limits, f"importing {file}").error
        if error is not None and error.kind == "timeout" and self._retries(limits):
            error = self._ask({"op": "load", "part": part}, limits, f"importing {file}").error
        if error is None:
            self._loaded.add(part)
            self._loaded_once.add(part)
            return None
        if error.kind == "timeout" and part in self._loaded_once:
            return error  # the machine stalled: the same file was quick before
        self._load_errors[part] = replace(error, kind="load", file=error.file or file)
        return self._load_errors[part]

    def _sources(self, folder: str, packages: Sequence[str] | None) -> dict[str, Any]:
        arrays = {n: np.frombuffer(d, dtype=np.uint8) for n, d in self._files.items()}
        asked = None if packages is None else list(packages)
        return {"op": "files", "files": arrays, "folder": folder, "packages": asked, "id": 0}

    def _ask(self, request: dict[str, Any], limits: Limits, doing: str) -> Reply:
        raise NotImplementedError


class ProcessSession(_OneSubmission):
    """A submission in a guest process of its own.

    The guest is started at once, so that it imports torch while the grader does; after a crash or
    an overrun it is started again for the next call.  A file that cannot be loaded is not tried a
    second time.

    Args:
        files: the submission's, by name.
        limits: of calls that have none of their own.
        walls: the isolation of the guest.
        allowance: what this session and others of the submission may take together.
        part: the only part that calls will be about; where its file is missing, no guest is needed.
        alone: whether nothing else runs beside it, so that what took too long is tried once more.
        packages: what the submission may import beside the packages that are promised.
    """

    def __init__(
        self,
        files: Mapping[str, bytes],
        limits: Limits | None = None,
        walls: Walls = NO_WALLS,
        allowance: Allowance | None = None,
        *,
        part: str = "",
        alone: bool = True,
        packages: Sequence[str] = (),
    ) -> None:
        super().__init__(files, limits)
        self._walls, self._part, self._alone, self._packages = walls, part, alone, packages
        self._folder = ""
        self._allowance = allowance or Allowance(self._limits.total_seconds)
        self.on_progress: Callable[[float], None] = lambda _: None
        """What is done with the share of a call that the guest says is done, 0 … 1."""
        self._number = 0
        self._greeted = False
        self._base_kb = 0
        self.layers: tuple[str, ...] = ()
        """The walls around the guest, once it has reported them."""
        needed = not part or missing_file(part, files) is None
        self._pipes: GuestProcess | None = self._start() if needed else None

    def _start(self) -> GuestProcess:
        from grader.sandbox.protocol import wire

        limits = self._limits
        pipes = GuestProcess(
            *(self._walls, limits.memory_mb, limits.output_kb, self._files),
            trains=self._part in ("gan", "warmup"),
        )
        pipes.send(wire.encode(self._sources(pipes.folder, self._packages)))
        return pipes

    def call(self, call: Call, limits: Limits | None = None) -> Reply:
        """Carry out one call, within its limits."""
        if self._pipes is not None and self._pipes.waiting() == [None]:
            self.close()  # it ended after its last reply: that call was answered, this one is new
        reply = self._tried(call, limits)
        if _late(reply) and self._retries(limits or self._limits):
            reply = self._tried(call, limits)  # once more, in a guest of its own
        self._allowance.timeouts += _late(reply)
        return reply

    def _tried(self, call: Call, limits: Limits | None) -> Reply:
        """The reply to a call, which is made again if a zygote ended in it."""
        with suppress(_Orphaned):
            return super().call(call, limits)
        try:
            return super().call(call, limits)
        except _Orphaned as error:
            if self._walls.unsandboxed:  # then it may have been the student's code
                return Reply(error=StudentError("died", str(error), ("died",)))
            raise GuestUnusable(f"the process that starts student code died: {error}") from None

    def _load(self, part: str) -> StudentError | None:
        known = part in self._load_errors
        error = super()._load(part)
        late = error is not None and not known and error.kind == "load" and "timeout" in error.types
        self._allowance.timeouts += late
        return error

    def _retries(self, limits: Limits) -> bool:
        short = min(limits.wall_seconds, limits.cpu_seconds) <= RETRIED_SECONDS
        return self._alone and short and self._allowance.left > 0

    def _ask(self, request: dict[str, Any], limits: Limits, doing: str) -> Reply:
        from grader.sandbox.protocol import replies, wire

        if self._allowance.left <= 0:
            return Reply(error=StudentError("timeout", f"{self._used_up()}: {doing} was not run"))
        pipes = self._guest()
        if pipes.waiting():
            early = f"before {doing} your code wrote into the grader's own connection"
            return self._lost("garbage", early)
        self._number += 1
        mark = pipes.printed.expect().hex()
        seconds = min(limits.wall_seconds, limits.cpu_seconds)
        frame = wire.encode(
            {**request, "id": self._number, "mark": mark, "seconds": float(seconds)}
        )
        started = time.perf_counter()
        pipes.send(frame)
        try:
            got = self._receive(pipes, limits, doing, started)
            if isinstance(got, Reply):
                return got
            if isinstance(got, Exception):
                raise got
            if got is None:
                return self._died(doing)
            header, payload = got
            message = wire.decode(header, payload, wire.most_of(request))
            seconds = time.perf_counter() - started
            reply = replies.read(message, self._number, seconds, self._printed(pipes))
            if reply.error is not None and reply.error.kind == "memory":
                words = self._too_much(doing)
                return replace(reply, error=replace(reply.error, message=words))
            return reply
        except (wire.Garbage, OSError, ValueError):
            broken = f"in {doing} your code wrote into the grader's own connection, or closed it"
            return self._lost("garbage", broken)
        finally:
            self._allowance.left -= time.perf_counter() - started

    def _receive(self, pipes: GuestProcess, limits: Limits, doing: str, started: float) -> Any:
        """What came, or the reply where a limit was met: its processor time is looked at often."""
        process, wall = pipes.process, min(limits.wall_seconds, self._allowance.left)
        before: float | None = None
        while True:
            left = started + wall - time.perf_counter()
            with suppress(queue.Empty):
                got = pipes.receive(max(0.0, min(left, _LOOK_SECONDS)))
                if (done := _progress(got)) is None:
                    return got
                self.on_progress(done)
            if left <= 0:
                if wall < limits.wall_seconds:
                    return self._stopped("timeout", f"{self._used_up()}; it was stopped in {doing}")
                return self._stopped("timeout", f"{doing} took longer than {wall:g} seconds")
            used = process.processor_seconds()
            before = used if before is None else before
            if used - before > limits.cpu_seconds:
                return self._stopped(
                    "timeout",
                    f"{doing} took longer than {limits.cpu_seconds:g} seconds of processor time",
                )
            if self._base_kb and process.most_kb - self._base_kb > self._limits.memory_mb << 10:
                return self._stopped("memory", self._too_much(doing))

    def _used_up(self) -> str:
        return f"your code took longer than {self._allowance.seconds:g} seconds in all"

    def _too_much(self, doing: str) -> str:
        megabytes = self._limits.memory_mb
        whole = megabytes % 1024 == 0
        amount = f"{megabytes // 1024} GiB" if whole else f"{megabytes} MiB"
        return f"{doing} used more than {amount} of memory"

    def _died(self, doing: str) -> Reply:
        assert self._pipes is not None
        process = self._pipes.process
        try:
            code = process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            return self._lost("died", f"the process ended in {doing}: it closed its pipe")
        if code == TOO_MANY_THREADS:
            return self._lost("died", f"{doing} started too many threads")
        # Where an allocation fails beneath Python, the process ends without a word.
        if process.most_kb > _NEARLY * (self._limits.memory_mb << 10):
            return self._lost("memory", self._too_much(doing))
        how = f"with exit status {code}" if code >= 0 else f"by signal {-code}"
        return self._lost("died", f"the process ended in {doing} {how}")

    def _stopped(self, kind: str, message: str) -> Reply:
        """The reply where the call is ended for a limit: with the line in which it stood."""
        if self._pipes is not None:
            self._pipes.ask_where()
        return self._lost(kind, message)

    def _lost(self, kind: str, message: str) -> Reply:
        # Walls keep student code from its zygote: whoever ended that, it was not the student.
        pipes = self._pipes
        orphaned = pipes is not None and pipes.process.orphaned
        if pipes is not None:
            pipes.kill()
        printed, line = self._last_words(pipes) if pipes is not None else ("", None)
        self.close()
        if orphaned:
            raise _Orphaned(message)
        error = StudentError(kind, message, (kind,))
        if line is not None:
            error = replace(error, file=line.file, line=line.line, code=line.code)
        return Reply(error=error, stdout=printed)

    def _last_words(self, pipes: GuestProcess) -> tuple[str, standing.Standing | None]:
        printed, line = standing.read(pipes.printed.of_call(), self._files, self._folder)
        return self._without_folder(printed), line

    def _printed(self, pipes: GuestProcess) -> str:
        """What the last call printed; where its files lie concerns nobody."""
        printed = pipes.printed.of_call()
        if guests.ASKED is None:  # then a guest may have written its stack without being stopped
            printed, _ = standing.read(printed, self._files, self._folder)
        return self._without_folder(printed)

    def _without_folder(self, printed: str) -> str:
        folder = f"{self._folder}{os.sep}" if self._folder else ""
        return printed.replace(folder, "") if folder else printed

    def _guest(self) -> GuestProcess:
        if self._pipes is None:
            self._pipes = self._start()
        if not self._greeted:
            # Importing torch can take long on a cold disk; a student's limits do not run meanwhile.
            hello = self._hello()
            if process.FORKS and not hello:  # the zygote had just been killed: another one forks
                self.close()
                self._pipes = self._start()
                hello = self._hello()
            if not hello.get("ready"):
                self.close()
                reason = hello.get("fatal", "it ended before it was ready")
                raise GuestUnusable(f"the process for student code cannot start: {reason}")
            around = ("namespaces",) if self._walls.mode == "bubblewrap" else ()
            self.layers = (*around, *hello["layers"])
            if self._walls.layers and self.layers != self._walls.layers:
                self.close()
                raise GuestUnusable(
                    "the walls around student code are not the ones that were tested"
                )
            self._greeted = True
            self._pipes.process.processor_seconds()
            self._base_kb = self._pipes.process.most_kb
            self._folder = hello["folder"]
        return self._pipes

    def fresh(self) -> ProcessSession:
        """Another session on the same submission, in a guest of its own; they share what they may
        take together."""
        other = type(self)(
            *(self._files, self._limits, self._walls, self._allowance),
            part=self._part,
            alone=self._alone,
            packages=self._packages,
        )
        other.on_progress = self.on_progress
        return other

    def _hello(self) -> dict[str, Any]:
        from grader.sandbox.protocol import wire

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


_NEARLY = 0.75
"""The share of the memory limit from which it is blamed for an end without a word."""


def _progress(got: Any) -> float | None:
    """The share of a call that a frame says is done, if it says that."""
    from grader.sandbox.protocol import wire

    if not isinstance(got, tuple) or len(got[0]) + len(got[1]) > _SHORT:
        return None
    said = wire.decode(*got)
    share = said.get("progress") if isinstance(said, dict) and len(said) == 1 else None
    fits = isinstance(share, float) and 0 <= share <= 1
    return share if fits else None


_SHORT = 200
"""Bytes up to which a frame may be about progress; replies are decoded once."""


def _late(reply: Reply) -> bool:
    return reply.error is not None and reply.error.kind == "timeout"


class InProcessSession(_OneSubmission):
    """A submission in this very process, without protection: for tests, and for code one trusts.

    Calls and values pass through frames as they do on their way to a guest and back.  Of the limits
    only that on the output applies.
    """

    def __init__(self, files: Mapping[str, bytes], limits: Limits | None = None) -> None:
        super().__init__(files, limits)
        self._server = Server(blocked=(), caught=(Exception, SystemExit))
        self._ask(self._sources("", None), self._limits, "")

    def _ask(self, request: dict[str, Any], limits: Limits, doing: str) -> Reply:
        from grader.sandbox.protocol import replies, wire

        started = time.perf_counter()
        sent = wire.decode(*wire.encode({**request, "id": 0}))
        capture = Capture(self._limits.output_kb)
        with redirect_stdout(capture), redirect_stderr(capture):
            frame = self._server.answer(sent)
        return replies.read(wire.decode(*frame), 0, time.perf_counter() - started, capture.text())

    def fresh(self) -> InProcessSession:
        """Another session on the same submission, with modules of its own."""
        return InProcessSession(self._files, self._limits)

    def close(self) -> None:
        """Forget the submission's modules."""
        self._server.close()
