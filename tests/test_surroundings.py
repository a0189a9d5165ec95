"""A mark depends on the submission alone: not on folders nearby, nor on variables of the shell."""

import json
import os
import subprocess
import sys

import hw3_cli
import numpy as np
import pytest

import environments
from grader import layout
from grader.homework.networks import Network
from grader.oracle import solution
from grader.records import Call, Limits
from grader.sandbox.guest import devices
from grader.sandbox.host import process
from grader.sandbox.host.session import ProcessSession
from grader.sandbox.isolation.modes import NO_WALLS, Walls
from grader.sandbox.isolation.surroundings import cleaned, of_guest
from grading import CHECKS, ROOT, reference_files, walls

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="pipes and scripts as on POSIX")
PART = "part2"


def hw3(*arguments, **environment):
    """``hw3`` as it is installed here, in a shell with more variables."""
    command = [environments.HW3, *map(str, arguments)]
    cwd = environment.pop("cwd", None)
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=cwd,
        env={**environments.clean(), **environment},
    )


@pytest.fixture
def class_folder(tmp_path):
    """A student's folder, and beside it a folder of somebody else's called ``reference``."""
    (tmp_path / "class" / "ada").mkdir(parents=True)
    for name, content in reference_files().items():
        if name in ("part1_focused.py", "part2_comparative.py"):
            (tmp_path / "class" / "ada" / name).write_bytes(content)
    other = tmp_path / "reference"
    other.mkdir()
    for path in (ROOT / "reference").glob("*.py"):
        (other / path.name).write_text("raise RuntimeError('not the one that grades')\n")
    return tmp_path


def test_a_folder_called_reference_changes_no_mark(class_folder):
    marks = []
    others = {c.function for c in CHECKS if c.part == PART} - {"comparative_influence"}
    left_out = "".join(f"{function} = 0\n" for function in sorted(others))
    (class_folder / "rules.toml").write_text(f"[points]\n{left_out}")
    for path, mode in (("", "none"), (".", "auto")):
        out = class_folder / f"graded{len(marks)}"
        done = hw3(
            *("grade", "class", "--out", out, "--part", PART, "--jobs", "1"),
            *("--assignment", "rules.toml", "--sandbox", mode),
            cwd=class_folder,
            PYTHONPATH=path,
        )
        assert done.returncode == 0, done.stderr
        (file,) = out.glob("*/result.json")
        result = json.loads(file.read_text("utf-8"))
        terms = [{**kept, "walls": ""} for kept in result["terms"]]
        marks.append((environments.marks(result), terms))
    assert marks[0] == marks[1]
    assert {status for status, _, _ in marks[0][0].values()} == {"passed"}


