"""No accelerator for submissions, on any machine: where marks are given there is none.

The environment hides what can be hidden so (``grader/sandbox/isolation/surroundings.py``).  Here
torch is told, so that ``torch.cuda.is_available()`` and its like say no, and using a GPU fails in
the same words on a laptop that has one and on a server that has none.
"""

from __future__ import annotations

import re
from types import ModuleType
from typing import Any

import torch

__all__ = ["NOT_THERE", "asked_for", "hide"]

NOT_THERE = (
    "submissions are checked and graded without a GPU: leave out .cuda(), "
    '.to("cuda") and pin_memory, or use them only if torch.cuda.is_available()'
)

_SAYS_SO = re.compile(
    "|".join(
        (
            r"arguments from the '(CUDA|MPS|XPU|HPU|MTIA)' backend",
            r"support for mps|MPS backend out of memory|object on a CUDA device",
            r"accelerator device when none is available|No CUDA GPUs|Found no NVIDIA driver",
            r"Torch not compiled with (CUDA|XPU)|ATen_cuda library|no-as-needed",
        )
    )
)
"""What builds of torch say of a device that is not there, each in its own words."""

_ANSWERS = """
def is_available():
    return False

def device_count():
    return 0

def current_accelerator(check_available=False):
    return None

def _lazy_init():
    raise RuntimeError(NOT_THERE)
"""
"""What torch answers instead.  Their globals hold nothing of ours: submissions can look at them."""


def hide() -> None:
    """Let torch say that there is no accelerator, and refuse to start one."""
    answers: dict[str, Any] = {"__name__": "torch", "NOT_THERE": NOT_THERE}
    exec(_ANSWERS, answers)
    for name in ("cuda", "xpu", "mtia", "mps", "accelerator", "backends.mps"):
        module: Any = torch
        for part in name.split("."):
            module = getattr(module, part, None)
        if isinstance(module, ModuleType):
            # The last is what torch's own code calls before it uses such a device, also from C++.
            for function in ("is_available", "device_count", "current_accelerator", "_lazy_init"):
                if hasattr(module, function):
                    setattr(module, function, answers[function])


def asked_for(text: str) -> bool:
    """Whether an exception's text is torch's that there is no such device."""
    return NOT_THERE in text or _SAYS_SO.search(text) is not None
