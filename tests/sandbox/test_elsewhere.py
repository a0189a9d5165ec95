"""Grading on macOS and Windows: a container that fits the repository, and words that lead there."""

import re
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import cases
from grader.cli import grade as command
from grader.cli.main import main
from grader.errors import NoWalls
from grader.release import gradescope
from grader.sandbox.host import process
from grader.sandbox.isolation import probe
from grading import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE = ROOT / "grader" / "sandbox" / "Containerfile"
PAGE = "grader/sandbox/ELSEWHERE.md"


@pytest.fixture(scope="module")
def steps():
    """The file's instructions, each on one line."""
    text = FILE.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    return [line.split(" ", 1) for line in lines if not line.startswith("#")]


def test_the_container_gets_every_file_that_the_wheel_is_made_of(steps):
    copied = {name for word, rest in steps if word == "COPY" for name in rest.split()[:-1]}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]
    about = project["project"]
    assert copied == {"pyproject.toml", about["readme"], *about["license-files"], *wheel}
    assert all((ROOT / name).exists() for name in copied)


def test_the_container_installs_what_other_linux_machines_get(steps):
    runs = " ".join(rest for word, rest in steps if word == "RUN")
    setup = Path(gradescope.__file__).parent / "autograders" / "setup.sh"
    text = setup.read_text(encoding="utf-8")
    pattern = r"--no-install-recommends ([\w -]+)"
    here, there = (set(re.findall(pattern, t)[0].split()) for t in (runs, text))
    assert here == there - {"python3", "python3-venv"} == {"bubblewrap", "libseccomp2"}
    torch = r'"(torch(?:vision)?>=[^"]+)"'
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert re.findall(torch, runs) == re.findall(torch, text) == re.findall(torch, project)


def test_no_step_needs_a_folder_of_this_machine(steps):
    assert dict(steps)["ENTRYPOINT"] == '["hw3"]'
    assert dict(steps)["FROM"].startswith("docker.io/library/python:3.")
    assert not [rest for word, rest in steps if word == "ADD" or "~" in rest or "/home" in rest]


def test_where_nothing_isolates_the_refusal_leads_to_the_page(monkeypatch):
    monkeypatch.setattr(process, "FORKS", False)
    with pytest.raises(NoWalls, match=re.escape(PAGE)):
        probe.choose("auto")
    assert (ROOT / PAGE).is_file()


@pytest.mark.parametrize("linux", [True, False])
def test_the_first_run_says_it_too(tmp_path, monkeypatch, linux):
    monkeypatch.setattr(process, "FORKS", linux)
    monkeypatch.setattr(command._Run, "all", lambda run, *_: 0)
    cases.write("syntax_error", tmp_path)
    source, out = tmp_path / "syntax_error", tmp_path / "graded"
    arguments = ["grade", str(source), "--out", str(out), "--sandbox", "none"]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    said = " ".join(done.output.split())
    assert "UNSANDBOXED" in said
    assert (PAGE in said) == (not linux)
