"""Counting what a call costs: forward passes of the network that it was given, backward passes.

Networks carry a number in each layer's ``__dict__``, which slices share and deep copies keep, so
that ``model[:k]``, a new ``nn.Sequential`` of its layers and a copy all count as the network that
they are part of.  A pass is what its busiest layer sees: a batch is one, whatever its rows, and a
loop over rows is as many as it has rounds.

The student's code runs in the same process and can forge all this; the counts give a hint, and
never points.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import torch
from torch import nn

__all__ = ["MOST", "install", "number_layers", "start", "taken"]

MOST = 2**31 - 1
"""The largest count that is told."""

_NUMBER = "_hw3_layer"
_ENGINE = "_engine_run_backward"

_forward: defaultdict[Any, int] = defaultdict(int)
_backward = [0]


def number_layers(model: nn.Sequential) -> nn.Sequential:
    """Number the layers of a network, so that their calls are counted; the same network."""
    for number, layer in enumerate(model):
        layer.__dict__[_NUMBER] = number
    return model


def start() -> None:
    """Count from zero."""
    _forward.clear()
    _backward[0] = 0


def taken() -> list[int]:
    """Forward and backward passes since :func:`start`."""
    return [min(count, MOST) for count in (max(_forward.values(), default=0), _backward[0])]


def install() -> None:
    """Count in this process from now on; doing it twice changes nothing.

    Not by a global hook of torch: with one, every module takes the long way through its hooks,
    which costs a loop over small networks a tenth of its time; this costs it a hundredth
    (``python tests/benchmarks/passes.py``).
    """
    if nn.Module.__call__ is not _call:
        nn.Module.__call__ = _call  # type: ignore[method-assign]
    run = getattr(torch.autograd, _ENGINE, None)  # what grad, backward and Tensor.backward call
    if run is not None and not hasattr(run, _NUMBER):
        setattr(torch.autograd, _ENGINE, _counting(run))


def _call(self: Any, *args: Any, **kwargs: Any) -> Any:
    # nn.Module's own, and a line before it.
    if _NUMBER in self.__dict__:
        _forward[self.__dict__[_NUMBER]] += 1
    if self._compiled_call_impl is not None:
        return self._compiled_call_impl(*args, **kwargs)
    return self._call_impl(*args, **kwargs)


def _counting(run: Any) -> Any:
    def run_and_count(*args: Any, **kwargs: Any) -> Any:
        _backward[0] += 1
        return run(*args, **kwargs)

    setattr(run_and_count, _NUMBER, 0)
    return run_and_count
