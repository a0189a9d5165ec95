"""Namespaces around the zygote, by bubblewrap (``bwrap``): its own files, network and processes.

It sees the paths of :mod:`grader.sandbox.isolation.readable` and four devices, all but
``/dev/null`` to read only, and no network, no process and no user but its own.  Its guests lock
themselves down besides (:mod:`grader.sandbox.isolation.lockdown`).
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache

from grader.sandbox.isolation.readable import DEVICES, Readable

__all__ = ["available", "wrapped"]

_NOBODY = "65534"


def available() -> bool:
    """Whether ``bwrap`` is installed; not whether it works."""
    return shutil.which("bwrap") is not None


def wrapped(command: Sequence[str], sees: Readable, environment: dict[str, str]) -> list[str]:
    """The command that runs ``command`` within namespaces.

    Start it with an empty environment: that of bwrap itself can be read in ``/proc/1/environ``.

    Args:
        command: what to run.
        sees: the paths that it sees.
        environment: what it sees of an environment.
    """
    made = [
        shutil.which("bwrap") or "bwrap",
        "--unshare-all",
        "--unshare-user",
        "--die-with-parent",
    ]
    made += ["--uid", _NOBODY, "--gid", _NOBODY, "--hostname", "hw3", "--cap-drop", "ALL"]
    if "--disable-userns" in _options():
        made.append("--disable-userns")
    made += ["--perms", "1777", "--tmpfs", "/tmp"]  # below it, if need be, what is readable
    hidden = [own for own in sees.ours if any(own.startswith(f"{r}{os.sep}") for r in sees.roots)]
    for path in sorted({*sees.roots, *sees.start, *hidden}):  # a folder before what is in it
        if path not in hidden:
            made += ["--ro-bind", path, path]
        elif os.path.isdir(path):
            made += ["--perms", "0755", "--tmpfs", path]
        else:
            made += ["--ro-bind", "/dev/null", path]
    for path in filter(os.path.isdir, hidden):
        made += ["--remount-ro", path]
    made += ["--proc", "/proc"]
    for device in DEVICES:
        made += ["--dev-bind", device, device]
    made += ["--chdir", "/", "--remount-ro", "/"]
    for name, value in environment.items():
        made += ["--setenv", name, value]
    return [*made, "--", *command]


@cache
def _options() -> str:
    return subprocess.run(
        ["bwrap", "--help"], capture_output=True, text=True, check=False, env={}
    ).stdout
