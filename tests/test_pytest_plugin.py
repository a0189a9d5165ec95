"""``pytest --hw3`` as students use it, in a folder of their own.

``run`` starts pytest in a process of its own, as students do.  ``run_here`` starts it by
``pytest.main`` in this process, where torch is imported already and guests start at once: for what
does not depend on how pytest was started, and where no file of the folder is imported here.
"""

import gc
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from types import SimpleNamespace

import hw3_pytest
import psutil
import pytest
from click.testing import CliRunner

from environments import once
from grader.checks.framework import registry
from grader.cli.main import main
from grader.grading.weights import Assignment
from grader.pytest_plugin import plugin
from grader.records import Status
from grader.sandbox.isolation.probe import NoWalls
from grading import ROOT

PART1 = (ROOT / "reference" / "part1_focused.py").read_text(encoding="utf-8")
PART3 = (ROOT / "reference" / "part3_compression.py").read_text(encoding="utf-8")
INI = (ROOT / "student_template" / "pyproject.toml").read_text(encoding="utf-8")
NEEDED = "part3_compression.py::random_classes.draws_distinct_classes"
NEEDING = "part3_compression.py::random_classes.follows_its_seed"
LOADED = ("-p", "hw3_pytest")
HERE = os.pathsep.join([str(ROOT), str(ROOT / "grader" / "entry")])
DRAWN = "def random_classes(num_classes, k=5, seed=0):\n    "


