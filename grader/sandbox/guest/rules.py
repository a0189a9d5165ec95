"""What a submission may do, kept where no walls keep it, with what walls would raise.

A submission may read the files that were handed in with it and print.  It may not write files,
start processes or use the network.  Inside walls the kernel refuses; without walls an audit hook
does, so that a line that is refused when the class is graded is refused at home, too.  It is a
rule, not a wall: whoever wants to get around it can.

What Python's audit events do not show is wrapped, inside walls as well, so that it raises the same.
"""

from __future__ import annotations

import errno
import os
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address
from typing import Any, NoReturn

__all__ = ["RULE", "broken", "refuse", "wrap", "wrap_torchvision"]

RULE = (
    "a submission may read the files handed in with it, but may not write files, start processes "
    "or use the network"
)

_PROCESSES = (
    *("os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.exec"),
    *("os.startfile", "os.startfile/2", "subprocess.Popen", "pty.spawn", "_winapi.CreateProcess"),
)
_CHANGES = (
    *("os.mkdir", "os.rmdir", "os.remove", "os.rename", "os.link", "os.symlink", "os.truncate"),
    *("os.chmod", "os.chown", "os.utime", "os.setxattr", "os.removexattr", "os.chflags"),
)
_NETWORK = ("socket.__new__", "socket.bind", "socket.connect", "socket.sendto", "socket.sendmsg")
_NAMES = ("socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo")

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def refuse() -> None:
    """From now on this process writes no file, starts no process and uses no network.

    Nobody can take an audit hook back, so this is for guests alone.
    """
    refusals: dict[str, Callable[[tuple[Any, ...]], None]] = {
        "open": _opening,
        "sqlite3.connect": _connecting,
        "socket.getaddrinfo": _looking_up,
        **dict.fromkeys(_PROCESSES, _starting),
        **dict.fromkeys(_CHANGES, _changing),
        **dict.fromkeys(_NETWORK, _starting),
        **dict.fromkeys(_NAMES, _looking_up),
    }

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        refusal = refusals.get(event)
        if refusal is not None:
            refusal(arguments)

    sys.addaudithook(hook)


def _denied(number: int, *about: Any) -> NoReturn:
    raise PermissionError(number, os.strerror(number), *about)


def _starting(arguments: tuple[Any, ...]) -> None:
    _denied(errno.EPERM)


def _changing(arguments: tuple[Any, ...]) -> None:
    _denied(errno.EPERM, arguments[0])


def _looking_up(arguments: tuple[Any, ...]) -> None:
    with suppress(ValueError):
        ip_address(arguments[0])
        return  # it is a number already
    raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")


def _opening(arguments: tuple[Any, ...]) -> None:
    path, _, flags = arguments
    if not isinstance(flags, int) or not flags & _WRITES or isinstance(path, int) or _is_null(path):
        return  # an open descriptor is none that leads to a file
    if isinstance(path, str | bytes) and not os.path.isdir(os.path.dirname(path) or os.curdir):
        return  # there is no such folder, which the system says
    _denied(errno.EACCES, path)


def _connecting(arguments: tuple[Any, ...]) -> None:
    if arguments[0] not in (":memory:", "") and not os.path.exists(arguments[0]):
        import sqlite3

        raise sqlite3.OperationalError(_NO_DATABASE)


_NO_DATABASE = "unable to open database file"


def _is_null(path: Any) -> bool:
    return isinstance(path, str | bytes) and os.fsdecode(path) == os.devnull


def wrap() -> None:
    """Let what writes files or starts processes unseen raise what everything else does."""
    import torch

    for name, made in (("system", _no_shell), ("mkfifo", None), ("mknod", None)):
        if hasattr(os, name):
            before = getattr(os, name)
            made = _like(made, before) if made else _refused(before, _changing)
            made.__module__ = "os"  # pickled, it is found there
            setattr(os, name, made)
    try:
        import _posixsubprocess
    except ImportError:  # Windows
        pass
    else:
        # What multiprocessing starts is shown by no event.
        _posixsubprocess.fork_exec = _refused(_posixsubprocess.fork_exec, _starting)
    import _multiprocessing  # type: ignore[import-not-found]  # for multiprocessing alone

    # Locks and queues between processes: what is not to be had differs between the modes.
    _multiprocessing.SemLock = _lock(_multiprocessing.SemLock)
    # These write in C++.
    torch._C.PyTorchFileWriter = _writer(torch._C.PyTorchFileWriter)  # type: ignore[misc]
    for kind in (torch._C.ScriptModule, torch._C.ScriptFunction):
        for name in ("save", "_save_for_mobile"):
            if hasattr(kind, name):
                setattr(kind, name, _refused(getattr(kind, name), _saving))


def _no_shell(command: Any) -> int:
    """Run no command: the status is that of a shell that cannot be started, as inside walls."""
    return -1


def wrap_torchvision(io: Any) -> None:
    """The same for ``torchvision.io``, which writes pictures in C++."""
    for module in (io, sys.modules.get("torchvision.io.image")):
        for name in ("write_file", "write_jpeg", "write_png"):
            if hasattr(module, name):
                setattr(module, name, _refused(getattr(module, name), _naming))


def _refused(function: Any, refusal: Callable[[tuple[Any, ...]], None]) -> Any:
    def refused(*arguments: Any, **named: Any) -> Any:
        refusal((*arguments, *named.values(), None))

    return _like(refused, function)


def _like(made: Any, function: Any) -> Any:
    """The same function, with another's name: pickled, it is found under that."""
    for name in ("__module__", "__name__", "__qualname__", "__doc__"):
        with suppress(AttributeError):
            setattr(made, name, getattr(function, name))
    return made


def _saving(arguments: tuple[Any, ...]) -> None:
    _denied(errno.EACCES, arguments[1])  # after the module


def _naming(arguments: tuple[Any, ...]) -> None:
    names = [value for value in arguments if isinstance(value, str | os.PathLike)]
    _denied(errno.EACCES, *names[:1])


def _lock(original: Any) -> Any:
    class SemLock(original):  # type: ignore[misc]
        """A lock between processes, of which there is one only."""

        def __new__(cls, *arguments: Any, **named: Any) -> NoReturn:
            _denied(errno.EPERM)

    return SemLock


def _writer(original: Any) -> Any:
    class PyTorchFileWriter(original):  # type: ignore[misc]
        """Torch's own; to a buffer, not to a file."""

        def __init__(self, to: Any, *rest: Any, **named: Any) -> None:
            if isinstance(to, str | bytes | os.PathLike):
                _denied(errno.EACCES, to)
            super().__init__(to, *rest, **named)

    return PyTorchFileWriter


def broken(error: BaseException) -> str:
    """The rule and the file that it is about, if an exception says that it was broken; or nothing.

    Args:
        error: what a submission raised, in whatever it is wrapped.
    """
    seen: Any = error
    for _ in range(10):
        if seen is None:
            break
        database = type(seen).__name__ == "OperationalError" and _NO_DATABASE in seen.args
        if isinstance(seen, socket.gaierror) or database:
            return RULE
        if isinstance(seen, OSError) and seen.errno in _REFUSALS:
            name = seen.filename
            about = f"{os.fsdecode(name)[:200]!r}: " if isinstance(name, str | bytes) else ""
            return f"{about}{RULE}"
        reason = getattr(seen, "reason", None)  # as urllib has it
        inner = reason if isinstance(reason, BaseException) else None
        seen = inner or getattr(seen, "__cause__", None)
    return ""


_REFUSALS = (errno.EPERM, errno.EACCES, errno.EROFS)
