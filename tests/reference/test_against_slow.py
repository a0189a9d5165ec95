"""The reference equals the slow, literal implementation.

Measured: up to 1e-9 in float64, which is the error of the finite differences, and 7e-7 in float32.
"""

from dataclasses import replace

import pytest
import torch

import slow
from grader.homework.networks import Network, build
from reference import part1_focused as part1
from reference import part2_comparative as part2
from reference import part3_compression as part3
from seeded import assert_close, inputs

TOLERANCE = {"float32": 5e-6, "float64": 1e-8}

SLICES = [
    ("smooth_mlp", -1),
    ("smooth_mlp", 1),
    ("smooth_mlp", 4),
    ("smooth_cnn", -1),
    ("smooth_cnn", 2),
    ("smooth_cnn", 5),
    ("relu_avg_cnn", 2),
    ("inplace_mlp", 1),
    ("inplace_cnn", 3),
    ("dropout_bn", 1),
    ("dropout_bn", 4),
    ("dropout_bn", 10),
]


@pytest.fixture(params=["float32", "float64"])
def dtype(request):
    return request.param


@pytest.fixture(params=SLICES, ids=lambda s: f"{s[0]}-{s[1]}")
def case(request, dtype):
    """(float64 model for the slow one, dressed model for the reference, layer, its spec).

    Both have the same scores, but the reference's ends in a softmax and comes in train mode.
    """
    family, layer = request.param
    literal = build(Network(family, seed=3, dtype="float64"))
    dressed = Network(family, seed=3, dtype=dtype, head="softmax", training=True)
    return literal, build(dressed), layer, dressed


def towards(target):
    return lambda scores: slow.score(scores, target)


def rather(c1, c2):
    return lambda scores: slow.difference(scores, c1, c2)


def test_instance_influence(case):
    literal, model, layer, network = case
    xs = inputs(network, rows=3)
    expected = torch.stack([slow.influence(literal, layer, x, towards(2)) for x in xs.double()])
    actual = part1.instance_influence(model, layer, xs, 2)
    assert_close(actual, expected, TOLERANCE[network.dtype])


def test_class_influence(case):
    literal, model, layer, network = case
    xs, weights = inputs(network, rows=3), [0.5, 0.0, 3.0]
    expected = slow.average(literal, layer, xs.double(), towards(1), weights)
    actual = part1.class_influence(model, layer, xs, 1, weights)
    assert_close(actual, expected, TOLERANCE[network.dtype])


def test_path_influence(case):
    literal, model, layer, network = case
    x, baseline = inputs(network, rows=2, seed=5)
    expected = slow.path(literal, layer, x.double(), baseline.double(), towards(0), steps=3)
    actual = part1.path_influence(model, layer, x, baseline, 0, steps=3)
    assert_close(actual, expected, TOLERANCE[network.dtype])


def test_comparative_influence(case):
    literal, model, layer, network = case
    xs, weights = inputs(network, rows=2), [1.0, 2.0]
    expected = slow.average(literal, layer, xs.double(), rather(3, 1), weights)
    actual = part2.comparative_influence(model, layer, xs, 3, 1, weights)
    assert_close(actual, expected, TOLERANCE[network.dtype])


def test_saliency_map(case):
    literal, model, layer, network = case
    (x,) = inputs(network, rows=1, seed=7)
    h = list(literal)[: layer + 1]
    expected = slow.influence(h, -1, x.double(), lambda z: slow.activation(z, 1))
    actual = part1.saliency_map(model, layer, 1, x)
    assert_close(actual, expected, TOLERANCE[network.dtype])


def test_integrated_saliency_map(case):
    literal, model, layer, network = case
    x, baseline = inputs(network, rows=2, seed=8)
    h = list(literal)[: layer + 1]
    line = x.double(), baseline.double()
    expected = slow.integrated_gradients(h, *line, lambda z: slow.activation(z, 1), steps=3)
    actual = part1.integrated_saliency_map(model, layer, 1, x, baseline, steps=3)
    assert_close(actual, expected, TOLERANCE[network.dtype])