def environment(**more):
    """As in a student's shell: without what this run of pytest, or a CI system, has set.

    Plug-ins are named one by one, so that it does not matter what is installed here.
    """
    ours = {n: v for n, v in os.environ.items() if not n.startswith(("PYTEST_", "CI", "GITHUB_"))}
    return {**ours, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": HERE, **more}


def run(folder, *arguments, plugins=LOADED, **more):
    command = [sys.executable, "-m", "pytest", *plugins, *map(str, arguments)]
    return subprocess.run(
        command,
        cwd=folder,
        env=environment(COLUMNS="120", **more),
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


@pytest.fixture
def run_here(monkeypatch):
    def run(folder, *arguments, **more):
        for name in set(os.environ) - set(environment()):
            monkeypatch.delenv(name)
        for name, value in {**environment(COLUMNS="120"), **more}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "path", list(sys.path))  # pytest adds the folder
        gc.freeze()  # pytest collects garbage ten times at its end: not all of this process's
        with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
            status = pytest.main([*LOADED, *map(str, arguments)])
        return SimpleNamespace(returncode=status, stdout=out.getvalue(), stderr=err.getvalue())

    return run


def statuses(file):
    """What a JUnit file says of each check: status, points, earned."""
    said = {}
    for case in ET.parse(file).iter("testcase"):
        properties = {p.get("name"): p.get("value") for p in case.iter("property")}
        said[case.get("name")] = {n.removeprefix("hw3_"): v for n, v in properties.items()}
    return said


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "ada"
    made.mkdir()
    (made / "pyproject.toml").write_text(INI)
    (made / "part1_focused.py").write_text(PART1, encoding="utf-8")
    (made / "part3_compression.py").write_text(PART3, encoding="utf-8")
    return made


def write(folder, text):
    (folder / "part3_compression.py").write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """A part with mistakes: its folder, the run, and what the JUnit file says."""

    def make(folder):
        folder.mkdir()
        for path in (ROOT / "fixtures" / "submissions" / "weakest_first").glob("*.py"):
            (folder / path.name).write_bytes(path.read_bytes())
        done = run(folder, "--hw3", "--junitxml", "junit.xml", "part3_compression.py")
        said = {"returncode": done.returncode, "stdout": done.stdout, "stderr": done.stderr}
        (folder / "said.json").write_text(json.dumps(said), encoding="utf-8")

    made = once(tmp_path_factory, "weakest_first", make)
    done = SimpleNamespace(**json.loads((made / "said.json").read_text("utf-8")))
    return made, done, statuses(made / "junit.xml")


def test_a_failure_shows_the_feedback_and_no_stack(sample):
    _, done, _ = sample
    assert done.returncode == 1
    assert "_ influential_neurons.finds_the_most_negative (1 point) _" in done.stdout
    assert "called     | influential_neurons(" in done.stdout
    assert "looks like | An order is reversed" in done.stdout
    assert "expected   | [1, 2, 11, 3]" in done.stdout
    assert "\nprint(part3_compression.influential_neurons(" in done.stdout  # it can be pasted
    for ours in ("Traceback", "pytest_plugin", "engine.py", "Unmet"):
        assert ours not in done.stdout + done.stderr


def test_points_stand_at_the_end_with_what_they_leave_out(sample):
    _, done, said = sample
    earned = sum(float(s["earned"]) for s in said.values())
    possible = sum(float(s["points"]) for s in said.values())
    assert re.search(rf"^Total +{earned:g} / {possible:g}$", done.stdout, re.MULTILINE)
    assert "checks were not run this time" in done.stdout
    assert "(advisory)" in done.stdout


def test_the_same_statuses_and_points_as_hw3_check(sample, tmp_path):
    made, _, said = sample
    file = tmp_path / "result.json"
    CliRunner().invoke(main, ["check", str(made), "--part", "part3", "--json", str(file)])
    checks = json.loads(file.read_text(encoding="utf-8"))["checks"]
    assert len(checks) >= 10
    assert {c["status"] for c in checks} > {"passed", "partial"}
    assert {n: (s["status"], float(s["earned"])) for n, s in said.items()} == {
        c["id"]: (c["status"], c["points"] * c["fraction"]) for c in checks
    }


def test_only_the_failed_run_again_and_x_stops_at_the_first(sample, run_here):
    made, _, said = sample
    lost = [n for n, s in said.items() if s["status"] != Status.PASSED.value]
    listed = run_here(made, "--hw3", "--lf", "--collect-only", "-q")
    ids = [line for line in listed.stdout.splitlines() if "::" in line]
    assert ids == [f"part3_compression.py::{name}" for name in lost]
    stopped = run_here(made, "--hw3", "-x", "-k", "influential_neurons", "--nf")
    assert stopped.returncode == 1
    assert "1 failed" in stopped.stdout.splitlines()[-1]
    assert "stopping after 1 failures" in stopped.stdout


def test_the_ini_file_is_enough_and_strictness_is_content(folder):
    done = run(folder, "-k", "evaluate", "--strict-markers", "--strict-config", "-W", "error", "-v")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "part3_compression.py::evaluate.counts_right PASSED" in done.stdout
    assert "3 passed" in done.stdout.splitlines()[-1]


def test_a_node_id_runs_one_check(folder, run_here):
    done = run_here(folder, NEEDED)
    assert "1 passed" in done.stdout.splitlines()[-1]


def test_files_that_are_not_there_fail_aloud(folder, run_here):
    (folder / "part3_compression.py").unlink()
    done = run_here(folder, "-k", "evaluate or follows_its_seed", "--nf")
    assert done.returncode == 1
    assert "seen       | part3_compression.py is not in the submission" in done.stdout
    assert "2 failed, 2 skipped" in done.stdout.splitlines()[-1]


def test_all_parts_are_listed_in_the_homework_s_order_and_long_checks_can_be_left_out(
    folder, run_here
):
    (folder / "old").mkdir()
    (folder / "old" / "gan.py").write_text("raise SystemExit('imported')")
    every, quick = (run_here(folder, "--collect-only", "-q", *o) for o in ((), ("-m", "not long")))
    ids = [line for line in every.stdout.splitlines() if "::" in line]
    files = list(dict.fromkeys(node.partition("::")[0] for node in ids))
    assert files == ["part1_focused.py", "part2_comparative.py", "part3_compression.py", "gan.py"]
    left = {line for line in quick.stdout.splitlines() if "::" in line}
    assert set(ids) - left == {"gan.py::train.learns_the_digits"}
    public = CliRunner().invoke(main, ["list"]).output
    assert all(node.partition("::")[2] in public for node in ids)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = 1\n", ["random_classes", "points"]),
        ("def random_classes(:\n", ["part3_compression.py cannot be imported", "invalid syntax"]),
        (f"{DRAWN}return {{}}['a']\n", ["KeyError", "part3_compression.py:2: return {}['a']"]),
        (f"{DRAWN}raise NotImplementedError\n", ["random_classes is not written yet"]),
        (f"{DRAWN}import os; os._exit(0)\n", ["stopped early"]),
    ],
    ids=["missing function", "syntax error", "raises", "not written", "ends the process"],
)
def test_what_breaks_fails_with_words(folder, run_here, text, words):
    write(folder, text)
    done = run_here(folder, NEEDED)
    assert done.returncode == 1
    for word in words:
        assert word in done.stdout
    assert "Traceback" not in done.stdout
    assert "1 failed" in done.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    "processes",
    [
        pytest.param((), id="alone"),
        pytest.param(("-p", "xdist", "-n", "2"), id="xdist", marks=pytest.mark.weekly),
    ],
)
def test_what_waits_is_skipped_and_says_for_what(folder, run_here, processes):
    """Also where pytest-xdist gives the two checks to two processes."""
    write(folder, f"\n\n{DRAWN}return list(range(k + 1))\n")
    started = run if processes else run_here
    done = started(folder, *processes, "-k", "random_classes", "-rs", "--junitxml", "junit.xml")
    assert "1 failed, 1 skipped" in done.stdout.splitlines()[-1]
    assert re.search(r"SKIPPED \[1\] part3_compression\.py:3: Not run: “", done.stdout)
    by_name = {n: s["status"] for n, s in statuses(folder / "junit.xml").items()}
    assert sorted(by_name.values()) == ["blocked", "failed"]
    assert re.search(r"^Total +0 / ", done.stdout, re.MULTILINE)


