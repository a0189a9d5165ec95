"""The GAN: what it learns with the grader's optimizers and budget."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from grader.checks.framework import expect
from grader.checks.framework.expect import StudentFault, Unmet
from grader.checks.framework.registry import check
from grader.checks.framework.student import Student
from grader.checks.gan.evidence import (
    NOISE_STEPS,
    STEPS,
    batches,
    noise_is_fresh,
    take_steps,
    train_shortly,
)
from grader.checks.gan.training import (
    CLEARED,
    WHY_STILL,
    keeps_the_losses_apart,
    moves_only_its_own,
)
from grader.checks.gan.tries import LONGER, Plan, Tried, better, given_up, looks, next_plan
from grader.checks.gan.whole import (
    HELD,
    Drawn,
    Rates,
    Stage,
    draw,
    learning_rates,
    misused_optimizers,
    moved_alike,
    picks_images,
    stages,
)
from grader.gan_metrics.measure import (
    Quality,
    different_bins,
    digits,
    distances,
    in_bins,
    measure,
    principal,
)
from grader.gan_metrics.thresholds import NAMES, Verdict, fraction, listed, missing
from grader.homework.contract import GAN_NETWORKS
from grader.records import Feedback, Figure, Limits

__all__ = ["HALF", "TRAINING", "worth"]

TRAINING = Limits(wall_seconds=2400.0, cpu_seconds=1200.0)
"""Twelve times what the slowest honest training took for :data:`STEPS` (the seconds of ``python
fixtures/calibrate_gan.py``), for machines that are slower."""

HALF = 0.5
"""The share of what images are worth that they may not keep without a discriminator that learns.

Statistics of the real images can be matched through a random network, so a little may be left.
"""

ENOUGH_UPDATES = 0.9
"""The share of the steps in which the generator's optimizer must have stepped."""

CAUSES = (
    "train_step.steps_both",
    "train_step.makes_rivals",
    "generator_loss.plays_against_the_discriminator",
    "train_step.keeps_the_losses_apart",
    "train_step.moves_only_its_own",
    "discriminator_loss.matches_its_family",
    "generator_loss.belongs_to_its_family",
    "discriminator_loss.is_a_mean_over_the_batch",
    "generator_loss.is_a_mean",
    "make_discriminator.gives_logits",
    "make_discriminator.gives_one_logit_per_image",
    "make_generator.stays_in_range",
    "make_generator.makes_images",
    "train.runs",
)
"""Checks that say why a generator does not learn, the likeliest first."""


@dataclass(frozen=True)
class _Training:
    """What came out of one training."""

    plan: Plan
    seed: int
    stage: Stage
    """Where the images were drawn."""
    passed: dict[int, Stage]
    """What was there on the way, by the steps."""
    samples: np.ndarray
    quality: Quality
    verdict: Verdict
    drawn: Drawn | None = None
    """What a fresh process made of the stage's weights."""

    @property
    def tried(self) -> Tried:
        """What decides whether there is another training."""
        return Tried(
            self.plan.rates,
            self.stage.steps,
            self.verdict.fraction,
            self.quality.mmd2,
            self.verdict.final,
        )


@check("train", points=4, limits=TRAINING, causes=CAUSES)
def learns_the_digits(student: Student) -> Feedback:
    """The trained generator makes all ten digits, in all their variety.

    We train your two networks with your train, our optimizers (Adam, betas 0.5 and 0.999) and 4,000
    steps of 32 images. The learning rate is your LEARNING_RATE, or 0.002 without one. We look at
    the images several times and stop as soon as you have full marks, or after 1,000 steps or more
    if they are nothing like digits. What is not good enough gets a second chance with a quarter of
    the rate, and a third with the better rate of the two and up to 8,000 steps. If both went to
    their ends and the lower rate was better, the third has a quarter of that and up to 6,000 steps.
    The best one counts.
    A new process makes your generator, loads its trained parameters and buffers, and draws 600
    images, which we compare with 600 digits that it has never seen. Look at the pictures: if they
    look like mush, the generator does not learn; if they show few kinds of digits, it has
    collapsed. The checks of the losses and of train_step say more about the cause.
    """
    rates = learning_rates(student)
    _takes_steps(student)
    best = _best(student, rates)
    verdict, figures = best.verdict, _figures(best)
    if verdict.fraction == 1:
        return Feedback(message=verdict.message, figures=figures)
    feedback: dict[str, Any] = {"diagnosis": verdict.diagnosis, "figures": figures}
    expect.that(verdict.fraction > 0, verdict.message, **feedback)
    expect.partial(verdict.fraction, verdict.message, **feedback)


def worth(samples: np.ndarray) -> float:
    """The share of the points that samples earn."""
    return fraction(measure(samples)).fraction


