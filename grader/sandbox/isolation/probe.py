"""Choosing walls: the strongest that work here, found by trying what they must refuse.

A probe is a submission (:mod:`grader.sandbox.isolation.attempts`) that runs as all others do and
tries to read, write, connect, fork, signal and more, at targets that are really there.  Walls work
if it is refused everything.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from grader import layout
from grader.errors import GuestUnusable, NoWalls
from grader.records import Call, Limits
from grader.sandbox.host import bubblewrap, process
from grader.sandbox.host.session import ProcessSession
from grader.sandbox.isolation.modes import MODES, NO_WALLS, Walls
from grader.sandbox.isolation.readable import readable

__all__ = ["Offer", "choose", "offers"]

_LIMITS = Limits(wall_seconds=30.0, cpu_seconds=10.0, memory_mb=256)

_OURS = ("grader/checks/gan/mechanics.py", "grader/data/digits.safetensors")

_NOT_LINUX = (
    "walls need Linux: only Linux has Landlock, seccomp and namespaces; on macOS and Windows grade "
    "in a container or in WSL, as grader/sandbox/ELSEWHERE.md says"
)


@dataclass(frozen=True)
class Offer:
    """A mode on this machine: its walls where they work, else why not and what may help."""

    mode: str
    walls: Walls | None = None
    why: str = ""
    repair: str = ""


def choose(wish: str) -> Walls:
    """The walls for ``--sandbox``: the strongest that work here.

    Args:
        wish: ``auto`` or ``strict`` (Landlock and seccomp at the least), or ``none``.

    Raises:
        NoWalls: none work, and ``none`` was not asked for.
    """
    if wish == "none":
        return NO_WALLS
    refused = []
    for offer in offers():
        if offer.walls is not None:
            return offer.walls
        refused.append(f"{offer.mode}: {offer.why}")
    raise NoWalls("; ".join(refused) or _NOT_LINUX)


def offers() -> Iterator[Offer]:
    """Each mode but ``none``, the strongest first, tried when it is asked for.

    What starts the guests of a mode that works stays, and serves the sessions to come.
    """
    if not process.FORKS:
        return
    for mode in MODES[:-1]:
        if mode == "bubblewrap" and not bubblewrap.available():
            yield Offer(mode, why="bubblewrap is not installed", repair=_install("bubblewrap"))
        else:
            yield _tried(mode)


def _tried(mode: str) -> Offer:
    try:
        with _targets() as targets:
            files = {
                "part3_compression.py": Path(__file__).with_name("attempts.py").read_bytes(),
                "targets.py": targets.encode(),
            }
            with closing(ProcessSession(files, _LIMITS, Walls(mode))) as session:
                reply = session.call(Call("random_classes", {"num_classes": 2}))
                layers = session.layers
    except OSError as error:  # the temporary folder is full, say
        process.end_zygote(mode)
        return Offer(mode, why=f"no temporary file can be written: {error.strerror or error}")
    except GuestUnusable as error:
        process.end_zygote(mode)
        return _explained(mode, str(error).rpartition("cannot start: ")[2])
    if reply.error is None and reply.value == []:
        return Offer(mode, Walls(mode, layers))
    process.end_zygote(mode)
    if reply.error is not None:
        return Offer(mode, why=reply.error.message)
    broken = ", ".join(str(name).replace("_", " ") for name in reply.value)
    return Offer(mode, why=f"it does not hold: a submission {broken}")


@contextmanager
def _targets() -> Iterator[str]:
    """What the probe aims at, as Python: a file, a folder, a listener and more, really there."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="hw3-probe-"))
        Path(folder).chmod(0o777)  # so that it is the walls that refuse
        canary = Path(folder, "canary")
        canary.write_text("secret", encoding="utf-8")
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        abstract = f"\0hw3-probe-{os.getpid()}-{os.urandom(4).hex()}"
        unix = stack.enter_context(socket.socket(socket.AF_UNIX))
        unix.bind(abstract)
        unix.listen(1)
        ours = [__file__, *(layout.HOME / name for name in _OURS)]
        if reference := layout.reference():
            ours.append(reference / "gan.py")
        yield "\n".join(
            f"{name} = {value!r}"
            for name, value in {
                "CANARY": str(canary),
                "FOLDER": folder,
                "OURS": [str(path) for path in ours],
                "HOME": str(Path.home()),
                "PORT": listener.getsockname()[1],
                "ABSTRACT": abstract,
                "PID": os.getpid(),
                "TOO_MUCH": 4 * _LIMITS.memory_mb << 20,
            }.items()
        )


def _explained(mode: str, why: str) -> Offer:
    """Why a mode does not start, and what may help."""
    if mode == "bubblewrap":
        command = bubblewrap.wrapped([sys.executable, "-c", ""], readable(), {})
        tried = subprocess.run(command, capture_output=True, text=True, check=False, env={})
        if tried.returncode:
            said = (tried.stderr.strip().splitlines() or ["it does not start"])[-1]
            return Offer(mode, why=said.removeprefix("bwrap: ").lower(), repair=_namespaces())
    if "Landlock" in why:
        return Offer(
            mode, why=why, repair="use Linux 5.13 or newer, booted with Landlock among lsm="
        )
    for package in ("pyseccomp", "landlockpy"):
        if package in why:
            again = "" if f"{package} is not installed" in why else "--force-reinstall --no-deps "
            return Offer(mode, why=why, repair=f"pip install {again}{package}")
    if "libseccomp" in why:
        return Offer(mode, why=why, repair=_install("libseccomp2"))
    return Offer(mode, why=why)


def _namespaces() -> str:
    """The command that lets ordinary users make namespaces, if a setting forbids it."""
    for setting, bad, good in (
        ("kernel.apparmor_restrict_unprivileged_userns", "1", "0"),
        ("kernel.unprivileged_userns_clone", "0", "1"),
        ("user.max_user_namespaces", "0", "15000"),
    ):
        with suppress(OSError):
            path = Path("/proc/sys", *setting.split("."))
            if path.read_text(encoding="ascii").strip() == bad:
                return f"sudo sysctl -w {setting}={good}"
    return ""


def _install(package: str) -> str:
    for manager, command in (("apt-get", "apt-get install"), ("dnf", "dnf install")):
        if shutil.which(manager):
            name = package if manager == "apt-get" else package.removesuffix("2")
            return f"sudo {command} {name}"
    return f"install {package}"
