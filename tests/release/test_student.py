"""What students get: a repository with a wheel, from which they have the same public marks."""

import csv
import io
import json
import os
import subprocess
import sys
import zipfile

import hypothesis
import pytest
import torch
from click.testing import CliRunner

import cases
import environments
import processor_marks
from grader.cli.main import main
from grader.errors import Unreleasable
from grader.grading.assignment_toml import load
from grader.grading.weights import Assignment
from grader.homework import contract
from grader.oracle import store
from grader.records import Limits
from grader.release import student as bundles
from grading import CHECKS, ROOT

PUBLIC = {check.id for check in CHECKS if not check.hidden}
OPTIONAL = {part.file for part in contract.PARTS if part.optional}
TEMPLATE = {p.name for p in (ROOT / "student_template").iterdir()} - {"__pycache__"} - OPTIONAL

posix = pytest.mark.skipif(sys.platform == "win32", reason="links to packages need rights there")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return environments.once(tmp_path_factory, "homework 3", released)


def released(folder, **variables):
    """What the command makes: it refuses where frozen values are stale."""
    command = [environments.HW3, "release", "student", folder]
    ours = {**os.environ, "OMP_NUM_THREADS": "1", **variables}
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", env=ours)
    assert done.returncode == 0, done.stderr
    assert f"{len(PUBLIC)} checks" in done.stdout


@pytest.mark.weekly
def test_an_older_processor_releases_the_same(bundle, tmp_path):
    """It is the furthest from others, and does not believe the values that another one froze."""
    released(tmp_path / "older", **processor_marks.OLD)
    files = {p.relative_to(bundle) for p in bundle.rglob("*") if p.is_file()}
    assert files == {p.relative_to(tmp_path / "older") for p in tmp_path.rglob("*") if p.is_file()}
    for file in files:
        assert (tmp_path / "older" / file).read_bytes() == (bundle / file).read_bytes(), file


@pytest.fixture(scope="module")
def bin_(bundle, tmp_path_factory):
    (wheel,) = bundle.glob("wheels/*.whl")
    return environments.install(tmp_path_factory.mktemp("environment") / "venv", wheel)


def in_this_process(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


def made(assignment=None):
    return bundles.made(bundles.package(), bundles._template(), assignment or Assignment())


def test_the_repository_is_the_template_and_the_wheel(bundle):
    assert {p.name for p in bundle.iterdir()} == TEMPLATE | {"wheels", "requirements.txt"}
    (wheel,) = bundle.glob("wheels/*")
    assert (bundle / "requirements.txt").read_text() == f"./wheels/{wheel.name}\n"
    for name in TEMPLATE:
        if (bundle / name).is_file():
            theirs = (ROOT / "student_template" / name).read_bytes()
            assert (bundle / name).read_bytes() == theirs


def test_the_older_processor_is_one():
    """Else nothing is shown by releasing on it."""
    code = "import torch; print(torch.backends.cpu.get_cpu_capability())"
    older = {**os.environ, **processor_marks.OLD}
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=older)
    assert said.stdout == "DEFAULT\n", said.stderr


def test_the_wheel_holds_the_public_checks_and_nothing_of_ours(bundle):
    (wheel,) = bundle.glob("wheels/*.whl")
    assert wheel.stat().st_size < 3_000_000
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        assert archive.testzip() is None
        record = archive.read(next(n for n in names if n.endswith("/RECORD"))).decode()
        metadata = archive.read(next(n for n in names if n.endswith("/METADATA"))).decode()
    tops = {"grader", "hw3_cli.py", "hw3_pytest.py", names[-1].split("/")[0]}
    assert {n.split("/")[0] for n in names} == tops
    for ours in (
        "hidden",
        "audit",
        "release",
        "freezing",
        "reference",
        "template/",
        "pyc",
        "README",
    ):
        assert not [n for n in names if ours in n], ours
    assert {"grader/data/frozen.safetensors", "grader/checks/part1/paths.py"} <= set(names)
    assert {"grader/py.typed", "grader/calls/signatures.pyi"} <= set(names)
    assert [row[0] for row in csv.reader(io.StringIO(record))] == names
    needed = {line for line in metadata.splitlines() if line.startswith("Requires-Dist")}
    exact = f"hypothesis=={hypothesis.__version__}"  # checks try the same cases
    assert {n.split(": ")[1] for n in needed} == {exact, *_ours()} - {"hypothesis>=6.100"}
    assert "extra" not in metadata


def _ours():
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]


def test_the_same_files_make_the_same_wheel():
    one, two = made(), made()
    assert one.files[one.wheel] == two.files[two.wheel]
    other = made(Assignment(points={"evaluate.counts_right": 2}))
    assert other.wheel != one.wheel


