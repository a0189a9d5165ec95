"""Grading a class: one folder of files a submission, as many workers as wished, resumable.

Results are files.  A submission whose ``result.json`` fits its digest and the grader's fingerprint
is not graded again, so an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, nullcontext, suppress
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from grader.assignment import Assignment
from grader.records import Check, Report, Submission
from grader.report import results
from grader.report.files import write_text
from grader.sandbox.process import end_guests
from grader.sandbox.session import Allowance, ProcessSession
from grader.sandbox.walls import Walls

__all__ = ["Job", "fingerprint", "grade_all", "grade_one", "is_done", "pool", "stop"]


@dataclass(frozen=True)
class Job:
    """How submissions are graded: what their results depend on."""

    walls: Walls
    part: str = ""
    assignment: Assignment = field(default_factory=Assignment)

    def checks(self) -> list[Check]:
        """The checks of the assignment, or of its part.

        Raises:
            KeyError: the assignment leaves out every check of the part.
        """
        from grader.checks import registry

        return registry.checks_of(self.assignment.checks(), part=self.part)

    @property
    def fingerprint(self) -> str:
        """A digest of the grader, of the packages that it stands on, and of this job."""
        return fingerprint(json.dumps(asdict(self), sort_keys=True))


@cache
def fingerprint(options: str = "") -> str:
    """A digest of every file of the distribution, the versions beside it, and ``options``."""
    import grader
    from grader.engine import environment

    digest = hashlib.sha256(json.dumps([environment(), options]).encode())
    home = Path(grader.__file__).parent
    for folder in (home, home.parent / "reference"):
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                name, content = str(path.relative_to(folder.parent)).encode(), path.read_bytes()
                digest.update(f"{len(name)}:{len(content)}:".encode() + name + content)
    return digest.hexdigest()[:16]


def is_done(submission: Submission, job: Job, out: Path) -> bool:
    """Whether the submission's result is there, and still what grading it again would give.

    What was undecided, and what timed out, is never taken for done.
    """
    try:
        document = json.loads((out / submission.id / "result.json").read_text("utf-8"))
        return bool(
            document["submission"]["digest"] == submission.digest
            and document["environment"]["fingerprint"] == job.fingerprint
            and document["score"]["undecided"] == 0
            and not document["sandbox"]["timeouts"]
            and (out / submission.id / "report.html").is_file()
            and (out / submission.id / "instructor.html").is_file()
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False


def grade_one(submission: Submission, job: Job, *, alone: bool = True) -> Report:
    """The report on one submission, hidden checks included.

    Args:
        submission: the one.
        job: how it is graded.
        alone: whether nothing else runs here, so that calls that take too long are tried twice.
    """
    allowance = Allowance(job.assignment.limits.total_seconds)

    def opens() -> ProcessSession:
        limits = job.assignment.limits
        return ProcessSession(submission.files, limits, job.walls, allowance, alone=alone)

    # The guest starts first, so that it imports torch while this process does.
    opened = nullcontext() if submission.reason else closing(opens())
    with opened as first:
        from grader import engine

        checks = job.checks()
        walls = job.walls.describe()
        if submission.reason:
            report = engine.unusable(submission, checks, {**walls, "timeouts": 0})
        else:
            outcomes = list(engine.run(checks, opens, first))
            walls["timeouts"] = allowance.timeouts
            report = engine.report(submission, checks, outcomes, walls)
    about = {**job.assignment.describe(), "fingerprint": job.fingerprint}
    return replace(report, environment={**report.environment, **about})


def grade_to_files(submission: Submission, job: Job, out: Path, *, alone: bool = True) -> bool:
    """Grade one submission and write its folder; ``result.json`` comes last.

    Returns whether something took too long, beside others: it is to be tried once more, alone.
    """
    from grader.report.html import instructor_page, student_page

    report = grade_one(submission, job, alone=alone)
    folder = out / submission.id
    write_text(folder / "report.html", student_page(report))
    write_text(folder / "instructor.html", instructor_page(report))
    results.write_json(folder / "result.json", report)
    return not alone and bool(report.sandbox["timeouts"])


def grade_all(
    submissions: Sequence[Submission],
    job: Job,
    out: Path,
    *,
    jobs: int = 1,
    executor: Callable[[int], Executor] | None = None,
) -> Iterator[tuple[Submission, str]]:
    """Grade submissions side by side; each comes back as it is done, with what went wrong, if any.

    A worker that dies (out of memory, say) takes the submissions in work with it: these are tried
    once more, one at a time; and so are those in which something took too long beside others.
    """
    if not submissions:
        return
    # A GAN trains longest: begun first, it does not keep everybody waiting at the end.
    first = sorted(submissions, key=lambda submission: "gan.py" not in submission.files)
    left = {submission.id: submission for submission in first}
    for workers in (jobs, 1):
        alone = workers == 1
        made = (executor or pool)(min(workers, len(left)))
        try:
            futures: dict[Future[bool], str] = {
                made.submit(grade_to_files, submission, job, out, alone=alone): name
                for name, submission in left.items()
            }
            for future in as_completed(futures):
                name = futures[future]
                error = future.exception()
                if isinstance(error, BrokenProcessPool) or (error is None and future.result()):
                    continue
                yield left.pop(name), "" if error is None else f"{type(error).__name__}: {error}"
        except BaseException:
            stop(made)
            raise
        made.shutdown()
        if not left:
            return
    for submission in left.values():
        yield submission, "the process that graded it died twice"


def pool(workers: int) -> Executor:
    """Worker processes that leave Ctrl-C to the parent and close their guests at the end."""
    os.environ["OMP_NUM_THREADS"] = "1"
    return ProcessPoolExecutor(
        workers, mp_context=multiprocessing.get_context("spawn"), initializer=_prepare
    )


def _prepare() -> None:
    """In a worker: Ctrl-C is the parent's business, and an end from there closes the guests."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "SIGTERM"):
        signal.signal(signal.SIGTERM, _leave)


def _leave(*_: Any) -> None:
    # Not by an exception: the pool would take it for the submission's, and go on with the next.
    end_guests()
    os._exit(1)


def stop(pool: Executor) -> None:
    """End the workers at once, with what they are at."""
    workers = list((getattr(pool, "_processes", None) or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    for worker in workers:
        with suppress(OSError):
            worker.terminate()
    for worker in workers:
        worker.join(2)
        if worker.is_alive():
            worker.kill()


def read_reports(submissions: Sequence[Submission], out: Path) -> list[Report]:
    """The reports that lie in ``out``, in the order of the submissions; others are left out."""
    found = []
    for submission in submissions:
        with suppress(OSError, ValueError, KeyError, TypeError):
            found.append(results.read_json(out / submission.id / "result.json"))
    return found
