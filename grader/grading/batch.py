"""Grading a class: one folder of files a submission, as many workers as wished, resumable.

Results are files.  A part of a submission whose ``result.json`` fits its digest and the grader's
fingerprint is not graded again, so an interrupted run goes on where it stopped; a run on one part
keeps the results of the others (:mod:`grader.grading.merge`).
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import platform
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, nullcontext, suppress
from dataclasses import asdict, dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy

from grader import layout
from grader.errors import GuestUnusable, Unwritten
from grader.grading import merge
from grader.grading.merge import TIMED_OUT, fits, still_to_grade
from grader.grading.weights import Assignment
from grader.homework.contract import PARTS
from grader.oracle.kept import enable, kept
from grader.records import Check, Outcome, Report, Submission
from grader.report.deliver import ForInstructor, ForStudent
from grader.report.writers import handed_in, results
from grader.report.writers.files import sweep, write_text
from grader.sandbox.host.process import end_guests
from grader.sandbox.host.session import Allowance, ProcessSession
from grader.sandbox.isolation.modes import Walls

__all__ = [
    "Job",
    "fingerprint",
    "grade_all",
    "grade_one",
    "is_done",
    "left_of",
    "pool",
    "read_reports",
    "stop",
]


@dataclass(frozen=True)
class Job:
    """How submissions are graded: what their results depend on."""

    walls: Walls
    part: str = ""
    assignment: Assignment = field(default_factory=Assignment)
    regrade: bool = False
    """Whether everything that is asked for is graded again, whatever results there are."""

    def checks(self) -> list[Check]:
        """The checks of the assignment, or of its part.

        Raises:
            KeyError: the assignment leaves out every check of the part.
        """
        from grader.checks.framework import registry

        return registry.checks_of(self.assignment.checks(), part=self.part)

    @property
    def fingerprint(self) -> str:
        """A digest of the grader, of the packages that it stands on, and of this job's rules.

        Which part is asked for is none of them: a part's result is the same in every run.
        """
        rules = {"walls": asdict(self.walls), "assignment": asdict(self.assignment)}
        return fingerprint(json.dumps(rules, sort_keys=True))


@cache
def fingerprint(options: str = "") -> str:
    """A digest of every file of the distribution but READMEs, of versions, and of ``options``."""
    import grader
    from grader.grading.engine import environment

    digest = hashlib.sha256(json.dumps([environment(), options]).encode())
    # Of the package, and of the reference from where it is loaded, whatever is on sys.path.
    for folder in (Path(grader.__file__).parent, *filter(None, [layout.reference()])):
        for path in sorted(folder.rglob("*")):
            if path.name == layout.README:
                continue  # a description changes no result
            if path.is_file() and "__pycache__" not in path.parts:
                name, content = str(path.relative_to(folder.parent)).encode(), path.read_bytes()
                digest.update(f"{len(name)}:{len(content)}:".encode() + name + content)
    return digest.hexdigest()[:16]


def _machine() -> str:
    """On what a value that is computed here depends, besides the grader and its packages."""
    import torch

    processor = f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}"
    return f"torch {torch.__version__}, NumPy {numpy.__version__}, {processor}"


def is_done(submission: Submission, job: Job, out: Path) -> bool:
    """Whether the submission has a result that grading it again would repeat.

    A part with anything undecided or timed out never counts as done.

    Args:
        submission: the one.
        job: how it is graded, and which part of it.
        out: the folder of all results.
    """
    report = _report(submission, job, out)
    return report is not None and not still_to_grade(report, job.checks())


def left_of(
    submissions: Sequence[Submission], job: Job, reports: Mapping[str, Report]
) -> list[Submission]:
    """The submissions of which something is to be graded.

    Args:
        submissions: all that are asked for.
        job: how they are graded, and which part.
        reports: those of ``read_reports``, by the submission's id.
    """
    checks = job.checks()
    return [
        one for one in submissions if job.regrade or still_to_grade(reports.get(one.id), checks)
    ]


def read_reports(submissions: Sequence[Submission], job: Job, out: Path) -> list[Report]:
    """The reports in ``out`` on these very files, in the order of the submissions.

    Args:
        submissions: whose reports are read; those without one are left out.
        job: by whose rules they must have been graded, whatever the part.
        out: the folder of all results.

    Returns:
        At most one report for each submission.
    """
    found = (_report(submission, job, out) for submission in submissions)
    return [report for report in found if report is not None]


def _report(submission: Submission, job: Job, out: Path) -> Report | None:
    """The report on these very files by these very rules, if all of it is there."""
    folder, report = out / submission.id, _earlier(submission, out)
    if report is None or not fits(report, submission, job.fingerprint):
        return None
    pages = ("report.html", "instructor.html")
    return report if all((folder / page).is_file() for page in pages) else None


def _earlier(submission: Submission, out: Path) -> Report | None:
    """What an earlier run wrote about this submission, if it can be read."""
    try:
        report = results.read_json(out / submission.id / "result.json")
        return report if type(report.sandbox["timeouts"]) is int else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def grade_one(
    submission: Submission, job: Job, *, alone: bool = True, earlier: Report | None = None
) -> Report:
    """The report on one submission, hidden checks included.

    Args:
        submission: the one.
        job: how it is graded.
        alone: whether nothing else runs here, so that calls that take too long are tried twice.
        earlier: the report of an earlier run; what the job does not grade stays of it.
    """
    allowance = Allowance(job.assignment.limits.total_seconds)

    def opens(part: str = "") -> ProcessSession:
        return ProcessSession(
            submission.files,
            job.assignment.limits,
            job.walls,
            allowance,
            part=part,
            alone=alone,
            packages=job.assignment.packages,
        )

    # The guest starts first, so that it imports torch while this process does.
    nothing_to_run = submission.reason or submission.question
    opened = nullcontext() if nothing_to_run else closing(opens())
    with opened as first, kept(not job.walls.unsandboxed, lambda: fingerprint(_machine())):
        from grader.grading import engine

        checks = job.assignment.checks()
        run = _to_run(submission, job, earlier)
        keeps = merge.kept(earlier, submission, job.fingerprint, checks, run)
        late, counted = dict(keeps.timeouts), 0
        if nothing_to_run:
            outcomes = list(engine.unusable(submission, run, {}).outcomes)
        else:
            outcomes, parts = [], {check.id: check.part for check in run}
            for outcome in engine.run(run, opens, first, keeps.known):
                outcomes.append(outcome)
                if more := allowance.timeouts - counted:
                    part = parts[outcome.check_id]
                    late[part], counted = late.get(part, 0) + more, counted + more
        walls = {**job.walls.describe(), "timeouts": sum(late.values())}
        report = engine.report(
            submission,
            *_in_order(checks, [*(outcome for _, outcome in keeps.pairs), *outcomes]),
            {**walls, TIMED_OUT: late} if late else walls,
        )
    about = {**job.assignment.describe(), "fingerprint": job.fingerprint}
    return replace(
        report,
        environment={**report.environment, **about},
        left_out=len(checks) - len(report.checks),
        handed_in=tuple(
            part.id
            for part in PARTS
            if part.file in submission.files and part.id in {check.part for check in checks}
        ),
        stale=keeps.stale,
    )


def _to_run(submission: Submission, job: Job, earlier: Report | None) -> list[Check]:
    """The checks that are asked for, without those of parts that have a result that holds."""
    asked = job.checks()
    if job.regrade or earlier is None or not fits(earlier, submission, job.fingerprint):
        return asked
    return still_to_grade(earlier, asked)


def _in_order(
    checks: Sequence[Check], outcomes: Sequence[Outcome]
) -> tuple[list[Check], list[Outcome]]:
    """What has ended of an assignment's checks, and how, in its order."""
    ended = {outcome.check_id: outcome for outcome in outcomes}
    there = [check for check in checks if check.id in ended]
    return there, [ended[check.id] for check in there]


