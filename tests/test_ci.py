"""The jobs of the students' template: what each system receives.

The commands are taken out of the workflow files and run with that system's variables, on one quick
function instead of all: as written; where only what ``hw3`` does is asked, that in this process.
"""

import json
import os
import re
import shlex
import subprocess
import sys
from xml.etree import ElementTree as ET

import pytest
import yaml
from click.testing import CliRunner

import cases
from ci_readers import Markdown, carried_out, junit_problems
from grader.cli.main import main
from grading import ROOT

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the jobs' shell is bash")

TEMPLATE = ROOT / "student_template"
HALF_RIGHT = "no_path"
MAIN = "from grader.cli.main import main; main()"
QUICK = "--only top_neurons --json result.json"

HOSTILE = r'''
TEXT = """
::error file=x::forged
 ::stop-commands::forged
##[error]forged %0A::warning::forged\r::debug::forged
::{token}:: </summary></pre></details> <img src=x> @everyone |a|b| `code` [l](https://evil.invalid)
\x1b[31mred\x1b[0m \x1b]8;;https://evil.invalid\x07link\x1b]8;;\x07 section_start:1:x\r\x1b[0K
"""
print(TEXT)


def top_neurons(attribution, k=1):
    print(TEXT)
    raise ValueError(TEXT)  # ::error::forged ##[error]forged
'''


def job_of(system):
    """The commands of the job's step that checks."""
    name = ".gitlab-ci.yml" if system == "gitlab" else ".github/workflows/hw3.yml"
    document = yaml.safe_load((TEMPLATE / name).read_text(encoding="utf-8"))
    if system == "gitlab":
        return "\n".join(document["hw3"]["script"])
    steps = document["jobs"]["hw3"]["steps"]
    return next(step["run"] for step in steps if step.get("id") == "hw3")


def clean():
    taken = ("GITHUB_", "GITLAB_", "CI_")
    return {n: v for n, v in os.environ.items() if not n.startswith(taken)}


