"""What the checks of the GAN share: inputs, closed forms of the losses, how a step is read.

Everything that a driver sends back passes :func:`field` or :func:`text` before it is computed with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from grader.calls.validate import WrongKind, to_array
from grader.checks.framework import expect
from grader.checks.framework.student import Student
from grader.gan_metrics.measure import digits
from grader.homework.contract import GAN_LOSSES
from grader.sandbox.gan.helpers import MOST

__all__ = [
    "BATCH",
    "DENSITIES",
    "FAKE_ALONE",
    "LATENT",
    "REAL_ALONE",
    "SAMPLES",
    "STEPS",
    "Steps",
    "accepted_discriminator_losses",
    "accepted_generator_losses",
    "accepted_optima",
    "area",
    "batches",
    "best_logits",
    "declared",
    "field",
    "logit_rows",
    "noise",
    "outputs",
    "shuffled",
    "take_steps",
    "text",
]

Array = np.ndarray

LATENT = 16
"""Noise values per image, for every submission."""

BATCH = 32
"""Images per step of the training."""

STEPS = 4000
"""The budget of the training, for every architecture (``fixtures/calibrate_gan.py``)."""

SAMPLES = 600
"""As many as there are held-out digits, which the thresholds of ``grader/gan_metrics/measure.py``
assume."""


def field(
    result: Mapping[str, Any], name: str, shape: tuple[int | None, ...], what: str = ""
) -> Array:
    """One array of a driver's result.

    Args:
        result: of the driver.
        name: of the array in it.
        shape: what its shape should be; ``None`` stands for any length from 1 to :data:`MOST`.
        what: how the sentence calls it; "" takes ``name`` in words.

    Returns:
        Array of that shape, float64; numbers may be infinite or NaN.

    Raises:
        Unmet: it is missing, not numeric, or of another shape.
    """
    what = what or name.replace("_", " ")
    value = result.get(name)
    array = np.zeros(0)
    try:
        array = value if isinstance(value, np.ndarray) else to_array(value)
    except WrongKind as error:
        expect.that(False, f"{what} {error}")
    expect.that(array.dtype.kind in "fiub", f"{what} should be numbers, but is {array.dtype}")
    fits = array.ndim == len(shape) and all(
        1 <= m <= MOST if n is None else n == m for n, m in zip(shape, array.shape, strict=False)
    )
    words = "(" + ", ".join("N" if n is None else str(n) for n in shape) + ")"
    expect.that(
        fits,
        f"{what} should have the shape {words}, but has {array.shape}",
        expected=words,
        actual=str(array.shape),
    )
    return array.astype(np.float64)


def text(result: Mapping[str, Any], name: str) -> str:
    """A text of a driver's result, cut short; "" if it is no text."""
    value = result.get(name)
    return value[:200] if isinstance(value, str) else ""


def noise(*shape: int, seed: int = 0) -> Array:
    """Standard normal float32 numbers."""
    return np.random.RandomState(seed).standard_normal(shape).astype(np.float32)


def batches(*shape: int, seed: int = 0) -> Array:
    """Digits of the training set, drawn with replacement: (*shape, 1, 8, 8) float32."""
    images = digits().train
    return np.asarray(images[np.random.RandomState(seed).randint(len(images), size=shape)])


def shuffled(images: Array, seed: int = 0) -> Array:
    """The same images, the pixels of each in an order of its own."""
    order = np.random.RandomState(seed).random_sample((len(images), images[0].size)).argsort(1)
    flat = np.take_along_axis(images.reshape(len(images), -1), order, 1)
    return np.asarray(flat.reshape(images.shape))


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


def outputs(result: Mapping[str, Any], name: str, size: int, row: tuple[int, ...]) -> Array:
    """A network's output for a batch.

    Args:
        result: of the driver.
        name: of the output in it.
        size: of the batch.
        row: shape of the output for one row.

    Returns:
        (size, *row) float64, finite.

    Raises:
        Unmet: it has another shape, or holds NaN or infinity.
    """
    what = f"the output for a batch of {size}"
    array = field(result, name, (size, *row), what)
    expect.finite(array, what)
    return array


