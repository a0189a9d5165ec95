"""What is explained: a network, one of its inputs, and two classes."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from grader.errors import NoSubject
from grader.explore import photographs
from grader.gan_metrics.measure import digits
from grader.homework import efficientnet, vgg16
from grader.homework.networks import Network, build

__all__ = ["Subject", "digit", "photo", "photograph"]


LARGE = 10_000
"""Numbers above which an image is a photograph."""


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
    others: Tensor | None = None
    """Photographs of other things, (N, C, H, W)."""
    notes: Sequence[str] = ()
    """What was done to the image, a sentence each."""

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

    @property
    def agreement(self) -> str:
        """What to expect of the sum of integrated gradients, in words."""
        if self.x.numel() <= LARGE:
            return "The two should be about the same."
        return (
            f"With {self.steps} steps they may still be far apart: the line crosses many kinks of "
            "a network as deep as this. More steps bring them together, and take longer."
        )

    def evened(self, saliency: Any) -> Any:
        """A saliency map whose few largest values are cut off, so that the others can be seen.

        Small images stay as they are, and so does what is no map.
        """
        if not isinstance(saliency, Tensor) or saliency.numel() <= LARGE:
            return saliency
        sizes = saliency.detach().abs().flatten()[::7]
        most = max(float(torch.quantile(sizes, 0.99)), 1e-30)
        return saliency.clamp(-most, most)

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
        pixels, notes = photographs.read(path, vgg16.SIDE)
        return _of(_vgg16(), pixels, notes, vgg16.normalised, vgg16.LAST_CONVOLUTION)

    return load


def photo(wanted: str) -> Callable[[], tuple[Subject, Tensor]]:
    """EfficientNet-Lite0 with ImageNet's weights, and the middle of a photograph.

    Args:
        wanted: an image file, or the name of one of scikit-image's photographs.

    Returns:
        As :func:`photograph`.
    """

    def load() -> tuple[Subject, Tensor]:
        path, notes = _file_of(wanted)
        pixels, more = photographs.read(path, efficientnet.SIDE)
        try:
            model = efficientnet.trained()
        except ModuleNotFoundError:
            raise NoSubject(f"--photo needs more packages: {efficientnet.INSTALL}") from None
        except Exception as error:  # of weights that were cut off, whatever the reader meets first
            raise NoSubject(
                f"the network's weights cannot be read ({type(error).__name__}): "
                f"{efficientnet.INSTALL} --force-reinstall --no-deps"
            ) from None
        # A network and a photograph are worth several threads.
        torch.set_num_threads(min(4, os.cpu_count() or 1))
        normalised = efficientnet.normalised
        subject, scores = _of(model, pixels, notes + more, normalised, efficientnet.LAST_BLOCK)
        others = [normalised(photographs.read(one, efficientnet.SIDE)[0]) for one in _others(path)]
        return replace(subject, others=torch.stack(others) if others else None), scores

    return load


def _file_of(wanted: str) -> tuple[Path, list[str]]:
    path = Path(wanted)
    if path.exists() or wanted not in efficientnet.PHOTOS:
        return path, []
    found = efficientnet.photo(wanted)
    if found is None:
        raise NoSubject(f"--photo {wanted} needs more packages: {efficientnet.INSTALL}")
    return found, [f"The photograph is by {efficientnet.PHOTOS[wanted][1]}."]


def _others(path: Path) -> list[Path]:
    """The photographs of scikit-image that are there, without this one."""
    found = [efficientnet.photo(name) for name in efficientnet.PHOTOS]
    return [one for one in found if one is not None and one.is_file() and one != path]


def _of(
    model: nn.Sequential,
    pixels: Tensor,
    notes: Sequence[str],
    normalised: Callable[[Tensor], Tensor],
    layer: int,
) -> tuple[Subject, Tensor]:
    """A network of ImageNet's classes on an image, and its scores."""
    if isinstance(model[-1], nn.Softmax | nn.LogSoftmax):
        raise NoSubject("the network ends in a softmax: explain its scores, model[:-1]")
    x = normalised(pixels)
    with torch.no_grad():
        scores = model(x[None])[0]
    best = int(scores.argmax())
    subject = Subject(
        lambda: model,
        x,
        pixels,
        baseline=normalised(torch.zeros_like(pixels)),
        names=vgg16.classes(),
        c1=best,
        c2=best,
        layer=layer,
        xs=x[None],
        steps=20,
        notes=tuple(notes),
    )
    return subject, scores


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
