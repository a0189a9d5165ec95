"""Who is who: the people of a platform's table and the results, matched and never guessed."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Matched", "Person", "match", "name_keys"]

KINDS = ("id", "login", "email", "name")
"""By what people are matched, in this order."""


@dataclass(frozen=True)
class Person:
    """Somebody by whatever is known of them; a group may have several of each."""

    ids: tuple[str, ...] = ()
    logins: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    def keys(self, kind: str) -> set[str]:
        """What stands for this person when people are compared by ``kind``."""
        if kind == "name":
            return {key for name in self.names for key in name_keys(name)}
        values = {"id": self.ids, "login": self.logins, "email": self.emails}[kind]
        return {_plain(value) for value in values} - {""}


@dataclass(frozen=True)
class Matched:
    """Which result each row of a table belongs to, and who was left over."""

    result_of: Mapping[int, int]
    """The place of the result, by the place of the row."""
    rows_left: Sequence[int]
    results_left: Sequence[int]
    doubtful: Mapping[int, str]
    """Of rows that are left over, why nothing was chosen."""


def name_keys(name: str) -> set[str]:
    """What a name is compared by: its words in any order, and as Canvas writes it in a file's name.

    ``Lovelace, Ada``, ``Ada Lovelace`` and ``lovelaceada`` are one name; ``Jörg`` and ``Jorg`` are
    two.
    """
    text = unicodedata.normalize("NFKC", name).casefold()
    words = [word for word in re.split(r"[\W_]+", re.sub(r"['’ʼ`´.-]", "", text)) if word]
    if not words:
        return set()
    last, comma, first = text.partition(",")
    joined = [_letters(first) + _letters(last), _letters(last) + _letters(first)] if comma else []
    ends = ["".join(words[-1:] + words[:-1]), "".join(words[1:] + words[:1])] if not comma else []
    return {" ".join(sorted(words)), "".join(words), *joined, *ends}


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text)


def _plain(value: str) -> str:
    return unicodedata.normalize("NFKC", value).strip().casefold()


def match(rows: Sequence[Person], results: Sequence[Person]) -> Matched:
    """Find each row's result: by the platform's id, the login, the e-mail, then a name that is one.

    Two that share what they are matched by are not told apart by it, and a name decides nothing
    against an id, a login or an e-mail that says otherwise.

    Args:
        rows: people of a platform's table.
        results: people who have a result.
    """
    found: dict[int, int] = {}
    doubtful: dict[int, str] = {}
    known = {kind: _index(results, kind) for kind in KINDS}
    for kind in KINDS:
        asked = Counter(key for row in rows for key in row.keys(kind))
        # Where ids or logins of this table are known at all, an unknown one is another person's.
        speaks = [k for k in KINDS[:3] if any(key in known[k] for r in rows for key in r.keys(k))]
        for n, row in enumerate(rows):
            if n in found or n in doubtful:
                continue
            keys = row.keys(kind)
            hits = {result for key in keys for result in known[kind].get(key, ())}
            if kind == "name":
                hits = {hit for hit in hits if not _differ(row, results[hit], speaks)}
                hits -= set(found.values())
            shared = any(asked[key] > 1 for key in keys if key in known[kind])
            if len(hits) == 1 and not shared:
                found[n] = hits.pop()
            elif hits:
                others = "two lines of the table" if shared else "two results"
                doubtful[n] = f"{others} have this {kind}"
    taken = set(found.values())
    return Matched(
        found,
        [n for n in range(len(rows)) if n not in found],
        [n for n in range(len(results)) if n not in taken],
        doubtful,
    )


def _index(people: Iterable[Person], kind: str) -> dict[str, list[int]]:
    index: dict[str, list[int]] = defaultdict(list)
    for n, person in enumerate(people):
        for key in person.keys(kind):
            index[key].append(n)
    return index


def _differ(row: Person, result: Person, kinds: Sequence[str]) -> bool:
    """Whether both have an id, a login or an e-mail, and not the same."""
    return any(
        (of_row := row.keys(kind)) and (of_result := result.keys(kind)) and not of_row & of_result
        for kind in kinds
    )
