"""The guest: a process that loads a submission and carries out calls, one at a time.

Started by :mod:`grader.sandbox.host.session` as ``python -c "…" <folder of the grader package>``.
It answers frames on the descriptors that were its stdin and stdout; before any student code runs,
stdin is empty, and what is printed goes into a pipe of its own, which the grader reads.  After each
call a mark goes into that pipe, so that the grader knows what belongs to which call.  A guest holds
nothing that is worth stealing: no expected value, no tolerance, no later input.
"""

from __future__ import annotations

import io
import json
import os
import struct
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from typing import Any, BinaryIO

from grader.records import Other

__all__ = ["BOOT", "Server", "main", "prepare", "serve"]

BOOT = (
    "import sys; home = sys.argv[1]; rest = [p for p in sys.path if p]; "
    "sys.path[:] = rest if home in rest else [home, *rest]; sys.argv[1:] = []; "
    "from grader.sandbox.guest.server import main; main()"
)
"""The guest's command: no entry of ``sys.path`` for the current folder; ours first, unless packages
are installed there: then it keeps its place after the standard library."""


def main() -> None:
    """Serve frames on stdin and stdout until the grader closes the pipe; print to stderr."""
    serve(os.dup(0), os.dup(1), os.dup(2), None)


def prepare() -> str:
    """Import all that a guest needs, and compute nothing; what failed, in words, or nothing."""
    try:
        import numpy.random  # NumPy would load it in each guest
        import torch

        from grader.homework.building import build
        from grader.homework.networks import Network
        from grader.sandbox.guest import devices, loader, pass_counter, perform, rules, standing
        from grader.sandbox.protocol import wire

        devices.hide()
        rules.wrap()
        torch.set_num_threads(1)
        build(Network("digits"))  # its weights are read while they can be
        tempfile.gettempdir()  # it is found by writing there
        del numpy, perform, loader, pass_counter, standing, wire
    except BaseException as error:
        return f"{type(error).__name__}: {error}"[:1000]
    return ""


def prepare_to_train() -> None:
    """Import what torch only imports where the first optimizer is made: a second for each guest."""
    import torch

    with suppress(Exception):  # a guest finds out by itself what is broken, and says it
        torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))])


