"""Figures as pictures inside a page: heat maps and grey images as PNG, charts as SVG.

Whatever the arrays hold, something honest is shown: what is not finite has a colour of its own,
what is too large is thinned out and says so, and what is no array of the right kind is named
instead of drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from grader.records import Figure
from grader.report.figures import charts
from grader.report.figures.png import Pixels, data_uri
from grader.report.numbers import short
from grader.text import one_line

__all__ = [
    "MOST_ARRAYS",
    "MOST_CELLS",
    "MOST_IMAGES",
    "Drawing",
    "Picture",
    "Scale",
    "colours",
    "draw",
    "source",
]

MOST_ARRAYS = 6
MOST_CELLS = 64
"""Rows and columns of one map or image."""
MOST_IMAGES = 64

Array = npt.NDArray[np.float64]

# Blue, white, orange: told apart with every common colour blindness.
_STOPS = np.array(
    [(8, 64, 129), (74, 144, 201), (247, 247, 247), (241, 150, 62), (158, 70, 6)], np.float64
)
_NOT_FINITE_MAP = np.array((112, 112, 112), np.uint8)
_NOT_FINITE_IMAGE = np.array((200, 90, 10), np.uint8)
_GAP = np.array((84, 116, 168), np.uint8)
_DIMENSIONS = {"maps": 2, "images": 3, "bars": 1, "lines": 1, "points": 2}


@dataclass(frozen=True)
class Picture:
    """One array: an image with its size on the page, a chart, or a note on why there is neither."""

    name: str
    alt: str = ""
    note: str = ""
    src: Markup | None = None
    width: int = 0
    height: int = 0
    chart: charts.Chart | charts.Scatter | None = None


@dataclass(frozen=True)
class Scale:
    """The legend of maps: its strip of colours, from ``-limit`` over 0 to ``limit``."""

    src: Markup
    low: str
    high: str
    not_finite: bool


@dataclass(frozen=True)
class Drawing:
    """A figure ready for a template."""

    kind: str
    caption: str
    pictures: tuple[Picture, ...]
    scale: Scale | None = None
    left_out: int = 0


def draw(figure: Figure) -> Drawing:
    """The figure's first arrays as pictures; an unknown kind gives notes only."""
    items = list(figure.arrays.items())[:MOST_ARRAYS]
    named = [(one_line(str(name), 80), value) for name, value in items]
    arrays: dict[str, Array] = {}
    notes: dict[str, Picture] = {}
    for name, value in named:
        try:
            arrays[name] = _array(value, figure.kind)
        except (TypeError, ValueError, OverflowError) as error:
            notes[name] = Picture(name, note=f"cannot be shown: {one_line(str(error))}")
    scale, drawn = _draw(figure.kind, arrays)
    pictures = {**drawn, **notes}
    shown = tuple(pictures[name] for name in dict.fromkeys(name for name, _ in named))
    return Drawing(figure.kind, figure.caption, shown, scale, len(figure.arrays) - len(items))


def _draw(kind: str, arrays: Mapping[str, Array]) -> tuple[Scale | None, dict[str, Picture]]:
    if kind == "maps" and arrays:
        limit = max(_largest(array) for array in arrays.values())
        maps = {name: _map(name, array, limit) for name, array in arrays.items()}
        not_finite = any(not np.isfinite(array).all() for array in arrays.values())
        return _legend(limit, not_finite), maps
    if kind == "images":
        return None, {name: _images(name, array) for name, array in arrays.items()}
    drawn: Mapping[str, charts.Chart | charts.Scatter]
    if kind == "points":
        drawn = charts.points(arrays)
    else:
        drawn = charts.bars(arrays) if kind == "bars" else charts.lines(arrays)
    return None, {
        name: Picture(name, chart.alt, chart.note, chart=chart) for name, chart in drawn.items()
    }


def _array(value: Any, kind: str) -> Array:
    dimensions = _DIMENSIONS.get(kind)
    if dimensions is None:
        raise ValueError("a figure of an unknown kind")
    if np.iscomplexobj(value):
        raise ValueError("complex numbers")
    array = np.asarray(value, dtype=np.float64)
    if array.ndim == 1 and kind == "maps":
        array = array[None, :]  # (1, F): a vector is a map of one row
    if array.ndim != dimensions:
        raise ValueError(f"its shape is {array.shape}")
    if kind == "points" and array.shape[1] != 2:
        raise ValueError(f"its shape is {array.shape}")
    if array.size == 0:
        raise ValueError("it has no values")
    return array


def _largest(array: Array) -> float:
    finite = array[np.isfinite(array)]
    return float(np.abs(finite).max()) if finite.size else 0.0


