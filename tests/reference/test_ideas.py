"""Wrong submissions of whole ideas: the slow judge says that they are wrong, checks find them."""

import pytest
from ideas import IDEAS, PLAIN, RIGHT
from judge import loaded
from judge_rules import FUNCTIONS, answers, broken_rules

from grader.checks.framework import registry
from grading import BY_ID, CHECKS, few_cases, outcomes, reference_files, with_needs

EVERY_RUN = {idea.name for some in (IDEAS, RIGHT) for idea in list(some.values())[::45]}
"""A few are graded in every run, all of them every week."""


def weekly(name):
    return pytest.param(name, marks=[] if name in EVERY_RUN else [pytest.mark.weekly])


@pytest.mark.parametrize("files", [reference_files(), {}], ids=["reference", "plain"])
def test_the_judge_finds_nothing_in_what_is_right(files):
    plain = {path.name: path.read_bytes() for path in PLAIN.glob("*.py")}
    with loaded(files or plain) as namespace:
        assert [(f, rule) for f in FUNCTIONS for rule in broken_rules(namespace, f)] == []


@pytest.mark.parametrize("name", [weekly(name) for name in IDEAS])
def test_the_judge_says_that_it_is_wrong(name):
    idea = IDEAS[name]
    with loaded(idea.files) as namespace:
        broken = broken_rules(namespace, idea.function)
    assert broken
    assert not [rule for rule in broken if rule.startswith("it raises")]


@pytest.mark.parametrize("name", [weekly(name) for name in IDEAS])
def test_a_check_finds_it(name):
    assert lost(name)


@pytest.mark.parametrize("name", [weekly(name) for name in RIGHT])
def test_what_is_right_loses_nothing(name):
    idea = RIGHT[name]
    with loaded(idea.files) as namespace:
        assert broken_rules(namespace, idea.function) == []
    assert lost(name) == ()


@pytest.mark.weekly
def test_no_two_ideas_are_the_same():
    """They lose other checks, or the judge sees other values."""
    seen = {}
    for name, idea in IDEAS.items():
        with loaded(idea.files) as namespace:
            values = answers(namespace, idea.function)
        seen.setdefault((idea.function, lost(name), values), []).append(name)
    assert [names for names in seen.values() if len(names) > 1] == []


def lost(name):
    """The checks of its function that take points."""
    idea = {**IDEAS, **RIGHT}[name]
    ids = [c.id for c in CHECKS if c.function == idea.function and not c.long]
    with few_cases(10), registry.without_shrinking():
        ended = outcomes(idea.files, with_needs(*ids))
    return tuple(n for n in ids if ended[n].fraction < 1 and BY_ID[n].points)


def test_there_are_enough_and_each_says_where_it_comes_from():
    assert len(IDEAS) >= 150
    assert {idea.function for idea in IDEAS.values()} == set(FUNCTIONS)
    quirks = [idea.quirk for idea in IDEAS.values()]
    assert len(set(quirks)) == len(quirks)
    for idea in IDEAS.values():
        assert idea.source
        assert not idea.quirk.endswith(".")
