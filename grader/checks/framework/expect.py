"""Expectations: the only place that turns a comparison into feedback.

Each function returns if the expectation holds, and otherwise raises :class:`Unmet` with the
feedback for the student.  Comparisons are relative to the size of what was expected, so that one
tolerance serves networks of any scale.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, NoReturn

import numpy as np

from grader.calls.validate import WrongKind, words
from grader.checks.framework import trace
from grader.checks.framework.shown import by, maps, show, show_apart
from grader.records import Feedback, Reply, StudentError

__all__ = [
    "DIFFERENCES",
    "FLOAT32",
    "FLOAT64",
    "HALF",
    "NOTHING",
    "Pair",
    "StudentFault",
    "Unmet",
    "close",
    "equal",
    "finite",
    "measuring",
    "nearest",
    "partial",
    "raises",
    "record",
    "relative_error",
    "same_ranking",
    "show",
    "that",
    "up_to_a_factor",
]

FLOAT32 = 1e-4
"""Relative L2 tolerance of a result in float32.

On the public cases correct code for the same formula differs by at most 2e-6, and a single mistake
by more than 1e-2 (``python tests/benchmarks/tolerances.py``).  Only a rule that ignores ``steps``
may be closer; comparing 50 with 300 steps finds it.
"""
FLOAT64 = 1e-9
"""The same in float64: correct code differs by at most 1e-14, float32 inside by more than 1e-8.

Not for integrals: Captum keeps the weights of its steps in float32, an error of up to 4e-8.
"""


DIFFERENCES = 1e-3
"""The same against derivatives by central differences, which are good to 1e-6.

Honest submissions use at most 1 % of it.  Wrong ones that it catches are off by 20 times or more
(``hw3 audit`` prints both for every check).
"""
NOTHING = 1e-5
"""What counts as zero, as an absolute L2 norm: of inputs that are ignored, of a line of no length.

Honest submissions use at most 4 % of it; wrong ones are off by a thousand times and more.
"""

HALF = 0.5
"""The share of the points for an answer that is right in some cases only."""


class Unmet(Exception):  # noqa: N818  (an unmet expectation is an outcome, not an error)
    """An expectation that does not hold.

    Args:
        feedback: what the student reads.
        fraction: of the points that the answer still earns, in [0, 1).
        of_values: whether numbers are wrong, which may be a known mistake.
    """

    def __init__(
        self,
        feedback: Feedback,
        fraction: float = 0.0,
        *,
        of_values: bool = False,
    ) -> None:
        super().__init__(feedback.message)
        if not 0 <= fraction < 1:
            raise ValueError(f"the fraction of an unmet expectation is in [0, 1) (got {fraction})")
        self.feedback = feedback
        self.fraction = fraction
        self.of_values = of_values


class StudentFault(Exception):  # noqa: N818
    """The student's code raised, ended the process, took too long, or is missing."""

    def __init__(self, error: StudentError) -> None:
        super().__init__(error.message)
        self.error = error


def that(holds: bool, message: str, *, of_values: bool = False, **feedback: Any) -> None:
    """The expectation is ``holds``; if it is false, the student reads ``message``.

    Args:
        holds: whether the expectation holds.
        message: what is wrong, for the student.
        of_values: whether numbers are wrong, which may be a known mistake.
        **feedback: further fields of :class:`Feedback`.

    Raises:
        Unmet: ``holds`` is false.
    """
    if not holds:
        told = Feedback(message=message, **feedback)
        trace.note(trace.Compared(message, told.expected, told.actual, False))
        raise Unmet(told, of_values=of_values)


def partial(fraction: float, message: str, **feedback: Any) -> NoReturn:
    """Right in some cases only.

    Args:
        fraction: of the points that this earns, in [0, 1).
        message: what is wrong, for the student.
        **feedback: further fields of :class:`Feedback`.

    Raises:
        Unmet: always.
    """
    raise Unmet(Feedback(message=message, **feedback), fraction)


def finite(actual: np.ndarray, what: str = "the result") -> None:
    """The result contains neither NaN nor infinity."""
    bad = int(np.size(actual) - np.isfinite(actual).sum())
    that(
        bad == 0,
        f"{what} contains NaN or infinity although the input is finite",
        actual=show(actual),
    )


_measured: list[float] | None = None


@contextmanager
def measuring() -> Iterator[list[float]]:
    """Inside, the list collects error ÷ tolerance of every comparison."""
    global _measured
    before, _measured = _measured, []
    try:
        yield _measured
    finally:
        _measured = before


