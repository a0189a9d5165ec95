"""The student template: the homework's names, docstrings that say what to do, and no solution."""

import ast
import re

import pytest

from grader.homework import contract
from grading import ROOT

TEMPLATE = ROOT / "student_template"
ASSISTANTS = ("AGENTS.md", "CLAUDE.md", "GEMINI.md")
README = (TEMPLATE / "README.md").read_text(encoding="utf-8")


def functions(file):
    tree = ast.parse((TEMPLATE / file).read_text(encoding="utf-8"))
    return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_it_holds_the_homework_s_files():
    others = {"README.md", "answers.md", "explore.py", "pyproject.toml", *ASSISTANTS}
    hidden = {".github", ".gitlab-ci.yml", ".gitignore"}
    there = {p.name for p in TEMPLATE.iterdir()} - {"__pycache__"}
    assert there == {*(part.file for part in contract.PARTS), *others, *hidden}


@pytest.mark.parametrize("part", contract.PARTS, ids=lambda p: p.id)
def test_it_has_the_contract_s_functions_and_no_others(part):
    found = functions(part.file)
    expected = [f for f in contract.FUNCTIONS.values() if f.part == part.id]
    assert [f.name for f in expected if not f.optional or f.name in found] == list(found)
    for function in expected:
        if function.name in found:
            node = found[function.name].args
            names = [a.arg for a in node.args]
            defaults = [ast.literal_eval(d) for d in node.defaults]
            missing = [contract.REQUIRED] * (len(names) - len(defaults))
            assert list(zip(names, missing + defaults, strict=True)) == list(function.parameters)


@pytest.mark.parametrize("part", contract.PARTS, ids=lambda p: p.id)
def test_bodies_are_left_to_the_student(part):
    for name, node in functions(part.file).items():
        doc = ast.get_docstring(node)
        assert doc, name
        assert len(doc) > 200, name
        assert [type(line).__name__ for line in node.body[1:]] == ["Raise"], name
        assert ast.unparse(node.body[-1]) == "raise NotImplementedError", name


def test_the_readme_s_table_of_files_is_the_contract_s():
    for part in contract.PARTS:
        if part.optional:
            assert part.file not in README
            continue
        assert re.search(rf"`{re.escape(part.file)}`.*\| {part.points:g} \|", README), part.file


def test_the_readme_s_commands_are_the_command_line_s():
    from grader.cli.main import main

    used = re.findall(r"hw3 ([a-z]+)((?: --[a-z]+)*)", README)
    assert {command for command, _ in used} >= {"check", "list", "doctor"}
    for command, options in used:
        assert command in main.commands, command
        known = {o for p in main.commands[command].params for o in p.opts}
        assert set(options.split()) <= known, (command, options)


def test_the_readme_s_options_of_explore_are_its_own():
    from grader.explore.options import _parser

    used = re.findall(r"python explore\.py((?: --?[a-z0-9-]+(?: [\w.]+)?)*)", README)
    assert len(used) > 5
    for options in used:
        words = [w.replace("cat.jpg", "x") for w in options.split()]
        assert vars(_parser("").parse_args(words)), options


@pytest.mark.parametrize(
    "idiom", ["theano.grad", "T.take", "model.layers[n].output", "get_weights()"]
)
def test_the_slides_idioms_are_translated(idiom):
    assert idiom in README


def test_assistants_are_sent_to_one_page_that_names_every_graded_file():
    rules = (TEMPLATE / "AGENTS.md").read_text(encoding="utf-8")
    for file in contract.FILES:
        assert f"`{file}`" in rules
    for name in (*ASSISTANTS[1:], ".github/copilot-instructions.md"):
        (link,) = re.findall(r"\((\S+)\)", (TEMPLATE / name).read_text(encoding="utf-8"))
        assert ((TEMPLATE / name).parent / link).resolve() == TEMPLATE / "AGENTS.md"
    heading = re.search(r'under "([^"]+)"', rules)[1]
    assert f"## {heading}\n" in (TEMPLATE / "answers.md").read_text(encoding="utf-8")
