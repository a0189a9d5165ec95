"""What the losses of a GAN should be: closed forms of each family, and where they are smallest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from grader.checks.framework import expect
from grader.checks.framework.expect import StudentFault
from grader.checks.framework.student import Student
from grader.checks.gan.evidence import field, noise, text
from grader.homework.contract import GAN_LOSSES

__all__ = [
    "DENSITIES",
    "FAKE_ALONE",
    "REAL_ALONE",
    "accepted_discriminator_losses",
    "accepted_generator_losses",
    "accepted_optima",
    "best_logits",
    "best_of_two",
    "declared",
    "logit_rows",
    "logits_are_meant",
]

Array = np.ndarray


@contextmanager
def logits_are_meant() -> Iterator[None]:
    """Says of a loss that refuses logits what it was written for."""
    try:
        yield
    except StudentFault as fault:
        if "between 0 and 1" not in fault.error.message:
            raise
        words = (
            f"{fault.error.message} - logits are any real numbers, and this loss is written for "
            "probabilities: use binary_cross_entropy_with_logits or softplus"
        )
        raise StudentFault(replace(fault.error, message=words)) from None


def logit_rows(count: int, length: int, seed: int) -> Array:
    """Rows of logits around +0.5, where no usual loss has its optimum.

    Args:
        count: of rows.
        length: of a row.
        seed: of the draw.

    Returns:
        (count, length) float32, normal with mean 0.5 and standard deviation 1.5.
    """
    return (0.5 + 1.5 * noise(count, length, seed=seed)).astype(np.float32)


def _cross_entropy(r: Array, f: Array) -> Array:
    return np.asarray(np.logaddexp(0, -r) + np.logaddexp(0, f))


_Two = Callable[[Array, Array], Array]


_One = Callable[[Array], Array]


_FORMS: dict[str, tuple[_Two, _One]] = {
    "minimax": (_cross_entropy, lambda f: -np.logaddexp(0, f)),
    "non_saturating": (_cross_entropy, lambda f: np.logaddexp(0, -f)),
    "lsgan": (lambda r, f: (r - 1) ** 2 + f**2, lambda f: (f - 1) ** 2),
    "hinge": (lambda r, f: np.maximum(0, 1 - r) + np.maximum(0, 1 + f), lambda f: -f),
    "wgan": (lambda r, f: f - r, lambda f: -f),
}
"""The losses per image, where high logits mean real (sources: ``student_template/gan.py``)."""


def _turned(family: str, logits: Array) -> Array:
    # Swapped labels: least squares swaps its targets 1 and 0, the other losses change the sign.
    return 1 - logits if family == "lsgan" else -logits


def accepted_discriminator_losses(family: str, real: Array, fake: Array) -> dict[str, Array]:
    """What ``discriminator_loss`` may return: its two terms added or averaged, either polarity.

    Args:
        family: a declared one, not ``"other"``.
        real: (B, N) logits of real images.
        fake: (B, N) logits of generated images.

    Returns:
        By name, (B,) each; least squares also with the factor one half of its paper.
    """
    form = _FORMS[family][0]
    factors = {"added": 1.0, "averaged": 0.5}
    if family == "lsgan":
        factors["halved and averaged"] = 0.25
    values = {
        "": form(real, fake).mean(1),
        "turned, ": form(_turned(family, real), _turned(family, fake)).mean(1),
    }
    return {f"{turn}{name}": k * v for turn, v in values.items() for name, k in factors.items()}


def accepted_generator_losses(family: str, fake: Array) -> dict[str, Array]:
    """As :func:`accepted_discriminator_losses`, for ``generator_loss``."""
    form = _FORMS[family][1]
    factors = {"plain": 1.0, "halved": 0.5} if family == "lsgan" else {"plain": 1.0}
    values = {"": form(fake).mean(1), "turned, ": form(_turned(family, fake)).mean(1)}
    return {f"{turn}{name}": k * v for turn, v in values.items() for name, k in factors.items()}


def declared(result: Mapping[str, Any]) -> str:
    """The family that ``LOSS`` names."""
    family = text(result, "LOSS")
    names = ", ".join(repr(name) for name in GAN_LOSSES)
    expect.that(
        family in GAN_LOSSES,
        "LOSS does not name a family of losses of this homework",
        expected=f"one of {names}",
        actual=repr(family),
    )
    return family


PLACES = (0.5, 0.1, -0.5, 2.0)
"""Where a search for the best logits begins; a loss may be flat around one of them (a margin)."""


def best_logits(
    student: Student, real: Array, fake: Array, steps: int = 200, start: float = PLACES[0]
) -> Array:
    """Where ``discriminator_loss`` is smallest, for images of K kinds.

    Args:
        student: whose loss is asked.
        real: (N,) integers, the kind of each real image of a batch.
        fake: (N,) integers, the kind of each generated one.
        steps: of Adam.
        start: where all logits begin.

    Returns:
        (K,) logits, one for each kind.

    Raises:
        Unmet: a logit is not finite.
    """
    begin = np.full(1 + max(real.max(), fake.max()), start, dtype=np.float32)
    result = student.drive(
        "tabulated", seed=0, start=begin, real=real, fake=fake, steps=steps, rate=0.05
    )
    logits = field(result, "logits", (len(begin),))
    expect.finite(logits, "the logits at the minimum of discriminator_loss")
    return logits


def best_of_two(student: Student) -> tuple[float, Array]:
    """The best logits of one kind of real and of one kind of generated images.

    Returns:
        Where the search began, and (2,) logits: of the first of :data:`PLACES` from which both
        move and part, or of the first of all.
    """
    found = []
    for start in PLACES:
        logits = best_logits(student, REAL_ALONE, FAKE_ALONE, start=start)
        if (np.abs(logits - start) > 0.02).all() and abs(logits[0] - logits[1]) > 0.1:
            return start, logits
        found.append(logits)
    return PLACES[0], found[0]


REAL_ALONE, FAKE_ALONE = np.zeros(8, dtype=np.int64), np.ones(8, dtype=np.int64)
"""Two kinds of images: one of real ones, one of generated ones."""


DENSITIES = np.array([[8, 4, 4, 2, 2], [2, 2, 4, 4, 8]])
"""How many of 20 real and of 20 generated images are of each of five kinds."""


def accepted_optima(family: str) -> dict[str, Array]:
    """The logits at which the losses of a family are smallest over :data:`DENSITIES`.

    With p and q the densities of a kind among real and generated images, cross entropy has its
    minimum where sigmoid(logit) = p / (p + q) (Goodfellow et al. 2014, proposition 1), least
    squares at p / (p + q) itself (Mao et al. 2017, equation 5), hinge at the sign of p − q (Lim, Ye
    2017, lemma 1; NaN where p = q: any between −1 and 1).  None for the others: Wasserstein losses
    have no minimum.

    Returns:
        By name, (5,) each, either polarity.
    """
    p, q = DENSITIES.astype(np.float64)
    with np.errstate(invalid="ignore"):
        optimum = {
            "minimax": np.log(p / q),
            "non_saturating": np.log(p / q),
            "lsgan": p / (p + q),
            "hinge": np.where(p == q, np.nan, np.sign(p - q)),
        }.get(family)
    return {} if optimum is None else {"": optimum, "turned": _turned(family, optimum)}
