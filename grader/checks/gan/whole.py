"""Whole trainings, as facts: states leave the training as arrays, and a fresh process draws from
them.

The process that trains sees the images; what it says beside the generator's state can only take
points.  Samples are drawn by processes that never saw an image: one for each state.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from grader.checks.framework import expect
from grader.checks.framework.expect import StudentFault
from grader.checks.framework.student import Student
from grader.checks.gan.evidence import BATCH, LATENT, SAMPLES, STEPS, field, noise, outputs, text
from grader.gan_metrics.measure import distances
from grader.homework.contract import GAN_NETWORKS, LEARNING_RATES, MOST_STEPS, RATE_BOUNDS

__all__ = [
    "HELD",
    "JUMPS",
    "NEAR",
    "STILL",
    "Drawn",
    "Rates",
    "Stage",
    "Weights",
    "draw",
    "how_far",
    "learning_rates",
    "misused_optimizers",
    "moved_alike",
    "picks_images",
    "stages",
]

Array = np.ndarray
Rates = tuple[float, float]
"""Learning rates of the generator and of the discriminator."""

NEAR = 100
"""Samples that are made a second time, from slightly different noise."""

HELD = 300
"""Steps of the generator against a discriminator that stands still."""

STILL = 0.5
"""The share of images that may stay unchanged when the noise changes a little."""

JUMPS = 0.5
"""How far images may move when noise or weights change a little, in distances between images."""

ALIKE = 0.1
"""How much two ways of a tensor differ at least, relative to one of them, if the gradients that led
them there came through different discriminators."""

FEW = 32
"""Values of a tensor below which two ways may be alike by chance."""

LOWER = (1, 4, 16)
"""What a student's own rates are divided by in the trainings that are tried."""

LARGEST = 12_000_000
"""Values that a generator's state may have."""


def learning_rates(student: Student) -> tuple[Rates, ...]:
    """The rates to train with, in their order; a student's own, a quarter, a sixteenth of them.

    Raises:
        Unmet: ``LEARNING_RATE`` is there, and is nothing that the homework allows.
    """
    result = student.drive("learning_rates", seed=0)
    if float(field(result, "given", ())) != 1:
        return tuple((rate, rate) for rate in LEARNING_RATES)
    rates = field(result, "rates", (2,))
    least, most = RATE_BOUNDS
    slack = 1e-9
    expect.that(
        bool(((rates >= least * (1 - slack)) & (rates <= most * (1 + slack))).all()),
        "LEARNING_RATE is no learning rate of this homework, so nothing was trained",
        expected=f"a number from {least:g} to {most:g}, or a dict with such a number for each of "
        + " and ".join(repr(name) for name in GAN_NETWORKS),
        actual=text(result, "words") or "something else",
        diagnosis=f"change the line, or leave it out: then we begin with {LEARNING_RATES[0]:g}",
    )
    return tuple((float(rates[0]) / by, float(rates[1]) / by) for by in LOWER)


@dataclass(frozen=True)
class Weights:
    """The state of a generator: parameters first, then buffers."""

    values: Array
    """(V,) of all tensors, one after the other."""
    sizes: tuple[int, ...]
    """How many of them each tensor has."""
    parameters: int
    """How many of these tensors are parameters."""

    def tensors(self) -> list[Array]:
        """The parameters' values, each tensor for itself."""
        ends = np.cumsum(self.sizes[: self.parameters])
        return [self.values[end - n : end] for n, end in zip(self.sizes, ends, strict=False)]

    def _changed(self, parts: list[Array]) -> Weights:
        rest = self.values[sum(self.sizes[: self.parameters]) :]
        values = np.concatenate([*parts, rest]).astype(self.values.dtype)
        return replace(self, values=values)

    def shuffled(self) -> Weights:
        """The values of each parameter in another order, buffers as they are."""
        random = np.random.RandomState(0)
        return self._changed([random.permutation(part) for part in self.tensors()])

    def nudged(self) -> Weights:
        """Each parameter changed by about a ten-thousandth, buffers as they are."""
        random = np.random.RandomState(0)
        return self._changed(
            [part * (1 + 1e-4 * random.standard_normal(len(part))) for part in self.tensors()]
        )


