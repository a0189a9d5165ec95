"""Of all files of one student: which one counts for each part, and what a person has to decide."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from grader.errors import BadSource
from grader.homework.contract import FILES, part_of_file
from grader.submissions import bounded, notebooks
from grader.submissions.archives import Entry
from grader.submissions.encodings import as_utf8
from grader.submissions.found import RENAMED, UNCHANGED, Question, listed
from grader.submissions.names import TARGETS, Named, named, nearly
from grader.submissions.template import is_template
from grader.text import shown

__all__ = ["MAX_FILE_BYTES", "Choice", "choose", "decided"]

MAX_FILE_BYTES = 2 * 1024 * 1024
_FEW = 2
"""Functions of a part that a notebook of another name has to define to stand for it."""


@dataclass
class Choice:
    """What was chosen: ``files`` by their name in the homework, with content ready to be graded."""

    files: dict[str, bytes] = field(default_factory=dict)
    chosen: dict[str, Entry] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    passed_over: dict[str, tuple[Entry, str]] = field(default_factory=dict)
    asked: dict[str, tuple[Entry, str]] = field(default_factory=dict)
    questions: list[Question] = field(default_factory=list)
    prose: dict[str, str] = field(default_factory=dict)
    """What notebooks that count say in Markdown, by the notebook's origin."""
    contested: bool = False
    """Whether there is more than one file for a part."""

    def missing(self) -> list[str]:
        """The files of the homework that are neither there nor asked for."""
        open_ = {question.id.rpartition("/")[2] for question in self.questions}
        return [file for file in FILES if file not in self.chosen and file not in open_]


@dataclass(frozen=True)
class _Candidate:
    entry: Entry
    named: Named

    @property
    def rank(self) -> int:
        return 2 if self.named.notebook else 0 if self.named.exact else 1

    @property
    def order(self) -> tuple[int, int, str]:
        return self.rank, self.entry.path.count("/"), self.entry.path


def choose(
    student: str, name: str, entries: Sequence[Entry], decisions: Mapping[str, str]
) -> Choice:
    """Choose among the files of one student.

    Args:
        student: the id, which questions begin with.
        name: the student's, which may stand in front of a file's.
        entries: all files, archives opened and junk left out.
        decisions: by the id of a question.

    Raises:
        BadSource: a file that counts is too large or cannot be read.
    """
    choice = Choice()
    candidates: dict[str, list[_Candidate]] = {}
    others: list[Entry] = []
    for entry in entries:
        meant = named(entry.name, name)
        if meant:
            candidates.setdefault(meant.file, []).append(_Candidate(entry, meant))
        else:
            others.append(entry)
    for file in TARGETS:
        if file in candidates:
            _among(
                choice, student, file, sorted(candidates[file], key=lambda c: c.order), decisions
            )
    _notebooks_for_all(choice, student, [e for e in others if _is_notebook(e)], decisions)
    _near_misses(choice, student, others, decisions)
    return choice


def decided(decision: str, options: Sequence[str]) -> str:
    """Which of the options a person's words mean, or nothing."""
    words = " ".join(decision.split()).casefold()
    for option in options:
        if words in (option.casefold(), option.casefold().removeprefix("use ")):
            return option
    return ""


def _is_notebook(entry: Entry) -> bool:
    return bool(re.search(r"\.ipynb(\.(ipynb|json|txt))?$", entry.name, re.IGNORECASE))


def _limit(entry: Entry) -> int:
    return bounded.NOTEBOOK_BYTES if _is_notebook(entry) else MAX_FILE_BYTES


def _among(
    choice: Choice,
    student: str,
    file: str,
    candidates: Sequence[_Candidate],
    decisions: Mapping[str, str],
) -> None:
    """Choose one of the files that can stand for a file of the homework, or ask."""
    first = candidates[0].rank
    best = [c for c in candidates if c.rank == first]
    kinds: dict[bytes, list[_Candidate]] = {}
    for candidate in best:
        kinds.setdefault(candidate.entry.content(_limit(candidate.entry)), []).append(candidate)
    untouched = [data for data in kinds if is_template(file, data)]
    if len(untouched) < len(kinds):
        for data in untouched:
            for candidate in kinds.pop(data):
                _pass_over(choice, candidate.entry, "it is the template, unchanged")
    if len(kinds) > 1:
        paths = [same[0].entry.path for same in kinds.values()]
        options = (*(f"use {shown(path, 300)}" for path in paths), "ignore")
        verdict = decided(decisions.get(f"{student}/{file}", ""), options)
        if not verdict:
            where = ", ".join(map(shown, paths[:4])) + (" and more" if len(paths) > 4 else "")
            found = f"Different files can be {file}: {where}; one has to be chosen."
            choice.questions.append(Question(f"{student}/{file}", "", found, options))
            choice.contested = True
            for candidate in candidates:
                choice.asked[candidate.entry.origin] = candidate.entry, f"{student}/{file}"
            return
        for data in list(kinds):
            if verdict != f"use {shown(kinds[data][0].entry.path, 300)}":
                for candidate in kinds.pop(data):
                    _pass_over(choice, candidate.entry, "a person decided so")
        choice.notes.append(f"A person decided which {file} counts.")
    for data, same in kinds.items():
        _take(choice, student, file, same[0].entry, data)
        for candidate in same[1:]:
            _pass_over(choice, candidate.entry, f"the same as {shown(same[0].entry.path)}")
    taken = choice.chosen.get(file)
    for candidate in candidates:
        if candidate.rank != first:
            counts = shown(taken.path) if taken else "none"
            _pass_over(choice, candidate.entry, f"{counts} counts as {file}")
            choice.notes.append(
                f"{shown(candidate.entry.path)} was not graded: {counts} counts as {file}."
            )


