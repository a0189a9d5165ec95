"""Which trainings of a GAN are tried, and which one is held against a still discriminator."""

from types import SimpleNamespace

import numpy as np
import pytest

from grader.checks.framework.expect import Unmet
from grader.checks.framework.student import Student
from grader.checks.gan import outcome
from grader.checks.gan.evidence import STEPS
from grader.checks.gan.tries import (
    SLOWER_STEPS,
    Plan,
    Tried,
    better,
    given_up,
    looks,
    next_plan,
)
from grader.checks.gan.whole import learning_rates
from grader.gan_metrics.thresholds import Verdict
from grader.records import Feedback
from grader.sandbox.host.session import InProcessSession

FIRST, SECOND, THIRD = (2e-3, 1e-3), (5e-4, 2.5e-4), (1.25e-4, 6.25e-5)


def tried(share, *, rates=FIRST, steps=1000, mmd2=0.5, final=False):
    return Tried(rates, steps, share, mmd2, final)


def then(*before, sound=True):
    return next_plan(before, (FIRST, SECOND, THIRD), sound=sound)


def test_a_students_rates_are_tried_first_then_lower_ones():
    rates = {"generator": 2e-3, "discriminator": 1e-3}
    file = f"LEARNING_RATE = {rates!r}\n".encode()
    made = learning_rates(Student(InProcessSession({"gan.py": file})))
    assert np.allclose(made, (FIRST, SECOND, THIRD))
    assert then() == Plan(FIRST, STEPS)
    assert then(tried(0.0)) == then(tried(0.9)) == Plan(SECOND, STEPS)


def test_the_third_has_the_better_rate_and_twice_the_steps():
    assert then(tried(0.3), tried(0.2, rates=SECOND)) == Plan(FIRST, 2 * STEPS)
    assert then(tried(0.3), tried(0.4, rates=SECOND)) == Plan(SECOND, 2 * STEPS)
    assert then(tried(0), tried(0, rates=SECOND, mmd2=0.4)) == Plan(SECOND, 2 * STEPS)
    assert then(tried(0), tried(0, rates=SECOND, mmd2=0.6)) == Plan(FIRST, 2 * STEPS)


def test_if_both_took_all_their_steps_the_third_has_a_still_lower_rate():
    """And only if lowering it has helped: residual networks may need it."""
    first, second = tried(0.3, steps=STEPS), tried(0.4, steps=STEPS, rates=SECOND)
    assert then(first, second) == Plan(THIRD, SLOWER_STEPS)
    nothing = [tried(0.0, steps=STEPS, mmd2=mmd2) for mmd2 in (0.2, 0.1)]
    assert then(*nothing) == Plan(THIRD, SLOWER_STEPS)
    assert then(second, first) is None


@pytest.mark.parametrize(
    "before",
    [
        [tried(1.0)],
        [tried(0.5), tried(1.0)],
        [tried(0.0, final=True)],
        [tried(0.9, steps=STEPS), tried(0.5, steps=STEPS)],
        [tried(0.5), tried(0.5), tried(0.5)],
    ],
)
def test_there_is_enough(before):
    assert then(*before) is None


def test_what_is_not_sound_has_a_second_chance_at_its_rate_if_it_earned_something():
    assert then(tried(0.0), sound=False) is None
    assert then(tried(0.2), sound=False) == Plan(FIRST, STEPS)
    assert then(tried(0.2), tried(0.2), sound=False) is None


def test_what_is_found_out_counts_before_what_showed_nothing():
    assert better([tried(0.0), tried(0.0, mmd2=0.9, final=True)]) == 1
    assert better([tried(0.1), tried(0.0, final=True)]) == 0
    assert better([tried(0.1), tried(0.1)]) == 0


def test_only_what_shows_nothing_is_given_up():
    assert given_up(1000, 0.0, 0.3)
    assert given_up(3000, 0.0, 0.5)
    assert not given_up(500, 0.0, 0.9)
    assert not given_up(2000, 0.0, 0.29)
    assert not given_up(2000, 0.1, 0.9)


def test_a_training_is_looked_at_before_its_end_and_a_longer_one_more_often():
    assert looks(STEPS) == (500, 1000, 1500, 2000, 3000)
    assert looks(2 * STEPS) == (*looks(STEPS), 4000, 5000, 6000, 7000)


class Attempts:
    """In place of trainings: what each of them earns."""

    def __init__(self, *shares):
        self.shares, self.plans, self.against_a_still_one = shares, [], []

    def attempt(self, student, seed, plan, sound):
        self.plans.append(plan)
        if self.shares[seed] is None:
            raise Unmet(Feedback(message="no training"))
        quality = SimpleNamespace(mmd2=0.1)
        return outcome._Training(
            *(plan, seed, SimpleNamespace(steps=1500), {}, np.zeros(0)),
            *(quality, Verdict(self.shares[seed], "", "")),
        )

    def without(self, student, training):
        self.against_a_still_one.append(training.seed)


def best_of(monkeypatch, *shares):
    made = Attempts(*shares)
    monkeypatch.setattr(outcome, "_is_sound", lambda student: True)
    monkeypatch.setattr(outcome, "_attempt", made.attempt)
    monkeypatch.setattr(outcome, "_without_the_discriminator", made.without)
    return outcome._best(None, (FIRST, SECOND, THIRD)), made


def test_the_best_training_alone_runs_against_a_discriminator_that_stands_still(monkeypatch):
    best, made = best_of(monkeypatch, 0.2, 0.7, 0.5)
    assert best.seed == 1
    assert made.plans == [Plan(FIRST, STEPS), Plan(SECOND, STEPS), Plan(SECOND, 2 * STEPS)]
    assert made.against_a_still_one == [1]


def test_what_earns_nothing_runs_against_none(monkeypatch):
    best, made = best_of(monkeypatch, 0.0, 0.0, 0.0)
    assert best.verdict.fraction == 0
    assert made.against_a_still_one == []


def test_the_best_earns_nothing_if_it_learns_without_the_discriminator(monkeypatch):
    monkeypatch.setattr(Attempts, "without", lambda *given: ("it does", "why"))
    best, _ = best_of(monkeypatch, 0.2, 1.0)
    assert (best.verdict.fraction, best.verdict.message) == (0.0, "it does")


def test_a_later_training_that_raises_leaves_the_best_one_so_far(monkeypatch):
    best, _ = best_of(monkeypatch, 0.2, None)
    assert best.verdict.fraction == 0.2
    with pytest.raises(Unmet):
        best_of(monkeypatch, None)