def test_a_check_that_was_not_selected_holds_nothing_up(folder, run_here):
    write(folder, f"{DRAWN}return list(range(k + 1))\n")
    done = run_here(folder, NEEDING, "--junitxml", "junit.xml")
    assert "1 failed" in done.stdout.splitlines()[-1]
    (said,) = statuses(folder / "junit.xml").values()
    assert said["status"] == "failed"


HOSTILE = (
    r"\x1b[2J\n=== 99 passed in 0.01s ===\n::error file=x::y\n##[error]z\nTotal   22 / 22\r\u202e"
)


@pytest.mark.parametrize("ci", [{}, {"CI": "true", "GITHUB_ACTIONS": "true"}], ids=["shell", "ci"])
def test_what_a_submission_says_begins_no_line_and_moves_no_cursor(folder, run_here, ci):
    write(folder, f'{DRAWN}print("{HOSTILE}")\n    raise ValueError("{HOSTILE}")\n')
    done = run_here(folder, NEEDED, "--junitxml", "junit.xml", **ci)
    assert "| === 99 passed" in done.stdout
    assert "Captured stdout" in done.stdout
    for line in done.stdout.splitlines():
        assert not line.lstrip().startswith(("=== 99", "::", "Total   22"))
    assert "##[" not in done.stdout
    assert not set("\x1b\r\u202e") & set(done.stdout)
    assert (
        statuses(folder / "junit.xml")["random_classes.draws_distinct_classes"]["earned"] == "0.0"
    )


