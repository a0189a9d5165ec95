"""What the checks of the GAN notice, and whom they never accuse: the variants of ``fixtures/gan``.

What trains for long is tried on a few here and in ``test_submissions.py``, and on all by
``fixtures/calibrate_gan.py``.
"""

import numpy as np
import pytest
import torch

import cheats
import edits
from grader.checks.framework.expect import Unmet
from grader.checks.framework.student import Student
from grader.checks.gan.evidence import batches
from grader.checks.gan.whole import Weights, learning_rates, moved_alike
from grader.checks.hidden.gan_given import PLACES, placed, put_back, share_of, some_place
from grader.gan_metrics.measure import digits
from grader.grading import engine
from grader.homework.contract import LEARNING_RATES
from grader.records import Received, Reply, Status
from grader.sandbox.gan.drivers import DRIVERS
from grader.sandbox.host.session import InProcessSession
from grading import CHECKS, ROOT, not_passed, outcomes, with_needs

MECHANICS = [c.id for c in CHECKS if c.part == "gan" and not c.long]
IN_EVERY_RUN = {
    *edits.FILES,
    *("minimax", "swapped_labels", "smoothing_in_the_step"),  # other losses
    *("batch_norm_of_both", "simultaneous"),
}
"""Honest variants of each structure, loss and habit; the others vary one of these."""
weekly = pytest.mark.weekly


@pytest.mark.parametrize(
    "name",
    [
        name if name in IN_EVERY_RUN else pytest.param(name, marks=weekly)
        for name in (*edits.FILES, *edits.HONEST)
    ],
)
def test_honest_variants_pass_every_check(name):
    assert not_passed(outcomes({"gan.py": edits.source(name)}, MECHANICS)) == {}


BY_HAND = {path.name: path for path in sorted((ROOT / "fixtures/gan/by_hand").iterdir())}
SOME_BY_HAND = ("callable_objects",)


@pytest.mark.filterwarnings("ignore")  # as where submissions run
@pytest.mark.parametrize(
    "name", [n if n in SOME_BY_HAND else pytest.param(n, marks=weekly) for n in BY_HAND]
)
def test_what_others_wrote_from_the_page_alone_passes_every_check(name):
    path = BY_HAND[name]
    files = {f.relative_to(path).as_posix(): f.read_text("utf-8") for f in path.rglob("*.py")}
    assert not_passed(outcomes(files, MECHANICS)) == {}


def families(names):
    return {line for n in names for line in edits.source(n).splitlines() if line[:4] == "LOSS"}


def test_every_family_of_losses_is_there_in_every_run():
    assert families(IN_EVERY_RUN) | {'LOSS = "other"'} == families([*edits.FILES, *edits.HONEST])


@pytest.mark.parametrize("name", edits.MISTAKES)
def test_mistakes_fail_the_checks_that_are_meant_for_them(name):
    meant = edits.MISTAKES[name].caught_by
    ended = outcomes({"gan.py": edits.source(name)}, with_needs(*meant))
    held_up = {Status.PASSED, Status.INVALID}
    assert [c for c in meant if ended[c].status in held_up] == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("generator_detached", "No gradient reaches the generator"),
        ("generator_learns_from_real", "not from real images"),
        ("cleared_before_the_step", "zero_grad() clears it between"),
        ("generator_never_steps", "opt_g.step() is missing"),
        ("generator_in_eval_mode", "generator.train() before the step"),
        ("penalty_without_graph", "create_graph=True"),
        ("penalty_never_added", "before backward()"),
        ("penalty_never_called", "leave the function out"),
        ("penalty_subtracted", "do not subtract it"),
        ("penalty_of_the_whole_batch", "norm is taken over the whole batch"),
        ("clipped_too_early", "right after opt_d.step()"),
        ("clipped_too_late", "right after opt_d.step()"),
        ("clipped_generator", "none of the generator"),
        ("real_images_scaled", "as it is"),
        ("discriminator_cleared_before_its_step", "opt_d.step() is missing, or zero_grad()"),
        ("entropy_of_probabilities", "is written for probabilities"),
    ],
)
def test_what_is_wrong_is_named(name, words):
    (check,) = edits.MISTAKES[name].caught_by
    told = outcomes({"gan.py": edits.source(name)}, with_needs(check))[check].feedback
    assert words in f"{told.message} {told.diagnosis}"


