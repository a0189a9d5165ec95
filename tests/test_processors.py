"""A mark is the same whatever the processor can do: all of it, or what each has had since 2008."""

from dataclasses import replace

import numpy as np
import pytest

import cases
import processor_marks
from grader.oracle.store import Values
from grader.release import freeze
from grading import ROOT

SOME = {"part1": "raw_weights", "part2": "wrong_comparison", "part3": "weakest_first"}
"""For each part a sample that is wrong in it."""
MORE = {"part1": "ignores_steps", "part2": "keeps_softmax", "part3": "absolute_everywhere"}


def changed(values, by):
    """Every number of every known value, off by this share of its array."""

    def off(value):
        if isinstance(value, tuple):
            return tuple(map(off, value))
        array = np.asarray(value)
        if array.dtype.kind != "f":
            return value
        noise = np.random.RandomState(0).standard_normal(array.shape)
        noise *= by * np.linalg.norm(array) / max(np.linalg.norm(noise), 1e-300)
        return array.astype(np.float64) + noise

    known = {d: [(n, off(v)) for n, v in rows] for d, rows in values.known.items()}
    return replace(values, known=known)


def right_ones():
    """The kept values, without those of the known mistakes, which are compared in the same way."""
    return replace(Values.read(), mistaken={})


def test_the_last_digits_of_a_value_are_another_processor_s():
    now = right_ones()
    assert list(freeze.differences(changed(now, 1e-8), now)) == []


def test_a_thousandth_is_another_value():
    now = right_ones()
    floats = sum(
        np.asarray(part).dtype.kind == "f" and np.any(part)
        for rows in now.known.values()
        for _, value in rows
        for part in [value[0] if isinstance(value, tuple) else value]
    )
    found = [d for d in freeze.differences(changed(now, 1e-3), now) if "another one" in d]
    assert floats > 500
    assert len(found) >= floats


@pytest.mark.parametrize("part", [0, 1])
def test_each_value_alone_is_looked_at(part):
    """A change of one value of the file is found, whichever it is."""
    now = Values.read()
    digest = sorted(now.known)[part * 7]
    one = replace(now, known={**now.known, digest: changed(now, 1e-3).known[digest]})
    assert next(freeze.differences(one, now), "").startswith(f"a value of {now.about[digest][0]}")


def test_what_changed_is_told_from_another_machine():
    now = right_ones()
    other = changed(now, 1e-3)
    machine = freeze.why_stale(other, now)
    assert machine.startswith("this machine computes other values")
    assert now.made["machine"] in machine
    stale = freeze.why_stale(replace(other, made={**now.made, "sources": "older"}), now)
    assert "since a check or the reference changed" in stale
    assert freeze.why_stale(now, now) == ""


def test_precision_is_that_of_what_was_computed():
    """An average of float32 gradients is a float32 number, whatever carries it."""
    now = Values.read()
    kinds = {(name, precision) for name, precision in now.about.values()}
    assert {"float32", "float64"} == {precision for _, precision in kinds}
    of = {freeze._precision(call) for call in _averages("float32")}
    assert of == {"float32"}
    assert {freeze._precision(call) for call in _averages("float64")} == {"float64"}


def _averages(dtype):
    from grader.checks.framework.cases import Case
    from grader.homework.networks import Network
    from grader.oracle.live import average_of
    from grader.records import Call

    case = Case(Network("smooth_mlp", dtype=dtype), 0, target=1)
    arguments = {"model": case.network, "layer": 0, "xs": case.xs(2), "target": 1}
    yield average_of([Call("class_influence", arguments)] * 2, np.array([0.5, 0.5]))


def test_the_reference_keeps_every_point_on_an_older_processor():
    older = processor_marks.marks([ROOT / "reference"], "--few", **processor_marks.OLD)
    assert len(older["reference"]) > 90
    assert set(older["reference"].values()) == {("passed", 1.0)}


@pytest.mark.parametrize(
    ("some", "live"),
    [
        pytest.param(SOME, False, id="some"),
        pytest.param(SOME, True, id="some live", marks=pytest.mark.weekly),
        pytest.param(MORE, True, id="more live", marks=pytest.mark.weekly),
    ],
)
def test_marks_are_the_same_on_an_older_processor(tmp_path, some, live):
    """Each check of a part has the same status and share of its points for what is wrong in it.

    In every run, of what an older processor computes, those by frozen values.  That freezing gives
    the same values, and the reference's marks by them, are tested in ``release/test_student.py``.
    All cases of all checks on all samples and honest variants:
    ``python tests/benchmarks/processors.py``.
    """
    samples = [f"{cases.write(name, tmp_path)}:{part}" for part, name in some.items()]
    here = processor_marks.marks_here(samples, few=True)
    assert len(here) == len(some)
    for name, marks in here.items():
        assert "failed" in {status for status, _ in marks.values()}, name
    frozen = processor_marks.marks(samples, "--few", "--frozen", **processor_marks.OLD)
    public = {n: {c: e for c, e in here[n].items() if c in kept} for n, kept in frozen.items()}
    assert len(public) == len(some)
    assert processor_marks.differing(public, frozen) == []
    if live:
        older = processor_marks.marks(samples, "--few", **processor_marks.OLD)
        assert processor_marks.differing(here, older) == []
