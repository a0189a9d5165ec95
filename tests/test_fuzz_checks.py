"""The fuzzer of the checks, for seconds; and that it finds what is wrong."""

import sys
from pathlib import Path

import pytest

from grader.checks.framework import expect
from grader.checks.gan import evidence
from grading import BY_ID

sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))

import fuzz_checks

CHECKS = [
    "split.composes",
    "class_influence.follows_the_weights",
    "top_neurons.breaks_ties_towards_the_lower_index",
    "scale_pixels.dims_pixels_by_their_saliency",
    "compare_attributions.averages_ties",
    "random_classes.draws_distinct_classes",
    "mask_slice.may_keep_nothing",
    "evaluate.counts_right",
    "make_generator.makes_images",
    "discriminator_loss.matches_its_family",
    "train.uses_all_images",
    "train.learns_the_digits",
]
"""Of every kind of value that the homework's functions return, and of the GAN's drivers."""


@pytest.fixture(scope="module")
def right():
    return fuzz_checks.Right(fuzz_checks.reference())


def tried(right, replies, *names, seed=1):
    tally = fuzz_checks.Tally()
    fuzz_checks.fuzz([BY_ID[name] for name in names], seed, replies, right, tally)
    return tally


def test_no_reply_leaves_a_check_undecided(right):
    tally = tried(right, 600, *CHECKS)
    assert tally.findings == []
    assert tally.replies >= 600
    assert {"passed", "failed", "crashed"} <= set(tally.outcomes)


def test_a_seed_and_a_number_make_one_run(right):
    first, second = (tried(right, 100, *CHECKS[4:7]) for _ in "ab")
    assert first.outcomes == second.outcomes
    assert first.outcomes != tried(right, 100, *CHECKS[4:7], seed=2).outcomes


def no_lengths(monkeypatch):
    """Arrays of no elements, or of millions, reach the checks of the GAN."""

    def field(result, name, shape, what=""):
        return evidence.to_array(result.get(name)).astype(float)

    # Each seed has hidden modules of its own: of one name there are several.
    monkeypatch.setitem(BY_ID["train.uses_all_images"].run.__globals__, "field", field)
    return "train.uses_all_images"


def no_name(monkeypatch):
    """An exception without a class is asked for its first one."""

    def raises(reply, words, kinds=("ValueError",)):
        expect.that(reply.error is not None and reply.error.types[0] in kinds, words)

    monkeypatch.setattr(expect, "raises", raises)
    return "random_classes.refuses_k_that_is_impossible"


@pytest.mark.parametrize("breaks", [no_lengths, no_name])
def test_the_fuzzer_finds_what_leaves_a_check_undecided(breaks, right, monkeypatch):
    assert tried(right, 300, breaks(monkeypatch)).findings
