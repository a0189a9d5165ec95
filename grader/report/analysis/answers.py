"""Written answers: which stretch of ``answers.md`` answers which question.

An answer begins below a heading that is the question's title, its id or both, whatever number or
punctuation stands there, and ends at the next heading of the same level or a higher one.  Nothing
that was written is lost: what stands below no such heading is shown as such.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from grader.homework.questions import Question
from grader.text import printable

__all__ = ["FILE", "LONGEST", "Answers", "answers"]

FILE = "answers.md"

LONGEST = 60_000
"""Characters of all answers of a student that are read."""

_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*")


@dataclass(frozen=True)
class Answers:
    """What somebody wrote, by the question's id; and what belongs to no question."""

    of: Mapping[str, str] = field(default_factory=dict)
    rest: str = ""
    cut: bool = False
    """Whether the end is missing, because there was too much."""


@dataclass
class _Section:
    level: int
    title: str
    lines: list[str]


def answers(data: bytes, asked: Sequence[Question], given: bytes = b"") -> Answers:
    """Who wrote what: a file of answers, question by question.

    Args:
        data: the file, in UTF-8.
        asked: the questions.
        given: the file that students were handed; its paragraphs are nobody's answer.
    """
    text = _text(data)
    cut = len(text) > LONGEST
    known = set(_paragraphs(given_text := _text(given)))
    for section in _sections(given_text):  # a heading may stand in one paragraph with its text
        known |= set(_paragraphs("\n".join(section.lines[1:])))
    known |= {paragraph for one in asked for paragraph in _paragraphs(one.prompt)}
    known -= {""}
    names = {key: one.id for one in asked for key in _keys(one)}
    found: dict[str, list[str]] = {}
    current, level = "", 0
    for section in _sections(text[:LONGEST]):
        key = names.get(_plain(section.title), "")
        if key:
            current, level = key, section.level
        elif section.level and section.level <= level:
            current, level = "", 0
        lines = section.lines if not key else section.lines[1:]
        found.setdefault(current, []).extend(lines)
    kept = {key: _without("\n".join(lines), known) for key, lines in found.items()}
    rest = kept.pop("", "")
    return Answers({key: words for key, words in kept.items() if words}, rest, cut)


def _text(data: bytes) -> str:
    return printable(data[: 4 * LONGEST + 4].decode("utf-8-sig", "replace"))


def _keys(question: Question) -> set[str]:
    title, name = _plain(question.title), _plain(question.id)
    return {title, name, f"{name} {title}", f"{title} {name}"} - {""}


def _plain(title: str) -> str:
    """A title as it is compared: without the number in front, without marks, in lower case."""
    text = unicodedata.normalize("NFKC", title).casefold()
    words = re.findall(r"\w+", text.replace("_", " "))
    while words and words[0] in ("question", "answer", "exercise", "task"):
        del words[0]
    while len(words) > 1 and re.fullmatch(r"\d+|[a-h]", words[0]):
        del words[0]
    return " ".join(words)


def _sections(text: str) -> list[_Section]:
    """The text cut before each heading; the first section may have none."""
    sections = [_Section(0, "", [])]
    fence = ""
    lines = text.split("\n")
    for n, line in enumerate(lines):
        mark = _FENCE.match(line)
        if fence:
            if mark and mark[1].startswith(fence) and not line.strip(" \t`~"):
                fence = ""
        elif mark:
            fence = mark[1]
        elif heading := _heading(line, lines[n + 1] if n + 1 < len(lines) else ""):
            sections.append(_Section(*heading, []))
        sections[-1].lines.append(line)
    return [_without_underline(one) for one in sections]


def _heading(line: str, below: str) -> tuple[int, str] | None:
    if found := _HEADING.fullmatch(line):
        return len(found[1]), found[2] or ""
    under = _UNDERLINE.fullmatch(below)
    starts_other = re.match(r"\s*([-*+>|]|\d+[.)]|$)", line)
    if under and not starts_other:
        return (1 if under[1][0] == "=" else 2), line.strip()
    return None


def _without_underline(section: _Section) -> _Section:
    """A title of two lines as one line, so that every title is one."""
    if len(section.lines) > 1 and section.level and not _HEADING.fullmatch(section.lines[0]):
        section.lines[:2] = [f"{'#' * section.level} {section.title}"]
    return section


def _paragraphs(text: str) -> list[str]:
    return [_joined(block) for block in re.split(r"\n[ \t]*\n", text)]


def _joined(paragraph: str) -> str:
    return " ".join(paragraph.split())


def _without(text: str, known: Collection[str]) -> str:
    """The text without the paragraphs that students were handed; a code block stays as it is."""
    if not known:
        return text.strip("\n")
    blocks = re.split(r"(\n[ \t]*\n)", text)
    kept = [block for block in blocks if _joined(block) not in known or not block.strip()]
    return re.sub(r"\n{4,}", "\n\n\n", "".join(kept)).strip("\n")
