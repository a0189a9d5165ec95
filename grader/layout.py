"""What of this package is whose: the one place that names its files.

* A **guest** loads a few folders before the lockdown, and may read nothing of ours after it.
* **Students** get no file that would give the homework away, and no command for instructors.
* **Hidden checks** are those whose module lies in one folder.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import grader

__all__ = [
    "ENTRY",
    "GUEST",
    "HIDDEN",
    "HOME",
    "INSTRUCTORS",
    "OURS",
    "PACKAGE",
    "PACKAGES",
    "README",
    "data",
    "for_instructors",
    "is_hidden",
    "reference",
]

PACKAGE = Path(grader.__file__).absolute().parent
"""The folder of this package."""

HOME = PACKAGE.parent
"""The folder that holds it: a checkout, or where packages are installed."""

ENTRY = PACKAGE / "entry"
"""In a checkout, what commands start with; a wheel has these files at its top."""

PACKAGES = ("grader", "reference")
"""What a submission must not import."""

GUEST = (
    *("__init__.py", "errors.py", "layout.py", "records.py", "text.py"),
    *("data", "homework", "calls", "sandbox"),
)
"""What of the package a guest's process loads."""

HIDDEN = "grader.checks.hidden"
"""The package of hidden checks."""

INSTRUCTORS = (
    "audit/",
    "checks/hidden/",
    "cli/audit.py",
    "cli/explain.py",
    "cli/export.py",
    "cli/gradescope.py",
    "cli/marks.py",
    "cli/release.py",
    "cli/report.py",
    "cli/requests.py",
    "cli/similar.py",
    "cli/words.py",
    "data/student_template/",
    "gradebook/by_hand/page.py",
    "gradebook/export.py",
    "gradebook/export_canvas.py",
    "gradebook/export_feedback.py",
    "gradebook/export_gradescope.py",
    "gradebook/export_moodle.py",
    "gradebook/export_pages.py",
    "gradebook/mails.py",
    "gradebook/requests.py",
    "reference/",
    "release/",
    "report/templates/audit.html",
    "report/templates/marking.html",
    "report/templates/similar.html",
    "report/views/marking_view.py",
    "report/writers/audit.py",
    "report/writers/gradescope.py",
    "sandbox/ELSEWHERE.md",
    "similarity/",
)
"""Files and folders of the package that students do not get."""

OURS = "mistakes/base.py"
"""A file by which our own reference is known from somebody else's folder of that name."""

README = "README.md"
"""What a folder's description is called.  They are written for instructors and developers."""


def data(name: str) -> Path:
    """A file that is needed at run time."""
    return PACKAGE / "data" / name


@cache
def reference() -> Path | None:
    """The folder of the reference: beside the package in a checkout, inside it in a wheel.

    ``None`` where there is none, as in a student's package.  It is never looked for on
    ``sys.path``: a folder called ``reference`` there is somebody else's.
    """
    if (PACKAGE / "reference" / OURS).is_file():
        return PACKAGE / "reference"
    # Where packages are installed, a neighbour of that name is another project's.
    checkout = (HOME / "pyproject.toml").is_file()
    beside = HOME / "reference"
    return beside if checkout and (beside / OURS).is_file() else None


def for_instructors(name: str) -> bool:
    """Whether a file of the package, by its path in it, stays with the instructor."""
    if name.rpartition("/")[2] == README:
        return True
    return any(name == own or (own.endswith("/") and name.startswith(own)) for own in INSTRUCTORS)


def is_hidden(module: str) -> bool:
    """Whether checks of this module are hidden."""
    return module == HIDDEN or module.startswith(f"{HIDDEN}.")
