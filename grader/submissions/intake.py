"""From paths to submissions: what a class handed in, and nobody lost.

Every file of the sources ends in exactly one place: it is graded, or lies beside the code of a
student, or is ignored for a stated reason, or is part of a question for a person.  The grader
counts, and stops if one is missing.

Nothing is extracted to disk, and nothing that was handed in is executed here.  Contents lie in one
temporary file without a name (:mod:`grader.submissions.shelf`).  What is hostile or broken costs
its own submission, never the others.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from grader.errors import BadSource, Unreadable
from grader.homework.contract import FILES
from grader.records import NOTHING_HERE, Submission
from grader.submissions import matching, persons, roots, sources
from grader.submissions.archives import ARCHIVE, MIB, Entry
from grader.submissions.assemble import MAX_FILES, MAX_SUBMISSION_BYTES, Handed, assemble
from grader.submissions.choose import MAX_FILE_BYTES, decided
from grader.submissions.found import Class, Question, RosterPerson, listed
from grader.submissions.identity import Who, student_id
from grader.submissions.junk import may_hide_work
from grader.submissions.ledger import Fate, Ledger
from grader.submissions.names import named, nearly
from grader.submissions.persons import Person
from grader.submissions.roster import Roster
from grader.submissions.shelf import Shelf
from grader.submissions.sources import Split, Upload
from grader.text import shown

__all__ = [
    "MAX_FILES",
    "MAX_FILE_BYTES",
    "MAX_SUBMISSION_BYTES",
    "MIB",
    "Class",
    "Question",
    "read",
    "read_class",
    "read_many",
    "read_one",
]

MAX_CLASS_BYTES = 64 * 1024 * MIB  # the files of all submissions, which lie on disk
ONE_STUDENT = "one student"
"""The decision that folders of several names are the versions of one student."""


def read_class(
    paths: Sequence[Path],
    *,
    roster: Roster | None = None,
    decisions: Mapping[str, str] | None = None,
) -> Class:
    """Read what a class handed in.

    Of several sources, a folder or an archive that cannot be graded is a submission that says why:
    they may be the folders of a class, named one by one.

    Args:
        paths: folders and archives, each a submission or many of them.
        roster: the people of the class, if there is a list.
        decisions: what a person decided, by the id of a question.

    Returns:
        The submissions, ordered by id; their ids depend on nobody but each student.

    Raises:
        BadSource: no source is named, or one is missing, or neither a folder nor an archive; or the
            only one is unreadable or holds nothing to grade.
        Miscounted: a file ended nowhere, or in two places.
    """
    if not paths:
        raise BadSource("There is nothing to grade; name a folder or an archive of submissions.")
    places = _apart(paths)
    splits: list[tuple[Path, str, Split]] = []
    for path in places:
        with _located(path) as name:
            prefix = f"{path}/" if len(places) > 1 else ""
            try:
                found = sources.split(path, name, prefix, _sources_in(path, places))
                if not found.uploads:
                    raise BadSource(_nothing(roots.opened(path)))
            except BadSource as refusal:
                if len(places) == 1:
                    raise
                found = _refused(path, name, refusal)
            splits.append((path, name, found))
    reading = _Reading(decisions or {}, alone=len(places) == 1 and splits[0][2].one)
    people = persons.group([(str(path), found) for path, _, found in splits], reading.decisions)
    layout = tuple(listed(found.words) or "nothing" for _, _, found in splits)
    with _located(places[0]) if len(places) == 1 else _unnamed():
        return reading.read(people, [found for _, _, found in splits], layout, roster)


def _apart(paths: Sequence[Path]) -> list[Path]:
    """The sources, each once, however it is spelled."""
    real = {os.path.realpath(path): path for path in reversed(paths)}
    return list(reversed(real.values()))


def _sources_in(folder: Path, paths: Sequence[Path]) -> frozenset[str]:
    """The names of what lies in a folder and is a source of its own."""
    inside = (os.path.split(os.path.realpath(path)) for path in paths)
    return frozenset(name for above, name in inside if above == os.path.realpath(folder))


def read_many(paths: Sequence[Path]) -> list[Submission]:
    """The submissions of all sources, ordered by id (see :func:`read_class`).

    Raises:
        BadSource: as for a class.
    """
    return list(read_class(paths).submissions)


def read(source: Path) -> list[Submission]:
    """The submissions of one source: a folder or an archive that is one, or that holds many.

    Raises:
        BadSource: the source is missing, unreadable or holds nothing to grade.
    """
    return read_many([source])


def read_one(source: Path) -> Submission:
    """The one submission that a folder or an archive is.

    Raises:
        BadSource: it is not exactly one, or cannot be graded.  The files of a folder have to lie at
            its root; if they lie deeper, the message says where.
    """
    with _located(source) as name:
        entries = roots.opened(source)
        if os.path.isdir(source) and not _is_submission(entries):
            raise BadSource(_nothing(entries))
        who = Who(name)
        handed = assemble(student_id(who), name, entries, {})
        if not handed.files:
            asked = "" if handed.nothing else " ".join(q.found for q in handed.questions)
            raise BadSource(asked or _why_nothing(handed))
        return _submission(Person(who), handed)


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
        if str(error).startswith(f"{shown(str(source))}: "):
            raise
        raise type(error)(f"{shown(str(source))}: {error}") from error


@contextmanager
def _unnamed() -> Iterator[str]:
    yield ""


def _refused(path: Path, name: str, refusal: BadSource) -> Split:
    """A source of several that cannot be looked into: a student who needs a look."""

    def open_() -> list[Entry]:
        raise refusal

    files = () if os.path.isdir(path) else (str(path),)
    found = Split([Upload(Who(name), name, open_, files)], words=["something unreadable"])
    found.found.update(files)
    return found


@dataclass(frozen=True)
class _Reading:
    """Reads the submissions of a class one after the other, and keeps count."""

    decisions: Mapping[str, str]
    alone: bool

    def read(
        self,
        people: Sequence[Person],
        splits: Sequence[Split],
        layout: tuple[str, ...],
        roster: Roster | None,
    ) -> Class:
        """The class.

        Args:
            people: with their uploads.
            splits: the sources.
            layout: what each source is.
            roster: the people of the class.
        """
        ledger = Ledger()
        ignored: list[tuple[str, str]] = []
        for found in splits:
            ledger.found(found.found)
            for origin, reason in found.ignored:
                ledger.put(origin, Fate.IGNORED, reason)
                ignored.append((origin, reason))
        submissions: list[Submission] = []
        questions: list[Question] = []
        total, shelf = 0, Shelf()
        for person in people:
            submission, asked = self._one(person, ledger)
            total += sum(map(len, submission.files.values()))
            submissions.append(replace(submission, files=shelf.put(submission.files)))
            questions += asked
            if total > MAX_CLASS_BYTES:
                raise BadSource("It holds too much to read at once; grade it in smaller groups.")
        ledger.close()
        absent: tuple[RosterPerson, ...] = ()
        unknown: tuple[str, ...] = ()
        groups: tuple[str, ...] = ()
        if roster is not None:
            whose = {person.id: person.who for person in people}
            match = matching.matched(submissions, roster, self.decisions, whose)
            submissions, absent, unknown = match.submissions, match.absent, match.unknown
            questions += match.questions
            groups = match.groups
        ordered = sorted(submissions, key=lambda one: (one.id.casefold(), one.id))
        return Class(
            tuple(ordered), layout, tuple(ignored), absent, unknown,
            tuple(sorted(questions, key=lambda question: question.id)), groups,
        )  # fmt: skip

    def _one(self, person: Person, ledger: Ledger) -> tuple[Submission, list[Question]]:
        origins = dict.fromkeys(origin for upload in person.uploads for origin in upload.files)
        if person.question:  # whose the files are is open
            return self._without_files(person, Unreadable(person.question.found), origins, ledger)
        try:
            entries, passed_over = persons.files_of(person)
            self._look_for_students(person, entries)
            handed = assemble(person.id, person.who.name, entries, self.decisions)
            if self.alone and handed.nothing:
                raise Unreadable(_why_nothing(handed))
        except BadSource as refusal:
            if self.alone:
                raise
            return self._without_files(person, refusal, origins, ledger)
        for upload in person.uploads:
            if upload.archive and upload not in passed_over:
                ledger.opened(upload.archive)
        ledger.found(e.origin for e in entries if not e.folder)
        ledger.found(handed.inside)
        for origin in handed.opened:
            ledger.opened(origin)
        for origin, fate, words in handed.fates:
            ledger.put(origin, fate, f"{words}" if not person.group else fate.value)
        for upload in passed_over:
            for origin in upload.files:
                ledger.put(origin, Fate.IGNORED, "an earlier upload")
                handed.ignored.append((origin, "an earlier upload"))
        if passed_over and person.together:
            handed.notes.append("Of several uploads of one file, the last one counts.")
        submission = _submission(person, handed)
        asked = [replace(q, name=person.name) for q in handed.questions]
        settled = self.decisions.get(person.id, "").strip().casefold() == "ignore"
        unseen = handed.entries or any(may_hide_work(path, why) for path, why in handed.ignored)
        if handed.nothing and unseen and not asked and not settled:
            asked.append(Question(person.id, person.name, submission.reason, ("ignore",)))
        question = " ".join(question.found for question in asked)
        if submission.reason and asked and handed.nothing:
            question = submission.reason
        return replace(submission, question=question), asked

    def _look_for_students(self, person: Person, entries: Sequence[Entry]) -> None:
        """Refuse to take the folder of a section or a group of students for one student's."""
        if self.alone or person.who.system:
            return
        found = sources.students_in(entries, person.name) if len(person.uploads) == 1 else []
        verdict = decided(self.decisions.get(person.id, ""), (ONE_STUDENT, "ignore"))
        if found and verdict != ONE_STUDENT:
            names = listed([shown(name) for name in found])
            raise Unreadable(
                f"{shown(person.name)} holds the same files in {names}: "
                "one student's versions, or several students? Name it as a source of its own if "
                "they are several."
            )

    def _without_files(
        self, person: Person, refusal: BadSource, origins: Iterable[str], ledger: Ledger
    ) -> tuple[Submission, list[Question]]:
        reason = str(refusal)
        decision = self.decisions.get(person.id, "").strip().casefold()
        asks = isinstance(refusal, Unreadable) and decision != "ignore"
        fate = Fate.ASKED if asks else Fate.IGNORED
        ignored = []
        for origin in origins:
            ledger.put(origin, fate, fate.value if person.group else person.id)
            ignored += [] if asks else [(origin, "refused: " + reason)]
        empty = Handed(notes=list(person.notes), ignored=ignored)
        submission = replace(_submission(person, empty), digest=_digest({"": reason.encode()}))
        submission = replace(submission, reason=reason, question=reason if asks else "")
        options = (ONE_STUDENT, "ignore") if "or several students?" in reason else ("ignore",)
        question = person.question or Question(person.id, person.name, reason, options)
        return submission, [question] if asks else []


