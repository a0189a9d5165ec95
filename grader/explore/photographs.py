"""Reading photographs: whatever a camera or a browser saves, as the network takes it."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from grader.errors import NoSubject

__all__ = ["read"]

LARGEST = 100_000_000
"""Pixels of the largest photograph that is read: some 300 MB while it is made smaller."""

SMALLEST = 16
"""Pixels of the shorter side below which there is nothing to explain."""


def read(path: Path, side: int) -> tuple[Tensor, list[str]]:
    """The middle of a photograph.

    Args:
        path: of the image file.
        side: of the square that the network takes.

    Returns:
        (3, side, side) in [0, 1], the shorter side of the image being 8 / 7 of that; and what was
        done to it, a sentence each.

    Raises:
        NoSubject: it cannot be read.
    """
    try:
        from PIL import Image, ImageOps
    except ImportError:
        raise NoSubject(
            "images are read with Pillow, which is missing: pip install pillow"
        ) from None
    notes: list[str] = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of large images: what is too large is refused below
            with Image.open(path) as file:
                _refuse_sizes(path, file.size)
                file.draft("RGB", (4 * side, 4 * side))  # a JPEG is read at a fraction of its size
                image = ImageOps.exif_transpose(file)
                if _turned(file):
                    notes.append("It was turned as its EXIF tag says.")
                image = _coloured(image, notes)
    except NoSubject:
        raise
    except FileNotFoundError:
        raise NoSubject(f"there is no file {path}") from None
    except IsADirectoryError:
        raise NoSubject(f"{path} is a folder, not an image") from None
    except Exception as error:  # every format has a way of its own to be broken
        what = "permission denied" if isinstance(error, PermissionError) else "it is no image"
        if "DecompressionBomb" in type(error).__name__:
            what = "it is too large; make it smaller first"
        raise NoSubject(f"{path} cannot be read: {what}") from None
    scale = side * 8 / 7 / min(image.size)
    width, height = (max(side, round(length * scale)) for length in image.size)
    left, top = (width - side) // 2, (height - side) // 2
    image = image.resize((width, height)).crop((left, top, left + side, top + side))
    array = np.asarray(image, dtype=np.float32) / 255  # (side, side, 3)
    return torch.from_numpy(array.transpose(2, 0, 1).copy()), notes


def _refuse_sizes(path: Path, size: tuple[int, int]) -> None:
    pixels = size[0] * size[1]
    if pixels > LARGEST:
        raise NoSubject(
            f"{path} has {pixels / 1e6:.0f} megapixels; make it smaller, {LARGEST / 1e6:.0f} are "
            "the most"
        )
    if min(size) < SMALLEST:
        raise NoSubject(f"{path} has only {size[0]} by {size[1]} pixels; take a larger one")


def _turned(file: Any) -> bool:
    return int(file.getexif().get(0x0112, 1)) != 1


def _coloured(image: Any, notes: list[str]) -> Any:
    """The image in red, green and blue; what is transparent becomes white."""
    from PIL import Image

    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        layer = image.convert("RGBA")
        if layer.getextrema()[3][0] < 255:
            notes.append("Its transparent parts are shown on white.")
        ground = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(ground, layer).convert("RGB")
    if image.mode in ("I;16", "I", "F"):
        values = np.asarray(image, dtype=np.float64)
        low, high = float(values.min()), float(values.max())
        image = Image.fromarray(np.uint8(255 * (values - low) / ((high - low) or 1.0)))
    if image.mode in ("1", "L"):
        notes.append("It is grey, so its three colours are the same.")
    return image.convert("RGB")
