"""Frames that lie, drawn from a generator: what ``fuzz.py`` tries.

Each begins as a valid one, of which a few things are then changed: what is far from valid is
refused at once.
"""

from __future__ import annotations

import json
import struct
from random import Random
from typing import Any

import numpy as np

from grader.homework.networks import Network
from grader.records import Call, NumPy, Other, Received
from grader.sandbox.protocol.wire import MAX_HEADER, MAX_PAYLOAD, encode

__all__ = ["NUMBERS", "bent", "frame"]

NUMBERS = [0, 1, 2, 5, 7, 8, 127, 255, 512, 4096, 65535, 2**16, 2**20, 2**31 - 1, 2**31]
NUMBERS += [2**32 - 1, 2**32, 2**53, 2**60, 2**63 - 1, 2**63, 2**64 - 1, -1, -2, -512, -(2**63)]


def bent(data: bytes, random: Random, most: int = 4) -> bytes:
    """The bytes with some of them changed, left out, doubled, or moved."""
    changed = bytearray(data)
    for _ in range(random.randint(1, most)):
        at = random.randrange(len(changed) + 1)
        size = random.choice((1, 1, 2, 4, 8, 30, 512))
        way = random.randrange(6)
        if way == 0:
            changed[at : at + 1] = bytes([random.randrange(256)])
        elif way == 1 and at < len(changed):
            changed[at] ^= 1 << random.randrange(8)
        elif way == 2:
            del changed[at : at + size]
        elif way == 3:
            changed[at:at] = changed[at : at + size]
        elif way == 4:
            other = random.randrange(len(changed) + 1)
            changed[at : at + size] = changed[other : other + size]
        else:
            number = random.choice(NUMBERS) % 2 ** (8 * min(size, 8))
            order = random.choice(("little", "big"))
            changed[at : at + size] = number.to_bytes(min(size, 8), order)
    return bytes(changed)


def _messages() -> list[dict[str, Any]]:
    floats, booleans = np.arange(6, dtype=np.float32).reshape(2, 3), np.array([True, False])
    reply = {"id": 1, "changed": ["xs"], "passes": [3, 2]}
    error = {"kind": "raised", "message": "m", "types": ["E"], "file": "f", "line": 1, "code": "c"}
    call = Call("class_influence", {"model": Network("digits", mix=((0.5, 2),)), "xs": floats}, 3)
    values: list[Any] = [
        *(None, 1.5, True, "text", [1, [2.0, 3]], {"a": [1], "b": None}, Other("module", "Sub")),
        Received(floats, "tensor", "float32"),
        [Received(np.arange(2), "list", "int64"), Received(booleans, "tensor", "bool")],
        [Received(np.zeros((0, 3), np.float16), "array", "float16"), Other("value", "dict")],
        Received(np.ones((2,) * 12, np.int8), "tensor", "int8"),
    ]
    messages = [{**reply, "value": value} for value in values]
    messages += [{"id": 1, "error": error, "changed": ["xs"]}]
    messages += [{"op": "call", "call": call, "id": 1}, {"op": "load", "part": "gan", "id": 2}]
    messages += [{"op": "files", "files": {"gan.py": np.arange(9, dtype=np.uint8)}, "id": 0}]
    messages += [{"c": NumPy(booleans)}, {"d": [NumPy(booleans)] * 3}]
    return [*messages, {"ready": True}, {"a": NumPy(floats), "b": [NumPy(booleans)]}]


SEEDS = [encode(message) for message in _messages()]
TAGS = ["$array", "$numpy", "$network", "$call", "$other", "$dict", "origin", "dtype", "arguments"]
TAGS += ["seed", "name", "id", "value", "error", "changed", "passes", "kind", "mix"]
SCALARS = [None, True, False, "", "0", "1", "tensor", "module", "\ud800", "\x1b[2J\0", "9" * 300]
SCALARS += [*NUMBERS, 0.5, 1e308, float("inf"), float("nan"), 10**400, -(10**400)]
TEXTS = [b"1e999", b"-1e999", b"NaN", b"9" * 4000, b"9" * 60_000, b"[" * 2000, b'{"a":' * 2000]
TEXTS += [b"[" * 30 + b"]" * 30, b'"\\ud800"', b"\xff\xfe", b"\xed\xa0\x80", b"\0", b"1e-999"]
TEXTS += [b'{"$array":"0","$array":"1"}', b'["id",1],["id",2],', b"0.1e1_0", b"\xf0\x9f\x98\x80"]
DTYPES = ["F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U8", "U16", "U64", "BOOL"]
DTYPES += ["F8_E4M3", "C64", "O", "", "f4", "F4"]


def _nodes(tree: Any) -> list[tuple[Any, Any]]:
    """Every place in a tree of JSON, as what it lies in and its key there."""
    found, todo = [], [tree]
    while todo:
        inner = todo.pop()
        keys = inner if isinstance(inner, dict) else range(len(inner))
        found += [(inner, key) for key in keys]
        todo += [inner[key] for key in keys if isinstance(inner[key], (dict, list))]
    return found


def _odd(random: Random, tree: Any) -> Any:
    """A value that does not belong there."""
    way = random.randrange(7)
    if way < 3:
        return random.choice(SCALARS)
    if way == 3:
        return {random.choice(TAGS): random.choice(SCALARS) for _ in range(random.randrange(4))}
    if way == 4:
        return {random.choice(("$array", "$numpy")): random.choice("012")}
    if way == 5:
        return [random.choice(SCALARS) for _ in range(random.choice((0, 1, 2, 3, 25)))]
    inner, key = random.choice(_nodes(tree))
    return inner[key]  # another part of it


