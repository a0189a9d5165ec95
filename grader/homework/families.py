"""The families of networks that submissions are graded on: their layers, without weights.

Each is there for a kind of mistake: ``smooth_*`` have no kinks (smooth activations *and* average
pooling), so quadrature converges fast; ``inplace_*`` return the wrong gradient to naive hooks;
``dropout_bn`` gives other answers in train mode; ``blocks`` are networks inside the network, whose
layers need not share a mode; ``inplace_blocks`` work in place at the beginning of such a network;
``softmax_inside`` has a softmax that is not the last layer; ``all_convolutional`` has maps that are
no squares and ends in a layer without weights, ``no_weights`` has none at all; ``rows`` has a
linear layer on the rows of its input, ``normed_rows`` a norm of each of them, too; ``transposed``
has weights with the inputs first; ``own_layers`` has layers that are no layers of torch;
``volumes`` has maps of three dimensions; ``large_image`` has more inputs than fit into a small
chunk; ``two_classes`` has as few classes as there can be, ``many_classes`` more than fit into a
byte; ``slides`` has the 50 neurons of 28 × 28 of the course slides; ``digits`` is trained
(``fixtures/make_digits.py``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

__all__ = ["FAMILIES", "Centred", "Doubled", "Family", "Repeated", "ScaledTanh", "Square", "Stored"]


class Square(nn.Module):
    """z ↦ z²: a smooth layer for which path integrals have closed forms."""

    def forward(self, z: Tensor) -> Tensor:
        """Square every feature."""
        return z * z


class ScaledTanh(nn.Module):
    """z ↦ 2 tanh(z): keeps deep smooth networks from going flat."""

    def forward(self, z: Tensor) -> Tensor:
        """Squash every feature to (−2, 2)."""
        return 2 * torch.tanh(z)


class Repeated(nn.Module):
    """(N, 1, H, W) ↦ (N, 3, H, W): a grey picture as one of three channels, which share memory."""

    def forward(self, z: Tensor) -> Tensor:
        """Show the channel three times."""
        return z.expand(-1, 3, -1, -1)


class Doubled(nn.Linear):
    """z ↦ 2 (W z + b) + 0.5: an instance of a linear layer, and none."""

    def forward(self, input: Tensor) -> Tensor:
        """Map, double, and add a half."""
        return 2 * super().forward(input) + 0.5


class Centred(nn.Module):
    """z ↦ z − 0.1, a number that is a buffer and in no ``state_dict``."""

    mean: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(0.1), persistent=False)

    def forward(self, z: Tensor) -> Tensor:
        """Subtract the mean."""
        return z - self.mean


class Stored(nn.Module):
    """(N, 1) ↦ (N,), N up to four: the margins that it holds, whatever the rows are."""

    margins: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("margins", torch.tensor([0.5, -1.0, 2.0, -0.5]))

    def forward(self, z: Tensor) -> Tensor:
        """Give the margins themselves, no copy."""
        return self.margins[: len(z)]


def _affine() -> list[nn.Module]:
    return [nn.Linear(5, 4)]


def _deep_affine() -> list[nn.Module]:
    return [nn.Linear(5, 6), nn.Linear(6, 4)]


def _affine_image() -> list[nn.Module]:
    return [nn.Conv2d(2, 3, 3, padding=1), nn.Flatten(), nn.Linear(3 * 5 * 5, 4)]


def _quadratic() -> list[nn.Module]:
    return [nn.Linear(5, 6), Square(), nn.Linear(6, 4)]


def _clipped_sum() -> list[nn.Module]:
    return [nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2)]


def _smooth_mlp() -> list[nn.Module]:
    return [nn.Linear(6, 9), nn.Softplus(), nn.Linear(9, 7), ScaledTanh(), nn.Linear(7, 5)]


def _smooth_cnn() -> list[nn.Module]:
    return [
        nn.Conv2d(2, 4, 3, padding=1),
        nn.Softplus(),
        nn.AvgPool2d(2),
        nn.Conv2d(4, 6, 3, padding=1),
        ScaledTanh(),
        nn.Flatten(),
        nn.Linear(6 * 3 * 3, 5),
    ]


def _relu_avg_cnn() -> list[nn.Module]:
    return [
        nn.Conv2d(2, 4, 3, padding=1),
        nn.ReLU(),
        nn.AvgPool2d(2),
        nn.Conv2d(4, 6, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(6 * 3 * 3, 5),
    ]


def _relu_max_cnn() -> list[nn.Module]:
    return [
        nn.Conv2d(1, 5, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(5, 6, 3, padding=1),
        nn.Flatten(),
        nn.Linear(6 * 4 * 4, 6),
    ]


def _inplace_mlp() -> list[nn.Module]:
    return [
        nn.ReLU(inplace=True),
        nn.Linear(6, 9),
        nn.ReLU(inplace=True),
        nn.Linear(9, 7),
        nn.ReLU(inplace=True),
        nn.Linear(7, 5),
    ]


def _inplace_cnn() -> list[nn.Module]:
    return [
        nn.Conv2d(2, 4, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.AvgPool2d(2),
        nn.Conv2d(4, 6, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Flatten(),
        nn.Linear(6 * 3 * 3, 5),
    ]


def _dropout_bn() -> list[nn.Module]:
    return [
        nn.Conv2d(2, 5, 3, padding=1),
        nn.BatchNorm2d(5),
        nn.Softplus(),
        nn.Dropout(0.5),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(5 * 3 * 3, 8),
        nn.BatchNorm1d(8),
        ScaledTanh(),
        nn.Dropout(0.4),
        nn.Linear(8, 5),
    ]


def _sequence() -> list[nn.Module]:
    return [nn.Conv1d(2, 4, 3), ScaledTanh(), nn.Flatten(), nn.Linear(4 * 7, 5)]


def _blocks() -> list[nn.Module]:
    return [
        nn.Sequential(nn.Linear(6, 9), nn.BatchNorm1d(9), nn.Softplus()),
        nn.Sequential(nn.Dropout(0.5), nn.Linear(9, 7), ScaledTanh()),
        nn.Linear(7, 5),
    ]


def _inplace_blocks() -> list[nn.Module]:
    return [
        nn.Linear(6, 9),
        nn.Sequential(nn.ELU(inplace=True), nn.Linear(9, 7)),
        nn.Sequential(nn.ELU(inplace=True), nn.Linear(7, 5)),
    ]


def _all_convolutional() -> list[nn.Module]:
    return [
        nn.Conv2d(2, 4, 3, padding=1),
        ScaledTanh(),
        nn.Conv2d(4, 5, 1),
        nn.AvgPool2d((6, 4)),
        nn.Flatten(),
    ]


def _no_weights() -> list[nn.Module]:
    return [nn.AvgPool2d(2), ScaledTanh(), nn.Flatten()]


def _rows() -> list[nn.Module]:
    return [nn.Linear(4, 6), ScaledTanh(), nn.Flatten(), nn.Linear(3 * 6, 5)]


def _normed_rows() -> list[nn.Module]:
    return [nn.Linear(4, 6), nn.LayerNorm(6), ScaledTanh(), nn.Flatten(), nn.Linear(3 * 6, 5)]


def _transposed() -> list[nn.Module]:
    return [
        nn.ConvTranspose2d(3, 5, 2, stride=2),
        ScaledTanh(),
        nn.Flatten(),
        nn.Linear(5 * 6 * 6, 5),
    ]


def _own_layers() -> list[nn.Module]:
    return [
        Repeated(),
        ScaledTanh(),
        nn.Identity(),
        nn.Flatten(),
        Doubled(48, 7),
        Centred(),
        Doubled(7, 5),
    ]


def _volumes() -> list[nn.Module]:
    return [nn.Conv3d(2, 4, 2), ScaledTanh(), nn.Flatten(), nn.Linear(4 * 12, 5)]


def _large_image() -> list[nn.Module]:
    return [nn.Conv2d(3, 4, 16, stride=16), nn.Softplus(), nn.Flatten(), nn.Linear(4 * 16, 5)]


def _softmax_inside() -> list[nn.Module]:
    return [nn.Linear(6, 9), ScaledTanh(), nn.Linear(9, 7), nn.Softmax(dim=1), nn.Linear(7, 5)]


def _two_classes() -> list[nn.Module]:
    return [nn.Linear(5, 6), ScaledTanh(), nn.Linear(6, 2)]


def _many_classes() -> list[nn.Module]:
    return [nn.Linear(5, 7), nn.Softplus(), nn.Linear(7, 300)]


def _slides() -> list[nn.Module]:
    return [
        nn.Conv2d(1, 50, 5, padding=2),
        nn.Softplus(),
        nn.AvgPool2d(7),
        nn.Flatten(),
        nn.Linear(50 * 4 * 4, 10),
    ]


def _digits() -> list[nn.Module]:
    return [
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.AvgPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(32 * 2 * 2, 10),
    ]


def _margin() -> list[nn.Module]:
    return [nn.Linear(4, 6), ScaledTanh(), nn.Dropout(0.5), nn.Linear(6, 1), nn.Flatten(0)]


def _inplace_margin() -> list[nn.Module]:
    return [nn.LeakyReLU(0.5, inplace=True), nn.Linear(4, 1), nn.Flatten(0)]


def _stored_margin() -> list[nn.Module]:
    return [Stored()]


def _identity_margin() -> list[nn.Module]:
    return [nn.Identity(), nn.Flatten(0)]


@dataclass(frozen=True)
class Family:
    """What a network of the family is made of; ``gain`` scales its weights."""

    layers: Callable[[], list[nn.Module]]
    gain: float = 1.5


FAMILIES = {
    "affine": Family(_affine),
    "deep_affine": Family(_deep_affine),
    "affine_image": Family(_affine_image),
    "quadratic": Family(_quadratic, 1.0),
    "clipped_sum": Family(_clipped_sum),
    "smooth_mlp": Family(_smooth_mlp),
    "smooth_cnn": Family(_smooth_cnn),
    "relu_avg_cnn": Family(_relu_avg_cnn),
    "relu_max_cnn": Family(_relu_max_cnn),
    "inplace_mlp": Family(_inplace_mlp),
    "inplace_cnn": Family(_inplace_cnn),
    "dropout_bn": Family(_dropout_bn),
    "sequence": Family(_sequence),
    "blocks": Family(_blocks),
    "inplace_blocks": Family(_inplace_blocks),
    "all_convolutional": Family(_all_convolutional),
    "no_weights": Family(_no_weights),
    "rows": Family(_rows),
    "normed_rows": Family(_normed_rows),
    "transposed": Family(_transposed),
    "own_layers": Family(_own_layers),
    "volumes": Family(_volumes),
    "large_image": Family(_large_image),
    "softmax_inside": Family(_softmax_inside),
    "two_classes": Family(_two_classes),
    "many_classes": Family(_many_classes),
    "slides": Family(_slides),
    "digits": Family(_digits),
    "margin": Family(_margin),
    "inplace_margin": Family(_inplace_margin),
    "stored_margin": Family(_stored_margin),
    "identity_margin": Family(_identity_margin),
}
