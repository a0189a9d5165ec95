"""The options of ``explore.py``: useful defaults, and one sentence if an option cannot be used."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

from torch import Tensor

from grader.errors import NoSubject
from grader.explore.subject import Subject, digit, photo, photograph

__all__ = ["Wishes", "ask"]


@dataclass(frozen=True)
class Wishes:
    """What was asked for."""

    on: Subject
    out: Path
    gan_steps: int
    """How long to train the GAN; 0 leaves it out."""

    def keep(self, html: str) -> None:
        """Write the page, and say where it is."""
        try:
            self.out.write_text(html, encoding="utf-8")
        except OSError as error:
            _refuse(f"{self.out} cannot be written: {error.strerror}")
        print(f"\nOpen {self.out} in a browser.")  # noqa: T201


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        _refuse(f"{message}  (python {self.prog} --help lists the options)")


def _refuse(sentence: str) -> NoReturn:
    sys.stderr.write(f"explore.py: {' '.join(sentence.split())}\n")
    raise SystemExit(2)


def ask(about: str, arguments: Sequence[str] | None = None) -> Wishes:
    """Read the command line.

    Args:
        about: what the program does, for ``--help``.
        arguments: those of the process, unless given.

    Raises:
        SystemExit: status 2 after one sentence, where something asked for cannot be.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a console that lacks a sign shows "?" in its place
            stream.reconfigure(errors="replace")
    given = _parser(about).parse_args(arguments)
    if given.out.is_dir() or not given.out.absolute().parent.is_dir():
        what = "is a folder" if given.out.is_dir() else "lies in a folder that does not exist"
        _refuse(f"--out {given.out} {what}: give the name of a file")
    if given.gan_steps < 0 or given.gan_steps % 100:
        _refuse(f"--gan-steps {given.gan_steps}: give a multiple of 100, or 0 to leave the GAN out")
    images = [given.digit is not None, given.vgg16 is not None, given.photo is not None]
    if sum(images) > 1:
        _refuse(
            "--digit chooses one of the digits' images, --photo and --vgg16 an image of yours: "
            "give one"
        )
    number = 5 if given.digit is None else given.digit
    if not 0 <= number <= 9:
        _refuse(f"--digit {number}: the digits are 0 to 9")
    try:
        load = photograph(given.vgg16) if given.vgg16 else digit(number)
        subject, scores = (photo(given.photo) if given.photo else load)()
    except NoSubject as error:
        _refuse(str(error))
    gan_steps = 0 if given.vgg16 or given.photo else given.gan_steps
    return Wishes(_chosen(subject, scores, given), given.out, gan_steps)


def _parser(about: str) -> argparse.ArgumentParser:
    parser = _Parser(prog="explore.py", description=about)
    add = parser.add_argument
    add("--digit", type=int, metavar="N", help="explain an image of this digit (5)")
    add("--class", dest="c1", metavar="C1", help="explain the score of this class (the digit's)")
    add("--against", dest="c2", metavar="C2", help="compare with this class (the runner-up)")
    add(
        "--layer",
        type=int,
        metavar="L",
        help="slice the network after layer L (3; photographs: 18; VGG16: 28)",
    )
    add(
        "--gan-steps",
        type=int,
        default=1000,
        metavar="N",
        help="train the GAN this long (1000; 0: not)",
    )
    add(
        "--photo",
        metavar="IMAGE",
        help="explain a network of photographs on this image file instead, or on cat, cup, rocket",
    )
    add("--vgg16", type=Path, metavar="IMAGE", help="explain VGG16 on this image file instead")
    add("--out", type=Path, default=Path("explore.html"), metavar="FILE", help="(explore.html)")
    return parser


def _chosen(subject: Subject, scores: Tensor, given: argparse.Namespace) -> Subject:
    layers = len(subject.model)
    layer = subject.layer if given.layer is None else given.layer
    if not -1 <= layer < layers:
        _refuse(f"--layer {layer}: the layers are -1 (the input) to {layers - 1}")
    c1 = subject.c1 if given.c1 is None else _class("--class", given.c1, subject.names)
    runner_up = next(c for c in scores.argsort(descending=True).tolist() if c != c1)
    c2 = runner_up if given.c2 is None else _class("--against", given.c2, subject.names)
    if c1 == c2:
        _refuse(f"--against {given.c2}: a class cannot be compared with itself")
    return replace(subject, c1=c1, c2=c2, layer=layer, xs=subject.some(c1))


def _class(option: str, text: str, names: Sequence[str]) -> int:
    """A class by its number or its name."""
    lower = [name.lower() for name in names]
    if text.strip().lower() in lower:
        return lower.index(text.strip().lower())
    if text.strip().isdecimal() and int(text) < len(names):
        return int(text)
    example = "" if names[0] == "0" else f" or a name, such as {names[0]!r}"
    _refuse(f"{option} {text}: give a class, 0 to {len(names) - 1}{example}")
