"""What the reference says to a call; the only place that imports it."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch

from grader import contract
from grader.asking import Functions
from grader.calls import Performer, key, maker, to_sendable
from grader.contract import Array, Module, Returns, Tuple
from grader.quadrature import together
from grader.records import Call
from grader.sandbox.wire import Received
from grader.validation import to_array, validate

__all__ = ["LiveOracle", "Parts", "oracle", "parts_of"]

Parts = tuple[np.ndarray, ...]
"""A value as arrays of any shape: one for each item of a tuple, else a single one."""


class LiveOracle(Functions):
    """The reference, run in this process; every value is computed once.

    Checks by Hypothesis never ask it: a mistake in the reference must not become the marking
    scheme, so axioms and closed forms stand beside every comparison.
    """

    def __init__(self) -> None:
        self._performer = Performer(_namespace)
        self._values: dict[str, Any] = {}
        self._mistaken: dict[str, _Mistaken] = {}

    def value(self, call: Call, returns: Returns | None, shapes: dict[str, Any]) -> Any:
        """The reference's value, in the contract's form."""
        name = key(call)
        if name not in self._values:
            value = to_sendable(self._performer.perform(call)[0])
            if call.function == "()" and isinstance(returns, Module):
                rows = Array(returns.rows) if returns.rows else None
                self._values[name] = validate(rows, value, shapes) if rows else to_array(value)
            else:
                self._values[name] = validate(returns, value, shapes)
        return self._values[name]

    def accepted(self, call: Call) -> tuple[Parts, ...]:
        """The values that are right: one, or one for each accepted rule of an integral."""
        return self.mistaken(call).get("", ())

    def mistaken(self, call: Call) -> Mapping[str, tuple[Parts, ...]]:
        """What a call gives if one of the known mistakes is made in the function that it is about.

        By ``name.way``: the values, as many as there are rules for an integral; none where the
        mistake raises on this call.  Each is computed when it is asked for.  Under ``""`` stands
        what is right.  Without the mistakes (in a student's package) nothing is known.
        """
        name = key(call)
        if name not in self._mistaken:
            if len(self._mistaken) >= 32:
                self._mistaken.clear()
            self._mistaken[name] = _Mistaken(call)
        return self._mistaken[name]


class _Mistaken(Mapping[str, tuple[Parts, ...]]):
    def __init__(self, call: Call) -> None:
        self._call, self._function = call, maker(call)
        self._values: dict[str, tuple[Parts, ...]] = {}
        try:
            mistakes = importlib.import_module("reference.mistakes")
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
        performer = Performer(lambda part: {**_namespace(part), **wrong})
        value = to_sendable(performer.perform(self._call)[0])
        if "steps" in dict(contract.function(self._function).parameters):
            array = to_array(value)  # a mistake may know no rules
            one = way is not self._ways[""] and array.ndim == self[""][0][0].ndim
            return tuple((np.asarray(row),) for row in ([array] if one else array))
        return (parts_of(self._call, value),)


def parts_of(call: Call, value: Any) -> Parts:
    """A value as it came, of any shape, as arrays.

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


def _rule(steps: int) -> tuple[torch.Tensor, torch.Tensor]:
    nodes, weights = together(steps)
    return torch.from_numpy(nodes), torch.from_numpy(weights)


def _namespace(part: str) -> Mapping[str, Any]:
    file = next(p.file for p in contract.PARTS if p.id == part)
    return vars(importlib.import_module(f"reference.{file.removesuffix('.py')}"))


oracle = LiveOracle()
"""The one that checks ask."""
