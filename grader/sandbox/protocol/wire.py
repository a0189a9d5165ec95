"""Frames between the grader and a guest: JSON and safetensors, length-prefixed; never pickle.

A frame is two big-endian 32-bit lengths, the header and the payload.  The header is JSON, in which
arrays stand as ``{"$array": i}`` and point into the payload, each array exactly once.  Everything
is checked before it is used: lengths before reading, dtypes against a list, structure by exact
keys, depth against a cap.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import IO, Any

import numpy as np
from safetensors.numpy import load, save

from grader.homework.networks import Network
from grader.records import Call, NumPy, Other, Received

__all__ = [
    "MAX_DEPTH",
    "MAX_HEADER",
    "MAX_PAYLOAD",
    "MAX_REPLY",
    "MAX_STATE",
    "Garbage",
    "decode",
    "encode",
    "most_of",
    "read_frame",
    "write_frame",
]

MAX_HEADER = 64 * 1024
MAX_PAYLOAD = 64 * 1024 * 1024
MAX_STATE = 48 * 1024 * 1024
"""The bytes of arrays that a reply to a driver may have: a network's state is among them."""
MAX_REPLY = 8 * 1024 * 1024
"""The bytes of arrays that a guest may send at once: the largest honest reply has 4 MiB.

The grader reads, copies and converts them, so that it takes several times as much for a moment.
"""
MAX_DEPTH = 24
"""How deep values may nest; far from where Python's own recursion ends."""

_LENGTHS = struct.Struct(">II")
_DTYPES = ("float32", "float64", "float16", "int64", "int32", "int16", "int8", "uint8", "bool")
_ORIGINS = ("tensor", "array", "list")
_KINDS = ("module", "value", "words")


class Garbage(ValueError):  # noqa: N818 - it names the bytes, not our failure
    """The bytes are not a frame, or not the frame of a value."""


def most_of(request: Mapping[str, Any]) -> int:
    """The bytes of arrays that the reply to a request may have."""
    call = request.get("call")
    drives = isinstance(call, Call) and call.function.startswith("drive:")
    return MAX_STATE if drives else MAX_REPLY


def encode(message: Mapping[str, Any], most: int = MAX_PAYLOAD) -> tuple[bytes, bytes]:
    """Header and payload of a message.

    Args:
        message: JSON values, arrays, ``Received``, ``NumPy``, ``Network``, ``Call`` and ``Other``,
            nested up to :data:`MAX_DEPTH`.
        most: bytes that its arrays may have together.

    Raises:
        TypeError: something else is in it.
        Garbage: it is larger than a frame may be.
    """
    arrays: dict[str, np.ndarray] = {}
    text = json.dumps(_to_json(message, arrays, 0), ensure_ascii=False)
    header = text.encode("utf-8", "surrogatepass")
    payload = save(arrays) if arrays else b""
    if max(len(header), int.from_bytes(payload[:8], "little")) > MAX_HEADER:
        raise Garbage(f"a message of {len(header)} bytes and {len(arrays)} arrays is too long")
    if len(payload) > most:
        raise Garbage(f"arrays of {len(payload)} bytes are too large")
    return header, payload


