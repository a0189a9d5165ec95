"""Whole solutions that others wrote from the homework's page alone: no function loses a point.

In every run each function of one of them, every week all functions of all.
"""

import pytest

from cases.library import IN_FOLDERS, load
from grader.checks.framework import registry
from grader.homework.contract import FUNCTIONS, PARTS
from grading import BY_ID, CHECKS, few_cases, outcomes, with_needs

pytestmark = pytest.mark.filterwarnings("ignore")
"""As where submissions run: what NumPy or torch advise against is no mistake."""

FOLDERS = sorted(path.name for path in IN_FOLDERS["honest"].iterdir() if path.is_dir())
OF = {f: of.part for f, of in FUNCTIONS.items() if of.part in ("part1", "part2", "part3")}
SOME = [(FOLDERS[7 * n % len(FOLDERS)], function) for n, function in enumerate(OF)]


def lost(name, function):
    """The checks of a function that take points of a solution, and may not."""
    sample = load(name)
    ids = [c.id for c in CHECKS if c.function == function and not c.long]
    ended = outcomes(sample.files, with_needs(*ids))
    took = {n: ended[n].feedback.message for n in ids if ended[n].fraction < 1 and BY_ID[n].points}
    return {n: words for n, words in took.items() if n not in sample.expected.status}


@pytest.mark.parametrize(("name", "function"), SOME)
def test_a_function_loses_nothing(name, function):
    with few_cases(), registry.without_shrinking():
        assert lost(name, function) == {}


@pytest.mark.weekly
@pytest.mark.parametrize("name", FOLDERS)
def test_no_function_loses_anything(name):
    there = {part.id for part in PARTS if part.file in load(name).files}
    assert {f: lost(name, f) for f in OF if OF[f] in there} == {f: {} for f in OF if OF[f] in there}


def test_they_are_many_and_differ():
    """In every file, down to the last one."""
    assert len(FOLDERS) >= 69
    files = [content for name in FOLDERS for content in load(name).files.values() if content]
    assert len(set(files)) == len(files)
