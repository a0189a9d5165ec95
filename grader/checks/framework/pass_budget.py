"""How many passes a call needs, and the warning if it takes many times more.

The warning never costs a point, because the student's own process counts the passes.
"""

from __future__ import annotations

from typing import Any

from grader.homework import contract
from grader.records import Call, NumPy, Passes

__all__ = ["TOO_MANY", "needed", "too_slow"]

_ONE_EACH = {
    "instance_influence": "xs",
    "class_influence": "xs",
    "path_influence": "steps",
    "integrated_gradients": "steps",
    "saliency_map": "",
    "integrated_saliency_map": "steps",
    "comparative_influence": "xs",
    "comparative_integrated_gradients": "steps",
    "distinguishing_neurons": "xs",
    "compare_with_single_class": "xs",
    "binary_classifier": "xs",
    "evaluate": "xs",
}
"""One pass for each row or step of this argument is enough; ``""``: one pass in all."""

TOO_MANY, _FEW = 10, 20
"""A call gets the warning above ten times the passes that it needs, plus twenty.

Code that computes one gradient for each of ten classes, or does everything twice, stays below.
Code that computes a gradient or a difference quotient for each feature of an image does not.
"""


def needed(call: Call) -> int | None:
    """How many forward passes, and how many backward passes, are enough; ``None``: not known.

    Code that takes rows or steps one by one needs that many; a batch needs fewer.
    """
    if call.function not in _ONE_EACH:
        return None
    name = _ONE_EACH[call.function]
    if not name:
        return 1
    defaults = dict(contract.function(call.function).parameters)
    value: Any = call.arguments.get(name, defaults[name])
    if name == "steps":
        return max(value, 1) if type(value) is int else None
    array = value.array if isinstance(value, NumPy) else value
    return max(len(array), 1) if hasattr(array, "__len__") else None


def too_slow(call: Call, passes: Passes) -> str:
    """A sentence for the student about a call that took far more passes than it needs, or ""."""
    need = needed(call)
    made, what = passes.backward, "backward"
    if passes.forward > made:
        made, what = passes.forward, "forward"
    if need is None or made <= TOO_MANY * need + _FEW:
        return ""
    name = _ONE_EACH[call.function]
    with_ = {"steps": f" with {need} steps", "xs": f" of {need} rows", "": ""}[name]
    suffice = "suffices" if need == 1 else "suffice"
    return (
        f"{call.function}{with_} made {made} {what} passes; {need} {suffice}: "
        "this is slow, but costs no points."
    )