def serve(
    requests_fd: int,
    replies_fd: int,
    printed_fd: int,
    problem: str | None,
    lock_down: Callable[[], list[str]] | None = None,
    folder: str = "",
) -> None:
    """Serve frames on two descriptors; the first one brings the submission's files.

    Args:
        requests_fd: frames come in here.
        replies_fd: and go out there.
        printed_fd: what is printed goes there.
        problem: what :func:`prepare` said, where it has run already.
        lock_down: puts walls around this process, and says which; without any, the process keeps
            the rules by itself.
        folder: where this process puts the files; by default, the grader has put them somewhere.
    """
    requests, replies = os.fdopen(requests_fd, "rb"), os.fdopen(replies_fd, "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor, to in ((0, nothing), (1, printed_fd), (2, printed_fd)):
        os.dup2(to, descriptor)
    _open_streams(printed_fd, anew=True)
    problem = prepare() if problem is None else problem
    handed_in: dict[str, Any] = {}
    layers: list[str] = []
    if not problem:
        problem, handed_in, layers = _started(requests, lock_down, folder)
    if problem:
        # By hand: what is missing may be what frames are made with.
        header = json.dumps({"$dict": [["fatal", problem]]}).encode()
        replies.write(struct.pack(">II", len(header), 0) + header)
        replies.flush()
        return
    from grader.sandbox.guest import progress, rules, standing
    from grader.sandbox.protocol import wire

    progress.goes_to(lambda done: wire.write_frame(replies, *wire.encode({"progress": done})))
    server = Server()
    server.answer(handed_in)
    ready = {"ready": True, "layers": layers, "folder": handed_in["folder"]}
    wire.write_frame(replies, *wire.encode(ready))
    _forget_the_grader()
    standing.when_asked(printed_fd)
    if not layers:
        rules.refuse()
    while (frame := wire.read_frame(requests)) is not None:
        request = wire.decode(*frame)
        _open_streams(printed_fd)
        with standing.told(printed_fd, request["seconds"]):
            answer = server.answer(request)
        for stream in (sys.stdout, sys.stderr):
            with suppress(BaseException):  # whatever an earlier call made of them
                stream.flush()
        with suppress(OSError):
            os.write(printed_fd, bytes.fromhex(request["mark"]))
        wire.write_frame(replies, *answer)


def _started(
    requests: BinaryIO, lock_down: Callable[[], list[str]] | None, folder: str
) -> tuple[str, dict[str, Any], list[str]]:
    """What keeps this process from starting, the request with the files, and the walls."""
    from grader.sandbox.guest.folder import write
    from grader.sandbox.protocol import wire

    frame = wire.read_frame(requests)
    if frame is None:
        os._exit(0)  # nobody wants it any more
    handed_in = wire.decode(*frame)
    try:
        if folder:
            files = {name: array.tobytes() for name, array in handed_in["files"].items()}
            write(folder, files)
            handed_in["folder"] = folder
    except OSError as error:
        return f"no temporary file can be written: {error.strerror or error}", {}, []
    try:
        return "", handed_in, lock_down() if lock_down is not None else []
    except Exception as error:
        return f"the lockdown failed: {error}", {}, []


def _open_streams(printed_fd: int, *, anew: bool = False) -> None:
    """Open the standard streams, again where student code closed them in an earlier call."""
    for descriptor, name in ((1, "stdout"), (2, "stderr")):
        try:
            os.fstat(descriptor)
        except OSError:
            os.dup2(printed_fd, descriptor)
        with suppress(BaseException):  # it may be anything
            if not anew and not getattr(sys, name).closed:
                continue
        raw = io.FileIO(descriptor, "w", closefd=False)
        raw.name = f"<{name}>"  # as Python itself has it
        # Python's own stdout refuses half of a surrogate pair; here printing never fails.
        buffer = io.BufferedWriter(raw)
        stream = io.TextIOWrapper(buffer, "utf-8", "backslashreplace", line_buffering=True)
        setattr(sys, name, stream)
        if anew:
            setattr(sys, f"__{name}__", stream)


_NOTHING: dict[str, Any] = {"value": None, "changed": [], "passes": [0, 0]}


class Server:
    """Answers requests on one submission.

    Args:
        blocked: the packages that a submission must not import, if not ours.
        caught: what a submission may raise; the rest ends the process.
    """

    def __init__(
        self,
        *,
        blocked: tuple[str, ...] | None = None,
        caught: tuple[type[BaseException], ...] = (BaseException,),
    ) -> None:
        from grader import layout
        from grader.sandbox.guest import loader, pass_counter, perform
        from grader.sandbox.protocol import wire

        pass_counter.install()
        self._calls, self._loading, self._wire = perform, loader, wire
        self._passes, self._ours = pass_counter, layout.PACKAGES
        self._blocked, self._caught = blocked, caught
        self._about: dict[str, Any] = {}
        self._loader: loader.Loader | None = None
        self._performer: perform.Performer | None = None

    def answer(self, request: dict[str, Any]) -> tuple[bytes, bytes]:
        """The reply's frame; a value that does not fit is left out."""
        answer = {**self._perform(request), "id": request["id"]}
        too_large = Other("words", "a result too large to be sent")
        for shorter in ({}, {"value": too_large}):
            answer.update(shorter)
            try:
                return self._wire.encode(answer, self._wire.most_of(request))
            except self._wire.Garbage:
                continue
        raise AssertionError("an answer without a value fits")

    def _perform(self, request: dict[str, Any]) -> dict[str, Any]:
        if request["op"] == "files":
            files = {name: array.tobytes() for name, array in request["files"].items()}
            blocked = self._ours if self._blocked is None else self._blocked
            folder, packages = request["folder"], request["packages"]
            self._loader = self._loading.Loader(files, blocked, folder, packages)
            self._about = {"folder": folder, "packages": packages or ()}
            if folder:
                os.chdir(folder)
                os.environ["HOME"] = os.environ["USERPROFILE"] = folder
            self._performer = self._calls.Performer(self._loader.namespace)
            return dict(_NOTHING)
        assert self._loader is not None
        assert self._performer is not None
        self._loader.install()
        loader = request["part"] if request["op"] == "load" else ""
        try:
            if loader:
                if self._about["folder"]:
                    sys.argv[:] = [self._loader.file_of(loader)]
                self._loader.namespace(loader)
                return dict(_NOTHING)
            self._performer.changed = ()
            value, changed = self._performer.perform(request["call"])
            taken = self._passes.taken()
            value = self._calls.to_sendable(value, self._wire.most_of(request))
            return {"value": value, "changed": list(changed), "passes": taken}
        except self._caught as error:  # SystemExit and KeyboardInterrupt are the student's, too
            names = self._loader.names
            described = self._loading.describe(error, names, loading=loader, **self._about)
            left = () if loader else self._performer.changed
            return {"error": asdict(described), "changed": list(left)}

    def close(self) -> None:
        """Forget the submission's modules."""
        if self._loader is not None:
            self._loader.uninstall()


def _forget_the_grader() -> None:
    # Student code finds none of our modules: neither by name, nor loaded, nor where they came from.
    from grader.layout import ENTRY, HOME

    for name in [n for n in sys.modules if n.partition(".")[0] == "grader"]:
        del sys.modules[name]
    if not (HOME / "torch").is_dir():  # then it is where everything is installed
        ours = (str(HOME), str(ENTRY))
        sys.path[:] = [p for p in sys.path if os.path.abspath(p) not in ours]
