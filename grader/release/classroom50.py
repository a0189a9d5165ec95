"""Makes what Classroom 50 grades with: ``autograder.py``, and the students' wheel beside it.

Both are published on a page that anybody can read who finds it, so there are public checks only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from grader.grading.weights import Assignment
from grader.release import freeze, student
from grader.release.autograders import classroom50

__all__ = ["Autograder", "build", "of_bundle"]


@dataclass(frozen=True)
class Autograder:
    """What goes into an assignment's folder.

    Args:
        files: by name.
        bundle: what students get, whose wheel this is.
    """

    files: Mapping[str, bytes]
    bundle: student.Bundle


def build(assignment: Assignment, said: freeze.Said) -> Autograder:
    """Make everything in memory, search it for what gives the homework away, and try it.

    Raises:
        Unreleasable: it would give something away, or it would not work.
    """
    return of_bundle(student.build(assignment, said))


def of_bundle(bundle: student.Bundle) -> Autograder:
    """The same, of what was made for students already."""
    wheel = PurePosixPath(bundle.wheel).name
    script = Path(classroom50.__file__).read_bytes()
    return Autograder({"autograder.py": script, wheel: bundle.files[bundle.wheel]}, bundle)
