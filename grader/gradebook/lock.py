"""One run at a time on a folder of results, by a lock that ends with the process that holds it."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from grader.errors import Refused
from grader.text import shown

__all__ = ["locked"]

_TAKEN = (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES)


@contextmanager
def locked(out: Path) -> Iterator[None]:
    """Hold the folder of results, which is made if it is not there.

    The system locks the folder itself, where it can: nothing is written, and a run that is killed
    leaves nothing that could stop the next one.

    Raises:
        Refused: another run holds it.
    """
    out.mkdir(parents=True, exist_ok=True)
    handle = _take(out)
    if handle is None:
        raise Refused(
            f"another `hw3 grade` writes to {shown(str(out), 1000)}: wait until it has ended, or "
            "name another folder"
        )
    try:
        yield
    finally:
        with suppress(OSError):
            os.close(handle)  # which is what gives the lock back


if sys.platform == "win32":

    def _take(out: Path) -> int | None:
        """A file that Windows removes when its only handle is closed, by whatever."""
        flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_TEMPORARY | os.O_NOINHERIT
        try:
            return os.open(out / ".lock", flags)
        except FileExistsError:
            return None
        except PermissionError:  # it is being removed
            return None

else:
    import fcntl

    def _take(out: Path) -> int | None:
        """The folder itself; on a file system that cannot lock one, a file in it."""
        for path, flags in ((out, os.O_RDONLY), (out / ".lock", os.O_RDWR | os.O_CREAT)):
            handle = os.open(path, flags | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                os.close(handle)
                if error.errno in _TAKEN:
                    return None
            else:
                return handle
        raise Refused(
            f"no file in {shown(str(out), 1000)} can be locked, so two runs could write to it at "
            "once: name a folder on a disk of this machine"
        )
