"""Drivers that call a function twice on the same objects, and what it returned after an error.

What code keeps of its arguments by identity shows in the second answer, what it gave away and uses
again shows in the first.  As with the GAN's drivers, nothing is judged here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

__all__ = ["DRIVERS"]

File = Mapping[str, Any]
"""What a student's file defines, by name."""


def _function(file: File, name: str) -> Callable[..., Any]:
    if not callable(file.get(name)):
        raise LookupError(name)
    found: Callable[..., Any] = file[name]
    return found


def _outputs(module: Any, inputs: Tensor) -> Any:
    """What a returned module makes of inputs, in eval mode; of several, one after the other."""
    for one in module if isinstance(module, tuple | list) else (module,):
        inputs = one.eval()(inputs)
    return inputs


def _refilled(old: Any, new: Any, replaced: bool) -> Any:
    """The old object with the numbers of the new one, or the new one where it has none inside."""
    if isinstance(old, nn.Sequential) and replaced:
        for index, layer in enumerate(new):
            old[index] = layer
    elif isinstance(old, nn.Module):
        old.load_state_dict(new.state_dict())
    elif isinstance(old, Tensor):
        with torch.no_grad():
            old.copy_(new)
    elif isinstance(old, np.ndarray):
        old[...] = new
    elif isinstance(old, list):
        old[:] = new
    else:
        return new
    return old


def again(
    file: File,
    *,
    function: str,
    first: list[Any],
    second: list[Any],
    inputs: Sequence[Tensor] = (),
    replaced: bool = False,
) -> dict[str, Any]:
    """A function's answer, and that to a second call on the same objects with other numbers.

    Args:
        file: what the student's file defines.
        function: its name.
        first: its arguments.
        second: those of the second call, of the same shapes; none: the module that the first one
            returned is called twice.
        inputs: two batches for a returned module, whose outputs are the answers then.
        replaced: whether the network gets other layers instead of other weights.

    Returns:
        ``first``, as it is after the second call, and ``second``.
    """
    asked = _function(file, function)
    made = asked(*first)
    batch = inputs[0] if inputs else None
    one = made if batch is None else _outputs(made, batch)
    if second:
        first = [_refilled(old, new, replaced) for old, new in zip(first, second, strict=True)]
        made = asked(*first)
    if batch is not None:
        batch = _refilled(batch, inputs[1], replaced)
    return {"first": one, "second": made if batch is None else _outputs(made, batch)}


def after_an_error(
    file: File, *, function: str, arguments: list[Any], inputs: Tensor, bad: Tensor
) -> dict[str, Any]:
    """What the network that was handed over gives once a returned module has raised.

    Args:
        file: what the student's file defines.
        function: its name.
        arguments: its arguments, the network first.
        inputs: a batch that the network can take.
        bad: one that it cannot.

    Returns:
        ``first``, the network's scores for ``inputs`` afterwards.
    """
    network = arguments[0]
    module = _function(file, function)(*arguments)
    with suppress(Exception):
        _outputs(module, bad)
    return {"first": network.eval()(inputs)}


DRIVERS: dict[str, Callable[..., dict[str, Any]]] = {
    f"{part}/{driver.__name__}": driver
    for part in ("part1", "part2", "part3")
    for driver in (again, after_an_error)
}
