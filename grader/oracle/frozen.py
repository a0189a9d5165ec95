"""The oracle's values in a file, for a student's package, which has no reference.

A value is found by its call.  Everything in a call must agree exactly, except the numbers of its
float arrays: computed inputs (nodes of a quadrature, points of a line) may differ in the last digit
between processors and libraries.  Such inputs count as the same if a few projections of them differ
by less than :data:`SAME_INPUT`.

The values of known mistakes are kept as sketches, projections to :data:`WIDTH` numbers (Johnson and
Lindenstrauss 1984).  A sketch takes little space, and is enough to recognise a mistake.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from json.encoder import encode_basestring_ascii
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from grader.calls.digest import content
from grader.errors import Vanished
from grader.homework.contract import Module, Returns
from grader.oracle.store import AGAIN, FILE, Parts, Values
from grader.records import Call

__all__ = ["SAME_INPUT", "FrozenOracle", "distance", "nearest", "question", "sketch"]

T = TypeVar("T")
Array = np.ndarray

SAME_INPUT = 1e-6
"""Relative difference up to which the inputs of two calls count as the same."""

WIDTH = 8
"""Numbers of a sketch; shorter arrays are kept as they are."""


@dataclass(frozen=True)
class Question:
    """What a call asks: a digest of everything exact in it, and projections of its float inputs."""

    digest: str
    numbers: tuple[float, ...]


class FrozenOracle:
    """Answers with values from a file; it does not import the reference."""

    freezing = False

    def __init__(self, path: Path = FILE) -> None:
        self._path = path

    @cached_property
    def _values(self) -> Values:
        return Values.read(self._path)

    def value(self, call: Call, returns: Returns | None, shapes: dict[str, Any]) -> Any:
        """The value that the reference returned.

        Args:
            call: what is asked.
            returns: what the contract says comes back.
            shapes: unused; the value was checked when it was frozen.

        Returns:
            The value in the contract's form; ``None`` for a module, which is asked when it is
            called.

        Raises:
            Vanished: the value is not in the file.
        """
        if isinstance(returns, Module) and call.function != "()":
            return None
        found = nearest(self._values.known, question(call))
        if found is None:
            raise Vanished(
                f"this copy of the grader has no value for a call of {call.function}: {AGAIN}"
            )
        return found

    def mistaken(self, call: Call) -> Mapping[str, Sequence[Parts]]:
        """Sketches of what known mistakes return, by ``name.way``; empty if none are known."""
        return nearest(self._values.mistaken, question(call)) or {}

    def seen(self, parts: Parts) -> Parts:
        """Their sketches."""
        return tuple(map(sketch, parts))


def nearest(rows: Mapping[str, Sequence[tuple[tuple[float, ...], T]]], asked: Question) -> T | None:
    """The value whose inputs are nearest to the question's; ``None`` if none is near enough."""
    alike = rows.get(asked.digest, ())
    apart = [distance(numbers, asked.numbers) for numbers, _ in alike]
    if not apart or not min(apart) <= SAME_INPUT:  # NaN is near nothing
        return None
    return alike[apart.index(min(apart))][1]


def distance(one: Sequence[float], other: Sequence[float]) -> float:
    """How far apart the inputs of two calls with one digest are, relative to their size."""
    a, b = np.asarray(one), np.asarray(other)
    size = max(float(np.linalg.norm(a)), float(np.linalg.norm(b)), 1e-12)
    return float(np.linalg.norm(a - b)) / size


def question(call: Call) -> Question:
    """What a call asks; the same on every machine.

    Raises:
        TypeError: the call holds something that no call can hold.
    """
    digest = hashlib.sha256()
    # Every array counts equally, whatever its size: its direction, and the logarithm of its norm.
    pieces = [np.zeros(0)]
    for tag, leaf in content(call):
        words: list[object] = [tag]
        if isinstance(leaf, np.ndarray):
            words += [leaf.dtype.name if leaf.dtype.kind == "f" else leaf.dtype.kind, leaf.shape]
        if isinstance(leaf, float) or (isinstance(leaf, np.ndarray) and leaf.dtype.kind == "f"):
            numbers = np.asarray(leaf, dtype=np.float64).ravel()
            size = float(np.linalg.norm(numbers)) or 1.0
            pieces += [numbers / size, np.array([np.log(size)])]
        else:
            words.append(leaf.tolist() if isinstance(leaf, np.ndarray) else leaf)
        # As json.dumps writes a list of strings, which takes three times as long.
        digest.update(f"[{', '.join(encode_basestring_ascii(str(w)) for w in words)}]".encode())
    numbers = np.concatenate(pieces)
    size = float(np.linalg.norm(numbers))
    return Question(digest.hexdigest()[:20], (size, *_projected(numbers, 3).tolist()))


def sketch(part: Array) -> Array:
    """A projection of an array to :data:`WIDTH` numbers, which keeps distances.

    Integers and short arrays stay as they are.  Arrays of different shapes have unrelated sketches.
    """
    if part.dtype.kind != "f" or part.size <= WIDTH:
        return part
    seed = int.from_bytes(hashlib.sha256(str(part.shape).encode()).digest()[:4], "little")
    made: Array = _projected(part.ravel().astype(np.float64), WIDTH, seed) / np.sqrt(WIDTH)
    return made


def _projected(numbers: Array, width: int, seed: int = 0) -> Array:
    return np.asarray(numbers @ _signs(len(numbers), width, seed))


@cache
def _signs(length: int, width: int, seed: int) -> Array:
    # Integers of this generator are the same in every version of NumPy.
    drawn: Array = np.random.RandomState(seed).randint(0, 2, (length, width))
    return 2.0 * drawn - 1.0
