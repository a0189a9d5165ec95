"""Makes the autograder that Gradescope runs: a zip with the instructor's whole grader.

Gradescope shows these files to nobody but the course's staff.  A submission lies in the same
container when it runs, so that hidden checks are run only if it cannot read them: inside walls.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import grader
from grader import layout
from grader.errors import Unreleasable
from grader.grading import versions
from grader.grading.weights import Assignment
from grader.release import student
from grader.release.wheel import wheel, zipped

__all__ = ["MEMORY_GB", "archive"]

MEMORY_GB = 3
"""The memory of a container that leaves a submission the 2 GiB that it may use."""

SCRIPTS = ("setup.sh", "run_autograder")

_LEFT_OUT = ("audit/", "data/student_template/", "release/", "cli/release.py", "cli/audit.py")


def archive(assignment: Assignment, rules: bytes | None) -> bytes:
    """The zip: two scripts, the wheel, and the assignment.

    Args:
        assignment: what is graded.
        rules: the same as its file has it; ``None`` for the homework as delivered.

    Raises:
        Unreleasable: this is a student's package, which has no hidden checks.
    """
    home = Path(__file__).parent / "autograders"
    # Its shell takes no other line ends, whatever git has made of them.
    files = {name: (home / name).read_bytes().replace(b"\r\n", b"\n") for name in SCRIPTS}
    inside, name = _wheel()
    files[name] = zipped(inside)
    if rules is not None:
        files["assignment.toml"] = rules
    if assignment.packages:
        files["packages.txt"] = "".join(f"{name}\n" for name in assignment.packages).encode()
    return zipped(files, executable=SCRIPTS)


def _wheel() -> tuple[dict[str, bytes], str]:
    """The files of the instructor's wheel, and its name."""
    reference = layout.reference()
    if reference is None:
        raise Unreleasable("there is no reference beside this grader: use the instructor's own")
    package = {
        name: data
        for name, data in student.package().items()
        if not name.startswith(_LEFT_OUT) and name.rpartition("/")[2] != layout.README
    }
    files = {student.placed(name): data for name, data in package.items()}
    for path in sorted(reference.rglob("*.py")):
        place = path.relative_to(reference).as_posix()
        files[f"grader/reference/{place}"] = path.read_bytes()
    files["grader/data/graded_with.json"] = versions.noted()
    about = student.about()
    requires = versions.pinned(about.requires)
    about = replace(about, version=grader.__version__, requires=requires)
    return wheel(files, about), about.file
