"""Hidden checks: what else the docstrings of the homework say, on other networks and inputs.

A student's package has none of these files (``hw3 release`` leaves them out), and nothing imports
them but the registry.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator

__all__ = ["DEFAULT_SEED", "SEED", "Secret"]

DEFAULT_SEED = 400
"""The first seed of hidden cases, unless an assignment sets another; anybody can read this one.

Public ones stay below 100.
"""

_FIRST, _NUMBERS = 100, 2**31 - 100
_REDRAWS = 50


class Secret:
    """What an instructor chose, from which the seeds of hidden cases are drawn: ``SEED + 3``.

    A text gives them by a one-way hash (HMAC, SHA-256) with the name of the group and the number of
    the case.  Whoever learns a case learns nothing of the text, nor of another case.  A number
    gives consecutive ones, as it always did.

    Args:
        seed: the text or the number.
        group: of cases.
    """

    def __init__(self, seed: str | int, group: str = "") -> None:
        self._seed, self._group = seed, group

    def of(self, group: str) -> Secret:
        """The same for another group of cases: its seeds tell nothing of this one's."""
        return Secret(self._seed, group)

    def __add__(self, case: int) -> int:
        """The seed of a case: from 100 on, below 2**31 where it is drawn from a text."""
        return self._seed + case if isinstance(self._seed, int) else self._drawn(str(case))

    def instead_of(self, fixed: int) -> int:
        """A seed in the place of one that used to be the same for all: a number keeps that."""
        return fixed if isinstance(self._seed, int) else self._drawn(f"instead of {fixed}")

    def candidates(self, seed: int) -> Iterator[int]:
        """The seed of a case, and those that may take its place where a condition does not hold.

        A number has no others, so that its cases stay what they were.
        """
        yield seed
        if not isinstance(self._seed, int):
            for turn in range(1, _REDRAWS):
                yield self._drawn(f"{seed} again {turn}")

    def _drawn(self, what: str) -> int:
        assert isinstance(self._seed, str)
        key, message = self._seed.encode(), f"{self._group}: {what}".encode()
        return _FIRST + int.from_bytes(hmac.digest(key, message, "sha256")[:8], "big") % _NUMBERS


SEED = Secret(DEFAULT_SEED)
"""The secret of this run; the registry sets it before it imports the modules of this folder."""
