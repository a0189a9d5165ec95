"""The contract is the homework: the template and the reference say the same, in every signature."""

import ast
import importlib.util
from pathlib import Path

import pytest

from grader.homework import contract
from grader.homework.contract import FUNCTIONS, PARTS, REQUIRED, Array, Module, Number, Tuple

ROOT = Path(__file__).parent.parent
FOLDERS = [name for name in ("student_template", "reference") if (ROOT / name).is_dir()]


def functions_of(folder, file):
    """The functions at the top level of a file, by name, without running it."""
    tree = ast.parse((ROOT / folder / file).read_text("utf-8"))
    return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}


def parameters_of(node):
    """Names and defaults, as the contract keeps them."""
    assert [node.args.kwonlyargs, node.args.vararg, node.args.kwarg] == [[], None, None]
    names = [argument.arg for argument in [*node.args.posonlyargs, *node.args.args]]
    defaults = [ast.literal_eval(default) for default in node.args.defaults]
    given = [REQUIRED] * (len(names) - len(defaults)) + defaults
    return tuple(zip(names, given, strict=True))


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("name", [n for n, f in FUNCTIONS.items() if not f.optional])
def test_every_function_stands_in_its_file_with_its_signature(folder, name):
    function = FUNCTIONS[name]
    file = next(part.file for part in PARTS if part.id == function.part)
    parameters = parameters_of(functions_of(folder, file)[name])
    assert parameters == function.parameters


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.id)
def test_the_template_has_no_function_that_the_homework_does_not_name(part):
    named = {f.name for f in FUNCTIONS.values() if f.part == part.id}
    assert set(functions_of("student_template", part.file)) <= named


def test_parts_and_points():
    assert [part.id for part in PARTS] == ["part1", "part2", "part3", "gan", "warmup"]
    assert [part.id for part in PARTS if part.optional] == ["warmup"]
    assert sum(part.points for part in PARTS) == 100
    assert {f.part for f in FUNCTIONS.values()} == {part.id for part in PARTS}
    assert tuple(part.file for part in PARTS if not part.optional) == contract.FILES
    for part in PARTS:
        assert contract.part_of_file(part.file) is part
        assert contract.part(part.id) is part
    assert contract.part_of_file("helper.py") is None


def test_a_signature_reads_as_in_the_homework():
    for name, signature in {
        "class_influence": "class_influence(model, layer, xs, target, weights=None)",
        "random_classes": "random_classes(num_classes, k=5, seed=0)",
        "make_discriminator": "make_discriminator()",
    }.items():
        assert contract.function(name).signature == signature


def test_there_is_no_other_function():
    with pytest.raises(KeyError):
        contract.function("explain")


def words_of(returns):
    """The shape words that a return value uses."""
    if isinstance(returns, Tuple):
        return {word for item in returns.items for word in words_of(item)}
    shape = {Array: "shape", Module: "rows"}.get(type(returns))
    return {w for w in getattr(returns, shape, ()) if isinstance(w, str)} if shape else set()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_words_of_a_shape_come_from_the_parameters(name):
    function = FUNCTIONS[name]
    parameters = {parameter for parameter, _ in function.parameters}
    meanings = {"N": {"xs"}, "x": {"x"}, "Z": {"model", "layer"}}
    if "points" in parameters:
        meanings = {"N": {"points"}, "D": {"points"}}
    rows_of_a_call = {"N"} if isinstance(function.returns, Module) else set()
    for word in words_of(function.returns) - rows_of_a_call:
        assert meanings.get(word, {word}) <= parameters


def test_tuples_have_as_many_names_as_items():
    for function in FUNCTIONS.values():
        if isinstance(function.returns, Tuple) and function.returns.names:
            assert len(function.returns.names) == len(function.returns.items)
    assert FUNCTIONS["evaluate"].returns.names == ("accuracy", "precision", "recall")
    assert FUNCTIONS["evaluate"].returns.items == (Number(),) * 3


@pytest.mark.parametrize("name", contract.PROMISED)
def test_what_is_promised_is_not_the_standard_librarys(name):
    assert importlib.util.find_spec(name) is not None
    assert name not in contract.FILES


def test_every_name_that_the_module_offers_is_there():
    assert [name for name in contract.__all__ if not hasattr(contract, name)] == []
