"""The right answers, with which checks compare: from the reference, or frozen ones.

Only this module asks the reference (:mod:`grader.oracle.solution`).  Without a reference, as in a
student's package, the values come from a file (:mod:`grader.oracle.frozen`).
The first value that is computed imports torch; this module does not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from grader import layout
from grader.calls.digest import key, maker
from grader.calls.functions import Functions
from grader.calls.validate import shapes_of, to_array, validate
from grader.homework import contract
from grader.homework.contract import Array, Module, Returns, Tuple
from grader.oracle import kept, solution
from grader.oracle.frozen import FrozenOracle
from grader.oracle.quadrature import together
from grader.oracle.store import Parts
from grader.records import Call, Received

if TYPE_CHECKING:
    import torch

    from grader.sandbox.guest.perform import Performer

__all__ = [
    "AVERAGE",
    "LiveOracle",
    "Oracle",
    "Source",
    "average_of",
    "oracle",
    "parts_of",
]

AVERAGE = "average"
"""The function of a call that stands for the weighted sum of the values of other calls."""


class Source(Protocol):
    """Where an oracle's values come from; if it is ``freezing``, they are kept for later."""

    freezing: bool

    def value(self, call: Call, returns: Returns | None, shapes: dict[str, Any]) -> Any:
        """The right value of a call, in the contract's form.

        Args:
            call: what is asked.
            returns: what the contract says comes back.
            shapes: what the contract's words ``N``, ``Z``, ``x``, ``k`` … stand for in this call.
        """

    def mistaken(self, call: Call) -> Mapping[str, Sequence[Parts]]:
        """What known mistakes return, by ``name.way``; ``""`` is what is right."""

    def seen(self, parts: Parts) -> Parts:
        """Arrays in the form in which :meth:`mistaken` gives its values."""


class Oracle(Functions):
    """What checks ask: the homework's functions as methods; a source answers.

    Hypothesis checks never ask it.  Every comparison with the reference is accompanied by axioms
    and closed forms, because a mistake in the reference must not become the marking scheme.
    """

    def __init__(self, source: Source) -> None:
        self.source = source

    def value(self, call: Call, returns: Returns | None, shapes: dict[str, Any]) -> Any:
        """The right value of a call."""
        return self.source.value(call, returns, shapes)

    def average(self, calls: Sequence[Call], weights: np.ndarray) -> np.ndarray:
        """The weighted sum of the values of several calls, in the shape of one value."""
        return np.asarray(self.source.value(average_of(calls, weights), None, {}))

    def foresee(self, *asking: Callable[[], object]) -> None:
        """While values are frozen, ask everything that a check may ask for any submission."""
        if self.source.freezing:
            for ask in asking:
                ask()

    @contextmanager
    def answering(self, source: Source) -> Iterator[None]:
        """Inside, values come from another source."""
        before, self.source = self.source, source
        try:
            yield
        finally:
            self.source = before


def average_of(calls: Sequence[Call], weights: np.ndarray) -> Call:
    """The weighted sum of calls' values, as a call."""
    return Call(AVERAGE, {"of": list(calls), "weights": weights})


