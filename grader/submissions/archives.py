"""What lies in a .zip, .tar or .tar.gz, unpacked in memory and within bounds.

No claim that the bytes make is believed: what a member unpacks to counts, not what its header says.
Which files are wanted is decided elsewhere; only those are unpacked.
"""

from __future__ import annotations

import io
import re
import stat
import struct
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

from grader.errors import BadSource, Unreadable
from grader.submissions.junk import junk
from grader.text import shown

__all__ = ["ARCHIVE", "MIB", "Entry", "members", "reading", "special"]

MIB = 1024 * 1024
MAX_MEMBERS, MAX_ARCHIVE_BYTES = 10_000, 256 * MIB  # packed, and of a tar unpacked: held in memory
MAX_RATIO, FREE_BYTES = 200, MIB  # unpacked to packed bytes beyond the free ones; code is below 20
MAX_NAME = 300  # a path's characters: Windows makes none of more than 260
# Of what extends the header of one member of a tar: headers, bytes and records of each.
MAX_HEADERS, MAX_HEADER, MAX_RECORDS = 5, 4096, 50
MAX_EXTRA = 1000  # bytes of a zip's extra fields, a member: zipfile takes quadratic time for them

# How an archive's name ends; kinds that cannot be read are here too, so that they get a message.
ARCHIVE = re.compile(r"\.(zip|tar|tgz|tbz2?|txz|tar\.(gz|bz2|xz)|rar|7z)$", re.IGNORECASE)
_UNSAFE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\\]|^/|^[a-z]:|(^|/)\.\.(/|$)", re.IGNORECASE
)
_MARKS = re.compile(r"[^\w\x00-\x7f]+")  # and more: all that is neither ASCII nor a letter
_ENTRY = re.compile(rb"PK\x01\x02(?=.{24}(.{6}).{12})", re.DOTALL)  # in a zip: the three lengths


@dataclass(frozen=True)
class Entry:
    """A file or folder that a source offers.

    ``read`` gives at most so many bytes of a file.  A ``problem`` says in one sentence why whatever
    this is part of has to be refused; where it ``asks``, nothing hostile is meant, and a person has
    to decide.  ``origin`` is the path from the source on, whatever ``path`` is counted from; files
    in one folder of ``junk``, which says why they are ignored, share that folder's.
    """

    path: str
    read: Callable[[int], bytes] = lambda limit: b""
    folder: bool = False
    problem: str = ""
    asks: bool = False
    origin: str = ""
    junk: str = ""

    @property
    def name(self) -> str:
        """What follows the last slash."""
        return self.path.rpartition("/")[2]

    @property
    def unsafe(self) -> str:
        """Why this path must not be used, or nothing."""
        if len(self.path) > MAX_NAME:
            return f"The name {shown(self.path)} is too long; shorten it."
        # To put many marks in order, NFC takes quadratic time; Unicode's own bound is 30 in a row.
        marked = any(len(marks) > 30 for marks in _MARKS.findall(self.path))
        if not marked and not _UNSAFE.search(self.path):
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
            raise Unreadable(f"{shown(self.path)} is larger than {limit // MIB} MiB; shorten it.")
        return data


def members(packed: Entry) -> list[Entry]:
    """What lies in an archive; what must not be there has a problem.

    Raises:
        BadSource: the archive cannot be read, or is too large to be looked into.
    """
    data = packed.content(MAX_ARCHIVE_BYTES)
    above = f"{packed.origin}/" if packed.origin else ""
    entries: list[Entry] = []
    seen: dict[str, int] = {}
    with reading(packed.path):
        for member in _zip(data) if data[:2] == b"PK" else _tar(data):
            if unsafe := member.unsafe:
                origin = f"{above}{shown(member.path)}#{len(entries)}"
                # Some tools of Windows write \\ for /; a path that leads out is another thing.
                asks = not Entry(member.path.replace("\\", "/")[:MAX_NAME]).unsafe
                entries.append(replace(member, problem=unsafe, asks=asks, origin=origin))
                continue
            path = "/".join([part for part in member.path.split("/") if part not in ("", ".")])
            if not path:
                continue
            place, why = junk(path)
            if why:
                entries.append(
                    replace(member, path=path, problem="", junk=why, origin=above + place)
                )
                continue
            entry = replace(member, path=path, origin=above + path)
            if not entry.folder:
                key = unicodedata.normalize("NFC", path).casefold()
                seen[key] = seen.get(key, 0) + 1
                if seen[key] > 1:
                    entry = _twin(entry, seen[key])
            entries.append(entry)
    return entries


def _twin(entry: Entry, count: int) -> Entry:
    twins = f"Two files are called {shown(entry.path)}, except for upper case; hand in one."
    asks = entry.asks or not entry.problem
    origin = f"{entry.origin}#{count}"
    return replace(entry, problem=entry.problem or twins, asks=asks, origin=origin)


@contextmanager
def reading(path: str) -> Iterator[None]:
    """Whatever goes wrong in here becomes an Unreadable that names the path."""
    try:
        yield
    except BadSource:
        raise
    except Exception as error:  # whatever the system, or a parser of hostile bytes, comes up with
        damaged = "it is damaged, incomplete, or not a .zip, .tar or .tar.gz"
        why = getattr(error, "strerror", None) or damaged
        raise Unreadable(
            f"{shown(path)} cannot be read ({why}); fix that and try again."
        ) from error


def special(path: str) -> str:
    """Why a link, a device or a pipe is refused."""
    return f"{shown(path)} is a link or not a file; hand in the file itself."


def _counted(count: int) -> None:
    if count > MAX_MEMBERS:
        raise Unreadable(f"It has more than {MAX_MEMBERS} members; leave out what is not yours.")


