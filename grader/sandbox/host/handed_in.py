"""What was handed in, as a folder on disk: the working directory of a guest, and nothing else.

The grader makes it from memory, for each guest anew, and removes it when the guest has ended.  It
belongs to the grader, and nobody may write there.
"""

from __future__ import annotations

import atexit
import errno
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path, PurePosixPath

__all__ = ["Folder", "place"]


@cache
def place() -> str:
    """Where this process makes such folders: a folder that nobody else can list."""
    made = tempfile.mkdtemp(prefix="hw3-guests-")
    os.chmod(made, 0o711)
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return os.path.realpath(made)


class Folder:
    """A folder with a submission's files, to read only.

    Args:
        files: path inside the submission (with ``/``) → content.

    Raises:
        OSError: nothing can be written to the folder for temporary files.
    """

    def __init__(self, files: Mapping[str, bytes]) -> None:
        os.makedirs(place(), mode=0o711, exist_ok=True)  # somebody may tidy up meanwhile
        self.path = tempfile.mkdtemp(dir=place())
        for name, content in files.items():
            parts = PurePosixPath(name).parts
            if name.startswith("/") or ".." in parts or "\\" in name or "\0" in name:
                continue  # it was not read from a folder or an archive
            self._write(Path(self.path, *parts), content)
        for above, _, _ in os.walk(self.path, topdown=False):
            os.chmod(above, 0o555)

    def _write(self, path: Path, content: bytes) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        except (OSError, ValueError) as error:
            if isinstance(error, OSError) and error.errno in _FULL:
                self.remove()
                raise
            return  # a name that this system does not allow; its code is loaded from memory
        if sys.platform != "win32":  # there, what is read-only cannot be removed
            path.chmod(0o444)

    def remove(self) -> None:
        """Remove the folder with all that is in it."""
        for above, _, _ in os.walk(self.path):
            with suppress(OSError):
                os.chmod(above, stat.S_IRWXU)
        shutil.rmtree(self.path, ignore_errors=True)


_FULL = (errno.ENOSPC, errno.EROFS, getattr(errno, "EDQUOT", errno.ENOSPC))
"""Not a matter of the name."""
