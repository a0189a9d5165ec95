"""Every bad argument of parts 1 to 3 raises ValueError or IndexError, and says what it got."""

import pytest
import torch

from grader.homework.networks import Network, build
from reference import part1_focused as part1
from reference import part2_comparative as part2
from reference import part3_compression as part3
from seeded import inputs

SPEC = Network("smooth_cnn")  # 7 layers, 5 classes, 4 neurons of 3 x 3 behind layer 2
MODEL, XS = build(SPEC), inputs(SPEC, 3)
X, NONE, MAP = XS[0], XS[:0], torch.zeros(4, 3, 3)

LAYERS, CLASSES, NEURONS, COUNTS, BATCH = (-2, 7), (-1, 5), (-1, 4), (0, 5), (NONE,)
WEIGHTS = (
    [1.0],
    [1.0] * 4,
    [[1.0]] * 3,
    [1, -1, 1],
    [0, 0, 0],
    [1, 1, torch.nan],
    [1, torch.inf, 1],
)

BAD = {
    "split layer": (lambda v: part1.split(MODEL, v), LAYERS),
    "instance_influence layer": (lambda v: part1.instance_influence(MODEL, v, XS, 0), LAYERS),
    "instance_influence target": (lambda v: part1.instance_influence(MODEL, 2, XS, v), CLASSES),
    "instance_influence xs": (lambda v: part1.instance_influence(MODEL, 2, v, 0), BATCH),
    "class_influence layer": (lambda v: part1.class_influence(MODEL, v, XS, 0), LAYERS),
    "class_influence target": (lambda v: part1.class_influence(MODEL, 2, XS, v), CLASSES),
    "class_influence xs": (lambda v: part1.class_influence(MODEL, 2, v, 0), BATCH),
    "class_influence xs, weights": (lambda v: part1.class_influence(MODEL, 2, v, 0, []), BATCH),
    "class_influence weights": (lambda v: part1.class_influence(MODEL, 2, XS, 0, v), WEIGHTS),
    "path_influence layer": (lambda v: part1.path_influence(MODEL, v, X, X, 0), LAYERS),
    "path_influence target": (lambda v: part1.path_influence(MODEL, 2, X, X, v), CLASSES),
    "path_influence steps": (lambda v: part1.path_influence(MODEL, 2, X, X, 0, v), (0, -3)),
    "integrated_gradients target": (
        lambda v: part1.integrated_gradients(MODEL, X, X, v),
        CLASSES,
    ),
    "integrated_gradients steps": (
        lambda v: part1.integrated_gradients(MODEL, X, X, 0, v),
        (0, -3),
    ),
    "top_neurons k": (lambda v: part1.top_neurons(MAP, v), COUNTS),
    "saliency_map layer": (lambda v: part1.saliency_map(MODEL, v, 0, X), LAYERS),
    "saliency_map neuron": (lambda v: part1.saliency_map(MODEL, 2, v, X), NEURONS),
    "integrated_saliency_map layer": (
        lambda v: part1.integrated_saliency_map(MODEL, v, 0, X, X),
        LAYERS,
    ),
    "integrated_saliency_map neuron": (
        lambda v: part1.integrated_saliency_map(MODEL, 2, v, X, X),
        NEURONS,
    ),
    "integrated_saliency_map steps": (
        lambda v: part1.integrated_saliency_map(MODEL, 2, 0, X, X, v),
        (0, -3),
    ),
    "compare_attributions k": (lambda v: part1.compare_attributions(MAP, MAP, v), COUNTS),
    "comparative_influence layer": (
        lambda v: part2.comparative_influence(MODEL, v, XS, 0, 1),
        LAYERS,
    ),
    "comparative_influence c1": (
        lambda v: part2.comparative_influence(MODEL, 2, XS, v, 1),
        CLASSES,
    ),
    "comparative_influence c2": (
        lambda v: part2.comparative_influence(MODEL, 2, XS, 1, v),
        CLASSES,
    ),
    "comparative_influence xs": (lambda v: part2.comparative_influence(MODEL, 2, v, 0, 1), BATCH),
    "comparative_influence weights": (
        lambda v: part2.comparative_influence(MODEL, 2, XS, 0, 1, v),
        WEIGHTS,
    ),
    "comparative_integrated_gradients c1": (
        lambda v: part2.comparative_integrated_gradients(MODEL, X, X, v, 1),
        CLASSES,
    ),
    "comparative_integrated_gradients c2": (
        lambda v: part2.comparative_integrated_gradients(MODEL, X, X, 1, v),
        CLASSES,
    ),
    "comparative_integrated_gradients steps": (
        lambda v: part2.comparative_integrated_gradients(MODEL, X, X, 0, 1, v),
        (0, -3),
    ),
    "distinguishing_neurons layer": (
        lambda v: part2.distinguishing_neurons(MODEL, v, XS, 0, 1, 1),
        LAYERS,
    ),
    "distinguishing_neurons c2": (
        lambda v: part2.distinguishing_neurons(MODEL, 2, XS, 0, v, 1),
        CLASSES,
    ),
    "distinguishing_neurons xs": (
        lambda v: part2.distinguishing_neurons(MODEL, 2, v, 0, 1, 1),
        BATCH,
    ),
    "distinguishing_neurons k": (
        lambda v: part2.distinguishing_neurons(MODEL, 2, XS, 0, 1, v),
        COUNTS,
    ),
    "compare_with_single_class layer": (
        lambda v: part2.compare_with_single_class(MODEL, v, XS, 0, 1, 1),
        LAYERS,
    ),
    "compare_with_single_class c1": (
        lambda v: part2.compare_with_single_class(MODEL, 2, XS, v, 1, 1),
        CLASSES,
    ),
    "compare_with_single_class xs": (
        lambda v: part2.compare_with_single_class(MODEL, 2, v, 0, 1, 1),
        BATCH,
    ),
    "compare_with_single_class k": (
        lambda v: part2.compare_with_single_class(MODEL, 2, XS, 0, 1, v),
        COUNTS,
    ),
    "random_classes k": (lambda v: part3.random_classes(4, v), COUNTS),
    "random_classes num_classes": (lambda v: part3.random_classes(v), (0, -1, 4)),
    "influential_neurons positive": (lambda v: part3.influential_neurons(MAP, v, 0), (-1, 5)),
    "influential_neurons negative": (lambda v: part3.influential_neurons(MAP, 0, v), (-1, 5)),
    "mask_slice layer": (lambda v: part3.mask_slice(MODEL, v, [0]), LAYERS),
    "mask_slice keep": (lambda v: part3.mask_slice(MODEL, 2, [0, v])(XS), NEURONS),
    "binary_classifier layer": (
        lambda v: part3.binary_classifier(MODEL, v, XS, 0, 1, 1),
        LAYERS,
    ),
    "binary_classifier target": (
        lambda v: part3.binary_classifier(MODEL, 2, XS, v, 1, 1),
        CLASSES,
    ),
    "binary_classifier xs": (lambda v: part3.binary_classifier(MODEL, 2, v, 0, 1, 1), BATCH),
    "binary_classifier positive": (
        lambda v: part3.binary_classifier(MODEL, 2, XS, 0, v, 0),
        (-1, 5),
    ),
    "binary_classifier negative": (
        lambda v: part3.binary_classifier(MODEL, 2, XS, 0, 0, v),
        (-1, 5),
    ),
    "evaluate xs": (lambda v: part3.evaluate(torch.nn.Flatten(0), v, []), BATCH),
    "evaluate is_target": (
        lambda v: part3.evaluate(torch.nn.Flatten(0), torch.zeros(3, 1), v),
        ([], [True] * 2, [True] * 4),
    ),
}


