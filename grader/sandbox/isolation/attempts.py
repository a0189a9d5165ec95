"""What walls must refuse, tried from inside: the submission that
:mod:`grader.sandbox.isolation.probe` runs.

It stands alone, as a student's file does, beside a file ``targets.py`` with what to aim at.  Each
attempt returns whether it *succeeded*; one that raises was refused.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import resource
import socket
import subprocess
import sys
import tempfile
from typing import Any

import targets  # type: ignore[import-not-found]

__all__ = ["ATTEMPTS", "random_classes"]


def _reads(path: str) -> bool:
    with open(path, "rb") as file:
        return bool(file.read(1))


def reads_a_file_of_yours() -> bool:
    return _reads(targets.CANARY)


def reads_the_grader() -> bool:
    return any(_tried(_reads, path) for path in targets.OURS)


def lists_your_home() -> bool:
    return bool(os.listdir(targets.HOME))


def writes_a_file() -> bool:
    folders = (targets.FOLDER, tempfile.gettempdir(), "/dev/shm", "/tmp", "/var/tmp", os.getcwd())
    return any(_tried(_writes, folder) for folder in folders)


def _writes(folder: str) -> bool:
    path = os.path.join(folder, f"hw3-probe-{os.getpid()}")
    with open(path, "wb") as file:
        written = file.write(b"x")
    os.remove(path)
    return bool(written)


def changes_a_file() -> bool:
    os.chmod(targets.CANARY, 0o777)
    return True


def connects() -> bool:
    with socket.create_connection(("127.0.0.1", targets.PORT), 1):
        return True


def sends_a_datagram() -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        return bool(out.sendto(b"x", ("127.0.0.1", targets.PORT)))


def opens_an_abstract_socket() -> bool:
    with socket.socket(socket.AF_UNIX) as out:
        out.connect(targets.ABSTRACT)
        return True


def forks() -> bool:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return True


def starts_a_program() -> bool:
    return subprocess.run([sys.executable, "-c", ""], check=False).returncode == 0


def signals_the_grader() -> bool:
    os.kill(targets.PID, 0)
    return True


def signals_everything() -> bool:
    os.kill(-1, 0)
    return True


def reads_another_process() -> bool:
    return any(_tried(_reads, f"/proc/{pid}/environ") for pid in (os.getppid(), targets.PID, 1))


def takes_memory_without_limit() -> bool:
    with mmap.mmap(-1, targets.TOO_MUCH):
        return True


def raises_a_limit() -> bool:
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    return True


def hides_memory_in_a_file() -> bool:
    return os.memfd_create("hw3") > 0


def enters_a_namespace() -> bool:
    return _libc("unshare", ctypes.c_int(0x10000000)) == 0  # CLONE_NEWUSER


def traces() -> bool:
    return _libc("ptrace", ctypes.c_long(0), 0, 0, 0) == 0  # PTRACE_TRACEME


def mounts() -> bool:
    return _libc("mount", b"tmpfs", b"/", b"tmpfs", 0, None) == 0


def _libc(name: str, *arguments: Any) -> int:
    return int(getattr(ctypes.CDLL(None), name)(*arguments))


def _tried(attempt: Any, *arguments: Any) -> bool:
    try:
        return bool(attempt(*arguments))
    except BaseException:
        return False


ATTEMPTS = (
    reads_a_file_of_yours,
    reads_the_grader,
    lists_your_home,
    writes_a_file,
    changes_a_file,
    connects,
    sends_a_datagram,
    opens_an_abstract_socket,
    forks,
    starts_a_program,
    signals_the_grader,
    signals_everything,
    reads_another_process,
    takes_memory_without_limit,
    raises_a_limit,
    hides_memory_in_a_file,
    enters_a_namespace,
    traces,
    mounts,
)


def random_classes(num_classes: int, k: int = 5, seed: int = 0) -> list[str]:
    """The names of the attempts that succeeded, as the answer to a call of the homework's function.

    Args:
        num_classes, k, seed: as the homework has them; not used.
    """
    return [attempt.__name__ for attempt in ATTEMPTS if _tried(attempt)]