def _takes_steps(student: Student) -> None:
    """Nothing is trained where a step moves nothing."""
    steps = take_steps(student, {})
    for network in GAN_NETWORKS:
        expect.that(
            steps.moved(network, 0) > 0,
            f"nothing was trained, since train_step changes no parameter of the {network}",
            diagnosis=WHY_STILL[network] if not steps.arrived[network] else CLEARED[network],
        )


def _is_sound(student: Student) -> bool:
    """Whether the step and the noise are right: what is wrong with them gets fewer tries."""
    try:
        moves_only_its_own(student)
        keeps_the_losses_apart(student)
        draws = train_shortly(student, batches(1, 64, seed=19), [{}], NOISE_STEPS)
        return noise_is_fresh(draws)
    except (StudentFault, Unmet):
        return False


def _best(student: Student, rates: tuple[Rates, ...]) -> _Training:
    """The best of some trainings, against a discriminator that stands still, too."""
    sound = _is_sound(student)
    trainings: list[_Training] = []
    while plan := next_plan([one.tried for one in trainings], rates, sound=sound):
        try:
            trainings.append(_attempt(student, len(trainings), plan, sound))
        except (StudentFault, Unmet):
            if not trainings:
                raise
            break  # then the best one so far counts
    best = trainings[better([one.tried for one in trainings])]
    why = _without_the_discriminator(student, best) if best.verdict.fraction > 0 else None
    return replace(best, verdict=Verdict(0.0, *why, final=True)) if why else best


def _attempt(student: Student, seed: int, plan: Plan, sound: bool) -> _Training:
    """One training; what is not sound is looked at when it has ended."""
    passed: dict[int, Stage] = {}
    learnt = 0.0
    stops = (0, HELD, *(looks(plan.steps) if sound else ()))
    for stage in stages(student, digits().train, seed, plan.rates, stops, steps=plan.steps):
        passed[stage.steps] = stage
        if stage.steps <= HELD and not stage.ended:
            continue
        training = _judged(student, _Training(plan, seed, stage, passed, *_NOTHING))
        share = training.verdict.fraction
        learnt = max(learnt, share)
        if share == 1 or given_up(stage.steps, learnt, training.quality.mmd2):
            break
    if training.verdict.fraction > 0:
        verdict = _of_other_origin(student, training) or training.verdict
        training = replace(training, verdict=verdict)
    return training


_NOTHING = (
    np.zeros((0, 1, 8, 8), np.float32),
    Quality(0.0, 1.0, 0.0, 0.0, 1.0, (0,) * 10),
    Verdict(0.0, "", ""),
)


def _judged(student: Student, training: _Training) -> _Training:
    """The training with its samples, and what these are worth."""
    drawn = draw(student, training.seed, training.stage.weights)
    own = training.stage.own
    if drawn is None:
        verdict = Verdict(
            0.0,
            "The trained generator has other parameters or buffers than a new one.",
            "make all layers in make_generator: a new generator has to draw the same images once "
            "it has loaded the trained parameters and buffers (state_dict)",
        )
        samples = _NOTHING[0] if own is None else own
        return replace(training, samples=samples, verdict=verdict)
    quality = measure(drawn.samples)
    verdict = fraction(quality)
    if verdict.fraction == 0 and own is not None and worth(own) > 0:
        verdict = Verdict(
            0.0,
            "A new generator with the trained parameters and buffers makes no digits, although "
            "the trained one does.",
            "what it shows is stored elsewhere: keep everything that it has learnt in parameters "
            "or buffers (state_dict)",
            final=True,
        )
    return replace(training, samples=drawn.samples, quality=quality, verdict=verdict, drawn=drawn)


def _of_other_origin(student: Student, training: _Training) -> Verdict | None:
    """Why images were not learnt by the generator's weights from its loss, if that is so."""
    why = _unlearnt(student, training) or misused_optimizers(training.stage)
    least = ENOUGH_UPDATES * training.stage.steps
    if not why and not training.stage.updates[0] >= least:
        why = (
            f"opt_g took {training.stage.updates[0]:,.0f} steps in a training of "
            f"{training.stage.steps:,} steps.",
            "take at least one step with the given optimizer in every train_step",
        )
    return Verdict(0.0, *why, final=True) if why else None


def _unlearnt(student: Student, training: _Training) -> tuple[str, str] | None:
    """Fresh processes draw from other states than the learnt one."""
    weights, seed = training.stage.weights, training.seed
    for state, words in ((weights.shuffled(), "are shuffled"), (None, "are those from before")):
        with suppress(Unmet):  # images that are not finite are no digits
            drawn = draw(student, seed, state)
            if drawn is not None and worth(drawn.samples) > 0:
                return (
                    f"The generator still makes digits if its weights {words} the training."
                    if state is None
                    else f"The generator still makes digits if its weights {words}.",
                    "compute the images with the learnt weights: here they come from something "
                    "that is stored elsewhere, or that existed before the training",
                )
    nudged = draw(student, seed, weights.nudged())
    return picks_images(training.drawn, nudged.samples) if training.drawn and nudged else None


