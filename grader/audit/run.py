"""Grades the bank: each check on its own, several specimens at a time; a stopped run can continue.

Here checks ignore which checks they need, and do not shrink: a row of the matrix shows what each
check notices by itself.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import as_completed
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from grader.audit.bank import Specimen
from grader.grading import batch
from grader.grading.fingerprint import fingerprint
from grader.records import Check, Limits, Outcome, Status

__all__ = ["Ended", "Row", "examine", "examine_all"]

LIMITS = Limits(wall_seconds=20.0, cpu_seconds=10.0)
"""A mutant may hang; an honest call needs much less time than this."""


@dataclass(frozen=True)
class Ended:
    """How one check ended on a specimen.

    ``ratio`` is the largest error ÷ tolerance of its comparisons: above 1 if a comparison failed, 0
    if it compared nothing.
    """

    status: str
    fraction: float
    message: str = ""
    diagnosis: str = ""
    ratio: float = 0.0


@dataclass(frozen=True)
class Row:
    """A row of the matrix: a specimen, and how every check of its functions ended."""

    name: str
    ended: Mapping[str, Ended]
    seconds: float = 0.0

    def lost(self, function: str) -> list[str]:
        """The checks of a function that took points."""
        prefix = f"{function}."
        return [c for c, e in self.ended.items() if c.startswith(prefix) and e.fraction < 1]


def examine(specimen: Specimen, quick: bool = False, survivors: bool = False) -> Row:
    """Grade one specimen on all checks of its functions.

    A long check, which takes minutes, runs only if no other check of its function took points.

    Args:
        specimen: what is graded.
        quick: leaves out the long checks.
        survivors: the checks of a function end at the first that takes points, but for an honest
            specimen.
    """
    from grader.checks.framework import expect, registry
    from grader.grading import engine
    from grader.sandbox.host import process
    from grader.sandbox.host.session import ProcessSession

    started = time.monotonic()
    checks = [c for c in _checks() if c.function in specimen.functions]
    ended: dict[str, Ended] = {}
    with registry.without_shrinking(), expect.measuring() as measured:

        def opened(part: str) -> ProcessSession:
            packages = [specimen.requires] if specimen.requires else []
            return ProcessSession(specimen.files, LIMITS, part=part, packages=packages)

        def run(some: Sequence[Check]) -> None:
            for outcome in engine.run(some, opened):
                ended[outcome.check_id] = _ended(outcome, max(measured, default=0.0))
                measured.clear()

        def until_caught(function: str, hidden: bool) -> None:
            some = [c for c in short if (c.function, c.hidden) == (function, hidden)]
            secrets = process.with_secrets() if hidden else contextlib.nullcontext()
            with secrets, contextlib.closing(opened(some[0].part)) as session:
                for check in some:
                    outcome = engine.Outcomes([check]).of(check, session)
                    ended[check.id] = _ended(outcome, max(measured, default=0.0))
                    measured.clear()
                    if ended[check.id].fraction < 1:
                        return

        short = [check for check in checks if not check.long]
        if survivors and specimen.kind != "honest":
            for function, hidden in dict.fromkeys((c.function, c.hidden) for c in short):
                one_is_enough = "" if specimen.kind == "mistake" else f"{function}."
                if all(e.fraction == 1 for c, e in ended.items() if c.startswith(one_is_enough)):
                    until_caught(function, hidden)
        else:
            run(short)
        for check in [] if quick else [check for check in checks if check.long]:
            if not Row("", ended).lost(check.function):
                run([check])
    return Row(specimen.name, ended, time.monotonic() - started)


@cache
def _checks() -> tuple[Check, ...]:
    from grader.checks.framework import registry

    return tuple(replace(check, needs=()) for check in registry.load(optional=True))


def _ended(outcome: Outcome, ratio: float) -> Ended:
    said = outcome.feedback
    if outcome.status is Status.PASSED:
        return Ended("passed", 1.0, ratio=ratio)
    if outcome.status is Status.INVALID:  # the grader's own fault costs nobody points
        return Ended("invalid", 1.0, said.details[-400:] or said.message)
    return Ended(outcome.status.value, outcome.fraction, said.message[:200], said.diagnosis, ratio)


def examine_all(
    specimens: Sequence[Specimen],
    work: Path,
    *,
    jobs: int = 1,
    quick: bool = False,
    survivors: bool = False,
) -> Iterator[tuple[Specimen, Row]]:
    """Grade specimens; rows that an earlier run left in ``work`` come first.

    Rows are kept in ``work/rows.jsonl``, one per line.  They are used again until the grader or a
    package changes.  A row that was cut off is computed again.

    Args:
        specimens: what is graded.
        work: the folder of the rows; it is made if it does not exist.
        jobs: how many specimens are graded at a time.
        quick: leaves out the long checks.
        survivors: ends the checks of a function at the first that takes points.

    Returns:
        Each specimen with its row, in any order.
    """
    path, grader = work / "rows.jsonl", fingerprint(f"audit {quick} {survivors}")
    left = {specimen.key: specimen for specimen in specimens}
    for key, row in _kept(path, grader):
        if key in left:
            yield left.pop(key), row
    if not left:
        return
    work.mkdir(parents=True, exist_ok=True)
    pool = batch.pool(min(jobs, len(left)))
    try:
        # Training takes longest.  Start it first, so that nothing waits for it at the end.
        order = sorted(left.values(), key=lambda specimen: "train" not in specimen.functions)
        futures = {pool.submit(examine, specimen, quick, survivors): specimen for specimen in order}
        with path.open("a", encoding="utf-8") as file:
            file.write("\n" if file.tell() else "")  # the last line may have been cut off
            for future in as_completed(futures):
                specimen, row = futures[future], future.result()
                line = {"grader": grader, "key": specimen.key, **asdict(row)}
                file.write(json.dumps(line) + "\n")
                file.flush()
                yield specimen, row
    except BaseException:
        batch.stop(pool)
        raise
    pool.shutdown()


def _kept(path: Path, grader: str) -> Iterator[tuple[str, Row]]:
    if not path.is_file():
        return
    for line in path.read_text("utf-8").splitlines():
        try:
            kept: dict[str, Any] = json.loads(line)
            if kept["grader"] == grader:
                ended = {name: Ended(**values) for name, values in kept["ended"].items()}
                yield kept["key"], Row(kept["name"], ended, kept["seconds"])
        except (ValueError, KeyError, TypeError):
            continue
