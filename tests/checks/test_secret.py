"""The secret from which hidden cases are drawn: a text, by a one-way hash, or an old number."""

import re
from contextlib import suppress
from itertools import pairwise

from grader.calls.digest import key
from grader.checks import hidden
from grader.checks.framework.student import Student
from grader.grading.weights import Assignment, drawn_seed
from grading import CHECKS

NAME = "path_influence.refuses_bad_steps"


def asked_by(assignment):
    """The digest of the first call of a check that an assignment's seed decides."""
    asked = []

    class EndedError(Exception):
        pass

    class Recording:
        def call(self, call, limits=None):
            asked.append(key(call))
            raise EndedError

    check = next(c for c in assignment.checks() if c.id == NAME)
    with suppress(EndedError):
        check.run(Student(Recording()))
    return asked


def test_a_text_is_a_seed_of_its_own():
    mine = Assignment(seed="a secret")
    first = asked_by(mine)
    assert first == asked_by(mine)
    others = [Assignment(), Assignment(seed="a secret."), Assignment(seed=90210)]
    assert len({*first, *(call for other in others for call in asked_by(other))}) == 4
    assert first == asked_by(mine)  # whatever was loaded in between
    assert [c.id for c in mine.checks()] == [c.id for c in CHECKS]


def test_the_seeds_of_cases_follow_by_a_one_way_hash():
    one = hidden.Secret("a secret", "part1")
    drawn = [one + case for case in range(200)]
    assert drawn == [hidden.Secret("a secret", "part1") + case for case in range(200)]
    assert len(set(drawn)) == 200
    assert all(100 <= seed < 2**31 for seed in drawn)
    assert set(drawn).isdisjoint(one.of("part2") + case for case in range(200))
    assert set(drawn).isdisjoint(hidden.Secret("b secret", "part1") + case for case in range(200))
    steps = {b - a for a, b in pairwise(drawn)}
    assert len(steps) == 199  # nothing like the next number
    assert one.instead_of(11) != 11
    first, *others = one.candidates(drawn[0])
    assert first == drawn[0]
    assert len({first, *others}) == len(others) + 1 > 10


def test_a_number_gives_the_cases_that_it_always_gave():
    old = hidden.Secret(90210, "part1")
    assert [old + case for case in range(3)] == [90210, 90211, 90212]
    assert old.of("part2") + 1 == 90211
    assert old.instead_of(11) == 11
    assert list(old.candidates(7)) == [7]


def test_what_is_drawn_for_an_instructor_has_128_bits():
    drawn = {drawn_seed() for _ in range(100)}
    assert len(drawn) == 100
    assert all(re.fullmatch("[0-9a-f]{32}", seed) for seed in drawn)
