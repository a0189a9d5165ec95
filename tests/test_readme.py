"""The README says what is true: its table is the contract's, its commands and files exist."""

import re
import subprocess
import sys

import pytest

from grader.cli.main import main
from grader.homework import contract
from grading import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_table_is_the_contract_s():
    rows = []
    for part in contract.PARTS:
        rows.append(f"| **{part.id}** `{part.file}` | {part.title} | {part.points:g} points |")
        for function in contract.FUNCTIONS.values():
            if function.part == part.id:
                optional = " (optional)" if function.optional else ""
                rows.append(f"| | `{function.signature}` | {function.summary}{optional} |")
    table = README.partition("<!-- the contract -->")[2].partition("\n\n")[0].strip()
    assert table.splitlines()[2:] == rows


def test_its_commands_are_there():
    for command, options in re.findall(r"hw3 ([a-z]+)((?: (?:--[a-z]+|[A-Z.\[\]]+))*)", README):
        assert command in main.commands
        known = {o for p in main.commands[command].params for o in p.opts}
        assert {o for o in options.split() if o.startswith("--")} <= known


def test_its_files_are_there():
    named = re.findall(r"(?:python |src=\")((?:tests|fixtures|\.github)/[\w./-]+)", README)
    assert len(named) >= 7
    for name in named:
        assert (ROOT / name).is_file(), name


@pytest.mark.parametrize(
    "script", sorted(set(re.findall(r"python ((?:tests|fixtures)\S+\.py)", README)))
)
def test_its_scripts_start(script):
    """``make_digits`` has no options: it is left to its module's own import."""
    if script.endswith("make_digits.py"):
        command = [sys.executable, "-c", f"import runpy; runpy.run_path({script!r})"]
    else:
        command = [sys.executable, script, "--help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
