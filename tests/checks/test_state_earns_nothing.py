"""What a call changes is seen in the student's own process: it costs points, and earns none."""

import pytest

from grader.records import Status
from grader.sandbox.guest import watch
from grading import BY_ID, CHECKS, outcomes, reference_files, with_needs

VALUES = {
    "linear_scores.removes_the_last_softmax_only": "part1_focused.py",
    "integrated_gradients.keeps_float64": "part1_focused.py",
    "comparative_influence.is_right_elsewhere_too": "part2_comparative.py",
    "mask_slice.takes_any_order": "part3_compression.py",
}
"""Checks of values that end with a look at what changed, and whose files these are."""

CHANGES = """
import copy, sys, torch
_right = {function}

def {function}(model, *rest, **named):
    value = _right(copy.deepcopy(model), *rest, **named)
    for parameter in model.parameters():
        parameter.data.zero_()
    {more}
    return value
"""
WATCH = 'getattr(sys._getframe(1).f_locals.get("changed"), "__globals__", {})'
FORGES = f'{WATCH}["_same"] = lambda old, new: True'
WRONG = "value = 2 * value + 1"


def graded(name, *more):
    function = BY_ID[name].function
    files = dict(reference_files())
    code = CHANGES.format(function=function, more="; ".join(more) or "pass")
    files[VALUES[name]] += code.encode()
    return outcomes(files, with_needs(name))[name]


@pytest.fixture(autouse=True)
def _watch_is_put_back(monkeypatch):
    monkeypatch.setattr(watch, "_same", watch._same)


@pytest.mark.parametrize("name", VALUES)
def test_a_changed_model_leaves_half_the_points_of_right_values(name):
    outcome = graded(name)
    assert (outcome.status, outcome.fraction) == (Status.PARTIAL, 0.5)
    assert "he values are right, but the call changed the parameters" in outcome.feedback.message


@pytest.mark.parametrize("name", VALUES)
def test_who_forges_the_watch_keeps_what_the_values_earned(name):
    """At most: where a module is returned, the network's own outputs show that it was changed."""
    returns_a_module = name.startswith(("linear_scores", "mask_slice"))
    assert graded(name, FORGES).fraction == (0.5 if returns_a_module else 1)


@pytest.mark.parametrize("name", [n for n in VALUES if "influence" in n or "gradients" in n])
def test_who_forges_the_watch_earns_nothing_by_wrong_values(name):
    assert graded(name, FORGES, WRONG).fraction == 0


def test_no_check_is_about_state_alone():
    """Each check that looks at what changed compares a value, too: it earns what that earned."""
    for check in CHECKS:
        names = named_in(check.run.__code__)
        if "leaves_as_found" in names:
            assert {"close", "equal", "same_ranking", "precise", "follows_a_rule"} & names


def named_in(code):
    """The names in a function, and in the functions that it makes."""
    inner = (one for one in code.co_consts if isinstance(one, type(code)))
    return {*code.co_names}.union(*map(named_in, inner))
