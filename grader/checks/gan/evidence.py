"""What the checks of the GAN share: inputs, how a step is read, short trainings.

Everything that a driver sends back passes :func:`field` or :func:`text` before it is computed with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from grader.calls.validate import WrongKind, to_array
from grader.checks.framework import expect
from grader.checks.framework.student import Student
from grader.gan_metrics.measure import digits
from grader.homework.contract import GAN_NETWORKS
from grader.sandbox.gan import MOST

__all__ = [
    "BATCH",
    "LAST",
    "LATENT",
    "NOISE_STEPS",
    "SAMPLES",
    "STEPS",
    "Steps",
    "area",
    "batches",
    "different_images",
    "enough_rows",
    "field",
    "noise",
    "noise_is_fresh",
    "noise_rows",
    "outputs",
    "shuffled",
    "standard_normal",
    "take_steps",
    "text",
    "train_shortly",
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


def different_images(number: int, seed: int) -> Array:
    """Digits of the training set, no two of them the same: (number, 1, 8, 8) float32."""
    images = digits().train
    return np.asarray(images[np.random.RandomState(seed).permutation(len(images))[:number]])


def shuffled(images: Array, seed: int = 0) -> Array:
    """The same images, the pixels of each in an order of its own."""
    order = np.random.RandomState(seed).random_sample((len(images), images[0].size)).argsort(1)
    flat = np.take_along_axis(images.reshape(len(images), -1), order, 1)
    return np.asarray(flat.reshape(images.shape))


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


@lru_cache(maxsize=4)
def _step_inputs(size: int) -> tuple[Array, Array]:
    """Images and noise of two calls: some, others, and the first ones with another last row."""
    found = []
    for rows in (batches(2, 2, size, seed=size), noise(2, 2, size, LATENT, seed=size)):
        last = rows[0].copy()
        last[:, -1] = rows[1][:, -1]
        found.append(np.concatenate([rows, last[None]]))
    return found[0], found[1]


LAST = 2
"""The choice of images or noise of which only the last row is another one."""


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
    penalty_by_name: bool
    arrived: dict[str, bool]
    """Whether a gradient arrived in each network in the first run."""
    evaluated: dict[str, bool]
    """Whether the dropout or batch norm of each network was called in eval mode, with gradients."""
    used: Array
    """(runs,) the largest weight with which the discriminator was called in the second call."""

    def moved(self, network: str, run: int) -> float:
        """How far the second call of a run moved a network, relative to the size of its weights."""
        path = getattr(self, network)[run]
        return _norm(path[2] - path[1]) / max(_norm(path[1]), 1e-12)

    def clipped_at(self, network: str, run: int) -> float:
        """The bound at which the first call of a run cut off a network's weights; NaN for none.

        In that run the network's optimizer has learning rate 0.
        """
        before, after = getattr(self, network)[run][:2]
        bound = float(np.abs(after).max())
        cut = bool((before != after).any()) and np.array_equal(after, before.clip(-bound, bound))
        return bound if cut else float("nan")

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
    by_name = field(result, "by_name", (3,))
    facts = {
        name: dict(zip(GAN_NETWORKS, (field(result, name, (2,)) == 1).tolist(), strict=True))
        for name in ("arrived", "evaluated")
    }
    return Steps(
        generator=states["generator"],
        discriminator=states["discriminator"],
        losses=field(result, "losses", (len(runs), 2, 2)),
        returned=text(result, "returned"),
        discriminator_loss_by_name=bool(by_name[0] == 1),
        generator_loss_by_name=bool(by_name[1] == 1),
        penalty_by_name=bool(by_name[2] == 1),
        arrived=facts["arrived"],
        evaluated=facts["evaluated"],
        used=field(result, "used", (len(runs),)),
    )


NOISE_STEPS = 12
"""Steps of a training whose noise is looked at."""


def train_shortly(
    student: Student,
    images: Array,
    plans: list[dict[str, int]],
    steps: int,
    batch_size: int = 16,
) -> Mapping[str, Any]:
    """Drive ``train`` for a few steps, once for each plan.

    Args:
        student: whose ``train`` is called.
        images: (choices, M, 1, 8, 8).
        plans: what differs from an ordinary run, in each of them.
        steps: of each run, unless its plan says otherwise.
        batch_size: of each step.

    Returns:
        What the driver ``short_training`` of ``grader/sandbox/gan/training.py`` measures.
    """
    plans = [{"images": 0, "steps": steps, "seed": 5, "state": 0, **plan} for plan in plans]
    return student.drive(
        "short_training",
        seed=3,
        images=images,
        runs=plans,
        **{"batch_size": batch_size, "latent_dim": LATENT},
    )


def noise_rows(result: Mapping[str, Any]) -> Array:
    """The different rows of noise that reached the generator in a short training."""
    return np.unique(field(result, "noise", (None, LATENT)), axis=0)


def enough_rows(rows: Array) -> bool:
    """Whether nearly every image of :data:`NOISE_STEPS` steps had noise of its own."""
    return len(rows) >= 0.9 * NOISE_STEPS * 16


def standard_normal(rows: Array) -> bool:
    """Whether noise is standard normal as far as a few hundred rows show."""
    far = float((np.abs(rows) > 2).mean())
    return abs(rows.mean()) < 0.15 and abs(rows.std() - 1) < 0.15 and 0.02 < far < 0.08


def noise_is_fresh(result: Mapping[str, Any]) -> bool:
    """Whether the noise of a short training is fresh in each step, and standard normal."""
    rows = noise_rows(result)
    return enough_rows(rows) and bool(standard_normal(rows))
