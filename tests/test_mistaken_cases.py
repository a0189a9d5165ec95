"""Cases that make known mistakes are made from the library of mistakes, and stand alone."""

import ast
import sys

import pytest

import cases
from cases.files import File, part1
from cases.library import MADE
from cases.mistaken import with_mistakes
from grader.homework import contract
from reference.mistakes import ways_of

MISTAKEN = sorted(name for name, case in MADE.items() if any(file.mistakes for file in case.files))
ALLOWED = {"torch", "numpy", *(name.removesuffix(".py") for name in contract.FILES)}


def mistakes(name):
    """Each function of a case that makes a mistake, with the class."""
    return [item for file in MADE[name].files for item in file.mistakes.items()]


def names_of(function, way):
    """What the grader may call it."""
    return {known for known, one in ways_of(function) if one.__name__ == way}


@pytest.mark.parametrize("name", MISTAKEN)
def test_a_case_makes_mistakes_that_the_grader_knows_in_these_functions(name):
    expected = cases.load(name).expected.mistakes
    for function, way in mistakes(name):
        assert names_of(function, way) & set(expected), (function, way)


@pytest.mark.parametrize("name", MISTAKEN)
def test_its_files_need_nothing_of_ours(name):
    for content in cases.load(name).files.values():
        for node in ast.walk(ast.parse(content)):
            found = [node.module] if isinstance(node, ast.ImportFrom) else []
            found += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert {one.split(".")[0] for one in found} <= ALLOWED | sys.stdlib_module_names
        assert b"Mistaken" not in content


def test_each_function_is_defined_once():
    for name in MISTAKEN:
        for content in cases.load(name).files.values():
            tops = [getattr(top, "name", None) for top in ast.parse(content).body]
            defined = [top for top in tops if top]
            assert len(defined) == len(set(defined))


def test_what_is_not_there_cannot_be_wrong():
    right = File("part1_focused.py", "plain/part1_focused.py")
    assert part1().made("right") == right.source().encode()
    for wrong in ({"evaluate": "OneHalf"}, {"split": "NoSuchMistake"}):
        with pytest.raises(KeyError):
            with_mistakes(right.source(), wrong)