def grade_to_files(submission: Submission, job: Job, out: Path, *, alone: bool = True) -> bool:
    """Grade one submission and write its folder; ``result.json`` comes last.

    Returns whether something took too long.
    """
    from grader.report.writers.html import instructor_page, student_page

    report = grade_one(submission, job, alone=alone, earlier=_earlier(submission, out))
    folder = out / submission.id
    everything = ForInstructor(report)
    student, instructor = student_page(ForStudent(report)), instructor_page(everything)
    try:
        handed_in.write(folder, submission.files)
        write_text(folder / "report.html", student)
        write_text(folder / "instructor.html", instructor)
        results.write_json(folder / "result.json", everything)
    except OSError as error:
        raise Unwritten(*error.args) from None
    return bool(report.sandbox["timeouts"])


def grade_all(
    submissions: Sequence[Submission],
    job: Job,
    out: Path,
    *,
    jobs: int = 1,
    executor: Callable[[int], Executor] | None = None,
) -> Generator[tuple[Submission, str], None, None]:
    """Grade submissions side by side; each comes back when it is done.

    If a worker dies (out of memory, for example), its submission is tried once more, one at a
    time.  So is a submission in which something took too long beside others.

    Args:
        submissions: what is graded.
        job: how.
        out: the folder of all results; each submission gets a folder in it.
        jobs: how many are graded at a time.
        executor: makes an executor with so many workers; by default, processes of this machine.

    Returns:
        Each submission with what went wrong, "" if nothing did.

    Raises:
        Unwritten: a result cannot be written; what was written before is kept.
    """
    # A GAN trains longest: begun first, it does not keep everybody waiting at the end.
    left = sorted(submissions, key=lambda submission: "gan.py" not in submission.files)
    died: set[str] = set()
    try:
        # One by one, a call is tried twice in place; side by side, all of it a second time.
        grade = partial(grade_to_files, job=job, out=out, alone=jobs == 1)
        for beside, workers in ((jobs > 1, jobs), (False, 1)):
            again = []
            with closing(_ended(left, grade, workers, executor or pool)) as ended:
                for submission, future in ended:
                    error = future.exception()
                    if isinstance(error, Unwritten):
                        raise error
                    if isinstance(error, BrokenProcessPool):
                        if workers == 1 and submission.id in died:
                            yield submission, "the process that graded it died twice"
                        else:
                            again.append(submission)
                            died.add(submission.id)
                    elif beside and error is None and future.result():
                        again.append(submission)
                    else:
                        yield submission, "" if error is None else _words(error)
            left = again
        for submission in left:
            yield submission, "the process that graded it died"
    finally:
        for folder in (out, *(out / submission.id for submission in submissions)):
            sweep(folder)


