"""From a source to uploads: which layout it has, and whose each folder, archive and file in it is.

Nothing is read here but names, Gradescope's list and what archives hold; the files of a student are
read when that student's turn comes.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from grader.errors import BadSource, Unreadable
from grader.submissions import clones, platforms
from grader.submissions.archives import ARCHIVE, Entry
from grader.submissions.found import listed
from grader.submissions.identity import Who
from grader.submissions.junk import junk
from grader.submissions.names import named, nearly
from grader.submissions.roots import Top, on_disk, opened, tops_of
from grader.text import shown

__all__ = ["Split", "Upload", "split"]

_NOBODY = "it lies beside the students' folders and belongs to nobody"
_GENERIC = frozenset(
    re.findall(
        r"\w+",
        """
        answer answers assignment assignments attempt backup bak code copy data day doc docs ex
        exercise exercises feedback file files final gan github handin hand history home homework
        homeworks hw images img in lib main master my new notebook notebooks old output package
        part parts problem project py python release repo resources script scripts solution
        solutions source sources src starter task tasks template test tests the theory tmp torch
        try upload util utils v ver version warmup week work
        """,
    )
)
"""Words that folders of one student are called by; a folder of another name may be a student."""


@dataclass(frozen=True)
class Upload:
    """What one person handed in at one place.

    ``label`` is the place, as seen from the source.  ``open`` gives its files when they are wanted;
    ``files`` are their origins as far as known before.  Of two uploads the one of larger ``order``
    is later.
    """

    who: Who
    label: str
    open: Callable[[], list[Entry]]
    files: tuple[str, ...] = ()
    archive: str = ""
    """The origin of the archive that it is: what lies in it counts."""
    order: int = 0
    received: str = ""
    notes: tuple[str, ...] = ()
    group: bool = False


@dataclass
class Split:
    """The uploads of a source, the files that belong to nobody, and what the source is."""

    uploads: list[Upload] = field(default_factory=list)
    ignored: list[tuple[str, str]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    one: bool = False
    """Whether the whole source is one submission."""
    found: set[str] = field(default_factory=set)
    """The origins of all files in it."""
    opened: set[str] = field(default_factory=set)
    """Archives that are downloads themselves: what lies in them counts."""

    def say(self, words: str) -> None:
        """Name a layout, once."""
        if words not in self.words:
            self.words.append(words)


def split(source: Path, name: str, origin: str = "", without: Collection[str] = ()) -> Split:
    """Whose each folder and file of a source is.

    Args:
        source: a folder or an archive.
        name: what a single student in it is called.
        origin: what the origins of its files begin with.
        without: names in it that are sources of their own.

    Raises:
        BadSource: it cannot be read, or a name in it is unsafe and in no folder.
    """
    packed = not os.path.isdir(source)
    tops = tops_of(opened(source, origin)) if packed else on_disk(source, origin)
    tops = [top for top in tops if top.name not in without]
    result = _split(tops, name, packed=packed)
    result.found |= {o for top in tops for o in top.origins} - result.opened
    return result


def _split(tops: Sequence[Top], name: str, *, packed: bool, depth: int = 0) -> Split:
    left = [t for t in tops if _is_junk(t)]
    tops = [t for t in tops if not _is_junk(t)]
    found = _of_platforms(tops, depth)
    if not found.uploads:
        found = _inside_one_folder(tops, name, packed, depth) or _of_names(tops, name)
    if found.one:
        found.uploads = [_with_junk(found.uploads[0], left)]
        if clone := next((t for t in left if t.name == ".git"), None):
            found.say("a clone of a repository")
            found.uploads = [_with_commit(found.uploads[0], clone)]
    else:
        found.ignored += [(o, junk(top.name)[1]) for top in left for o in top.origins]
    return found


def _inside_one_folder(tops: Sequence[Top], name: str, packed: bool, depth: int) -> Split | None:
    """What a source is whose only folder wraps all of it: a class, or one student's archive."""
    folders = [top for top in tops if top.entry is None]
    loose = [top for top in tops if top.entry is not None]
    if len(folders) != 1 or any(t.is_archive or named(t.name, name) for t in loose) or depth > 4:
        return None
    inside = [] if folders[0].error else folders[0].inside()
    if packed or _is_class(inside):
        found = _split(inside, name, packed=packed, depth=depth + 1)
        if not found.one and (len(found.uploads) > 1 or not packed):
            found.ignored += [(o, _NOBODY) for top in loose for o in top.origins]
            return found
    return _one(tops, name) if packed else None


