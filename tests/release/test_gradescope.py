"""What Gradescope runs: a zip that grades a submission in the folders that Gradescope lays out."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

import cases
import environments
from grader.cli import gradescope as command
from grader.cli.main import main
from grader.errors import GuestUnusable
from grader.grading import engine
from grader.homework.contract import FUNCTIONS
from grader.release import gradescope
from grader.sandbox.isolation.modes import NO_WALLS
from gradescope_root import laid_out, run, stub
from schemas import problems
from wheel_contents import NEEDED

ZERO = "".join(f"{name} = 0\n" for name in FUNCTIONS if name != "top_neurons")
RULES = f"seed = 123456789\n[points]\n{ZERO}"
"""One quick function, its hidden checks included."""

SPY = """
try:
    SEEN = open({path!r}).read()
except OSError:
    SEEN = ""
if SEEN:
    raise ValueError("it can read the seed")
"""


def read(root):
    text = (root / "results" / "results.json").read_text(encoding="utf-8")
    document = json.loads(text)
    assert problems("gradescope_results", document) == []
    return document


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gradescope")
    (folder / "assignment.toml").write_text(RULES)
    file = folder / "autograder.zip"
    options = ["--assignment", str(folder / "assignment.toml")]
    done = CliRunner().invoke(main, ["release", "gradescope", str(file), *options])
    assert done.exit_code == 0, done.output
    assert f"{gradescope.MEMORY_GB} GB of memory" in done.output
    return file


def test_the_zip_holds_the_scripts_the_whole_grader_and_the_assignment(archive):
    with zipfile.ZipFile(archive) as packed:
        modes = {e.filename: e.external_attr >> 16 & 0o111 for e in packed.infolist()}
        (wheel,) = (name for name in modes if name.endswith(".whl"))
        assert set(modes) == {"setup.sh", "run_autograder", "assignment.toml", wheel}
        assert modes["run_autograder"]
        assert packed.read("run_autograder").startswith(b"#!")
        assert packed.read("assignment.toml").decode() == RULES
        with packed.open(wheel) as file, zipfile.ZipFile(file) as inside:
            names = set(inside.namelist())
    assert {name for name in NEEDED if "student_template" not in name} <= names
    assert "grader/checks/hidden/part1/neurons.py" in names


@pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")
@pytest.mark.parametrize("name", gradescope.SCRIPTS)
def test_the_scripts_are_right_for_bash(name):
    script = Path(gradescope.__file__).parent / "autograders" / name
    done = subprocess.run(["bash", "-n", script], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(sys.platform != "linux", reason="reads proportional set sizes")
@pytest.mark.parametrize(
    "installs", [False, pytest.param(True, marks=pytest.mark.weekly)], ids=["here", "installed"]
)
def test_a_submission_is_graded_in_gradescope_s_folders(archive, tmp_path, installs):
    root = tmp_path / "autograder"
    case = cases.write("no_path", tmp_path)
    laid_out(archive, root, case)
    spy = SPY.format(path=str(root / "source" / "assignment.toml"))
    file = root / "submission" / "part1_focused.py"
    file.write_text(
        spy + "if SEEN:\n    raise ValueError('it can read the seed')\n" + file.read_text()
    )
    (wheel,) = (root / "source").glob("*.whl")
    if installs:
        environments.install(root / "venv", wheel)
    else:
        stub(root / "venv" / "bin")
    peak = run(root).peak
    document = read(root)
    assert "not finished" not in document["output"]
    assert "read the seed" not in json.dumps(document)
    hidden = [test for test in document["tests"] if test["name"].startswith("Hidden")]
    if command.PUBLIC_ONLY in document["output"]:
        assert hidden == []
    else:
        (hidden,) = hidden
        assert hidden["max_score"] > 0
    assert 0 < document["score"] < sum(test["max_score"] for test in document["tests"])
    assert 100 < peak < gradescope.MEMORY_GB * 1024 - 2048  # 2 GiB are the submission's


@pytest.fixture
def root(archive, tmp_path):
    return laid_out(archive, tmp_path / "autograder", cases.write("no_path", tmp_path))


def grade(root):
    return CliRunner().invoke(main, ["gradescope", str(root)])


def test_without_isolation_only_public_checks_run_and_that_is_said(root, monkeypatch):
    monkeypatch.setattr(command, "choose_walls", lambda *_, **__: NO_WALLS)
    ran = []
    monkeypatch.setattr(engine, "run", lambda checks, opened: iter(ran.extend(checks) or ()))
    assert grade(root).exit_code == 0
    assert ran
    assert not any(check.hidden for check in ran)
    assert read(root)["output"].startswith(command.PUBLIC_ONLY)


@pytest.mark.parametrize("after", [0, 1])
def test_what_a_crash_leaves_is_valid_and_says_that_it_is_not_all(root, monkeypatch, after):
    truly = engine.run

    def breaks(checks, opened):
        for number, outcome in enumerate(truly(checks, opened)):
            if number == after:
                raise RuntimeError("the power went out")
            yield outcome

    monkeypatch.setattr(command, "choose_walls", lambda *_, **__: NO_WALLS)
    monkeypatch.setattr(engine, "run", breaks)
    assert isinstance(grade(root).exception, RuntimeError)
    document = read(root)
    assert len(document["tests"]) == after
    assert f"Grading has not finished: {after} of" in document["output"]


def test_what_cannot_be_read_is_said_to_the_student(root, monkeypatch):
    monkeypatch.setattr(command, "choose_walls", lambda *_, **__: NO_WALLS)
    shutil.rmtree(root / "submission")
    (root / "submission").mkdir()
    (root / "submission" / "essay.pdf").write_bytes(b"%PDF")
    assert grade(root).exit_code == 0
    document = read(root)
    assert document["score"] == 0
    assert "is not a mark" in document["output"]
    assert "part1_focused.py" in document["output"]


def test_a_machine_that_runs_nothing_is_not_the_student_s_fault(root, monkeypatch):
    def refuses(checks, opened):
        raise GuestUnusable("no process can start")
        yield

    monkeypatch.setattr(command, "choose_walls", lambda *_, **__: NO_WALLS)
    monkeypatch.setattr(engine, "run", refuses)
    assert grade(root).exit_code == 3
    assert "not your fault" in read(root)["output"]


def test_a_file_that_is_no_zip_is_refused(tmp_path):
    done = CliRunner().invoke(main, ["release", "gradescope", str(tmp_path / "autograder.tar")])
    assert done.exit_code == 2
    assert "must end in .zip" in done.output
    assert os.listdir(tmp_path) == []
