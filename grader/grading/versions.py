"""The versions with which a course grades, and what is known to be different in others.

A release notes what the instructor's environment has; the student's grader compares.
"""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path

from grader import layout

__all__ = ["FILE", "differences", "here", "noted", "of_course", "pinned"]

FILE = layout.data("graded_with.json")

_PACKAGES = ("torch", "torchvision", "numpy")
_EXACT = ("hypothesis",)
"""Which cases a check tries depends on this one: the student's package requires the same ones."""

Version = tuple[int, int]

_KNOWN: Mapping[str, Mapping[Version, str]] = {
    "python": {
        (3, 11): "tomllib and ExceptionGroup are new in 3.11",
        (3, 12): "distutils and imp are gone in 3.12",
    },
    "numpy": {
        (2, 0): "np.Inf, np.NaN, np.float_, np.product and np.alltrue are gone in NumPy 2.0; "
        "np.trapezoid, np.concat and np.astype are new",
        (2, 4): "np.trapz and np.in1d are gone in NumPy 2.4: np.trapezoid and np.isin do the same",
    },
}
"""By package and the version in which it happened; a test tries them on what is installed."""


def here() -> dict[str, str]:
    """The versions that are installed."""
    found = {"python": platform.python_version()}
    for name in (*_PACKAGES, *_EXACT):
        try:
            found[name] = metadata.version(name).partition("+")[0]
        except metadata.PackageNotFoundError:
            continue
    return found


def noted() -> bytes:
    """The file that a release brings along: the versions of this environment."""
    return (json.dumps(here(), indent=1) + "\n").encode()


def pinned(requires: Iterable[str]) -> list[str]:
    """What a package requires, as it is here where checks depend on the version."""
    own = here()
    made = []
    for requirement in requires:
        name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
        made.append(f"{name}=={own[name]}" if name in _EXACT and name in own else requirement)
    return made


def of_course(path: Path = FILE) -> dict[str, str]:
    """The versions with which the course grades; nothing where that is not known."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}


def differences(course: Mapping[str, str], own: Mapping[str, str]) -> list[str]:
    """A sentence for each package whose minor version differs, with what is known to differ."""
    said = []
    for name, theirs in course.items():
        ours = own.get(name)
        if ours is None or ours == theirs:
            continue
        if name in _EXACT:
            said.append(
                f"Your course grades with {name} {theirs}, but {ours} is installed here, and "
                "checks may try other cases.  pip install -r requirements.txt installs the same."
            )
        if name in _EXACT or _minor(ours) == _minor(theirs):
            continue
        label = {"python": "Python", "numpy": "NumPy"}.get(name, name)
        low, high = sorted((_minor(ours), _minor(theirs)))
        known = [words for at, words in _KNOWN.get(name, {}).items() if low < at <= high]
        notes = "".join(f" ({words})" for words in ["; ".join(known)] if known)
        said.append(
            f"Your course grades with {label} {theirs}, but {ours} is installed here{notes}."
        )
    return said


def _minor(version: str) -> Version:
    numbers = [int("".join(c for c in part if c.isdigit()) or 0) for part in version.split(".")]
    return (*numbers, 0, 0)[0], (*numbers, 0, 0)[1]