def _dense(unpacked: int, packed: int) -> None:
    if unpacked > MAX_RATIO * packed + FREE_BYTES:
        raise BadSource(f"It unpacks to over {MAX_RATIO} times its size; leave empty data out.")


def _zip(data: bytes) -> Iterator[Entry]:
    _directories(data)
    archive = zipfile.ZipFile(io.BytesIO(data))
    if sum(info.compress_size for info in archive.infolist()) > len(data):
        raise BadSource("Its members overlap; pack the plain folder again.")
    for info in archive.infolist():
        plain = stat.S_IFMT(info.external_attr >> 16) in (0, stat.S_IFREG, stat.S_IFDIR)
        problem = "" if plain else special(info.filename)
        if info.orig_filename != info.filename:  # what ZipFile makes of it ends before a NUL
            problem = Entry(info.orig_filename).unsafe or problem
        yield Entry(info.filename, partial(_unzip, archive, info), info.is_dir(), problem)


def _directories(data: bytes) -> None:
    """Refuses what ZipFile, which takes in the whole directory at once, would be busy with.

    Where the directory lies and how long it is may be lies, and each archive in this one has its
    own: what counts are entries that follow upon each other, anywhere.
    """
    _counted(data.count(b"PK\1\2") // 20)
    runs: dict[int, tuple[int, int]] = {}  # by where they end: their entries, and the work they are
    for found in _ENTRY.finditer(data):
        name, extra, comment = struct.unpack("<3H", found[1])
        count, work = runs.get(found.start(), (0, 0))
        end = found.start() + 46 + name + extra + comment
        others, theirs = runs.get(end, (0, 0))
        runs[end] = max(count + 1, others), max(work + extra**2, theirs)
        _counted(count + 1)
        if work > MAX_MEMBERS * MAX_EXTRA**2:
            raise BadSource("Its directory is too large; pack the plain folder again.")


def _unzip(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limit: int) -> bytes:
    if info.flag_bits & 1:
        raise Unreadable(f"{shown(info.filename)} is encrypted; pack it without a password.")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        # zipfile unpacks the other kinds without a bound.
        raise Unreadable(f"{shown(info.filename)} is packed in a rare way; make an ordinary .zip.")
    with archive.open(info) as file:
        data = file.read(limit)
    _dense(len(data), info.compress_size)
    return data


def _tar(data: bytes) -> Iterator[Entry]:
    # TarFile keeps and copies all that extends headers, and reads the maps of sparse files to their
    # end: a few kilobytes make it busy for hours (and CVE-2024-6232, CVE-2025-8194).
    data = _gunzip(data) if data[:2] == b"\x1f\x8b" else data
    offset = count = 0
    while data[offset : offset + 512] != bytes(512):  # the end; without it, no header can be read
        _counted(count := count + 1)
        entry, offset = _member(data, offset)
        yield entry


def _gunzip(data: bytes) -> bytes:
    limit = min(MAX_ARCHIVE_BYTES, MAX_RATIO * len(data) + FREE_BYTES)
    unpacking = zlib.decompressobj(wbits=31)
    unpacked = unpacking.decompress(data, limit + 1)
    _dense(len(unpacked), len(data))
    if len(unpacked) > MAX_ARCHIVE_BYTES:
        raise Unreadable("It unpacks to more than 256 MiB; leave data out.")
    if not unpacking.eof or unpacking.unused_data.strip(b"\0"):
        raise zlib.error("no end")
    return unpacked


def _member(data: bytes, offset: int) -> tuple[Entry, int]:
    """The member whose headers begin there, and where the next one's do."""
    extended: dict[bytes, bytes] = {}
    for _ in range(MAX_HEADERS):
        header = tarfile.TarInfo.frombuf(data[offset : offset + 512], "utf-8", "surrogateescape")
        extends = header.type in b"xgXLK"
        size = header.size if extends else int(extended.get(b"size", header.size))
        if size < 0 or (extends and size > MAX_HEADER):
            raise tarfile.ReadError("header")
        start = offset = offset + 512
        if header.isreg() or header.type not in tarfile.SUPPORTED_TYPES or extends:
            offset += -(-size // 512) * 512
        if not extends:
            break
        if header.type == tarfile.GNUTYPE_LONGNAME:
            extended[b"path"] = data[start : start + size].partition(b"\0")[0]
        elif header.type in b"xX":
            extended |= _records(data[start : start + size])
    else:
        raise tarfile.ReadError("headers")
    name = extended.get(b"path", b"").decode("utf-8", "surrogateescape") or header.name
    sparse = header.type == tarfile.GNUTYPE_SPARSE or any(
        key.startswith(b"GNU.sparse.") for key in extended
    )
    plain = header.isdir() or (header.isreg() and not sparse)
    read = partial(_slice, data, start, size)
    return Entry(name, read, header.isdir(), "" if plain else special(name)), offset


def _records(extension: bytes) -> dict[bytes, bytes]:
    """What a POSIX header says: records that begin with their length."""
    records: dict[bytes, bytes] = {}
    at = 0
    for _ in range(MAX_RECORDS):
        if at >= len(extension):
            return records
        length = extension[at : at + 5].partition(b" ")[0]
        end = at + int(length)
        key, _, value = extension[at + len(length) + 1 : end].partition(b"=")
        if end > len(extension) or not value.endswith(b"\n"):
            break
        records[key], at = value[:-1], end
    raise tarfile.ReadError("records")


def _slice(data: bytes, start: int, size: int, limit: int) -> bytes:
    return data[start : start + min(size, limit)]
