"""All that one student handed in becomes one submission's files, wherever each of them lay."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from grader.errors import BadSource, Unreadable
from grader.submissions.archives import ARCHIVE, Entry, members
from grader.submissions.choose import MAX_FILE_BYTES, Choice, choose, decided
from grader.submissions.encodings import as_utf8
from grader.submissions.found import Question
from grader.submissions.junk import junk
from grader.submissions.ledger import Fate
from grader.text import shown

__all__ = ["MAX_FILES", "MAX_SUBMISSION_BYTES", "PROSE", "Handed", "assemble"]

MAX_FILES, MAX_SUBMISSION_BYTES = 200, 8 * 1024 * 1024  # of one submission
MAX_BESIDE = 1000  # files beside the code that are looked at
MAX_PATH = 240  # as JSON: the paths of a submission travel in one header of 64 KiB
MAX_OPENED, MAX_NESTED = 10, 2  # archives of one student, and how deep they lie in each other

PROSE = "answers-of-notebook.md"
"""The Markdown of a notebook that counts lies beside the code, as written answers do."""


@dataclass
class Handed:
    """One student's files, and where each file of the source ended.

    ``nothing`` is whether no file of the homework was found.  ``opened`` are archives whose content
    counts instead of them, ``inside`` what lay in these.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    ignored: list[tuple[str, str]] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    fates: list[tuple[str, Fate, str]] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)
    inside: list[str] = field(default_factory=list)
    nothing: bool = False
    entries: list[Entry] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    """Why archives stayed closed that may hold what is missing."""

    def ignore(self, entry: Entry, reason: str) -> None:
        """Leave a file out, and say why."""
        self.ignored.append((_place(entry), reason))
        self.fates.append((entry.origin, Fate.IGNORED, reason))


def _place(entry: Entry) -> str:
    """A path as it is shown: of what lies in a folder of junk, the folder's."""
    if not entry.junk:
        return entry.path
    place = junk(entry.path)[0] or entry.path
    return f"{place.rstrip('/')}/" if entry.origin.endswith("/") else place


def assemble(
    student: str, name: str, entries: Sequence[Entry], decisions: Mapping[str, str]
) -> Handed:
    """Put together what one student handed in.

    Args:
        student: the id.
        name: the student's.
        entries: all files, from one place on.
        decisions: by the id of a question.

    Returns:
        The files to grade, and what became of every other one.

    Raises:
        BadSource: something in it is hostile, or more than is read.
    """
    handed = Handed()
    _ignore_junk(handed, entries)
    own = [entry for entry in entries if not entry.junk]
    _refuse_problems(own)
    files = [entry for entry in own if not entry.folder]
    closed: list[tuple[Entry, BadSource]] = []
    plain = _opened(handed, files, closed, 0)
    handed.entries = plain + [entry for entry, _ in closed]
    choice = choose(student, name, plain, decisions)
    handed.notes, handed.questions = choice.notes, choice.questions
    for entry, reason in choice.passed_over.values():
        handed.ignore(entry, reason)
    for entry, question in choice.asked.values():
        handed.fates.append((entry.origin, Fate.ASKED, question))
    _ask_for_closed(handed, student, choice, closed, decisions)
    done = {origin for origin, _, _ in handed.fates}
    rest = [e for e in plain if e.origin not in done]
    if choice.chosen:
        _place_all(handed, student, choice, rest)
        return handed
    handed.nothing = not choice.contested
    for entry in rest:
        handed.fates.append((entry.origin, Fate.ASKED, student))
    return handed


def _ignore_junk(handed: Handed, entries: Iterable[Entry]) -> None:
    seen: set[str] = set()
    for entry in entries:
        if entry.junk and not entry.folder and entry.origin not in seen:
            seen.add(entry.origin)
            handed.ignore(entry, entry.junk)


def _refuse_problems(entries: Iterable[Entry]) -> None:
    problems = [entry for entry in entries if entry.problem]
    if not problems:
        return
    worst = next((entry for entry in problems if not entry.asks), problems[0])
    raise (Unreadable if worst.asks else BadSource)(worst.problem)


def _opened(
    handed: Handed, files: Sequence[Entry], closed: list[tuple[Entry, BadSource]], depth: int
) -> list[Entry]:
    """The files, those in archives among them; an archive that stays closed has its reason."""
    plain: list[Entry] = []
    for entry in files:
        if not ARCHIVE.search(entry.path):
            plain.append(entry)
            continue
        try:
            if depth >= MAX_NESTED or len(handed.opened) >= MAX_OPENED:
                raise Unreadable(f"{shown(entry.path)} is packed too often to be opened.")
            inside = members(entry)
            _refuse_problems(e for e in inside if not e.junk)
        except BadSource as error:
            closed.append((entry, error))
            continue
        handed.opened.append(entry.origin)
        handed.inside += [e.origin for e in inside if not e.folder]
        below = [replace(e, path=f"{entry.path}/{e.path}") for e in inside if not e.folder]
        _ignore_junk(handed, below)
        plain += _opened(handed, [e for e in below if not e.junk], closed, depth + 1)
    return plain


def _ask_for_closed(
    handed: Handed,
    student: str,
    choice: Choice,
    closed: Sequence[tuple[Entry, BadSource]],
    decisions: Mapping[str, str],
) -> None:
    """An archive that cannot be opened makes a question, unless nothing is missing."""
    for entry, error in closed:
        id_ = f"{student}/{entry.path}"
        if not choice.missing() and choice.chosen:
            handed.ignore(entry, "it cannot be opened, and nothing is missing")
        elif not isinstance(error, Unreadable):
            raise error
        elif decided(decisions.get(id_, ""), ("ignore",)):
            handed.ignore(entry, "a person decided so")
        else:
            handed.closed.append(str(error))
            handed.questions.append(Question(id_, "", str(error), ("ignore",)))
            handed.fates.append((entry.origin, Fate.ASKED, id_))


