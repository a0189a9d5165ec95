"""What the discriminator is called with: with which weights, and on images of which scale.

It runs in the guest and judges nothing; what is seen here may only take points.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from grader.sandbox.gan.helpers import Fed, is_wrapped

__all__ = ["Bounds", "Outputs", "same_rows", "scales", "times_drawn"]

ALIKE = 0.97
"""The correlation from which on a batch is another one, perhaps scaled or with some noise."""


class Bounds(Fed):
    """A hook that keeps the largest weight with which a network is called.

    Args:
        network: that is called.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.largest = 0.0
        network.register_forward_pre_hook(self, with_kwargs=True)

    def __call__(self, network: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        """Look at its parameters."""
        there = (p.detach() for p in network.parameters() if p.numel() and not is_wrapped(p))
        self.largest = max(self.largest, *(float(p.abs().max()) for p in there), 0.0)


class Outputs(Fed):
    """A hook that keeps what a network gives back."""

    def __call__(self, _: nn.Module, given: Any, output: Any) -> None:
        """Keep it."""
        kept = isinstance(output, Tensor) and not is_wrapped(output)
        self.inputs += [output.detach()] if kept else []


def scales(fed: list[Tensor], batches: list[Tensor]) -> Tensor:
    """By which line a network's inputs follow from some batches of images.

    Args:
        fed: the inputs, (rows, 1, 8, 8) each; several batches may be in one.
        batches: (N, 1, 8, 8) each.

    Returns:
        (2,) factor and offset of the input that is nearest to a batch as it is; NaN if none of the
        inputs follows from one.
    """
    found = torch.full((2,), torch.nan)
    for whole in fed:
        for batch in batches:
            if whole.dim() != batch.dim() or whole.shape[1:] != batch.shape[1:]:
                continue
            for one in torch.split(whole, len(batch)):
                if len(one) == len(batch):
                    line = _line(one.double(), batch.double())
                    if _off(line) < _off(found):
                        found = line
    return found


def times_drawn(batches: list[Tensor], images: Tensor) -> tuple[Tensor, Tensor]:
    """How often batches hold each image, and the line by which their rows follow from images.

    Args:
        batches: (rows, 1, 8, 8) each.
        images: (M, 1, 8, 8), of which the rows were drawn.

    Returns:
        (M,) counts of the image that a row is most like, NaN if some rows are like none; and (2,)
        the mean factor and offset of the rows, NaN likewise.
    """
    nothing = torch.full((len(images),), torch.nan), torch.full((2,), torch.nan)
    whole = [batch for batch in batches if batch.shape[1:] == images.shape[1:]]
    if not whole or len(whole) < len(batches):
        return nothing
    rows, known = torch.cat(whole).flatten(1).double(), images.flatten(1).double()
    best, which = (_centred(rows) @ _centred(known).T).max(1)
    if not bool((best >= ALIKE).all()):
        return nothing
    of = known[which]
    factor = _off_mean(rows).norm(dim=1) / _off_mean(of).norm(dim=1)
    offset = rows.mean(1) - factor * of.mean(1)
    counts = torch.bincount(which, minlength=len(images)).float()
    return counts, torch.stack([factor.mean(), offset.mean()]).float()


def same_rows(images: Tensor, before: Tensor) -> bool:
    """Whether both hold the same images, in whichever order."""
    if images.shape != before.shape:
        return False
    weights = torch.linspace(1, 2, before[0].numel(), dtype=torch.float64).sin()
    now, then = ((rows.flatten(1).double() * weights).sum(1).sort()[0] for rows in (images, before))
    return torch.allclose(now, then, rtol=0, atol=1e-6)


def _off_mean(rows: Tensor) -> Tensor:
    return rows - rows.mean(1, keepdim=True)


def _centred(rows: Tensor) -> Tensor:
    """Rows of mean 0 and length 1, whose products are correlations."""
    length: Tensor = _off_mean(rows).norm(dim=1, keepdim=True)
    return _off_mean(rows) / length.clamp_min(1e-12)


def _line(image: Tensor, of: Tensor) -> Tensor:
    both = torch.stack([image.flatten(), of.flatten()])
    if not bool(torch.isfinite(both).all()) or bool((both.std(1) == 0).any()):
        return torch.full((2,), torch.nan)
    if float(torch.corrcoef(both)[0, 1]) < ALIKE:
        return torch.full((2,), torch.nan)
    factor = torch.cov(both)[0, 1] / both[1].var()
    return torch.stack([factor, both[0].mean() - factor * both[1].mean()]).float()


def _off(line: Tensor) -> float:
    return float(((line[0] - 1).abs() + line[1].abs()).nan_to_num(torch.inf))
