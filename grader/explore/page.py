"""A page of pictures: where a picture cannot be drawn, the page says why, and the others are drawn.

A page has sections, a section has figures, a figure has panels.  Figures and panels are ``with``
blocks that catch what is raised inside them, so that the program goes on after the block.  Ctrl-C
leaves out the figure that is being made.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from grader.explore.own import Trouble, UnfitError, trouble
from grader.records import Figure
from grader.report.figures import figures
from grader.report.numbers import short
from grader.report.writers.html import render

__all__ = ["Drawn", "Page", "Panel"]

SIDE = 192
"""Width of a picture on the page, in CSS pixels."""

MANY = 1024
"""Maps with more values than this are clipped: one extreme pixel would leave the others white."""

CLIPPED = 0.995
"""The quantile of a large map's absolute values from which on they have the colour of the ends."""

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Panel:
    """One picture of a figure, or why it is not there."""

    name: str
    picture: figures.Picture | None = None
    trouble: Trouble | None = None
    given: bool = False
    """It shows what the functions are given, not what they find."""


@dataclass
class Drawn:
    """A figure: its panels, its table, and what is said about it.

    In its texts what stands between backticks is code.
    """

    title: str
    caption: str
    shared: bool = False
    panels: list[Panel] = field(default_factory=list)
    maps: dict[int, Array] = field(default_factory=dict)
    """Maps by the number of their panel: coloured once all of the figure are known."""
    scale: figures.Scale | None = None
    head: Sequence[str] = ()
    rows: list[Sequence[str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    trouble: Trouble | None = None
    """What ended the figure before its last panel."""

    @property
    def troubles(self) -> list[Trouble]:
        """All that is missing, and why; each reason once."""
        found = [panel.trouble for panel in self.panels] + [self.trouble]
        return list(dict.fromkeys(one for one in found if one))


class Page:
    """The page, and what is said on the terminal while it is made.

    Args:
        title: its heading.
        lead: a sentence or two under it.
        program: the file that makes it; the student's files are beside it.
    """

    def __init__(self, title: str, lead: str, program: str) -> None:
        self.title, self.lead = title, lead
        self.sections: list[tuple[str, str, list[Drawn]]] = []
        self._program = Path(program).resolve()
        self._figure = Drawn("", "")
        self._name = ""

    def section(self, title: str, text: str = "") -> None:
        """Begin a section."""
        self.sections.append((title, text, []))

    @contextmanager
    def figure(self, title: str, caption: str, *, shared: bool = False) -> Iterator[None]:
        """A figure, made in the block.

        Args:
            title: what it is about.
            caption: what there is to see in it.
            shared: its maps have one unit, and so one scale; otherwise each has its own.
        """
        figure = self._figure = Drawn(title, caption, shared)
        self.sections[-1][2].append(figure)
        self.progress(f"{title} ...")
        try:
            yield
        except KeyboardInterrupt:
            figure.trouble = Trouble("left out: you pressed Ctrl-C")
        except (Exception, SystemExit) as error:
            figure.trouble = trouble(error, self._program)
        _colour(figure)
        self.progress("")
        some = figure.rows or any(one.picture and not one.given for one in figure.panels)
        word = "skipped" if not some else "partly" if figure.troubles else "drawn"
        print(f"{word:8} {title}", flush=True)  # noqa: T201
        for one in figure.troubles:
            print(f"{'':8} - {one}", flush=True)  # noqa: T201

    @contextmanager
    def panel(self, name: str) -> Iterator[None]:
        """One picture of the figure, made in the block by one of the methods below."""
        self._name = name
        try:
            yield
        except (Exception, SystemExit) as error:
            self._figure.panels.append(Panel(name, trouble=trouble(error, self._program)))

    def map(self, values: Any) -> None:
        """A signed map, orange above zero and blue below.

        Args:
            values: (H, W), or (C, H, W), whose channels are added up, or a row (F,).
        """
        array = _array(values)
        flat = array.sum(0) if array.ndim == 3 else np.atleast_2d(array)
        if flat.ndim != 2 or flat.size == 0:
            raise UnfitError(f"the result is not a map of pixels: its shape is {array.shape}")
        self._figure.maps[len(self._figure.panels)] = flat
        self._figure.panels.append(Panel(self._name))

    def image(self, values: Any, *, given: bool = False) -> None:
        """An image, grey (1, H, W) or coloured (3, H, W), in [0, 1]; ``given``: not a finding."""
        array = _array(values)
        if array.ndim != 3 or array.shape[0] not in (1, 3) or array.size == 0:
            raise UnfitError(f"the result is not an image: its shape is {array.shape}")
        light = np.rint(np.clip(np.nan_to_num(array), 0, 1) * 255).astype(np.uint8)
        pixels = np.repeat(light.transpose(1, 2, 0), 3 // len(light), axis=2)  # (H, W, 3)
        picture = figures.Picture(
            self._name,
            f"{self._name}: an image of {array.shape[1]} by {array.shape[2]} pixels",
            src=figures.source(pixels),
            width=_zoom(array.shape[1:]) * array.shape[2],
            height=_zoom(array.shape[1:]) * array.shape[1],
        )
        self._figure.panels.append(Panel(self._name, picture, given=given))

    def images(self, values: Any, *, given: bool = False) -> None:
        """Grey images side by side: (N, 1, H, W) in [−1, 1]; ``given``: not a finding."""
        array = _array(values)
        if array.ndim != 4 or array.shape[1] != 1 or array.size == 0:
            raise UnfitError(f"the results are not grey images: their shape is {array.shape}")
        self._draw("images", array[:, 0], given=given)

    def curve(self, values: Any) -> None:
        """A line through the (F,) values."""
        self._draw("lines", _array(values))

    def groups(self, values: Mapping[str, Any]) -> None:
        """Groups of points in one plane, a panel for each: (N, 2) by name, the others in grey."""
        arrays = {name: _array(of) for name, of in values.items()}
        for name, array in arrays.items():
            if array.ndim != 2 or array.shape[1] != 2:
                raise UnfitError(f"the results are not points of a plane: {name} is {array.shape}")
        for name, array in arrays.items():
            rest = [other for one, other in arrays.items() if one != name]
            both = {name: array, "the others": np.concatenate([np.zeros((0, 2)), *rest])}
            picture = figures.draw(Figure("points", "", both)).pictures[0]
            self._figure.panels.append(Panel(name, picture))

    def row(self, *cells: str) -> None:
        """A row of the figure's table; the first one is its head."""
        if self._figure.head:
            self._figure.rows.append(cells)
        else:
            self._figure.head = cells

    def note(self, text: str) -> None:
        """A sentence under the figure."""
        self._figure.notes.append(text)

    def progress(self, text: str) -> None:
        """Show on the terminal what is going on, in place of the last such line."""
        if sys.stderr.isatty():
            # Spaces, since not every console knows how to clear a line.
            sys.stderr.write(f"\r{text[:78]:78}\r{text[:78]}")
            sys.stderr.flush()

    @property
    def unwritten(self) -> list[str]:
        """The functions that were needed and are not written yet, in the order of the figures."""
        drawn = [figure for _, _, made in self.sections for figure in made]
        names = [one.unwritten for figure in drawn for one in figure.troubles]
        return [name for name in dict.fromkeys(names) if name]

    def html(self) -> str:
        """The page: one file without scripts that loads nothing else."""
        return render("pictures.html", view=self)

    def _draw(self, kind: str, array: Array, *, given: bool = False) -> None:
        picture = figures.draw(Figure(kind, "", {self._name: array})).pictures[0]
        self._figure.panels.append(Panel(self._name, picture, given=given))


def _array(values: Any) -> Array:
    if values is None:
        raise UnfitError("it returned nothing: is a return missing?")
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu().numpy()
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise UnfitError(f"the result is not an array but {type(values).__name__}") from None


def _zoom(shape: tuple[int, ...]) -> int:
    return max(1, SIDE // max(shape))


def _colour(figure: Drawn) -> None:
    """Turn the figure's maps into pictures, with the legend of their scale."""
    limits = {number: _limit(array) for number, array in figure.maps.items()}
    common = max(limits.values(), default=0.0)
    for number, array in figure.maps.items():
        limit = common if figure.shared else limits[number]
        finite = array[np.isfinite(array)]
        low, high = (finite.min(), finite.max()) if finite.size else (np.nan, np.nan)
        says = f"{short(float(low))} to {short(float(high))}"
        name = figure.panels[number].name
        picture = figures.Picture(
            name,
            f"{name}: a map of {array.shape[0]} by {array.shape[1]} pixels, from {says}",
            note=says,
            src=figures.source(figures.colours(array, limit)),
            width=_zoom(array.shape) * array.shape[1],
            height=_zoom(array.shape) * array.shape[0],
        )
        figure.panels[number] = Panel(name, picture)
    if figure.maps:
        strip = figures.source(figures.colours(np.linspace(-1.0, 1.0, 65)[None], 1.0))
        broken = any(not np.isfinite(array).all() for array in figure.maps.values())
        # Where each map has its own scale, its own numbers stand under it.
        ends = (short(-common), short(common)) if figure.shared else ("below zero", "above zero")
        figure.scale = figures.Scale(strip, *ends, broken)


def _limit(array: Array) -> float:
    sizes = np.abs(array[np.isfinite(array)])
    if not sizes.size:
        return 0.0
    clipped = float(np.quantile(sizes, CLIPPED)) if sizes.size > MANY else 0.0
    return clipped or float(sizes.max())
