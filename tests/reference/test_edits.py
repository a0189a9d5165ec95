"""What others changed in right solutions of others, from the homework's page alone.

Each of ``fixtures/edits`` changes one solution of ``fixtures/cases/by_hand``, or a GAN of the bank
or of ``fixtures/gan/by_hand``, and has to lose points in the function that is wrong; those in
``right`` there write a function in an unusual way, and may lose none. A few are graded in every
run, all of them every week.
"""

import json
from contextlib import nullcontext

import pytest
from bank import source

from cases.library import load
from grader.checks.framework import registry
from grader.homework.contract import FUNCTIONS
from grader.records import Status
from grading import CHECKS, ROOT, few_cases, not_passed, outcomes, with_needs

pytestmark = pytest.mark.filterwarnings("ignore")
"""As where submissions run: what NumPy or torch advise against is no mistake."""

FOLDER = ROOT / "fixtures" / "edits"


def edits(folder):
    """By name, the file's and its own."""
    return {
        f"{path.stem}-{edit['id']}": edit
        for path in sorted(folder.glob("*.json"))
        for edit in json.loads(path.read_text("utf-8"))
    }


EDITS, RIGHT = edits(FOLDER), edits(FOLDER / "right")
EVERY_RUN = [name for name in EDITS if not name.startswith("gan-")][20::60] + [*RIGHT][::24]


def weekly(name):
    return pytest.param(name, marks=[] if name in EVERY_RUN else [pytest.mark.weekly])


def changed(name):
    """The files of a solution, with the change."""
    edit = EDITS.get(name) or RIGHT[name]
    gan = name.startswith("gan-")
    whole = of_a_gan(edit["base"]) if gan else texts(edit["base"])
    for one in edit["edits"]:
        assert whole[one["file"]].count(one["old"]) == 1
        whole[one["file"]] = whole[one["file"]].replace(one["old"], one["new"])
    return {file: text.encode() for file, text in whole.items()}


def of_a_gan(base):
    """The files of one of the bank, or of those that others wrote."""
    folder = FOLDER.parent / "gan" / "by_hand" / base.removeprefix("by_hand_")
    if not base.startswith("by_hand_"):
        return {"gan.py": source(base)}
    return {f.relative_to(folder).as_posix(): f.read_text("utf-8") for f in folder.rglob("*.py")}


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


@pytest.mark.parametrize("name", [weekly(name) for name in RIGHT])
def test_an_unusual_way_loses_nothing(name):
    function = RIGHT[name]["function"]
    ids = [c.id for c in CHECKS if not c.long and c.function == function]
    few = few_cases() if name in EVERY_RUN else nullcontext()
    with few, registry.without_shrinking():
        assert not_passed(outcomes(changed(name), with_needs(*ids))) == {}


def test_they_are_many_of_every_function():
    """And of many solutions, so that they differ in structure."""
    ours = {name: edit for name, edit in EDITS.items() if not name.startswith("gan-")}
    graded = {f for f, of in FUNCTIONS.items() if of.part in ("part1", "part2", "part3")}
    assert len(ours) >= 360
    for some in (ours, RIGHT):
        assert {edit["function"] for edit in some.values()} == graded
        assert len({edit["base"] for edit in some.values()}) >= 15
