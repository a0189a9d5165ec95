"""Whether a file is still the one that students were given."""

from __future__ import annotations

from functools import cache

from grader import layout
from grader.submissions.names import TARGETS

__all__ = ["is_template"]


def is_template(file: str, data: bytes) -> bool:
    """Whether a file of the homework is the template's, line ends aside.

    Args:
        file: its name in the homework.
        data: its content.
    """
    template = _templates().get(file)
    return template is not None and _lines(data) == template


@cache
def _templates() -> dict[str, bytes]:
    beside = layout.HOME / "student_template"
    folder = beside if beside.is_dir() else layout.data("student_template")
    files = {name: folder / name for name in TARGETS}
    return {name: _lines(path.read_bytes()) for name, path in files.items() if path.is_file()}


def _lines(data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n").rstrip()
