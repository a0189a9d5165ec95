"""Where an optimizer leads a network; it runs in the guest and judges nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

__all__ = ["Enough", "Track"]


class Enough(BaseException):
    """Ends a training from within a step; nothing that student code catches by accident."""


class Track:
    """The values that each parameter of a network takes on its way, as their lowest and highest.

    What an optimizer makes of a network lies between them in every coordinate, also where weights
    are averaged or clipped; what is written into it by other means hardly does.  The way begins
    where the first step does, so that weights may be initialised as late as that.

    Args:
        network: followed from here on.
        optimizer: whose steps are looked at.
        after: called after each of its steps with their number so far; it may raise
            :class:`Enough`.
    """

    def __init__(
        self,
        network: nn.Module,
        optimizer: torch.optim.Optimizer,
        after: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._network, self._optimizer, self._after = network, optimizer, after
        self._begin()
        self._most = 0.0
        self.steps = 0
        """Of the optimizer, so far."""
        optimizer.register_step_pre_hook(self._before_step)
        optimizer.register_step_post_hook(self._behind_step)

    def _begin(self) -> None:
        self._first, self._last, self._low, self._high = (
            [p.detach().clone() for p in self._network.parameters()] for _ in range(4)
        )

    def _before_step(self, *_: Any) -> None:
        if self.steps == 0:
            self._begin()
        else:
            self._most = self.elsewhere()

    def _behind_step(self, *_: Any) -> None:
        self.steps += 1
        with torch.no_grad():
            for p, *kept in zip(self._now(), self._last, self._low, self._high, strict=False):
                last, low, high = kept
                if p.shape == last.shape:
                    last.copy_(p)
                    torch.minimum(low, p, out=low)
                    torch.maximum(high, p, out=high)
        self._after(self.steps)

    def _now(self) -> list[nn.Parameter]:
        return list(self._network.parameters())  # which may be other objects than at the start

    def elsewhere(self) -> float:
        """The largest share of the parameters that ever lay where no step had led them, 0 … 1.

        Two steps' length beside the way is nowhere else: who lets weights decay by hand is there.
        """
        now = self._now()
        if [p.shape for p in now] != [last.shape for last in self._last]:
            return 1.0
        nearby = 2 * max((abs(g["lr"]) for g in self._optimizer.param_groups), default=0.0)
        outside, count = 0, 0
        with torch.no_grad():
            for p, last, low, high in zip(now, self._last, self._low, self._high, strict=True):
                count += last.numel()
                if not torch.equal(p, last):
                    slack = nearby + 1e-6 * (1 + p.abs())
                    # Written so that NaN lies outside.
                    outside += int((~((p >= low - slack) & (p <= high + slack))).sum())
        return max(self._most, outside / max(count, 1))

    def back(self) -> None:
        """Put the first values back, buffers left as they are."""
        with torch.no_grad():
            for p, first in zip(self._now(), self._first, strict=False):
                if p.shape == first.shape:
                    p.copy_(first)

    def shuffle(self) -> None:
        """Put the values of each parameter in another order, buffers left as they are."""
        order = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for p in self._now():
                values = p.flatten()[torch.randperm(p.numel(), generator=order)]
                p.copy_(values.reshape(p.shape))

    def nudge(self) -> None:
        """Change each value by about a ten-thousandth of its size, buffers left as they are."""
        drawn = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for p in self._now():
                p.mul_(1 + 1e-4 * torch.randn(p.shape, generator=drawn, dtype=p.dtype))
