"""The reference's values on disk: equal to the bit, believed only where nobody can forge them."""

import os
import threading

import numpy as np
import pytest

from grader.oracle import kept

VALUES = {
    "array": np.arange(6, dtype=np.float32).reshape(2, 3)[:, ::-1],
    "none": np.zeros((0, 2), dtype=np.int64),
    "numbers": (np.float64(0.1), 3, True, None, [1, float("inf")]),
}

posix = pytest.mark.skipif(not hasattr(os, "getuid"), reason="a system without walls")


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setattr(kept, "folder", lambda: tmp_path / "values")
    monkeypatch.setattr(kept, "VALUES", {})
    monkeypatch.setattr(kept, "_enabled", [True])
    return tmp_path / "values"


def run(walls=True, **computed):
    """What a worker knows before it grades a submission; it computes some values."""
    kept.VALUES.clear()
    with kept.kept(walls, lambda: "grader"):
        known = dict(kept.VALUES)
        kept.VALUES.update(computed)
    return known


@posix
def test_the_next_worker_has_the_values_to_the_bit(home):
    assert run(**VALUES, odd=threading.Lock()) == {}
    known = run()
    assert list(known) == list(VALUES)
    for name in ("array", "none"):
        assert known[name].dtype == VALUES[name].dtype
        np.testing.assert_array_equal(known[name], VALUES[name])
    assert known["numbers"] == VALUES["numbers"]
    assert type(known["numbers"][0]) is np.float64
    assert home.stat().st_mode & 0o777 == 0o700


@posix
@pytest.mark.parametrize("place", [".", "*.values"])
def test_what_others_may_write_is_not_believed(home, place):
    run(**VALUES)
    (found,) = home.glob(place) if place != "." else [home]
    os.chmod(found, 0o777)
    assert run() == {}


@posix
def test_a_damaged_file_is_computed_anew(home):
    run(**VALUES)
    (path,) = home.iterdir()
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    assert run(**VALUES) == {}
    assert list(run()) == list(VALUES)


@posix
def test_without_walls_nothing_is_believed_and_nothing_stays(home):
    run(**VALUES)
    (path,) = home.iterdir()
    assert run(walls=False, **VALUES) == {}
    assert list(home.iterdir()) == []
    with kept.kept(False, lambda: "grader"):
        kept.write(path, VALUES)  # by a submission
    assert run() == {}


def test_only_what_does_nothing_but_grade_keeps_values(home, monkeypatch):
    monkeypatch.setattr(kept, "_enabled", [False])
    run(**VALUES)
    assert not home.exists()
