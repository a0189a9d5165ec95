"""What is in a call: its content in one order, and a digest of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from grader.homework.networks import Network
from grader.records import Call, NumPy

__all__ = ["content", "key", "maker"]


def key(call: Call) -> str:
    """A digest of the call's content: function, networks, and dtype, shape and bytes of arrays.

    Raises:
        TypeError: something is in it that a call cannot hold.
    """
    digest = hashlib.sha256()
    for tag, leaf in content(call):
        if isinstance(leaf, np.ndarray):
            tag, leaf = f"{tag} {leaf.dtype.str}{leaf.shape}", leaf.tobytes()
        else:
            leaf = repr(leaf).encode()
        digest.update(f"{tag}:{len(leaf)}:".encode())
        digest.update(leaf)
    return digest.hexdigest()


def content(value: Any) -> Iterator[tuple[str, Any]]:
    """All that is in a call, in one order: what each thing is, and strings, numbers or an array.

    Raises:
        TypeError: something is in it that a call cannot hold.
    """
    if isinstance(value, Call):
        yield "call", f"{value.function}/{value.seed}/{len(value.arguments)}"
        yield from _named(value.arguments)
    elif isinstance(value, NumPy):
        yield "numpy", ""
        yield from content(value.array)
    elif isinstance(value, np.ndarray):
        yield "array", value
    elif isinstance(value, (list, tuple)):
        yield "list", len(value)
        for item in value:
            yield from content(item)
    elif isinstance(value, Mapping):
        yield "dict", len(value)
        yield from _named(value)
    elif isinstance(value, Network):
        mix = tuple((float(factor), int(seed)) for factor, seed in value.mix)
        yield "network", str(replace(value, mix=mix))
    elif value is None or isinstance(value, (bool, int, float, str)):
        yield type(value).__name__, value
    else:
        raise TypeError(f"a call cannot hold a {type(value).__name__}")


def _named(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name in sorted(values):
        yield "name", name
        yield from content(values[name])


def maker(call: Call) -> str:
    """The function whose value a call is, or whose module it calls."""
    while call.function in ("()", "[]"):
        call = call.arguments["module" if call.function == "()" else "of"]
    return call.function
