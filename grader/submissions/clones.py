"""Clones of repositories: whose, which commit and when, from the files of ``.git`` alone.

Git itself is never run in a clone, since its settings can name commands.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

__all__ = ["Clone", "logins", "read"]

Peek = Callable[[str, int], bytes | None]
"""Gives a file below ``.git`` by its path, up to so many bytes."""

MAX_PACK = 64 * 1024 * 1024
MAX_COMMIT = 64 * 1024


@dataclass(frozen=True)
class Clone:
    """The commit that a clone stands at, and when it was made (ISO 8601); both may be unknown."""

    commit: str = ""
    time: str = ""


def read(peek: Peek, names: Sequence[str] = ()) -> Clone:
    """What a clone's ``.git`` says of its commit.

    Args:
        peek: gives its files.
        names: the files in ``objects/pack``, if there are any.
    """
    commit = _head(peek)
    if not commit:
        return Clone()
    about = _loose(peek, commit) or _packed(peek, names, commit)
    match = re.search(rb"^committer .*> (\d{1,11}) ([+-])(\d\d)(\d\d)$", about, re.MULTILINE)
    if match is None:
        return Clone(commit)
    minutes = int(match[3]) * 60 + int(match[4])
    zone = timezone((1 if match[2] == b"+" else -1) * timedelta(minutes=min(minutes, 1439)))
    try:
        return Clone(commit, datetime.fromtimestamp(int(match[1]), zone).isoformat())
    except (OverflowError, ValueError, OSError):
        return Clone(commit)


def logins(folders: Sequence[str]) -> dict[str, str]:
    """Each clone's login: its folder's name without what all begin with, up to ``-`` or ``_``."""
    common = folders[0] if len(folders) > 1 else ""
    for folder in folders:
        while not folder.startswith(common):
            common = common[:-1]
    prefix = common[: (common.rfind("-") if "-" in common else common.rfind("_")) + 1]
    return {folder: folder[len(prefix) :] or folder for folder in folders}


def _head(peek: Peek) -> str:
    head = (peek("HEAD", 500) or b"").decode("ascii", "replace").strip()
    if head.startswith("ref: "):
        ref = head[5:].strip()
        if not re.fullmatch(r"refs/[\w./-]+", ref) or ".." in ref:
            return ""
        head = (peek(ref, 200) or b"").decode("ascii", "replace").strip()
        if not head:
            packed = (peek("packed-refs", 1 << 20) or b"").decode("utf-8", "replace")
            lines = (line.partition(" ") for line in packed.splitlines())
            head = next((commit for commit, _, name in lines if name == ref), "")
    return head if re.fullmatch(r"[0-9a-f]{40}", head) else ""


def _loose(peek: Peek, commit: str) -> bytes:
    data = peek(f"objects/{commit[:2]}/{commit[2:]}", MAX_COMMIT)
    return _unpacked(data).partition(b"\0")[2] if data else b""


def _unpacked(data: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, MAX_COMMIT)
    except zlib.error:
        return b""


def _packed(peek: Peek, names: Sequence[str], commit: str) -> bytes:
    """The commit out of a pack (version 2 of its index), unless it is stored as a difference."""
    wanted = bytes.fromhex(commit)
    for name in sorted(names)[:20]:
        if not re.fullmatch(r"pack-[0-9a-f]{40}\.idx", name):
            continue
        index = peek(f"objects/pack/{name}", MAX_PACK) or b""
        offset = _offset(index, wanted)
        if offset is None:
            continue
        pack = peek(f"objects/pack/{name[:-4]}.pack", MAX_PACK) or b""
        if offset >= len(pack) or (pack[offset] >> 4) & 7 != 1:  # 1: a commit, whole
            return b""
        while offset < len(pack) and pack[offset] & 0x80:
            offset += 1
        return _unpacked(pack[offset + 1 : offset + 1 + MAX_COMMIT])
    return b""


def _offset(index: bytes, wanted: bytes) -> int | None:
    if index[:8] != b"\xfftOc\x00\x00\x00\x02" or len(index) < 8 + 1024:
        return None
    count = int.from_bytes(index[8 + 1020 : 8 + 1024], "big")
    first = wanted[0]
    low = int.from_bytes(index[8 + 4 * first - 4 : 8 + 4 * first], "big") if first else 0
    high = int.from_bytes(index[8 + 4 * first : 12 + 4 * first], "big")
    if not low <= high <= count or len(index) < 1032 + 28 * count:
        return None
    while low < high:
        middle = (low + high) // 2
        name = index[1032 + 20 * middle : 1052 + 20 * middle]
        if name == wanted:
            at = 1032 + 24 * count + 4 * middle
            offset = int.from_bytes(index[at : at + 4], "big")
            return offset if offset < 1 << 31 else None
        low, high = (middle + 1, high) if name < wanted else (low, middle)
    return None
