"""torchvision, also where its compiled operators do not fit the installed torch.

A torchvision that was built for another torch (CUDA beside CPU, say) stops at import with
``operator torchvision::nms does not exist``: it registers shape functions for two operators of its
library, and the library did not load.  Declaring the two schemas first makes models, transforms,
datasets and utils work; only the detection operators stay unusable.  This module is the only place
that does so, and only after a plain import has failed.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import sys
from contextlib import suppress
from types import ModuleType

import torch

__all__ = ["import_torchvision", "operators_fit", "torchvision_models"]

_declared: list[torch.library.Library] = []
"""Kept for the life of the process: a library that is collected takes its schemas with it."""


def import_torchvision() -> bool:
    """Import torchvision.

    Returns:
        Whether the two schemas had to be declared.

    Raises:
        ImportError: torchvision is not installed, or fails for another reason.
    """
    try:
        importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::nms does not exist" not in str(error):
            raise ImportError(f"torchvision cannot be imported: {error}") from error
        for name in [n for n in sys.modules if n.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
        for operator in ("nms", "qnms"):
            schema = f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
            library.define(schema)  # type: ignore[no-untyped-call]
        _declared.append(library)
        importlib.import_module("torchvision")
    return bool(_declared)


def operators_fit() -> bool:
    """Whether torchvision's compiled operators load into the installed torch.

    Only their library is loaded: all of torchvision takes nearly as long to import as torch.

    Raises:
        ImportError: torchvision is not installed, or Pillow, without which it cannot be imported.
    """
    found = importlib.util.find_spec("torchvision")
    if found is None:
        raise ImportError("not installed")
    importlib.import_module("PIL.Image")
    places = list(found.submodule_search_locations or [])
    library = importlib.machinery.PathFinder.find_spec("_C", places)
    if library is not None and library.origin is not None:
        with suppress(OSError):
            torch.ops.load_library(library.origin)  # type: ignore[no-untyped-call]
    return hasattr(torch.ops.torchvision, "nms")


def torchvision_models() -> ModuleType:
    """``torchvision.models``."""
    import_torchvision()
    return importlib.import_module("torchvision.models")
