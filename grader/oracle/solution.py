"""Loads the reference solution from its folder, under a name of the grader's own."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType

from grader import layout

__all__ = ["NAME", "load"]

NAME = "grader.reference"
"""What the package of the reference is called in this process."""


def load(name: str) -> ModuleType:
    """A module of the reference, such as ``part1_focused``.

    Raises:
        ModuleNotFoundError: there is no reference, or it has no such module.
    """
    place = layout.reference()
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
