"""``pytest --hw3``: the public checks as pytest's own items, for those who work with pytest.

It is advisory, for students and for CI on their repositories: conftest files, options and other
plug-ins of a folder have a say in what pytest does.  Grading never runs pytest on a submission.

Until it is asked for, by ``--hw3`` or by ``hw3 = true`` in the folder's configuration of pytest,
this module does nothing and imports nothing: pytest reads it wherever the grader is installed, also
in projects with a package of their own called ``grader``.
"""

from __future__ import annotations

import importlib
import sys

import pytest

__all__ = ["pytest_addoption", "pytest_configure"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--hw3``, and the same in a configuration file."""
    words = "Run the public checks of homework 3 on the files in this folder."
    group = parser.getgroup("hw3", "homework 3")
    group.addoption("--hw3", action="store_true", help=f"{words} It is advisory.")
    parser.addini("hw3", words, type="bool", default=False)


def pytest_configure(config: pytest.Config) -> None:
    """Bring in the checks where they were asked for."""
    try:
        wanted = config.getoption("hw3") or config.getini("hw3")
    except (ValueError, pytest.UsageError):  # the latter does not say of which option
        raise pytest.UsageError("hw3 in pytest's configuration has to be true or false") from None
    if not wanted:
        return
    if not hasattr(pytest, "Directory"):
        raise pytest.UsageError(
            f"--hw3 needs pytest 8 or newer, and this is {pytest.__version__}; "
            "`pip install --upgrade pytest` brings it, and `hw3 check` does without"
        )
    from hw3_cli import foreign

    if why := foreign():
        pytest.exit(f"--hw3 cannot be used here: {why}", returncode=2)
    if sys.flags.optimize > 1:
        pytest.exit(
            "--hw3 cannot be used here: Python leaves out docstrings, which are the checks' "
            "titles; unset PYTHONOPTIMIZE, and start Python without -OO",
            returncode=2,
        )
    try:
        from grader.pytest_plugin.plugin import Homework

        importlib.import_module("torch")  # what checks are made of does not import it
    except Exception:
        from grader.grading.environment import unusable

        if why := unusable():
            raise pytest.UsageError(f"{why}; `hw3 doctor` says more") from None
        raise
    homework = Homework(config)
    config.pluginmanager.register(homework, "hw3-checks")
    config.add_cleanup(homework.close)
