"""What CI says of the lines that the tests run, and when it counts them."""

from types import SimpleNamespace

import pytest

import lines


def counted(run, missing):
    """A document as SlipCover writes it, of two files."""
    files = {
        "grader/a.py": {"missing_lines": list(range(missing))},
        "grader/b.py": {"missing_lines": []},
    }
    share = 100 * run / (run + missing)
    summary = {"covered_lines": run, "missing_lines": missing, "percent_covered": share}
    return {"summary": summary, "files": files}


@pytest.mark.parametrize(("run", "missing", "is_enough"), [(950, 50, True), (949, 51, False)])
def test_below_95_percent_is_not_enough(run, missing, is_enough):
    assert lines.enough(counted(run, missing)) is is_enough


def test_the_share_and_the_files_are_said():
    first, *files = lines.said(counted(960, 40))
    assert first.startswith("960 of 1,000 are run: 96.0 % (at least 95 % must be)")
    assert files == ["   40 lines of grader/a.py"]


def test_an_interrupted_run_counts_nothing_and_is_not_enough(tmp_path):
    (tmp_path / "of_a_worker").mkdir()
    assert lines.collected(tmp_path) == {}
    assert not tmp_path.exists()
    assert not lines.enough({})
    assert lines.said({}) == ["none were counted"]


@pytest.mark.parametrize(
    ("ci", "changes", "is_wanted"),
    [
        ("true", {}, True),
        ("true", {"markexpr": ""}, True),
        ("", {}, False),
        ("true", {"markexpr": "weekly"}, False),
        ("true", {"keyword": "some"}, False),
        ("true", {"numprocesses": None}, False),
    ],
)
def test_lines_are_counted_where_ci_runs_every_test(monkeypatch, ci, changes, is_wanted):
    monkeypatch.setenv("CI", ci)
    option = {"markexpr": "not weekly", "keyword": "", "numprocesses": 3, **changes}
    source = pytest.Config.ArgsSource.TESTPATHS
    config = SimpleNamespace(option=SimpleNamespace(**option), args_source=source)
    assert lines.wanted(config) is is_wanted
    config.args_source = pytest.Config.ArgsSource.ARGS
    assert not lines.wanted(config)
