"""Freezing: what the public checks ask of the reference, and what known mistakes would have given.

The checks are run on the reference itself, which is asked all that any submission may be compared
with.  For the instructor: a student's package has no reference to freeze.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from grader import contract
from grader.calls import maker
from grader.checks.registry import load
from grader.checks.student import Student
from grader.contract import Returns
from grader.frozen import SAME_INPUT, Question, distance, nearest, question, sketch
from grader.frozen_file import Parts, Values
from grader.oracle import LiveOracle, has_reference, oracle
from grader.records import Call, Check, Limits, Reply
from grader.sandbox.session import InProcessSession

__all__ = ["Unfrozen", "differences", "freeze"]

APART = 100 * SAME_INPUT
"""Inputs that are nearer, and not the same, could be taken for each other elsewhere."""

_ALIKE = {"float32": 1e-5, "float64": 1e-10}
"""Relative L2 error up to which values are those of another machine, and not stale."""

Said = Callable[[str, int, int], None]
"""What is done, how many of them are, and how many there are."""


class Unfrozen(RuntimeError):  # noqa: N818 - it says what is the matter with the values
    """Values that cannot be frozen; the message says why."""


def freeze(said: Said = lambda what, done, of: None, *, every: int = 1) -> Values:
    """What :class:`grader.frozen.FrozenOracle` answers with.

    Args:
        said: is told how far it is.
        every: of the calls whose mistakes are computed, which takes longest, only each so many.

    Raises:
        Unfrozen: a check does not pass on the reference, or two calls could be confused.
    """
    if not has_reference():
        raise Unfrozen("there is no reference beside this grader: use the instructor's own")
    asked = _Asked()
    answered: dict[str, Call] = {}
    checks = [c for c in load() if not c.hidden and not c.long]
    with oracle.answering(asked):
        plain, own = _Recording(answered), _Recording(answered, _OWN)
        runs = [(c, plain) for c in checks] + [(c, own) for c in checks if _integrates(c)]
        for i, (check, session) in enumerate(runs):
            said(check.id, i, len(runs))
            _run(check, session)
    values = Values()
    for call, value in asked.values:
        _keep(values.known, call, value)
    # Of each function some, the first one in any case.
    of: dict[str, list[Call]] = {}
    for call in answered.values():
        of.setdefault(maker(call), []).append(call)
    calls = [call for these in of.values() for call in these[::every]]
    for i, call in enumerate(calls):
        said(f"mistakes in {maker(call)}", i, len(calls))
        _keep(values.mistaken, call, _mistakes(asked, call))
    return values


def _integrates(check: Check) -> bool:
    steps = "steps" in dict(contract.function(check.function).parameters)
    return steps and check.part != "gan"


def _run(check: Check, session: _Recording) -> None:
    try:
        check.run(Student(session, check.limits))
    except Exception as error:
        raise Unfrozen(f"{check.id} does not pass on the reference: {error}") from error


class _Asked(LiveOracle):
    """The reference, which remembers what it was asked."""

    freezing = True

    def __init__(self) -> None:
        super().__init__()
        self.values: list[tuple[Call, Any]] = []
        self._depth = 0

    def value(self, call: Call, returns: Returns | None, shapes: dict[str, Any]) -> Any:
        """The value; those that only go into an average are not kept."""
        self._depth += 1
        try:
            value = super().value(call, returns, shapes)
        finally:
            self._depth -= 1
        module = isinstance(returns, contract.Module) and call.function != "()"
        if not self._depth and not module:
            self.values.append((call, value))
        return value


_OWN = """
import numpy as np
import torch
from reference.ways import Way

def rule(steps):
    nodes = (np.arange(steps) + 0.3) / steps
    return torch.from_numpy(nodes), torch.full((steps,), 1 / steps, dtype=torch.float64)

globals().update(Way(rule).names())
"""
"""The reference by a rule of integration that is none of the accepted ones.

Such a submission is asked for more, about which a diagnosis may want to know.
"""


class _Recording(InProcessSession):
    """A submission that is the reference, and what it was called with."""

    def __init__(self, answered: dict[str, Call], text: str = "") -> None:
        files = {
            part.file: text or f"from reference.{part.file.removesuffix('.py')} import *\n"
            for part in contract.PARTS
        }
        super().__init__({name: text.encode() for name, text in files.items()})
        self._answered = answered

    def call(self, call: Call, limits: Limits | None = None) -> Reply:
        """Carry out a call, and keep it where a diagnosis may want to know of it."""
        reply = super().call(call, limits)
        if reply.error is None and not call.function.startswith("drive:"):
            asked = question(call)
            self._answered.setdefault(f"{asked.digest}{asked.numbers}", call)
        return reply


def _mistakes(reference: LiveOracle, call: Call) -> Mapping[str, Sequence[Parts]]:
    made = reference.mistaken(call)
    if set(made) <= {""}:
        return {}
    return {name: tuple(tuple(map(sketch, parts)) for parts in made[name]) for name in made}


def _keep(rows: dict[str, list[tuple[tuple[float, ...], Any]]], call: Call, value: Any) -> None:
    if isinstance(value, Mapping) and not value:
        return
    asked = question(call)
    for numbers, other in rows.setdefault(asked.digest, []):
        apart = distance(numbers, asked.numbers)
        if apart <= SAME_INPUT:
            if not isinstance(value, Mapping) and not _same(value, other):
                raise Unfrozen(f"two calls of {call.function} cannot be told apart")
            return
        if apart < APART:
            raise Unfrozen(f"the inputs of two calls of {call.function} are too near each other")
    rows[asked.digest].append((asked.numbers, value))


def differences(frozen: Values, fresh: Values) -> Iterator[str]:
    """What of frozen values is not so, or not there, or no longer asked; nothing if all is well.

    Args:
        frozen: as they were written.
        fresh: as they are now; of the mistakes, perhaps, a sample.
    """
    for kind in ("known", "mistaken"):
        now, then = getattr(fresh, kind), getattr(frozen, kind)
        for digest, rows in now.items():
            for numbers, value in rows:
                before = nearest(then, Question(digest, numbers))
                if before is None:
                    yield f"a value of {kind} is missing ({digest})"
                elif not _same(value, before):
                    yield f"a value of {kind} is another one now ({digest})"
    then_known, now_known = (sum(map(len, values.known.values())) for values in (frozen, fresh))
    if then_known > now_known:
        yield f"{then_known - now_known} values are no longer asked for"


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, Mapping):
        return set(one) == set(other) and all(_same(one[name], other[name]) for name in one)
    if isinstance(one, tuple | list):
        return len(one) == len(other) and all(map(_same, one, other))
    a, b = np.asarray(one), np.asarray(other)
    if a.shape != b.shape or (a.dtype.kind == "f") != (b.dtype.kind == "f"):
        return False
    if a.dtype.kind != "f":
        return bool(np.array_equal(a, b))
    room = max(_ALIKE.get(v.dtype.name, 0.0) for v in (a, b))
    size = max(float(np.linalg.norm(a)), 1e-12)
    return bool(np.array_equal(np.isfinite(a), np.isfinite(b))) and (
        not np.isfinite(a).all() or float(np.linalg.norm(a - b)) <= room * size
    )