def _is_code(entry: Entry) -> bool:
    return entry.name.endswith(".py") or entry.name == "answers.md"


def _place_all(handed: Handed, student: str, choice: Choice, rest: Sequence[Entry]) -> None:
    """Give every file its path in the submission, as seen from the homework's own folders."""
    by_origin: dict[str, list[str]] = {}
    for file, entry in choice.chosen.items():
        by_origin.setdefault(entry.origin, []).append(file)
    for origin, names in by_origin.items():
        handed.fates.append((origin, Fate.GRADED, f"{', '.join(names)} of {student}"))
    taken = set(by_origin)
    beside = [entry for entry in rest if entry.origin not in taken]
    homes = sorted({_folder(e.path) for e in choice.chosen.values()}, key=len, reverse=True)
    for file, entry in choice.chosen.items():
        if len(homes) > 1 and _folder(entry.path) not in ("", homes[-1]):
            handed.notes.append(f"{file} was found in {shown(_folder(entry.path))}.")
    above = _common([*homes, *(_folder(e.path) for e in beside if _is_code(e))])
    placed: dict[str, Entry] = {file: replace(e, path=file) for file, e in choice.chosen.items()}
    code = b"\n".join(choice.files.values())
    for entry in sorted(beside, key=lambda e: (e.path.count("/"), e.path)):
        home = next((h for h in homes if not h or entry.path.startswith(f"{h}/")), None)
        if home is not None:
            path = entry.path[len(home) + 1 :] if home else entry.path
        elif entry.name.casefold() == "answers.md" and "answers.md" not in placed:
            path = "answers.md"
        elif _is_code(entry):
            path = entry.path[len(above) + 1 :] if above else entry.path
        else:
            handed.ignore(entry, "outside the folder of the homework")
            continue
        if path in placed:
            _second(handed, student, placed[path], entry, code)
        else:
            placed[path] = replace(entry, path=path)
    _read_all(handed, student, choice, placed)


def _second(handed: Handed, student: str, first: Entry, entry: Entry, code: bytes) -> None:
    """Two files have one path in the submission: a question if it matters which one."""
    stem = re.escape(entry.name.removesuffix(".py").encode())
    imported = entry.name.endswith(".py") and re.search(
        rb"^\s*(?:from|import)\s[^\n]*\b" + stem + rb"\b", code, re.MULTILINE
    )
    same = not imported
    if imported:
        with suppress(BadSource):
            same = first.content(MAX_FILE_BYTES) == entry.content(MAX_FILE_BYTES)
    if same:
        handed.ignore(entry, f"there is another {shown(first.path)}")
        return
    id_ = f"{student}/{entry.path}"
    found = f"Two files are called {shown(first.path)}, and the homework imports it."
    handed.questions.append(Question(id_, "", found, ("ignore",)))
    handed.fates.append((entry.origin, Fate.ASKED, id_))


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _common(folders: Sequence[str]) -> str:
    """The folder that all of these lie in."""
    split = [folder.split("/") if folder else [] for folder in folders]
    common = split[0] if split else []
    for parts in split:
        while parts[: len(common)] != common:
            common = common[:-1]
    return "/".join(common)


def _read_all(handed: Handed, student: str, choice: Choice, placed: Mapping[str, Entry]) -> None:
    """Read code, all of it, and what lies beside it as far as there is room."""
    code = {path: entry for path, entry in placed.items() if _is_code(entry)}
    if len(code) > MAX_FILES:
        raise Unreadable(f"There are more than {MAX_FILES} .py files; leave out what is not yours.")
    files: dict[str, bytes] = {}
    total = 0
    for path, entry in sorted(code.items()):
        if unsafe := replace(entry, path=path).unsafe:
            raise BadSource(unsafe)
        if len(json.dumps(path)) > MAX_PATH:
            raise Unreadable(f"The name {shown(path)} is too long; shorten it.")
        if path in choice.files:
            files[path] = choice.files[path]
        else:
            data, encoding, _ = as_utf8(entry.content(MAX_FILE_BYTES))
            files[path] = data
            if encoding:
                handed.notes.append(f"{shown(path)} was read as {encoding}; save it as UTF-8.")
            handed.fates.append((entry.origin, Fate.BESIDE, student))
        total += len(files[path])
        if total > MAX_SUBMISSION_BYTES:
            raise Unreadable("The .py files are larger than 8 MiB together; keep data out.")
    room = MAX_SUBMISSION_BYTES - total
    for count, (path, entry) in enumerate(sorted(placed.items())):
        if path in code:
            continue
        looked = count < MAX_BESIDE + len(code) and len(files) < MAX_FILES
        if not looked or entry.unsafe or len(json.dumps(path)) > MAX_PATH:
            handed.ignore(entry, "there is no room for it beside the code")
            continue
        try:
            data = entry.content(min(MAX_FILE_BYTES, room))
        except BadSource:
            handed.ignore(entry, "it is too large to lie beside the code, or cannot be read")
            continue
        files[path] = data
        room -= len(data)
        handed.fates.append((entry.origin, Fate.BESIDE, student))
    if choice.prose:
        text = "\n\n".join(
            [files.get(PROSE, b"").decode("utf-8", "replace"), *choice.prose.values()]
        )
        files[PROSE] = text.strip("\n").encode("utf-8", "replace")[:room]
    handed.files = dict(sorted(files.items()))
