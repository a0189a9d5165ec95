"""Which trainings of a GAN are tried, how long each may take, and which best one counts.

All of it is pure, and ``python fixtures/calibrate_gan.py`` prints what it does to honest trainings
and to mistakes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from grader.checks.gan.evidence import STEPS
from grader.checks.gan.whole import Rates

__all__ = [
    "LONGER",
    "NOTHING",
    "SLOWER_STEPS",
    "Plan",
    "Tried",
    "better",
    "given_up",
    "looks",
    "next_plan",
]

LOOKS = (500, 1000, 1500, 2000, 3000, 4000, 5000, 6000, 7000)
"""Steps after which the images are looked at; a training ends where they earn full marks."""

PATIENCE = 1000
"""Steps after which a training may be given up."""

NOTHING = 0.3
"""The MMD² from which on there is nothing in the images that further steps would make digits of.

Honest trainings that learn slowly are below it after :data:`PATIENCE` steps, although they earn
nothing yet; of what collapsed or diverged hardly any is.
"""

LONGER = 2
"""How many times longer the last training of three may take."""

SLOWER_STEPS = STEPS + STEPS // 2
"""Steps of a third training at a rate that both others did not have."""


@dataclass(frozen=True)
class Plan:
    """A training that is to be tried."""

    rates: Rates
    steps: int


@dataclass(frozen=True)
class Tried:
    """What a training came to."""

    rates: Rates
    steps: int
    """That it took."""
    share: float
    """Of the points."""
    mmd2: float
    """Of its last images."""
    final: bool = False
    """Whether another training would not change the share."""

    @property
    def rank(self) -> tuple[float, bool, float]:
        """What is larger is better; among those that earned nothing, the nearest to digits."""
        return self.share, self.final, -self.mmd2


def better(tried: Sequence[Tried]) -> int:
    """The number of the one that counts; the first one if several are equal."""
    return max(range(len(tried)), key=lambda number: tried[number].rank)


def looks(steps: int) -> tuple[int, ...]:
    """Steps after which a training of so many steps is looked at before its end."""
    return tuple(look for look in LOOKS if look < steps)


def given_up(steps: int, learnt: float, mmd2: float) -> bool:
    """Whether a training shows nothing, and would hardly show anything if it went on.

    Args:
        steps: that it took so far.
        learnt: the largest share of the points that its images earned so far.
        mmd2: of its images now.
    """
    return steps >= PATIENCE and learnt == 0 and mmd2 >= NOTHING


def next_plan(tried: Sequence[Tried], rates: Sequence[Rates], *, sound: bool) -> Plan | None:
    """The next training; none where there is enough.

    The second one has the second rate.  The third has that of the better one and more time: what
    learns slowly may have earned nothing yet.  If both went to their ends, it has the third rate,
    and there is one only if the second rate was better than the first: then the rate is what may
    still be too high.  What is not sound gets a second training alone, if the first one
    earned something, since to collapse is all that a mistake may do to it.

    Args:
        tried: those before it.
        rates: three to train with, the highest first.
        sound: whether a step applies the right gradients to fresh noise.
    """
    if not tried:
        return Plan(rates[0], STEPS)
    best = tried[better(tried)]
    if best.final or best.share == 1:
        return None
    if not sound:
        return Plan(rates[0], STEPS) if len(tried) == 1 and best.share > 0 else None
    if len(tried) == 1:
        return Plan(rates[1], STEPS)
    if len(tried) > 2:
        return None
    if sum(one.steps for one in tried) < 2 * STEPS:
        return Plan(best.rates, LONGER * STEPS)
    return Plan(rates[2], SLOWER_STEPS) if better(tried) == 1 else None