def _weights(result: Mapping[str, Any]) -> Weights:
    sizes = field(result, "sizes", (None,), "the sizes of the generator's tensors")
    parameters = float(field(result, "parameters", ()))
    values = result.get("values")
    expect.that(
        len(sizes) > 0
        and bool(((sizes >= 0) & (sizes <= LARGEST)).all())
        and sizes.sum() <= LARGEST,
        f"the generator's parameters and buffers have more than {LARGEST:,} values, or none",
    )
    whole = tuple(int(size) for size in sizes)
    fits = (
        isinstance(values, np.ndarray)
        and values.dtype in (np.float32, np.float64)
        and values.shape == (sum(whole),)
        and 0 < parameters <= len(whole)
    )
    expect.that(fits, "the generator's parameters and buffers are not what its sizes say")
    assert isinstance(values, np.ndarray)
    return Weights(values, whole, int(parameters))


@dataclass(frozen=True)
class Stage:
    """How a training stands where it pauses, or where it has ended."""

    steps: int
    """Of the generator's optimizer, as they were asked for; at the end those of ``train``."""
    weights: Weights
    updates: tuple[float, float]
    """Steps of both optimizers."""
    rose: tuple[float, float]
    """Their highest learning rates, as multiples of those that were given."""
    ended: bool
    own: Array | None
    """Samples that the training's own generator drew at its end, in its own process."""
    losses: Any


def stages(
    student: Student,
    images: Array,
    seed: int,
    rates: Rates,
    stops: tuple[int, ...],
    *,
    steps: int = STEPS,
    still: bool = False,
) -> Iterator[Stage]:
    """Train a submission's networks with its ``train``, in a process of their own.

    Args:
        student: of the check.
        images: (M, 1, 8, 8), handed to ``train``.
        seed: of the networks, and handed to ``train``.
        rates: of the optimizers.
        stops: steps of the generator after which a stage is given; whoever takes no more of them
            ends the training.
        steps: of the whole training.
        still: whether the discriminator is another one that no step moves.

    Yields:
        A stage at each stop, and one at the end.
    """
    with student.apart() as trainee:
        paused = False
        try:
            for number in range(len(stops) + 1):
                until = stops[number] if number < len(stops) else steps
                with _slow_is_explained(until):
                    result = (
                        trainee.drive("go_on", seed=seed)
                        if number
                        else trainee.drive(
                            "begin_training",
                            seed=seed,
                            images=images,
                            noise=_noise()[0],
                            **{"steps": steps, "batch_size": BATCH, "train_seed": seed},
                            **{"rates": list(rates), "stops": list(stops), "still": still},
                        )
                    )
                stage = _stage(result, until, steps)
                paused = not stage.ended
                yield stage
                if stage.ended:
                    return
        finally:
            if paused:
                with suppress(StudentFault):
                    trainee.drive("leave", seed=seed)


def _stage(result: Mapping[str, Any], steps: int, whole: int) -> Stage:
    ended = float(field(result, "ended", ())) == 1
    updates, rose = field(result, "updates", (2,)), field(result, "rose", (2,))
    own = None
    if ended:
        own = outputs(result, "own", SAMPLES, (1, 8, 8)).astype(np.float32).clip(-1, 1)
    return Stage(
        steps=whole if ended else steps,
        weights=_weights(result),
        updates=(float(updates[0]), float(updates[1])),
        rose=(float(rose[0]), float(rose[1])),
        ended=ended,
        own=own,
        losses=result.get("losses"),
    )


class _slow_is_explained:  # noqa: N801 - a context
    """Says of a training that took too long how long others take."""

    def __init__(self, steps: int) -> None:
        self._steps = steps

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if isinstance(error, StudentFault) and error.error.kind == "timeout":
            words = (
                f"{error.error.message}: we stopped the training before step {self._steps:,}. "
                f"{STEPS:,} steps take a minute or less with networks of some ten thousand "
                "weights and one or two steps of each in train_step"
            )
            raise StudentFault(replace(error.error, message=words)) from None


def _noise() -> tuple[Array, Array]:
    z = noise(SAMPLES, LATENT, seed=7)
    return z, z[:NEAR] + 0.01 * noise(NEAR, LATENT, seed=8)


@dataclass(frozen=True)
class Drawn:
    """What a fresh process makes of a state."""

    samples: Array
    """(600, 1, 8, 8) float32, in [−1, 1]."""
    near: Array
    """(100, 1, 8, 8), of noise a little off that of the first samples."""


