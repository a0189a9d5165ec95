"""From paths to submissions: folders, archives, and folders or archives of them, read into memory.

Nothing is extracted to disk, and nothing that was handed in is parsed or executed here.  What is
hostile or broken costs its own submission, never the others.  Hidden entries and what tools leave
behind (``archives.SKIPPED``) are passed over everywhere.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from grader.errors import BadSource
from grader.homework.contract import FILES, OPTIONAL_FILES, PARTS
from grader.records import Submission
from grader.submissions.archives import (
    ARCHIVE,
    MIB,
    Entry,
    members,
    reading,
    special,
)
from grader.text import shown

__all__ = ["read", "read_many", "read_one"]

MAX_FILES, MAX_FILE_BYTES, MAX_SUBMISSION_BYTES = 200, 2 * MIB, 8 * MIB  # of one submission
MAX_BESIDE = 1000  # files beside the code that are looked at
MAX_PATH = 240  # as JSON: the paths of a submission travel in one header of 64 KiB
MAX_ENTRIES = 100_000  # of a folder on disk, which are only looked at
MAX_CLASS_BYTES = 1024 * MIB  # the files of all submissions of one source

# Windows opens devices by these names, whatever follows a dot; the last two are the class's pages.
_RESERVED = re.compile(
    r"(con|prn|aux|nul|(com|lpt)\d)(\.|$)|(index\.html|gradebook\.csv)$", re.IGNORECASE
)


def read_many(sources: Sequence[Path]) -> list[Submission]:
    """The submissions of all sources, ordered by name; their ids differ in more than case.

    Of several sources, a folder or an archive that cannot be graded is a submission that says why:
    they may be the folders of a class, named one by one.

    Raises:
        BadSource: no source is named, or one is missing, or neither a folder nor an archive; or the
            only one is unreadable or holds nothing to grade.
    """
    if not sources:
        raise BadSource("There is nothing to grade; name a folder or an archive of submissions.")
    if len(sources) == 1:
        return read(sources[0])
    found: list[Submission] = []
    for source in sources:
        with _located(source) as name:
            try:
                found += _read(source, name)
            except BadSource as refusal:
                found.append(_refused(name, refusal))
    return _with_ids(found)


def read(source: Path) -> list[Submission]:
    """The submissions of one source: a folder or an archive that is one, or that holds many.

    It is one if a file of the homework lies at its root (of an archive: or in its only folder).
    Otherwise each folder and each archive in it is one; those not gradable come with their reason.

    Raises:
        BadSource: the source is missing, unreadable or holds nothing to grade.
    """
    with _located(source) as name:
        return _read(source, name)


def read_one(source: Path) -> Submission:
    """The one submission that a folder or an archive is.

    Raises:
        BadSource: it is not exactly one, or cannot be graded.  The files of a folder have to lie at
            its root; if they lie deeper, the message says where.
    """
    with _located(source) as name:
        entries = _open(source)
        if os.path.isdir(source) and not _is_submission(entries):
            raise BadSource(_nothing(entries))
        return _submission(name, entries)


@contextmanager
def _located(source: Path) -> Iterator[str]:
    """Gives the name of a source that exists; what is refused in here names its place."""
    try:
        name = os.path.basename(os.path.abspath(source))
        if not os.path.exists(source):
            raise BadSource("There is no such folder or file; check how it is spelled.")
        if not os.path.isdir(source) and not ARCHIVE.search(name):
            raise BadSource("This is neither a folder nor a .zip, .tar or .tar.gz; name one.")
        yield name if os.path.isdir(source) else ARCHIVE.sub("", name)
    except BadSource as error:
        raise BadSource(f"{shown(str(source))}: {error}") from error


def _open(source: Path, deep: bool = True) -> list[Entry]:
    real = Path(os.path.realpath(source))  # a link that is named is followed; one found is not
    if os.path.isdir(real):
        return _walk(real, deep)
    return members(Entry("The archive", partial(_read_file, real, "The archive")))


def _read(source: Path, name: str) -> list[Submission]:
    entries = _open(source, deep=False)
    on_disk = os.path.isdir(source)
    if not on_disk and not _is_submission(entries) and len(tops := _tops(entries)) == 1:
        entries = _under(entries, tops[0]) or entries
    if _is_submission(entries):
        return [_submission(name, _open(source))]
    return _class(entries, Path(os.path.realpath(source)) if on_disk else None)


def _class(entries: Sequence[Entry], folder: Path | None) -> list[Submission]:
    """Each folder and archive among the entries of an archive, or of a folder on disk."""
    found: list[Submission] = []
    total = 0
    files = {e.path: e for e in reversed(entries) if not e.folder}
    folders = _by_top(entries)
    for top in _tops(entries):
        packed = files.get(top)
        name = ARCHIVE.sub("", top) if packed else top
        try:
            if packed:
                inside = members(packed)
            else:
                inside = _walk(folder / top) if folder else folders.get(top, [])
            found.append(_submission(name, inside))
        except BadSource as refusal:
            found.append(_refused(name, refusal))
        total += sum(map(len, found[-1].files.values()))
        if total > MAX_CLASS_BYTES:
            raise BadSource("It holds too much to read at once; grade it in smaller groups.")
    misnamed = any(_meant(e.path) for e in entries if not e.folder and "/" not in e.path)
    if not found or (misnamed and all(submission.reason for submission in found)):
        raise BadSource(_nothing(entries))
    return _with_ids(found)


def _submission(name: str, entries: Sequence[Entry]) -> Submission:
    files = _contents(_own(entries))
    return Submission(_safe_id(name), name, files, _digest(files))


def _refused(name: str, refusal: BadSource) -> Submission:
    reason = str(refusal)
    # Without files, the reason is what tells one state of a submission from the next.
    return Submission(_safe_id(name), name, {}, _digest({"": reason.encode()}), reason=reason)


def _own(entries: Sequence[Entry], packed: bool = False) -> list[Entry]:
    """The files to read of one submission, out of what wraps all of them."""
    if problem := next((entry.problem for entry in entries if entry.problem), ""):
        raise BadSource(problem)
    files = [e for e in entries if not e.folder]
    wanted = [e for e in files if _is_code(e)]
    tops = {entry.path.partition("/")[0] for entry in wanted}
    if len(tops) == 1 and _is_submission(_under(wanted, *tops)):
        return _under(files, *tops)
    archives = [e for e in files if ARCHIVE.search(e.path)]
    if not wanted and len(archives) == 1 and not packed:
        return _own(members(archives[0]), packed=True)
    if not _is_submission(wanted):
        raise BadSource(_nothing(entries))
    return files


def _is_code(entry: Entry) -> bool:
    return entry.name.endswith(".py") or entry.name in OPTIONAL_FILES


def _contents(entries: Sequence[Entry]) -> dict[str, bytes]:
    """Code, all of it, and what lies beside it as far as there is room."""
    code = [entry for entry in entries if _is_code(entry)]
    if len(code) > MAX_FILES:
        raise BadSource(f"There are more than {MAX_FILES} .py files; leave out what is not yours.")
    files: dict[str, bytes] = {}
    for entry in sorted(code, key=lambda entry: entry.path):
        if entry.unsafe:
            raise BadSource(entry.unsafe)
        if len(json.dumps(entry.path)) > MAX_PATH:
            raise BadSource(f"The name {shown(entry.path)} is too long; shorten it.")
        files[entry.path] = entry.content(MAX_FILE_BYTES)
        if sum(map(len, files.values())) > MAX_SUBMISSION_BYTES:
            raise BadSource("The .py files are larger than 8 MiB together; keep data out of them.")
    beside = [e for e in entries if not _is_code(e) and not ARCHIVE.search(e.path)]
    room = MAX_SUBMISSION_BYTES - sum(map(len, files.values()))
    for entry in sorted(beside, key=lambda entry: entry.path)[:MAX_BESIDE]:
        if len(files) < MAX_FILES and not entry.unsafe and len(json.dumps(entry.path)) <= MAX_PATH:
            with suppress(BadSource):  # too large, or packed in a way that is not read
                data = entry.content(min(MAX_FILE_BYTES, room))
                files[entry.path] = data
                room -= len(data)
    return dict(sorted(files.items()))


def _is_submission(entries: Iterable[Entry]) -> bool:
    return any(entry.path in FILES and not entry.folder for entry in entries)


def _tops(entries: Sequence[Entry]) -> list[str]:
    """The folders and archives at the root; a problem that lies in none of them is everybody's."""
    tops = set()
    for entry in entries:
        top, inside, _ = entry.path.partition("/")
        if entry.problem and (not inside or not top or Entry(top).unsafe):
            raise BadSource(entry.problem)
        if inside or entry.folder or ARCHIVE.search(top):
            tops.add(top)
    return sorted(tops)


