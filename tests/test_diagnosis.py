"""A mistake is named where it is beyond doubt, nothing right is, and no mark depends on it."""

import sys
from pathlib import Path

import numpy as np
import pytest
from diagnosed_calls import CALLS, ORACLE, PATHS

from grader.calls.digest import key
from grader.checks.framework import from_failure
from grader.checks.framework.cases import Case
from grader.diagnosis import match
from grader.diagnosis.match import COVERS, Answer, diagnose, name_of
from grader.diagnosis.sentences import SENTENCES
from grader.homework.networks import Network
from grader.oracle import live
from grader.oracle.live import LiveOracle, parts_of
from grader.records import Status
from grading import outcomes, reference_files
from reference.mistakes import MISTAKES
from reference.mistakes.base import FUNCTIONS

sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))

from phrasings import HONEST
from questions import questions
from tolerances import written


def answer(call, given):
    return Answer(live.maker(call), given, ORACLE.mistaken(call))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_right_way_gives_what_the_reference_gives(function):
    """By one of the rules, where there are several."""
    reference = LiveOracle()
    for call in CALLS[function]:
        parts = parts_of(call, live._sendable(reference._performer.perform(call)[0]))
        accepted = reference.accepted(call)
        assert accepted
        errors = [max(match._errors(parts, right)) for right in accepted]
        assert min(errors) < 1e-6


def test_every_mistake_has_a_sentence_and_every_sentence_a_mistake():
    assert set(SENTENCES) == {mistake.name for mistake in MISTAKES}
    for sentence in SENTENCES.values():
        assert sentence.endswith(".")
        assert len(sentence) < 300


def test_the_ways_of_a_function_have_keys_of_their_own():
    for function in FUNCTIONS:
        keys = [
            f"{m.name}.{way.__name__}"
            for m in MISTAKES
            if function in m.functions
            for way in m.ways
        ]
        assert len(keys) == len(set(keys))


KEPT = {"log_softmax_kept.LogSoftmaxKept", "softmax_kept.OnlyLogSoftmaxRemoved"}
UNNAMED = {
    "linear_scores": {"after_softmax.Probability", "after_softmax.LogProbability"},
    "instance_influence": {"absolute.AbsoluteResult", "clipped.ClippedResult"},
    # A difference of two logarithms of probabilities is one of scores.
    "comparative_influence": {"after_softmax.LogProbability", *KEPT},
    "comparative_integrated_gradients": {"after_softmax.LogProbability", *KEPT},
    "distinguishing_neurons": {"after_softmax.LogProbability", *KEPT},
    "binary_classifier": {"rank_absolute.AbsoluteClasses"},
}
"""Ways that make no difference in a function, or that stop it, or that are not told apart."""


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_mistake_is_named_and_none_by_another_name(function):
    """Its own results, perturbed a little, in the order of the calls up to the first wrong one."""
    rng, unnamed, misnamed = np.random.RandomState(0), set(), {}
    for mistake in ORACLE.mistaken(CALLS[function][0]):
        names: set[str] = set()
        known = []
        for call in CALLS[function] if mistake else ():
            made = ORACLE.mistaken(call)[mistake]
            if made:
                known.append(answer(call, tuple(noisy(part, 1e-6, rng) for part in made[0])))
        names.add(diagnose(known))
        covering = {name for name, covered in COVERS.items() if name_of(mistake) in covered}
        if names - {"", name_of(mistake)} - covering:
            misnamed[mistake] = names
        if mistake and name_of(mistake) not in names:
            unnamed.add(mistake)
    assert misnamed == {}
    assert unnamed == UNNAMED.get(function, set())


def noisy(array, size, rng):
    if array.dtype.kind != "f" or array.ndim == 0:
        return array
    return array * (1 + size * rng.standard_normal(array.shape))


@pytest.mark.parametrize("way", HONEST, ids=lambda way: way.__name__)
def test_nothing_right_is_named(way):
    rng = np.random.RandomState(1)
    ask = written(way)
    known = [
        answer(question.call, (noisy(ask(question.call), 1e-5, rng),))
        for question in questions("float32")[::3]
    ]
    assert diagnose(known) == ""


@pytest.mark.parametrize("function", ["class_influence", "integrated_gradients", "saliency_map"])
def test_what_is_wrong_in_another_way_has_no_name(function):
    rng = np.random.RandomState(2)
    for call in CALLS[function]:
        (right,) = ORACLE.accepted(call)[0]
        for wrong in (
            1.37 * right,
            right + 0.3,
            np.roll(right, 1),
            rng.standard_normal(right.shape),
        ):
            assert diagnose([answer(call, (wrong,))]) == ""


def test_between_right_and_wrong_nothing_is_said():
    (call,) = CALLS["integrated_gradients"][:1]
    (right,), (wrong,) = ORACLE.accepted(call)[0], ORACLE.mistaken(call)["times_x.TimesX"][0]
    for share, name in ((0.0, ""), (0.001, ""), (0.9, ""), (0.999, ""), (1.0, "times_x")):
        assert diagnose([answer(call, (right + share * (wrong - right),))]) == name