def draw(student: Student, seed: int, weights: Weights | None) -> Drawn | None:
    """Samples of a state, drawn by a process that never saw an image.

    Args:
        student: of the check.
        seed: of the training.
        weights: the state; none is the generator as it was made.

    Returns:
        The samples; ``None`` if a fresh generator has tensors of other sizes.
    """
    z, near = _noise()
    values = np.zeros(0, np.float32) if weights is None else weights.values
    sizes = np.array([] if weights is None else weights.sizes, dtype=np.int64)
    with student.apart() as other:
        result = other.drive(
            "sample", seed=seed, noise=z, near=near, values=values, sizes=sizes, train_seed=seed
        )
    if float(field(result, "fits", ())) != 1:
        return None
    samples = outputs(result, "samples", SAMPLES, (1, 8, 8)).clip(-1, 1)
    close = outputs(result, "near", NEAR, (1, 8, 8)).clip(-1, 1)
    return Drawn(samples.astype(np.float32), close.astype(np.float32))


def how_far(images: Array, samples: Array) -> float:
    """How far images are from the samples that they should be close to, in distances of samples."""
    before = samples[: len(images)].reshape(len(images), -1).astype(np.float64)
    far = np.linalg.norm(images.clip(-1, 1).reshape(len(images), -1) - before, axis=1)
    apart = np.median(distances(before, before)[np.triu_indices(len(before), 1)])
    return float(np.median(far) / max(apart, 1e-12))


def picks_images(drawn: Drawn, nudged: Array) -> tuple[str, str] | None:
    """Why images are picked and not computed, and what to do, if that is so.

    Args:
        drawn: the samples of a state.
        nudged: samples of the same noise with weights that are a little different.
    """
    changed = np.abs(drawn.near - drawn.samples[:NEAR]).reshape(NEAR, -1).max(1)
    still = float((changed < 1e-6).mean())
    if still > STILL:
        return (
            f"{still:.0%} of the images do not change at all when the noise changes a little.",
            "the noise picks stored images; compute the images from the noise instead",
        )
    for moved, what in ((drawn.near, "the noise"), (nudged[:NEAR], "each of its weights")):
        if how_far(moved, drawn.samples) > JUMPS:
            return (
                f"The generator's images change completely when {what} changes a little.",
                "something picks stored images; compute them with the learnt weights instead",
            )
    return None


def misused_optimizers(stage: Stage) -> tuple[str, str] | None:
    """What a training did with its optimizers that it must not, and what to do, if anything."""
    for name, optimizer, rose in zip(GAN_NETWORKS, ("opt_g", "opt_d"), stage.rose, strict=True):
        if not rose <= 1.001:
            return (
                f"The learning rate of {optimizer} rose to {rose:.3g} times what it was given.",
                f"lower rates only; say with LEARNING_RATE which rate the {name} should begin with",
            )
    generator, discriminator = stage.updates
    most_g, most_d = (MOST_STEPS[name] for name in GAN_NETWORKS)
    calls = (
        float(stage.steps) if stage.ended else generator
    )  # each call takes a step of the generator
    if generator > most_g * stage.steps or discriminator > most_d * calls:
        return (
            f"The training took {generator:,.0f} steps with opt_g and {discriminator:,.0f} with "
            "opt_d.",
            f"take at most {most_g} steps with opt_g and {most_d} with opt_d in a call of "
            "train_step, on the mean",
        )
    return None


def moved_alike(before: Weights, one: Weights, other: Weights) -> bool:
    """Whether a parameter went the same way in two trainings from the same start.

    A gradient that comes through the discriminator leads it elsewhere with another discriminator.
    Each tensor is judged for itself; those that do not move, or are tiny, say nothing.

    Args:
        before: the state that both began with.
        one: what the first training made of it.
        other: what the second did after as many steps.
    """
    if before.sizes != one.sizes or before.sizes != other.sizes:
        return False
    ways = zip(before.tensors(), one.tensors(), other.tensors(), strict=True)
    for start, first, second in ways:
        if len(start) < FEW:
            continue
        a, b = first.astype(np.float64) - start, second.astype(np.float64) - start
        length = float(np.linalg.norm(a))
        if length > 1e-3 * max(float(np.linalg.norm(start)), 1e-3) and (
            float(np.linalg.norm(a - b)) < ALIKE * length
        ):
            return True
    return False
