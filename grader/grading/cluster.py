"""The same grading on other machines: Dask distributed hands submissions out to its workers.

A submission travels as bytes, with what an earlier run kept of it, and the result comes back as the
bytes of its ``result.json``, which this machine writes.  A worker shares no folder with it, tries
its own walls, and says in the result which ones they were.  What a worker that is lost was at is
graded again elsewhere; of two results of one submission the first one counts.

Whoever reaches a scheduler can run code on all of its workers, so it is reached by TLS, or on this
machine.  ``grader/grading/CLUSTER.md`` says how to start one.
"""

from __future__ import annotations

import tempfile
import threading
from concurrent.futures import Executor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from grader.errors import BadMachine, NoWalls, Refused, Unwritten
from grader.grading import batch, results
from grader.grading.batch import Job
from grader.grading.fingerprint import fingerprint
from grader.records import Submission
from grader.report.writers import handed_in
from grader.report.writers.files import write_bytes
from grader.sandbox.isolation import probe
from grader.sandbox.isolation.modes import Walls
from grader.text import one_line

__all__ = ["AT_ONCE", "Cluster", "grade_there"]

AT_ONCE = 200
"""Submissions that a scheduler holds at a time; an adaptive one asks for workers by them."""

_CONNECT_SECONDS = 30

_HERE = ("127.0.0.1", "localhost", "::1")

_one_at_a_time = threading.Lock()
"""A worker may have several threads; what runs guests in a process runs once."""


class Cluster:
    """The workers of a scheduler.

    Args:
        address: of the scheduler, such as ``tls://host:8786``.
        sandbox: the walls that are wished for, as ``--sandbox`` takes them.

    Raises:
        Refused: there is no such scheduler, or it could be reached by others.
    """

    def __init__(self, address: str, sandbox: str) -> None:
        self._sandbox = sandbox
        where = urlsplit(address if "://" in address else f"tcp://{address}")
        if where.scheme != "tls" and where.hostname not in _HERE:
            raise Refused(
                f"{one_line(address)} is not reached by TLS: whoever reaches a scheduler can run "
                "code on its workers and read submissions; use tls://, as "
                "grader/grading/CLUSTER.md says"
            )
        try:
            from distributed import Client
        except ImportError:
            raise Refused(
                "--scheduler needs Dask: pip install 'hw3-grader[cluster]', here and on the workers"
            ) from None
        try:
            self._client: Any = Client(address, timeout=_CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            why = one_line(f"{error}", 300)
            raise Refused(f"no scheduler answers at {one_line(address)}: {why}") from None
        # Not pure: what is asked for again is done again.
        self._executor: Any = self._client.get_executor(pure=False)

    def grade(self, submission: Submission, job: Job, out: Path, *, alone: bool = True) -> bool:
        """Grade a submission elsewhere, and keep the result here; whether it was late there.

        Args:
            submission: the one.
            job: how; its walls are those of the worker.
            out: the folder of all results.
            alone: whether nothing else is graded meanwhile.

        Raises:
            BrokenProcessPool: workers that were at it were lost several times.
            Unwritten: the result cannot be written.
        """
        from distributed import KilledWorker

        folder = out / submission.id
        try:
            before = (folder / results.FILE).read_bytes()
        except OSError:
            before = b""
        asked = (submission, job, before, self._sandbox, fingerprint())
        try:
            content, late = self._executor.submit(grade_there, *asked, alone).result()
        except KilledWorker as error:
            raise BrokenProcessPool(one_line(f"{error}", 300)) from None
        try:
            handed_in.write(folder, submission.files)
            write_bytes(folder / results.FILE, content)
        except OSError as error:
            raise Unwritten(*error.args) from None
        return bool(late)

    def executor(self, workers: int) -> Executor:
        """Threads of this process that wait for workers."""
        return ThreadPoolExecutor(workers)

    def close(self) -> None:
        """Let go of the scheduler; what is still asked for is asked for no more."""
        self._client.close(timeout=5)


def grade_there(
    submission: Submission, job: Job, before: bytes, sandbox: str, version: str, alone: bool
) -> tuple[bytes, bool]:
    """On a worker: grade a submission.

    Args:
        submission: the one.
        job: how it is graded.
        before: the ``result.json`` of an earlier run, or nothing.
        sandbox: the walls that are wished for.
        version: a digest of the grader that asks.
        alone: whether nothing else is graded meanwhile.

    Returns:
        The bytes of ``result.json``, and whether something took too long beside others.

    Raises:
        BadMachine: this machine cannot grade, or has another grader.
    """
    if version != fingerprint():
        raise BadMachine(
            "the worker has another grader, or other packages, than the machine that asks: install "
            "the same on both"
        )
    with _one_at_a_time, tempfile.TemporaryDirectory(prefix="hw3-worker-") as place:
        folder = Path(place) / submission.id
        if before:
            write_bytes(folder / results.FILE, before)
        asked = replace(job, walls=_walls(sandbox))
        kept = batch.earlier(submission, Path(place))
        result = batch.run_one(submission, asked, alone=alone, before=kept)
        results.write(folder, result)
        content = (folder / results.FILE).read_bytes()
        return content, any(one.beside for one in result.ran)


@cache
def _walls(sandbox: str) -> Walls:
    try:
        return probe.choose(sandbox)
    except NoWalls as error:
        raise BadMachine(f"a worker has no walls, and grades nothing: {error}") from None
