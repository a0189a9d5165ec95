"""What the instructor's wheel holds: ``python tests/wheel_contents.py dist`` says what is wrong.

Importing a wheel's names must not shadow anybody's: only the package and the two modules that
commands start with lie at its top, and never a ``reference`` or ``tests``.
"""

import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path

TOPS = {"grader", "hw3_cli.py", "hw3_pytest.py"}

NEEDED = {
    "grader/__init__.py",
    "grader/py.typed",
    "grader/calls/signatures.pyi",
    "grader/checks/hidden/part2.py",
    "grader/data/frozen.safetensors",
    "grader/data/student_template/part1_focused.py",
    "grader/reference/__init__.py",
    "grader/reference/mistakes/base.py",
    "grader/reference/part1_focused.py",
    "grader/report/templates/report.html",
    "hw3_cli.py",
    "hw3_pytest.py",
}


def problems(names: Iterable[str]) -> list[str]:
    """What is wrong with a wheel that has these files; nothing if it is right."""
    names = list(names)
    tops = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    return [
        *(f"{name} is missing" for name in sorted(NEEDED - set(names))),
        *(f"{top} must not be at the top" for top in sorted(tops - TOPS)),
        *(f"{name} must not be in it" for name in names if _stray(name)),
    ]


def _stray(name: str) -> bool:
    folders = name.split("/")[:-1]
    return name.endswith(".pyc") or "tests" in folders or folders[:2] == ["grader", "entry"]


def main(folder: str) -> int:
    (wheel,) = Path(folder).glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    found = problems(names)
    print("\n".join(found) or f"{wheel.name}: {len(names)} files, as they should be")
    return len(found) > 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
