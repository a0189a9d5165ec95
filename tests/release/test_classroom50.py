"""What Classroom 50 gets: an autograder that runs in a student's checkout."""

import json
import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

import cases
import environments
from grader.cli.main import main
from grader.grading.weights import Assignment
from grader.homework.contract import FUNCTIONS
from grader.release import classroom50
from grader.release import student as bundles
from grader.release.autograders import classroom50 as autograder
from grading import ROOT
from schemas import SUBMISSION, problems

posix = pytest.mark.skipif(sys.platform == "win32", reason="Classroom 50 runs on Linux")

ONLY = Assignment(points={name: 0 for name in FUNCTIONS if name != "top_neurons"})
"""One quick function, so that the whole of it takes seconds."""


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    folder = tmp_path / "checkout"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@posix
@pytest.mark.parametrize(
    ("ended", "writes", "status"),
    [(0, 1, 0), (1, 1, 0), (2, 0, 2), (3, 0, 3), (3, 1, 3), (1, 0, 3)],
)
def test_exit_statuses_say_whether_grading_ran(checkout, monkeypatch, ended, writes, status):
    command = checkout.parent / "hw3"
    command.write_text(f"#!/bin/sh\n{'echo > result.json' if writes else ''}\nexit {ended}\n")
    command.chmod(0o755)
    monkeypatch.setattr(autograder, "_hw3", lambda: command)
    (checkout / "result.json").write_text("committed by the student")
    assert autograder.main() == status
    assert (checkout / "result.json").exists() == bool(writes)


@posix
@pytest.mark.weekly
def test_a_checkout_is_graded_from_what_is_released(tmp_path):
    """As on the runner: the files in a folder of their own, the checkout as working directory."""
    made = classroom50.of_bundle(bundles.made(bundles.package(), bundles._template(), ONLY))
    assert {check.function for check in made.bundle.checks} == {"top_neurons"}
    assert sum(map(len, made.files.values())) < 10e6  # more is not fetched
    bundles.write(made.files, tmp_path / "autograder")
    (wheel,) = (tmp_path / "autograder").glob("*.whl")
    python = environments.install(tmp_path / "venv", wheel) / "python"

    checkout = cases.write("no_path", tmp_path)
    for name in ("torch.py", "pip.py", "grader.py", "json.py"):  # none of them is imported
        (checkout / name).write_text("raise SystemExit('shadowed')")
    (checkout / "result.json").symlink_to(tmp_path / "elsewhere")
    (checkout / "wheels").mkdir()
    (checkout / "wheels" / "hw3_grader-0+student.older-py3-none-any.whl").write_bytes(b"")
    done = subprocess.run(
        [python, tmp_path / "autograder" / "autograder.py"],
        cwd=checkout,
        env={**environments.clean(), **SUBMISSION},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (tmp_path / "elsewhere").exists()
    document = json.loads((checkout / "result.json").read_text(encoding="utf-8"))
    assert problems("classroom50_result", document) == []
    assert (document["score"], document["max-score"]) == (75, 150)
    body = (checkout / "release-body.md").read_text(encoding="utf-8")
    assert body.startswith("## Homework 3: 0.75 / 1.5 points\n")
    assert "<html" in (checkout / "report.html").read_text(encoding="utf-8")


def test_the_autograder_installs_the_torch_of_the_template():
    workflow = (ROOT / "student_template/.github/workflows/hw3.yml").read_text(encoding="utf-8")
    assert " ".join(f'"{name}"' for name in autograder.TORCH) in workflow
    assert " ".join(autograder.CPU) in workflow


def test_a_folder_that_is_there_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    done = CliRunner().invoke(main, ["release", "classroom50", str(tmp_path)])
    assert done.exit_code == 2
    assert "name a new folder" in done.output
    assert os.listdir(tmp_path) == ["file"]
