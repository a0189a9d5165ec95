"""Running checks on code that a test writes: in this process, without a guest."""

from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

from grader.checks.framework import registry
from grader.errors import NoWalls
from grader.grading import engine
from grader.records import Check, Outcome, Status
from grader.sandbox.host.session import InProcessSession
from grader.sandbox.isolation.modes import NO_WALLS, Walls
from grader.sandbox.isolation.probe import choose

ROOT = Path(__file__).parent.parent
CHECKS = registry.load()
BY_ID = {check.id: check for check in CHECKS}


@cache
def walls() -> Walls:
    """The strongest walls that work here."""
    try:
        return choose("auto")
    except NoWalls:
        return NO_WALLS


def reference_files() -> dict[str, bytes]:
    """The reference as a submission."""
    return {p.name: p.read_bytes() for p in (ROOT / "reference").glob("[!_]*.py")}


@contextmanager
def few_cases(most: int = 3) -> Iterator[None]:
    """Inside, a check that Hypothesis draws cases for tries no more than so many of them.

    For code that passes: what goes wrong with every answer goes wrong with the first ones, too.
    """

    searched = registry._searched

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "_searched", lambda lists, n: searched(lists, min(most, n)))
        yield


def with_needs(*ids: str) -> list[str]:
    """These checks and all that they need, in the order of the registry."""
    wanted, more = set(ids), list(ids)
    while more:
        more = [need for name in more for need in BY_ID[name].needs if need not in wanted]
        wanted.update(more)
    return [check.id for check in CHECKS if check.id in wanted]


def outcomes(files: Mapping[str, bytes | str], ids: list[str]) -> dict[str, Outcome]:
    """The outcomes of checks, by id; no check may be the grader's own fault."""
    contents = {n: c.encode() if isinstance(c, str) else c for n, c in files.items()}
    checks = [BY_ID[name] for name in ids]
    ended = {o.check_id: o for o in engine.run(checks, lambda part: InProcessSession(contents))}
    broken = [o.feedback.details for o in ended.values() if o.status is Status.INVALID]
    assert not broken, broken[0]
    return ended


def not_passed(ended: Mapping[str, Outcome]) -> dict[str, str]:
    """What did not pass, and why."""
    return {n: o.feedback.message for n, o in ended.items() if o.status is not Status.PASSED}


class Inline(Executor):
    """In place of worker processes: does at once, here, what it is handed."""

    def submit(self, function, /, *arguments, **options):
        future = Future()
        try:
            future.set_result(function(*arguments, **options))
        except Exception as error:
            future.set_exception(error)
        return future


class FakeSession:
    """Replies that a test lays down, by function; remembers what was asked, and whether closed."""

    def __init__(self, **replies):
        self.replies, self.asked, self.closed = replies, [], False

    def call(self, call, limits=None):
        assert not self.closed
        self.asked.append(call.function)
        return self.replies[call.function]

    def close(self):
        self.closed = True


def make(name, run, *, needs=(), hidden=False, part="part1", function="split", points=2.0):
    """A check that runs ``run``."""
    return Check(
        name, part, function, f"Title of {name}.", points, hidden, needs, None, run, "How."
    )
