"""Loading: each file on its own, from memory, and errors in words with the student's own line."""

import importlib
import inspect
import os
import sys
from contextlib import contextmanager
from types import ModuleType

import pytest

from grader.homework import contract
from grader.sandbox.guest.loader import Loader, describe


@pytest.fixture(autouse=True)
def nobody_else_s_files(monkeypatch):
    """Where pytest ran on a submission before, it left the folder on the path."""
    names = [file.removesuffix(".py") for file in contract.FILES]
    kept = [p for p in sys.path if not os.path.isfile(os.path.join(p, contract.FILES[0]))]
    monkeypatch.setattr(sys, "path", kept)
    for name in names:
        monkeypatch.delitem(sys.modules, name, raising=False)


@contextmanager
def loaded(files, **options):
    """A loader of these files (text or bytes), installed meanwhile."""
    data = {n: t if isinstance(t, bytes) else t.encode() for n, t in files.items()}
    loader = Loader(data, **options)
    loader.install()
    try:
        yield loader
    finally:
        loader.uninstall()


def trouble(files, part="part1", *, loading="part1_focused.py", call=None):
    """What a student is told when the part is loaded, or a function of it called."""
    with loaded(files) as loader:
        try:
            namespace = loader.namespace(part)
            namespace[call]()
        except BaseException as error:
            return describe(error, loader.names, loading="" if call else loading)
    raise AssertionError("nothing was raised")


# what can be imported


def test_a_file_sees_the_other_files_helpers_and_packages():
    files = {
        "part1_focused.py": "VALUE = 1",
        "helper.py": "VALUE = 2",
        "tools/__init__.py": "from .deep import VALUE as DEEP\nVALUE = 3",
        "tools/deep.py": "from . import shared\nVALUE = 4 + shared.VALUE",
        "tools/shared.py": "VALUE = 0",
        "plain/module.py": "VALUE = 5",
        "part2_comparative.py": (
            "from part1_focused import VALUE as ONE\n"
            "import helper, tools, tools.deep, plain.module\n"
            "ALL = [ONE, helper.VALUE, tools.VALUE, tools.DEEP, plain.module.VALUE]\n"
        ),
    }
    with loaded(files) as loader:
        assert loader.namespace("part2")["ALL"] == [1, 2, 3, 4, 5]
        assert loader.namespace("part1") is vars(sys.modules["part1_focused"])
    assert not {"part1_focused", "helper", "tools", "tools.deep", "plain"} & set(sys.modules)


@pytest.mark.parametrize("name", ["torch", "random", "numpy", "torchvision", "json", "linecache"])
def test_a_file_does_not_shadow_what_is_promised(name):
    files = {
        f"{name}.py": "BAIT = 1",
        f"{name}/__init__.py": "BAIT = 1",
        "gan.py": f"import {name}",
    }
    with loaded(files) as loader:
        assert not hasattr(loader.namespace("gan")[name], "BAIT")


@pytest.mark.parametrize("name", ["grader", "grader.records", "reference", "reference.gan"])
@pytest.mark.parametrize(
    "own", [{}, {"grader.py": "", "reference/gan.py": "", "grader/records.py": ""}]
)
def test_the_graders_packages_cannot_be_imported(name, own, monkeypatch):
    for module in [n for n in sys.modules if n.partition(".")[0] in ("grader", "reference")]:
        monkeypatch.delitem(sys.modules, module)
    error = trouble({"part1_focused.py": f"\nimport {name}", **own})
    top = name.partition(".")[0]
    assert error.kind == "load"
    assert error.message == (
        f"imports '{top}', which belongs to the grader: a submission cannot import it"
    )
    assert (error.file, error.line, error.code) == ("part1_focused.py", 2, f"import {name}")


def test_a_module_knows_its_file_and_its_source():
    with loaded({"part1_focused.py": "def f():\n    return 1\n"}) as loader:
        namespace = loader.namespace("part1")
        assert namespace["__name__"] == "part1_focused"
        assert namespace["__file__"] == "part1_focused.py"
        assert inspect.getsource(namespace["f"]) == "def f():\n    return 1\n"
        assert loader.get_source("part1_focused") == "def f():\n    return 1\n"
        assert loader.get_source("part2_comparative") is None


def test_future_imports_of_the_loader_are_not_inherited():
    with loaded({"part1_focused.py": "def f(x: int): ...\n"}) as loader:
        assert loader.namespace("part1")["f"].__annotations__ == {"x": int}


def test_two_submissions_in_one_process_do_not_mix():
    one = Loader({"part1_focused.py": b"import helper\n", "helper.py": b"VALUE = 1\n"})
    two = Loader({"part1_focused.py": b"import helper\n", "helper.py": b"VALUE = 2\n"})
    try:
        for loader, expected in ((one, 1), (two, 2), (one, 1), (two, 2)):
            loader.install()
            value = loader.namespace("part1")["helper"].VALUE
            assert (value, sys.modules["helper"].VALUE) == (expected, expected)
    finally:
        one.uninstall()
        two.uninstall()
    assert "helper" not in sys.modules


