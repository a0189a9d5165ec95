"""Grading a class: one folder of files a submission, as many workers as wished, resumable.

Results are files, which hold outcomes and no marks.  An outcome that still holds is used again
(:mod:`grader.grading.reuse`), so an interrupted run goes on where it stopped, and a run on one part
keeps the results of the others.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from grader.errors import GraderError, Unwritten
from grader.grading import results, reuse, terms
from grader.grading.fingerprint import fingerprint
from grader.grading.marks import report_of
from grader.grading.results import Ran, Result
from grader.grading.reuse import Plan
from grader.grading.rules import rules_of
from grader.grading.weights import Assignment
from grader.homework.contract import PARTS
from grader.oracle.kept import enable, kept
from grader.records import Report, Submission
from grader.report.writers import handed_in
from grader.report.writers.files import sweep
from grader.sandbox.host.collecting import collect_less
from grader.sandbox.host.process import end_guests
from grader.sandbox.host.session import Allowance, ProcessSession
from grader.sandbox.isolation.modes import Walls

__all__ = [
    "Job",
    "earlier",
    "grade_all",
    "grade_one",
    "is_done",
    "pool",
    "run_one",
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
    beside: bool = False
    """Whether other submissions run at the same time, so that being late may be their fault."""

    def plan(self, submission: Submission, earlier: Result | None) -> Plan:
        """What is run of a submission and why, and what of an earlier result is used again.

        Args:
            submission: as it is now.
            earlier: what is kept of it, if anything is.
        """
        rules = rules_of(self.assignment)
        now = terms.of_checks(rules.checks, rules.modules, submission, self.assignment, self.walls)
        return reuse.plan(earlier, rules.checks, now, self.part, regrade=self.regrade)


def is_done(submission: Submission, job: Job, out: Path) -> bool:
    """Whether the submission has a result that grading it again would repeat.

    A part with anything undecided never counts as done, nor one in which something took too long
    while others ran beside it.

    Args:
        submission: the one.
        job: how it is graded, and which part of it.
        out: the folder of all results.
    """
    return not job.plan(submission, earlier(submission, out)).run


def earlier(submission: Submission, out: Path) -> Result | None:
    """What an earlier run wrote about this submission, if it can be read."""
    try:
        return results.read(out / submission.id / results.FILE)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def grade_one(submission: Submission, job: Job) -> Report:
    """The report on one submission of which nothing is kept, with its marks.

    Args:
        submission: the one.
        job: how it is graded.
    """
    rules = rules_of(job.assignment)
    return report_of(run_one(submission, job), rules.checks, rules.about())


def run_one(
    submission: Submission, job: Job, *, alone: bool = True, before: Result | None = None
) -> Result:
    """How the checks of one submission end, hidden ones included.

    Args:
        submission: the one.
        job: how it is graded.
        alone: whether nothing else runs here, so that calls that take too long are tried twice.
        before: of an earlier run; what the job does not grade stays of it.
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
    with opened as first, kept(not job.walls.unsandboxed, fingerprint):
        from grader.grading import engine

        rules = rules_of(job.assignment)
        plan = job.plan(submission, before)
        late: dict[str, int] = {}
        if nothing_to_run:
            outcomes = list(engine.unusable(submission, plan.run, {}).outcomes)
        else:
            outcomes, counted = [], 0
            for outcome in engine.run(plan.run, opens, first, plan.known, explains=False):
                outcomes.append(outcome)
                late[outcome.check_id] = allowance.timeouts - counted
                counted = allowance.timeouts
        versions = engine.environment()
    now = terms.of_checks(rules.checks, rules.modules, submission, job.assignment, job.walls)
    ran = {one.check.id: one for one in plan.kept}
    ended = {outcome.check_id: outcome for outcome in outcomes}
    # The checks of a function run together: what took too long may have been any of these.
    slow = {(c.function, c.hidden) for c in plan.run if late.get(c.id)}
    for check in plan.run:
        beside = job.beside and (check.function, check.hidden) in slow
        timeouts = late.get(check.id, 0)
        ran[check.id] = Ran(check, ended[check.id], now[check.id], timeouts, beside)
    order = {check.id: place for place, check in enumerate(rules.checks)}
    walls = job.walls.describe()
    walls["unsandboxed"] |= any(one.terms.walls == "none" for one in ran.values())
    return Result(
        submission,
        tuple(sorted(ran.values(), key=lambda one: order.get(one.check.id, len(order)))),
        environment=versions,
        sandbox={**walls, "timeouts": sum(one.timeouts for one in ran.values())},
        handed_in=tuple(part.id for part in PARTS if part.file in submission.files),
        stale=plan.stale,
    )


def grade_to_files(submission: Submission, job: Job, out: Path, *, alone: bool = True) -> bool:
    """Grade one submission and keep how its checks ended; ``result.json`` comes last.

    Returns whether something took too long.
    """
    result = run_one(submission, job, alone=alone, before=earlier(submission, out))
    folder = out / submission.id
    try:
        handed_in.write(folder, submission.files)
        results.write(folder, result)
    except OSError as error:
        raise Unwritten(*error.args) from None
    return any(one.beside for one in result.ran)


def grade_all(
    submissions: Sequence[Submission],
    job: Job,
    out: Path,
    *,
    jobs: int = 1,
    executor: Callable[[int], Executor] | None = None,
    grade_to: Callable[..., bool] = grade_to_files,
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
        grade_to: grades one of them, as :func:`grade_to_files` does.

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
        for beside, workers in ((jobs > 1, jobs), (False, 1)):
            asked = replace(job, beside=beside, regrade=job.regrade and (beside or jobs == 1))
            grade = partial(grade_to, job=asked, out=out, alone=jobs == 1)
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
    known = isinstance(error, GraderError)
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
    """Worker processes that leave Ctrl-C to the parent and close their guests at the end.

    They have guests of their own, so those of this process, in which walls were tried, end.
    """
    end_guests()
    os.environ["OMP_NUM_THREADS"] = "1"
    return _Pool(workers, mp_context=multiprocessing.get_context("spawn"), initializer=_prepare)


class _Pool(ProcessPoolExecutor):
    """Each call may start a worker, and Ctrl-C waits until it has."""

    def submit(self, function: Callable[..., Any], /, *given: Any, **named: Any) -> Future[Any]:
        """Hand a call to a worker."""
        with _held_back():
            return super().submit(function, *given, **named)


_PARENTS = [getattr(signal, name) for name in ("SIGINT", "SIGHUP") if hasattr(signal, name)]
"""Signals that are the parent's business."""


@contextmanager
def _held_back() -> Iterator[None]:
    """Inside, Ctrl-C waits, and in processes that start here it goes on waiting.

    One that came before a worker could ignore it would end the worker with a traceback.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _PARENTS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _prepare() -> None:
    """In a worker: Ctrl-C is the parent's business, and an end from there closes the guests."""
    for number in _PARENTS:
        signal.signal(number, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _PARENTS)
    signal.signal(signal.SIGTERM, _leave)
    collect_less()
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
