"""torchvision's VGG16: the network, where its weights are kept, what it takes and what it tells.

For ``explore.py``, and for the reference's own tests and benchmarks; nothing is graded on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from grader.homework.torchvision_compat import torchvision_models

__all__ = ["LAST_CONVOLUTION", "SIDE", "WEIGHTS", "classes", "kept", "normalised", "vgg16"]

WEIGHTS = "vgg16-397923af.pth"
"""The file of ImageNet's weights, as torchvision calls it."""

SIDE = 224
"""Pixels of an image's side."""

LAST_CONVOLUTION = 28
"""The layer of the flat network that is the last convolution."""

_MEAN, _SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""What the network takes: channels shifted and scaled by these."""


def vgg16(weights: str | Path | None = None, *, seed: int = 0) -> nn.Sequential:
    """The network as one flat ``nn.Sequential`` in eval mode: (N, 3, 224, 224) → (N, 1000).

    Args:
        weights: ``None`` for seeded weights, a path to torchvision's ``.pth`` file, or ``"cache"``
            for the file that torchvision keeps once it was downloaded.
        seed: seeds the weights that are not loaded.

    Raises:
        FileNotFoundError: there is no such file.
    """
    models = torchvision_models()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = models.vgg16(weights=None)
    if weights is not None:
        path = kept() if weights == "cache" else Path(weights)
        if not path.is_file():
            raise FileNotFoundError(f"no VGG16 weights at {path}: let torchvision download them")
        net.load_state_dict(torch.load(path, weights_only=True))
    flat = [*net.features, net.avgpool, nn.Flatten(), *net.classifier]
    return nn.Sequential(*flat).eval()


def kept() -> Path:
    """Where torchvision keeps the weights, once they were downloaded."""
    return Path(torch.hub.get_dir()) / "checkpoints" / WEIGHTS


def normalised(pixels: Tensor) -> Tensor:
    """An image as the network takes it; (3, H, W), from values in [0, 1]."""
    mean, spread = (torch.tensor(values)[:, None, None] for values in (_MEAN, _SPREAD))
    return (pixels - mean) / spread


def classes() -> Sequence[str]:
    """The names of ImageNet's 1000 classes, in the order of the scores."""
    names: Sequence[str] = torchvision_models().VGG16_Weights.IMAGENET1K_V1.meta["categories"]
    return names