@posix
@pytest.mark.parametrize(
    ("sample", "options"),
    [
        ("ignores_weights", ["--only", "class_influence"]),
        ("absolute_everywhere", ["--part", "part2"]),
        pytest.param("twin_hooks", ["--part", "gan", "--quick"], marks=pytest.mark.weekly),
    ],
)
def test_public_marks_are_the_instructor_s(bin_, tmp_path, sample, options):
    """Every sample: ``python tests/benchmarks/bundle.py``."""
    folder = cases.write(sample, tmp_path)
    options = ("--ci", "none", *options)
    theirs, done = environments.check(bin_ / "hw3", folder, tmp_path / "bundle.json", *options)
    file = tmp_path / "ours.json"
    ours = in_this_process("check", folder, "--json", file, *options)
    assert ours.exit_code == done.returncode == int(sample != "twin_hooks")
    ours = json.loads(file.read_text("utf-8"))
    assert environments.marks(theirs) == environments.marks(ours)
    assert theirs["score"] == ours["score"]
    assert theirs["score"]["undecided"] == 0
    assert {row["id"] for row in theirs["checks"]} <= PUBLIC
    assert "+student." in theirs["environment"]["hw3-grader"]


@posix
def test_the_template_runs_as_it_is(bin_, bundle, tmp_path):
    page = ("--html", tmp_path / "out.html")
    result, done = environments.check(bin_ / "hw3", bundle, tmp_path / "out.json", "--quick", *page)
    assert done.returncode == 1
    assert "make_generator is not written yet" in (tmp_path / "out.html").read_text("utf-8")
    assert {row["status"] for row in result["checks"]} == {"failed", "blocked"}
    assert result["score"]["earned"] == 0


@posix
def test_instructors_commands_are_not_there(bin_):
    told = {"capture_output": True, "text": True, "env": environments.clean()}
    done = subprocess.run([bin_ / "hw3", "--help"], **told)
    assert {"check", "doctor", "list"} <= set(done.stdout.split())
    assert not {"audit", "freeze", "release"} & set(done.stdout.split())
    listed = subprocess.run([bin_ / "hw3", "list", "--hidden"], **told)
    assert {word for word in listed.stdout.split() if word in {c.id for c in CHECKS}} == PUBLIC


@posix
def test_another_release_than_the_repository_s_is_refused(bin_, bundle, tmp_path):
    folder = tmp_path / "repository"
    (folder / "wheels").mkdir(parents=True)
    (folder / "part1_focused.py").write_text("")
    (folder / "wheels" / "hw3_grader-0.1.0+student.0-py3-none-any.whl").write_bytes(b"")
    result, done = environments.check(bin_ / "hw3", folder, tmp_path / "no.json", "--quick")
    assert result is None
    assert done.returncode == 2
    assert "pip install -r requirements.txt" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    # Ours is not one that students get, and grades whatever they hand in.
    assert in_this_process("check", folder, "--only", "linear_scores").exit_code == 1


@posix
def test_other_versions_than_the_course_s_are_said(bin_, bundle, tmp_path):
    (noted,) = bin_.parent.glob("lib/python*/site-packages/grader/data/graded_with.json")
    written = noted.read_bytes()
    assert json.loads(written)["torch"] == torch.__version__.partition("+")[0]
    noted.write_text('{"torch": "1.0.0", "numpy": "1.26.4"}')
    try:
        options = ("--only", "random_classes", "--html", tmp_path / "page.html")
        result, done = environments.check(bin_ / "hw3", bundle, tmp_path / "out.json", *options)
    finally:
        noted.write_bytes(written)
    for words in ("Your course grades with torch 1.0.0", "NumPy 1.26.4"):
        assert words in " ".join(done.stdout.split())
        assert words in result["environment"]["other versions"]
        assert words in (tmp_path / "page.html").read_text("utf-8")


@posix
def test_two_graders_are_refused(bin_, bundle, tmp_path):
    other = tmp_path / "elsewhere" / "hw3_grader-0.0.1.dist-info"
    other.mkdir(parents=True)
    (other / "METADATA").write_text("Name: hw3-grader\nVersion: 0.0.1\n")
    done = subprocess.run(
        [bin_ / "hw3", "check", bundle],
        capture_output=True,
        text=True,
        env={**environments.clean(), "PYTHONPATH": str(other.parent)},
    )
    assert done.returncode == 2
    assert "2 graders are installed here (0.0.1, " in done.stderr


@posix
@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("torch", None, "is not installed here"),
        ("torch", "raise OSError('libtorch_cpu.so: cannot open')", "cannot be imported (libtorch"),
    ],
)
@pytest.mark.parametrize("command", ["check", "doctor"])
def test_a_package_that_cannot_be_used_is_said(bin_, tmp_path, name, content, says, command):
    """As if it were not there: in a folder of packages in front of all others."""
    (tmp_path / name).mkdir()
    (tmp_path / f"{name}-0.dist-info").mkdir()  # modules alone are left out of PYTHONPATH
    error = f"raise ModuleNotFoundError('No module named {name}', name={name!r})"
    (tmp_path / name / "__init__.py").write_text(content or error)
    (tmp_path / "part1_focused.py").write_text("")
    done = subprocess.run(
        [bin_ / "hw3", command],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**environments.clean(), "PYTHONPATH": str(tmp_path)},
    )
    assert says in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert done.returncode == (1 if command == "doctor" else 2)