def _in_tree(header: bytes, random: Random) -> bytes:
    try:
        tree = json.loads(header)
        nodes = _nodes([tree])
    except (ValueError, RecursionError):
        return bent(header, random)
    for _ in range(random.randint(1, 3)):
        inner, key = random.choice(nodes)
        odd = json.loads(json.dumps(_odd(random, [tree])))
        way = random.randrange(5)
        if way == 0 and isinstance(inner, dict):
            inner[random.choice(TAGS)] = inner.pop(key, odd)
        elif way == 1 and isinstance(inner, dict):
            inner.pop(key, None)
        elif way == 2 and isinstance(inner, list):
            inner.insert(random.randrange(len(inner) + 1), odd)
        elif isinstance(inner, dict) or key < len(inner):
            inner[key] = odd
    ascii_only = random.random() < 0.8
    return json.dumps(tree, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")


def _in_text(header: bytes, random: Random) -> bytes:
    at = random.randrange(len(header) + 1)
    return header[:at] + random.choice(TEXTS) + header[at + random.choice((0, 0, 1, 3)) :]


def _in_arrays(payload: bytes, random: Random) -> bytes:
    size = int.from_bytes(payload[:8], "little")
    try:
        tree = json.loads(payload[8 : 8 + size])
        entry = random.choice([value for value in tree.values() if isinstance(value, dict)])
    except (ValueError, IndexError, AttributeError):
        return bent(payload, random)
    data = payload[8 + size :]
    way = random.randrange(6)
    if way == 0:
        entry["dtype"] = random.choice([*DTYPES, *SCALARS[:5]])
    elif way == 1:
        dimensions = random.choice((0, 1, 2, 3, 5, 33, 70))
        entry["shape"] = [random.choice([0, 1, 2, *NUMBERS]) for _ in range(dimensions)]
    elif way == 2:
        entry["shape"] = random.choice(([0, 2**60], [2**60, 0], [0] * 64, [1] * 65, [2] * 26, [[]]))
        entry["data_offsets"] = [0, 0]
    elif way == 3:
        entry["data_offsets"] = [random.choice(NUMBERS) for _ in range(random.choice((1, 2, 2, 2)))]
    elif way == 4:
        tree[random.choice(("0", "1", "__metadata__", "x"))] = random.choice(
            (entry, {}, {"a": "b"})
        )
    else:
        data = bent(data, random)
    text = json.dumps(tree).encode()
    size = len(text) if random.random() < 0.95 else random.choice(NUMBERS) % 2**64
    return size.to_bytes(8, "little") + text + data


def _full(random: Random) -> tuple[bytes, bytes]:
    """As much as fits into a header, or more."""
    way = random.randrange(6)
    count = random.choice((5000, 15_000, 21_000, 40_000))
    if way == 0:
        return b'{"$dict":[["id",' + b"[" + b"[]," * count + b"[]]]]}", b""
    if way == 1:
        return b'{"$dict":[' + b",".join(b'["%d",1]' % i for i in range(count // 3)) + b"]}", b""
    if way == 2:
        return b"{" + b",".join(b'"%d":1' % i for i in range(count // 3)) + b"}", b""
    if way == 3:
        return encode({"a": [np.zeros(0, np.int8)] * 700})
    sides = random.choice([(2,) * 18, (2,) * 20, (1,) * 32, (2**20,), (1, 2**18, 4), (0, 2**60)])
    kind = np.dtype(random.choice(("int8", "bool", "uint8")))
    size = int(np.prod(sides, dtype=object)) * kind.itemsize
    names = {"int8": "I8", "bool": "BOOL", "uint8": "U8"}
    entry = {"0": {"dtype": names[kind.name], "shape": sides, "data_offsets": [0, size]}}
    text = json.dumps(entry).encode()
    array = random.choice(("$array", "$numpy"))
    place = random.choice(("id", "value", "changed", "passes"))
    fields = {"id": 1, "value": None, "changed": [], "passes": [0, 0]}
    header = {"$dict": [[k, v] for k, v in {**fields, place: {array: "0"}}.items()]}
    return json.dumps(header).encode(), struct.pack("<Q", len(text)) + text + b"\2" * size


def frame(random: Random) -> bytes:
    """A stream of one frame, or of what is left of it."""
    header, payload = random.choice(SEEDS)
    if random.random() < 0.002:
        header, payload = _full(random)
    for _ in range(random.choice((0, 1, 1, 1, 1, 2, 3))):
        way = random.random()
        if way < 0.5:
            header = _in_tree(header, random)
        elif way < 0.6:
            header = _in_text(header, random)
        elif way < 0.7:
            header = bent(header, random)
        elif way < 0.9 and payload:
            payload = _in_arrays(payload, random)
        else:
            payload = bent(payload, random) if way < 0.97 else random.choice(SEEDS)[1]
    sizes = [len(header), len(payload)]
    if random.random() < 0.03:
        lies = [*NUMBERS, MAX_HEADER, MAX_HEADER + 1, MAX_PAYLOAD, MAX_PAYLOAD + 1]
        sizes[random.randrange(2)] = random.choice([*lies, sizes[0] - 1, sizes[1] + 1]) % 2**32
    stream = struct.pack(">II", *sizes) + header + payload
    if random.random() < 0.03:
        stream = stream[: random.randrange(len(stream) + 1)] + random.randbytes(random.randrange(9))
    return stream
