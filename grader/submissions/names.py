"""Which file of the homework a name stands for: its exact name, or one of a table of variants."""

from __future__ import annotations

import difflib
import re
import unicodedata
from dataclasses import dataclass

from grader.homework.contract import PARTS

__all__ = ["TARGETS", "VARIANTS", "Named", "Variant", "named", "nearly", "table"]

TARGETS = tuple(part.file for part in PARTS)
"""Files of the homework that are Python."""


@dataclass(frozen=True)
class Variant:
    """One way in which a name may differ from the exact one and still be plainly meant."""

    words: str
    example: str
    pattern: str = ""
    """What is taken off the end of the name, any number of times; empty where code does it."""


VARIANTS = (
    Variant("upper and lower case", "Part2_Comparative.py"),
    Variant("`-` or a blank for `_`", "part3-compression.py"),
    Variant("no `_`, or one more", "Part 1 Focused.py"),
    Variant("a number that a browser or Canvas adds", "part1_focused (1).py", r"_?\(\d{1,3}\)"),
    Variant("a number after a hyphen", "gan-1.py", r"_\d{1,2}"),
    Variant(
        "the word that a copy gets",
        "gan - Kopie.py",
        r"_(?:copy|kopie|copie|copia)(?:_?\d{1,3})?",
    ),
    Variant("the words that a copy begins with", "Copy of gan.py"),
    Variant("`final`", "part1_focused_final.py", r"_final"),
    Variant("a version", "gan_v2.py", r"_v(?:ersion)?_?\d{1,3}"),
    Variant("the ending in upper case", "gan.PY"),
    Variant("a second ending", "part1_focused.py.txt"),
    Variant("the homework's number in front", "hw3_gan.py"),
    Variant("the student's name, in front or at the end", "lee_gan.py"),
)
"""The variants that are graded; a name may differ in several of these ways at once."""

_ENDINGS = re.compile(
    r"(.+?)\.(py|ipynb|py\.(?:py|txt)|ipynb\.(?:ipynb|json|txt))", re.IGNORECASE | re.DOTALL
)
_DOCUMENT = re.compile(
    r"(.+?)(?:\.(?:py|ipynb))?(?:\.(?:txt|json|html?|pdf|docx?|odt|rtf|rst|gz|bz2|xz|url|webloc"
    r"|bak|old|orig|tmp|part|crdownload|download))?",
    re.IGNORECASE | re.DOTALL,
)
_OFF = re.compile(f"(?:{'|'.join(v.pattern for v in VARIANTS if v.pattern)})$")
_FRONT = re.compile(
    r"(?:copy_of|kopie_von|copie_de|copia_d[ei]|(?:hw|homework|assignment)(?:_?3)?)_"
)
_STEMS = {name.removesuffix(".py").replace("_", ""): name for name in TARGETS}
_LONGEST = 200


@dataclass(frozen=True)
class Named:
    """A file of the homework that a name stands for, and whether as a notebook."""

    file: str
    exact: bool
    notebook: bool


def named(name: str, student: str = "") -> Named | None:
    """What a file's name stands for in the homework, by its exact name or by the table.

    Args:
        name: of the file, without folders.
        student: who handed it in; each word of that name may stand in front.
    """
    if name in TARGETS:
        return Named(name, exact=True, notebook=False)
    match = _ENDINGS.fullmatch(name) if len(name) <= _LONGEST else None
    if match is None:
        return None
    notebook = match[2].casefold().startswith("ipynb")
    exact = notebook and f"{name.removesuffix('.ipynb')}.py" in TARGETS
    own = {word for word in _plain(student).split("_") if len(word) > 1}
    stem = _plain(match[1])
    for _ in range(12):
        if file := _STEMS.get(stem.replace("_", "")):
            return Named(file, exact, notebook)
        shorter = _without_name(_FRONT.sub("", _OFF.sub("", stem), count=1), own)
        if shorter == stem:
            break
        stem = shorter
    return None


def _without_name(stem: str, own: set[str]) -> str:
    """A name without one word of the student's own in front and one at the end."""
    first, _, rest = stem.partition("_")
    stem = rest if rest and first in own else stem
    rest, _, last = stem.rpartition("_")
    return rest if rest and last in own else stem


def nearly(path: str) -> str:
    """The file of the homework that a wrong name seems to stand for, or nothing."""
    name = path.rpartition("/")[2]
    match = re.fullmatch(r"(.+?)\.(py|pyw|ipynb|py\.txt)", name, re.IGNORECASE | re.DOTALL)
    if match is None or len(name) > _LONGEST:
        document = _DOCUMENT.fullmatch(name[:_LONGEST])
        meant = named(f"{document[1]}.py") if document else None
        return meant.file if meant else ""
    words = re.split(r"[\W_]+", match[1].casefold())
    stems = {re.sub(r"\d+$", "", word) for word in words}
    for part in PARTS:
        subject = part.file.removesuffix(".py").rpartition("_")[2]
        if "".join(words).startswith(part.id) or not {part.id, subject}.isdisjoint(
            {*words, *stems}
        ):
            return part.file
    for part in PARTS:
        subject = part.file.removesuffix(".py").rpartition("_")[2]
        if len(subject) > 5 and difflib.get_close_matches(subject, [*stems][:20], 1, 0.85):
            return part.file
    return ""


def table() -> str:
    """The table of variants, as Markdown."""
    rows = [f"| {variant.words} | `{variant.example}` |" for variant in VARIANTS]
    return "\n".join(["| what differs | example |", "|---|---|", *rows])


def _plain(name: str) -> str:
    plain = unicodedata.normalize("NFKC", name[:_LONGEST]).casefold()
    return re.sub(r"[\s_\-\u2010-\u2015]+", "_", plain).strip("_")
