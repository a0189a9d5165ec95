"""Which uploads are of one person, and which of them counts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from grader.errors import BadSource
from grader.submissions.archives import Entry
from grader.submissions.choose import decided
from grader.submissions.found import Question, listed
from grader.submissions.identity import Who, digested, key, student_id
from grader.submissions.names import named
from grader.submissions.sources import Split, Upload
from grader.text import shown

__all__ = ["Person", "files_of", "group"]

_TWO_PEOPLE, _TOGETHER = "two people", "together"


@dataclass(frozen=True)
class Person:
    """Somebody, with all that this person handed in; ``question`` is on who that is."""

    who: Who
    uploads: tuple[Upload, ...] = ()
    id: str = ""
    question: Question | None = None
    together: bool = True
    """Whether the uploads are parts of one; otherwise the last one counts."""

    @property
    def name(self) -> str:
        """As the person is called: by the login, where a folder is called after a repository."""
        return self.who.login if self.who.system == "git" and self.who.login else self.who.name

    @property
    def group(self) -> bool:
        """Whether the files are also those of others."""
        return any(upload.group for upload in self.uploads)

    @property
    def received(self) -> str:
        """The platform's time of the last upload."""
        return max((upload.received for upload in self.uploads), default="")

    @property
    def notes(self) -> tuple[str, ...]:
        """What the platform says, and which of several uploads counts."""
        notes = [note for upload in self.uploads for note in upload.notes]
        if not self.together:
            notes.append(f"Of {len(self.uploads)} uploads, the last one counts.")
        elif len(self.uploads) > 1 and not self.who.system:
            places = listed([shown(upload.label) for upload in self.uploads])
            notes.append(f"The files in {places} were taken for one person's.")
        return tuple(dict.fromkeys(notes))


def group(splits: Sequence[tuple[str, Split]], decisions: Mapping[str, str]) -> list[Person]:
    """The people of all sources, each with all uploads.

    Args:
        splits: each source's path, and what it is.
        decisions: by the id of a question.
    """
    found: dict[tuple[str, str], list[tuple[str, Upload]]] = {}
    for source, split in splits:
        for upload in split.uploads:
            found.setdefault(upload.who.key, []).append((source, upload))
    people: list[Person] = []
    for pairs in found.values():
        people += _people(pairs, decisions)
    return _unique(people)


def _people(pairs: Sequence[tuple[str, Upload]], decisions: Mapping[str, str]) -> list[Person]:
    uploads = tuple(upload for _, upload in pairs)
    who = uploads[0].who
    id_ = student_id(who)
    places = list(dict.fromkeys(source for source, _ in pairs))
    nameless = who.system == "gradescope" and not who.person and len(uploads) > 1
    if len(places) == 1 and not nameless:
        timed = [u.received for u in uploads]
        if who.system == "gradescope" and len(uploads) > 1 and all(timed):
            return [Person(who, tuple(sorted(uploads, key=lambda u: u.received)), id_, None, False)]
        return [Person(who, uploads, id_)]
    of = [tuple(u for source, u in pairs if source == place) for place in places]
    if nameless:  # nothing but a name is known, of several submissions
        places, of = [source for source, _ in pairs], [(upload,) for upload in uploads]
    newest = [max((u.order, u.received) for u in own) for own in of]
    if who.system and _complement(of):  # a place for each part of the homework
        return [Person(who, uploads, id_)]
    if who.system and not nameless and len(set(newest)) == len(newest):
        order = sorted(range(len(of)), key=lambda n: newest[n])
        last = Person(who, tuple(u for n in order for u in of[n]), id_, None, False)
        return [last]
    names = [_label(place, own) for place, own in zip(places, of, strict=True)]
    options = (
        *(f"use {shown(name, 300)}" for name in names),
        _TOGETHER,
        *(() if who.system and not nameless else (_TWO_PEOPLE,)),
    )
    verdict = decided(decisions.get(id_, ""), options)
    if verdict == _TWO_PEOPLE:
        return [
            Person(who, own, digested(who.name, f"{key(who.name)} in {name}"))
            for own, name in zip(of, names, strict=True)
        ]
    if verdict == _TOGETHER:
        return [Person(who, uploads, id_)]
    for own, name in zip(of, names, strict=True):
        if verdict == f"use {shown(name, 300)}":
            rest = tuple(u for u in uploads if u not in own)
            return [Person(who, rest + own, id_, None, False)]
    found = f"{shown(who.name)} is in {listed([shown(n) for n in names])}: one person, or two?"
    return [Person(who, uploads, id_, Question(id_, who.name, found, options))]


