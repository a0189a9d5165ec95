"""What the checks of the GAN notice, and whom they never accuse: the variants of ``fixtures/gan``.

Only ``learns_the_digits`` trains to the end; it is left to ``test_submissions.py`` and to
``fixtures/calibrate_gan.py``.
"""

import pytest

import edits
from grader.records import Status
from grading import CHECKS, not_passed, outcomes, with_needs

TRAINING = "train.learns_the_digits"
MECHANICS = [c.id for c in CHECKS if c.part == "gan" and c.id != TRAINING]


@pytest.mark.parametrize("name", [*edits.FILES, *edits.HONEST])
def test_honest_variants_pass_every_check(name):
    assert not_passed(outcomes({"gan.py": edits.source(name)}, MECHANICS)) == {}


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
