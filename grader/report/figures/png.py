"""The smallest PNG encoder, 8-bit colour without filters: pages need no imaging library."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np
import numpy.typing as npt

__all__ = ["Pixels", "data_uri", "encode"]

Pixels = npt.NDArray[np.uint8]
"""(height, width, 3): red, green, blue."""

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def encode(pixels: Pixels) -> bytes:
    """The PNG file of ``pixels``.

    Raises:
        ValueError: ``pixels`` is not (height, width, 3) of uint8, or has no pixel.
    """
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.size == 0:
        raise ValueError(
            f"pixels must be uint8 (height, width, 3) (got {pixels.dtype} {pixels.shape})"
        )
    height, width, _ = pixels.shape
    filters = np.zeros((height, 1), np.uint8)  # one byte a row: filter 0, none
    rows = np.hstack([filters, pixels.reshape(height, width * 3)])  # (height, 1 + 3 width)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)  # 2: red, green, blue
    body = zlib.compress(rows.tobytes(), 9)
    return _SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def data_uri(pixels: Pixels) -> str:
    """The same as a ``data:`` address for an ``img``."""
    return "data:image/png;base64," + base64.b64encode(encode(pixels)).decode("ascii")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
