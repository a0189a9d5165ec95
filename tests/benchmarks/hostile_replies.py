"""Replies that lie, drawn from a generator: what ``fuzz_checks.py`` hands to the checks.

Most begin as the right answer, of which a few things are then changed: what is far from right is
refused at once.  Each passes through a frame, as a guest's reply does.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np

from grader.calls.digest import key
from grader.gan_metrics.measure import digits
from grader.records import Call, Limits, Other, Received, Reply, StudentError
from grader.sandbox.host.session import InProcessSession
from grader.sandbox.protocol import replies, wire

__all__ = ["HostileSession", "Right"]

DTYPES = ("float32", "float64", "float16", "int64", "int32", "int16", "int8", "uint8", "bool")
LENGTHS = (0, 1, 2, 3, 7, 16, 33, 20_000, 20_001, 100_000)
NUMBERS = (0, 1, -1, 5, 2**31 - 1, 2**31, 2**53, 2**63 - 1, -(2**63), 0.0, -0.0, 0.5, 1e-320)
NUMBERS += (1e308, -1e308, float("inf"), float("-inf"), float("nan"), True, False)
TEXTS = ("", "x", "wgan", "other", "lsgan", "\ud800", "\x1b[2J\0", "<script>", "=1+1", "9" * 5000)
TEXTS += ("None", "a\nb" * 300, "\u202e", "{0}", "%s%n", "::stop-commands::", "samples", "losses")
TYPES = ("ValueError", "IndexError", "Exception", "KeyError", "", "\ud800", "X" * 300, "<b>")
KINDS = ("raised", "raised", "raised", "missing", "load", "memory")
ENDS = ("timeout", "died", "garbage", "memory")
FEW = 20
"""Steps of a training that only has to have the right form."""


class Right:
    """What a right submission answers; each call is carried out once, trainings in short.

    Args:
        files: of the submission.
    """

    def __init__(self, files: dict[str, bytes]) -> None:
        self._session = InProcessSession(files)
        self._known: dict[str, Reply] = {}

    def answer(self, call: Call) -> Reply:
        """The reply to a call."""
        name = key(call)
        if name not in self._known:
            self._known[name] = self._made(call)
        return self._known[name]

    def _made(self, call: Call) -> Reply:
        if not call.function.startswith("drive:"):
            return self._session.call(call)
        arguments = dict(call.arguments)
        for most in ("steps", "enough"):
            if most in arguments:
                arguments[most] = min(arguments[most], FEW)
        reply = self._session.call(replace(call, arguments=arguments))
        if isinstance(reply.value, dict) and "samples" in reply.value:  # or no check looks further
            shown = Received(digits().held_out.copy(), "tensor", "float32")
            reply = replace(reply, value={**reply.value, "samples": shown})
        return reply


class HostileSession:
    """Answers calls with lies.

    Args:
        random: what lies are drawn from.
        right: gives the answers that are bent; ``None``: there are none.
        before: called as each call comes in.
        after: called as each reply goes out.
    """

    def __init__(
        self,
        random: Random,
        right: Right | None,
        before: Callable[[], None] = lambda: None,
        after: Callable[[], None] = lambda: None,
    ) -> None:
        self._random, self._right = random, right
        self._before, self._after = before, after
        self._honesty = random.choice((0.0, 0.5, 0.9, 0.97))
        self.replies = 0

    def call(self, call: Call, limits: Limits | None = None) -> Reply:
        """A reply to the call, which may be right."""
        self._before()
        reply = self._reply(call)
        self.replies += 1
        self._after()
        return reply

    def fresh(self) -> HostileSession:
        """A fresh process lies as this one does."""
        return self

    def close(self) -> None:
        """Nothing is open."""

    def _reply(self, call: Call) -> Reply:
        random = self._random
        base = self._right.answer(call) if self._right is not None else Reply()
        if self._right is not None and random.random() < self._honesty:
            return base
        if random.random() < 0.05:
            kind = random.choice(ENDS)
            return Reply(error=StudentError(kind, "the call ended", (kind,)))
        message: dict[str, Any] = {"id": 1, **_error(random), "changed": []}
        if random.random() < 0.85:
            value = bent(random, copy.deepcopy(base.value))
            changed = [random.choice(TEXTS)] * random.choice((0, 0, 1, 30))
            message = {"id": 1, "value": value, "changed": changed}
            message["passes"] = [random.choice((0, 3, 2**31 - 1)) for _ in "fb"]
        try:
            frame = wire.encode(message, wire.MAX_REPLY)
            return replies.read(wire.decode(*frame), 1, 0.0, random.choice(TEXTS))
        except (wire.Garbage, TypeError):
            return Reply(error=StudentError("garbage", "bad bytes", ("garbage",)))


def _error(random: Random) -> dict[str, Any]:
    return {
        "error": {
            "kind": random.choice(KINDS),
            "message": random.choice(TEXTS),
            "types": [random.choice(TYPES) for _ in range(random.choice((0, 0, 1, 2, 25)))],
            "file": random.choice(("", "part1_focused.py", *TEXTS)),
            "line": random.choice((0, 1, 2**31 - 1)),
            "code": random.choice(TEXTS),
        }
    }


def bent(random: Random, value: Any) -> Any:
    """The value with one to three things changed in it, or another one."""
    for _ in range(random.randint(1, 3)):
        if random.random() < 0.3:
            value = _odd(random, value)
            continue
        places = _places(value)
        if not places:
            value = _odd(random, value)
            continue
        inner, at = random.choice(places)
        way = random.randrange(8)
        if way == 0:
            del inner[at]
        elif way == 1 and isinstance(inner, dict):
            inner[random.choice(TEXTS)] = inner.pop(at)
        elif way == 1:
            inner.append(inner[at])
        else:
            inner[at] = _odd(random, inner[at])
    return value


def _places(value: Any) -> list[tuple[Any, Any]]:
    found, todo = [], [value]
    while todo:
        inner = todo.pop()
        if isinstance(inner, dict | list):
            keys = list(inner) if isinstance(inner, dict) else range(len(inner))
            found += [(inner, at) for at in keys]
            todo += [inner[at] for at in keys]
    return found


def _odd(random: Random, value: Any) -> Any:
    """Something that may stand where ``value`` does."""
    way = random.randrange(20)
    if isinstance(value, Received) and way < 14:
        return _array(random, value)
    if way < 10:
        shape = random.choice(((), (0,), (1,), (5,), (3, 0), (2, 3, 4), (600, 1, 8, 8), (2, 9)))
        return _array(random, Received(np.zeros(shape, np.float32), "tensor", "float32"))
    if way < 13:
        return random.choice(NUMBERS)
    if way == 13:
        return random.choice(TEXTS)
    if way == 14:
        return Other(random.choice(("module", "value", "words")), random.choice(TEXTS))
    if way == 15:
        return [random.choice(NUMBERS) for _ in range(random.choice((0, 1, 2, 3, 9)))]
    if way == 16:
        return [value, value]
    if way == 17:
        return {random.choice(TEXTS): value}
    if way == 18:
        nested: Any = random.choice((1.0, [], value))
        for _ in range(random.randint(1, 20)):
            nested = [nested] * random.choice((1, 1, 2))
            if random.random() < 0.3:
                break
        return nested
    return None


def _array(random: Random, given: Received) -> Received:
    array, way = given.array, random.randrange(5)
    if way < 2:
        array = _shaped(random, array)
    if way != 1:
        array = _filled(random, array)
    if random.random() < 0.4:
        with np.errstate(all="ignore"):
            array = array.astype(random.choice(DTYPES))
    if random.random() < 0.003:
        row = random.choice(((), (2,), (16,), (1, 8, 8)))
        rows = (wire.MAX_REPLY - 1024) // int(np.prod(row, dtype=int))
        array = np.ones((rows, *row), random.choice(("int8", "uint8", "bool")))
    origin = random.choice(("tensor", "tensor", "array", "list"))
    return Received(array, origin, random.choice((array.dtype.name, given.dtype, "float64", "x")))


def _shaped(random: Random, array: np.ndarray) -> np.ndarray:
    shape = list(array.shape)
    way = random.randrange(7)
    if way < 3 and shape:
        shape[random.randrange(len(shape))] = random.choice(LENGTHS)
    elif way == 3:
        shape.insert(random.randint(0, len(shape)), random.choice((0, 1, 1, 2)))
    elif way == 4 and shape:
        del shape[random.randrange(len(shape))]
    elif way == 5:
        shape.reverse()
    else:
        shape = random.choice(([], [0], [0, 2**40], [2**40, 0, 3], [1] * 30, [array.size]))
    size = int(np.prod(shape, dtype=object))
    if size * array.itemsize > wire.MAX_REPLY:
        shape, size = [0], 0
    return np.resize(array, size).reshape(shape) if array.size else np.zeros(shape, array.dtype)


def _filled(random: Random, array: np.ndarray) -> np.ndarray:
    array, way = np.array(array), random.randrange(9)
    number = random.choice(NUMBERS)
    with np.errstate(all="ignore"):
        if array.dtype.kind != "f" and not np.isfinite(number):
            number = 2
        if array.dtype.kind in "iu":
            number = int(np.clip(int(number), *_ends(array)))
        if way < 2:
            array[...] = number
        elif way < 4 and array.size:
            array.reshape(-1)[random.randrange(array.size)] = number
        elif way == 4:
            array = np.asarray(array * 1.001).astype(array.dtype)
        elif way == 5:
            array = np.asarray(-array if array.dtype.kind in "fi" else ~array)
        elif way == 6:
            array = np.asarray(np.abs(array) if array.dtype.kind in "fi" else array)
        elif way == 7:
            array = np.ascontiguousarray(array[..., ::-1]) if array.ndim else array
        else:
            draw = np.random.RandomState(random.randrange(2**31)).standard_normal(array.shape)
            array = np.asarray(draw).astype(array.dtype)
    return array


def _ends(array: np.ndarray) -> tuple[int, int]:
    return int(np.iinfo(array.dtype).min), int(np.iinfo(array.dtype).max)