def _map(name: str, array: Array, limit: float) -> Picture:
    rows, columns = array.shape
    small = _thinned(array)
    shown_rows, shown_columns = small.shape
    cell = max(1, 192 // max(shown_rows, shown_columns))
    return Picture(
        name,
        alt=f"{name}: heat map of {rows} by {columns} values, {_range(array)}{_peak(array)}",
        note=_sentence(_range(array), _thinning(array.shape, small.shape)),
        src=source(colours(small, limit)),
        width=max(cell * shown_columns, 16),
        height=max(cell * shown_rows, 16),
    )


def colours(array: Array, limit: float) -> Pixels:
    """Diverging colours of values in [-limit, limit]; (rows, columns, 3)."""
    finite = np.isfinite(array)
    scaled = np.where(finite, array, 0.0) / (limit or 1.0)
    position = (np.clip(scaled, -1.0, 1.0) + 1.0) / 2.0 * (len(_STOPS) - 1)
    below = np.minimum(position.astype(np.int64), len(_STOPS) - 2)
    weight = (position - below)[..., None]
    colours = _STOPS[below] * (1.0 - weight) + _STOPS[below + 1] * weight
    pixels: Pixels = np.rint(colours).astype(np.uint8)
    pixels[~finite] = _NOT_FINITE_MAP
    return pixels


def _legend(limit: float, not_finite: bool) -> Scale:
    strip = colours(np.linspace(-1.0, 1.0, 65)[None, :], 1.0)
    return Scale(source(strip), short(-limit) if limit else "0", short(limit), not_finite)


def _images(name: str, array: Array) -> Picture:
    count, height, width = array.shape
    shown = array[:MOST_IMAGES]
    tiles = np.stack([_thinned(image) for image in shown])  # (n, h, w)
    pixels = _contact_sheet(tiles)
    zoom = max(1, 288 // pixels.shape[1])
    outside = int((np.abs(array[np.isfinite(array)]) > 1.0).sum())
    broken = int((~np.isfinite(array)).sum())
    return Picture(
        name,
        alt=f"{name}: {_some(count, 'grey image')} of {height} by {width} pixels",
        note=_sentence(
            f"{_some(outside, 'value')} outside [−1, 1]" if outside else "",
            f"{_some(broken, 'value')} not finite, in orange" if broken else "",
            f"the first {MOST_IMAGES} of {count}" if count > MOST_IMAGES else "",
            _thinning((height, width), tiles.shape[1:]),
        ),
        src=source(pixels),
        width=pixels.shape[1] * zoom,
        height=pixels.shape[0] * zoom,
    )


def _contact_sheet(tiles: Array) -> Pixels:
    """The tiles side by side with a gap of one pixel between them; (rows, columns, 3)."""
    count, height, width = tiles.shape
    columns = min(count, 8)
    rows = -(-count // columns)
    sheet: Pixels = np.empty((rows * (height + 1) - 1, columns * (width + 1) - 1, 3), np.uint8)
    sheet[:] = _GAP
    for number, tile in enumerate(tiles):
        finite = np.isfinite(tile)
        grey = np.clip(np.where(finite, tile, 0.0), -1.0, 1.0) * 127.5 + 127.5
        pixels = np.repeat(np.rint(grey).astype(np.uint8)[..., None], 3, axis=2)
        pixels[~finite] = _NOT_FINITE_IMAGE
        top, left = number // columns * (height + 1), number % columns * (width + 1)
        sheet[top : top + height, left : left + width] = pixels
    return sheet


def _thinned(array: Array) -> Array:
    """At most ``MOST_CELLS`` rows and columns, picked evenly, the outermost always among them."""
    for axis in (0, 1):
        size = array.shape[axis]
        if size > MOST_CELLS:
            picked = np.linspace(0, size - 1, MOST_CELLS).round().astype(np.int64)
            array = array.take(picked, axis=axis)
    return array


def _thinning(shape: tuple[int, ...], shown: tuple[int, ...]) -> str:
    if shape == shown:
        return ""
    return f"thinned out from {shape[0]} × {shape[1]} to {shown[0]} × {shown[1]}"


def _range(array: Array) -> str:
    finite = array[np.isfinite(array)]
    broken = array.size - finite.size
    if not finite.size:
        return "no finite value"
    values = f"from {short(float(finite.min()))} to {short(float(finite.max()))}"
    if finite.min() == finite.max():
        values = f"{short(float(finite.min()))} everywhere"
    return f"{values}, {_some(broken, 'value')} not finite" if broken else values


def _peak(array: Array) -> str:
    finite = np.where(np.isfinite(array), array, -np.inf)
    if not np.isfinite(finite).any() or finite.min() == finite.max():
        return ""
    row, column = np.unravel_index(int(finite.argmax()), array.shape)
    return f", the largest in row {row + 1}, column {column + 1}"


def _some(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"


def _sentence(*notes: str) -> str:
    return "; ".join(note for note in notes if note)


def source(pixels: Pixels) -> Markup:
    """The address of an ``img`` that shows ``pixels``, (height, width, 3)."""
    # Base64 of our own making: no character of it means anything to HTML.
    return Markup(data_uri(pixels))