def area(positive: Array, negative: Array) -> float:
    """Area under the ROC curve: how often a positive is above a negative; ties are half."""
    above = (positive[:, None] > negative[None]).mean()
    return float(above + (positive[:, None] == negative[None]).mean() / 2)


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


def best_logits(student: Student, real: Array, fake: Array, steps: int = 200) -> Array:
    """Where ``discriminator_loss`` is smallest, for images of K kinds; the search begins at 0.5.

    Args:
        student: whose loss is asked.
        real: (N,) integers, the kind of each real image of a batch.
        fake: (N,) integers, the kind of each generated one.
        steps: of Adam.

    Returns:
        (K,) logits, one for each kind.

    Raises:
        Unmet: a logit is not finite.
    """
    start = np.full(1 + max(real.max(), fake.max()), 0.5, dtype=np.float32)
    result = student.drive(
        "tabulated", seed=0, start=start, real=real, fake=fake, steps=steps, rate=0.05
    )
    logits = field(result, "logits", (len(start),))
    expect.finite(logits, "the logits at the minimum of discriminator_loss")
    return logits


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


@lru_cache(maxsize=4)
def _step_inputs(size: int) -> tuple[Array, Array]:
    return batches(2, 2, size, seed=size), noise(2, 2, size, LATENT, seed=size)


@dataclass(frozen=True)
class Steps:
    """Two consecutive steps, run several times over."""

    generator: Array
    """(runs, 3, P) parameters before the first call, after it, after the second."""
    discriminator: Array
    losses: Array
    """(runs, 2, 2) d_loss and g_loss of both calls; NaN where no number came back."""
    returned: str
    """What is wrong with the returned value, in words."""
    discriminator_loss_by_name: bool
    generator_loss_by_name: bool

    def moved(self, network: str, run: int) -> float:
        """How far the second call of a run moved a network, relative to the size of its weights."""
        path = getattr(self, network)[run]
        return _norm(path[2] - path[1]) / max(_norm(path[1]), 1e-12)

    def tolerance(self, network: str, run: int) -> float:
        """What counts as no difference from a run; the next run repeats it.

        Honest code repeats itself to the bit, unless it keeps something between calls (a pool of
        earlier fakes); the mistakes that are looked for differ by 0.2 and more.
        """
        return 0.02 + 10 * self.difference(network, run, run + 1)

    def difference(self, network: str, run: int, other: int) -> float:
        """How much the second call's movement differs between two runs.

        Args:
            network: ``"generator"`` or ``"discriminator"``.
            run: index of a run.
            other: index of the run that it is compared with.

        Returns:
            ‖difference of the movements‖ / ‖movement in ``run``‖, ≥ 0.
        """
        path, beside = getattr(self, network)[run], getattr(self, network)[other]
        move, against = path[2] - path[1], beside[2] - beside[1]
        return _norm(against - move) / max(_norm(move), 1e-12)


def _norm(array: Array) -> float:
    return float(np.linalg.norm(array))


def take_steps(student: Student, *runs: dict[str, Any], size: int = BATCH) -> Steps:
    """Drive ``train_step`` twice for each of the runs.

    The driver is ``steps`` of ``grader/sandbox/gan/training.py``.

    Args:
        student: whose ``train_step`` is called.
        *runs: what differs from an ordinary run, in each of them.
        size: of the batches.

    Returns:
        Parameters and losses of every run.

    Raises:
        Unmet: a parameter is not finite after a step.
    """
    real, z = _step_inputs(size)
    result = student.drive("steps", seed=1, real=real, noise=z, runs=list(runs))
    states = {}
    for network in ("generator", "discriminator"):
        states[network] = field(result, network, (len(runs), 3, None), f"the {network}")
        expect.finite(states[network], f"the {network}'s parameters after train_step")
    by_name = field(result, "by_name", (2,))
    return Steps(
        **states,
        losses=field(result, "losses", (len(runs), 2, 2)),
        returned=text(result, "returned"),
        discriminator_loss_by_name=bool(by_name[0] == 1),
        generator_loss_by_name=bool(by_name[1] == 1),
    )