def _with_commit(upload: Upload, top: Top) -> Upload:
    about = clones.read(top.peek, top.packs)
    notes = (f"Commit {about.commit[:12]}.",) if about.commit else ()
    return replace(upload, received=about.time, notes=upload.notes + notes)


def _with_junk(upload: Upload, left: Sequence[Top]) -> Upload:
    extra = [e for t in left for e in ([t.entry] if t.entry else _from_root(t))]
    more = tuple(dict.fromkeys(e.origin for e in extra))
    return replace(upload, open=partial(_together, upload.open, extra), files=upload.files + more)


def _from_root(top: Top) -> list[Entry]:
    if top.entries and top.entries[0].path == top.name:
        return top.entries
    return [replace(e, path=f"{top.name}/{e.path}") for e in top.entries]


def _together(open_: Callable[[], list[Entry]], extra: list[Entry]) -> list[Entry]:
    return [*open_(), *extra]


def _is_junk(top: Top) -> bool:
    return bool(junk(top.name)[1])


def _of_platforms(tops: Sequence[Top], depth: int) -> Split:
    """The uploads that a platform's own names tell; and with them, those of other names."""
    found = Split()
    files = [t for t in tops if t.entry is not None]
    flat = platforms.is_canvas(t.name for t in files)
    export = _metadata(files)
    others: list[Top] = []
    repos = [t for t in tops if t.entry is None and t.is_clone]
    names = clones.logins([t.name for t in repos])
    for top in tops:
        if top.entry is not None and top.name == platforms.METADATA and export is not None:
            found.ignored.append((top.entry.origin, "Gradescope's list of submissions"))
        elif parsed := platforms.moodle(top.name):
            found.say("a Moodle download")
            found.uploads.append(_moodle(top, parsed))
        elif top.entry and flat and (parsed := platforms.canvas(top.name)):
            found.say("a Canvas download")
            found.uploads.append(_canvas(top, parsed))
        elif top.entry is None and export is not None and re.fullmatch(r"submission_\d+", top.name):
            found.say("a Gradescope export")
            found.uploads += _gradescope(top, *export.get(top.name, ([], "")))
        elif top in repos:
            found.say("clones of repositories")
            found.uploads.append(_clone(top, names[top.name]))
        else:
            others.append(top)
    there = {top.name for top in tops}
    for folder, (people, received) in (export or {}).items():
        if folder not in there and people:  # without a file
            found.say("a Gradescope export")
            found.uploads += _gradescope(Top(folder), people, received)
    plain: list[Top] = []
    for top in others:
        inner = _inner(top, depth)
        if inner is None:
            plain.append(top)
            continue
        found.uploads += inner.uploads
        found.ignored += inner.ignored
        found.found |= inner.found
        found.opened |= inner.opened
        for words in inner.words:
            found.say(words)
    if not found.uploads:
        return Split()
    _add_named(found, plain, _NOBODY)
    return found


