"""The oracle's values in a file, for where there is no reference: a student's package.

A value is found by what its call asks.  Everything in a call counts exactly, but for the numbers of
its float arrays: computed inputs (nodes of a quadrature, points of a line) may differ in the last
digit between processors and libraries.  They are told apart by a few projections, up to
:data:`SAME_INPUT`.

What known mistakes give is kept as a sketch, a projection to :data:`WIDTH` numbers: enough to tell
whether a result is the one or the other (Johnson and Lindenstrauss 1984), and a small part of it.
"""

from __future__ import annotations

import hashlib
import json
import math
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load, save

from grader.contract import Module, Returns
from grader.networks import Network
from grader.records import Call
from grader.sandbox.wire import NumPy

__all__ = ["FILE", "FrozenOracle", "Parts", "Values", "Vanished", "distance", "question", "sketch"]

FILE = Path(__file__).parent / "data" / "frozen.safetensors"
FORMAT = 1

Array = np.ndarray
Parts = tuple[Array, ...]
"""A value as arrays of any shape: one for each item of a tuple, else a single one."""

SAME_INPUT = 1e-6
"""Relative difference up to which the inputs of two calls count as the same."""

_AGAIN = (
    "install the one that your course gives you once more "
    "(pip install --force-reinstall --no-deps -r requirements.txt)"
)

WIDTH = 8
"""Numbers of a sketch; shorter arrays are kept as they are."""


class Vanished(LookupError):  # noqa: N818 - it says what happened to the value
    """There is no such value: this copy of the grader is damaged, or of another version."""


@dataclass(frozen=True)
class Question:
    """What a call asks: a digest of all that is exact, and projections of its inputs' numbers."""

    digest: str
    numbers: tuple[float, ...]


