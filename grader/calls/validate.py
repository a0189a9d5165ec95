"""Compare replies with the contract: a value of another type or shape is a wrong answer.

Nothing is computed with an array before its shape is checked.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np

from grader.homework import contract
from grader.homework.contract import Array, Module, Number, Returns, Tuple
from grader.homework.networks import Network, slice_shape
from grader.records import Call, NumPy, Other, Received

__all__ = ["WrongKind", "number", "shapes_of", "to_array", "validate", "words"]


class WrongKind(ValueError):  # noqa: N818 - it names the value, not our failure
    """A well-formed value of another type or shape than the contract's; its text says what came."""


def shapes_of(call: Call) -> dict[str, tuple[int, ...]]:
    """What the contract's words ``N``, ``Z``, ``x``, ``k`` … stand for in this call.

    A word that the arguments give no meaning (``Z`` where there is no such layer) is left out.
    """
    arguments = {k: v.array if isinstance(v, NumPy) else v for k, v in call.arguments.items()}
    shapes: dict[str, tuple[int, ...]] = {}
    if "xs" in arguments:
        shapes["N"] = (len(arguments["xs"]),)
    if "points" in arguments:
        shapes["N"], shapes["D"] = ((size,) for size in np.shape(arguments["points"])[:2])
    if "x" in arguments:
        shapes["x"] = tuple(np.shape(arguments["x"]))
    model, layer = arguments.get("model"), arguments.get("layer")
    if isinstance(model, Network) and isinstance(layer, int):
        with suppress(IndexError):
            shapes["Z"] = slice_shape(model, layer)
    defaults = dict(contract.function(call.function).parameters)
    for word in ("k", "positive", "negative"):
        value = arguments.get(word, defaults.get(word))
        if isinstance(value, int):
            shapes[word] = (value,)
    return shapes


def validate(returns: Returns | None, value: Any, shapes: Mapping[str, tuple[int, ...]]) -> Any:
    """The value in the form in which checks use it.

    Args:
        returns: what the contract says comes back; ``None`` takes any value as it is.
        value: what came back.
        shapes: what the contract's words ``N``, ``Z``, ``x``, ``k`` … stand for in this call.

    Returns:
        Arrays are NumPy arrays, tuples are tuples, numbers are finite floats.

    Raises:
        WrongKind: it is something else; the text is a sentence for the student.
    """
    if isinstance(returns, Array):
        return _array(returns, value, shapes)
    if isinstance(returns, Number):
        found = number(value)
        if not math.isfinite(found):
            raise WrongKind(f"should be a finite number, but is {found}")
        return found
    if isinstance(returns, Module):
        if not (isinstance(value, Other) and value.kind == "module"):
            raise WrongKind(f"should return a module (nn.Module), but returned {words(value)}")
        return value
    if isinstance(returns, Tuple):
        if isinstance(value, Received) and value.array.shape[:1] == (len(returns.items),):
            value = [Received(np.asarray(a), value.origin, value.dtype) for a in value.array]
        if not isinstance(value, list) or len(value) != len(returns.items):
            raise WrongKind(
                f"should return a tuple of {len(returns.items)}, but returned {words(value)}"
            )
        pairs = zip(returns.items, value, strict=True)
        return tuple(validate(item, v, shapes) for item, v in pairs)
    return value


def _array(returns: Array, value: Any, shapes: Mapping[str, tuple[int, ...]]) -> np.ndarray:
    array = to_array(value, "a list or a tensor" if returns.kind == "int" else "a tensor")
    expected: tuple[int, ...] = ()
    for word in returns.shape:
        if isinstance(word, str) and word not in shapes:
            raise WrongKind("should raise an error: for these arguments there is no result")
        expected += shapes[word] if isinstance(word, str) else (word,)
    if array.shape != expected:
        raise WrongKind(f"should have the shape {expected}, but has {array.shape}")
    if returns.kind == "int":
        tensor = isinstance(value, Received) and value.origin == "tensor"
        whole = array.dtype.kind == "f" and bool(
            ((array == np.round(array)) & (np.abs(array.astype(float)) < 2.0**63)).all()
        )
        if array.dtype.kind not in "iu" and array.size and (tensor or not whole):
            raise WrongKind(f"should hold integers (int64), but holds {_dtype(value, array)}")
        return array.astype(np.int64)
    if array.dtype.kind not in "fiu":
        raise WrongKind(f"should hold floats, but holds {_dtype(value, array)}")
    return array


def to_array(value: Any, meant: str = "a tensor") -> np.ndarray:
    """A tensor, an array, a number, or nested lists of them, as one array.

    Args:
        value: what came back.
        meant: what should have, in words.

    Raises:
        WrongKind: it is none of these.
    """
    if isinstance(value, Received):
        return value.array
    if type(value) in (bool, int, float):
        return np.asarray(value)
    if isinstance(value, list):
        if not value:
            return np.zeros(0, dtype=np.int64)
        items = [to_array(v, meant) for v in value]
        if all(item.shape == items[0].shape for item in items):
            with suppress(ValueError):  # an empty array may have dimensions beyond NumPy's
                return np.stack(items)
    raise WrongKind(f"should be {meant}, but is {words(value)}")


def number(value: Any) -> float:
    """One number as a float.

    Raises:
        WrongKind: it is not one number.
    """
    array = to_array(value)
    if array.size != 1 or array.dtype.kind not in "fiub":
        raise WrongKind(f"should be one number, but is {words(value)}")
    return float(array.reshape(()))


def _dtype(value: Any, array: np.ndarray) -> str:
    return value.dtype if isinstance(value, Received) else array.dtype.name


def words(value: Any) -> str:
    """What a value is, in words: ``None``, ``a tensor of shape (3, 4)``, ``a tuple of 2``."""
    if value is None:
        return "None (is a return missing?)"
    if isinstance(value, Received):
        article = "an" if value.origin == "array" else "a"
        return f"{article} {value.origin} of shape {value.array.shape}"
    if isinstance(value, Other):
        forms = {"module": "a module ({})", "value": "a value of type {}", "words": "{}"}
        return forms[value.kind].format(value.name)
    if isinstance(value, list):
        return f"a list or tuple of {len(value)}"
    if isinstance(value, dict):
        return "a dict"
    return f"the {type(value).__name__} {value!r}"[:100]
