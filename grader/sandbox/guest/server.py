"""The guest: a process that loads a submission and carries out calls, one at a time.

Started by :mod:`grader.sandbox.host.session` as ``python -c "…" <folder of the grader package>``.
It answers frames on the descriptors that were its stdin and stdout; before any student code runs,
those two point elsewhere.  It holds nothing that is worth stealing: no expected value, no
tolerance, no later input.
"""

from __future__ import annotations

import io
import json
import os
import struct
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from grader.records import Other

__all__ = ["BOOT", "Capture", "Server", "main", "prepare", "serve"]

BOOT = (
    "import sys; home = sys.argv[1]; rest = [p for p in sys.path if p]; "
    "sys.path[:] = rest if home in rest else [home, *rest]; sys.argv[1:] = []; "
    "from grader.sandbox.guest.server import main; main()"
)
"""The guest's command: no entry of ``sys.path`` for the current folder; ours first, unless packages
are installed there: then it keeps its place after the standard library."""


class Capture(io.TextIOBase):
    """What student code prints: the first and the last of it, up to a cap."""

    def __init__(self, kilobytes: int) -> None:
        self.clear(kilobytes)

    def clear(self, kilobytes: int) -> None:
        """Forget everything; keep so much from now on."""
        self._half = kilobytes * 512
        self._head, self._tail, self._size = "", "", 0

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, text: str) -> int:
        """Keep what fits."""
        self._size += len(text)
        room = self._half - len(self._head)
        self._head += text[:room]
        if len(text) > room and self._half:
            self._tail = (self._tail + text[room:])[-self._half :]
        return len(text)

    def text(self) -> str:
        """What was kept, with a mark where something is left out."""
        left_out = self._size - len(self._head) - len(self._tail)
        return self._head + (f"\n… {left_out} characters …\n" if left_out else "") + self._tail


def main() -> None:
    """Serve frames on stdin and stdout until the grader closes the pipe."""
    serve(os.dup(0), os.dup(1), None)


def prepare() -> str:
    """Import all that a guest needs, and compute nothing; what failed, in words, or nothing."""
    try:
        import torch

        from grader.homework import networks
        from grader.sandbox.guest import devices, loader, pass_counter, perform
        from grader.sandbox.protocol import wire

        devices.hide()
        torch.set_num_threads(1)
        networks.build(networks.Network("digits"))  # its weights are read while they can be
        del perform, devices, loader, pass_counter, wire
    except BaseException as error:
        return f"{type(error).__name__}: {error}"[:1000]
    return ""


def serve(
    requests_fd: int, replies_fd: int, problem: str | None, layers: Sequence[str] = ()
) -> None:
    """Serve frames on two descriptors.

    Args:
        requests_fd: frames come in here.
        replies_fd: and go out there.
        problem: what :func:`prepare` said, where it has run already.
        layers: the walls around this process.
    """
    requests, replies = os.fdopen(requests_fd, "rb"), os.fdopen(replies_fd, "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    capture = Capture(0)
    sys.stdout = sys.stderr = capture
    problem = prepare() if problem is None else problem
    if problem:
        # By hand: what is missing may be what frames are made with.
        header = json.dumps({"$dict": [["fatal", problem]]}).encode()
        replies.write(struct.pack(">II", len(header), 0) + header)
        replies.flush()
        return
    from grader.sandbox.guest import progress
    from grader.sandbox.protocol import wire

    progress.goes_to(lambda done: wire.write_frame(replies, *wire.encode({"progress": done})))
    server = Server(capture)
    wire.write_frame(replies, *wire.encode({"ready": True, "layers": list(layers)}))
    _forget_the_grader()
    while (frame := wire.read_frame(requests)) is not None:
        sys.stdout = sys.stderr = capture  # whatever an earlier call made of them
        wire.write_frame(replies, *server.answer(wire.decode(*frame)))


_NOTHING: dict[str, Any] = {"value": None, "changed": [], "passes": [0, 0]}


class Server:
    """Answers requests on one submission.

    Args:
        capture: where what is printed goes meanwhile.
        blocked: the packages that a submission must not import, if not ours.
        caught: what a submission may raise; the rest ends the process.
    """

    def __init__(
        self,
        capture: Capture,
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
        self._capture, self._blocked, self._caught = capture, blocked, caught
        self._output_kb = 0
        self._loader: loader.Loader | None = None
        self._performer: perform.Performer | None = None

    def answer(self, request: dict[str, Any]) -> tuple[bytes, bytes]:
        """The reply's frame.  What does not fit is left out: most of the output, then the value."""
        self._capture.clear(self._output_kb)
        answer = {**self._perform(request), "id": request["id"], "stdout": self._capture.text()}
        too_large = Other("words", "a result too large to be sent")
        for shorter in ({}, {"stdout": answer["stdout"][:2000]}, {"value": too_large}):
            answer.update(shorter)
            try:
                return self._wire.encode(answer)
            except self._wire.Garbage:
                continue
        raise AssertionError("an answer without output and value fits")

    def _perform(self, request: dict[str, Any]) -> dict[str, Any]:
        if request["op"] == "files":
            files = {name: array.tobytes() for name, array in request["files"].items()}
            blocked = self._ours if self._blocked is None else self._blocked
            self._output_kb = request["output_kb"]
            self._loader = self._loading.Loader(files, blocked)
            self._performer = self._calls.Performer(self._loader.namespace)
            return dict(_NOTHING)
        assert self._loader is not None
        assert self._performer is not None
        self._loader.install()
        loader = request["part"] if request["op"] == "load" else ""
        try:
            if loader:
                self._loader.namespace(loader)
                return dict(_NOTHING)
            value, changed = self._performer.perform(request["call"])
            taken = self._passes.taken()
            value = self._calls.to_sendable(value)
            return {"value": value, "changed": list(changed), "passes": taken}
        except self._caught as error:  # SystemExit and KeyboardInterrupt are the student's, too
            described = self._loading.describe(error, self._loader.names, loading=loader)
            return {"error": asdict(described)}

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