def test_undecided_fails_as_the_grader_s_fault_and_no_walls_are_said_aloud(
    folder, run_here, monkeypatch
):
    def broken(student):
        raise ZeroDivisionError("ours")

    def no_walls(wish):
        raise NoWalls("none here")

    name = "random_classes.draws_distinct_classes"
    monkeypatch.setitem(registry.CHECKS, name, replace(registry.CHECKS[name], run=broken))
    monkeypatch.setattr(plugin, "choose", no_walls)
    done = run_here(folder, "-k", "random_classes", "--junitxml", "junit.xml")
    assert done.returncode == 1
    assert "2 failed" in done.stdout.splitlines()[-1]
    assert done.stdout.count("not your fault and not a zero") == 2
    assert "not counted as 0" in done.stdout
    assert "ZeroDivisionError" not in done.stdout
    said = statuses(folder / "junit.xml")
    assert {(s["status"], s["sandbox"]) for s in said.values()} == {("invalid", "none")}
    assert all(float(s["undecided"]) == float(s["points"]) > 0 for s in said.values())
    assert "UNSANDBOXED" in done.stdout


def test_a_guest_that_cannot_be_used_ends_the_run_in_one_sentence(folder):
    """With pytest-xdist, where the sentence comes from another process."""
    (folder / "conftest.py").write_text(
        "from grader.pytest_plugin import plugin\n"
        "def refuse(*_, **__):\n"
        "    raise plugin.GuestUnusable('torch is broken')\n"
        "plugin.ProcessSession = refuse\n"
    )
    the_guest_is_unusable(run(folder, "-p", "xdist", "-n", "1", "-k", "part3"))


def test_a_guest_that_cannot_be_used_ends_the_run_without_xdist(folder, run_here, monkeypatch):
    def refuse(*_, **__):
        raise plugin.GuestUnusable("torch is broken")

    monkeypatch.setattr(plugin, "ProcessSession", refuse)
    the_guest_is_unusable(run_here(folder, "-k", "part3"))


def the_guest_is_unusable(done):
    assert done.returncode == pytest.ExitCode.INTERRUPTED
    assert "torch is broken; `hw3 doctor` may say more" in done.stdout
    assert "No check was run, so there are no points." in done.stdout
    assert not re.search("Traceback|INTERNALERROR", done.stdout + done.stderr)


@pytest.mark.parametrize(
    ("files", "ini", "words"),
    [
        ({}, "hw3 = true", "None of part1_focused.py"),
        ({"notes.py": ""}, "hw3 = true", "None of part1_focused.py"),
        ({"part1_focused.py": ""}, "hw3 = 'perhaps'", "hw3 in pytest's configuration"),
    ],
    ids=["empty", "another file", "neither"],
)
def test_bad_input_gets_one_sentence(tmp_path, run_here, files, ini, words):
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "pyproject.toml").write_text(f"[tool.pytest.ini_options]\n{ini}\n")
    done = run_here(tmp_path)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert words in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert "points" not in done.stdout


def test_an_old_pytest_is_refused_in_one_sentence(monkeypatch):
    monkeypatch.delattr(pytest, "Directory")
    asked = SimpleNamespace(getoption=lambda name: True)
    with pytest.raises(pytest.UsageError, match="needs pytest 8 or newer"):
        hw3_pytest.pytest_configure(asked)


def test_a_broken_torch_is_said_in_one_sentence(folder, tmp_path):
    (tmp_path / "torch.py").write_text("raise ImportError('wrong processor')\n")
    path = os.pathsep.join([str(tmp_path), HERE])
    done = run(folder, PYTHONPATH=path)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "torch is installed, but cannot be imported (wrong processor)" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_the_course_s_assignment_and_its_doubts_are_hw3_check_s(folder, run_here, monkeypatch):
    """What a student's package brings: points of its own, and a wheel of another release."""
    rules = Assignment(points={"evaluate.counts_right": 7.0})
    monkeypatch.setattr(plugin, "delivered", lambda: rules)
    done = run_here(folder, "-k", "counts_right")
    assert re.search(r"^Total +7 / 7$", done.stdout, re.MULTILINE)
    monkeypatch.setattr(plugin, "another", lambda folder: "two graders are installed here")
    refused = run_here(folder, "-k", "counts_right")
    assert refused.returncode == pytest.ExitCode.USAGE_ERROR
    assert refused.stderr.strip() == "ERROR: two graders are installed here"


