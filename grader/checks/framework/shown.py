"""How results are shown: numbers in short texts, and pictures of maps."""

from __future__ import annotations

from typing import Any

import numpy as np

from grader.records import Figure

__all__ = ["by", "maps", "show", "show_apart"]


def show_apart(expected: np.ndarray, actual: np.ndarray) -> tuple[str, str]:
    """Short texts of two arrays that differ, with as many digits as it takes to see it.

    Args:
        expected: any shape.
        actual: the same shape.

    Returns:
        Both as :func:`show` writes them; where they look alike there, the number that differs most.
    """
    for digits in (5, 8, 12, 17):
        texts = show(expected, digits=digits), show(actual, digits=digits)
        if texts[0] != texts[1]:
            return texts
    e, a = (np.asarray(v, dtype=np.float64) for v in (expected, actual))
    place = np.unravel_index(int(np.abs(a - e).argmax()), e.shape)
    at = f"at [{', '.join(str(int(i)) for i in place)}]"
    for digits in (5, 8, 12, 17):
        texts = show(e[place], digits=digits), show(a[place], digits=digits)
        if texts[0] != texts[1]:
            break
    return f"{texts[0]} {at}", f"{texts[1]} {at}"


def show(array: Any, most: int = 8, digits: int = 5) -> str:
    """A short text of an array: all numbers where few, else the first ones and the shape.

    Args:
        array: any shape.
        most: numbers that are written.
        digits: of each.
    """
    a = np.asarray(array)
    if a.dtype.kind in "iub":
        numbers = [str(v) for v in a.reshape(-1)[:most].tolist()]
    else:
        numbers = [f"{v:.{digits}g}" for v in a.reshape(-1)[:most].tolist()]
    if a.ndim == 0:
        return numbers[0]
    more = f", … ({'×'.join(map(str, a.shape))})" if a.size > most else ""
    return f"[{', '.join(numbers)}{more}]"


def by(error: float) -> str:
    """How far off a result is, in brackets, after a blank; nothing where a number says little."""
    if error >= 10:
        return f" (by {error:.0f} times its size)" if error < 1e6 else ""
    return (
        f" (by {100 * error:.0f} % of its size)" if error >= 0.1 else f" (by {100 * error:.2g} %)"
    )


def maps(actual: np.ndarray, expected: np.ndarray, what: str) -> Figure:
    """The maps of two results of one shape, and of their difference.

    Args:
        actual: what came back, any shape.
        expected: what should have, the same shape.
        what: how the caption calls it.
    """
    a, e = _picture(actual), _picture(expected)
    arrays = {"expected": e.tolist(), "yours": a.tolist(), "difference": (a - e).tolist()}
    return Figure("maps", f"{what}: expected, yours, and the difference", arrays)


def _picture(array: np.ndarray) -> np.ndarray:
    # (…, H, W): the map that holds most; (F,): one row.
    a = np.asarray(array, dtype=np.float64)
    if a.ndim == 1:
        return a[None, :]
    if a.ndim == 2:
        return a
    all_of_them = a.reshape(-1, *a.shape[-2:])
    return np.asarray(all_of_them[int(np.abs(all_of_them).sum((1, 2)).argmax())])