def test_uninstalling_twice_or_before_installing_is_fine():
    loader = Loader({"part1_focused.py": b""})
    loader.uninstall()
    loader.install()
    loader.uninstall()
    loader.uninstall()
    with pytest.raises(ModuleNotFoundError):
        loader.namespace("part1")


# torchvision


@pytest.fixture
def stored(monkeypatch):
    """A torchvision that stands in for the installed one, not imported yet."""
    for name in [n for n in sys.modules if n.partition(".")[0] == "torchvision"]:
        monkeypatch.delitem(sys.modules, name)
    module = ModuleType("torchvision")
    module.__spec__ = importlib.machinery.ModuleSpec("torchvision", None)

    def give():
        sys.modules["torchvision"] = module
        return False

    monkeypatch.setattr("grader.sandbox.guest.loader.import_torchvision", give)
    yield module
    sys.modules.pop("torchvision", None)


def test_torchvision_is_imported_once_by_the_one_place_that_knows_how(stored):
    spec = stored.__spec__
    with loaded({"part1_focused.py": "import torchvision\nimport torchvision as again"}) as loader:
        assert loader.namespace("part1")["torchvision"] is stored
        assert loader.namespace("part1")["again"] is stored
    assert stored.__spec__ is spec


def test_torchvision_that_cannot_be_imported_is_not_the_students_choice(monkeypatch, stored):
    def fail():
        raise ModuleNotFoundError("No module named 'torchvision'", name="torchvision")

    monkeypatch.setattr("grader.sandbox.guest.loader.import_torchvision", fail)
    error = trouble({"part1_focused.py": "import torchvision"})
    assert error.message == ("imports 'torchvision', which does not exist in the installed version")


# what goes wrong while loading


def test_a_broken_file_costs_those_that_import_it_and_no_other():
    files = {
        "part1_focused.py": "x = 1\ndef f(:\n",
        "part2_comparative.py": "import part1_focused",
        "part3_compression.py": "VALUE = 3",
        "gan.py": "try:\n    import part1_focused\nexcept SyntaxError:\n    VALUE = 4",
    }
    for part in ("part1", "part2"):
        error = trouble(files, part, loading="any")
        assert (error.kind, error.file, error.line) == ("load", "part1_focused.py", 2)
        assert error.code == "def f(:"
        assert error.message.startswith("Python cannot read the file: ")
        assert "SyntaxError" in error.types
    with loaded(files) as loader:
        assert loader.namespace("part3")["VALUE"] == 3
        assert loader.namespace("gan")["VALUE"] == 4


@pytest.mark.parametrize(
    ("source", "line", "words"),
    [
        (b"x = 1\ny = 'caf\xe9'\n", 2, "not UTF-8"),
        (b"# caf\xe9\n", 1, "not UTF-8"),
        (b"x = 1\r\n\r\n# caf\xe9\r\n", 3, "not UTF-8"),
        ("x = 'é'\n".encode("utf-16"), 1, "null bytes"),
        (b"x = 1\ny = '\0'\n", 2, "null bytes"),
        (b"# coding: nonsense\n", 1, "unknown encoding: nonsense"),
        (b"if True:\nx = 1\n", 2, "indented block"),
    ],
)
def test_a_file_that_python_cannot_read_is_a_syntax_error(source, line, words):
    error = trouble({"part1_focused.py": source})
    assert (error.kind, error.file, error.line) == ("load", "part1_focused.py", line)
    assert words in error.message
    assert "SyntaxError" in error.types


def test_a_declared_encoding_and_a_byte_order_mark_are_read():
    latin = b"# -*- coding: latin-1 -*-\nVALUE = 'caf\xe9'\n"
    with loaded({"gan.py": latin, "part1_focused.py": b"\xef\xbb\xbfVALUE = 1\r\n"}) as loader:
        assert loader.namespace("gan")["VALUE"] == "café"
        assert loader.namespace("part1")["VALUE"] == 1


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (
            "import part2_comparative",
            "imports 'part2_comparative', but part2_comparative.py is not",
        ),
        ("import helper.missing", "imports 'helper.missing', which is not in the submission"),
        ("import tools.missing", "imports 'tools.missing', which is not in the submission"),
        (
            "import torch.missing",
            "imports 'torch.missing', which does not exist in the installed version",
        ),
        (
            "import json.missing",
            "imports 'json.missing', which does not exist in the installed version",
        ),
        ("from helper import missing", "ImportError: cannot import name 'missing' from 'helper'"),
        ("from . import helper", "ImportError: attempted relative import"),
        (
            "import tensorflow_of_old.keras",
            "imports 'tensorflow_of_old', which submissions cannot use",
        ),
        ("raise NotImplementedError", "NotImplementedError"),
        ("raise LookupError('x')", "LookupError: x"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("exit()", "SystemExit"),
        ("assert False", "AssertionError"),
    ],
)
def test_what_stops_an_import_is_named_in_one_sentence(source, words):
    files = {"part1_focused.py": f"\n{source}\n", "helper.py": "", "tools/deep.py": ""}
    error = trouble(files)
    assert error.kind == "load"
    assert error.message.startswith(words)
    assert "\n" not in error.message
    assert (error.file, error.line, error.code) == ("part1_focused.py", 2, source)


