"""What of this machine's files a submission may read: Python, its packages and the system's
libraries, without any file of ours.

Computed by the grader, from its own interpreter: a guest has the same.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

from grader import layout

__all__ = ["DEVICES", "Readable", "readable"]

DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")
"""The devices that a guest has; of these it may write to the first."""

_SYSTEM = (
    *("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/share/zoneinfo"),
    *("/etc/ld.so.cache", "/etc/localtime", "/sys/devices/system/cpu"),
)


@dataclass(frozen=True)
class Readable:
    """Paths as they are named and where their links lead.

    Args:
        roots: files and folders that may be read with all that is in them, but for ``ours``.
        start: what a process needs besides to start with, and a submission does not.
        ours: files and folders of ours, inside ``roots`` or not.
        allowed: ``roots`` without ``ours``: the largest files and folders that hold nothing of it.
        listed: folders that may be listed only, because something of ours is in them.
    """

    roots: tuple[str, ...]
    start: tuple[str, ...]
    ours: tuple[str, ...]
    allowed: tuple[str, ...]
    listed: tuple[str, ...]


@cache
def readable() -> Readable:
    """What a submission may read on this machine."""
    ours = set(_both(_ours()))
    roots = tuple(dict.fromkeys(_both([*map(Path, _SYSTEM), *_python()])))
    start = tuple(dict.fromkeys(_both([*_starting(), *(layout.PACKAGE / n for n in layout.GUEST)])))
    allowed: dict[str, None] = {}
    listed: dict[str, None] = {}
    for root in roots:
        _divide(root, ours, allowed, listed)
    return Readable(roots, start, tuple(sorted(ours)), tuple(allowed), tuple(listed))


def _both(paths: Iterable[Path]) -> Iterator[str]:
    """Those that exist, as they are named and as they are without links."""
    for path in paths:
        if os.path.exists(path):  # and may be reached
            yield str(path.absolute())
            yield os.path.realpath(path)


def _python() -> Iterator[Path]:
    for name in ("stdlib", "platstdlib"):
        yield Path(sysconfig.get_path(name))
    for entry in _packages():
        yield entry
        # Some installers link into a cache of theirs.
        yield from (child.resolve() for child in entry.iterdir() if child.is_symlink())


def _packages() -> Iterator[Path]:
    """The folders of ``sys.path`` that hold installed packages; a home folder is none."""
    for entry in map(Path, filter(None, sys.path)):
        named = entry.name in ("site-packages", "dist-packages")
        if entry.is_dir() and (named or any(entry.glob("*.dist-info"))) and entry != Path.home():
            yield entry.absolute()


def _starting() -> Iterator[Path]:
    """The interpreter, and what it is linked with."""
    yield Path(sys.executable)
    yield Path(sys.prefix, "pyvenv.cfg")
    link = Path(sys.executable)
    for _ in range(20):  # a virtual environment's python may lead over several links
        if not link.is_symlink():
            break
        link = link.parent / os.readlink(link)
        yield link
    yield from (Path(sys.base_prefix, name) for name in ("lib", "lib64"))
    if libraries := sysconfig.get_config_var("LIBDIR"):
        yield Path(libraries)


def _ours() -> Iterator[Path]:
    """Every file of our distribution, and the checkout where this is one."""
    yield layout.PACKAGE
    if reference := layout.reference():
        yield reference
    # Another Python's packages, of which a copy of ours may be one: a virtual environment's base.
    packages = set(_both(_packages()))
    for name in ("site-packages", "dist-packages"):
        other = Path(sysconfig.get_path("stdlib"), name)
        if os.path.realpath(other) not in packages:
            yield other
    if (layout.HOME / "pyproject.toml").is_file():
        yield layout.HOME
    try:
        distribution = metadata.distribution("hw3-grader")
    except metadata.PackageNotFoundError:
        return
    folder = Path(str(distribution.locate_file("")))
    for file in distribution.files or ():
        path = Path(os.path.normpath(folder / file))
        top = folder / file.parts[0]
        # Of a folder of ours, such as grader/ and our dist-info, the whole; of __pycache__ not.
        own = path.is_relative_to(folder) and top.is_dir() and top.name != "__pycache__"
        yield top if own else path


def _divide(path: str, ours: set[str], allowed: dict[str, None], listed: dict[str, None]) -> None:
    if path in ours:
        return
    if not any(own.startswith(f"{path}{os.sep}") for own in ours):
        allowed[path] = None
        return
    listed[path] = None
    for child in sorted(os.listdir(path)):
        _divide(os.path.join(path, child), ours, allowed, listed)
