"""Part 3: random draws of classes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from grader.checks.framework import expect
from grader.checks.framework.registry import check
from grader.checks.framework.student import Student

__all__: list[str] = []


@check("random_classes", points=1)
def draws_distinct_classes(student: Student) -> None:
    """Draw distinct classes, and the same ones for the same seed.

    Return a list of k different numbers of range(num_classes). Without k, draw 5. The seed alone
    decides; the state of the global random generators does not matter.
    """
    for count, k, seed in ((10, 5, 0), (1000, 5, 3), (7, 7, 1), (20, 1, 2)):
        drawn = _drawn(student, count, k, seed)
        expect.that(
            len(set(drawn.tolist())) == k and drawn.min() >= 0 and drawn.max() < count,
            f"random_classes({count}, k={k}) should be {k} different classes below {count}",
            actual=str(drawn.tolist()),
        )
        for state in (1, 2):
            again = _drawn(student, count, k, seed, state)
            expect.that(
                np.array_equal(again, drawn),
                f"random_classes({count}, k={k}, seed={seed}) gives other classes when the global "
                "random generators are in another state, as they are in every run",
                expected="the same classes for the same seed",
                actual=f"{drawn.tolist()}, then {again.tolist()}",
                hint="make a generator of your own from the seed, as random.Random(seed) or "
                "torch.Generator().manual_seed(seed)",
            )
    expect.that(len(student.random_classes(10)) == 5, "without k the draw should have 5 classes")
    left_out, given = student.random_classes(1000), student.random_classes(1000, 5, 0)
    expect.equal(left_out, given, "the draw without k and seed (5 and 0 by default)")


def _drawn(student: Student, count: int, k: int, seed: int, state: int = 0) -> np.ndarray:
    """A draw in a given state of the global random generators."""
    call = student.call("random_classes", count, k, seed)
    return np.asarray(student.answer(replace(call, seed=state)))


SEEDS = 40
"""Draws of which sets are counted."""

DRAWS = [(10, 5, 10, 200), (5, 1, 5, 200), (30, 15, 30, SEEDS), (1000, 200, 10, SEEDS)]
DRAWS += [(100, 98, 100, 200), (1000, 1, 2, 200), (21_841, 5, 2, 200), (40_000, 5, 10, 100)]
"""Classes, how many are drawn, in how many groups they are counted, and over how many seeds."""


@check("random_classes", points=0.5, needs=[draws_distinct_classes])
def follows_its_seed(student: Student) -> None:
    """Draw other classes for other seeds, and every class about equally often.

    That holds for few classes as for many, and for large seeds. We count over 40 to 200 seeds.
    """
    for seeds, which in (
        (range(12), "0 to 11"),
        (range(0, 12_000, 1000), "0, 1000, … 11000"),
        (LARGE, f"{LARGE[0]} to {LARGE[-1]}"),
    ):
        drawn = {tuple(_drawn(student, 1000, 5, seed, seed % 97).tolist()) for seed in seeds}
        expect.that(
            len(drawn) >= 10,
            f"12 seeds from {which} give {len(drawn)} different draw(s) of 5 out of 1000 classes",
            expected="another draw for almost every seed",
        )
    for count, k, groups, seeds_of in DRAWS:
        draws = [_drawn(student, count, k, seed, seed) for seed in range(seeds_of)]
        sets = {frozenset(draw.tolist()) for draw in draws[:SEEDS]}
        lowest, highest = min(draw.min() for draw in draws), max(draw.max() for draw in draws)
        expect.that(
            bool(0 <= lowest <= highest < count),
            f"random_classes({count}, k={k}) draws class {lowest if lowest < 0 else highest}",
            expected=f"classes from 0 to {count - 1}",
        )
        expect.that(
            k == 1 or len(sets) > SEEDS // 2,
            f"over {SEEDS} seeds {k} out of {count} classes make only {len(sets)} sets",
            expected=f"another set for almost every seed: each of {count} classes on its own",
            actual=f"{len(sets)} different sets",
            hint="draw each class at random, not only where a pattern begins",
        )
        times = np.bincount(np.concatenate(draws) * groups // count, minlength=groups)
        # Of a group of classes, a draw without replacement holds a hypergeometric number.
        share, mean = count // groups, seeds_of * k / groups
        spread = np.sqrt(mean * (1 - share / count) * (count - k) / max(count - 1, 1))
        for group, found in enumerate(times.tolist()):
            classes = f"class {group}" if share == 1 else f"a class of {group * share} … "
            classes += "" if share == 1 else f"{(group + 1) * share - 1}"
            expect.that(
                abs(found - mean) <= ALIKE * spread,
                f"over {seeds_of} seeds, draws of {k} out of {count} classes name {classes} "
                f"{found} times",
                expected=f"about {mean:.0f} times: every class is drawn about equally often",
                actual=f"{found} times",
                hint="draw from all of range(num_classes), without replacement",
            )


LARGE = tuple(1_000 + 65_536 * n for n in range(12))
"""Seeds that are alike in their last 16 bits."""

ALIKE = 5.5
"""Standard deviations that a count may be off; a fair draw is off by more once in a million."""
