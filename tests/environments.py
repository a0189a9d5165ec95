"""Fresh environments with a wheel of ours in them, beside the packages that are here."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

OURS = ("hw3_", "_hw3_grader", "grader", "__pycache__")


def once(factory, name: str, make: Callable[[Path], None]) -> Path:
    """A folder that is made once for all processes that run these tests; they only read it.

    Args:
        factory: pytest's ``tmp_path_factory``.
        name: what it is called, apart from all others.
        make: fills the folder, which is not there yet.
    """
    place = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        place = place.parent
    folder, done = place / name, place / f"{name}.made"
    with FileLock(place / f"{name}.lock"):
        if not done.exists():
            make(folder)
            done.touch()
    return folder


def install(folder: Path, wheel: Path, *options: str) -> Path:
    """A virtual environment that has the wheel, and links to all other packages; its ``bin``.

    Args:
        folder: where it is made.
        wheel: a wheel of ours, or with the option ``--editable`` before it, the project.
        options: further ones for ``pip install``.
    """
    venv.create(folder, with_pip=False)
    (site,) = folder.glob("lib/python*/site-packages")
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if not entry.name.startswith(OURS):
            (site / entry.name).symlink_to(entry)
    python = folder / "bin" / "python"
    command = [python, "-m", "pip", "install", "--quiet", "--no-deps", *options, wheel]
    done = subprocess.run(command, capture_output=True, text=True, env=clean())
    assert done.returncode == 0, done.stderr
    return folder / "bin"


def clean() -> dict[str, str]:
    """The variables of this process, without those that would bring this grader along."""
    return {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}


def check(hw3: Path, submission: Path, out: Path, *options: str):
    """What ``hw3 check`` of an environment writes as JSON, and the process that did."""
    command = [hw3, "check", submission, "--json", out, *options]
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, cwd=out.parent, env=clean()
    )
    assert "Traceback" not in done.stderr + done.stdout, done.stderr
    return json.loads(out.read_text("utf-8")) if out.is_file() else None, done


def marks(result) -> dict[str, tuple]:
    """Status, fraction and points of every check, which a ``result.json`` does not hold."""
    return {
        row["id"]: (row["status"], row["fraction"], row.get("points")) for row in result["checks"]
    }


HW3 = Path(sys.executable).parent / "hw3"
