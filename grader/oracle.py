"""What the reference says to a call; the only place that imports it."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from grader import contract
from grader.asking import Functions
from grader.calls import Performer, key, to_sendable
from grader.contract import Array, Module, Returns
from grader.records import Call
from grader.validation import to_array, validate

__all__ = ["LiveOracle", "oracle"]


class LiveOracle(Functions):
    """The reference, run in this process; every value is computed once.

    Checks by Hypothesis never ask it: a mistake in the reference must not become the marking
    scheme, so axioms and closed forms stand beside every comparison.
    """

    def __init__(self) -> None:
        self._performer = Performer(_namespace)
        self._values: dict[str, Any] = {}

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


def _namespace(part: str) -> Mapping[str, Any]:
    file = next(p.file for p in contract.PARTS if p.id == part)
    return vars(importlib.import_module(f"reference.{file.removesuffix('.py')}"))


oracle = LiveOracle()
"""The one that checks ask."""