def _under(entries: Sequence[Entry], folder: str) -> list[Entry]:
    return _by_top(entries).get(folder, [])


def _by_top(entries: Sequence[Entry]) -> dict[str, list[Entry]]:
    """What lies in each folder at the root, as seen from there."""
    folders: dict[str, list[Entry]] = {}
    for entry in entries:
        top, inside, path = entry.path.partition("/")
        if inside:
            folders.setdefault(top, []).append(replace(entry, path=path))
    return folders


def _walk(folder: Path, deep: bool = True) -> list[Entry]:
    """What lies in a folder on disk; links are not followed, and no file is opened yet."""
    if folder.is_symlink():
        raise BadSource("This is a link to a folder; put the folder itself here.")
    entries: list[Entry] = []
    todo = [""]
    while todo:
        above = todo.pop()
        with reading(above or "The folder"), os.scandir(folder / above) as scan:
            for item in scan:
                path, read = above + item.name, partial(_read_file, Path(item.path))
                if not Entry(path).skipped:
                    # Beside submissions a link stands for one of them, which is refused aloud.
                    is_link = not deep and item.is_symlink() and not os.path.isfile(item.path)
                    is_folder = is_link or item.is_dir(follow_symlinks=False)
                    entries.append(Entry(path, partial(read, path), is_folder))
                    todo += [f"{path}/"] if deep and is_folder else []
                if len(entries) > MAX_ENTRIES:
                    raise BadSource(f"There are more than {MAX_ENTRIES} files; move data away.")
    return sorted(entries, key=lambda entry: entry.path)