def _complement(of: Sequence[Sequence[Upload]]) -> bool:
    """Whether what lies in several places holds different files of the homework."""
    seen: set[str] = set()
    for uploads in of:
        files: set[str] = set()
        for upload in uploads:
            with suppress(BadSource):
                files |= {meant.file for e in upload.open() if (meant := named(e.name))}
        if not files or files & seen:
            return False
        seen |= files
    return True


def _label(source: str, uploads: Sequence[Upload]) -> str:
    label = uploads[0].label
    return f"{source}/{label}" if label else source


def _unique(people: Sequence[Person]) -> list[Person]:
    """Ids that differ on every file system, even where a folder is called like another's id."""
    used: dict[str, int] = {}
    for person in people:
        used[person.id.casefold()] = used.get(person.id.casefold(), 0) + 1
    return [
        person
        if used[person.id.casefold()] == 1 or person.who.system in ("canvas",)
        else replace(person, id=digested(person.who.name, " ".join(person.who.key)))
        for person in people
    ]


def files_of(person: Person) -> tuple[list[Entry], list[Upload]]:
    """The files that count of a person's uploads, and the uploads that do not.

    Returns:
        Files, with paths that differ; of several folders or archives each begins with its name.

    Raises:
        BadSource: an upload cannot be read.
    """
    uploads = list(person.uploads)
    passed_over: list[Upload] = []
    if not person.together:
        last = uploads[-1]
        kept = [u for u in uploads if _is_with(u, last, uploads)]
        passed_over = [u for u in uploads if u not in kept]
        uploads = kept
    if person.who.system == "canvas":
        entries, earlier = _latest(uploads)
        return entries, passed_over + earlier
    if len(uploads) == 1:
        return uploads[0].open(), passed_over
    return _apart(uploads), passed_over


def _is_with(upload: Upload, last: Upload, uploads: Sequence[Upload]) -> bool:
    """Whether an upload is of the same source as the last one."""
    source = last.files[0].partition(last.label)[0] if last.files and last.label else ""
    if upload.who.system == "gradescope":
        return upload is last
    return upload is last or bool(source and upload.files and upload.files[0].startswith(source))


def _inside(upload: Upload) -> list[Entry]:
    entries = upload.open()
    if len(entries) == 1 and not entries[0].folder and "/" not in entries[0].path:
        return entries
    return [replace(e, path=f"{upload.label}/{e.path}") for e in entries]


def _apart(uploads: Sequence[Upload]) -> list[Entry]:
    """The files of all; a file that another one's name is taken by gets its upload's in front."""
    seen: set[str] = set()
    found = []
    for upload in uploads:
        for entry in _inside(upload):
            if entry.path in seen:
                entry = replace(entry, path=f"{upload.label}/{entry.path}")
            seen.add(entry.path)
            found.append(entry)
    return found


def _latest(uploads: Sequence[Upload]) -> tuple[list[Entry], list[Upload]]:
    """Canvas gives the second upload of a name a ``-1``: of each name the last one counts.

    Returns:
        The files that count, by the names that the student gave them; and the earlier uploads.
    """
    opened = [(upload, entry) for upload in uploads for entry in upload.open()]
    names = {entry.path for _, entry in opened}
    by_name: dict[str, list[tuple[Upload, Entry]]] = {}
    for upload, entry in opened:
        plain = re.sub(r"-\d{1,2}(?=(\.[^.]+)*$)", "", entry.path)
        again = plain in names or named(plain) is not None
        by_name.setdefault(plain if again else entry.path, []).append((upload, entry))
    kept: list[Entry] = []
    earlier: list[Upload] = []
    for name, same in by_name.items():
        same.sort(key=lambda pair: pair[0].order)
        kept.append(replace(same[-1][1], path=name))
        earlier += [upload for upload, _ in same[:-1]]
    return kept, earlier
