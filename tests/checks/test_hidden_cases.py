"""Hidden cases: what an instructor's seed may leave out, and the default one does not."""

from dataclasses import replace

import numpy as np
import pytest

from grader.checks import hidden
from grader.checks.framework.cases import Case
from grader.checks.hidden import arguments
from grader.homework.networks import Network
from grading import BY_ID, not_passed, outcomes, reference_files, with_needs

CLEARLY = {
    "part2": [
        "distinguishing_neurons.ranks_all_neurons",
        "compare_with_single_class.compares_on_other_networks",
    ],
    "part3": ["binary_classifier.is_right_elsewhere_too"],
}


@pytest.mark.parametrize(
    ("strengths", "cuts", "expected"),
    [
        ([3.0, 2.0, 1.0], [1, 2, 3], True),
        ([3.0, 2.0, 2.0, 0.0], [2], True),  # a tie has one right order
        ([3.0, 2.0 + 1e-6, 2.0, 0.0], [2], False),
        ([3.0, 2.0 + 1e-6, 2.0, 0.0], [1, 3], True),
        ([1.0], [1], True),
    ],
)
def test_what_rounding_may_change(strengths, cuts, expected):
    assert arguments.clear(np.array(strengths), cuts) is expected


@pytest.mark.parametrize("part", CLEARLY)
def test_the_default_seed_leaves_nothing_out(part, monkeypatch):
    found = []

    def noted(*call):
        found.append(arguments.clear(*call))
        return found[-1]

    # Each seed has modules of its own: of one name there are several.
    monkeypatch.setitem(BY_ID[CLEARLY[part][0]].run.__globals__, "clear", noted)
    assert not_passed(outcomes(reference_files(), with_needs(*CLEARLY[part]))) == {}
    assert len(found) > 20
    assert all(found)


def test_a_case_that_a_condition_excludes_is_drawn_again_from_a_text(monkeypatch):
    first = Case(Network("smooth_cnn", seed=500, head="softmax"), 1, 500 % 4, 500)
    monkeypatch.setattr(arguments, "SECRET", hidden.Secret("a secret"))
    assert arguments.redrawn(first, lambda case: True) == first
    again = arguments.redrawn(first, lambda case: case != first)
    assert again.network == replace(first.network, seed=again.seed)
    assert (again.layer, again.target) == (1, again.seed % first.classes)
    assert arguments.redrawn(first, lambda case: False) is None
    monkeypatch.setattr(arguments, "SECRET", hidden.Secret(500))
    assert arguments.redrawn(first, lambda case: case != first) is None
