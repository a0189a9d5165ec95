"""Which uploads are of one person, which of them counts, and who that is on the roster."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from grader.records import Submission
from grader.submissions.archives import Entry
from grader.submissions.choose import decided
from grader.submissions.found import Question, listed
from grader.submissions.identity import Who, digested, key, student_id
from grader.submissions.roster import Roster, RosterPerson
from grader.submissions.sources import Split, Upload
from grader.text import shown

__all__ = ["Person", "files_of", "group", "matched"]

_TWO_PEOPLE = "two people"


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
    if len(places) == 1:
        timed = [u.received for u in uploads]
        if who.system == "gradescope" and len(uploads) > 1 and all(timed):
            return [Person(who, tuple(sorted(uploads, key=lambda u: u.received)), id_, None, False)]
        return [Person(who, uploads, id_)]
    of = [tuple(u for source, u in pairs if source == place) for place in places]
    newest = [max((u.order, u.received) for u in own) for own in of]
    if who.system and len(set(newest)) == len(newest):
        order = sorted(range(len(of)), key=lambda n: newest[n])
        last = Person(who, tuple(u for n in order for u in of[n]), id_, None, False)
        return [last]
    names = [_label(place, own) for place, own in zip(places, of, strict=True)]
    options = (
        *(f"use {shown(name, 300)}" for name in names),
        *(() if who.system else (_TWO_PEOPLE,)),
    )
    verdict = decided(decisions.get(id_, ""), options)
    if verdict == _TWO_PEOPLE:
        return [
            Person(who, own, digested(who.name, f"{key(who.name)} in {name}"))
            for own, name in zip(of, names, strict=True)
        ]
    for own, name in zip(of, names, strict=True):
        if verdict == f"use {shown(name, 300)}":
            rest = tuple(u for u in uploads if u not in own)
            return [Person(who, rest + own, id_, None, False)]
    found = f"{shown(who.name)} is in {listed([shown(n) for n in names])}: one person, or two?"
    return [Person(who, uploads, id_, Question(id_, who.name, found, options))]


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
        by_name.setdefault(plain if plain in names else entry.path, []).append((upload, entry))
    kept: list[Entry] = []
    earlier: list[Upload] = []
    for name, same in by_name.items():
        same.sort(key=lambda pair: pair[0].order)
        kept.append(replace(same[-1][1], path=name))
        earlier += [upload for upload, _ in same[:-1]]
    return kept, earlier


def _identifier(person: RosterPerson) -> str:
    return person.id or person.email or person.login or person.name


def matched(
    submissions: Sequence[Submission], roster: Roster, decisions: Mapping[str, str]
) -> tuple[list[Submission], list[Question], tuple[str, ...], tuple[str, ...]]:
    """Who each submission's student is on the roster.

    Args:
        submissions: of the class.
        roster: its people.
        decisions: by the id of a question.

    Returns:
        The submissions with what the roster knows; questions; the names of the absent, and those of
        submissions of people who are not on the roster.
    """
    found: list[Submission] = []
    questions: list[Question] = []
    unknown: list[str] = []
    there: dict[int, str] = {}
    for one in submissions:
        hits = roster.match(one.person, one.login, one.email, one.name)
        options = tuple(f"use {_identifier(roster.people[n])}" for n in hits)
        verdict = decided(decisions.get(f"{one.id}/roster", ""), (*options, "ignore"))
        if len(hits) > 1 and verdict:
            hits = [n for n, option in zip(hits, options, strict=True) if option == verdict]
        if len(hits) > 1:
            words = f"{shown(one.name)} may be any of {len(hits)} people on the roster."
            questions.append(Question(f"{one.id}/roster", one.name, words, (*options, "ignore")))
            one = replace(one, question=" ".join(filter(None, [one.question, words])))
            for number in hits:
                there.setdefault(number, one.id)
        elif hits:
            person = roster.people[hits[0]]
            if hits[0] in there and verdict != "ignore":
                words = f"{shown(person.name)} on the roster has two submissions."
                questions.append(Question(f"{one.id}/roster", one.name, words, ("ignore",)))
                one = replace(one, question=" ".join(filter(None, [one.question, words])))
            there[hits[0]] = one.id
            one = replace(
                one,
                name=person.name or one.name,
                person=one.person or person.id,
                email=one.email or person.email,
                login=one.login or person.login,
            )
        else:
            unknown.append(one.name)
        found.append(one)
    absent = tuple(p.name or p.id or p.email for n, p in enumerate(roster.people) if n not in there)
    return found, questions, absent, tuple(unknown)
