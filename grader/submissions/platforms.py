"""How Canvas, Moodle and Gradescope name what they let an instructor download.

* Canvas: flat; ``leeanna_LATE_12345_67890_gan.py``, a second upload of a name has ``-1`` in it.
* Moodle: ``Anna Lee_123_assignsubmission_file_/gan.py``, or the same in one name.
* Gradescope: ``submission_123/``, and who that is in ``submission_metadata.yml``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from grader.submissions.identity import Who

__all__ = [
    "METADATA",
    "Metadata",
    "Parsed",
    "canvas",
    "gradescope",
    "is_canvas",
    "metadata",
    "moodle",
]

Metadata = dict[str, tuple[list[tuple[str, str, str]], str]]
"""By a submission's folder: name, student id and e-mail of each submitter, and the time."""

METADATA = "submission_metadata.yml"
_NO_ID = re.compile(r"[\s\-./?0]*|n/?a|none|null|unknown", re.IGNORECASE)
MAX_METADATA = 32 * 1024 * 1024
MAX_SUBMITTERS = 100  # of one submission

_CANVAS = re.compile(r"(?P<name>.+?)(?P<late>_LATE)?_(?P<user>\d+)_(?P<upload>\d+)_(?P<file>.+)")
_ANONYMOUS = re.compile(
    r"anon(?P<late>_LATE)?_(?P<user>[A-Za-z0-9]{1,12})_(?P<upload>\d+)_(?P<file>.+)"
)
_TEXT = re.compile(r"(?P<name>.+?)(?P<late>_LATE)?_(?P<user>\d+)_(?P<file>(text|link)\.html)")
_MOODLE = re.compile(
    r"(?P<name>.+?)_(?P<user>\d+)_assignsubmission_(?P<kind>[a-z]+)(_(?P<file>.*))?", re.DOTALL
)


@dataclass(frozen=True)
class Parsed:
    """What a name in a download tells: who, the file's own name, and when."""

    who: Who
    file: str = ""
    upload: int = 0
    """A later upload has a larger number; 0 where none is known."""
    late: bool = False
    received: str = ""


def canvas(name: str) -> Parsed | None:
    """What the name of a file in a Canvas download tells, or nothing."""
    for pattern in (_ANONYMOUS, _CANVAS, _TEXT):
        if match := pattern.fullmatch(name):
            found = match.groupdict()
            who = Who(found.get("name") or f"anon_{found['user']}", "canvas", found["user"])
            upload = int((found.get("upload") or "0")[:18])
            return Parsed(who, found["file"], upload, bool(found["late"]))
    return None


def is_canvas(names: Iterable[str]) -> bool:
    """Whether these files at the root of a source are a Canvas download.

    One name may look like Canvas's by chance: ``hw_3_1_gan.py``.
    """
    names = list(names)
    found = [parsed for name in names if (parsed := canvas(name))]
    certain = any(len(p.who.person) >= 2 and p.upload >= 1000 for p in found)
    return bool(found) and (certain or len({p.who.person for p in found}) > 1)


def moodle(name: str) -> Parsed | None:
    """What the name of a folder or a file in a Moodle download tells, or nothing."""
    match = _MOODLE.fullmatch(name)
    if match is None:
        return None
    who = match["name"]
    blind = who.casefold() == "participant"
    shown = f"Participant {match['user']}" if blind else who
    return Parsed(Who(shown, "moodle", match["user"]), match["file"] or "")


def gradescope(people: Iterable[tuple[str, str, str]], folder: str, received: str) -> list[Parsed]:
    """Who handed in a folder of a Gradescope export.

    Args:
        people: name, student id and e-mail of each submitter.
        folder: its name, ``submission_123``.
        received: Gradescope's time.

    Returns:
        One for each submitter; without any, one who is called like the folder.
    """
    found = [
        Parsed(Who(name or sid or email, "gradescope", sid or email, email), received=received)
        for name, sid, email in people
        if name or sid or email
    ]
    number = folder.rpartition("_")[2]
    nameless = Parsed(Who(f"submission {number}", "gradescope", number), received=received)
    return found or [nameless]


def metadata(text: str) -> Metadata:
    """The submitters and the time of each submission in Gradescope's ``submission_metadata.yml``.

    Reads the lines that say so and passes over all others: the rest are results of autograders, of
    any size.

    Returns:
        By folder: name, student id and e-mail of each submitter, and the time (ISO 8601).
    """
    found: Metadata = {}
    folder = section = ""
    people: list[dict[str, str]] = []
    at = 0
    for line in text.splitlines():
        indent = len(line) - len(line.lstrip(" "))
        content = line.strip()
        if not content or content.startswith("#"):
            continue
        if indent == 0 and (match := re.fullmatch(r"['\"]?([\w.-]{1,80})['\"]?:\s*", content)):
            folder, section, people = match[1], "", []
            found[folder] = ([], "")
        elif folder and (section != "submitters" or indent <= at) and not content.startswith("-"):
            name, _, value = content.partition(": ")
            if section and indent > at:
                continue
            at, section = indent, name.strip(":'\"")
            if section == "created_at":
                found[folder] = found[folder][0], iso(scalar(value))
        elif folder and section == "submitters":
            if content.startswith("-"):
                people.append({})
                content = content[1:].strip()
            name, _, value = content.partition(": ")
            if people and len(people) <= MAX_SUBMITTERS:
                people[-1][name.strip(":'\"")] = scalar(value)
                all_of = [(p.get("name", ""), p.get("sid", ""), p.get("email", "")) for p in people]
                found[folder] = all_of, found[folder][1]
    return _with_own_ids(found)


def _with_own_ids(found: Metadata) -> Metadata:
    """Student ids only where they tell people apart: a school may write N/A, or one for all."""
    whose: dict[str, set[str]] = {}
    for people, _ in found.values():
        for name, sid, email in people:
            whose.setdefault(sid, set()).add((email or name).casefold())
    return {
        folder: (
            [
                (name, "" if len(whose[sid]) > 1 or _NO_ID.fullmatch(sid) else sid, email)
                for name, sid, email in people
            ],
            received,
        )
        for folder, (people, received) in found.items()
    }


def scalar(text: str) -> str:
    """A value on one line of YAML: plain, in single or in double quotes."""
    text = text.strip()[:1000]
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'")
    if len(text) > 1 and text[0] == text[-1] == '"':
        return re.sub(
            r"\\(x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)", _escaped, text[1:-1]
        )
    return "" if text in ("", "~", "null") else re.sub(r"\s+#.*$", "", text)


def _escaped(match: re.Match[str]) -> str:
    code = match[1]
    if code[0] in "xuU" and len(code) > 1:
        number = int(code[1:], 16)
        return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else "\ufffd"
    return {"n": " ", "t": " ", "e": "", "0": "", "r": " "}.get(code, code)


def iso(text: str) -> str:
    """A time as Gradescope writes it, in ISO 8601; nothing if it is none."""
    match = re.match(
        r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.\d+)?\s*(Z|UTC|[+-]\d\d:?\d\d)?", text
    )
    if match is None:
        return ""
    zone = match[3] or ""
    zone = "+00:00" if zone in ("Z", "UTC") else zone
    zone = f"{zone[:3]}:{zone[-2:]}" if zone else ""
    return f"{match[1]}T{match[2]}{zone}"
