"""Reading replies of guests: a message is what a guest could have sent, or it is garbage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from grader.records import Other, Passes, Received, Reply, StudentError
from grader.sandbox.protocol.wire import Garbage

__all__ = ["read"]

_REPLIES = ({"id", "value", "changed", "passes"}, {"id", "error", "changed"})


def read(message: Mapping[str, Any], number: int, seconds: float, printed: str = "") -> Reply:
    """The reply that a message is.

    Args:
        message: what was decoded; forged, it may hold anything anywhere.
        number: of the request that it must answer.
        seconds: how long that took.
        printed: what student code printed meanwhile.

    Raises:
        Garbage: no guest would have sent it.
    """
    try:
        if _count(message["id"]) != number or set(message) not in _REPLIES:
            raise Garbage("not the reply to this request")
        changed = _texts(message["changed"], 200)
        if "error" not in message:
            forward, backward = map(_count, message["passes"])
            value = _value(message["value"])
            return Reply(value, None, printed, changed, seconds, Passes(forward, backward))
        error = message["error"]
        error = StudentError(
            _text(error["kind"]),
            _text(error["message"], 2000),
            _texts(error["types"], 100),
            _text(error["file"], 200),
            _count(error["line"]),
            _text(error["code"], 200),
        )
        if error.kind not in ("raised", "missing", "load", "memory"):
            raise Garbage("an unknown kind of error")
        return Reply(None, error, printed, changed, seconds)
    except Garbage:
        raise
    except Exception as error:
        raise Garbage("a malformed reply") from error


def _text(value: Any, most: int | None = None) -> str:
    # Not str(value): an array of many dimensions takes minutes and gigabytes to print.
    if type(value) is not str:
        raise TypeError("not a text")
    return value[:most]


def _texts(value: Any, most: int) -> tuple[str, ...]:
    if type(value) is not list:
        raise TypeError("not a list")
    return tuple(_text(text, most) for text in value[:20])


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 2**31:
        raise TypeError("not a count")
    return value


def _value(value: Any) -> Any:
    """The value, if a guest could have sent it: no calls, networks or arrays without an origin."""
    inner = value.values() if type(value) is dict else value if type(value) is list else ()
    for item in inner:
        _value(item)
    if value is not None and type(value) not in (
        bool,
        int,
        float,
        str,
        list,
        dict,
        Received,
        Other,
    ):
        raise TypeError("not a value")
    return value