def test_every_check_catches_a_mistake_by_itself():
    """Not merely blocked: each fails on its own for some single mistake."""
    named = {name for edit in edits.MISTAKES.values() for name in edit.caught_by}
    others = {"make_generator.makes_images", "make_discriminator.gives_one_logit_per_image"}
    assert named | others == set(MECHANICS)


NAMES = """
LOSS by_name count discriminator fake fake_gradients generator gradients images_1 images_2
images_7 ended fits given images_64 kept later logits logits_1 logits_2 logits_7 logits_96 losses
near noise own parameters penalised rates real real_gradients returned rose samples scaled sizes
told trainable updates used values words
"""
FORGED = (None, "text", 1.5, [1, "a"], {}, np.zeros(0), np.ones((3, 2)), np.full((3, 8), np.nan))


class Forger:
    """Answers every driver's call with one and the same value for everything in it."""

    def __init__(self, value):
        array = isinstance(value, np.ndarray)
        self._value = Received(value, "tensor", value.dtype.name) if array else value

    def call(self, call, limits=None):
        return Reply(dict.fromkeys(NAMES.split(), self._value))

    def fresh(self):
        return self

    def close(self):
        pass


@pytest.mark.parametrize("value", FORGED, ids=lambda value: str(np.shape(value)))
def test_what_no_driver_sends_is_never_undecided(value):
    checks = [check for check in CHECKS if check.part == "gan" and not check.needs]
    ended = {o.check_id: o.status for o in engine.run(checks, lambda part: Forger(value))}
    assert set(ended.values()) == {Status.FAILED}


@pytest.mark.parametrize(
    "name",
    [
        name if name == "no_parameters" else pytest.param(name, marks=weekly)
        for name in cheats.CHEATS
    ],
)
def test_cheats_earn_nothing_where_they_are_found_out(name):
    cheat = cheats.CHEATS[name]
    ended = outcomes({"gan.py": cheats.source(name)}, with_needs(cheat.caught_by))[cheat.caught_by]
    assert ended.fraction == 0
    assert cheat.because in ended.feedback.message + ended.feedback.diagnosis


def test_a_collapse_is_put_down_to_the_mechanic_that_failed():
    ids = [c.id for c in CHECKS if c.part == "gan" and not c.hidden]
    ended = outcomes({"gan.py": cheats.source("no_parameters")}, ids)
    assert "Likely cause: “Take a step" in ended["train.learns_the_digits"].feedback.diagnosis


def namespace(name):
    gan = {}
    exec(edits.source(name), gan)
    return gan


