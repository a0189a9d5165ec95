"""Drivers of the warm-up: they train a student's autoencoder, and draw with what it has learnt.

What a training has learnt leaves its guest as arrays.  Another guest, which never saw an image,
makes the autoencoder anew, loads the arrays, and decodes codes.  As with the GAN's drivers, nothing
is judged here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from grader.sandbox.gan.helpers import MOST, Fed, Result, function, materialised, module, updates

__all__ = ["DRIVERS"]

File = Mapping[str, Any]
"""What a student's ``warmup.py`` defines, by name."""

RATE = 2e-3
"""The learning rate where ``warmup.py`` has no ``LEARNING_RATE``."""

_NAMES = 300
"""Tensors of a state whose names are sent back."""


def _made(file: File, seed: int) -> nn.Module:
    """The student's autoencoder, the same for the same seed, in train mode."""
    torch.manual_seed(seed)
    made = module(file, "make_autoencoder")
    for name in ("encoder", "decoder"):
        _child(made, name)
    return materialised(made, 1, 8, 8)


def _child(network: nn.Module, name: str) -> nn.Module:
    child = getattr(network, name, None)
    if not isinstance(child, nn.Module):
        raise TypeError(f"the autoencoder has no child module {name!r}: self.{name} = ...")
    return child


def _state(network: nn.Module) -> Result:
    """Parameters and buffers one after the other; their sizes, numbers of dimensions and names."""
    held = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    tensors = [tensor.detach().flatten().double() for tensor in held.values()]
    return {
        "values": torch.cat([*tensors, torch.empty(0, dtype=torch.float64)]),
        "sizes": torch.tensor([len(tensor) for tensor in tensors]),
        "dimensions": torch.tensor([tensor.dim() for tensor in held.values()]),
        "names": "\n".join(list(held)[:_NAMES]),
    }


def _loaded(file: File, values: Tensor, sizes: Tensor, seed: int) -> nn.Module:
    """The autoencoder with that state, in eval mode; as it was made where there are no values."""
    network = _made(file, seed).eval()
    held = [*network.parameters(), *network.buffers()]
    if len(values) and [t.numel() for t in held] == sizes.tolist():
        parts = torch.split(values, sizes.tolist())
        with torch.no_grad():
            for tensor, part in zip(held, parts, strict=True):
                tensor.copy_(part.reshape(tensor.shape))
    return network


def make(file: File, images: Tensor, sizes: list[int], make_seed: int) -> Result:
    """An untrained autoencoder in eval mode, on batches of each size.

    Args:
        file: the student's namespace.
        images: (N, 1, 8, 8), of which the first rows are taken.
        sizes: of the batches.
        make_seed: of its weights.

    Returns:
        ``images_<size>``, what it makes of so many rows; ``codes`` of all rows; how many parameters
        are ``trainable``; and its state.
    """
    network = _made(file, make_seed).eval()
    with torch.no_grad():
        made = {f"images_{size}": network(images[:size].clone()) for size in sizes}
        codes = _child(network, "encoder")(images.clone())
    trainable = sum(p.numel() for p in network.parameters() if p.requires_grad)
    return {**made, "codes": codes, "trainable": trainable, **_state(network)}


def train(
    file: File, images: Tensor, steps: int, batch_size: int, train_seed: int, wanted: Tensor
) -> Result:
    """``train_autoencoder`` on Adam with the student's learning rate.

    Args:
        file: the student's namespace.
        images: (M, 1, 8, 8), the training set.
        steps: handed over, as are the next two.
        batch_size: as above.
        train_seed: also of the weights.
        wanted: (n, 1, 8, 8), images whose codes are wanted after the training.

    Returns:
        ``first``, the values of the state before, and the state after (``values``, ``sizes``,
        ``dimensions``, ``names``); ``codes`` of ``wanted``; ``rate``, NaN where ``LEARNING_RATE``
        is no number; ``updates`` of the optimizer; ``count`` of the losses that came back, −1 where
        it is no list; ``losses``, NaN where there is no number; ``rows``, how many images each
        call of the encoder got.
    """
    rate = _rate(file)
    network = _made(file, train_seed)
    first = _state(network)["values"]
    if not 0 < rate < 1:
        return {"rate": rate}
    optimizer = torch.optim.Adam(network.parameters(), lr=rate)
    work = function(file, "train_autoencoder")
    rows = _Rows()
    hook = _child(network, "encoder").register_forward_pre_hook(rows, with_kwargs=True)
    torch.manual_seed(train_seed)
    results = work(network, optimizer, images.clone(), steps, batch_size, train_seed)
    hook.remove()
    listed = isinstance(results, (list, tuple))
    network.eval()
    with torch.no_grad():
        codes = _child(network, "encoder")(wanted)
    return {
        **_state(network),
        "first": first,
        "codes": codes,
        "rate": rate,
        "updates": float(updates(optimizer)),
        "count": float(len(results) if listed else -1),
        "losses": torch.tensor([_number(v) for v in (results[:MOST] if listed else [])]),
        "rows": torch.tensor(rows.counts or [0]),  # 0: a forward by name passes by every hook
    }


def decode(file: File, codes: Tensor, values: Tensor, sizes: Tensor, make_seed: int) -> Result:
    """What the decoder makes of codes, from a state: ``images``.

    Args:
        file: the student's namespace.
        codes: (n, …), in the shape in which the encoder gives them.
        values: of the state; none leaves the weights as they were drawn.
        sizes: of its tensors.
        make_seed: of weights that are not in the state.
    """
    network = _loaded(file, values, sizes, make_seed)
    with torch.no_grad():
        return {"images": _child(network, "decoder")(codes.clone())}


class _Rows(Fed):
    """A hook that counts the images of each batch."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: list[int] = []

    def __call__(self, _: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        """Count them."""
        first = next((v for v in (*given, *named.values()) if isinstance(v, Tensor)), None)
        if first is not None and first.dim() and len(self.counts) < MOST:
            self.counts.append(len(first))


def _rate(file: File) -> float:
    given = file.get("LEARNING_RATE", RATE)
    return float("nan") if isinstance(given, bool) else _number(given)


def _number(value: Any) -> float:
    try:
        return float(value.detach() if isinstance(value, Tensor) else value)
    except (TypeError, ValueError, RuntimeError):
        return float("nan")


DRIVERS: dict[str, Callable[..., Result]] = {
    f"warmup/{driver.__name__}": driver for driver in (make, train, decode)
}
