"""Who handed something in, and the id that this gives: it depends on that person alone.

An id is the name of a folder on every system and part of a page's address.  Letters of every
alphabet are kept.  Where the platform gives a person a number, that ends the id; otherwise what
cannot stand in a folder's name is replaced, and a digest of the whole name makes the id unique.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass

__all__ = ["Who", "digested", "key", "student_id"]

MAX_CHARACTERS, MAX_BYTES = 80, 200
_PREFIX = 40

# Windows opens devices by the first names, whatever follows a dot; the others are a class's files.
_RESERVED = re.compile(
    r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)|.*\.(html?|csv|json|lock|md|toml|zip|tmp)$"
    r"|(index|pages|history|exports?)$",
    re.IGNORECASE,
)
_DIGESTED = re.compile(r".*-[0-9a-f]{10}$", re.DOTALL)


@dataclass(frozen=True)
class Who:
    """A person, or a group, as far as a platform or a name tells.

    ``system`` is where ``person`` is an id: ``"canvas"``, ``"moodle"``, ``"gradescope"`` or
    ``"git"``; empty where there is only a name.
    """

    name: str
    system: str = ""
    person: str = ""
    email: str = ""
    login: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """What two uploads of one person have in common."""
        if self.system and self.person:
            return self.system, self.person
        return "name", key(self.name)


def key(name: str) -> str:
    """A name without what file systems do not tell apart: case, kinds of blanks, composition."""
    text = unicodedata.normalize("NFC", name)
    text = unicodedata.normalize("NFC", text.lower().replace("ς", "σ"))
    return "_".join(re.split(r"[\s_]+", text))


def student_id(who: Who) -> str:
    """A person's id: readable, safe as a folder's name, and the same whoever else is there."""
    if who.system in ("canvas", "moodle", "gradescope") and who.person:
        if re.fullmatch(r"[0-9]{1,20}", who.person):
            name = _readable(who.name).removesuffix(who.person)[:_PREFIX]
            return f"{_short(name)}_{who.person}"
        return digested(who.name, f"{who.system} {who.person}")
    plain = _readable(who.name)
    return plain if _is_faithful(plain, who.name) else digested(who.name, key(who.name))


def digested(name: str, whole: str) -> str:
    """What can be read of a name, and a digest.

    Args:
        name: of a person.
        whole: what tells this person from all others.
    """
    digest = hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:10]
    return f"{_short(_readable(name)[:_PREFIX])}-{digest}"


def _short(begin: str) -> str:
    """The beginning of an id, which neither opens a device nor is too long for a file system."""
    while len(begin.encode()) > MAX_BYTES - 40:
        begin = begin[:-1]
    return begin.replace(".", "_").rstrip("_-") or "student"


def _readable(name: str) -> str:
    """The letters, digits and ``._-`` of a name, each blank a ``_``."""
    text = unicodedata.normalize("NFC", name[:400])
    kept = "".join(c if c in "._-" or unicodedata.category(c)[0] in "LM" or _digit(c) else "_"
                   for c in text)  # fmt: skip
    kept = unicodedata.normalize("NFC", re.sub(r"_+", "_", kept).strip("._-"))
    while kept and unicodedata.category(kept[0])[0] == "M":
        kept = kept[1:]
    return kept


def _digit(character: str) -> bool:
    return unicodedata.category(character) == "Nd"


def _is_faithful(plain: str, name: str) -> bool:
    """Whether no other name gives this id, on any file system."""
    text = re.sub(r"[\s_]+", "_", unicodedata.normalize("NFC", name))
    same = bool(plain) and key(plain) == key(name) and len(plain) == len(text)
    ordinary = unicodedata.normalize("NFKC", plain) == plain
    ordinary = ordinary and plain.casefold() == plain.lower().replace("ς", "σ")
    short = len(plain) <= MAX_CHARACTERS and len(plain.encode()) <= MAX_BYTES
    return same and ordinary and short and not (_RESERVED.match(plain) or _DIGESTED.match(plain))
