"""Freezing: stores the values of the reference and of known mistakes for public checks.

To find these values, the checks run on the reference and ask for everything that they may compare a
submission with.  Only instructors can freeze: a student's package has no reference.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from grader import layout
from grader.calls.digest import content, maker
from grader.checks.framework.registry import load
from grader.checks.framework.student import Student
from grader.errors import Unfrozen
from grader.homework import contract
from grader.homework.contract import Returns
from grader.oracle import solution
from grader.oracle.frozen import SAME_INPUT, Question, distance, nearest, question, sketch
from grader.oracle.live import AVERAGE, LiveOracle, oracle
from grader.oracle.store import Parts, Values
from grader.records import Call, Check, Limits, Reply
from grader.sandbox.host.session import InProcessSession

__all__ = ["differences", "freeze", "origin", "why_stale"]

APART = 100 * SAME_INPUT
"""Two different inputs that are nearer could be confused on another machine."""

_ALIKE = {"float32": 1e-5, "float64": 2e-8}
"""Relative L2 error up to which only the machine differs; above it, values are stale.

By the precision in which they were computed.  ``tests/benchmarks/processors.py`` says how far
processors differ: up to 2.5e-6 in float32.
"""

_RANKED = 1e-4
"""The same for one number from float32 features, such as a rank correlation.  If two features are
almost tied, the processor decides which comes first, and ranks change by whole numbers."""

_MISTAKEN = 10.0
"""Values of known mistakes may differ this many times more, because no mark depends on them."""

_SOURCES = (
    *("calls", "checks/framework", "checks", "checks/part1", "oracle"),
    *("homework/building.py", "homework/contract.py", "homework/families.py"),
    "homework/networks.py",
    "sandbox/guest/perform.py",
)
"""Folders and files that decide which values are needed, besides the reference."""

Said = Callable[[str, int, int], None]
"""What is being computed, how many are done, and how many there are."""


def freeze(said: Said = lambda what, done, of: None, *, every: int = 1) -> Values:
    """Compute everything that :class:`grader.oracle.frozen.FrozenOracle` can be asked for.

    Args:
        said: is called with the progress.
        every: mistakes, which take longest, are computed for one call in so many.

    Raises:
        Unfrozen: a check does not pass on the reference, or two calls could be confused.
    """
    if layout.reference() is None:
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
    values = Values(made=origin())
    for call, value in asked.values:
        digest = _keep(values.known, call, value)
        values.about[digest] = (_function(call), _precision(call))
    # Some calls of each function, the first one always.
    of: dict[str, list[Call]] = {}
    for call in answered.values():
        of.setdefault(maker(call), []).append(call)
    calls = [call for these in of.values() for call in these[::every]]
    for i, call in enumerate(calls):
        said(f"mistakes in {maker(call)}", i, len(calls))
        digest = _keep(values.mistaken, call, _mistakes(asked, call))
        values.about[digest] = (_function(call), _precision(call))
    return values


def _function(call: Call) -> str:
    """The homework's function that a call is about."""
    return maker(call.arguments["of"][0] if call.function == AVERAGE else call)


def _precision(call: Call) -> str:
    """The lowest precision in which a call computes."""
    lowest = any(
        "float32" in str(leaf.dtype if tag == "array" else leaf)
        for tag, leaf in content(call)
        if tag in ("array", "network")
    )
    return "float32" if lowest else "float64"


def origin() -> dict[str, str]:
    """The sources, versions and processor with which values are computed here."""
    digest, reference = hashlib.sha256(), layout.reference()
    assert reference is not None
    for place in (*(layout.PACKAGE / name for name in _SOURCES), reference, reference / "mistakes"):
        for path in [place] if place.is_file() else sorted(place.glob("*.py")):
            name, text = f"{path.parent.name}/{path.name}", path.read_text("utf-8")
            digest.update(f"{len(name)}:{len(text)}:{name}{text}".encode())
    processor = f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}"
    return {
        "sources": digest.hexdigest()[:16],
        "machine": f"torch {torch.__version__}, NumPy {np.__version__}, {processor}",
    }


def why_stale(frozen: Values, fresh: Values) -> str:
    """Why frozen values must not be handed out, and what to do; "" if they may.

    Args:
        frozen: the values in the file.
        fresh: the values as they are now; of the mistakes, perhaps only a sample.
    """
    changed = frozen.made.get("sources") != fresh.made.get("sources")
    # No mark depends on mistakes: with the same sources only the processor can differ.
    first = next(differences(frozen, fresh if changed else replace(fresh, mistaken={})), "")
    if not first:
        return ""
    if changed:
        return (
            f"the frozen values are stale, since a check or the reference changed ({first}): "
            "run `hw3 freeze`, and release again"
        )
    return (
        f"this machine computes other values than the one that froze them ({first}), though no "
        f"check and nothing of the reference changed: there {frozen.made['machine']}, here "
        f"{fresh.made['machine']}. Release from an environment with the same versions, or run "
        "`hw3 freeze` here to hand out this machine's values"
    )


def _integrates(check: Check) -> bool:
    steps = "steps" in dict(contract.function(check.function).parameters)
    return steps and check.part != "gan"


def _run(check: Check, session: _Recording) -> None:
    try:
        check.run(Student(session, check.limits))
    except Exception as error:
        raise Unfrozen(f"{check.id} does not pass on the reference: {error}") from error