def _read_file(file: Path, path: str, limit: int) -> bytes:
    if not stat.S_ISREG(os.lstat(file).st_mode):
        raise BadSource(special(path))
    # It may have become a link or a pipe since.
    safely = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    with open(file, "rb", opener=lambda name, flags: os.open(name, flags | safely)) as opened:
        # Not the limit itself: as much is allocated at once, however short the file.
        return opened.read(min(limit, os.fstat(opened.fileno()).st_size + 1))


def _nothing(entries: Sequence[Entry]) -> str:
    """Why nothing can be graded, with the files that come nearest."""
    files = sorted((e for e in entries if not e.folder), key=lambda e: (e.path.count("/"), e.path))
    nested = [entry for entry in files if entry.name in FILES]
    near = [(entry, meant) for entry in files if (meant := _meant(entry.path))]
    if nested:
        depth = nested[0].path.count("/")
        down = "one folder down" if depth == 1 else f"{depth} folders down"
        where = ", ".join(shown(e.path) for e in nested[:4] if e.path.count("/") == depth)
        found = f"found {where} {down}; hand in the files themselves, not a folder around them"
    elif near:
        found = ", ".join(f"{shown(e.path)} has to be called {meant}" for e, meant in near[:4])
    else:
        found = "add them" if files else "it is empty"
    return f"None of {', '.join(FILES)} is here: {found}."


def _meant(path: str) -> str:
    """The file of the homework that a wrong name seems to stand for, or nothing."""
    match = re.fullmatch(r"(.+?)\.(py|pyw|ipynb|py\.txt)", path.rpartition("/")[2], re.IGNORECASE)
    words = re.split(r"[\W_]+", match[1].casefold()) if match else []
    for part in PARTS:
        subject = part.file.removesuffix(".py").rpartition("_")[2]
        if "".join(words).startswith(part.id) or not {part.id, subject}.isdisjoint(words):
            return part.file
    return ""


def _with_ids(submissions: Iterable[Submission]) -> list[Submission]:
    used: set[str] = set()
    counts: dict[str, int] = {}  # by what an id begins with: thousands may be called the same
    found: list[Submission] = []
    for submission in sorted(
        submissions, key=lambda s: (_safe_id(s.name).casefold(), s.name, s.digest)
    ):
        base = unique = _safe_id(submission.name)
        start = base[:70].casefold()
        while unique.casefold() in used:
            counts[start] = count = counts.get(start, 1) + 1
            unique = f"{base[: 79 - len(str(count))].rstrip('.')}-{count}"
        used.add(unique.casefold())
        found.append(replace(submission, id=unique))
    return found


def _safe_id(name: str) -> str:
    """A folder's name on every system: ASCII letters, digits and ``._-``, at most 80 of them."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", plain).strip("._-")
    plain = f"_{plain}" if _RESERVED.match(plain) else plain
    return plain[:80].rstrip("._-") or "submission"


def _digest(files: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name, data in sorted(files.items()):
        for piece in (name.encode(), data):
            digest.update(len(piece).to_bytes(8, "big") + piece)
    return digest.hexdigest()
