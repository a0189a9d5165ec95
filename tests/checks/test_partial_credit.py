"""Right on part of the ground earns half: which part, and the same number wherever it is shown."""

import ast
import csv
import io
import json
import re

import numpy as np
import pytest

from grader.checks.framework import expect
from grader.checks.framework.cases import case_list
from grader.checks.framework.expect import HALF
from grader.checks.framework.shared import by_slice, right_on, right_on_each
from grader.gradebook.table import gradebook
from grader.grading import engine
from grader.records import Status, StudentError, Submission
from grader.report.deliver import ForInstructor
from grader.report.writers.html import instructor_page
from grader.report.writers.results import result
from grader.sandbox.host.session import InProcessSession
from grading import CHECKS, ROOT, outcomes, reference_files


class Teller:
    def explain(self, unmet):
        return unmet


def fraction_of(groups, wrong, special=None, half=()):
    def holds(case):
        if case in half:
            expect.partial(0.5, "half")
        expect.that(case not in wrong, "wrong")

    try:
        right_on(Teller(), groups, holds, special)
    except expect.Unmet as unmet:
        return unmet.fraction
    return 1.0


GROUPS = {"linear": [1, 2], "maps": [3, 4]}


@pytest.mark.parametrize(
    ("wrong", "half", "fraction"),
    [((), (), 1), ((2,), (), 0.5), ((3, 4), (), 0.5), ((1, 4), (), 0), ((), (3,), 0.5)],
)
def test_one_group_alone_earns_half(wrong, half, fraction):
    assert fraction_of(GROUPS, wrong, half=half) == fraction


def test_partly_right_everywhere_earns_no_more_than_that():
    assert fraction_of(GROUPS, (), half=(1, 2, 3, 4)) == 0.5
    assert fraction_of(GROUPS, (1,), half=(3, 4)) == 0.25


def test_what_comes_after_a_wrong_case_is_tried_but_changes_nothing():
    tried = []

    def holds(case):
        tried.append(case)
        if case == 4:
            raise expect.StudentFault(StudentError("raised", "an error"))
        expect.that(case < 2, f"{case} is wrong")

    with pytest.raises(expect.Unmet, match="2 is wrong"):
        right_on_each(Teller(), [1, 2, 3, 4, 5], holds)
    assert tried == [1, 2, 3, 4]
    with pytest.raises(expect.StudentFault):
        right_on_each(Teller(), [1, 4, 2], holds)


def test_special_cases_earn_nothing_by_themselves():
    assert fraction_of(GROUPS, (9,), {"maps": [9]}) == 0
    assert fraction_of(GROUPS, (9, 3), {"maps": [9]}) == 0.5  # not reached: maps are wrong anyway
    assert fraction_of(GROUPS, (9, 3), {"linear": [9]}) == 0


def test_slices_are_told_apart():
    cases = case_list(("smooth_mlp", 1, 1), ("smooth_cnn", 0, 2), ("smooth_cnn", 6, 3))
    assert {k: len(v) for k, v in by_slice(cases).items()} == {
        "linear slices": 2,
        "convolutional slices": 1,
    }


@pytest.mark.parametrize("factor", [3.0, 1e-3])
def test_a_wrong_constant_factor_earns_half(factor):
    right = np.array([1.0, -2.0, 3.0, 0.5])
    with pytest.raises(expect.Unmet) as caught:
        expect.up_to_a_factor([expect.Pair(factor * right, right, "it")], HALF)
    assert caught.value.fraction == HALF
    for none in (1.0, -1.0, 0.0):
        expect.up_to_a_factor([expect.Pair(none * right, right, "it")], HALF)


EDITS = {
    "a sum for the mean": (
        "return p / p.sum()",
        "return p",
        {
            "class_influence.is_the_mean_over_the_rows": 0.5,
            "class_influence.follows_the_weights": 0.5,
            "comparative_influence.is_the_derivative_of_the_difference": 0.5,
        },
    ),
    "weakest first": (
        "    return ranking(attribution)[:k]",
        "    return ranking(attribution)[:k].flip(0)",
        {
            "top_neurons.ranks_units": 0.5,
            "top_neurons.ranks_channels_by_their_largest_feature": 0.5,
        },
    ),
    "mean over the map": (
        "z[:, neuron].reshape(len(z), -1).amax(1)",
        "z[:, neuron].reshape(len(z), -1).mean(1)",
        {"saliency_map.is_the_gradient_of_the_activation": 0.5},
    ),
}


@pytest.mark.parametrize("edit", EDITS)
def test_what_is_half_right_earns_half(edit):
    old, new, expected = EDITS[edit]
    files = {name: content.decode() for name, content in reference_files().items()}
    assert files["part1_focused.py"].count(old) == 1
    files["part1_focused.py"] = files["part1_focused.py"].replace(old, new)
    functions = {check.partition(".")[0] for check in expected}
    ended = outcomes(files, [c.id for c in CHECKS if c.function in functions])
    for check, fraction in expected.items():
        assert (ended[check].status, ended[check].fraction) == (Status.PARTIAL, fraction)


def declared():
    """Every check of parts 1-3: its name, docstring and source."""
    for path in sorted((ROOT / "grader" / "checks").rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        for node in ast.parse(source).body:
            if isinstance(node, ast.FunctionDef) and "@check" in ast.unparse(node):
                yield node.name, ast.get_docstring(node), ast.get_source_segment(source, node)


def test_every_check_says_what_part_of_the_ground_earns():
    found = list(declared())
    assert len(found) >= len([c for c in CHECKS if c.part != "gan"])
    for name, docstring, source in found:
        docstring = " ".join(docstring.split())
        if re.search(r"same_ranking\(|right_on\(|leaves_as_found\(|up_to_a_factor\(", source):
            assert "Half the points if" in docstring, name
        if "refuses(" in source:
            assert "earns its share of the points" in docstring, name


def test_a_share_is_the_same_number_everywhere():
    old, new, _ = EDITS["weakest first"]
    files = reference_files()
    files["part1_focused.py"] = files["part1_focused.py"].decode().replace(old, new).encode()
    checks = [c for c in CHECKS if c.function == "top_neurons"]
    ended = list(engine.run(checks, lambda part: InProcessSession(files)))
    submission = Submission("ada", "Ada", files, "0" * 8)
    made = engine.report(submission, checks, ended, {"mode": "none"})
    total = sum(c.points * o.fraction for c, o in zip(checks, ended, strict=True))
    assert 0 < total < sum(c.points for c in checks)
    assert made.total.earned == pytest.approx(total)
    everything = ForInstructor(made)
    data = json.loads(json.dumps(result(everything)))
    assert data["score"]["earned"] == pytest.approx(total)
    assert data["parts"][0]["earned"] == pytest.approx(total)
    assert sum(c["points"] * c["fraction"] for c in data["checks"]) == pytest.approx(total)
    (row,) = csv.DictReader(io.StringIO(gradebook([everything])))
    assert any(
        cell and re.fullmatch(r"[\d.]+", cell) and float(cell) == pytest.approx(total, abs=5e-3)
        for cell in row.values()
    )
    assert f"{total:g}" in instructor_page(everything)
