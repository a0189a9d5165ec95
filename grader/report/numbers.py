"""Numbers as people read them: points, shares, measured values, times."""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = [
    "duration",
    "fixed",
    "hundredths",
    "number",
    "points",
    "same",
    "share",
    "short",
    "signed",
    "trimmed",
]


def same(a: float, b: float) -> bool:
    """Equal up to the noise of adding floats."""
    return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9)


def fixed(value: float, full: float) -> str:
    """Two decimals, but those of zero and of ``full`` only where true (coverage.py's rule)."""
    if same(value, full):
        return f"{full:.2f}"
    if same(value, 0.0):
        return "0.00"
    if not 0.0 < value < full:
        return f"{value:.2f}"
    digits = 2
    while 2 * 10.0**-digits > full:
        digits += 1
    text, unit = f"{value:.{digits}f}", 10.0**-digits
    if float(text) == 0.0:
        return f"{unit:.{digits}f}"
    if text == f"{full:.{digits}f}":
        return f"{float(text) - unit:.{digits}f}"
    return text


def trimmed(text: str) -> str:
    """A decimal number without needless zeros: ``12.50`` is ``12.5``."""
    return text.rstrip("0").rstrip(".") if "." in text else text


def number(value: float) -> str:
    """A number of points: ``3``, ``2.5``, ``0.25``."""
    return trimmed(fixed(value, math.inf))


def points(earned: float, possible: float) -> str:
    """``12.5 / 32``; shows full marks or zero only where that is true."""
    return f"{trimmed(fixed(earned, possible))} / {number(possible)}"


def signed(value: float) -> str:
    """Points that are added or taken off: ``+2``, ``−3.5``, ``0``."""
    if same(value, 0.0):
        return "0"
    return f"+{number(value)}" if value > 0.0 else f"−{number(-value)}"


def share(earned: float, possible: float) -> float:
    """Percent for a bar; 0 and 100 only where that is true, else at least 1 and at most 99."""
    if possible <= 0.0 or same(earned, 0.0) or earned < 0.0:
        return 0.0
    if same(earned, possible) or earned > possible:
        return 100.0
    return min(max(round(100.0 * earned / possible, 1), 1.0), 99.0)


def hundredths(scores: Sequence[tuple[float, float]]) -> list[tuple[int, int]]:
    """Points earned and possible as whole hundredths that add up, by the largest remainders.

    A score that is not full stays below full, also where it is less than a hundredth short of it.

    Args:
        scores: points earned and possible of each check.

    Returns:
        The same in hundredths of a point; their sums are the rounded sums as far as that goes.
    """
    full = _apportioned([100 * possible for _, possible in scores], [None] * len(scores))
    most = [
        whole if same(earned, possible) else max(whole - 1, 0)
        for whole, (earned, possible) in zip(full, scores, strict=True)
    ]
    return list(zip(_apportioned([100 * earned for earned, _ in scores], most), full, strict=True))


def _apportioned(exact: Sequence[float], most: Sequence[int | None]) -> list[int]:
    """Whole numbers beside ``exact`` ones, none above its ``most``, that have their rounded sum."""
    noise = 1e-7
    whole = [math.floor(value + noise) for value in exact]
    whole = [w if limit is None else min(w, limit) for w, limit in zip(whole, most, strict=True)]
    left = round(sum(exact)) - sum(whole)
    order = sorted(range(len(exact)), key=lambda i: whole[i] - exact[i])
    room = [i for i in order if most[i] is None or whole[i] < (most[i] or 0)]
    for i in room[: max(left, 0)]:
        whole[i] += 1
    return whole


def short(value: float) -> str:
    """A measured value in three digits, with a real minus sign."""
    if math.isnan(value):
        return "not a number"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return f"{value:.3g}".replace("-", "−")


def duration(seconds: float) -> str:
    """``0.4 s``, ``12 s``, ``3 min 05 s``, ``2 h 10 min``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