@dataclass
class Values:
    """What is frozen.

    ``known``: by digest, the projections of the inputs and the value, for each call of that digest.
    ``mistaken``: likewise, what known mistakes give, by ``name.way``, as sketches.
    """

    known: dict[str, list[tuple[tuple[float, ...], Any]]] = field(default_factory=dict)
    mistaken: dict[str, list[tuple[tuple[float, ...], Mapping[str, Sequence[Parts]]]]] = field(
        default_factory=dict
    )

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all."""
        beside = path.with_name(path.name + ".new")
        try:
            beside.write_bytes(_packed(self))
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)

    @classmethod
    def read(cls, path: Path = FILE) -> Values:
        """The file as it was written.

        Raises:
            Vanished: it is not there, or not such a file; the message says what to do.
        """
        try:
            return _unpacked(path.read_bytes())
        except Exception as error:
            why = "is missing" if isinstance(error, FileNotFoundError) else "cannot be read"
            raise Vanished(
                f"{path.name}, which holds our own solution's results, {why}: {_AGAIN}"
            ) from None


class FrozenOracle:
    """Values from a file; nothing of the reference is imported."""

    freezing = False

    def __init__(self, path: Path = FILE) -> None:
        self._path = path

    @cached_property
    def _values(self) -> Values:
        return Values.read(self._path)

    def value(self, call: Call, returns: Returns | None, shapes: dict[str, Any]) -> Any:
        """The value as the reference gave it; nothing for a module, which is asked when called.

        Raises:
            Vanished: it is not in the file.
        """
        if isinstance(returns, Module) and call.function != "()":
            return None
        found = _nearest(self._values.known, question(call))
        if found is None:
            raise Vanished(
                f"this copy of the grader has no value for a call of {call.function}: {_AGAIN}"
            )
        return found

    def mistaken(self, call: Call) -> Mapping[str, Sequence[Parts]]:
        """What known mistakes give, as sketches; nothing where that is not known."""
        return _nearest(self._values.mistaken, question(call)) or {}

    def seen(self, parts: Parts) -> Parts:
        """Their sketches."""
        return tuple(map(sketch, parts))


def _nearest(rows: Mapping[str, Sequence[tuple[tuple[float, ...], Any]]], asked: Question) -> Any:
    found = [(distance(numbers, asked.numbers), i) for i, (numbers, _) in _all(rows, asked)]
    if not found or not min(found)[0] <= SAME_INPUT:  # NaN is near nothing
        return None
    return rows[asked.digest][min(found)[1]][1]


def _all(rows: Mapping[str, Sequence[Any]], asked: Question) -> Iterator[tuple[int, Any]]:
    return enumerate(rows.get(asked.digest, ()))


def distance(one: Sequence[float], other: Sequence[float]) -> float:
    """How far the inputs of two calls of one digest are apart, relative to their size."""
    a, b = np.asarray(one), np.asarray(other)
    size = max(float(np.linalg.norm(a)), float(np.linalg.norm(b)), 1e-12)
    return float(np.linalg.norm(a - b)) / size


def question(call: Call) -> Question:
    """What a call asks; the same on every machine.

    Raises:
        TypeError: something is in it that a call cannot hold.
    """
    digest = hashlib.sha256()
    floats: list[Array] = []
    _feed(call, digest.update, floats)
    # Each array counts alike, however large or long: its direction, and the logarithm of its size.
    pieces = [np.zeros(0)]
    for numbers in floats:
        size = float(np.linalg.norm(numbers)) or 1.0
        pieces += [numbers.ravel() / size, np.array([np.log(size)])]
    numbers = np.concatenate(pieces)
    size = float(np.linalg.norm(numbers))
    return Question(digest.hexdigest()[:20], (size, *_projected(numbers, 3).tolist()))


def _feed(value: Any, update: Callable[[bytes], None], floats: list[Array]) -> None:
    def exactly(*words: object) -> None:
        update(json.dumps([str(word) for word in words]).encode())

    if isinstance(value, Call):
        exactly("call", value.function, value.seed, len(value.arguments))
        for name in sorted(value.arguments):
            exactly("name", name)
            _feed(value.arguments[name], update, floats)
    elif isinstance(value, NumPy):
        exactly("numpy")
        _feed(value.array, update, floats)
    elif isinstance(value, np.ndarray) and value.dtype.kind == "f":
        exactly("floats", value.dtype.name, value.shape)
        floats.append(value.astype(np.float64))
    elif isinstance(value, np.ndarray):
        exactly("array", value.dtype.kind, value.shape, *value.ravel().tolist())
    elif isinstance(value, float):
        exactly("float")
        floats.append(np.array([value]))
    elif isinstance(value, list | tuple):
        exactly("list", len(value))
        for item in value:
            _feed(item, update, floats)
    elif isinstance(value, Network):
        mix = tuple((float(factor), int(seed)) for factor, seed in value.mix)
        exactly("network", replace(value, mix=mix))
    elif value is None or isinstance(value, bool | int | str):
        exactly(type(value).__name__, value)
    else:
        raise TypeError(f"a frozen call cannot hold a {type(value).__name__}")


def sketch(part: Array) -> Array:
    """An array in :data:`WIDTH` numbers that keep distances; integers and short ones as they are.

    Arrays of different shapes have unrelated sketches.
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


# --- The file: numbers of one kind one behind the other, and JSON that says which is which -------


def _packed(values: Values) -> bytes:
    numbers, parts = _Written("known"), _Written("part")
    asked: list[Sequence[float]] = []
    known, mistaken = [], []
    for digest, rows in sorted(values.known.items()):
        for projections, value in rows:
            asked.append(projections)
            known.append([digest, _spec(value, numbers)])
    groups: dict[str, int] = {}
    for digest, rows in sorted(values.mistaken.items()):
        for projections, by_name in rows:
            asked.append(projections)
            ids = {}
            for name, alternatives in by_name.items():
                made = [[parts.once(_short(part)) for part in one] for one in alternatives]
                ids[name] = groups.setdefault(json.dumps(made), len(groups))
            mistaken.append([digest, ids])
    tensors = {**numbers.tensors(), **parts.tensors(), "asked": np.asarray(asked)}
    index = {
        "format": FORMAT,
        "digest": _digest(tensors),
        "known": known,
        "parts": parts.specs,
        "groups": [json.loads(made) for made in groups],
        "mistaken": mistaken,
    }
    text = zlib.compress(json.dumps(index, separators=(",", ":")).encode(), 9)
    return save({**tensors, "index": np.frombuffer(text, dtype=np.uint8)})


