"""An optional part is handed out only where the assignment gives it points."""

import json

import pytest

from grader.grading.weights import Assignment
from grader.release import student as bundles

WITH = Assignment(points={"warmup": 10})


@pytest.fixture(scope="module")
def files():
    return bundles.package(), bundles._template()


def test_without_points_a_bundle_has_nothing_of_it(files):
    bundle = bundles.made(*files, Assignment())
    assert "warmup.py" not in bundle.files
    assert b"warmup.py" not in bundle.files["README.md"]
    assert not [name for name in bundle.inside if name.startswith("grader/checks/warmup")]
    assert not [check for check in bundle.checks if check.part == "warmup"]


def test_with_points_it_has_the_template_the_public_checks_and_a_row(files):
    bundle = bundles.made(*files, WITH)
    assert b"raise NotImplementedError" in bundle.files["warmup.py"]
    public = {c.id: c.points for c in WITH.checks() if c.part == "warmup" and not c.hidden}
    assert {c.id: c.points for c in bundle.checks if c.part == "warmup"} == public
    total = "| `warmup.py` | unsupervised learning | 10 |"
    assert total.encode() in bundle.files["README.md"]
    rules = bundle.inside["grader/data/assignment.toml"].decode()
    assert all(f"{json.dumps(name)} = " in rules for name in public)
    assert not [name for name in bundle.inside if "hidden" in name]


@pytest.mark.weekly
def test_with_points_it_gives_nothing_away_and_starts(files):
    bundle = bundles.made(*files, WITH)
    assert bundles.leaks_in(bundle, WITH) == []
    bundles._try(bundle)
