"""Mistakes that others wrote into right solutions of others, from the homework's page alone.

Each of ``fixtures/edits`` changes one solution of ``fixtures/cases/by_hand``, or a GAN of the bank,
and has to lose points in the function that is wrong; a few in every run, all of them every week.
"""

import json

import pytest
from bank import source

from cases.library import load
from grader.checks.framework import registry
from grader.homework.contract import FUNCTIONS
from grader.records import Status
from grading import CHECKS, ROOT, outcomes, with_needs

pytestmark = pytest.mark.filterwarnings("ignore")
"""As where submissions run: what NumPy or torch advise against is no mistake."""

EDITS = {
    f"{path.stem}-{edit['id']}": edit
    for path in sorted((ROOT / "fixtures" / "edits").glob("*.json"))
    for edit in json.loads(path.read_text("utf-8"))
}
EVERY_RUN = [name for name in EDITS if not name.startswith("gan-")][::45]


def weekly(name):
    return pytest.param(name, marks=[] if name in EVERY_RUN else [pytest.mark.weekly])


def changed(name):
    """The files of a solution, with the mistake."""
    edit = EDITS[name]
    gan = name.startswith("gan-")
    whole = {"gan.py": source(edit["base"])} if gan else texts(edit["base"])
    for one in edit["edits"]:
        assert whole[one["file"]].count(one["old"]) == 1
        whole[one["file"]] = whole[one["file"]].replace(one["old"], one["new"])
    return {file: text.encode() for file, text in whole.items()}


def texts(base):
    return {file: content.decode() for file, content in load(base).files.items()}


@pytest.mark.parametrize("name", [weekly(name) for name in EDITS])
def test_a_mistake_loses_points(name):
    """Of a GAN in any function: what is wrong with a loss may show in the step."""
    function = EDITS[name]["function"]
    gan = name.startswith("gan-")
    ids = [
        c.id for c in CHECKS if not c.long and (c.part == "gan" if gan else c.function == function)
    ]
    with registry.without_shrinking():
        ended = outcomes(changed(name), with_needs(*ids))
    assert any(ended[one].status is not Status.PASSED for one in ids)


def test_they_are_many_of_every_function():
    """And of many solutions, so that they differ in structure."""
    ours = {name: edit for name, edit in EDITS.items() if not name.startswith("gan-")}
    graded = {f for f, of in FUNCTIONS.items() if of.part in ("part1", "part2", "part3")}
    assert len(ours) >= 200
    assert {edit["function"] for edit in ours.values()} == graded
    assert len({edit["base"] for edit in ours.values()}) >= 15