def _submission(person: Person, handed: Handed) -> Submission:
    reason = ""
    if not handed.files:
        asked = "" if handed.nothing else " ".join(q.found for q in handed.questions)
        reason = asked or _why_nothing(handed)
    files = handed.files
    who = person.who
    return Submission(
        person.id or student_id(who),
        person.name,
        files,
        # Without files, the reason is what tells one state of a submission from the next.
        _digest(files or {"": reason.encode()}),
        received=person.received,
        reason=reason,
        person=who.login if who.system == "git" else who.person,
        email=who.email,
        login=who.login,
        notes=tuple(dict.fromkeys([*person.notes, *handed.notes])),
        ignored=tuple(handed.ignored),
    )


def _why_nothing(handed: Handed) -> str:
    return handed.closed[0] if handed.closed else _nothing(handed.entries, handed.ignored)


def _is_submission(entries: Iterable[Entry]) -> bool:
    return any(
        named(entry.path) is not None and not entry.folder and not entry.junk for entry in entries
    )


def _nothing(entries: Sequence[Entry], ignored: Sequence[tuple[str, str]] = ()) -> str:
    """Why nothing can be graded, with the files that come nearest."""
    passed_over = [*ignored, *((e.path, e.junk) for e in entries if e.junk)]
    files = [e for e in entries if not e.folder and not e.junk]
    files.sort(key=lambda e: (e.path.count("/"), e.path))
    nested = [entry for entry in files if named(entry.name) and "/" in entry.path]
    near = [(entry, meant) for entry in files if (meant := nearly(entry.path))]
    if nested:
        depth = nested[0].path.count("/")
        down = "one folder down" if depth == 1 else f"{depth} folders down"
        where = ", ".join(shown(e.path) for e in nested[:4] if e.path.count("/") == depth)
        found = f"found {where} {down}; hand in the files themselves, not a folder around them"
    elif near:
        found = ", ".join(f"{shown(e.path)} has to be called {meant}" for e, meant in near[:4])
    elif files:
        found = f"found {listed([shown(entry.path) for entry in files], 4)} instead; add them"
    elif passed_over:
        places = listed([f"{shown(path)} ({why})" for path, why in passed_over], 4)
        found = f"there is only {places}, which is ignored"
    else:
        found = "it is empty"
    return f"{NOTHING_HERE} {', '.join(FILES)} is here: {found}."


def _digest(files: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name, data in sorted(files.items()):
        for piece in (name.encode(), data):
            digest.update(len(piece).to_bytes(8, "big") + piece)
    return digest.hexdigest()
