"""Bars, lines and points as geometry for an inline SVG: one small chart per array, on one scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from grader.report.numbers import short

__all__ = [
    "HEIGHT",
    "MOST_BARS",
    "MOST_DOTS",
    "MOST_POINTS",
    "SIDE",
    "WIDTH",
    "Bar",
    "Chart",
    "Scatter",
    "bars",
    "histogram",
    "lines",
    "points",
]

WIDTH, HEIGHT = 320, 112
MOST_BARS = 64
MOST_POINTS = 200
MOST_DOTS = 600
SIDE = 200
"""Width and height of a plane of points."""

# The plotting area inside the SVG; the left margin holds the scale's labels.
_LEFT, _RIGHT, _TOP, _BOTTOM = 52.0, 316.0, 8.0, 94.0

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Bar:
    """A rectangle; one whose value is not finite fills the chart's height and is marked."""

    x: float
    y: float
    width: float
    height: float
    finite: bool = True


@dataclass(frozen=True)
class Chart:
    """What the template draws; ``zero`` is the height of the line at 0, if 0 is on the scale."""

    alt: str
    note: str
    low: str
    high: str
    first: str
    last: str
    zero: float | None
    bars: tuple[Bar, ...] = ()
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scatter:
    """Points in a plane, as paths of dots: an array's own, and below them those of the others."""

    alt: str
    note: str
    dots: str
    behind: str


def bars(arrays: Mapping[str, Array]) -> dict[str, Chart]:
    """Bar charts whose scale holds 0."""
    scale = _scale(arrays, with_zero=True)
    return {name: _bar_chart(name, array, scale) for name, array in arrays.items()}


def histogram(name: str, counts: Sequence[int]) -> Chart:
    """How many values lie in each tenth of 0 … 100 %."""
    array = np.array(counts, dtype=np.float64)
    chart = _bar_chart(name, array, (0.0, max(float(array.max()), 1.0)))
    tenths = [f"{count} from {10 * i} %" for i, count in enumerate(counts) if count]
    return replace(
        chart, alt=f"{name}: {', '.join(tenths) or 'none'}", first="0 %", last="100 %", low=""
    )


def lines(arrays: Mapping[str, Array]) -> dict[str, Chart]:
    """Line charts; where a value is not finite the line has a gap, marked."""
    scale = _scale(arrays, with_zero=False)
    return {name: _line_chart(name, array, scale) for name, array in arrays.items()}


def points(arrays: Mapping[str, Array]) -> dict[str, Scatter]:
    """Planes of points (N, 2) on one scale, the same in both directions."""
    rows = {name: array[np.isfinite(array).all(1)] for name, array in arrays.items()}
    every = np.concatenate(list(rows.values())) if rows else np.zeros((0, 2))
    low, high = (every.min(0), every.max(0)) if len(every) else (np.zeros(2), np.ones(2))
    unit = max(float(np.abs(every).max(initial=0.0)), 1e-300)
    # Divided first: the difference of two huge values is not finite.
    span = float((high / unit - low / unit).max()) or 1.0
    drawn = {
        name: ((row[:MOST_DOTS] / unit - low / unit) / span) * (SIDE - 16) + 8
        for name, row in rows.items()
    }
    paths = {
        name: "".join(f"M{x:.0f} {SIDE - y:.0f}h0" for x, y in places.tolist())
        for name, places in drawn.items()
    }
    charts = {}
    for name, array in arrays.items():
        broken, kept = len(array) - len(rows[name]), min(len(rows[name]), MOST_DOTS)
        notes = [f"{broken} of {len(array)} not finite"] if broken else []
        if kept < len(rows[name]):
            notes.append(f"the first {kept} drawn")
        others = [path for other, path in paths.items() if other != name]
        if others:
            grey = [other for other in paths if other != name]
            notes.append(f"in grey: {', '.join(grey)}")
        alt = f"{name}: {kept} points{_middle(rows[name])}"
        charts[name] = Scatter(alt, "; ".join(notes), paths[name], "".join(others))
    return charts