class _Asked(LiveOracle):
    """The reference; it remembers what it was asked."""

    freezing = True

    def __init__(self) -> None:
        super().__init__()
        self.values: list[tuple[Call, Any]] = []
        self._depth = 0

    def value(self, call: Call, returns: Returns | None, shapes: dict[str, Any]) -> Any:
        """The value; one that only goes into an average is not kept."""
        self._depth += 1
        try:
            value = super().value(call, returns, shapes)
        finally:
            self._depth -= 1
        module = isinstance(returns, contract.Module) and call.function != "()"
        if not self._depth and not module:
            self.values.append((call, value))
        return value


_OWN = f"""
import numpy as np
import torch
from {solution.NAME}.mistakes import Way

def rule(steps):
    nodes = (np.arange(steps) + 0.3) / steps
    return torch.from_numpy(nodes), torch.full((steps,), 1 / steps, dtype=torch.float64)

globals().update(Way(rule).names())
"""
"""The reference by a rule of integration that is none of the accepted ones.

Such a submission is asked for more, about which a diagnosis may want to know.
"""


class _Recording(InProcessSession):
    """A session in which the reference is the submission; it remembers the calls."""

    def __init__(self, answered: dict[str, Call], text: str = "") -> None:
        files = {
            part.file: text or f"from {solution.load(name).__name__} import *\n"
            for part in contract.PARTS
            for name in [part.file.removesuffix(".py")]
        }
        super().__init__({name: text.encode() for name, text in files.items()})
        self._answered = answered

    def call(self, call: Call, limits: Limits | None = None) -> Reply:
        """Carry out a call, and remember it if a diagnosis may need its value."""
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


def _keep(rows: dict[str, list[tuple[tuple[float, ...], Any]]], call: Call, value: Any) -> str:
    """Keep a call's value, and say under which digest; of mistakes, where one gives anything."""
    asked = question(call)
    if isinstance(value, Mapping) and not value:
        return asked.digest
    for numbers, other in rows.setdefault(asked.digest, []):
        apart = distance(numbers, asked.numbers)
        if apart <= SAME_INPUT:
            if not isinstance(value, Mapping) and not _apart(value, other) <= 1:
                raise Unfrozen(f"two calls of {call.function} cannot be told apart")
            return asked.digest
        if apart < APART:
            raise Unfrozen(f"the inputs of two calls of {call.function} are too near each other")
    rows[asked.digest].append((asked.numbers, value))
    return asked.digest


def differences(frozen: Values, fresh: Values) -> Iterator[str]:
    """How frozen values differ from the current ones: wrong, missing or no longer needed.

    Args:
        frozen: the values in the file.
        fresh: the values as they are now; of the mistakes, perhaps only a sample.
    """
    for digest, rows in fresh.known.items():
        name, precision = fresh.about.get(digest, ("a function", ""))
        for numbers, value in rows:
            before = nearest(frozen.known, Question(digest, numbers))
            if before is None:
                yield f"a value of {name} is missing ({digest})"
            elif not (apart := _apart(value, before, precision)) <= 1:
                by = f", {apart:.1e} times what is allowed" if np.isfinite(apart) else ""
                yield f"a value of {name} is another one now ({digest}{by})"
    then_known, now_known = (sum(map(len, values.known.values())) for values in (frozen, fresh))
    if then_known > now_known:
        yield f"{then_known - now_known} values are no longer asked for"
    yield from _other_mistakes(frozen, fresh)


def _other_mistakes(frozen: Values, fresh: Values) -> Iterator[str]:
    """The mistakes whose frozen values are wrong.

    Some mistakes divide by almost zero, or rank what is almost tied, so a single value may differ
    on another processor.  A mistake counts as wrong only if most of its values differ.
    """
    asked = gone = 0
    apart: dict[str, list[float]] = {}
    for digest, rows in fresh.mistaken.items():
        for numbers, value in rows:
            before = nearest(frozen.mistaken, Question(digest, numbers))
            asked, gone = asked + 1, gone + (before is None)
            for name in {*value, *before} if before is not None else ():
                both = name in value and before is not None and name in before
                by = _apart(value[name], before[name]) if both and before else np.inf
                apart.setdefault(name, []).append(by)
    if gone > asked / 10:
        yield f"of {asked} calls, what mistakes give is missing for {gone}"
    for name, of in sorted(apart.items()):
        if np.median(of) > _MISTAKEN:
            yield f"what the mistake {name} gives is another one now"


def _apart(one: Any, other: Any, precision: str = "") -> float:
    """How far apart two values are, in units of the tolerance; infinite if of different kinds.

    Args:
        one, other: arrays, numbers, or tuples or mappings of them.
        precision: in which both were computed; by default, that of the dtypes.
    """
    if isinstance(one, Mapping):
        if set(one) != set(other):
            return np.inf
        return max((_apart(one[name], other[name], precision) for name in one), default=0.0)
    if isinstance(one, tuple | list):
        if len(one) != len(other):
            return np.inf
        return max((_apart(*pair, precision) for pair in zip(one, other, strict=True)), default=0.0)
    a, b = np.asarray(one), np.asarray(other)
    if a.shape != b.shape or (a.dtype.kind == "f") != (b.dtype.kind == "f"):
        return np.inf
    if np.array_equal(a, b):
        return 0.0
    if a.dtype.kind != "f":
        return np.inf
    if not np.array_equal(np.isfinite(a), np.isfinite(b)):
        return np.inf
    room = max(_ALIKE.get(name, 0.0) for name in (a.dtype.name, b.dtype.name, precision))
    if a.ndim == 0 and precision == "float32":
        room = _RANKED
    size = max(float(np.linalg.norm(a)), 1e-12)
    return float(np.linalg.norm(a - b)) / (room * size) if np.isfinite(a).all() else 0.0