class Run:
    """A job that runs in a repository: its log, its exit status and its files."""

    def __init__(self, folder, system, **changed):
        self.repository = folder / "repository"
        variables = {"GITLAB_CI": "true", "CI_PROJECT_DIR": str(self.repository)}
        if system == "github":
            self.summary_file = folder / "GITHUB_STEP_SUMMARY"
            variables = {"GITHUB_STEP_SUMMARY": str(self.summary_file)}
            variables |= {"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(self.repository)}
        self.variables = {**clean(), **variables, **changed}
        self.command, count = re.subn(r"hw3 check\b", f"hw3 check {QUICK}", job_of(system))
        assert count == 1

    def as_written(self, folder):
        """Run it by the shell."""
        bin = folder / "bin"
        bin.mkdir(exist_ok=True)
        hw3 = bin / "hw3"  # the one that is tested, however it is installed
        hw3.write_text(f"#!/bin/sh\nexec {shlex.quote(sys.executable)} -c '{MAIN}' \"$@\"\n")
        hw3.chmod(0o755)
        done = subprocess.run(
            ["bash", "-e", "-c", self.command],
            cwd=self.repository,
            env={**self.variables, "PATH": f"{bin}:{os.environ['PATH']}"},
            capture_output=True,
        )
        # Two pipes: a runner may read one behind the other.
        self.log, self.status = (done.stdout + done.stderr).decode(), done.returncode
        return self

    def here(self, monkeypatch):
        """Carry out its ``hw3``."""
        (line,) = re.findall(r"hw3 check .*", self.command)
        for name in set(os.environ) - set(self.variables):
            monkeypatch.delenv(name)
        for name, value in self.variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(self.repository)
        done = CliRunner().invoke(main, shlex.split(line)[1:])
        self.log, self.status = done.output, done.exit_code
        return self

    def read(self, name):
        return (self.repository / name).read_text(encoding="utf-8")

    @property
    def result(self):
        return json.loads(self.read("result.json"))

    @property
    def summary(self):
        return Markdown(self.summary_file.read_text(encoding="utf-8"))


@pytest.fixture
def folder(tmp_path):
    cases.write(HALF_RIGHT, tmp_path).rename(tmp_path / "repository")
    return tmp_path


@pytest.fixture(scope="module")
def half_right(tmp_path_factory):
    """A half-right submission's run on GitHub."""
    folder = tmp_path_factory.mktemp("half_right")
    cases.write(HALF_RIGHT, folder).rename(folder / "repository")
    return Run(folder, "github").as_written(folder)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """A hostile submission's run on GitHub."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "repository").mkdir()
    (folder / "repository" / "part1_focused.py").write_text(HOSTILE)
    return Run(folder, "github").as_written(folder)


def test_github_gets_summary_annotations_and_files(half_right):
    run = half_right
    assert run.status == 1
    score = run.result["score"]
    assert (score["earned"], score["possible"]) == (0.75, 1.5)

    assert run.summary.ours.startswith("## Homework 3: 0.75 / 1.5 points\n")
    assert "What to fix first" in run.summary.ours
    assert "Put the strongest neuron first" in run.summary.quoted[0]

    source = run.read("part1_focused.py").split("\n")
    commands = carried_out(run.log)
    assert [name for name, _, _ in commands] == ["warning"]  # of two checks with one mistake
    for _, properties, message in commands:
        assert properties["file"] == "part1_focused.py"
        assert source[int(properties["line"]) - 1].startswith("def top_neurons(")
        assert "not strongest first" in message

    tests = list(ET.fromstring(run.read("hw3.xml")).iter("testcase"))
    assert junit_problems(run.read("hw3.xml")) == ""
    assert len(tests) == len(run.result["checks"])
    assert "<html" in run.read("report.html")


def test_gitlab_gets_summary_code_quality_and_files(folder):
    run = Run(folder, "gitlab").as_written(folder)
    assert run.status == 1
    assert "::" not in run.log
    assert run.read("hw3-summary.md").startswith("## Homework 3: 0.75 / 1.5 points\n")
    quality = json.loads(run.read("gl-code-quality-report.json"))
    assert {f["location"]["path"] for f in quality} == {"part1_focused.py"}
    assert {f["severity"] for f in quality} == {"minor"}
    assert len(quality) == 1  # two checks found one mistake
    assert junit_problems(run.read("hw3.xml")) == ""
    kept = yaml.safe_load((TEMPLATE / ".gitlab-ci.yml").read_text())["hw3"]["artifacts"]
    for name in (*kept["paths"], *kept["reports"].values()):
        assert (run.repository / name).is_file(), name


def test_a_hostile_submission_says_it_and_no_more(hostile):
    run = hostile
    commands = carried_out(run.log)
    assert {name for name, _, _ in commands} == {"error"}
    for _, properties, message in commands:
        assert set(properties) == {"file", "line", "title"}
        assert run.read("part1_focused.py").split("\n")[int(properties["line"]) - 1].strip()
        assert message.startswith("top_neurons raised ValueError: ::error file=x::forged")
    assert "forged" in run.log
    assert "\x1b" not in run.log
    for acts in ("forged", "@everyone", "evil.invalid", "<img", "`"):
        assert acts not in run.summary.ours, acts
    assert "@everyone" in run.summary.quoted[0]
    assert not any("<" in block for block in run.summary.raw)
    assert junit_problems(run.read("hw3.xml")) == ""


def test_the_log_s_fence_cannot_be_guessed(half_right, hostile):
    tokens = set()
    for log in (half_right.log, hostile.log):
        (token,) = re.findall(r"^::stop-commands::(\w{32})$", log, re.MULTILINE)
        assert log.count(f"\n::{token}::\n") == 1
        tokens.add(token)
    assert len(tokens) == 2


@pytest.mark.parametrize(
    ("system", "variable"), [("github", "GITHUB_STEP_SUMMARY"), ("gitlab", "CI_PROJECT_DIR")]
)
def test_what_cannot_be_written_is_said_and_changes_nothing(folder, system, variable, monkeypatch):
    (folder / "file").write_text("")
    run = Run(folder, system, **{variable: str(folder / "file" / "there")}).here(monkeypatch)
    assert run.status == 1
    assert run.result["score"]["earned"] == 0.75
    (line,) = [line for line in run.log.split("\n") if "The summary cannot be written" in line]
    assert line.endswith("the marks do not change.")
    assert "Traceback" not in run.log


def test_on_github_what_is_refused_is_fenced_too(folder):
    hidden = folder / "repository" / "##[error]forged"
    hidden.mkdir()
    (hidden / "part1_focused.py").write_text("")
    (folder / "repository" / "part1_focused.py").unlink()
    run = Run(folder, "github").as_written(folder)
    assert run.status == 2
    assert "##[error]forged" in run.log
    assert carried_out(run.log) == []


def test_without_a_system_no_file_is_written(folder, monkeypatch):
    before = set(os.listdir(folder / "repository"))
    run = Run(folder, "gitlab", GITLAB_CI="").here(monkeypatch)
    assert run.status == 1
    written = {path.name for path in run.repository.iterdir()} - before
    assert written == {"result.json", "hw3.xml", "report.html"}