class LiveOracle(Functions):
    """Runs the reference in this process; every value is computed once.

    Args:
        values: those that are known already, to which the others are added.
    """

    freezing = False
    remembered = 32
    """Of so many calls it keeps what mistakes return; code that asks them again and again, more."""

    def __init__(self, values: dict[str, Any] | None = None) -> None:
        self._values = {} if values is None else values
        self._mistaken: dict[str, _Mistaken] = {}

    @cached_property
    def _performer(self) -> Performer:
        from grader.sandbox.guest.perform import Performer

        return Performer(_namespace, watching=False)

    @cached_property
    def _of_averages(self) -> Performer:
        """Each term of an average is an array, so no network has to be copied for it."""
        from grader.sandbox.guest.perform import Performer

        return Performer(_namespace, watching=False, copying=False)

    def value(self, call: Call, returns: Returns | None, shapes: dict[str, Any]) -> Any:
        """The reference's value, in the contract's form."""
        name = key(call)
        if name not in self._values and call.function == AVERAGE:
            summands = np.stack([self._term(one) for one in call.arguments["of"]])
            average = np.tensordot(call.arguments["weights"], summands, 1)
            # The average is no more precise than its terms, so it gets their dtype.
            self._values[name] = average.astype(summands.dtype)
        if name not in self._values:
            value = _sendable(self._performer.perform(call)[0])
            if call.function == "()" and isinstance(returns, Module):
                rows = Array(returns.rows) if returns.rows else None
                self._values[name] = validate(rows, value, shapes) if rows else to_array(value)
            else:
                self._values[name] = validate(returns, value, shapes)
        return self._values[name]

    def _term(self, call: Call) -> Any:
        name = key(call)
        if name not in self._values:
            value = _sendable(self._of_averages.perform(call)[0])
            self._values[name] = validate(
                contract.function(call.function).returns, value, shapes_of(call)
            )
        return self._values[name]

    def seen(self, parts: Parts) -> Parts:
        """The arrays themselves."""
        return parts

    def accepted(self, call: Call) -> tuple[Parts, ...]:
        """The values that are right: one, or one for each accepted rule of an integral."""
        return self.mistaken(call).get("", ())

    def mistaken(self, call: Call) -> Mapping[str, tuple[Parts, ...]]:
        """What a call returns if its function has one of the known mistakes.

        Keys are ``name.way``, and ``""`` for what is right.  Each entry has as many values as the
        integral has rules, and none if the mistake raises on this call.  Values are computed when
        they are looked up.  Without the file of mistakes there are no entries.
        """
        name = key(call)
        if name not in self._mistaken:
            if len(self._mistaken) >= self.remembered:
                self._mistaken.clear()
            self._mistaken[name] = _Mistaken(call)
        return self._mistaken[name]


class _Mistaken(Mapping[str, tuple[Parts, ...]]):
    def __init__(self, call: Call) -> None:
        self._call, self._function = call, maker(call)
        self._values: dict[str, tuple[Parts, ...]] = {}
        try:
            mistakes = solution.load("mistakes")
        except ModuleNotFoundError:
            self._ways: dict[str, Any] = {}
        else:
            self._ways = {"": mistakes.Way} | {
                f"{name}.{way.__name__}": way for name, way in mistakes.ways_of(self._function)
            }

    def __getitem__(self, name: str) -> tuple[Parts, ...]:
        way = self._ways[name]
        if name not in self._values:
            try:
                self._values[name] = self._made(way)
            except Exception:  # wrong code may raise anything
                self._values[name] = ()
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._ways)

    def __len__(self) -> int:
        return len(self._ways)

    def _made(self, way: Any) -> tuple[Parts, ...]:
        wrong = {self._function: way(_rule).names()[self._function]}
        from grader.sandbox.guest.perform import Performer

        performer = Performer(lambda part: {**_namespace(part), **wrong}, watching=False)
        value = _sendable(performer.perform(self._call)[0])
        if "steps" in dict(contract.function(self._function).parameters):
            array = to_array(value)  # a mistake may ignore the rules
            one = way is not self._ways[""] and array.ndim == self[""][0][0].ndim
            return tuple((np.asarray(row),) for row in ([array] if one else array))
        return (parts_of(self._call, value),)


def parts_of(call: Call, value: Any) -> Parts:
    """A value of any shape, as arrays.

    Raises:
        WrongKind: it is not made of numbers.
    """
    returns = contract.function(call.function).returns if call.function != "()" else None
    if not isinstance(returns, Tuple):
        return (to_array(value),)
    items = value.array if isinstance(value, Received) else value
    if not isinstance(items, list | np.ndarray):
        return (to_array(value),)
    return tuple(
        to_array(v) if not isinstance(v, np.generic | np.ndarray) else np.asarray(v) for v in items
    )


def _sendable(value: Any) -> Any:
    from grader.sandbox.guest.perform import to_sendable

    return to_sendable(value)


def _rule(steps: int) -> tuple[torch.Tensor, torch.Tensor]:
    import torch

    nodes, weights = together(steps)
    return torch.from_numpy(nodes), torch.from_numpy(weights)


def _namespace(part: str) -> Mapping[str, Any]:
    file = next(p.file for p in contract.PARTS if p.id == part)
    return vars(solution.load(file.removesuffix(".py")))


oracle = Oracle(LiveOracle(kept.VALUES) if layout.reference() else FrozenOracle())
"""The one that checks ask."""