def refused(*command):
    done = in_this_process(*command)
    assert done.exit_code == 2
    (line,) = done.stderr.splitlines()
    return line


def test_a_folder_that_holds_something_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    assert "name a new folder" in refused("release", "student", tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_a_leak_is_refused_before_anything_is_written(tmp_path, monkeypatch):
    secret = next(check for check in CHECKS if check.hidden)
    planted = bundles._template() | {"hint.md": secret.title.encode()}
    monkeypatch.setattr(bundles, "_template", lambda: planted)
    monkeypatch.setattr(bundles, "_fresh", lambda said: None)
    with pytest.raises(Unreleasable, match=r"^nothing was written, .* hint.md holds the ti"):
        bundles.build(Assignment(), lambda *_: None)


def test_stale_values_are_refused(monkeypatch):
    now = store.Values.read()
    fresh = store.Values({**now.known, "new": [((1.0,), 2.0)]}, {})
    monkeypatch.setattr(bundles.freeze, "freeze", lambda said, every: fresh)
    bundles._fresh(lambda *_: None)  # the same sources on such a machine made them
    other = {**now.made, "sources": "newer"}
    monkeypatch.setattr(bundles.freeze, "origin", lambda: other)
    with pytest.raises(Unreleasable, match=r"stale.*run `hw3 freeze`"):
        bundles.build(Assignment(), lambda *_: None)


def test_an_assignment_that_shows_nothing_is_refused(monkeypatch):
    monkeypatch.setattr(bundles, "_fresh", lambda said: None)
    nothing = Assignment(visibility={check.id: "hidden" for check in CHECKS})
    with pytest.raises(Unreleasable, match="no public check"):
        bundles.build(nothing, lambda *_: None)


def test_what_git_does_not_know_is_not_handed_out(tmp_path, monkeypatch):
    for folder in ("grader/audit", "student_template"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "grader" / "__init__.py").write_text("")
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    subprocess.run(["git", "-C", tmp_path, "add", "."], check=True)
    monkeypatch.setattr(bundles, "HOME", tmp_path)
    assert set(bundles.package()) == {"__init__.py"}
    (tmp_path / "grader" / "audit" / "mine.py").write_text("")  # stays here anyhow
    assert set(bundles.package()) == {"__init__.py", "audit/mine.py"}
    (tmp_path / "grader" / "solution.py").write_text("")
    with pytest.raises(Unreleasable, match=r"git does not know grader/solution\.py"):
        bundles.package()


def test_what_does_not_start_is_refused():
    broken = bundles.package() | {"checks/part1_paths.py": b"import nothing_of_the_kind\n"}
    with pytest.raises(Unreleasable, match="does not start"):
        bundles._try(bundles.made(broken, bundles._template(), Assignment()))


def test_students_get_the_assignment_s_points_and_limits_and_not_its_seed(tmp_path):
    assignment = Assignment(
        seed=123_456_789,
        points={"part3": 30, "evaluate.counts_right": 4, "split.composes": 0},
        visibility={"evaluate.has_no_denominator": "hidden"},
        limits=Limits(memory_mb=1_048_576, total_seconds=123_456.7),
        seconds={"train.learns_the_digits": {"cpu_seconds": 900.0}},
    )
    bundle = made(assignment)
    text = bundle.inside["grader/data/assignment.toml"]
    assert b"123456789" not in text
    (tmp_path / "assignment.toml").write_bytes(text)
    theirs = {c.id: c.points for c in load(tmp_path / "assignment.toml").checks() if not c.hidden}
    ours = {c.id: c.points for c in assignment.checks() if not c.hidden}
    assert {n: p for n, p in theirs.items() if n in ours} == ours
    gone = {"evaluate.has_no_denominator", "split.composes"}  # from their wheel
    assert set(theirs) - set(ours) == gone
    inside = b"".join(bundle.inside.values())
    assert not [name for name in gone if name.partition(".")[2].encode() in inside]
    assert load(tmp_path / "assignment.toml").limits == assignment.limits
    assert "grader/data/assignment.toml" not in made().inside


def test_a_hidden_check_that_is_shown_is_named_as_missing():
    shown = next(c for c in CHECKS if c.hidden and c.function == "evaluate")
    bundle = made(Assignment(visibility={shown.id: "public"}))
    assert [check.id for check in bundle.missing] == [shown.id]


def test_an_assignment_that_came_with_the_package_holds(tmp_path, monkeypatch):
    from grader.grading import assignment_toml

    monkeypatch.setattr(assignment_toml, "_DELIVERED", tmp_path / "assignment.toml")
    assert assignment_toml.delivered() == Assignment()
    (tmp_path / "assignment.toml").write_text('[points]\n"evaluate.counts_right" = 4\n')
    assert assignment_toml.delivered().points == {"evaluate.counts_right": 4}
