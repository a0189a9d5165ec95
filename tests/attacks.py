"""Attacks on the walls: what they are, what they aim at, and grading one of them.

``fixtures/attacks/<name>/``: a submission, and in ``expected.toml`` how the checks of the functions
that it spends end; all others must be earned.  Each is graded beside honest functions, with
``targets.py``, which names things that are really there.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from grader.checks.framework import registry
from grader.grading import engine
from grader.records import Check, Limits, Outcome, Status
from grader.sandbox.host.session import ProcessSession
from grader.sandbox.isolation import probe
from grader.sandbox.isolation.modes import Walls

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = [
    "ATTACKS",
    "MODES",
    "Attack",
    "Counted",
    "Targets",
    "grade",
    "honest",
    "offer",
    "targets",
    "working",
]

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "fixtures" / "attacks"
MODES = ("bubblewrap", "lockdown")
_LIMITS = Limits(wall_seconds=60.0, cpu_seconds=20.0, load_seconds=60.0, memory_mb=512)

_PART3 = "part3_compression.py"
_PUBLIC = (
    "random_classes.draws_distinct_classes",
    "influential_neurons.finds_the_most_positive",
    "evaluate.counts_right",
)
_HIDDEN = ("random_classes.refuses_k_that_is_impossible",)
_PART2 = ("comparative_influence.has_the_shape_of_the_slice",)


@dataclass(frozen=True)
class Attack:
    """One of them.

    Args:
        name: its folder's.
        what: what it tries.
        files: what is handed in.
        functions: those whose checks it spends, or does not (``status``); ``*`` is all of part 3.
        status: how their checks end.
        message: what is said of it, or a part of that.
        survives: whether the guest must live on, where the outcome does not say so.
        hidden: whether hidden checks are run, too, in a guest of their own.
        hidden_status: how those of its functions end.
        machine: the processor that it is made for, if for one.
        seeds: from how many seeds it answers differently.
        limits: the calls'.
    """

    name: str
    what: str
    files: Mapping[str, bytes]
    functions: tuple[str, ...]
    status: Status
    message: str
    survives: bool
    hidden: bool
    hidden_status: Status
    machine: str
    seeds: int
    limits: Limits

    @property
    def checks(self) -> list[Check]:
        """What it is graded on."""
        ids = (
            *_PUBLIC,
            *(_PART2 if "*" in self.functions else ()),
            *(_HIDDEN if self.hidden else ()),
        )
        return [check for check in registry.load() if check.id in ids]

    def expected(self, check: Check) -> Status:
        """How a check must end."""
        spent = check.part == "part3" if "*" in self.functions else check.function in self.functions
        if not spent:
            return Status.PASSED
        return self.hidden_status if check.hidden else self.status


def _attack(folder: Path) -> Attack:
    expected: dict[str, Any] = tomllib.loads((folder / "expected.toml").read_text("utf-8"))
    names = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".toml"]
    files = {str(path.relative_to(folder)): path.read_bytes() for path in names}
    files = {name: data for name, data in files.items() if "__pycache__" not in name}
    shared = {path.name: path.read_bytes() for path in FOLDER.glob("*.py")}
    grown = expected.get("grow")
    if grown:  # too large to be kept as it is handed in
        text = grown.get("before", "") + grown["text"] * grown["times"] + grown.get("after", "")
        files[_PART3] += text.encode()
    said = re.match(rb'"""(.+?)(?:"""|\n)', files[_PART3])
    assert said, f"{folder.name} does not say what it tries"
    status = Status(expected["status"])
    return Attack(
        name=folder.name,
        what=said[1].decode(),
        files={**shared, **files},
        functions=tuple(expected.get("functions", [expected.get("function", "random_classes")])),
        status=status,
        message=expected.get("message", ""),
        survives=expected.get("survives", status is not Status.CRASHED),
        hidden=expected.get("hidden", False),
        hidden_status=Status(expected.get("hidden_status", status)),
        machine=expected.get("machine", ""),
        seeds=expected.get("seeds", 0),
        limits=replace(_LIMITS, **expected.get("limits", {})),
    )


ATTACKS = [_attack(path.parent) for path in sorted(FOLDER.glob("*/expected.toml"))]


@cache
def offer(mode: str) -> probe.Offer:
    """The walls of a mode on this machine, or why there are none."""
    for found in probe.offers():
        if found.mode == mode:
            return found
    return probe.Offer(mode, why="walls need Linux")


def working(mode: str) -> Walls:
    """The walls of a mode; without them the test is skipped, but in CI on Linux it fails."""
    found = offer(mode)
    if found.walls is None:
        words = f"no {mode} here: {found.why}"
        strict = os.environ.get("CI") and sys.platform == "linux"
        pytest.fail(words) if strict else pytest.skip(words)
    return found.walls


class Targets:
    """Things to attack, and what becomes of them."""

    def __init__(self, stack: ExitStack) -> None:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hw3-attack-")))
        folder.chmod(0o777)  # so that it is the walls that refuse
        self.folder = folder / "target"
        self.folder.mkdir()
        self.folder.chmod(0o777)
        self.canary = self._file("canary", "a canary that nobody reads")
        self.submission = self._file("other/part3_compression.py", "the work of another")
        self.tcp = stack.enter_context(socket.socket())
        self.udp = stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
        self.tcp.bind(("127.0.0.1", 0))
        self.udp.bind(self.tcp.getsockname())
        self.local = stack.enter_context(socket.socket(socket.AF_UNIX))
        self.local.bind(str(self.folder / "socket"))
        (self.folder / "socket").chmod(0o777)
        self.abstract = stack.enter_context(socket.socket(socket.AF_UNIX))
        self.abstract.bind(f"\0hw3-attack-{os.getpid()}-{os.urandom(4).hex()}")
        self._sockets = (self.tcp, self.udp, self.local, self.abstract)
        for listener in self._sockets:
            listener.setblocking(False)
            if listener.type == socket.SOCK_STREAM:
                listener.listen()
        self.victim = subprocess.Popen(
            [sys.executable, "-S", "-c", "import time; time.sleep(10000)"],
            start_new_session=True,
        )
        stack.callback(self.victim.wait)
        stack.callback(self.victim.kill)

    def _file(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.parent.chmod(0o777)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o666)
        # Older than it was changed: reading it then moves the time of the last access, if any does.
        os.utime(path, ns=(0, path.stat().st_mtime_ns))
        return path

    def source(self, zygote: int) -> bytes:
        """``targets.py``."""
        ours = [ROOT / "reference", ROOT / "grader" / "checks" / "hidden", ROOT / "grader"]
        values = {
            "CANARY": str(self.canary),
            "FOLDER": str(self.folder),
            "SUBMISSION": str(self.submission),
            "CHECKOUT": str(ROOT),
            "OURS": [str(path) for each in ours for path in sorted(each.rglob("*.py"))[:4]],
            "HOME": str(Path.home()),
            "PORT": self.tcp.getsockname()[1],
            "LOCAL": self.local.getsockname(),
            "ABSTRACT": self.abstract.getsockname().decode(),
            "PID": os.getpid(),
            "VICTIM": self.victim.pid,
            "ZYGOTE": zygote,
        }
        return "\n".join(f"{name} = {value!r}" for name, value in values.items()).encode()

    def visitors(self) -> int:
        """How often somebody connected, or sent something."""
        came = 0
        for listener in self._sockets:
            try:
                if listener.type == socket.SOCK_STREAM:
                    listener.accept()[0].close()
                else:
                    listener.recv(100)
                came += 1
            except BlockingIOError:
                pass
        return came

    def state(self) -> dict[str, Any]:
        """All that an attack could change or leave behind, as it is now."""
        found: dict[str, Any] = {}
        for path in (self.folder, ROOT / "grader", ROOT / "reference"):
            found |= {str(p): _looks(p) for p in [path, *path.rglob("*")] if _counts(p)}
        packages = Path(sysconfig.get_path("purelib"))
        for path in (packages, packages / "torch", packages / "numpy"):
            found[str(path)] = sorted(child.name for child in path.iterdir() if _counts(child))
        found["left"] = [
            str(path)
            for place in (*_PLACES, packages, packages / "torch", Path.home(), ROOT, Path.cwd())
            for path in Path(place).glob("hw3-attack*")
            if path != self.folder.parent and "hw3-attack-" + path.name[-8:] != path.name
        ]
        status = Path(f"/proc/{self.victim.pid}/status").read_text("utf-8")
        kept = ("State", "Cpus_allowed", "Threads", "TracerPid", "SigIgn", "Uid")
        found["victim"] = [row for row in status.splitlines() if row.startswith(kept)]
        found["limits"] = Path(f"/proc/{self.victim.pid}/limits").read_text("utf-8")
        found["nice"] = [os.getpriority(os.PRIO_PROCESS, pid) for pid in (0, self.victim.pid)]
        found["host"] = socket.gethostname()
        return found


_PLACES = ("/", "/tmp", "/var/tmp", "/dev/shm", "/dev", "/run", "/etc", "/usr/lib", "/dev/mqueue")


def _counts(path: Path) -> bool:
    """What Python keeps beside its files others may write meanwhile: tests run side by side."""
    return "__pycache__" not in path.parts


def _looks(path: Path) -> tuple[int, ...]:
    s = path.lstat()
    if path.is_dir():
        return s.st_mode, s.st_uid
    read = s.st_atime_ns if path.name in ("canary", "part3_compression.py") else 0
    return s.st_mode, s.st_uid, s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_nlink, read


@contextmanager
def targets() -> Iterator[Targets]:
    """Targets that are there for as long as this lasts."""
    with ExitStack() as stack:
        yield Targets(stack)


class Counted:
    """Opens sessions, and counts the guests that they start."""

    def __init__(self, files: Mapping[str, bytes], limits: Limits, walls: Walls) -> None:
        counted = self

        class Session(ProcessSession):
            def _start(self) -> Any:
                counted.guests += 1
                return super()._start()

        self.guests, self.sessions = 0, 0
        # What takes too long is not tried twice: this is about attacks, which then take twice, too.
        self._open = lambda: Session(files, limits, walls, alone=False)

    def __call__(self, part: str = "") -> ProcessSession:
        self.sessions += 1
        return self._open()


def grade(attack: Attack, walls: Walls, targets_py: bytes) -> tuple[dict[str, Outcome], Counted]:
    """How the checks of an attack end, by id, and who counted the guests that it took."""
    files = {**attack.files, "targets.py": targets_py}
    opens = Counted(files, attack.limits, walls)
    return {o.check_id: o for o in engine.run(attack.checks, opens)}, opens


@cache
def honest() -> Attack:
    """The honest submission that is graded after each attack."""
    # What `reads_freed_memory` looks for, in the text and in an object.
    text = b'"""Honest, MARK-OF-ANOTHER."""\nfrom honest import *\n\nMARK = "MARK-OF-ANOTHER"\n'
    files = {path.name: path.read_bytes() for path in FOLDER.glob("*.py")}
    files[_PART3] = text
    return replace(
        ATTACKS[0], name="honest", files=files, status=Status.PASSED, hidden=False, limits=_LIMITS
    )
