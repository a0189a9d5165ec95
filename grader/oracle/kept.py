"""The reference's values, kept on disk from one worker to the next.

The first submission of a worker waits while the reference answers every call of the checks, which
takes longer than importing torch.  The same grader on the same machine gets the same answers, so a
worker reads those of an earlier one.

What is in the file decides marks, hidden ones among them, so it is believed only where no
submission can have written it, and written only where none can read it:

- Walls keep a guest from reading and writing anything in the user's home.  A worker whose guests
  have none neither reads nor writes values, and it removes those that are there, before and after
  each submission: what runs without walls may write whatever the user may.
- The folder and the file belong to the user, and nobody else may write to them.
- Their name is a fingerprint of the grader's files, versions, and processor; a digest stands in
  front of the numbers, so that a damaged file is computed anew.
- Only processes that do nothing but grade use them (:func:`enable`).

Who has ever run a hostile submission without walls has to count the account as lost: such code can
change the installed grader as well as these values.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load, save

__all__ = ["VALUES", "enable", "folder", "kept", "read", "write"]

VALUES: dict[str, Any] = {}
"""What the reference answered in this process, by the digest of the call."""

_FILES = 4
"""Files that stay: of so many graders, machines or releases of torch with one home."""

_DIGEST = hashlib.sha256().digest_size

_enabled = [False]


def enable() -> None:
    """This process does nothing but grade: nobody changes the reference in it."""
    _enabled[0] = True


def folder() -> Path:
    """Where values are kept."""
    return Path.home() / ".cache" / "hw3-grader" / "values"


@contextmanager
def kept(walls: bool, grader: Callable[[], str]) -> Iterator[None]:
    """While a submission is graded, the reference's values of earlier workers are known.

    Args:
        walls: whether its guests have walls.
        grader: makes a digest of all of the grader's files, and of versions.
    """
    if not _enabled[0]:
        yield
        return
    if not walls:
        _remove_all()
        try:
            yield
        finally:
            _remove_all()
        return
    name = hashlib.sha256(f"{grader()} {_machine()}".encode()).hexdigest()[:32]
    path = folder() / f"{name}.values"
    if not VALUES:
        with suppress(OSError, ValueError, KeyError, TypeError):
            VALUES.update(read(path))
    before = len(VALUES)
    yield
    if len(VALUES) > before:
        with suppress(OSError):  # a full disk, a home that cannot be written: the next computes
            write(path, VALUES)


def _machine() -> str:
    """On what values depend beside the grader and its packages: this processor, and its torch."""
    import torch

    processor = f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}"
    return f"{processor} torch {torch.__version__} NumPy {np.__version__}"


def read(path: Path) -> dict[str, Any]:
    """The values in a file.

    Raises:
        OSError: it is missing, or cannot be read.
        ValueError: others may have written it, or it is damaged.
    """
    if not (_is_ours(path.parent) and _is_ours(path)):
        raise ValueError("others may write here")
    content = path.read_bytes()
    digest, body = content[:_DIGEST], content[_DIGEST:]
    if hashlib.sha256(body).digest() != digest:
        raise ValueError("damaged")
    stored = load(body)
    index = json.loads(stored.pop("index").tobytes())
    return {name: _unpacked(value, stored) for name, value in index.items()}


def write(path: Path, values: Mapping[str, Any]) -> None:
    """Write values, all at once; those of other kinds than numbers and arrays are left out.

    Raises:
        OSError: they cannot be written.
    """
    arrays: dict[str, np.ndarray] = {}
    index = {}
    for name, value in values.items():
        with suppress(TypeError):
            index[name] = _packed(value, arrays)
    arrays["index"] = np.frombuffer(json.dumps(index).encode(), dtype=np.uint8)
    body = save(arrays)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".")  # only its owner may read it
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(hashlib.sha256(body).digest() + body)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    newest = sorted(path.parent.glob("*.values"), key=lambda one: -one.stat().st_mtime)
    for old in newest[_FILES:]:
        old.unlink(missing_ok=True)


def _is_ours(path: Path) -> bool:
    if not hasattr(os, "getuid"):  # a system without walls
        return False
    found = path.lstat()
    return found.st_uid == os.getuid() and not found.st_mode & 0o022


def _remove_all() -> None:
    with suppress(OSError):
        for path in folder().glob("*"):
            path.unlink(missing_ok=True)


def _packed(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        name = str(len(arrays))
        arrays[name] = np.ascontiguousarray(value).reshape(np.shape(value))
        return {"array" if isinstance(value, np.ndarray) else "number": name}
    if isinstance(value, tuple):
        return {"tuple": [_packed(item, arrays) for item in value]}
    if isinstance(value, list):
        return {"list": [_packed(item, arrays) for item in value]}
    if value is None or type(value) in (bool, int, float, str):
        return {"plain": value}
    raise TypeError(f"a {type(value).__name__} is not kept")


def _unpacked(packed: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Any:
    ((kind, value),) = packed.items()
    if kind == "plain":
        return value
    if kind in ("array", "number"):
        return arrays[value] if kind == "array" else arrays[value][()]
    items = [_unpacked(item, arrays) for item in value]
    return tuple(items) if kind == "tuple" else items