def _without_the_discriminator(student: Student, training: _Training) -> tuple[str, str] | None:
    """The same training against another discriminator, which stands still."""
    early = not training.stage.ended
    plan, given = training.plan, digits().train
    again = stages(
        *(student, given, training.seed, plan.rates, (0, HELD)), steps=plan.steps, still=True
    )
    for stage in again:
        if stage.steps == 0:
            continue
        before, learnt = training.passed.get(0), training.passed.get(HELD)
        alike = (
            stage.steps == HELD
            and before is not None
            and learnt is not None
            and moved_alike(before.weights, learnt.weights, stage.weights)
        )
        digital = False
        if early or stage.ended:
            with suppress(Unmet):
                drawn = draw(student, training.seed, stage.weights)
                share = worth(drawn.samples) if drawn else 0.0
                digital = share >= HALF * training.verdict.fraction
        if alike or digital:
            return (
                "The generator learns the same without the discriminator: we put another one in "
                "its place and let no step move it, and "
                + ("it makes digits all the same." if digital else "nothing changed."),
                "move the generator only by the gradient of its own loss, which comes through the "
                "discriminator that train is given",
            )
        if early:
            break
    return None


def _figures(training: _Training) -> tuple[Figure, ...]:
    samples = training.samples
    if not len(samples):
        return ()
    return (
        _pictures(samples),
        _digit_counts(training.quality.counts),
        _plane(samples),
        _groups(samples),
        _copies(samples),
        *_curves(training.stage.losses),
    )


def _images(arrays: dict[str, np.ndarray], caption: str) -> Figure:
    shown = {name: images[:, 0].astype(float).round(2).tolist() for name, images in arrays.items()}
    return Figure("images", caption, shown)


def _pictures(samples: np.ndarray) -> Figure:
    arrays = {"generated": samples[:40], "real": batches(40, seed=8)}
    return _images(arrays, "images of your generator, and digits")


def _digit_counts(counts: tuple[int, ...]) -> Figure:
    real = np.bincount(digits().held_out_labels, minlength=10)
    arrays = {"generated": [float(c) for c in counts], "real": [float(c) for c in real]}
    lost = listed([NAMES[digit] for digit in missing(counts)]) if missing(counts) else "none"
    caption = f"how many of {sum(counts)} images look like each digit, 0 to 9 (missing: {lost})"
    return Figure("bars", caption, arrays)


def _plane(samples: np.ndarray) -> Figure:
    shown = {"real": principal(digits().held_out)[:200], "generated": principal(samples)[:200]}
    arrays = {name: points.round(2).tolist() for name, points in shown.items()}
    caption = (
        "each image as a point in the plane in which digits differ most (principal components): "
        "generated images should cover the same regions as real ones"
    )
    return Figure("points", caption, arrays)


def _groups(samples: np.ndarray) -> Figure:
    real, made = in_bins(digits().train), in_bins(samples)
    different = int(different_bins(real, made).sum())
    share = real / real.sum() * made.sum()
    arrays = {"generated": made.astype(float).tolist(), "expected": share.round(1).tolist()}
    caption = (
        f"images in each of {len(real)} groups of similar digits (k-means): in {different} groups "
        "their number differs significantly from that of real digits; by chance it would in about 2"
    )
    return Figure("bars", caption, arrays)


def _copies(samples: np.ndarray) -> Figure:
    train = digits().train
    flat, known = (x.reshape(len(x), -1).astype(np.float64) for x in (samples, train))
    between = distances(flat, known)
    closest = between.min(1).argsort(kind="stable")[:8]
    arrays = {
        "generated": samples[closest],
        "nearest training digits": train[between[closest].argmin(1)],
    }
    caption = "the images that are nearest to a training digit, and that digit: are they copies?"
    return _images(arrays, caption)


def _curves(losses: Any) -> tuple[Figure, ...]:
    if not isinstance(losses, np.ndarray) or losses.ndim != 2 or losses.shape[1] != 2:
        return ()
    length = len(losses) // 100 * 100
    if (
        not 0 < length <= LONGER * STEPS
        or losses.dtype.kind != "f"
        or not np.isfinite(losses).all()
    ):
        return ()
    means = losses[:length].astype(np.float64).reshape(100, -1, 2).mean(1).round(5)
    arrays = {"d_loss": means[:, 0].tolist(), "g_loss": means[:, 1].tolist()}
    caption = (
        f"the losses that train returned, means of {length // 100}: in a healthy training neither "
        "falls to 0 nor grows without limit"
    )
    return (Figure("lines", caption, arrays),)