def _unpacked(content: bytes) -> Values:
    stored = load(content)
    index = json.loads(zlib.decompress(stored["index"].tobytes()))
    if index["format"] != FORMAT:
        raise ValueError(f"format {index['format']}, this version reads {FORMAT}")
    if index["digest"] != _digest({n: of for n, of in stored.items() if n != "index"}):
        raise ValueError("its numbers are not those that were written")
    asked = map(tuple, stored["asked"].tolist())
    numbers, parts = _Read("known", stored), _Read("part", stored)
    values = Values()
    for digest, spec in index["known"]:
        values.known.setdefault(digest, []).append((next(asked), _value(spec, numbers)))
    places = [(spec, parts.skip(spec)) for spec in index["parts"]]
    groups = index["groups"]

    def made(group: int) -> list[Parts]:
        return [tuple(parts.at(*places[part]) for part in one) for one in groups[group]]

    for digest, ids in index["mistaken"]:
        values.mistaken.setdefault(digest, []).append((next(asked), _Made(ids, made)))
    return values


def _digest(tensors: Mapping[str, Array]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(f"{name}{tensors[name].shape}".encode() + tensors[name].tobytes())
    return digest.hexdigest()


class _Made(Mapping[str, list[Parts]]):
    """What mistakes give, of which few are ever looked at."""

    def __init__(self, ids: Mapping[str, int], made: Callable[[int], list[Parts]]) -> None:
        self._ids, self._make = ids, made

    def __getitem__(self, name: str) -> list[Parts]:
        return self._make(self._ids[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __len__(self) -> int:
        return len(self._ids)


def _short(part: Array) -> Array:
    return part.astype(np.float32) if part.dtype.kind == "f" else part


def _spec(value: Any, written: _Written) -> Any:
    if isinstance(value, tuple):
        return {"tuple": [_spec(item, written) for item in value]}
    spec = written.add(np.asarray(value))
    return spec if isinstance(value, np.ndarray | np.generic) else {"number": spec}


def _value(spec: Any, read: _Read) -> Any:
    if isinstance(spec, list):
        return read.at(spec, read.skip(spec))
    if "number" in spec:
        return _value(spec["number"], read).item()
    return tuple(_value(item, read) for item in spec["tuple"])


class _Written:
    """Arrays that are written, in order; what tells how to read one is its kind and shape."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._rows: dict[str, list[Array]] = {}
        self._ids: dict[bytes, int] = {}
        self.specs: list[list[Any]] = []

    def add(self, array: Array) -> list[Any]:
        """Write one; its spec."""
        array = array.astype(np.int64) if array.dtype.kind in "iub" else array
        if array.dtype.name not in ("float32", "float64", "int64"):
            raise TypeError(f"{array.dtype} cannot be frozen")
        self._rows.setdefault(array.dtype.name, []).append(array.ravel())
        return [array.dtype.name, *array.shape]

    def once(self, array: Array) -> int:
        """Write one that was not written before; its number."""
        same = f"{array.dtype.str}{array.shape}".encode() + array.tobytes()
        if same not in self._ids:
            self._ids[same] = len(self.specs)
            self.specs.append(self.add(array))
        return self._ids[same]

    def tensors(self) -> dict[str, Array]:
        """All of them, by kind."""
        return {f"{self._name}_{kind}": np.concatenate(rows) for kind, rows in self._rows.items()}


class _Read:
    def __init__(self, name: str, stored: Mapping[str, Array]) -> None:
        self._name, self._stored = name, stored
        self._next: dict[str, int] = {}

    def skip(self, spec: Sequence[Any]) -> int:
        """Where an array begins, in the order in which they were written."""
        kind, *shape = spec
        start = self._next.get(kind, 0)
        self._next[kind] = start + math.prod(shape)
        return start

    def at(self, spec: Sequence[Any], start: int) -> Array:
        """The array that begins there."""
        kind, *shape = spec
        numbers = self._stored[f"{self._name}_{kind}"]
        return numbers[start : start + math.prod(shape)].reshape(shape)
