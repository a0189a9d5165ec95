"""Frozen values: found by what a call asks, on any machine, and as good as the reference's own."""

from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

import cases
from grader.checks.framework.cases import Case
from grader.checks.framework.student import Student
from grader.errors import Vanished
from grader.grading import engine
from grader.homework.contract import Module
from grader.homework.networks import Network
from grader.oracle.frozen import SAME_INPUT, WIDTH, FrozenOracle, distance, question, sketch
from grader.oracle.live import LiveOracle, oracle
from grader.oracle.store import FILE, Values
from grader.records import Call, Status, Submission
from grader.release import freeze
from grader.sandbox.host.session import InProcessSession
from grading import BY_ID, CHECKS, reference_files

CASE = Case(Network("smooth_cnn", seed=2, dtype="float64"), 3, target=1, seed=2)
SUBMISSION = Submission("one", "One", {}, "")
PUBLIC = [c for c in CHECKS if not c.hidden and c.part != "gan"]


def call(xs, /, **changes):
    arguments = {"model": CASE.network, "layer": 3, "xs": xs, "target": 1, "weights": [0.5, 2.0]}
    return Call("class_influence", {**arguments, **changes})


def test_the_last_digit_of_an_input_does_not_matter():
    xs = CASE.xs(2)
    one, two = question(call(xs)), question(call(np.nextafter(xs, 10.0)))
    assert xs.tobytes() != np.nextafter(xs, 10.0).tobytes()
    assert one.digest == two.digest
    assert one.numbers == pytest.approx(two.numbers, rel=1e-12)


