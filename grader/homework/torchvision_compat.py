"""torchvision, also where its compiled operators do not fit the installed torch.

A torchvision that was built for another torch (CUDA beside CPU, say) stops at import with
``operator torchvision::nms does not exist``: it registers shape functions for two operators of its
library, and the library did not load.  Declaring the two schemas first makes models, transforms,
datasets and utils work; only the detection operators stay unusable.  This module is the only place
that does so, and only after a plain import has failed.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

import torch

__all__ = ["import_torchvision", "torchvision_models"]

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


def torchvision_models() -> ModuleType:
    """``torchvision.models``."""
    import_torchvision()
    return importlib.import_module("torchvision.models")
