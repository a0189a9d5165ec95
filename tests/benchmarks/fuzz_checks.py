"""Does any reply of a submission leave a check undecided, or cost the grader time or memory?

Every check is run on sessions that lie: in types, shapes, dtypes, sizes, numbers, texts and errors,
at the first reply or after right ones.  A finding is a check that ends undecided or an error beside
the checks, a page that cannot be written, and a reply after which the grader takes more than a
second of processor time or 64 MiB.  A run depends on the seed, the check and its number alone.

    python tests/benchmarks/fuzz_checks.py --replies 1000000

Right answers are the reference's; trainings are cut short.  Time is that between a reply and the
next call.  Memory is what Python allocates meanwhile (tracemalloc), in one run of fifty; in these a
mistake is looked for, too, and the page of the outcome is written.
"""

from __future__ import annotations

import argparse
import sys
import time
import tracemalloc
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parent))

from hostile_replies import HostileSession, Right

from grader import layout
from grader.checks.framework import from_failure, registry
from grader.grading import engine
from grader.records import Check, Outcome, Status, Submission
from grader.report.deliver import ForInstructor, ForStudent
from grader.report.writers.html import instructor_page, student_page
from grader.report.writers.results import result

MIB = 1024 * 1024
SECONDS, MEMORY = 1.0, 64 * MIB
TRACED = 50
"""One run in so many has its allocations traced."""


@dataclass
class Tally:
    """What came of the runs."""

    runs: int = 0
    replies: int = 0
    traced: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    slowest: tuple[float, str] = (0.0, "")
    largest: tuple[int, str] = (0, "")
    findings: list[str] = field(default_factory=list)


class _Watch:
    """The processor time and the memory between a reply and the next call."""

    def __init__(self, traced: bool) -> None:
        self._traced = traced
        self.seconds, self.memory = 0.0, 0
        self._since: float | None = None
        self._before = 0

    def after(self) -> None:
        """A reply went out."""
        if self._traced:
            tracemalloc.reset_peak()
            self._before = tracemalloc.get_traced_memory()[0]
        self._since = time.process_time()

    def before(self) -> None:
        """A call comes in, or the check has ended."""
        if self._since is None:
            return
        self.seconds = max(self.seconds, time.process_time() - self._since)
        if self._traced:
            self.memory = max(self.memory, tracemalloc.get_traced_memory()[1] - self._before)
        self._since = None


def run(check: Check, seed: int, number: int, right: Right | None, tally: Tally) -> None:
    """One run of a check; what comes of it goes into the tally."""
    name = f"{check.id}:{number}"
    traced = Random(f"traced {seed} {name}").randrange(TRACED) == 0
    problem, outcome, watch, session = _tried(check, seed, number, right, traced)
    if not problem and watch.seconds > SECONDS:  # the oracle had to compute its own values first
        problem, outcome, watch, session = _tried(check, seed, number, right, traced)
    tally.runs += 1
    tally.replies += session.replies
    tally.traced += traced
    tally.outcomes[outcome.status.value if outcome else "a finding"] += 1
    tally.slowest = max(tally.slowest, (watch.seconds, name))
    tally.largest = max(tally.largest, (watch.memory, name))
    if watch.seconds > SECONDS:
        problem = problem or f"took {watch.seconds:.1f} seconds after a reply"
    if watch.memory > MEMORY:
        problem = problem or f"allocated {watch.memory // MIB} MiB after a reply"
    if problem:
        tally.findings.append(f"{name} of seed {seed} {problem}")
        if len(tally.findings) <= 20:
            print(tally.findings[-1], flush=True)


def _tried(
    check: Check, seed: int, number: int, right: Right | None, traced: bool
) -> tuple[str, Outcome | None, _Watch, HostileSession]:
    watch = _Watch(traced)
    random = Random(f"{seed} {check.id} {number}")
    session = HostileSession(random, right, watch.before, watch.after)
    if traced:
        tracemalloc.start()
    try:
        with registry.without_shrinking():
            outcome, of_values, answers = engine._run(check, session, set())
        if traced and of_values:
            from_failure.sentence(answers)
        watch.before()
        if outcome.status is Status.INVALID:
            return f"is undecided: {outcome.feedback.details}", outcome, watch, session
        if traced:
            _written(check, outcome)
    except Exception as error:
        return f"raised {type(error).__name__}: {error}", None, watch, session
    finally:
        if traced:
            tracemalloc.stop()
    return "", outcome, watch, session


def _written(check: Check, outcome: Outcome) -> None:
    """Write the pages and the JSON of an outcome."""
    report = engine.report(Submission("ada", "Ada", {}, "0" * 8), [check], [outcome], {})
    instructor_page(ForInstructor(report))
    student_page(ForStudent(report))
    result(ForInstructor(report))


def fuzz(
    checks: list[Check],
    seed: int,
    replies: int,
    right: Right | None,
    tally: Tally,
    *,
    seconds: float = float("inf"),
) -> None:
    """Run the checks in turn until there were so many replies."""
    number, end, shown = 0, time.monotonic() + seconds, time.monotonic()
    while True:
        for check in checks:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)  # of arithmetic with 1e308
                run(check, seed, number, right, tally)
            if tally.replies >= replies or time.monotonic() > end:
                return
            if time.monotonic() > shown + 10:
                shown = time.monotonic()
                done = f"{tally.replies:,} of {replies:,} replies, {len(tally.findings)} findings"
                print(done, file=sys.stderr, flush=True)
        number += 1


def reference() -> dict[str, bytes]:
    """The files of the reference, as a submission."""
    folder = layout.reference()
    assert folder is not None
    return {path.name: path.read_bytes() for path in folder.glob("[!_]*.py")}


def summary(tally: Tally) -> str:
    """What was done, in lines."""
    lines = [f"{tally.replies:,} replies in {tally.runs:,} runs of checks"]
    lines += [f"  {count:>9,}  {name}" for name, count in tally.outcomes.most_common()]
    seconds, name = tally.slowest
    lines.append(f"slowest: {seconds:.3f} seconds of processor time after a reply ({name})")
    size, name = tally.largest
    lines.append(f"most allocated after a reply: {size / MIB:.1f} MiB ({name})")
    lines.append(f"allocations were traced in {tally.traced:,} runs (tracemalloc)")
    return "\n".join([*lines, f"{len(tally.findings):,} findings"])


def main() -> int:
    """Print the findings and the counts; exit status 1 if there is a finding."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--replies", type=int, default=100_000, help="how many (default: 100,000)")
    parser.add_argument("--seed", type=int, default=0, help="of all runs (default: 0)")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after so many")
    parser.add_argument(
        "--only", default="", metavar="CHECK[:NUMBER]", help="one check, or one run"
    )
    arguments = parser.parse_args()
    check, _, number = arguments.only.partition(":")
    checks = [c for c in registry.load() if check in ("", c.id)]
    tally, right, started = Tally(), Right(reference()), time.monotonic()
    if number:
        run(checks[0], arguments.seed, int(number), right, tally)
    else:
        fuzz(checks, arguments.seed, arguments.replies, right, tally, seconds=arguments.seconds)
    print(summary(tally))
    print(f"{time.monotonic() - started:.0f} seconds")
    return 1 if tally.findings else 0


if __name__ == "__main__":
    sys.exit(main())
