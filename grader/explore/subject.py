"""What is explained: a network, one of its inputs, and two classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from grader.errors import NoSubject
from grader.gan_metrics.measure import digits
from grader.homework import vgg16
from grader.homework.networks import Network, build

__all__ = ["Subject", "digit", "photograph"]


@dataclass(frozen=True)
class Subject:
    """A network and what to ask of it."""

    make: Callable[[], nn.Sequential]
    x: Tensor
    """The input that is explained, (C, H, W), as the network takes it."""
    pixels: Tensor
    """The same image in [0, 1], 0 is black."""
    baseline: Tensor
    """A black image, as the network takes it."""
    names: Sequence[str]
    """Of the classes."""
    c1: int
    c2: int
    layer: int
    xs: Tensor
    """Instances of class ``c1``, (N, C, H, W): for an image from outside the image alone."""
    steps: int
    """Of path integrals: fewer where one takes long."""
    train: Tensor | None = None
    """The images that the network was trained on, if they are there: (N, C, H, W)."""
    train_labels: Tensor | None = None
    test: Tensor | None = None
    """Others, to test a classifier on."""
    test_labels: Tensor | None = None

    @property
    def model(self) -> nn.Sequential:
        """The network, in eval mode, without softmax."""
        return self.make()

    @property
    def neurons(self) -> int:
        """How many the slice has."""
        with torch.no_grad():
            return int(self.model[: self.layer + 1](self.x[None]).shape[1])

    @property
    def examples(self) -> str:
        """What an influence on ``xs`` is about, in words."""
        count = len(self.xs)
        return f"averaged over {count} images of the class" if count > 1 else "for this image alone"

    def score(self, image: Tensor, target: int) -> float:
        """The network's score of a class for one image."""
        with torch.no_grad():
            return float(self.model(image[None])[0, target])

    def some(self, label: int) -> Tensor:
        """Instances of a class, among those of the training; without any, the image itself."""
        if self.train is None or self.train_labels is None:
            return self.x[None]
        return self.train[self.train_labels == label]


def digit(number: int) -> Callable[[], tuple[Subject, Tensor]]:
    """The trained digits network and a digit that it has not seen: see :func:`photograph`."""

    def load() -> tuple[Subject, Tensor]:
        data = digits()
        train, labels = torch.from_numpy(data.train), torch.from_numpy(data.train_labels)
        test, test_labels = torch.from_numpy(data.held_out), torch.from_numpy(data.held_out_labels)
        make = partial(build, Network("digits"))
        with torch.no_grad():
            scores = make()(test)
        ours = (test_labels == number) & (scores.argmax(1) == number)
        x = test[ours][0].clone()
        subject = Subject(
            make,
            x,
            pixels=(x + 1) / 2,
            baseline=torch.full_like(x, -1.0),
            names=[str(name) for name in range(10)],
            c1=number,
            c2=number,
            layer=3,
            xs=x[None],
            steps=50,
            train=train,
            train_labels=labels,
            test=test,
            test_labels=test_labels,
        )
        return subject, scores[ours][0]

    return load


def photograph(path: Path) -> Callable[[], tuple[Subject, Tensor]]:
    """torchvision's VGG16 with ImageNet's weights, and the middle of an image file.

    Returns:
        A function that gives the subject, whose two classes are not chosen yet, and the network's
        scores for the image, (K,).  It raises :class:`NoSubject`.
    """

    def load() -> tuple[Subject, Tensor]:
        pixels = _pixels(path)
        model = _vgg16()
        x = vgg16.normalised(pixels)
        with torch.no_grad():
            scores = model(x[None])[0]
        best = int(scores.argmax())
        subject = Subject(
            lambda: model,
            x,
            pixels,
            baseline=vgg16.normalised(torch.zeros_like(pixels)),
            names=vgg16.classes(),
            c1=best,
            c2=best,
            layer=vgg16.LAST_CONVOLUTION,
            xs=x[None],
            steps=20,
        )
        return subject, scores

    return load


def _pixels(path: Path) -> Tensor:
    """(3, 224, 224) in [0, 1]: the shorter side 256 pixels long, and the middle of that."""
    try:
        from PIL import Image, ImageOps
    except ImportError:
        raise NoSubject(
            "images are read with Pillow, which is missing: pip install pillow"
        ) from None
    try:
        with Image.open(path) as file:
            image = ImageOps.exif_transpose(file).convert("RGB")
    except FileNotFoundError:
        raise NoSubject(f"there is no file {path}") from None
    except IsADirectoryError:
        raise NoSubject(f"{path} is a folder, not an image") from None
    except Exception as error:  # every format has a way of its own to be broken
        what = "permission denied" if isinstance(error, PermissionError) else "it is no image"
        raise NoSubject(f"{path} cannot be read: {what}") from None
    scale = 256 / min(image.size)
    wanted = vgg16.SIDE
    width, height = (max(wanted, round(side * scale)) for side in image.size)
    left, top = (width - wanted) // 2, (height - wanted) // 2
    image = image.resize((width, height)).crop((left, top, left + wanted, top + wanted))
    array = np.asarray(image, dtype=np.float32) / 255  # (224, 224, 3)
    return torch.from_numpy(array.transpose(2, 0, 1).copy())


def _vgg16() -> nn.Sequential:
    kept = vgg16.kept()
    if not kept.is_file():
        raise NoSubject(
            f"VGG16's weights are not on this machine ({kept}): download them once, about 530 MB, "
            "with  python -c \"import torchvision; torchvision.models.vgg16(weights='DEFAULT')\""
        )
    try:
        return vgg16.vgg16("cache")
    except Exception as error:  # of a download that was broken off, whatever the reader meets first
        raise NoSubject(
            f"VGG16's weights cannot be read ({type(error).__name__}): "
            f"delete {kept} and download them again"
        ) from None