def _inner(top: Top, depth: int) -> Split | None:
    """What a folder or an archive in a source is, if it is a platform's download itself."""
    if depth >= 2 or (top.entry is not None and not top.is_archive):
        return None
    with suppress(BadSource):
        every = tops_of(top.open())
        tops = [t for t in every if not _is_junk(t)]
        files = [t.name for t in tops if t.entry is not None]
        exact = any(named(name) for name in files)
        told = any(platforms.moodle(t.name) for t in tops) or platforms.METADATA in files
        if (told or platforms.is_canvas(files)) and not exact:
            inner = _split(every, top.name, packed=False, depth=depth + 1)
            if top.entry:
                inner.found |= {o for t in every for o in t.origins} - inner.opened
                inner.opened.add(top.entry.origin)
            return inner
    return None


def _metadata(
    files: Sequence[Top],
) -> platforms.Metadata | None:
    for top in files:
        if top.name == platforms.METADATA and top.entry:
            text = top.entry.content(platforms.MAX_METADATA).decode("utf-8", "replace")
            return platforms.metadata(text)
    return None


def _moodle(top: Top, parsed: platforms.Parsed) -> Upload:
    if top.entry is None:
        return Upload(parsed.who, top.name, top.open, top.origins)
    entry = replace(top.entry, path=parsed.file or top.name)
    return Upload(parsed.who, top.name, lambda: [entry], top.origins)


def _canvas(top: Top, parsed: platforms.Parsed) -> Upload:
    assert top.entry is not None
    entry = replace(top.entry, path=parsed.file)
    late = ("Canvas marks this as late.",) if parsed.late else ()
    return Upload(
        parsed.who, top.name, lambda: [entry], top.origins, order=parsed.upload, notes=late
    )


def _gradescope(top: Top, people: Sequence[tuple[str, str, str]], received: str) -> list[Upload]:
    found = platforms.gradescope(people, top.name, received)
    names = [parsed.who.name for parsed in found]
    uploads = []
    for parsed in found:
        others = [name for name in names if name != parsed.who.name]
        notes = (f"Handed in together with {listed(others)}.",) if others else ()
        uploads.append(
            Upload(
                parsed.who, top.name, top.open, top.origins, received=received, notes=notes,
                group=len(found) > 1,
            )
        )  # fmt: skip
    return uploads


def _clone(top: Top, login: str) -> Upload:
    about = clones.read(lambda path, limit: top.peek(f".git/{path}", limit), top.packs)
    notes = (f"Commit {about.commit[:12]}.",) if about.commit else ()
    who = Who(top.name, "git", top.name, login=login)
    return Upload(who, top.name, top.open, top.origins, received=about.time, notes=notes)


def _holds(top: Top) -> frozenset[str]:
    """The files of the homework in a folder, or in an archive, at any depth."""
    if top.holds is None:
        top.holds = frozenset()
        with suppress(BadSource):
            files = [e for e in top.open() if not e.junk and not e.folder]
            top.holds = frozenset(m.file for e in files if (m := named(e.name)))
    return top.holds


def _is_generic(name: str) -> bool:
    words = _words(name)
    return name == "student_template" or (bool(words) and _GENERIC.issuperset(words))


def _is_class(tops: Sequence[Top]) -> bool:
    """Whether several folders or archives of students lie here, rather than parts of one's work."""
    seen: set[str] = set()
    for top in tops:
        if (top.entry is None or top.is_archive) and not _is_generic(top.name):
            files = _holds(top)
            if files & seen:
                return True
            seen |= files
    return False


def students_in(entries: Iterable[Entry], name: str) -> list[str]:
    """The names of folders and archives that look like several students', rather than one's work.

    Args:
        entries: what was taken for the files of one student.
        name: that student's.

    Returns:
        At least two names, or nothing: each holds a file of the homework that another one holds.
    """
    tops = [top for top in tops_of(e for e in entries if not e.junk) if not _is_junk(top)]
    if len(tops) == 1 and tops[0].entry is None:
        return students_in(tops[0].entries, name)
    if any(top.entry is not None and named(top.name, name) for top in tops):
        return []
    own = {*_GENERIC, *_words(name)}
    holding: dict[str, list[str]] = {}
    for top in tops:
        stranger = any(len(word) > 1 and word not in own for word in _words(top.name))
        for file in _holds(top) if stranger and (top.entry is None or top.is_archive) else ():
            holding.setdefault(file, []).append(top.name)
    alike = max(holding.values(), key=len, default=[])
    return alike if len(alike) > 1 else []