def _to_json(value: Any, arrays: dict[str, np.ndarray], depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise Garbage("values nested too deep")
    if isinstance(value, np.ndarray):
        return {"$array": _put(value, arrays)}
    if isinstance(value, Received):
        return {
            "$array": _put(value.array, arrays),
            "origin": value.origin,
            "dtype": value.dtype,
        }
    if isinstance(value, NumPy):
        return {"$numpy": _put(value.array, arrays)}
    if isinstance(value, Network):
        return {"$network": vars(value)}
    if isinstance(value, Call):
        arguments = {k: _to_json(v, arrays, depth + 1) for k, v in value.arguments.items()}
        return {"$call": value.function, "arguments": arguments, "seed": value.seed}
    if isinstance(value, Other):
        return {"$other": value.kind, "name": value.name}
    if isinstance(value, Mapping):
        return {"$dict": [[str(k), _to_json(v, arrays, depth + 1)] for k, v in value.items()]}
    if isinstance(value, (list, tuple)):
        return [_to_json(v, arrays, depth + 1) for v in value]
    if value is None or type(value) in (bool, int, float, str):
        return value
    raise TypeError(f"a {type(value).__name__} cannot be sent")


def _put(array: np.ndarray, arrays: dict[str, np.ndarray]) -> str:
    if array.dtype.name not in _DTYPES:
        raise TypeError(f"an array of {array.dtype.name} cannot be sent")
    # Before it is made contiguous: an expanded array takes no memory yet.
    if array.nbytes + sum(a.nbytes for a in arrays.values()) > MAX_PAYLOAD:
        raise Garbage(f"arrays of more than {MAX_PAYLOAD} bytes")
    if len(arrays) * len('{"$array": ""}') > MAX_HEADER:
        raise Garbage("more arrays than a header can name")
    name = str(len(arrays))
    arrays[name] = np.ascontiguousarray(array).reshape(array.shape)
    return name


def decode(header: bytes, payload: bytes, most: int = MAX_PAYLOAD) -> dict[str, Any]:
    """The message of a frame.

    Args:
        header: JSON.
        payload: the arrays.
        most: bytes that the payload may have.

    Raises:
        Garbage: it is none.
    """
    if len(payload) > most:
        raise Garbage("more arrays than an answer has")
    try:
        arrays = _load(payload)
        message = _from_json(json.loads(header), arrays, 0)
    except Garbage:
        raise
    except Exception as error:  # whatever a parser makes of hostile bytes
        raise Garbage(f"cannot be read: {type(error).__name__}") from error
    if not isinstance(message, dict):
        raise Garbage("not a message")
    if arrays:
        raise Garbage("arrays that no value names")
    return message


def _load(payload: bytes) -> dict[str, np.ndarray]:
    if not payload:
        return {}
    if len(payload) < 8 or int.from_bytes(payload[:8], "little") > MAX_HEADER:
        raise Garbage("arrays without a sound header")
    arrays = load(payload)
    for name, array in arrays.items():
        if array.dtype.name not in _DTYPES:
            raise Garbage(f"an array of {array.dtype.name}")
        if array.dtype.kind == "b":  # bytes other than 0 and 1 are neither true nor false
            arrays[name] = array.view(np.uint8) != 0
    return arrays


def _from_json(value: Any, arrays: dict[str, np.ndarray], depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise Garbage("values nested too deep")
    if isinstance(value, list):
        return [_from_json(v, arrays, depth + 1) for v in value]
    if not isinstance(value, dict):
        return value
    keys = set(value)
    if keys == {"$array"}:
        return arrays.pop(value["$array"])
    if keys == {"$array", "origin", "dtype"}:
        if value["origin"] not in _ORIGINS or not isinstance(value["dtype"], str):
            raise Garbage("an array of unknown origin")
        return Received(arrays.pop(value["$array"]), value["origin"], value["dtype"][:40])
    if keys == {"$numpy"}:
        return NumPy(arrays.pop(value["$numpy"]))
    if keys == {"$network"}:
        spec = dict(value["$network"])
        spec["mix"] = tuple((float(a), int(s)) for a, s in spec["mix"])
        return Network(**spec)
    if keys == {"$call", "arguments", "seed"}:
        arguments = {k: _from_json(v, arrays, depth + 1) for k, v in value["arguments"].items()}
        return Call(value["$call"], arguments, int(value["seed"]))
    if keys == {"$other", "name"}:
        if value["$other"] not in _KINDS:
            raise Garbage("a value of an unknown kind")
        return Other(value["$other"], str(value["name"])[:200])
    if keys == {"$dict"}:
        return {str(k): _from_json(v, arrays, depth + 1) for k, v in value["$dict"]}
    raise Garbage("an unknown kind of value")


def write_frame(stream: IO[bytes], header: bytes, payload: bytes) -> None:
    """Write one frame and flush it.

    Args:
        stream: to the other process.
        header: JSON, as bytes.
        payload: the bytes of the arrays that the header names.
    """
    stream.write(_LENGTHS.pack(len(header), len(payload)))
    stream.write(header)
    stream.write(payload)
    stream.flush()


def read_frame(stream: IO[bytes], most: int = MAX_PAYLOAD) -> tuple[bytes, bytes] | None:
    """Read one frame; ``None`` at the end of the stream.

    Args:
        stream: from the other process.
        most: bytes that its arrays may have together.

    Raises:
        Garbage: the lengths are over the caps, or the stream ends inside a frame.
    """
    lengths = _read(stream, _LENGTHS.size)
    if not lengths:
        return None
    if len(lengths) < _LENGTHS.size:
        raise Garbage("a truncated frame")
    header_size, payload_size = _LENGTHS.unpack(lengths)
    if header_size > MAX_HEADER or payload_size > most:
        raise Garbage("an oversized frame")
    header, payload = _read(stream, header_size), _read(stream, payload_size)
    if len(header) < header_size or len(payload) < payload_size:
        raise Garbage("a truncated frame")
    return header, payload


def _read(stream: IO[bytes], size: int) -> bytes:
    chunks = []
    while size > 0:
        chunk = stream.read(min(size, 1 << 20))
        if not chunk:
            break
        chunks.append(chunk)
        size -= len(chunk)
    return b"".join(chunks)
