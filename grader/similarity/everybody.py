"""Code that everybody has, or may have seen: the template, and the reference."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from grader import layout

__all__ = ["known"]


def known() -> list[Mapping[str, bytes]]:
    """The files of the template and of the reference, as far as they are here."""
    beside = layout.HOME / "student_template"
    template = beside if beside.is_dir() else layout.data("student_template")
    return [_sources(folder) for folder in (template, layout.reference()) if folder is not None]


def _sources(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.py"))}
