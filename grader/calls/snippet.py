"""A call as Python that a student can paste: the network, the inputs, the call."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from grader.homework import contract
from grader.homework.networks import Network
from grader.records import Call, NumPy

__all__ = ["one_line", "remember", "script"]

_MOST = 400
"""Numbers that are written out; a longer array needs its recipe."""

_RECIPES: dict[bytes, str] = {}


def remember(array: np.ndarray, recipe: str) -> np.ndarray:
    """Keep the expression that makes an array, for :func:`script`; the array itself comes back."""
    if len(_RECIPES) > 20_000:
        _RECIPES.clear()
    _RECIPES[_digest(array)] = recipe
    return array


def _digest(array: np.ndarray) -> bytes:
    head = f"{array.dtype.str}{array.shape}".encode()
    return hashlib.sha256(head + np.ascontiguousarray(array).tobytes()).digest()


def one_line(call: Call) -> str:
    """The call in a line, arrays by their shapes: ``split(model=Network(…), layer=2)``."""
    if call.function == "()":
        inner = call.arguments["module"]
        return f"{one_line(inner)}({_short(call.arguments['inputs'])})"
    if call.function == "[]":
        return f"{one_line(call.arguments['of'])}[{call.arguments['index']}]"
    if call.function.startswith("drive:"):
        return ""
    words = [f"{name}={_short(value)}" for name, value in call.arguments.items()]
    return f"{call.function}({', '.join(words)})"


def _short(value: Any) -> str:
    if isinstance(value, NumPy):
        return f"NumPy array {_shape(value.array)}"
    if isinstance(value, np.ndarray):
        return f"tensor {_shape(value)}" if value.size != 1 else f"{value.reshape(-1)[0]:.4g}"
    if isinstance(value, Call):
        return one_line(value)
    if isinstance(value, list) and len(value) > 8:
        return f"[{', '.join(map(str, value[:6]))}, … {len(value)} in all]"
    return str(value)


def _shape(array: np.ndarray) -> str:
    return "×".join(map(str, array.shape)) or "scalar"


def script(call: Call) -> str:
    """Python that repeats a call, or nothing where an input is too large to be written out."""
    if call.function.startswith("drive:"):
        return ""
    lines: list[str] = []
    try:
        expression = _expression(call, lines)
    except ValueError:
        return ""
    modules = sorted({_module(name) for name in _functions(call)})
    head = [
        "import numpy as np",
        "import torch",
        "from grader.homework.networks import Network, build",
    ]
    head += [f"import {name}" for name in modules]
    text = "\n".join([*lines, f"print({expression})"])
    kept = [line for line in head if line.split()[-1] in text or line.startswith("from")]
    if "build(" not in text:
        kept = [line for line in kept if not line.startswith("from")]
    return "\n".join([*kept, "", text]) + "\n"


def _functions(call: Call) -> list[str]:
    names = [call.function] if call.function in contract.FUNCTIONS else []
    for value in call.arguments.values():
        if isinstance(value, Call):
            names += _functions(value)
    return names


def _module(name: str) -> str:
    part = contract.function(name).part
    return next(p.file for p in contract.PARTS if p.id == part).removesuffix(".py")


def _expression(call: Call, lines: list[str]) -> str:
    if call.function == "()":
        module = _expression(call.arguments["module"], lines)
        return f"{module}({_argument('inputs', call.arguments['inputs'], lines)})"
    if call.function == "[]":
        return f"{_expression(call.arguments['of'], lines)}[{call.arguments['index']}]"
    words = [f"{n}={_argument(n, v, lines)}" for n, v in call.arguments.items()]
    return f"{_module(call.function)}.{call.function}({', '.join(words)})"


def _argument(name: str, value: Any, lines: list[str]) -> str:
    if isinstance(value, Call):
        text = _expression(value, lines)
        lines.append(f"{name} = {text}.eval()")
    elif isinstance(value, Network):
        forward = ".forward" if value.function else ""
        lines.append(f"{name} = build({value}){forward}")
        if value.held:
            lines.append(f"{name} = torch.optim.swa_utils.AveragedModel({name})")
        if value.grads:
            lines.append(f"for p in {name}.parameters(): p.grad = torch.ones_like(p)")
    elif isinstance(value, NumPy):
        lines.append(f"{name} = {_array(value.array)}")
    elif isinstance(value, np.ndarray):
        lines.append(f"{name} = torch.from_numpy({_array(value)})")
    else:
        return repr(value)
    return name


def _array(array: np.ndarray) -> str:
    recipe = _RECIPES.get(_digest(array))
    if recipe is not None:
        return recipe
    if array.size > _MOST:
        raise ValueError("too long to be written out")
    if not array.size:  # as a list it may have billions of empty rows
        return f"np.zeros({array.shape}, dtype={array.dtype.name!r})"
    return f"np.array({array.tolist()}, dtype={array.dtype.name!r})"