def begin(gan, stops, *, still=False, steps=6, rates=(1e-3, 1e-3)):
    torch.manual_seed(3)
    images = torch.rand(40, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    return DRIVERS["begin_training"](
        gan,
        images=images,
        noise=torch.zeros(4, 16),
        **{"steps": steps, "batch_size": 8, "train_seed": 0},
        **{"rates": list(rates), "stops": list(stops), "still": still},
    )


def test_a_training_that_pauses_ends_as_one_that_does_not():
    given = {
        "images": batches(40),
        "noise": np.zeros((4, 16), np.float32),
        **{"steps": 6, "batch_size": 8, "train_seed": 0, "rates": [1e-3, 1e-3], "still": False},
    }

    def trained(stops):
        student = Student(InProcessSession({"gan.py": edits.source("mlp_batch_norm").encode()}))
        made = [student.drive("begin_training", seed=3, **given, stops=stops)]
        made += [student.drive("go_on", seed=3) for _ in stops]
        return made

    (whole,) = trained([])
    first, third, last = trained([0, 3])
    assert [stage["ended"] for stage in (first, third, last)] == [0, 0, 1]
    assert [stage["updates"].tolist()[0] for stage in (first, third, last)] == [0, 3, 6]
    assert np.array_equal(last["values"], whole["values"])
    assert not np.array_equal(third["values"], whole["values"])
    assert len(last["losses"]) == 6


def test_a_fresh_generator_draws_what_the_trained_one_does():
    gan = namespace("dcgan")
    made = begin(gan, [])
    torch.manual_seed(3)
    state = {name: made[name] for name in ("values", "sizes")}
    z = torch.zeros(4, 16)
    drawn = DRIVERS["sample"](namespace("dcgan"), noise=z, near=z, **state, train_seed=0)
    assert torch.equal(drawn["samples"], made["own"])
    assert not torch.equal(drawn["values"], made["values"])
    fewer = {**state, "sizes": made["sizes"][:-1]}
    assert DRIVERS["sample"](gan, noise=z, near=z, **fewer, train_seed=0)["fits"] == 0


def test_no_step_moves_a_discriminator_that_stands_still():
    gan = namespace("mlp_batch_norm")
    seen = []
    train = gan["train"]
    gan["train"] = lambda *given: (train(*given), seen.append(given[1].state_dict()))[0]
    begin(gan, [], still=True, steps=1)
    begin(gan, [], still=True, steps=5)
    assert all(torch.equal(a, b) for a, b in zip(*(s.values() for s in seen), strict=True))


def test_what_a_training_raises_is_raised_where_it_was_asked_to_go_on():
    gan = namespace("mlp_batch_norm")
    gan["train"] = lambda *given: 1 / 0
    with pytest.raises(ZeroDivisionError):
        begin(gan, [])
    DRIVERS["leave"](gan)
    with pytest.raises(RuntimeError, match="gone"):
        DRIVERS["go_on"](gan)


def test_a_learning_rate_that_rises_is_noticed():
    gan = namespace("mlp_batch_norm")
    train = gan["train"]

    def raising(*given):
        given[3].param_groups[0]["lr"] *= 5
        return train(*given)

    gan["train"] = raising
    assert begin(gan, [], steps=2)["rose"].tolist() == pytest.approx([1, 5])


@pytest.mark.parametrize(
    ("value", "rates"),
    [
        (None, (LEARNING_RATES[0],) * 2),
        (1e-3, (1e-3, 1e-3)),
        (np.float32(1e-3), (1e-3, 1e-3)),
        ({"generator": 1e-4, "discriminator": 4e-4}, (1e-4, 4e-4)),
        (1e-5, (1e-5, 1e-5)),
        (1e-2, (1e-2, 1e-2)),
    ],
)
def test_learning_rates_that_are_allowed(value, rates):
    file = f"import numpy as np\nLEARNING_RATE = {value!r}\n"
    assert learning_rates(Student(InProcessSession({"gan.py": file.encode()})))[0] == (
        pytest.approx(rates)
    )


@pytest.mark.parametrize(
    "value",
    [0.1, 1e-6, -1e-3, 0, True, "fast", [1e-3], {"generator": 1e-3}, float("nan"), {}],
    ids=str,
)
def test_learning_rates_that_are_not_allowed(value):
    file = f"nan = float('nan')\nLEARNING_RATE = {value!r}\n"
    with pytest.raises(Unmet, match="LEARNING_RATE is no learning rate") as caught:
        learning_rates(Student(InProcessSession({"gan.py": file.encode()})))
    assert caught.value.feedback.actual == repr(value)
    assert "from 1e-05 to 0.01" in caught.value.feedback.expected


def test_ways_are_alike_if_one_tensor_went_the_same_way():
    random = np.random.RandomState(0)
    start, way = random.standard_normal((2, 100))
    before = Weights(start, (60, 40), 2)
    one = Weights(start + way, (60, 40), 2)
    half = np.concatenate([way[:60], random.standard_normal(40)])
    assert moved_alike(before, one, one)
    assert moved_alike(before, one, Weights(start + half, (60, 40), 2))
    assert not moved_alike(before, one, Weights(start + way[::-1], (60, 40), 2))
    assert not moved_alike(before, before, before)  # what never moves says nothing


def test_weights_are_shuffled_and_nudged_tensor_by_tensor_and_buffers_stay():
    weights = Weights(np.arange(1.0, 101.0), (40, 30, 30), 2)
    mixed, nudged = weights.shuffled(), weights.nudged()
    assert np.array_equal(mixed.values[70:], weights.values[70:])
    assert np.array_equal(np.sort(mixed.values[:40]), weights.values[:40])
    assert not np.array_equal(mixed.values[:40], weights.values[:40])
    assert np.abs(nudged.values / weights.values - 1).max() < 1e-3
    assert np.array_equal(nudged.values[70:], weights.values[70:])


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_what_is_placed_is_put_back(place):
    images = batches(3)
    assert np.array_equal(put_back(placed(images, place), place), images)


def test_digits_are_nearest_to_digits_in_their_own_position():
    place = (1, 1, 0)
    images, _ = some_place(0)
    assert share_of(placed(digits().held_out, place), place) > 0.8
    assert share_of(digits().held_out, place) < 0.2
    assert len(np.unique(images, axis=0)) == len(np.unique(digits().train, axis=0))
