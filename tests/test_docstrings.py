"""A public function with three or more parameters says what each of them means."""

import ast
import re
from dataclasses import dataclass, field
from functools import cache

import pytest

from grading import ROOT

FEW = 2
"""Parameters that a name and an annotation are enough for; `self` is not counted."""

DATA = ("check", "click.command")
"""Decorators of functions whose docstrings are read by users: a title, or a help text."""

POINTER = re.compile(r"Arguments as in\s+`([\w.]+)\.(\w+)`")


@dataclass
class Read:
    """What a module defines, and where its names come from."""

    names: dict = field(default_factory=dict)
    imports: dict = field(default_factory=dict)
    public: object = None


@cache
def modules():
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): read(
            path.read_text(encoding="utf-8")
        )
        for folder in ("grader", "reference")
        for path in sorted((ROOT / folder).rglob("*.py"))
    }


def read(source):
    found = Read()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                name = alias.asname or alias.name
                found.imports.setdefault(name, (node.level, node.module or "", alias.name))
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.names[node.name] = node
        elif isinstance(node, ast.Assign | ast.AnnAssign) and is_list_of_names(node):
            found.public = {item.value for item in node.value.elts}
    return found


def is_list_of_names(node):
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
    return ast.unparse(target) == "__all__"


def parameters(node, *, method):
    given = node.args
    names = [a.arg for a in (*given.posonlyargs, *given.args)]
    if method and "staticmethod" not in map(ast.unparse, node.decorator_list):
        names = names[1:]
    further = [a.arg for a in (given.vararg, given.kwarg) if a is not None]
    return [*names, *(a.arg for a in given.kwonlyargs), *further]


def sections(doc):
    """The text of each section of a docstring, by its title."""
    return dict(
        re.findall(r"^(Args|Returns|Yields|Raises):\n((?:(?:    .*)?\n)*)", f"{doc}\n", re.M)
    )


def described(doc):
    """The names in the section Args; two may share a line."""
    entries = re.findall(r"^    ([\w*, ]+): \S", sections(doc).get("Args", ""), re.M)
    return {name.strip(" *") for entry in entries for name in entry.split(",")}


def undescribed(node, *, method=False):
    """The parameters that a docstring keeps silent about."""
    names = parameters(node, method=method)
    doc = ast.get_docstring(node) or ""
    if pointer := POINTER.search(doc):
        other = modules()[f"reference.{pointer[1]}"].names[pointer[2]]
        return [] if parameters(other, method=False) == names else names
    return [name for name in names if name not in described(doc)]


def base_method(module, cls, name):
    """The method that this one overrides in a class of ours, with the module that holds it."""
    for base in map(ast.unparse, cls.bases):
        origin, found = module, base
        if base in modules()[module].imports:
            level, origin, found = modules()[module].imports[base]
            origin = ".".join([*module.split(".")[:-level], origin]) if level else origin
        node = modules()[origin].names.get(found) if origin in modules() else None
        if isinstance(node, ast.ClassDef):
            for method in node.body:
                if isinstance(method, ast.FunctionDef) and method.name == name:
                    return method
            if (method := base_method(origin, node, name)) is not None:
                return method
    return None


def is_data(node):
    return any(ast.unparse(d).partition("(")[0] in DATA for d in node.decorator_list)


def public():
    """Every public function and method with more than a few parameters."""
    for module, found in modules().items():
        for name, node in found.names.items():
            if name.startswith("_") or (found.public is not None and name not in found.public):
                continue
            if not isinstance(node, ast.ClassDef):
                if len(parameters(node, method=False)) > FEW and not is_data(node):
                    yield f"{module}.{name}", undescribed(node)
                continue
            for method in node.body:
                if not isinstance(method, ast.FunctionDef) or method.name.startswith("_"):
                    continue
                if len(parameters(method, method=True)) > FEW:
                    base = base_method(module, node, method.name)
                    doc = ast.get_docstring(method)
                    judged = base if base is not None and "Args:" not in (doc or "") else method
                    yield f"{module}.{name}.{method.name}", undescribed(judged, method=True)


def test_every_parameter_is_described():
    found = dict(public())
    assert len(found) > 100
    assert {name: missing for name, missing in found.items() if missing} == {}


@pytest.mark.parametrize(
    ("source", "missing"),
    [
        ("def f(a, b, c):\n    '''Does it.'''", ["a", "b", "c"]),
        ("def f(a, b, c):\n    '''Does it.\n\n    Args:\n        a, b: x.\n    '''", ["c"]),
        ("def f(a, *b, **c):\n    '''Does it.\n\n    Args:\n        a: x.\n        *b: x.\n"
         "        **c: x.\n    '''", []),
        ("def f(a, *, b):\n    '''Does it.\n\n    Returns:\n        a: x.\n        b: x.\n    '''",
         ["a", "b"]),
        ("def f(model, layer):\n    '''Arguments as in `part1_focused.split`.'''", []),
        ("def f(model, n):\n    '''Arguments as in `part1_focused.split`.'''", ["model", "n"]),
    ],
)  # fmt: skip
def test_what_is_silent_is_found(source, missing):
    assert undescribed(ast.parse(source).body[0]) == missing
