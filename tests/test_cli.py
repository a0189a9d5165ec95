"""The command line, as instructors and students use it; bad input gets one sentence and exit 2."""

import csv
import importlib.machinery
import io
import json
import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import psutil
import pytest
from click.testing import CliRunner

from grader.checks.framework import registry
from grader.cli import doctor
from grader.cli.main import main
from grader.diagnosis.sentences import SENTENCES
from grader.grading import batch
from grading import ROOT, Inline

PART3 = (ROOT / "reference" / "part3_compression.py").read_text()
PART1 = (ROOT / "reference" / "part1_focused.py").read_text()
ONLY = "evaluate.counts_right"


def hw3(*arguments):
    return CliRunner().invoke(main, [str(a) for a in arguments])


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "ada"
    made.mkdir()
    (made / "part1_focused.py").write_text(PART1)
    (made / "part3_compression.py").write_text(PART3)
    return made


def refused(result, *words):
    assert result.exit_code == 2
    assert isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.output
    message = " ".join(result.output.split())
    for word in words:
        assert word in message


def test_quick_says_what_it_left_out(tmp_path):
    (tmp_path / "gan.py").write_text("def make_generator(latent_dim):\n    raise SystemExit\n")
    result = hw3("check", tmp_path, "--part", "gan", "--quick", "--sandbox", "none")
    assert "train.learns_the_digits, 4 points" in " ".join(result.output.split())
    for wish in (("--part", "part3"), ("--only", "make_generator")):
        result = hw3("check", tmp_path, *wish, "--quick", "--sandbox", "none")
        assert "Not checked" not in result.output


def test_check_passes_fails_and_writes(folder, tmp_path):
    page, data = tmp_path / "out" / "report.html", tmp_path / "result.json"
    wanted = ("--html", page, "--json", data, "--sandbox", "none")
    result = hw3("check", folder, "--only", ONLY, *wanted)
    assert result.exit_code == 0
    assert "UNSANDBOXED" in result.output
    assert "1.5 / 1.5" in result.output
    assert "<html" in page.read_text()
    document = json.loads(data.read_text())
    assert [c["status"] for c in document["checks"]] == ["passed"]
    assert document["sandbox"]["unsandboxed"] is True
    assert not any(c["hidden"] for c in document["checks"])

    (folder / "part3_compression.py").write_text(PART3.replace("margin > 0", "margin > 0.7"))
    result = hw3("check", folder, "--only", ONLY)
    assert result.exit_code == 1
    assert "The accuracy" in " ".join(result.output.split())
    assert "✗" in result.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["check", "nowhere"], ["nowhere", "no such folder"]),
        (["check", "{folder}", "--part", "part9"], ["no part 'part9'", "part1"]),
        (["check", "{folder}", "--only", "evaluat"], ["no check 'evaluat'", "'evaluate'"]),
        (["check", "{empty}"], ["empty"]),
        (["check", "{nested}"], ["hw3", "part1_focused.py"]),
        (["check", "{folder}", "--html", "{folder}"], ["is a folder"]),
        (["check", "{folder}", "--ci", "jenkins"], ["'jenkins'", "'classroom50', 'none'"]),
        (["grade", "nowhere", "--out", "{out}"], ["nowhere"]),
        (["grade", "{empty}", "--out", "{out}"], ["empty"]),
        (["grade", "{folder}", "--out", "{file}"], ["is a file"]),
        (["grade", "{folder}", "--out", "{out}", "--part", "x"], ["no part 'x'"]),
        (["grade", "{folder}"], ["--out"]),
        (["list", "--part", "x"], ["no part 'x'"]),
    ],
)
def test_bad_input_gets_one_sentence(folder, tmp_path, arguments, words):
    for name in ("empty", "nested/hw3"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "nested" / "hw3" / "part1_focused.py").write_text(PART1)
    (tmp_path / "file").write_text("")
    places = {name: tmp_path / name for name in ("empty", "nested", "file", "out")}
    before = sorted(tmp_path.rglob("*"))
    result = hw3(*(a.format(folder=folder, **places) for a in arguments))
    refused(result, *words)
    assert sorted(tmp_path.rglob("*")) == before


def test_what_cannot_be_written_is_refused_before_the_work(folder, tmp_path):
    """Below a file there can be no folder, whoever asks; nothing is graded, nothing is left."""
    before = sorted(tmp_path.rglob("*"))
    blocked = folder / "part1_focused.py" / "graded"
    for option in ("--html", "--json", "--junit"):
        refused(hw3("check", folder, option, blocked), f"{blocked} cannot be written")
    refused(hw3("grade", folder, "--out", blocked), "cannot be written")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_run_of_some_checks_is_not_praised_as_the_whole(folder):
    result = hw3("check", folder, "--only", ONLY)
    assert result.exit_code == 0
    assert "checks were not run this time" in " ".join(result.output.split())
    assert "Everything passed" not in result.output


