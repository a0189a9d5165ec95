"""The reference solution: loaded from where it lies, under a name of the grader's own.

In a checkout it is the folder beside the package, in an instructor's wheel a folder inside it; a
student's package has none.  It is never looked for on ``sys.path``: a folder called ``reference``
in a student's repository, or on PYTHONPATH, is somebody else's.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

import grader

__all__ = ["NAME", "folder", "is_there", "load"]

NAME = "grader.reference"
"""What the package of the reference is called in this process."""

_PACKAGE = Path(grader.__file__).absolute().parent


@cache
def folder() -> Path | None:
    """The folder of the reference; ``None`` where there is none."""
    if (_PACKAGE / "reference" / "ways.py").is_file():
        return _PACKAGE / "reference"
    beside = _PACKAGE.parent / "reference"
    # Where packages are installed, a neighbour of that name is another project's.
    checkout = (_PACKAGE.parent / "pyproject.toml").is_file()
    return beside if checkout and (beside / "ways.py").is_file() else None


def is_there() -> bool:
    """Whether this grader has the reference."""
    return folder() is not None


def load(name: str) -> ModuleType:
    """A module of the reference, such as ``part1_focused``.

    Raises:
        ModuleNotFoundError: there is no reference, or it has no such module.
    """
    place = folder()
    if place is None:
        raise ModuleNotFoundError("this grader has no reference", name=NAME)
    if NAME not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            NAME, place / "__init__.py", submodule_search_locations=[str(place)]
        )
        assert spec is not None
        assert spec.loader is not None
        package = importlib.util.module_from_spec(spec)
        sys.modules[NAME] = package
        spec.loader.exec_module(package)
    return importlib.import_module(f"{NAME}.{name}")
