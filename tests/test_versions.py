"""What a course grades with, and what is said where a student has something else."""

import json
import platform
import sys

import numpy as np
import pytest

import environments
from grader.cli.main import _other_versions
from grader.grading import versions
from grading import ROOT


def test_nothing_is_said_of_the_same_minor_version():
    assert versions.differences({"numpy": "2.4.1"}, {"numpy": "2.4.6"}) == []
    assert versions.differences(versions.of_course(), versions.here()) == []


def test_a_package_that_is_not_there_is_passed_over():
    assert versions.differences({"torchvision": "0.21"}, {"torch": "2.6.0"}) == []


@pytest.mark.parametrize(
    ("course", "own", "words"),
    [
        ("2.4.6", "1.26.4", ("np.Inf", "np.trapz and np.in1d are gone in NumPy 2.4")),
        ("1.26.4", "2.4.6", ("np.Inf", "np.trapz and np.in1d are gone in NumPy 2.4")),
        ("2.3.5", "2.0.2", ()),
    ],
)
def test_what_is_known_to_differ_is_named(course, own, words):
    (said,) = versions.differences({"numpy": course}, {"numpy": own})
    assert said.startswith(f"Your course grades with NumPy {course}, but {own} is installed here")
    assert all(word in said for word in words)
    assert ("np." in said) == bool(words)


def test_what_is_said_of_numpy_is_so():
    """On the version that is installed, as far as that can tell."""
    installed = versions._minor(np.__version__)
    for at, words in versions._KNOWN["numpy"].items():
        gone, _, new = words.partition(" are gone")
        names = [word.strip(",.;:") for word in gone.split() if word.startswith("np.")]
        assert names
        for name in names:
            assert hasattr(np, name.removeprefix("np.")) == (installed < at), name
        for name in (w.strip(",.;:") for w in new.split() if w.startswith("np.")):
            assert hasattr(np, name.removeprefix("np.")) == (installed >= (2, 0)), name


def test_what_is_said_of_python_is_so():
    """On the version that is installed: a module that is new there, or gone."""
    installed = sys.version_info[:2]
    for module, at, new in (("tomllib", (3, 11), True), ("distutils", (3, 12), False)):
        assert module in versions._KNOWN["python"][at]
        assert (module in sys.stdlib_module_names) == ((installed >= at) == new)


def test_a_missing_package_hides_no_other(monkeypatch):
    """Of those that are asked for one after the other, the first ones are not there."""
    version = versions.metadata.version

    def found(name):
        if name in versions._PACKAGES:
            raise versions.metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(versions.metadata, "version", found)
    assert set(versions.here()) == {"python", "hypothesis"}


def test_a_release_notes_what_is_here():
    noted = json.loads(versions.noted())
    assert noted["python"] == platform.python_version()
    assert versions.pinned(["hypothesis>=6.100", "numpy>=1.26"]) == [
        f"hypothesis=={noted['hypothesis']}",
        "numpy>=1.26",
    ]
    (said,) = versions.differences({"hypothesis": "6.0.0"}, noted)
    assert "pip install -r requirements.txt" in said
    assert {"python", "torch", "numpy"} <= set(noted)
    assert "+" not in noted["torch"]


def test_hw3_check_says_so_in_terminal_and_report(tmp_path, monkeypatch):
    course = tmp_path / "graded_with.json"
    course.write_text('{"numpy": "1.26.4"}')
    monkeypatch.setattr(versions.of_course, "__defaults__", (course,))
    assert "NumPy 1.26.4, but " in _other_versions()["other versions"]
    course.write_text("no JSON")
    assert _other_versions() == {}
    assert versions.FILE == ROOT / "grader" / "data" / "graded_with.json"
    assert environments.HW3
