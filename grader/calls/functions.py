"""The homework's functions as methods: of a submission that is graded, and of the reference.

A check says ``student.class_influence(network, layer, xs, target)`` and gets arrays whose shapes
are the contract's; what goes out is a :class:`Call`, and whatever is wrong comes back as one of the
exceptions that :mod:`grader.checks.framework.expect` defines.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from grader.calls.signatures import Signatures
from grader.calls.validate import shapes_of
from grader.homework import contract
from grader.homework.contract import Module, Returns, Tuple
from grader.records import Call

__all__ = ["Functions", "Handle"]


class Handle:
    """A module that a function returned; calling it on a batch evaluates it, in eval mode."""

    def __init__(self, functions: Functions, call: Call, rows: Module) -> None:
        self._functions, self._rows = functions, rows
        self.call = call

    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        """What the module makes of ``inputs`` (N, …), as an array."""
        call = Call("()", {"module": self.call, "inputs": inputs})
        return self._functions.module_value(call, self._rows)


class Functions(Signatures):
    """Whatever answers calls, with the homework's functions as methods.

    Type checkers read these in ``signatures.pyi``.
    """

    def value(self, call: Call, returns: Returns | None, shapes: dict[str, Any]) -> Any:
        """The value of a call in the contract's form.

        Where a returned module is called, this is what it makes of a batch.

        Args:
            call: what is asked.
            returns: what the contract says comes back; ``None`` takes any value as it is.
            shapes: what the contract's words ``N``, ``Z``, ``x``, ``k`` … stand for in this call.

        Returns:
            NumPy arrays, finite floats, tuples of these; a module's own value says only that it is
            one.
        """
        raise NotImplementedError

    def call(self, name: str, *arguments: Any, **named: Any) -> Call:
        """The call of one of the homework's functions, its arguments by name.

        Args:
            name: of the function.
            *arguments: by position, as a student would write them.
            **named: by name; ``seed`` seeds the guest unless the function has an argument of that
                name.

        Returns:
            The call, which nobody has carried out yet.

        Raises:
            TypeError: too many arguments, or one of another name.
        """
        names = [parameter for parameter, _ in contract.function(name).parameters]
        if len(arguments) > len(names) or not set(named) <= set(names):
            raise TypeError(f"{name} takes {', '.join(names)}")
        seed = named.pop("seed", 0) if "seed" not in names else 0
        return Call(name, {**dict(zip(names, arguments, strict=False)), **named}, seed)

    if not TYPE_CHECKING:  # it would let every name pass

        def __getattr__(self, name: str) -> Any:
            if name not in contract.FUNCTIONS:
                raise AttributeError(name)
            return partial(self._asked, name)

    def _asked(self, name: str, *arguments: Any, **named: Any) -> Any:
        call = self.call(name, *arguments, **named)
        returns = contract.function(name).returns
        return self._handles(call, returns, self.value(call, returns, shapes_of(call)))

    def _handles(self, call: Call, returns: Returns | None, value: Any) -> Any:
        if isinstance(returns, Module):
            return Handle(self, call, returns)
        if isinstance(returns, Tuple) and any(isinstance(r, Module) for r in returns.items):
            return tuple(
                Handle(self, Call("[]", {"of": call, "index": i}), r)
                if isinstance(r, Module)
                else value[i]
                for i, r in enumerate(returns.items)
            )
        return value

    def module_value(self, call: Call, rows: Module) -> np.ndarray:
        """What a returned module makes of a batch."""
        # What another returned module made may have no rows at all.
        value = self.value(call, rows, {"N": np.shape(call.arguments["inputs"])[:1]})
        return np.asarray(value)