def test_the_reference_is_loaded_from_where_it_lies(tmp_path, monkeypatch):
    (tmp_path / "reference").mkdir()
    (tmp_path / "reference" / "__init__.py").write_text("raise RuntimeError('another')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "reference", raising=False)
    module = solution.load("part1_focused")
    assert module.__file__ == str(ROOT / "reference" / "part1_focused.py")
    assert module.__name__ == "grader.reference.part1_focused"


def test_a_neighbour_in_site_packages_is_not_the_reference(tmp_path, monkeypatch):
    """Where the grader is installed without one, somebody's package ``reference`` is none."""
    for name in ("grader", "reference"):
        (tmp_path / name / layout.OURS).parent.mkdir(parents=True)
        (tmp_path / name / layout.OURS).write_text("")
    monkeypatch.setattr(layout, "PACKAGE", tmp_path / "grader")
    monkeypatch.setattr(layout, "HOME", tmp_path)
    assert layout.reference.__wrapped__() is None
    (tmp_path / "grader" / "reference" / layout.OURS).parent.mkdir(parents=True)
    (tmp_path / "grader" / "reference" / layout.OURS).write_text("")
    assert layout.reference.__wrapped__() == tmp_path / "grader" / "reference"


def test_another_grader_is_named_and_nothing_is_run(tmp_path):
    (tmp_path / "grader").mkdir()
    (tmp_path / "grader" / "__init__.py").write_text("print('imported')")
    done = hw3("list", cwd=tmp_path, PYTHONPATH=".")
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert str(tmp_path / "grader") in line


def test_in_a_project_with_a_grader_of_its_own_pytest_runs(tmp_path):
    (tmp_path / "grader").mkdir()
    (tmp_path / "grader" / "__init__.py").write_text("mine = 1\n")
    (tmp_path / "test_own.py").write_text(
        "from grader import mine\n\n\ndef test_own():\n    assert mine\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "hw3_pytest", "-p", "no:cacheprovider"]
    options = {"cwd": tmp_path, "capture_output": True, "text": True}
    alone = {k: v for k, v in environments.clean().items() if not k.startswith("PYTEST_")}
    alone["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    done = subprocess.run(command, env=alone, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
    asked = subprocess.run([*command, "--hw3"], env=alone, **options)
    assert asked.returncode == 2
    assert str(tmp_path / "grader") in asked.stderr
    assert "Traceback" not in asked.stderr + asked.stdout


def test_the_entry_modules_know_their_package(monkeypatch):
    assert hw3_cli.foreign() == ""
    monkeypatch.setattr(hw3_cli, "__file__", os.path.join(os.sep, "elsewhere", "hw3_cli.py"))
    assert "is meant" in hw3_cli.foreign()


VARIABLES = {"PYTHONOPTIMIZE": "2", "PYTHONWARNINGS": "error", "PYTHONDEVMODE": "1"}


@pytest.mark.parametrize(
    "variables",
    [VARIABLES, *(pytest.param({n: v}, marks=pytest.mark.weekly) for n, v in VARIABLES.items())],
    ids=["all", *VARIABLES],
)
def test_variables_of_python_change_nothing(tmp_path, variables):
    out = tmp_path / "out.json"
    options = ("--only", "random_classes", "--json", out)
    done = hw3("check", ROOT / "reference", *options, **variables)
    assert done.returncode == 0, done.stderr
    assert {line[0] for line in done.stderr.splitlines()} == {"✓"}  # of each check as it ends
    assert json.loads(out.read_text("utf-8"))["score"]["undecided"] == 0


def test_modules_on_pythonpath_shadow_nothing(tmp_path):
    (tmp_path / "random.py").write_text("raise SystemExit('shadowed')")
    done = hw3("check", ROOT / "reference", "--only", "random_classes", PYTHONPATH=str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "shadowed" not in done.stdout + done.stderr


def test_of_pythonpath_folders_with_installed_packages_stay(tmp_path, monkeypatch):
    (tmp_path / "cluster" / "torch-2.0.dist-info").mkdir(parents=True)
    (tmp_path / "mine.egg-info").mkdir()  # of a project that is being developed
    both = os.pathsep.join([str(tmp_path), str(tmp_path / "cluster")])
    kept = cleaned({"PYTHONPATH": both, "PYTHONOPTIMIZE": "1", "PYTHONUTF8": "0", "OTHER": "x"})
    assert kept == {"PYTHONPATH": str(tmp_path / "cluster"), "PYTHONUTF8": "0", "OTHER": "x"}
    assert of_guest({"PYTHONPATH": both})["PYTHONPATH"] == str(tmp_path / "cluster")
    assert "PYTHONPATH" not in of_guest({"PYTHONPATH": str(tmp_path)})
    assert cleaned({"PYTHONPATH": str(tmp_path)}) == {}
    monkeypatch.chdir(tmp_path)  # guests start in another folder
    assert of_guest({"PYTHONPATH": "cluster"})["PYTHONPATH"] == str(tmp_path / "cluster")


@POSIX
def test_a_reader_that_leaves_early_changes_no_exit_status():
    check = f'"{environments.HW3}" check "{ROOT / "reference"}" --only random_classes 2>&1'
    for command in (check, f'"{environments.HW3}" list'):
        done = subprocess.run(
            ["bash", "-c", f'{command} | head -n 1; echo "${{PIPESTATUS[0]}}"'],
            capture_output=True,
            text=True,
            encoding="utf-8",
            env=environments.clean(),
        )
        assert done.stdout.endswith("0\n"), done.stdout
        assert done.stderr == ""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a Linux device")
@pytest.mark.parametrize("arguments", [("list",), ("--version",)])
def test_a_full_disk_is_said_in_a_sentence(arguments):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [environments.HW3, *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=environments.clean(),
        )
    assert done.returncode == 2
    assert done.stderr == "Error: the output cannot be written: No space left on device\n"


@pytest.mark.parametrize("name", ["random", "typing", "contextlib", "warnings", "importlib"])
def test_what_the_command_starts_with_can_be_shadowed_by_nothing_of_ours(tmp_path, name):
    """Of the standard library it needs only what Python has loaded before it."""
    (tmp_path / f"{name}.py").write_text("raise SystemExit('shadowed')")
    code = "import hw3_cli, sys; sys.argv = ['hw3', '--version']; hw3_cli.main()"
    path = os.pathsep.join([str(tmp_path), os.path.dirname(hw3_cli.__file__), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        capture_output=True,
        text=True,
        env={**environments.clean(), "PYTHONPATH": path, "HW3_STARTED_AGAIN": "1"},
    )
    assert "shadowed" not in done.stderr


LOOKS = b"""
import locale, os, sys, time, warnings
import torch


def random_classes(num_classes, k=5, seed=0):
    warned = []
    with warnings.catch_warnings(record=True) as warned:
        warnings.warn("once")
    return [
        {name: os.environ.get(name) for name in sorted(os.environ) if name.startswith("PYTHON")},
        [sys.flags.hash_randomization, sys.flags.utf8_mode, sys.flags.optimize],
        [time.timezone, time.tzname[0], len(warned), torch.get_num_threads()],
        [os.environ.get("LANG"), os.environ.get("TORCHDYNAMO_DISABLE"), sys.path],
        [torch.cuda.is_available(), torch.backends.mps.is_available(), torch.cuda.device_count()],
    ]
"""

SEEN = Call("random_classes", {"num_classes": 5})
STRANGE = {
    "PYTHONOPTIMIZE": "2",
    "PYTHONHASHSEED": "77",
    "PYTHONWARNINGS": "error",
    "PYTHONUTF8": "0",
    "PYTHONPATH": "/nowhere",
    "LC_ALL": "C",
    "TZ": "Asia/Tokyo",
    "CUDA_VISIBLE_DEVICES": "0",
    "OMP_NUM_THREADS": "2",
}


def seen(around):
    with_files = {"part3_compression.py": LOOKS}
    session = ProcessSession(with_files, walls=around)
    try:
        reply = session.call(SEEN)
    finally:
        session.close()
    assert reply.error is None, reply.error
    return reply.value


@pytest.mark.parametrize("mode", ["walls", "none", "started"])
def test_every_guest_has_the_same_surroundings(mode, monkeypatch):
    """In a plain shell, and in one with settings of its own."""
    around = walls() if mode == "walls" else NO_WALLS
    if mode == "started":
        monkeypatch.setattr(process, "FORKS", False)
    found = []
    for more in ({}, STRANGE):
        process.end_zygote(around.mode)
        for name, value in more.items():
            monkeypatch.setenv(name, value)
        found.append(seen(around))
    process.end_zygote(around.mode)
    assert found[0] == found[1]
    variables, flags, facts, more, accelerators = found[0]
    assert variables["PYTHONHASHSEED"] == "0"
    assert flags == [0, 1, 0]
    assert facts == [0, "UTC", 1, 1]
    assert more[:2] == [of_guest({})["LANG"], "1"]
    assert accelerators == [False, False, 0]


@pytest.mark.parametrize(
    "line",
    [
        *("xs.cuda()", 'xs.to("cuda")', 'torch.zeros(2, device="cuda")', "model.cuda()"),
        *('xs.to("mps")', 'torch.zeros(2, device="mps")', "xs.pin_memory()"),
        'torch.Generator(device="cuda")',
    ],
)
def test_a_gpu_is_refused_in_a_sentence(line):
    source = f"import torch\n\ndef instance_influence(model, layer, xs, target):\n    {line}\n"
    xs = np.zeros((1, 6), dtype=np.float32)
    arguments = {"model": Network("smooth_mlp"), "layer": 0, "xs": xs, "target": 0}
    call = Call("instance_influence", arguments)
    session = ProcessSession({"part1_focused.py": source.encode()}, Limits(), Walls())
    try:
        error = session.call(call).error
    finally:
        session.close()
    assert error is not None
    assert devices.NOT_THERE in error.message
    assert error.line == 4
