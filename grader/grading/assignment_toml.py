"""Reading an ``assignment.toml``: every bad input is one sentence, with what to do about it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from grader import layout
from grader.errors import BadAssignment
from grader.grading import late
from grader.grading.weights import Assignment, declared, hundredths
from grader.homework import contract
from grader.records import Limits
from grader.text import shown

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["delivered", "load", "nearest"]

_DELIVERED = layout.data("assignment.toml")
"""What a student's package says of the course's assignment, where that is not as delivered."""

SEEDS = range(100, 2**31)
"""What a seed that is a number may be; public cases have the seeds below."""

_LONGEST_SEED = 1000

MOST_POINTS = 10_000

_SECTIONS = ("seed", "packages", "points", "visibility", "limits", "late")
_TABLES = ("points", "visibility", "limits", "late")
_MOST = {
    "wall_seconds": 86_400,
    "cpu_seconds": 86_400,
    "load_seconds": 86_400,
    "total_seconds": 864_000,
    "memory_mb": 1_048_576,
    "output_kb": 65_536,
}
"""The limits, and the most that each may be; others are refused, not ignored."""
_WHOLE = ("memory_mb", "output_kb")
_OF_A_CHECK = ("wall_seconds", "cpu_seconds")


def delivered() -> Assignment:
    """The assignment of this package, where no file is named.

    Raises:
        BadAssignment: the file that came with a student's package is damaged.
    """
    return load(_DELIVERED) if _DELIVERED.is_file() else Assignment()


def load(path: Path) -> Assignment:
    """Read an assignment, and make sure that it can be used.

    Raises:
        BadAssignment: what is wrong with the file, where, and what to do.
    """
    try:
        made = _read(_parse(path))
        made.checks()
    except BadAssignment as error:
        raise BadAssignment(f"{shown(str(path), 1000)}: {error}") from None
    return made


def _parse(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise BadAssignment("there is no such file") from None
    except OSError as error:
        raise BadAssignment(f"it cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise BadAssignment("it is not text in UTF-8; save it so") from None
    except tomllib.TOMLDecodeError as error:
        twice = "; put each name only once, and names with a dot in quotes"
        why = f"{error}{twice}" if "overwrite" in str(error) else str(error)
        raise BadAssignment(f"it is not TOML: {why}") from None


def _read(document: Mapping[str, Any]) -> Assignment:
    for key, value in document.items():
        if key not in _SECTIONS:
            raise BadAssignment(
                f"there is no setting {key!r}{nearest(key, _SECTIONS)}; "
                f"there are {', '.join(_SECTIONS)}"
            )
        if key in _TABLES and not isinstance(value, dict):
            raise BadAssignment(f"{key} must be a table, [{key}] (got {value!r})")
    checks = declared(None)
    ids, functions = [c.id for c in checks], list(contract.FUNCTIONS)
    parts = [part.id for part in contract.PARTS]
    points = dict(_entries("points", document))
    visibility = dict(_entries("visibility", document))
    _known("points", points, "check, function or part", [*ids, *functions, *parts])
    _known("visibility", visibility, "check or function", [*ids, *functions])
    for name, value in visibility.items():
        if value not in ("public", "hidden"):
            raise BadAssignment(f'[visibility] {name} must be "public" or "hidden" (got {value!r})')
    of_all, of_checks = _limits(dict(_entries("limits", document)))
    _known("limits", of_checks, "check or function", [*ids, *functions])
    return Assignment(
        seed=_seed(document.get("seed")),
        packages=_packages(document.get("packages", [])),
        points={name: _points(name, value) for name, value in points.items()},
        visibility=visibility,
        limits=replace(Limits(), **of_all),
        seconds=of_checks,
        late=late.read(dict(_entries("late", document))),
    )


def _seed(value: Any) -> str | int | None:
    if value is None or (type(value) is int and value in SEEDS):
        return value
    if isinstance(value, str) and value.strip() and len(value) <= _LONGEST_SEED:
        return value
    got = shown(repr(value))
    raise BadAssignment(
        f"seed must be a text in quotes, or a whole number from {SEEDS[0]} to {SEEDS[-1]} "
        f"(got {got}); public cases use the smaller ones. `hw3 list --hidden` draws a text for you"
    )


def _packages(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise BadAssignment(f'packages must be a list of names, like ["scipy"] (got {value!r})')
    for name in value:
        if not name.isidentifier() or name in layout.PACKAGES:
            raise BadAssignment(
                f"packages names {name!r}; write each as it is imported, without dots and versions"
            )
    return tuple(dict.fromkeys(value))


def _entries(section: str, document: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The entries of a table by dotted name, whether or not the name was quoted."""
    found: set[str] = set()
    for name, value in _flat(document.get(section, {})):
        if name in found:
            raise BadAssignment(f"[{section}] {name} appears twice; keep one of them")
        found.add(name)
        yield name, value


def _flat(table: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


def _known(section: str, names: Iterable[str], kind: str, known: Sequence[str]) -> None:
    for name in names:
        if name in known:
            continue
        if name in _SECTIONS:
            raise BadAssignment(f"{name} stands inside [{section}]; move it above all tables")
        raise BadAssignment(
            f"[{section}] names {name!r}, which is no {kind}{nearest(name, known)}; "
            "`hw3 list --hidden` names them all"
        )


def _points(name: str, value: Any) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if number and 0 <= value <= MOST_POINTS and hundredths(value) % 1 == 0:
        return float(value)
    raise BadAssignment(
        f"[points] {name} must be a number from 0 to {MOST_POINTS} with at most two decimals "
        f"(got {value!r})"
    )


def _limits(entries: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, dict[str, float]]]:
    """The limits of every call by name, and those of checks or functions by theirs."""
    of_all: dict[str, Any] = {}
    of_checks: dict[str, dict[str, float]] = {}
    for entry, value in entries.items():
        owner, _, name = entry.rpartition(".")
        allowed = _OF_A_CHECK if owner else tuple(_MOST)
        if name not in allowed:
            of_whom = f" of {owner}" if owner else ""
            raise BadAssignment(
                f"[limits] has no limit {name!r}{of_whom}{nearest(name, allowed)}; "
                f"there is {', '.join(allowed)}"
            )
        whole = name in _WHOLE
        number = type(value) is int or (type(value) is float and not whole)
        if not (number and 0 < value <= _MOST[name]):
            kind = "a whole number" if whole else "a number"
            raise BadAssignment(
                f"[limits] {entry} must be {kind} above 0, at most {_MOST[name]} (got {value!r})"
            )
        if owner:
            of_checks.setdefault(owner, {})[name] = float(value)
        else:
            of_all[name] = value if whole else float(value)
    return of_all, of_checks


def nearest(word: str, words: Sequence[str]) -> str:
    """Which of the words was probably meant, in parentheses; nothing if none is near."""
    near = get_close_matches(word, words, 1)
    return f" (did you mean {near[0]!r}?)" if near else ""
