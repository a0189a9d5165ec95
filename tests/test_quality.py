"""One command checks everything: format, lint, types and the direction of imports, too."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent

COMMANDS = {
    "format": ["ruff", "format", "--check", "."],
    "lint": ["ruff", "check", "."],
    "types": ["mypy"],
    "layers": ["lint-imports", "--no-cache"],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_quality(name):
    command, *arguments = COMMANDS[name]
    done = subprocess.run(
        [BIN / command, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


def test_every_module_says_what_it_offers():
    for path in sorted((ROOT / "grader").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        assert text.startswith('"""'), path
        if path.name != "__init__.py":
            assert "\n__all__" in text, path


def test_files_stay_short():
    """If one grows, it is two things."""
    long = {
        str(path.relative_to(ROOT)): lines
        for folder in ("grader", "reference")
        for path in (ROOT / folder).rglob("*.py")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 450
    }
    assert long == {}
