"""How far a long call has come, told to the grader while it runs; it is used in the guest."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["goes_to", "tell"]

EVERY_SECONDS = 0.2
"""At most so often something is told."""


class _Teller:
    """Where it is told, and when that was done last."""

    def __init__(self) -> None:
        self.sink: Callable[[float], None] | None = None
        self.last = 0.0


_teller = _Teller()


def goes_to(sink: Callable[[float], None]) -> None:
    """Tell it there from now on."""
    _teller.sink = sink


def tell(share: float) -> None:
    """The share of the call that is done, 0 … 1."""
    now = time.perf_counter()
    if _teller.sink is not None and now - _teller.last >= EVERY_SECONDS:
        _teller.last = now
        _teller.sink(share)
