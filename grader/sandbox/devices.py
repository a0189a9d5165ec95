"""No accelerator for submissions, on any machine: where marks are given there is none.

The environment hides what can be hidden so (``grader/surroundings.py``).  Here torch is told, so
that ``torch.cuda.is_available()`` and its like say no, and using a GPU fails in the same words on a
laptop that has one and on a server that has none.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any, NoReturn

import torch

__all__ = ["NOT_THERE", "hide"]

NOT_THERE = (
    "no GPU is there when a submission is checked or graded: leave out .cuda() and "
    '.to("cuda"), or use a GPU only if torch.cuda.is_available()'
)


def hide() -> None:
    """Let torch say that there is no accelerator, and refuse to start one."""
    for name in ("cuda", "xpu", "mtia", "mps"):
        module = getattr(torch, name, None)
        if module is not None:
            _replace(module, is_available=_no, device_count=_none)
            # What torch's own code calls before it first uses such a device, also from C++.
            _replace(module, _lazy_init=_refused)
    _replace(torch.backends.mps, is_available=_no)
    if accelerator := getattr(torch, "accelerator", None):
        _replace(
            accelerator, is_available=_no, device_count=_none, current_accelerator=_no_accelerator
        )


def _replace(module: ModuleType, **functions: Any) -> None:
    for name, function in functions.items():
        if hasattr(module, name):
            setattr(module, name, function)


def _no() -> bool:
    return False


def _none() -> int:
    return 0


def _no_accelerator(check_available: bool = False) -> None:
    return None


def _refused() -> NoReturn:
    raise RuntimeError(NOT_THERE)