def test_grade_a_class_and_resume(folder, tmp_path, monkeypatch):
    students = tmp_path / "class"
    students.mkdir()
    folder.rename(students / "ada")
    (students / "bob").mkdir()
    (students / "bob" / "part1-focused.py").write_text(PART1)
    (students / "=cmd").mkdir()
    (students / "=cmd" / "part3_compression.py").write_bytes(b"\xff\xfe broken")
    out = tmp_path / "graded"
    command = ("grade", students, "--out", out, "--part", "part3", "--sandbox", "none")
    result = hw3(*command, "--jobs", "1")
    assert result.exit_code == 3, result.output  # a person has to decide about one
    table = io.StringIO((out / "gradebook.csv").read_text("utf-8-sig"))
    rows = {row["id"]: row for row in csv.DictReader(table)}
    assert rows.pop("")["total"] == "22.00"  # what can be earned
    assert rows["ada"]["total"] == rows["ada"]["part3"] == "22.00"
    assert rows["bob"]["total"] == "0.00"
    assert "not handed in: Part 3" in rows["bob"]["status"]
    (hostile,) = (row for name, row in rows.items() if name not in ("ada", "bob"))
    assert hostile["name"] == "'=cmd"
    assert hostile["total"] == ""
    assert hostile["status"].startswith("a person has to decide")
    index = (out / "index.html").read_text()
    assert "UNSANDBOXED" in index
    for name in rows:
        assert f"{name}/report.html" in index
        files = {path.name for path in (out / name).iterdir()}
        assert files == {"report.html", "instructor.html", "result.json", "submission.zip"}

    written = (out / "ada" / "result.json").stat().st_mtime_ns
    document = json.loads((out / "ada" / "result.json").read_text())
    assert (document["format"], document["submission"]["id"]) == (3, "ada")
    assert {"score", "parts"}.isdisjoint(document)
    assert all("points" not in check for check in document["checks"])
    monkeypatch.setattr(batch, "pool", lambda workers: Inline())
    again = hw3(*command)
    assert again.exit_code == 3
    assert "2 of 3 have a result already" in " ".join(again.output.split())
    assert (out / "ada" / "result.json").stat().st_mtime_ns == written
    assert (out / "gradebook.csv").read_text().count("22.00") >= 2


def test_without_a_command_there_is_help():
    lines = hw3().output.split("\n")
    assert any(line.strip().startswith("grade ") for line in lines)


def test_a_wrong_option_is_said_with_what_was_meant():
    refused(hw3("check", "--verbos"), "Usage:", "No such option", "--verbos", "--verbose")


def test_list_names_public_checks(tmp_path):
    result = hw3("list", "--part", "part3")
    assert result.exit_code == 0
    assert ONLY in result.output
    assert "takes_any_truth" not in result.output
    assert "takes_any_truth" in hw3("list", "--part", "part3", "--hidden").output


def test_what_computes_nothing_does_without_torch_and_hypothesis():
    code = (
        "import sys; sys.modules['torch'] = sys.modules['hypothesis'] = None\n"
        "from grader.cli.main import main\n"
        "for told in (['list', '--hidden'], ['words', '--checks'], ['--help']):\n"
        "    main(told, standalone_mode=False)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stderr == ""
    assert all(words in done.stdout for words in (ONLY, "takes_any_truth", "Usage:"))


def test_doctor_finds_this_machine_fit():
    result = hw3("doctor")
    assert result.exit_code == 0
    assert "walls" in result.output
    assert "torchvision" in result.output
    assert "BAD" not in result.output


def test_doctor_says_whether_torchvision_fits(monkeypatch, tmp_path):
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / "__init__.py").write_text("raise RuntimeError")
    found = importlib.machinery.PathFinder.find_spec("torchvision", [str(tmp_path)])
    for operators, level in (({}, "note"), ({"nms": print}, "good")):
        monkeypatch.setattr("importlib.util.find_spec", lambda name: found)
        monkeypatch.setattr("torch.ops.torchvision", SimpleNamespace(**operators), raising=False)
        assert doctor._torchvision().level == level
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    missing = doctor._torchvision()
    assert (missing.level, missing.says) == ("bad", "not installed")
    assert missing.repair.startswith("install torch and torchvision together")


@pytest.mark.skipif(sys.platform == "win32", reason="signals of process groups")
def test_ctrl_c_ends_a_class_in_time_and_leaves_no_process(tmp_path):
    loop = "def random_classes(num_classes, k=5, seed=0):\n    while True:\n        pass\n"
    for name in ("ada", "bob", "eve", "joe"):
        (tmp_path / "class" / name).mkdir(parents=True)
        (tmp_path / "class" / name / "part3_compression.py").write_text(loop)
    command = [sys.executable, "-c", "from grader.cli.main import main; main()", "grade", "class"]
    running = subprocess.Popen(
        [*command, "--out", "graded", "--part", "part3", "--jobs", "2", "--sandbox", "none"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    this = psutil.Process(running.pid)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and len(this.children(recursive=True)) < 4:
        time.sleep(0.05)
    began = this.children(recursive=True)  # two at work, each with a guest
    assert len(began) >= 4
    os.killpg(running.pid, signal.SIGINT)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 2
    assert "the same command continues from there" in " ".join(said.split())
    assert "Traceback" not in said
    assert psutil.wait_procs(began, timeout=20)[1] == []


def test_words_prints_titles_hints_diagnoses_and_messages():
    result = hw3("words")
    assert result.exit_code == 0
    shown = " ".join(result.output.split())
    for check in registry.load():
        assert check.title in shown
        assert " ".join(check.about.split())[:60] in shown
    for sentence in SENTENCES.values():
        assert sentence in shown
    assert "should return a module (nn.Module), but returned {…}" in shown
    assert "Run the public checks on the submission in DIR" in shown