def _words(error: BaseException) -> str:
    known = isinstance(error, GuestUnusable)
    return str(error) if known else f"{type(error).__name__}: {error}"


def _ended(
    submissions: Sequence[Submission],
    grade: Callable[[Submission], bool],
    workers: int,
    executor: Callable[[int], Executor],
) -> Generator[tuple[Submission, Future[bool]], None, None]:
    """Each submission as it ends, with what came of it.

    Only as many are handed out as there are workers, so that a worker that dies takes no others
    with it; those who come next get workers anew.
    """
    waiting = deque(submissions)
    while waiting:
        made = executor(min(workers, len(waiting)))
        running: dict[Future[bool], Submission] = {}
        broken = False
        try:
            while running or (waiting and not broken):
                while waiting and not broken and len(running) < workers:
                    try:
                        running[made.submit(grade, waiting[0])] = waiting[0]
                        waiting.popleft()
                    except BrokenProcessPool:  # a worker died while it had nothing to do
                        broken = True
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    broken = broken or isinstance(future.exception(), BrokenProcessPool)
                    yield running.pop(future), future
        except BaseException:
            stop(made)
            raise
        made.shutdown()


def pool(workers: int) -> Executor:
    """Worker processes that leave Ctrl-C to the parent and close their guests at the end."""
    os.environ["OMP_NUM_THREADS"] = "1"
    return ProcessPoolExecutor(
        workers, mp_context=multiprocessing.get_context("spawn"), initializer=_prepare
    )


def _prepare() -> None:
    """In a worker: Ctrl-C is the parent's business, and an end from there closes the guests."""
    for name in ("SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    enable()
    threading.Thread(target=_follow, daemon=True).start()


def _follow() -> None:
    """End this worker when its parent has ended, in whatever way."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        _leave()


def _leave(*_: Any) -> None:
    # Not by an exception: the pool would take it for the submission's, and go on with the next.
    try:
        end_guests()
    finally:
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
