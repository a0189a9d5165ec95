"""Whose answer is read when, and under which name: both are known to bias whoever marks.

Both follow from the assignment's seed, so that they stay the same from run to run.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

from grader.errors import Refused
from grader.text import shown

__all__ = ["Order"]

_LETTERS = "bcdfghjklmnpqrstvwxz"
"""No vowels and no digits: a spreadsheet finds neither words nor numbers nor dates in a code."""

_CODE = 10


class Order:
    """The codes and the order of a class.

    Args:
        seed: of the assignment; without one, anybody can find out who is who.
        ids: of everybody in the class.

    Raises:
        Refused: two people have one code, which no class ever sees.
    """

    def __init__(self, seed: str | int | None, ids: Iterable[str]) -> None:
        self._key = hashlib.sha256(f"marks by hand {seed!r}".encode()).digest()
        self.codes = {one: self._code(one) for one in ids}
        self.ids: dict[str, str] = {}
        for one, code in self.codes.items():
            if code in self.ids:
                raise Refused(
                    f"{shown(one)} and {shown(self.ids[code])} have one code: use --named, or "
                    "another seed"
                )
            self.ids[code] = one

    def shuffled(self, question: str) -> list[str]:
        """Everybody in the order of a question, which is another one for each.

        Args:
            question: its id.
        """
        return sorted(self.codes, key=lambda one: self._digest(f"order {question}", one))

    def _code(self, one: str) -> str:
        number = int.from_bytes(self._digest("code", one), "big")
        letters = ""
        for _ in range(_CODE):
            number, at = divmod(number, len(_LETTERS))
            letters += _LETTERS[at]
        return f"{letters[: _CODE // 2]}-{letters[_CODE // 2 :]}"

    def _digest(self, what: str, one: str) -> bytes:
        text = f"{what}\0{one}".encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, text, "sha256")
