"""What the checks of the GAN notice, and whom they never accuse: the variants of ``fixtures/gan``.

What trains for long is tried on a few here and in ``test_submissions.py``, and on all by
``fixtures/calibrate_gan.py``.
"""

import numpy as np
import pytest
import torch

import cheats
import edits
from grader.grading import engine
from grader.records import Received, Reply, Status
from grader.sandbox.gan.drivers import DRIVERS
from grading import CHECKS, not_passed, outcomes, with_needs

MECHANICS = [c.id for c in CHECKS if c.part == "gan" and not c.long]
IN_EVERY_RUN = {
    *edits.FILES,
    *("minimax", "swapped_labels", "smoothing_in_the_step"),  # other losses
    *("dropout", "batch_norm_of_both", "simultaneous", "clipped_gradients"),
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


def test_every_check_catches_a_mistake_by_itself():
    """Not merely blocked: each fails on its own for some single mistake."""
    named = {name for edit in edits.MISTAKES.values() for name in edit.caught_by}
    others = {"make_generator.makes_images", "make_discriminator.gives_one_logit_per_image"}
    assert named | others == set(MECHANICS)


NAMES = """
LOSS by_name count discriminator fake fake_gradients generator gradients images_1 images_2 images_7
elsewhere images_64 later logits logits_1 logits_2 logits_7 logits_96 losses near noise real
real_gradients returned samples sizes trainable unlearnt updates values
"""
FORGED = (None, "text", 1.5, [1, "a"], {}, np.zeros(0), np.ones((3, 2)), np.full((3, 8), np.nan))


class Forger:
    """Answers every driver's call with one and the same value for everything in it."""

    def __init__(self, value):
        array = isinstance(value, np.ndarray)
        self._value = Received(value, "tensor", value.dtype.name) if array else value

    def call(self, call, limits=None):
        return Reply(dict.fromkeys(NAMES.split(), self._value))

    def close(self):
        pass


@pytest.mark.parametrize("value", FORGED, ids=lambda value: str(np.shape(value)))
def test_what_no_driver_sends_is_never_undecided(value):
    checks = [check for check in CHECKS if check.part == "gan" and not check.needs]
    ended = {o.check_id: o.status for o in engine.run(checks, lambda part: Forger(value))}
    assert set(ended.values()) == {Status.FAILED}


@pytest.mark.parametrize("name", [n for n in cheats.CHEATS if n != "ships_weights"])
def test_cheats_earn_nothing_where_they_are_found_out(name):
    cheat = cheats.CHEATS[name]
    ended = outcomes({"gan.py": cheats.source(name)}, with_needs(cheat.caught_by))[cheat.caught_by]
    assert ended.fraction == 0
    assert cheat.because in ended.feedback.message + ended.feedback.diagnosis


def test_a_collapse_is_put_down_to_the_mechanic_that_failed():
    ids = [c.id for c in CHECKS if c.part == "gan" and not c.hidden]
    ended = outcomes({"gan.py": cheats.source("no_parameters")}, ids)
    assert "Likely cause: “Take a step" in ended["train.learns_the_digits"].feedback.diagnosis


@pytest.mark.parametrize(("steps", "enough"), [(3, 3), (3, 9), (9, 3)])
def test_a_training_comes_to_its_end_unless_less_is_enough(steps, enough):
    gan = {}
    exec(edits.source("mlp_batch_norm"), gan)
    images, z = torch.zeros(40, 1, 8, 8), torch.randn(4, 16)
    budget = {"steps": steps, "enough": enough, "batch_size": 8, "train_seed": 0}
    made = DRIVERS["full_training"](gan, images=images, noise=z, near=z[:2], **budget)
    assert len(made["losses"]) == (3 if steps == 3 else 0)
