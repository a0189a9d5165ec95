"""What the discriminator is called with, as the training's drivers see it."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from grader.checks.gan.evidence import Steps, different_images
from grader.sandbox.gan.seen import Bounds, Outputs, scales, times_drawn

IMAGES = torch.rand(6, 1, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("other", [IMAGES, 2 * IMAGES - 1, torch.cat([IMAGES.flip(0), IMAGES / 2])])
def test_a_batch_is_found_on_whatever_scale(other):
    line = {6: (1, 0), 12: (0.5, 0)}[len(other)]
    if other.min() < -0.5:
        line = (2, -1)
    assert scales([torch.zeros_like(IMAGES), other], [IMAGES]).tolist() == (
        pytest.approx(line, abs=1e-5)
    )


def test_the_nearest_scale_counts():
    assert scales([IMAGES / 2, IMAGES], [IMAGES]).tolist() == pytest.approx((1, 0), abs=1e-5)


@pytest.mark.parametrize(
    "fed", [[], [IMAGES.flip(0)], [IMAGES.flatten(1)], [IMAGES[:3]], [IMAGES * torch.nan]]
)
def test_what_is_no_batch_says_nothing(fed):
    assert bool(scales(fed, [IMAGES]).isnan().all())


@pytest.mark.parametrize("seed", range(40))
def test_each_of_some_digits_is_counted_for_itself(seed):
    """Whatever the seed: none of them is there twice, so that one would stand for both."""
    images = torch.from_numpy(different_images(17, seed))
    counts, line = times_drawn([images[:16], images[5:]], images)
    assert counts.tolist() == [1] * 5 + [2] * 11 + [1]
    assert line.tolist() == pytest.approx((1, 0), abs=1e-5)


def test_rows_that_are_no_image_count_for_none():
    counts, line = times_drawn([IMAGES, torch.zeros_like(IMAGES)], IMAGES)
    assert bool(counts.isnan().all() and line.isnan().all())


def test_hooks_keep_weights_and_outputs_of_a_network_and_of_its_copy():
    network = nn.Linear(2, 1)
    bounds, made = Bounds(network), Outputs()
    network.register_forward_hook(made)
    with torch.no_grad():
        network.weight.fill_(3.0)
    copy.deepcopy(network)(torch.ones(1, 2))
    assert bounds.largest == 3
    assert len(made.inputs) == 1


def test_weights_that_were_cut_off_are_told_from_those_that_moved():
    start = np.linspace(-1, 1, 9)
    ends = (start.clip(-0.5, 0.5), start * 0.5, start)
    paths = np.stack([np.stack([start, end]) for end in ends])
    steps = Steps(paths, paths, *[None] * 8)
    found = [steps.clipped_at("generator", run) for run in range(3)]
    assert found[0] == 0.5
    assert np.isnan(found[1:]).all()