def record(error: float, tolerance: float) -> None:
    """Note a comparison for :func:`measuring`."""
    if _measured is not None and tolerance > 0:
        _measured.append(error / tolerance)


def relative_error(actual: np.ndarray, expected: np.ndarray, scale: float = 0.0) -> float:
    """‖actual − expected‖ / max(‖expected‖, scale), computed in float64.

    Args:
        actual: what came back, any shape.
        expected: what should have.
        scale: a size below which differences do not count, for expectations near zero.

    Returns:
        The error, ≥ 0; infinite if ``actual`` is not finite, or has another shape.
    """
    a, e = np.asarray(actual, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    if a.shape != e.shape or not np.isfinite(a).all():
        return float("inf")
    size = max(float(np.linalg.norm(e)), scale, 1e-12)
    return float(np.linalg.norm(a - e)) / size


def close(
    actual: Any,
    expected: Any,
    tolerance: float = FLOAT32,
    what: str = "the result",
    *,
    scale: float = 0.0,
    **feedback: Any,
) -> None:
    """``actual`` equals ``expected`` up to a relative L2 error of ``tolerance``.

    Args:
        actual: what came back, any shape.
        expected: what should have, same shape.
        tolerance: relative to max(‖expected‖, scale).
        what: how the sentence calls it.
        scale: a size below which differences do not count, for expectations near zero.
        **feedback: further fields of :class:`Feedback`.

    Raises:
        Unmet: the shapes differ, a number is not finite, or the error is larger.
    """
    a, e = np.asarray(actual), np.asarray(expected)
    if a.shape != e.shape:
        message = f"{what} has the shape {a.shape}, but should have {e.shape}"
        trace.note(trace.Compared(f"the shape of {what}", e.shape, a.shape, False))
        raise Unmet(Feedback(message=message), of_values=True)
    finite(a, what)
    error = relative_error(a, e, scale)
    record(error, tolerance)
    trace.note(trace.Compared(what, e, a, error <= tolerance, error, tolerance))
    if error <= tolerance:
        return
    figures = () if a.ndim == 0 or a.size < 4 else (maps(a, e, what),)
    expected_words, actual_words = show_apart(e, a)
    ours = {"expected": expected_words, "actual": actual_words, "figures": figures}
    message = f"{what} differs from the expected result{by(error)}"
    raise Unmet(Feedback(message=message, **{**ours, **feedback}), of_values=True)


@dataclass(frozen=True)
class Pair:
    """A result, what is expected, and how a sentence calls it.

    ``sizes`` are numbers by one of which the result is too large if a division was left out.
    """

    actual: np.ndarray
    expected: np.ndarray
    what: str
    sizes: tuple[float, ...] = ()


def up_to_a_factor(pairs: Sequence[Pair], fraction: float) -> None:
    """If all results are the right ones times one factor, they earn a fraction of the points.

    It returns if they are all right, and also if they are wrong in another way: the check goes on
    to say so.  The factor has to be the same number in all of them, or to follow from their sizes:
    a factor that differs from case to case is another quantity.

    Args:
        pairs: results and expectations, of at least three numbers each.
        fraction: of the points that this earns.

    Raises:
        Unmet: a factor is wrong, and nothing else.
    """
    factors = [_factor(pair.actual, pair.expected) for pair in pairs]
    wrong = [pair for pair, times in zip(pairs, factors, strict=True) if abs(times - 1) > FLOAT32]
    if not wrong or min(factors) <= 0:
        return
    ratios = [
        [times / pair.sizes[i] for times, pair in zip(factors, pairs, strict=True)]
        for i in range(len(pairs[0].sizes))
    ]
    if any(max(of) - min(of) <= 1e-3 * max(of) for of in (factors, *ratios)):
        try:
            close(wrong[0].actual, wrong[0].expected, what=wrong[0].what)
        except Unmet as unmet:
            raise Unmet(unmet.feedback, fraction, of_values=True) from None


def _factor(actual: np.ndarray, expected: np.ndarray) -> float:
    """The factor by which all values are wrong; 0 if there is none."""
    a, e = (np.asarray(v, dtype=np.float64).reshape(-1) for v in (actual, expected))
    if a.shape != e.shape or a.size < 3 or not a.any() or not e.any():
        return 0.0
    factor = float(a @ e / (e @ e))
    return factor if relative_error(a, factor * e) <= FLOAT32 else 0.0


def nearest(
    actual: np.ndarray,
    accepted: Mapping[str, np.ndarray],
    tolerance: float,
    what: str,
    **feedback: Any,
) -> str:
    """``actual`` is close to one of several accepted results.

    Args:
        actual: what came back, any shape.
        accepted: the accepted results by name, same shape; the first is right by definition.
        tolerance: relative to the size of the nearest one.
        what: how the sentence calls it.
        **feedback: further fields of :class:`Feedback`.

    Returns:
        The name of the nearest one.

    Raises:
        Unmet: none is close enough; the student sees the first, which is the contract's own.
    """
    errors = {name: relative_error(actual, e) for name, e in accepted.items()}
    best = min(errors, key=lambda name: errors[name])
    first = best if errors[best] <= tolerance else next(iter(accepted))
    close(actual, accepted[first], tolerance, what, **feedback)
    return best


def equal(actual: Any, expected: Any, what: str = "the result", **feedback: Any) -> None:
    """``actual`` equals ``expected`` exactly, to the bit.

    Args:
        actual: what came back, any shape.
        expected: what should have, same shape.
        what: how the sentence calls it.
        **feedback: further fields of :class:`Feedback`.

    Raises:
        Unmet: the shapes or the values differ.
    """
    a, e = np.asarray(actual), np.asarray(expected)
    same = a.shape == e.shape and np.array_equal(a, e)
    trace.note(trace.Compared(what, e, a, same))
    if not same:
        raise Unmet(
            Feedback(
                **{
                    "message": f"{what} differs from the expected result",
                    "expected": show(e),
                    "actual": show(a),
                    **feedback,
                }
            ),
            of_values=True,
        )


def same_ranking(
    actual: Sequence[int] | np.ndarray,
    expected: Sequence[int] | np.ndarray,
    what: str,
    **feedback: Any,
) -> None:
    """The same neurons in the same order; in another order they earn half the points.

    Args:
        actual: the neurons that came back, (k,) integers.
        expected: those that should have, strongest first.
        what: how the sentence calls it.
        **feedback: further fields of :class:`Feedback`.

    Raises:
        Unmet: the neurons or their order differ.
    """
    a, e = [int(i) for i in actual], [int(i) for i in expected]
    trace.note(trace.Compared(what, e, a, a == e))
    if a == e:
        return
    shown = {"expected": str(e), "actual": str(a), **feedback}
    same = sorted(a) == sorted(e)
    words_ = "right neurons, but not strongest first" if same else "not the expected neurons"
    raise Unmet(
        Feedback(message=f"{what}: {words_}", **shown), HALF if same else 0.0, of_values=True
    )


def raises(reply: Reply, words_: str, kinds: Iterable[str] = ("ValueError", "IndexError")) -> None:
    """The call raised one of the exceptions ``kinds``.

    Args:
        reply: to the call.
        words_: what the bad argument is, as the beginning of a sentence: "class -1".
        kinds: names of exceptions; a subclass of one is fine, too.

    Raises:
        Unmet: the call returned a value, or raised another exception.
        StudentFault: the call ended in another way.
    """
    error, kinds = reply.error, tuple(kinds)
    expected = " or ".join(kinds)
    if error is None:
        message = f"{words_} should raise {expected}, but the call returned a value"
        that(False, message, expected=expected, actual=words(reply.value))
    elif error.kind != "raised":
        raise StudentFault(error)
    elif not set(kinds) & set(error.types):
        raised = error.types[0] if error.types else "an exception without a name"
        that(
            False,
            f"{words_} should raise {expected}, but raises {raised}",
            expected=expected,
            actual=error.message,
            where=where(error),
        )


def where(error: StudentError) -> str:
    """The student's own line, as ``file:line: source``."""
    if not error.file:
        return ""
    place = f"{error.file}:{error.line}" if error.line else error.file
    return place + (f": {error.code}" if error.code else "")


def wrong_kind(error: WrongKind, what: str) -> Unmet:
    """A reply of another type or shape, as an unmet expectation."""
    trace.note(trace.Compared(f"{what} {error}", "", "", False))
    return Unmet(Feedback(message=f"{what} {error}"), of_values=True)


def add(unmet: Unmet, **feedback: Any) -> Unmet:
    """The same, with fields of the feedback filled in where they are empty."""
    empty = {k: v for k, v in feedback.items() if v and not getattr(unmet.feedback, k)}
    return _with(unmet, replace(unmet.feedback, **empty))


def _with(unmet: Unmet, feedback: Feedback) -> Unmet:
    return Unmet(feedback, unmet.fraction, of_values=unmet.of_values)