@pytest.mark.parametrize(
    "changes",
    [
        {"target": 2},
        {"layer": 2},
        {"model": replace(CASE.network, seed=3)},
        {"weights": None},
        {"weights": np.array([0.5, 2.0])},
        {"xs": CASE.xs(2).astype(np.float32)},
        {"xs": CASE.xs(2).tolist()},
        {"xs": np.ones((2, 72), dtype=np.int64)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_whatever_else_is_asked_matters(changes):
    assert question(call(CASE.xs(2), **changes)).digest != question(call(CASE.xs(2))).digest


@pytest.mark.parametrize(
    "xs",
    [CASE.xs(2)[::-1].copy(), CASE.xs(3)[1:], 1.01 * CASE.xs(2)],
    ids=["turned round", "another row", "larger"],
)
def test_other_inputs_are_other_questions(xs):
    one, two = question(call(xs)), question(call(CASE.xs(2)))
    assert one.digest == two.digest
    assert distance(one.numbers, two.numbers) > 100 * SAME_INPUT


def test_a_question_is_the_same_on_every_machine():
    asked = question(Call("top_neurons", {"attribution": np.array([1.0, 3.0]), "k": 1}))
    assert asked.digest == "2455557395687c665100"
    assert asked.numbers == pytest.approx([1.52495066, -0.113618518, 2.41620361, 2.41620361])


def test_sketches_keep_distances():
    random = np.random.RandomState(0)
    ratios = []
    for _ in range(200):
        a, b = random.standard_normal((2, 4, 5, 6))
        ratios.append(np.linalg.norm(sketch(a) - sketch(b)) / np.linalg.norm(a - b))
    assert np.mean(np.square(ratios)) == pytest.approx(1, abs=0.1)
    assert min(ratios) > 0.1
    assert max(ratios) < 3


def test_sketches_of_other_shapes_have_nothing_to_do_with_each_other():
    a = np.random.RandomState(1).standard_normal((4, 6))
    one, two = sketch(a), sketch(a.T)
    assert one.shape == two.shape == (WIDTH,)
    assert np.linalg.norm(one - sketch(a.reshape(6, 4))) > 0.1 * np.linalg.norm(one)


def test_what_is_short_or_whole_is_its_own_sketch():
    for part in (np.arange(50), np.array([1.5, 2.5]), np.array(3.0)):
        assert sketch(part) is part


def written(tmp_path, change=lambda values: None):
    values = Values.read()
    change(values)
    path = tmp_path / "frozen"
    path.write_bytes(values.packed())
    return path


def test_what_is_written_is_read(tmp_path):
    one, two = Values.read(), Values.read(written(tmp_path))
    assert list(freeze.differences(one, two)) == []
    assert (tmp_path / "frozen").read_bytes() == FILE.read_bytes()


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9])
def test_a_flipped_bit_is_seen(tmp_path, share):
    content = bytearray(FILE.read_bytes())
    content[int(share * len(content))] ^= 1
    (tmp_path / "frozen.safetensors").write_bytes(content)
    with pytest.raises(Vanished, match="cannot be read"):
        Values.read(tmp_path / "frozen.safetensors")


def few():
    """Some of the values: one that is longer than a sketch, and what mistakes give for a call."""
    values = Values.read()
    known = next((d, rows) for d, rows in values.known.items() if np.size(rows[0][1]) > WIDTH)
    mistaken = next((d, r) for d, r in values.mistaken.items() if any(r[0][1].values()))
    return Values(dict([known]), dict([mistaken]))


def test_stale_values_are_seen():
    now = few()
    ((digest, ((numbers, value),)),) = now.known.items()
    ((call_, ((asked, of), *rest)),) = now.mistaken.items()
    assert list(freeze.differences(few(), now)) == []
    another = Values({digest: [(numbers, value * (1 + 1e-4))]}, now.mistaken)
    assert "another one" in next(freeze.differences(another, now))
    assert "missing" in next(freeze.differences(Values({}, now.mistaken), now))
    more = Values({**now.known, "more": now.known[digest]}, now.mistaken)
    assert "no longer asked" in next(freeze.differences(more, now))
    wrong = {name: [tuple(p + 1 for p in one) for one in of[name]] for name in of}
    mistakes = Values(now.known, {call_: [(asked, wrong), *rest]})
    assert "another one" in next(freeze.differences(mistakes, now))
    unnamed = {name: of[name] for name in list(of)[1:]}
    mistakes = Values(now.known, {call_: [(asked, unnamed), *rest]})
    assert "another one" in next(freeze.differences(mistakes, now))


@pytest.mark.parametrize("content", [b"", b"no such file", FILE.read_bytes()[:5000]])
def test_a_damaged_file_is_said_in_one_sentence(tmp_path, content):
    path = tmp_path / "frozen.safetensors"
    path.write_bytes(content)
    with pytest.raises(Vanished, match=r"^frozen.safetensors, .* cannot be read: install .*\)$"):
        Values.read(path)
    path.unlink()
    with pytest.raises(Vanished, match="is missing"):
        Values.read(path)


def outcomes(files, source, checks=PUBLIC):
    with oracle.answering(source):
        ended = engine.run(checks, lambda part: InProcessSession(files))
        return {o.check_id: o for o in ended}


def sample(name):
    return cases.load(name).files


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("no_path", "path_influence"),
        ("raw_weights", "integrated_saliency_map"),
        ("raw_weights", "class_influence"),
    ],
)
def test_marks_are_those_of_the_reference(name, function):
    """Two of them are held against what the reference itself never needs to be.

    The same for every sample, from an installed package: ``python tests/benchmarks/bundle.py``.
    """
    checks = [check for check in PUBLIC if check.function == function]
    live, frozen = (outcomes(sample(name), s, checks) for s in (LiveOracle(), FrozenOracle()))
    assert {n: (o.status, o.fraction) for n, o in frozen.items()} == {
        n: (o.status, o.fraction) for n, o in live.items()
    }
    assert {o.feedback.diagnosis for o in frozen.values()} == {
        o.feedback.diagnosis for o in live.values()
    }
    assert any(o.status is not Status.PASSED for o in live.values())


def test_without_a_value_nothing_is_lost(tmp_path):
    check = BY_ID["class_influence.agrees_with_the_reference"]
    path = written(tmp_path, lambda values: values.known.clear())
    (outcome,) = outcomes(reference_files(), FrozenOracle(path), [check]).values()
    assert outcome.status is Status.INVALID
    assert "has no value for a call of class_influence" in outcome.feedback.message
    report = engine.report(SUBMISSION, [check], [outcome], {})
    assert report.total.undecided == check.points
    assert report.total.earned == 0


def test_a_frozen_module_is_asked_when_it_is_called():
    frozen = FrozenOracle()
    mask = Call("mask_slice", {"model": CASE.network, "layer": 0, "keep": [0]})
    assert frozen.value(mask, Module(), {}) is None


def test_checks_by_hypothesis_never_ask(monkeypatch):
    class Silent(FrozenOracle):
        def value(self, call, returns, shapes):
            pytest.fail(f"{call.function} was asked")

    check = BY_ID["integrated_gradients.is_complete"]
    with oracle.answering(Silent()), closing(InProcessSession(reference_files())) as session:
        check.run(Student(session))