def test_binary_classifier(case):
    literal, model, layer, network = case
    xs = inputs(network, rows=3)
    influence = slow.average(literal, layer, xs.double(), towards(2), [1.0] * len(xs))
    keep = slow.strongest(influence, 1) + slow.strongest(influence, 1, sign=-1)
    margins = [slow.margin(slow.masked(literal, layer, keep, x), 2) for x in xs.double()]
    classifier = part3.binary_classifier(model, layer, xs, 2, positive=1, negative=1).eval()
    assert_close(
        classifier(xs.clone()), torch.tensor(margins, dtype=torch.float64), TOLERANCE[network.dtype]
    )


@pytest.mark.parametrize("family", ["smooth_mlp", "smooth_cnn", "inplace_cnn", "dropout_bn"])
def test_integrated_gradients(family, dtype):
    network = Network(family, seed=4, dtype=dtype)
    x, baseline = inputs(network, rows=2, seed=9)
    literal, line = build(replace(network, dtype="float64")), (x.double(), baseline.double())
    actual = part1.integrated_gradients(build(network), x, baseline, 4, steps=6)
    expected = slow.integrated_gradients(literal, *line, towards(4), steps=6)
    assert_close(actual, expected, TOLERANCE[dtype])
    actual = part2.comparative_integrated_gradients(build(network), x, baseline, 4, 2, steps=6)
    expected = slow.integrated_gradients(literal, *line, rather(4, 2), steps=6)
    assert_close(actual, expected, TOLERANCE[dtype])


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("shape", [(6,), (5, 3, 4)])
def test_rankings_with_ties(shape, seed):
    generator = torch.Generator().manual_seed(seed)
    attribution = torch.randint(-3, 4, shape, generator=generator).float()
    for k in range(1, shape[0] + 1):
        assert part1.top_neurons(attribution, k).tolist() == slow.strongest(attribution, k)
        positive, negative = part3.influential_neurons(attribution, k - 1, k)
        assert positive.tolist() == slow.strongest(attribution, k - 1)
        assert negative.tolist() == slow.strongest(attribution, k, sign=-1)


@pytest.mark.parametrize("seed", range(5))
def test_compare_attributions_with_ties(seed):
    generator = torch.Generator().manual_seed(seed)
    a, b = torch.randint(-4, 5, (2, 6, 3, 2), generator=generator).double()
    compared = part1.compare_attributions(a, b, 3)
    assert compared.rank_correlation == pytest.approx(slow.spearman(a, b), abs=1e-12)
    both = set(slow.strongest(a, 3)) & set(slow.strongest(b, 3))
    assert compared.top_k_overlap == len(both) / 3


def test_compare_with_single_class_and_distinguishing_neurons():
    network = Network("smooth_cnn", seed=6, dtype="float64")
    model, xs = build(network), inputs(network, rows=2)
    comparative = slow.average(model, 2, xs, rather(0, 3), [1, 1])
    alone = slow.average(model, 2, xs, towards(0), [1, 1])
    for_c1, for_c2 = part2.distinguishing_neurons(model, 2, xs, 0, 3, k=3)
    assert for_c1.tolist() == slow.strongest(comparative, 3)
    assert for_c2.tolist() == slow.strongest(comparative, 3, sign=-1)
    compared = part2.compare_with_single_class(model, 2, xs, 0, 3, k=2)
    assert compared.rank_correlation == pytest.approx(slow.spearman(comparative, alone), abs=1e-12)
    both = set(slow.strongest(comparative, 2)) & set(slow.strongest(alone, 2))
    assert compared.top_k_overlap == len(both) / 2


@pytest.mark.parametrize("seed", range(3))
def test_scale_pixels(seed):
    x, saliency = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(seed)).double()
    assert_close(part1.scale_pixels(x, saliency), slow.scale(x, saliency), 1e-14)
