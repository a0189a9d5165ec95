"""The late rule: when the homework is due, and what is taken off for each day after that."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from grader.errors import BadAssignment
from grader.text import shown

__all__ = ["Late", "moment", "read"]

_EXAMPLE = '"2026-03-01 23:59"'


@dataclass(frozen=True)
class Late:
    """When the homework is due, and what it costs to be late.

    Args:
        due: the last moment that is on time, ISO 8601 with the distance to UTC; "" is no rule.
        zone: of times that say no distance to UTC, by its name (``Europe/Vienna``).
        grace_minutes: so much later still counts as on time.
        percent_per_day: of all that was earned, for each day that has begun.
        free_days: so many days cost a student nothing, unless the roster says how many are left.
        most_percent: it never takes more.
    """

    due: str = ""
    zone: str = ""
    grace_minutes: float = 0.0
    percent_per_day: float = 0.0
    free_days: int = 0
    most_percent: float = 100.0

    @property
    def at(self) -> datetime:
        """When the homework is due."""
        return datetime.fromisoformat(self.due)

    def moment(self, text: str) -> datetime | None:
        """A time as a platform or a person writes it, in the rule's zone where it names none."""
        return moment(text, self.zone, self.at.tzinfo)

    def days(self, seconds: float) -> int:
        """The days that have begun so many seconds after the due date, grace aside."""
        late = seconds > self.grace_minutes * 60
        return math.ceil(seconds / 86_400) if late else 0

    def percent(self, days: int) -> float:
        """What so many days cost, in percent of what was earned."""
        return min(days * self.percent_per_day, self.most_percent)


def moment(text: str, zone: str, otherwise: Any) -> datetime | None:
    """The time that a text says; a date alone is the end of that day; ``None`` if it is none.

    Args:
        text: ISO 8601, with a blank or a ``T``, with or without seconds and the distance to UTC;
            or as Moodle writes it in English.
        zone: the name of the zone of times without a distance; "" if there is none.
        otherwise: the zone where none is named.
    """
    plain = re.sub(r"(?<=\d)[Zz]$", "+00:00", text.strip())
    try:
        found = datetime.fromisoformat(plain)
    except ValueError:
        try:  # as Moodle writes it in English
            found = datetime.strptime(plain, "%A, %d %B %Y, %I:%M %p")
        except ValueError:
            return None
    if len(plain) <= 10:
        found = datetime.combine(found.date(), time(23, 59, 59))
    if found.tzinfo is None:
        found = found.replace(tzinfo=ZoneInfo(zone) if zone else otherwise)
    return found


def read(entries: Mapping[str, Any]) -> Late:
    """The table ``[late]`` of an assignment.

    Raises:
        BadAssignment: what is wrong with it, and what to do.
    """
    names = [one.name for one in fields(Late)]
    for name in entries:
        if name not in names:
            raise BadAssignment(f"[late] has no setting {name!r}; there is {', '.join(names)}")
    if not entries:
        return Late()
    zone = _zone(entries.get("zone", ""))
    return Late(
        due=_due(entries.get("due"), zone),
        zone=zone,
        grace_minutes=_number(entries, "grace_minutes", 0.0, 10_080),
        percent_per_day=_number(entries, "percent_per_day", 0.0, 100),
        free_days=_whole(entries, "free_days", 0, 365),
        most_percent=_number(entries, "most_percent", 100.0, 100),
    )


def _zone(value: Any) -> str:
    if value == "":
        return ""
    try:
        return ZoneInfo(value).key
    except Exception:  # it raises whatever a file system does with such a name
        raise BadAssignment(
            f"[late] zone {shown(repr(value))} is not known here; name one like "
            '"Europe/Vienna" (on Windows, pip install tzdata), or write due with its distance to '
            "UTC"
        ) from None


def _due(value: Any, zone: str) -> str:
    if value is None:
        raise BadAssignment(f"[late] needs due, such as due = {_EXAMPLE}")
    text = str(value) if isinstance(value, str | date) else ""
    found = moment(text, zone, None)
    if found is None:
        raise BadAssignment(
            f"[late] due {shown(repr(value))} is no date; write it like {_EXAMPLE}, or with its "
            'distance to UTC like "2026-03-01T23:59+01:00"'
        )
    if found.tzinfo is None:
        raise BadAssignment(
            f"[late] due {shown(text)} does not say in which zone; add one, such as "
            'zone = "Europe/Vienna", or its distance to UTC, as in +01:00'
        )
    return found.isoformat()


def _number(entries: Mapping[str, Any], name: str, default: float, most: float) -> float:
    value = entries.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise BadAssignment(
            f"[late] {name} must be a number from 0 to {most:g} (got {shown(repr(value))})"
        )
    return float(value)


def _whole(entries: Mapping[str, Any], name: str, default: int, most: int) -> int:
    value = entries.get(name, default)
    if type(value) is not int or not 0 <= value <= most:
        raise BadAssignment(
            f"[late] {name} must be a whole number from 0 to {most} (got {shown(repr(value))})"
        )
    return value