@pytest.mark.parametrize(
    ("call", "value"),
    [
        pytest.param(call, v, id=f"{name} {i}")
        for name, (call, vs) in BAD.items()
        for i, v in enumerate(vs)
    ],
)
def test_it_raises(call, value):
    with pytest.raises((ValueError, IndexError)):
        call(value)


def test_the_message_shows_the_value():
    with pytest.raises(IndexError, match=r"'layer' must be in -1 \.\.\. 6 \(got 7\)"):
        part1.split(MODEL, 7)
    with pytest.raises(ValueError, match=r"'steps' must be at least 1 \(got 0\)"):
        part1.integrated_gradients(MODEL, X, X, 0, steps=0)
    with pytest.raises(ValueError, match=r"'weights' must be 3 numbers.* \(got shape \(1,\)\)"):
        part1.class_influence(MODEL, 2, XS, 0, [1.0])


def test_the_limits_are_allowed():
    assert len(part1.top_neurons(MAP, 4)) == 4
    assert [len(n) for n in part3.influential_neurons(MAP, 4, 0)] == [4, 0]
    assert sorted(part3.random_classes(5, 5)) == [0, 1, 2, 3, 4]
    assert part3.mask_slice(MODEL, 2, [])(XS).shape == (3, 5)
    assert part1.class_influence(MODEL, 2, XS, 4, [0, 0, 1]).shape == (4, 3, 3)
