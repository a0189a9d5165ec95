"""The warm-up: the autoencoder, judged by its state in processes that never saw an image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from grader.checks.framework import expect
from grader.checks.framework.registry import check
from grader.checks.framework.student import Student
from grader.checks.gan.evidence import field, outputs
from grader.gan_metrics.measure import digits
from grader.records import Feedback, Figure, Limits

__all__ = ["TRAINING", "compared", "convolves_both_ways", "draws_digits_again", "takes_its_steps"]

Array = np.ndarray

CODE = 8
"""Numbers that a code may have for an image."""

STEPS = 1200
"""Of the training; the reference beats as many principal components after 200."""

BATCH = 64

RATES = (1e-5, 1e-2)
"""Between which ``LEARNING_RATE`` may lie, ends included."""

MOST = 2_000_000
"""Values that a state may have."""

TRAINING = Limits(wall_seconds=1200.0, cpu_seconds=600.0)
"""Far more than the half minute that the reference takes on a busy core."""

SHOWN = 12


@check("make_autoencoder", points=0.5)
def gives_images_back(student: Student) -> None:
    """Return images (N, 1, 8, 8) for images, and have trainable parameters.

    We call it in eval mode on batches of 1, 2 and 7 images.
    """
    sizes = [1, 2, 7]
    result = _untrained(student, sizes)
    for size in sizes:
        outputs(result, f"images_{size}", size, (1, 8, 8))
    trainable = float(field(result, "trainable", ()))
    expect.that(trainable > 0, "the autoencoder has no parameter that can be trained")


def _untrained(student: Student, sizes: list[int]) -> Mapping[str, Any]:
    images = digits().train[:7]
    return student.drive("warmup/make", seed=0, images=images, sizes=sizes, make_seed=3)


@check("make_autoencoder", points=0.5, needs=[gives_images_back])
def goes_through_a_narrow_code(student: Student) -> None:
    """Pass nothing to the decoder but a code of at most 8 numbers per image.

    We hand only the codes to your decoder in another process: it should draw the same images as the
    whole autoencoder.
    """
    result = _untrained(student, [7])
    whole = outputs(result, "images_7", 7, (1, 8, 8))
    again = drawn_again(student, _codes(result, 7), result, seed=3)
    expect.close(
        again,
        whole,
        what="the images that decoder(encoder(images)) gives",
        scale=1e-3,
        diagnosis="the output should be decoder(encoder(images)): does anything reach the decoder "
        "beside the code, or come after it?",
    )


def _codes(result: Mapping[str, Any], rows: int) -> Array:
    """The codes that an encoder gave, (rows, …), at most 8 numbers each."""
    found = result.get("codes")
    shape = np.shape(found) if isinstance(found, np.ndarray) else ()
    codes = field(result, "codes", (rows, *(None for _ in shape[1:])), "the code")
    numbers = codes[0].size
    expect.that(
        0 < numbers <= CODE,
        f"the code has {numbers} numbers per image",
        expected=f"at most {CODE}",
        actual=f"{numbers}, in the shape {codes.shape[1:]}",
        diagnosis="let the encoder end in few channels on a small map, such as (N, 8, 1, 1)",
    )
    expect.finite(codes, "the code")
    return codes.astype(np.float32)


def _state(result: Mapping[str, Any], name: str) -> Array:
    """The values of a state, (V,) float64, as they came back: at most :data:`MOST`."""
    values = result.get(name)
    expect.that(
        isinstance(values, np.ndarray) and values.dtype == np.float64 and values.ndim == 1,
        "the autoencoder's parameters and buffers are not numbers one after the other",
    )
    assert isinstance(values, np.ndarray)
    expect.that(
        0 < len(values) <= MOST,
        f"the autoencoder has {len(values):,} parameters and buffers",
        expected=f"at most {MOST:,}" if len(values) else "at least one",
    )
    return values


def drawn_again(student: Student, codes: Array, result: Mapping[str, Any], seed: int) -> Array:
    """What the decoder makes of codes in a process of its own, from the state that came back.

    Args:
        student: whose decoder is asked.
        codes: (n, …).
        result: holds the state.
        seed: of weights that are in no state.

    Returns:
        (n, 1, 8, 8) float64.
    """
    values, sizes = _state(result, "values"), field(result, "sizes", (None,))
    counts = bool(((sizes >= 0) & (sizes <= MOST) & (sizes == np.floor(sizes))).all())
    expect.that(
        counts and sizes.sum() == len(values),
        "the autoencoder's parameters and buffers are not what their sizes say",
    )
    with student.apart() as fresh:
        arguments: dict[str, Any] = {"codes": codes, "values": values, "make_seed": seed}
        made = fresh.drive("warmup/decode", seed=0, **arguments, sizes=sizes.astype(np.int64))
        return outputs(made, "images", len(codes), (1, 8, 8))


def trained(
    student: Student, images: Array, wanted: Array, steps: int = STEPS, batch_size: int = BATCH
) -> Mapping[str, Any]:
    """Train a submission's autoencoder as the homework promises.

    Args:
        student: whose functions are called.
        images: (M, 1, 8, 8), to train on.
        wanted: (n, 1, 8, 8), whose codes come back.
        steps: of the training.
        batch_size: of each step.

    Returns:
        What the driver ``warmup/train`` gives; its learning rate is within bounds.
    """
    result = student.drive(
        "warmup/train",
        seed=0,
        images=images,
        steps=steps,
        batch_size=batch_size,
        train_seed=5,
        wanted=wanted,
    )
    rate = float(field(result, "rate", ()))
    low, high = RATES
    expect.that(
        low <= rate <= high,
        "LEARNING_RATE is no number within its bounds",
        expected=f"a number from {low:g} to {high:g}",
        actual=f"{rate:g}",
    )
    return result


@check("train_autoencoder", points=0.5)
def takes_its_steps(student: Student) -> None:
    """Take as many steps as asked for, with our optimizer, and return their losses.

    We ask for 7 steps and for 3 of 16 images each, on 40 images.
    """
    images = digits().train[:40]
    for steps in (7, 3):
        result = trained(student, images, images[:2], steps, batch_size=16)
        count, updates = (float(field(result, name, ())) for name in ("count", "updates"))
        expect.that(
            count == steps,
            f"train_autoencoder should return a list of {steps} losses for steps={steps}",
            expected=f"{steps} losses",
            actual="no list" if count < 0 else f"{count:.0f}",
        )
        expect.finite(field(result, "losses", (steps,)), "the losses")
        expect.that(
            updates >= steps,
            f"the optimizer took {updates:.0f} steps for steps={steps}",
            diagnosis="call optimizer.step() once per batch, of the optimizer that you are given",
        )
        rows = field(result, "rows", (None,))
        expect.that(
            bool((rows == 16).any()) or not rows.any(),
            "no batch that the autoencoder sees in training has batch_size=16 images",
            expected="16 images",
            actual=f"{rows[0]:.0f} images",
        )
        first, last = _state(result, "first"), _state(result, "values")
        moved = first.shape == last.shape and bool((first != last).any())
        expect.that(moved, "the training changes no parameter")


@check("train_autoencoder", points=1.5, needs=[takes_its_steps], limits=TRAINING)
def draws_digits_again(student: Student) -> Feedback:
    """Draw digits that it has not seen again, from codes of at most 8 numbers.

    We train on 1,197 digits: 1,200 steps of 64 images, Adam with your LEARNING_RATE or 0.002. Then
    your encoder codes 600 held-out digits, and another process draws them from the codes with your
    trained decoder. Half of the points if this is closer than the mean image of the training set,
    all if it is also closer than with as many principal components as the code has numbers.
    """
    data = digits()
    return compared(student, data.train, data.held_out, data.held_out_labels)


def compared(student: Student, images: Array, held_out: Array, labels: Array) -> Feedback:
    """Whether what is drawn comes nearer than the mean image, and than principal components.

    Args:
        student: whose functions are called.
        images: (M, 1, 8, 8), to train on.
        held_out: (n, 1, 8, 8), to draw again.
        labels: (n,), their digits.

    Returns:
        The three errors in words, and pictures.

    Raises:
        Unmet: it comes nearer than neither, or than the mean image alone.
    """
    result = trained(student, images, held_out)
    codes = _codes(result, len(held_out))
    drawn = drawn_again(student, codes, result, seed=5)
    width = codes[0].size
    flat = images.reshape(len(images), -1).astype(np.float64)
    away = held_out.reshape(len(held_out), -1) - flat.mean(0)
    along = np.linalg.svd(flat - flat.mean(0), full_matrices=False)[2][:width]
    error = float(np.square(drawn - held_out).mean())
    mean = float(np.square(away).mean())
    directions = float(np.square(away - away @ along.T @ along).mean())
    expect.record(error, directions)
    words = (
        f"mean squared error {error:.3f}; the mean image gives {mean:.3f}, {width} principal "
        f"components {directions:.3f}"
    )
    figures = (_pictures(held_out, drawn), *_latent(codes, labels))
    shown: dict[str, Any] = {"actual": words, "figures": figures}
    expect.that(
        error < mean,
        "what the trained decoder draws is no closer to the held-out images than their mean",
        diagnosis=_why_nothing_learnt(result, drawn, held_out, error),
        **shown,
    )
    if error >= directions:
        why = "train on batches of all images, with a learning rate that suits your network"
        message = f"the images come no closer than with {width} principal components"
        expect.partial(0.5, message, diagnosis=why, **shown)
    return Feedback(message=f"{words[0].upper()}{words[1:]}.", figures=shown["figures"])


def _why_nothing_learnt(
    result: Mapping[str, Any], drawn: Array, held_out: Array, error: float
) -> str:
    turned = float(np.square(-drawn - held_out).mean())
    halved = float(np.square(2 * drawn - 1 - held_out).mean())
    if turned < 0.5 * error:
        return "black and white are exchanged: compare the output with the images themselves"
    if halved < 0.5 * error or (drawn.min() >= 0 and drawn.max() <= 1):
        return "the output lies in [0, 1], the images in [-1, 1]: is a sigmoid the last layer?"
    if float(drawn.std(0).max()) < 0.05:
        return (
            "every image is drawn alike: the loss has to compare each image with its own, and its "
            "gradient has to reach the encoder"
        )
    losses = field(result, "losses", (None,))
    if len(losses) > 20 and losses[-10:].mean() > 0.9 * losses[:10].mean():
        return "the losses do not fall: is the loss the reconstruction error, with zero_grad first?"
    return "does the loss compare the output with the images that went in?"


def _pictures(held_out: Array, drawn: Array) -> Figure:
    rows = {
        "originals": held_out[:SHOWN, 0].tolist(),
        "drawn again": np.clip(drawn[:SHOWN, 0], -1, 1).tolist(),
    }
    return Figure("images", "held-out images, and the same drawn from their codes", rows)


def _latent(codes: Array, labels: Array) -> tuple[Figure, Figure]:
    """The codes along the two directions in which they differ most, by digit."""
    flat = codes.reshape(len(codes), -1).astype(np.float64)
    away = flat - flat.mean(0)
    plane = np.zeros((len(flat), 2))
    plane[:, : min(2, away.shape[1])] = away @ np.linalg.svd(away, full_matrices=False)[2][:2].T
    by_digit = {str(d): plane[labels == d].tolist() for d in range(10)}
    low, high = (
        Figure("points", "codes of held-out images, by digit", dict(list(by_digit.items())[half]))
        for half in (slice(5), slice(5, 10))
    )
    return low, high


@check("make_autoencoder", points=0.5, needs=[gives_images_back])
def convolves_both_ways(student: Student) -> None:
    """Have four convolutions in the encoder and four in the decoder.

    Transposed convolutions count in the decoder, and so do convolutions with upsampling between
    them.
    """
    result = _untrained(student, [1])
    dimensions = field(result, "dimensions", (None,))
    names = result.get("names")
    listed = names.split("\n") if isinstance(names, str) else []
    for child in ("encoder", "decoder"):
        pairs = zip(listed, dimensions, strict=False)
        count = sum(name.startswith(f"{child}.") and d == 4 for name, d in pairs)
        expect.that(
            count >= 4,
            f"the {child} has {count} convolutions",
            expected="at least 4",
            actual=str(count),
        )
