"""The reference is a submission: the contract's names and signatures, in files that lie flat."""

import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import reference
from grader.homework.contract import FILES, FUNCTIONS, PARTS

FOLDER = Path(reference.__file__).parent
FILE = {part.id: part.file.removesuffix(".py") for part in PARTS}
REQUIRED = [f for f in FUNCTIONS.values() if not f.optional]


@pytest.mark.parametrize("function", REQUIRED, ids=lambda f: f.name)
def test_signatures_are_the_contract_s(function):
    module = importlib.import_module(f"reference.{FILE[function.part]}")
    parameters = inspect.signature(getattr(module, function.name)).parameters.values()
    assert [(p.name, p.default) for p in parameters] == list(function.parameters)
    assert function.name in module.__all__


def test_the_files_import_flat():
    """As in a submission folder, where nothing knows of the package."""
    names = [file.removesuffix(".py") for file in FILES]
    code = f"import sys, {', '.join(names)}; sys.exit('reference' in sys.modules)"
    subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=FOLDER, check=True)