def _words(name: str) -> list[str]:
    return [w for w in re.split(r"[\W_\d]+", ARCHIVE.sub("", name).casefold()) if w]


def _of_names(tops: Sequence[Top], name: str) -> Split:
    """Where only names tell whose a folder is: one submission, or one in each."""
    loose = [t for t in tops if t.entry is not None and not t.is_archive]
    folders = [t for t in tops if t.entry is None]
    own = [t for t in loose if named(t.name, name)]
    if own:
        one = not _is_class(tops)
    else:
        holding = {t for t in folders if _holds(t)}
        strangers = [
            top
            for top in (*folders, *(t for t in tops if t.is_archive))
            if not _is_generic(top.name) and (top in holding or _may_be_a_student(top))
        ]
        one = bool(holding) and not strangers and not _too_many_alike(holding)
        near = any(nearly(t.name) for t in loose)
        one = one or (near and not holding and not any(t.is_archive for t in tops))
        one = one or not any(t.entry is None or t.is_archive for t in tops)
    if one:
        return _one(tops, name)
    found = Split()
    _add_named(found, tops, _NOBODY)
    return found


def _one(tops: Sequence[Top], name: str) -> Split:
    origins = tuple(dict.fromkeys(o for t in tops for o in t.origins))
    upload = Upload(Who(name), "", partial(_whole, tops), origins)
    return Split([upload], words=["one submission"], one=True)


def _may_be_a_student(top: Top) -> bool:
    """Whether a folder is empty, or holds code or archives, rather than pictures or data."""
    files = [e for e in top.entries if not e.folder and not e.junk]
    return (
        top.is_archive
        or not files
        or any(
            ARCHIVE.search(e.name) or e.name.casefold().endswith((".py", ".ipynb")) for e in files
        )
    )


def _too_many_alike(tops: Iterable[Top]) -> bool:
    """Whether so many folders hold the same file that they cannot be one student's versions."""
    counts = Counter(file for top in tops for file in _holds(top))
    return any(count > 3 for count in counts.values())


def _whole(tops: Sequence[Top]) -> list[Entry]:
    entries: list[Entry] = []
    for top in tops:
        if top.error:
            raise top.error
        entries += [top.entry] if top.entry else _from_root(top)
    return sorted(entries, key=lambda entry: entry.path)


def _add_named(found: Split, tops: Sequence[Top], reason: str) -> None:
    kinds = set()
    for top in tops:
        if top.entry is not None and not top.is_archive:
            if _is_of_somebody(top.name):
                name = top.name.rpartition(".")[0]
                found.uploads.append(Upload(Who(name), "", partial(_whose, top.name), top.origins))
            else:
                found.ignored.append((top.entry.origin, reason))
            continue
        kinds.add("archives" if top.is_archive else "folders")
        name = ARCHIVE.sub("", top.name) if top.is_archive else top.name
        archive = top.origins[0] if top.is_archive else ""
        found.uploads.append(Upload(Who(name), top.name, top.open, top.origins, archive))
    if kinds:
        found.say(f"a folder of {' and '.join(sorted(kinds, reverse=True))}")


def _is_of_somebody(name: str) -> bool:
    """Whether a file beside folders may be all that a student handed in: ``lee_gan.py``."""
    code = name.casefold().endswith((".py", ".ipynb"))
    return code and not named(name) and (bool(nearly(name)) or name.casefold().endswith(".ipynb"))


def _whose(name: str) -> list[Entry]:
    raise Unreadable(
        f"{shown(name)} lies beside the students' folders: whose is it? Put it into that student's."
    )