def _pass_over(choice: Choice, entry: Entry, reason: str) -> None:
    choice.passed_over[entry.origin] = entry, reason


def _take(choice: Choice, student: str, file: str, entry: Entry, data: bytes) -> None:
    inside = data.lstrip().startswith(b"{") and b'"nbformat"' in data  # whatever its name says
    if _is_notebook(entry) or inside:
        _take_module(choice, student, file, entry, notebooks.module(data))
        return
    text, encoding, problem = as_utf8(data)
    if entry.name != file:
        choice.notes.append(f"{shown(entry.path)} {RENAMED} {file}.")
    if encoding:
        choice.notes.append(f"{shown(entry.path)} was read as {encoding}; save it as UTF-8.")
    if is_template(file, data):
        choice.notes.append(f"{shown(entry.path)} {UNCHANGED}")
    choice.chosen[file], choice.files[file] = entry, text
    if problem:
        found = f"{shown(entry.path)} cannot be read as Python: {problem}."
        choice.questions.append(Question(f"{student}/{file}", "", found, ("ignore",)))


def _take_module(
    choice: Choice, student: str, file: str, entry: Entry, made: notebooks.Module
) -> None:
    choice.notes.append(f"The notebook {shown(entry.path)} {RENAMED} {file}.")
    notes = list(made.notes(shown(entry.path)))
    choice.notes += [note for note in notes if note not in choice.notes]
    choice.chosen[file], choice.files[file] = entry, made.text.encode("utf-8", "replace")
    if made.prose.strip():
        choice.prose[entry.origin] = made.prose
    problem = made.problem or ("" if made.defines else "no cell defines a function or a class")
    if problem:
        found = f"The notebook {shown(entry.path)} cannot be used: {problem}."
        choice.questions.append(Question(f"{student}/{file}", "", found, ("ignore",)))


def _notebooks_for_all(
    choice: Choice, student: str, found: Sequence[Entry], decisions: Mapping[str, str]
) -> None:
    """Notebooks of other names stand for the missing parts whose functions they define."""
    missing = choice.missing()
    if not missing:
        return
    made: list[tuple[Entry, notebooks.Module]] = []
    for entry in found[:20]:
        try:
            made.append((entry, notebooks.module(entry.content(bounded.NOTEBOOK_BYTES))))
        except BadSource:
            continue
    for file in missing:
        part = part_of_file(file)
        able = [
            (entry, module)
            for entry, module in made
            if part and len(notebooks.functions_of(module, part.id)) >= _FEW
        ]
        texts = {module.text: entry for entry, module in reversed(able)}
        options = (*(f"use {shown(e.path, 300)}" for e in texts.values()), "ignore")
        verdict = decided(decisions.get(f"{student}/{file}", ""), options)
        if len(texts) > 1 and not verdict:
            where = listed([shown(entry.path) for entry in texts.values()])
            words = f"Different notebooks can be {file}: {where}; one has to be chosen."
            choice.questions.append(Question(f"{student}/{file}", "", words, options))
            choice.contested = True
            continue
        for entry, module in able[:1] if len(texts) == 1 else able:
            if len(texts) == 1 or verdict == f"use {shown(entry.path, 300)}":
                _take_module(choice, student, file, entry, module)
                break


def _near_misses(
    choice: Choice, student: str, others: Sequence[Entry], decisions: Mapping[str, str]
) -> None:
    """A missing file beside one whose name comes near makes a question."""
    missing = choice.missing()
    taken = {entry.origin for entry in choice.chosen.values()}
    for file in missing:
        near = [e for e in others if e.origin not in taken and nearly(e.path) == file]
        if not near:
            continue
        options = (*(f"use {shown(e.path, 300)}" for e in near[:10]), "ignore")
        verdict = decided(decisions.get(f"{student}/{file}", ""), options)
        for entry in near:
            if verdict == f"use {shown(entry.path, 300)}":
                _take(choice, student, file, entry, entry.content(_limit(entry)))
        if not verdict:
            where = listed([shown(entry.path) for entry in near], 4)
            found = f"{file} is missing; {where} may be meant, which has to be called {file}."
            choice.questions.append(Question(f"{student}/{file}", "", found, options))
