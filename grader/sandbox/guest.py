"""The guest: a process that loads a submission and carries out calls, one at a time.

Started by :mod:`grader.sandbox.session` as ``python -c "…" <folder of the grader package>``.  It answers frames on the
descriptors that were its stdin and stdout; before any student code runs, those two point elsewhere.  It holds nothing
that is worth stealing: no expected value, no tolerance, no later input.
"""

from __future__ import annotations

import io
import os
import sys
import time
from dataclasses import asdict
from typing import Any, BinaryIO

__all__ = ["BOOT", "main"]

BOOT = (
    "import sys; sys.path[:] = [p for p in sys.path if p] + sys.argv[1:2]; sys.argv[1:] = []; "
    "from grader.sandbox.guest import main; main()"
)
"""The guest's command: no entry of ``sys.path`` for the current folder, and the grader's own last."""


class Capture(io.TextIOBase):
    """What student code prints: the first and the last of it, up to a cap."""

    def __init__(self, kilobytes: int) -> None:
        self._half = kilobytes * 512
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._head, self._tail, self._size = "", "", 0

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, text: str) -> int:
        """Keep what fits."""
        self._size += len(text)
        room = self._half - len(self._head)
        self._head += text[:room]
        self._tail = (self._tail + text[room:])[-self._half :] if len(text) > room else self._tail
        return len(text)

    def text(self) -> str:
        """What was kept, with a mark where something is left out."""
        left_out = self._size - len(self._head) - len(self._tail)
        return self._head + (f"\n… {left_out} characters …\n" if left_out else "") + self._tail


def main() -> None:
    """Serve frames until the grader closes the pipe."""
    requests = os.fdopen(os.dup(0), "rb")
    replies = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    capture = Capture(16)
    sys.stdout = sys.stderr = capture
    from grader.sandbox import wire

    try:
        import torch

        torch.set_num_threads(1)
        server = Server(requests, replies, capture)
    except BaseException as error:
        message = f"{type(error).__name__}: {error}"[:1000]
        wire.write_frame(replies, *wire.encode({"fatal": message}))
        return
    wire.write_frame(replies, *wire.encode({"ready": True, "torch": str(torch.__version__)}))
    # Student code finds none of the grader's modules, neither by name nor among the loaded ones.
    for name in [n for n in sys.modules if n.partition(".")[0] == "grader"]:
        del sys.modules[name]
    server.serve()


class Server:
    """The loop: one request, one reply."""

    def __init__(self, requests: BinaryIO, replies: BinaryIO, capture: Capture) -> None:
        from grader import calls
        from grader.sandbox import loading, wire

        self._calls, self._loading, self._wire = calls, loading, wire
        self._requests, self._replies, self._capture = requests, replies, capture
        self._loader: Any = None
        self._performer: Any = None

    def serve(self) -> None:
        """Answer until the stream ends."""
        while (frame := self._wire.read_frame(self._requests)) is not None:
            request = self._wire.decode(*frame)
            self._capture.clear()
            started = time.perf_counter()
            reply = self._answer(request)
            reply["id"] = request["id"]
            reply["seconds"] = time.perf_counter() - started
            reply["stdout"] = self._capture.text()
            try:
                header, payload = self._wire.encode(reply)
            except self._wire.Garbage:
                reply["stdout"], reply["value"] = "", self._wire.Other("value", "too long a result")
                header, payload = self._wire.encode(reply)
            self._wire.write_frame(self._replies, header, payload)

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        operation = request["op"]
        if operation == "files":
            files = {name: array.tobytes() for name, array in request["files"].items()}
            self._loader = self._loading.Loader(files)
            self._loader.install()
            self._performer = self._calls.Performer(self._loader.namespace)
            return {"value": None}
        loading = request["part"] if operation == "load" else ""
        try:
            if loading:
                self._loader.namespace(loading)
                return {"value": None}
            value, changed = self._performer.perform(request["call"])
            return {"value": self._calls.to_sendable(value), "changed": list(changed)}
        except BaseException as error:  # SystemExit and KeyboardInterrupt are the student's, too
            return {"error": asdict(self._loading.describe(error, self._loader.names, loading=loading))}
