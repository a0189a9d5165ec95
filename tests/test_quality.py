"""One command checks everything: format, lint, types and the direction of imports, too."""

import subprocess
import sys
from pathlib import Path

import pytest

from grader.calls import stub

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


def test_the_types_of_the_homework_s_functions_are_the_contract_s():
    """Made by ``python -m grader.calls.stub``; the one file that is generated and committed."""
    assert stub.FILE.read_text(encoding="utf-8") == stub.made()


def test_mypy_reads_the_calls_that_it_must_refuse():
    """Where it would accept one, the test of types fails: strict is also about unused ignores."""
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    settings = settings.partition("[tool.mypy]")[2].partition("[[")[0]
    assert "strict = true" in settings
    assert 'modules = ["wrong_calls"]' in settings
    assert (ROOT / "tests" / "wrong_calls.py").read_text(encoding="utf-8").count("ignore[") >= 9


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