def test_two_numbers_alone_are_not_enough():
    """Ranks and shares agree by chance."""
    calls = CALLS["compare_attributions"][:2]
    known = [answer(call, ORACLE.mistaken(call)["pearson.Pearson"][0]) for call in calls]
    assert diagnose(known) == "pearson"
    assert diagnose(known[:1]) == ""


def test_an_earlier_answer_tells_mistakes_apart():
    """On a linear network it makes no difference where the line lies."""
    linear = Case(Network("affine", seed=12), target=2, seed=12)
    bent = PATHS[0]
    calls = [
        ORACLE.call("path_influence", c.network, -1, c.x, c.baseline, c.target, 9)
        for c in (linear, bent)
    ]
    end = [ORACLE.mistaken(call)["at_the_end.AtTheEnd"][0] for call in calls]
    assert diagnose([answer(calls[0], end[0])]) == ""  # right on this one
    assert diagnose([answer(calls[0], end[0]), answer(calls[1], end[1])]) == "at_the_end"
    assert diagnose([answer(calls[1], end[1]), answer(calls[0], 2 * end[0][0][None])]) == ""


@pytest.mark.parametrize(
    ("factors", "said"),
    [
        ({4: 0.5, 3: 0.5}, "0.5 times right"),
        ({4: -1.0, 3: -1.0}, "every sign is reversed"),
        ({4: 1 / 4, 3: 1 / 3}, "divided by the number of rows"),
        ({4: 4.0, 3: 3.0, 1: 1.0}, "multiplied by the number of rows"),
        ({4: 1 / 4, 3: 1 / 4, 1: 1.0}, ""),
    ],
)
def test_a_factor_is_said_if_it_is_one_number_or_follows_from_the_call(factors, said):
    sentence = factor_of(factors.items())
    assert said in sentence
    assert bool(said) == bool(sentence)


def test_a_factor_that_can_be_two_things_is_not_said():
    assert factor_of([(4, 1 / 4), (4, 1 / 4)]) == ""


def factor_of(found):
    right = np.array([1.0, -2.0, 3.0])
    return match.factor(
        [Answer("f", (by * right,), {"": [(right,)]}, {"rows": rows}) for rows, by in found]
    )


IDS = [
    "integrated_gradients.has_a_value_per_feature",
    "integrated_gradients.is_exact_on_linear_networks",
    "integrated_gradients.is_complete",
    "integrated_gradients.integrates_on_the_line",
]


@pytest.fixture
def no_difference():
    files = reference_files()
    name = "part1_focused.py"
    files[name] = files[name].replace(b"return (x - baseline).detach() * ", b"return ")
    return files


def test_a_report_says_it(no_difference):
    ended = outcomes(no_difference, IDS)
    for name in IDS[1:]:
        assert ended[name].status is Status.FAILED
        assert ended[name].feedback.diagnosis == SENTENCES["no_difference"]


def test_a_report_says_it_of_a_classifier_too():
    files = reference_files()
    name = "part3_compression.py"
    files[name] = files[name].replace(b"said = (margin > 0)", b"said = (margin >= 0)")
    name = "evaluate.takes_zero_for_a_no"
    ended = outcomes(files, ["evaluate.counts_right", name])
    assert ended[name].feedback.diagnosis == SENTENCES["zero_says_yes"]


@pytest.mark.parametrize("broken", ["raises", "lies"])
def test_no_mark_depends_on_it(no_difference, monkeypatch, broken):
    before = outcomes(no_difference, IDS)

    def mistaken(self, call):
        if broken == "raises":
            raise RuntimeError("broken")
        return {"": ((np.full(3, 7.0),),), "nothing.There": 3}

    monkeypatch.setattr(LiveOracle, "mistaken", mistaken)
    after = outcomes(no_difference, IDS)
    assert [(o.status, o.fraction) for o in after.values()] == [
        (o.status, o.fraction) for o in before.values()
    ]
    assert not set(SENTENCES.values()) & {o.feedback.diagnosis for o in after.values()}


def test_shrinking_asks_for_one_diagnosis(no_difference, monkeypatch):
    asked = []
    monkeypatch.setattr(match, "diagnose", lambda known: asked.append(len(known)) or "")
    outcomes(no_difference, [IDS[0], IDS[2]])
    assert len(asked) == 1


def test_passing_checks_ask_for_none(monkeypatch):
    monkeypatch.setattr(LiveOracle, "mistaken", lambda self, call: pytest.fail("asked"))
    ended = outcomes(reference_files(), IDS[:2])
    assert {o.status for o in ended.values()} == {Status.PASSED}


def test_without_the_mistakes_nothing_is_known(monkeypatch):
    """As in a student's package."""
    monkeypatch.setitem(sys.modules, "grader.reference.mistakes", None)
    call = CALLS["top_neurons"][0]
    assert key(call)
    assert dict(LiveOracle().mistaken(call)) == {}
    assert LiveOracle().accepted(call) == ()
    assert diagnose([Answer("top_neurons", (np.arange(3),), {})]) == ""


def test_what_is_no_number_says_nothing():
    (call,) = CALLS["integrated_gradients"][:1]
    assert from_failure.sentence([(call, None), (call, 3)]) == ""