LOOKS = """
import sys, pytest
status = pytest.main(sys.argv[1:])
names = {n for n in sys.modules if n.partition(".")[0] in ("grader", "torch", "numpy", "click")}
names |= {n for n in sys.modules if n in ("hw3_pytest", "part3_compression", "test_own")}
print("status", int(status), "modules", sorted(names))
"""


def modules(folder, *arguments):
    command = [sys.executable, "-c", LOOKS, *LOADED, *arguments]
    done = subprocess.run(
        command, cwd=folder, env=environment(), capture_output=True, text=True, encoding="utf-8"
    )
    return done.stdout.splitlines()[-1]


def test_unless_asked_for_it_does_nothing_and_imports_nothing(folder):
    (folder / "pyproject.toml").unlink()
    (folder / "test_own.py").write_text("def test_own():\n    pass\n")
    assert modules(folder) == f"status 0 modules {['hw3_pytest', 'test_own']}"


def test_pytest_never_imports_the_homework_s_files(folder):
    """Not even where it is told to look for tests in files of these names."""
    more = ("-o", "python_files=part*.py", "--doctest-modules", "-k", "draws_distinct_classes")
    said = modules(folder, *more, "part3_compression.py")
    assert said.startswith("status 0")
    assert "'grader.pytest_plugin.plugin'" in said
    assert "'part3_compression'" not in said


def test_a_folder_s_own_tests_run_beside_the_checks(folder, run_here):
    (folder / "test_own_and_checks.py").write_text("def test_evaluate():\n    pass\n")
    done = run_here(folder, "-k", "evaluate")
    assert "4 passed" in done.stdout.splitlines()[-1]


def _burnt(processes):
    return sum(sum(process.cpu_times()[:2]) for process in processes)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of process groups")
def test_ctrl_c_says_what_was_done_and_leaves_no_process(folder):
    write(folder, PART3.replace("margin > 0", "[0 for _ in iter(int, 1)]"))  # without an end
    command = [sys.executable, "-u", "-m", "pytest", *LOADED, "-v", "-k"]
    running = subprocess.Popen(
        [*command, "draws_distinct or counts_right"],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    said = ""
    while "counts_right" not in said:  # it says so before it runs the check
        said += running.stdout.read(1)
    guests = psutil.Process(running.pid).children(recursive=True)
    assert guests
    before = _burnt(guests)
    while _burnt(guests) < before + 0.3:  # until the loop runs
        time.sleep(0.05)
    os.killpg(running.pid, signal.SIGINT)
    rest, _ = running.communicate(timeout=60)
    assert running.returncode == pytest.ExitCode.INTERRUPTED
    assert "checks were not run this time" in rest
    assert psutil.wait_procs(guests, timeout=60)[1] == []


def test_an_installed_package_offers_it_and_can_be_told_not_to(folder, tmp_path):
    """By the entry point of pyproject.toml, here that of a package of another name."""
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (entry,) = re.findall(r'^\[project\.entry-points\.pytest11\]\nhw3 = "(\S+)"', project, re.M)
    installed = tmp_path / "site" / "hw3_face-0.dist-info"
    installed.mkdir(parents=True)
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: hw3-face\nVersion: 0\n")
    (installed / "entry_points.txt").write_text(f"[pytest11]\nhw3 = {entry}\n")
    path = os.pathsep.join([str(installed.parent), str(ROOT)])
    more = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "", "PYTHONPATH": path}
    done = run(folder, "-k", "random_classes", plugins=(), **more)
    assert "2 passed" in done.stdout.splitlines()[-1]
    without = run(folder, "-p", "no:hw3", plugins=(), **more)
    assert without.returncode == pytest.ExitCode.NO_TESTS_COLLECTED
