"""What was handed in, as a folder on disk: the working directory of a guest.

It is made from memory, for each guest anew, and nobody may write there.  A guest that is forked
makes it before it locks itself down, and the process that forked it removes it; for a guest that is
started the grader does both.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath

__all__ = ["remove", "write"]

_FULL = (errno.ENOSPC, errno.EROFS, getattr(errno, "EDQUOT", errno.ENOSPC))
"""Not a matter of a file's name."""


def write(folder: str, files: Mapping[str, bytes]) -> None:
    """Make a folder with a submission's files, to read only.

    A file whose name this system does not allow is left out; its code is loaded from memory.

    Args:
        folder: where it will be; nothing may be there yet.
        files: path inside the submission (with ``/``) to content.

    Raises:
        OSError: nothing can be written there.
    """
    os.makedirs(folder)
    for name, content in files.items():
        parts = PurePosixPath(name).parts
        if name.startswith("/") or ".." in parts or "\\" in name or "\0" in name:
            continue  # it was not read from a folder or an archive
        path = Path(folder, *parts)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            if sys.platform != "win32":  # there, what is read-only cannot be removed
                path.chmod(0o444)
        except (OSError, ValueError) as error:
            if isinstance(error, OSError) and error.errno in _FULL:
                raise
    for above, _, _ in os.walk(folder, topdown=False):
        os.chmod(above, 0o555)


def remove(folder: str) -> None:
    """Remove a folder with all that is in it, if it is there."""
    for above, _, _ in os.walk(folder):
        with suppress(OSError):
            os.chmod(above, stat.S_IRWXU)
    shutil.rmtree(folder, ignore_errors=True)
