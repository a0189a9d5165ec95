"""What lies in a .zip, .tar or .tar.gz, unpacked in memory and within bounds.

No claim that the bytes make is believed: what a member unpacks to counts, not what its header says.
Which files are wanted is decided elsewhere; only those are unpacked.
"""

from __future__ import annotations

import gzip
import io
import re
import stat
import tarfile
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

__all__ = ["ARCHIVE", "MIB", "BadSource", "Entry", "members", "reading", "shown", "special"]

MIB = 1024 * 1024
MAX_MEMBERS, MAX_ARCHIVE_BYTES = 10_000, 256 * MIB  # packed, and of a tar unpacked: held in memory
MAX_RATIO, FREE_BYTES = 200, MIB  # unpacked to packed bytes beyond the free ones; code is below 20
MAX_HEADER = 4096  # of a tar's extensions: older Pythons take quadratic time (CVE-2024-6232)

SKIPPED = frozenset(("__MACOSX", "__pycache__", "env", "node_modules", "site-packages", "venv"))

# How an archive's name ends; also kinds that cannot be read, so that who hands one in is told.
ARCHIVE = re.compile(r"\.(zip|tar|tgz|tbz2?|txz|tar\.(gz|bz2|xz)|rar|7z)$", re.IGNORECASE)
_UNSAFE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\\]|^/|^[a-z]:|(^|/)\.\.(/|$)", re.IGNORECASE
)


class BadSource(ValueError):  # noqa: N818 - not an error of the program's
    """A source that cannot be graded; the message says in one sentence where, what, what to do."""


@dataclass(frozen=True)
class Entry:
    """A file or folder that a source offers.

    ``read`` gives at most so many bytes of a file.  A ``problem`` says in one sentence why whatever
    this is part of has to be refused.
    """

    path: str
    read: Callable[[int], bytes] = lambda limit: b""
    folder: bool = False
    problem: str = ""

    @property
    def name(self) -> str:
        """What follows the last slash."""
        return self.path.rpartition("/")[2]

    @property
    def skipped(self) -> bool:
        """Whether it is hidden, or left behind by a tool."""
        return any(part.startswith(".") or part in SKIPPED for part in self.path.split("/"))

    @property
    def unsafe(self) -> str:
        """Why this path must not be used, or nothing."""
        if not _UNSAFE.search(self.path):
            return ""
        name = shown(self.path)
        return f"{name} is not a safe name in a submission; pack the plain folder again."

    def content(self, limit: int) -> bytes:
        """The whole file.

        Raises:
            BadSource: it is larger than the limit, or cannot be read.
        """
        with reading(self.path):
            data = self.read(limit + 1)
        if len(data) > limit:
            raise BadSource(f"{shown(self.path)} is larger than {limit // MIB} MiB; shorten it.")
        return data


def members(packed: Entry) -> list[Entry]:
    """What lies in an archive; what must not be there has a problem.

    Raises:
        BadSource: the archive cannot be read, or is too large to be looked into.
    """
    data = packed.content(MAX_ARCHIVE_BYTES)
    entries: list[Entry] = []
    seen: set[str] = set()
    with reading(packed.path):
        for member in _zip(data) if data[:2] == b"PK" else _tar(data):
            path = "/".join(part for part in member.path.split("/") if part not in ("", "."))
            entry = replace(member, path=path)
            if member.unsafe:
                entries.append(replace(member, problem=member.unsafe))
            elif path and not entry.skipped:
                key = unicodedata.normalize("NFC", path).casefold()
                if key in seen and not entry.folder:
                    twins = f"Two files are called {shown(path)}, but for case; hand in one."
                    entry = replace(entry, problem=entry.problem or twins)
                seen.update([] if entry.folder else [key])
                entries.append(entry)
    return entries


@contextmanager
def reading(path: str) -> Iterator[None]:
    """Whatever goes wrong in here becomes a BadSource that names the path."""
    try:
        yield
    except BadSource:
        raise
    except Exception as error:  # whatever the system, or a parser of hostile bytes, comes up with
        damaged = "it is damaged, incomplete, or no .zip, .tar or .tar.gz"
        why = getattr(error, "strerror", None) or damaged
        raise BadSource(
            f"{shown(path)} cannot be read ({why}); put that right and try again."
        ) from error


def special(path: str) -> str:
    """Why a link, a device or a pipe is refused."""
    return f"{shown(path)} is a link or no file; hand in the file itself."


def shown(text: str, limit: int = 120) -> str:
    """A name as it may stand in a message, at most ``limit`` characters of it."""
    text = text if text.isprintable() else ascii(text)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _counted(count: int) -> None:
    if count > MAX_MEMBERS:
        raise BadSource(f"It has more than {MAX_MEMBERS} members; leave out what is not yours.")


def _dense(unpacked: int, packed: int) -> None:
    if unpacked > MAX_RATIO * packed + FREE_BYTES:
        raise BadSource(f"It unpacks to over {MAX_RATIO} times its size; leave empty data out.")


def _zip(data: bytes) -> Iterator[Entry]:
    # ZipFile takes in the whole directory at once, and what that says of its length may lie; but
    # the directories of archives in this one are seen here too.
    _counted(data.count(b"PK\1\2") // 20)
    archive = zipfile.ZipFile(io.BytesIO(data))
    _counted(len(archive.infolist()))
    for info in archive.infolist():
        plain = stat.S_IFMT(info.external_attr >> 16) in (0, stat.S_IFREG, stat.S_IFDIR)
        # What ZipFile makes of the name ends before a NUL.
        problem = Entry(info.orig_filename).unsafe or ("" if plain else special(info.filename))
        yield Entry(info.filename, partial(_unzip, archive, info), info.is_dir(), problem)


def _unzip(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limit: int) -> bytes:
    if info.flag_bits & 1:
        raise BadSource(f"{shown(info.filename)} is encrypted; pack it without a password.")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        # zipfile unpacks the other kinds without a bound.
        raise BadSource(f"{shown(info.filename)} is packed in a rare way; make an ordinary .zip.")
    with archive.open(info) as file:
        data = file.read(limit)
    _dense(len(data), info.compress_size)
    return data


class _Member(tarfile.TarInfo):
    """A member whose header is ordinary; any other fails."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _Member:
        member = super().frombuf(buf, encoding, errors)
        # Older Pythons run in circles on negative sizes (CVE-2025-8194).
        if member.size < 0 or (member.type in b"xgXLK" and member.size > MAX_HEADER):
            raise tarfile.ReadError("header")
        return member


def _tar(data: bytes) -> Iterator[Entry]:
    if data[:2] == b"\x1f\x8b":
        packed = len(data)
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            data = file.read(min(MAX_ARCHIVE_BYTES, MAX_RATIO * packed + FREE_BYTES) + 1)
        _dense(len(data), packed)
        if len(data) > MAX_ARCHIVE_BYTES:
            raise BadSource("It unpacks to more than 256 MiB; leave data out.")
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:", tarinfo=_Member) as archive:
        for count, member in enumerate(archive, 1):
            _counted(count)
            plain = member.isdir() or (member.isreg() and not member.issparse())
            problem = "" if plain else special(member.name)
            yield Entry(member.name, partial(_slice, data, member), member.isdir(), problem)
        # tarfile takes a damaged or missing header for the end; the end is a block of zeros.
        if data[archive.offset : archive.offset + 512] != bytes(512):
            raise tarfile.ReadError("no end")


def _slice(data: bytes, member: tarfile.TarInfo, limit: int) -> bytes:
    return data[member.offset_data : member.offset_data + min(member.size, limit)]