def test_a_missing_package_says_what_is_promised():
    message = trouble({"part1_focused.py": "import tensorflow_of_old"}).message
    assert message == (
        "imports 'tensorflow_of_old', which submissions cannot use: import the standard library, "
        "torch, torchvision, numpy, PIL, or your own .py files. What only a run of your own needs "
        'belongs below `if __name__ == "__main__":`'
    )


# what goes wrong in a call

FUNCTIONS = """
import torch

def todo():
    raise NotImplementedError("later")

def calls_todo():
    return todo()

def abstract():
    return torch.nn.Module()(1)

def lookup():
    raise LookupError("mine")

def key():
    return {}["k"]

def evaluates():
    return eval("1 +")

def in_torch():
    return torch.zeros(2) @ torch.zeros(3)

def deep():
    return deep()

class Loud(Exception):
    def __str__(self):
        raise SystemExit("no text")

def loud():
    raise Loud

class Meta(type):
    __name__ = property(lambda cls: 1 / 0)

class Strange(Exception, metaclass=Meta):
    pass

def strange():
    raise Strange

def unhashable_file():
    raise SyntaxError("odd", ([], 1, 1, ""))

def odd_name():
    raise ModuleNotFoundError("odd", name=3)

def long():
    raise ValueError("x" * 10**6)

def many():
    raise type("T" * 5000, (ValueError,), {})("text")
"""


def called(name):
    return trouble({"part1_focused.py": FUNCTIONS}, call=name)


@pytest.mark.parametrize(
    ("name", "kind", "message", "code"),
    [
        ("todo", "missing", "not written yet", 'raise NotImplementedError("later")'),
        ("calls_todo", "missing", "not written yet", 'raise NotImplementedError("later")'),
        (
            "abstract",
            "raised",
            "NotImplementedError: Module [Module]",
            "return torch.nn.Module()(1)",
        ),
        ("lookup", "raised", "LookupError: mine", 'raise LookupError("mine")'),
        ("key", "raised", "KeyError: 'k'", 'return {}["k"]'),
        ("evaluates", "raised", "SyntaxError: ", 'return eval("1 +")'),
        ("in_torch", "raised", "RuntimeError: ", "return torch.zeros(2) @ torch.zeros(3)"),
        ("deep", "raised", "RecursionError: maximum recursion depth", "return deep()"),
        ("loud", "raised", "Loud: (its text cannot be shown)", "raise Loud"),
        ("long", "raised", "ValueError: xxx", 'raise ValueError("x" * 10**6)'),
    ],
)
def test_an_error_in_a_call_has_the_students_own_line(name, kind, message, code):
    error = called(name)
    assert error.kind == kind
    assert error.message.startswith(message)
    assert (error.file, error.code) == ("part1_focused.py", code)
    assert FUNCTIONS.splitlines()[error.line - 1].strip() == code


def test_our_own_lookup_error_says_which_function_is_missing():
    error = describe(LookupError("top_neurons"), {})
    assert (error.kind, error.message) == ("missing", "top_neurons is not defined")


@pytest.mark.parametrize("name", ["strange", "unhashable_file", "odd_name"])
def test_an_exception_that_fights_back_is_still_reported(name):
    error = called(name)
    assert error.kind == "raised"
    assert error.message == "an exception that cannot be shown"


@pytest.mark.parametrize("name", ["long", "many"])
def test_what_an_error_says_is_capped(name):
    error = called(name)
    assert len(error.message) <= 2000
    assert max(map(len, error.types)) <= 100
    assert error.types[-2:] == ("Exception", "BaseException")


def test_what_a_metaclass_says_of_its_classes_does_not_count():
    class Meta(type):
        __mro__ = ()

    class NamelessError(ValueError, metaclass=Meta):
        pass

    assert type(NamelessError()).__mro__ == ()
    error = describe(NamelessError("text"), {})
    assert error.message == "NamelessError: text"
    assert error.types == ("NamelessError", "ValueError", "Exception", "BaseException")