def _middle(row: Array) -> str:
    if not len(row):
        return ""
    x, y = (
        f"from {short(float(of.min()))} to {short(float(of.max()))}"
        for of in (row[:, 0], row[:, 1])
    )
    return f", {x} across and {y} upwards"


def _scale(arrays: Mapping[str, Array], with_zero: bool) -> tuple[float, float]:
    finite = [float(v) for array in arrays.values() for v in array[np.isfinite(array)]]
    if with_zero or not finite:
        finite.append(0.0)
    low, high = min(finite), max(finite)
    if low == high:
        return (low - 1.0, high + 1.0) if abs(low) < 1e12 else (min(low, 0.0), max(high, 0.0))
    return low, high


def _height(value: float, scale: tuple[float, float]) -> float:
    low, high = scale
    # Divided first: the difference of two huge values is not finite.
    unit = max(abs(low), abs(high))
    share = (value / unit - low / unit) / (high / unit - low / unit)
    return round(_BOTTOM - share * (_BOTTOM - _TOP), 2)


def _bar_chart(name: str, array: Array, scale: tuple[float, float]) -> Chart:
    shown = array[:MOST_BARS]
    step = (_RIGHT - _LEFT) / len(shown)
    zero = _height(0.0, scale)
    drawn = []
    for number, value in enumerate(shown.tolist()):
        left, width = round(_LEFT + number * step + 0.1 * step, 2), round(0.8 * step, 2)
        if np.isfinite(value):
            end = _height(value, scale)
            drawn.append(Bar(left, min(zero, end), width, round(max(abs(end - zero), 0.5), 2)))
        else:
            drawn.append(Bar(left, _TOP, width, _BOTTOM - _TOP, finite=False))
    kept = f"the first {MOST_BARS} values" if len(shown) < len(array) else ""
    # Counted from 0, as classes and neurons are.
    return _chart(name, array, scale, kept, ("0", str(len(shown) - 1)), bars=tuple(drawn))


def _line_chart(name: str, array: Array, scale: tuple[float, float]) -> Chart:
    count = min(len(array), MOST_POINTS)
    picked = np.linspace(0, len(array) - 1, count).round().astype(np.int64)
    step = (_RIGHT - _LEFT) / max(count - 1, 1)
    segments: list[list[str]] = [[]]
    gaps = []
    for number, value in enumerate(array[picked].tolist()):
        x = round(_LEFT + number * step, 2)
        if np.isfinite(value):
            segments[-1].append(f"{x},{_height(value, scale)}")
        else:
            segments.append([])
            gaps.append(Bar(x - 1.0, _TOP, 2.0, _BOTTOM - _TOP, finite=False))
    # A single point is a line from itself to itself, so that round line ends show it.
    drawn = tuple(" ".join(s if len(s) > 1 else s * 2) for s in segments if s)
    kept = f"{MOST_POINTS} values" if count < len(array) else ""
    return _chart(name, array, scale, kept, ("1", str(len(array))), tuple(gaps), drawn)


def _chart(
    name: str,
    array: Array,
    scale: tuple[float, float],
    kept: str,
    ends: tuple[str, str],
    bars: tuple[Bar, ...] = (),
    lines: tuple[str, ...] = (),
) -> Chart:
    low, high = scale
    broken = int((~np.isfinite(array)).sum())
    notes = [f"{broken} of {len(array)} values not finite"] if broken else []
    if kept:
        notes.append(f"{kept} of {len(array)} drawn")
    return Chart(
        alt=f"{name}: {_in_words(array)}",
        note="; ".join(notes),
        low=short(low),
        high=short(high),
        first=ends[0],
        last=ends[1],
        zero=_height(0.0, scale) if low <= 0.0 <= high else None,
        bars=bars,
        lines=lines,
    )


def _in_words(array: Array) -> str:
    values = array.tolist()
    if len(values) <= 12:
        return f"values {', '.join(map(short, values))}"
    finite = [v for v in values if np.isfinite(v)]
    ends = f"{len(values)} values, the first {short(values[0])}, the last {short(values[-1])}"
    if not finite:
        return ends
    return f"{ends}, the lowest {short(min(finite))}, the highest {short(max(finite))}"
