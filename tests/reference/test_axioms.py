"""What must hold for every network: the axioms of both papers.

Sundararajan et al. 2017 (arXiv:1703.01365): completeness, sensitivity (b), implementation
invariance, linearity, and closed forms.  Leino et al. 2018 (arXiv:1802.03788): influence is linear
in the quantity, in the distribution and in the network.  All in float64; the tolerances are 1e-12
where equality is algebra and 2e-4 where it takes the integral (measured: 3e-5 at 200 steps).
"""

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from grader.homework.networks import Network, build
from reference import part1_focused as part1
from reference import part2_comparative as part2
from seeded import SLICES, assert_close, axiom, classes, inputs, seeds, slices, smooth

WEIGHTS = 1e-6  # networks of the same function are built from weights that are rounded to float32


def scores(network, xs):
    with torch.no_grad():
        return build(network)(xs.clone())


# Integrated gradients


@axiom
@given(smooth, seeds, classes)
def test_completeness(network, seed, pair):
    """The attributions of a score, and of a difference of two, add up to its change."""
    model, (c1, c2) = build(network), pair
    x, baseline = inputs(network, 2, seed)
    change = scores(network, x[None])[0] - scores(network, baseline[None])[0]
    alone = part1.integrated_gradients(model, x, baseline, c1, steps=200)
    rather = part2.comparative_integrated_gradients(model, x, baseline, c1, c2, steps=200)
    scale = float(alone.abs().sum() + rather.abs().sum())
    assert float(alone.sum()) == pytest.approx(float(change[c1]), abs=2e-4 * scale)
    assert float(rather.sum()) == pytest.approx(float(change[c1] - change[c2]), abs=2e-4 * scale)


@axiom
@given(smooth, seeds, classes)
def test_completeness_after_an_affine_layer(network, seed, pair):
    """There h is affine and z runs straight, so that (z - z') times influence is complete too."""
    model = build(network)
    x, baseline = inputs(network, 2, seed)
    z, z0 = (model[0](row[None]).detach()[0] for row in (x, baseline))
    parts = (z - z0) * part1.path_influence(model, 0, x, baseline, pair[0], steps=200)
    change = scores(network, x[None])[0] - scores(network, baseline[None])[0]
    scale = float(parts.abs().sum())
    assert float(parts.sum()) == pytest.approx(float(change[pair[0]]), abs=2e-4 * scale)


@axiom
@given(smooth, seeds, st.sampled_from(range(4)))
def test_completeness_of_an_integrated_saliency_map(network, seed, neuron):
    """The attributions of a neuron of the last layer, which is a score, add up to its change."""
    model = build(network)
    last = len(model) - 1
    x, baseline = inputs(network, 2, seed)
    saliency = part1.integrated_saliency_map(model, last, neuron, x, baseline, steps=200)
    change = (scores(network, x[None]) - scores(network, baseline[None]))[0, neuron]
    scale = float(saliency.abs().sum())
    assert float(saliency.sum()) == pytest.approx(float(change), abs=2e-4 * scale)


@axiom
@given(seeds, seeds, classes)
def test_the_midpoint_rule_is_exact_for_a_quadratic_score(seed, other, pair):
    network = Network("quadratic", seed=seed, dtype="float64")
    x, baseline = inputs(network, 2, other)
    once = part1.integrated_gradients(build(network), x, baseline, pair[0], steps=1)
    often = part1.integrated_gradients(build(network), x, baseline, pair[0], steps=40)
    assert_close(once, often, 1e-12)


def test_the_closed_form_of_a_clipped_sum():
    """min(2a + 3b, 1) from 0 to (2, 1) rises on a seventh of the way: 2 * 2 / 7 and 1 * 3 / 7."""
    model = build(Network("clipped_sum", dtype="float64"))
    x, baseline = torch.tensor([2.0, 1.0]).double(), torch.zeros(2).double()
    attribution = part1.integrated_gradients(model, x, baseline, 0, steps=70)
    assert_close(attribution, torch.tensor([4.0, 3.0]).double() / 7, 1e-12)


@axiom
@given(smooth, seeds, classes)
def test_from_a_baseline_to_itself(network, seed, pair):
    """Nothing is attributed, and the influence on the way is the influence at the point."""
    model, (x,) = build(network), inputs(network, 1, seed)
    attribution = part1.integrated_gradients(model, x, x, pair[0], steps=5)
    assert not attribution.any()
    along = part1.path_influence(model, 1, x, x, pair[0], steps=5)
    assert_close(along, part1.instance_influence(model, 1, x[None], pair[0])[0], 1e-12)


@axiom
@given(st.sampled_from(["smooth_mlp", "smooth_cnn", "relu_avg_cnn"]), seeds, classes)
def test_an_ignored_input_gets_zero(family, seed, pair):
    """Sensitivity (b): exactly zero, at the pixels of an instance, a path and a saliency map."""
    network = Network(family, seed=seed, dtype="float64", ignores=True)
    model = build(network)
    x, baseline = inputs(network, 2, seed)
    maps = [
        part1.integrated_gradients(model, x, baseline, pair[0], steps=8),
        part2.comparative_integrated_gradients(model, x, baseline, *pair, steps=8),
        part1.class_influence(model, -1, x[None], pair[0]),
        part1.saliency_map(model, 3, 1, x),
        part1.integrated_saliency_map(model, 3, 1, x, baseline, steps=8),
    ]
    assert [bool(m[0].any()) for m in maps] == [False] * len(maps)
    assert [bool(m[1:].any()) for m in maps] == [True] * len(maps)


@axiom
@given(st.sampled_from([s for s in SLICES if s[0] != "quadratic"]), seeds, classes)
def test_implementation_invariance(family_layer, seed, pair):
    """Another network of the same function, the same up to the slice, has the same influences."""
    family, layer = family_layer
    network = Network(family, seed=seed, dtype="float64")
    model, rewritten = build(network), build(replace(network, rewritten=True))
    assert len(rewritten) > len(model)
    x, baseline = inputs(network, 2, seed)
    for explain in (
        lambda m: part1.path_influence(m, layer, x, baseline, pair[0], steps=6),
        lambda m: part2.comparative_influence(m, layer, x[None], *pair),
    ):
        assert_close(explain(rewritten), explain(model), WEIGHTS)


# Definition 1 is linear


@axiom
@given(slices, seeds, classes)
def test_linear_in_the_quantity(network_layer, seed, pair):
    """Influence on a difference is the difference of influences, and changes sign when swapped."""
    (network, layer), (c1, c2) = network_layer, pair
    model, xs = build(network), inputs(network, 3, seed)
    weights = [1.0, 0.5, 2.0]
    first, second = (part1.class_influence(model, layer, xs, c, weights) for c in (c1, c2))
    rather = part2.comparative_influence(model, layer, xs, c1, c2, weights)
    assert_close(rather, first - second, 1e-12)
    assert_close(part2.comparative_influence(model, layer, xs, c2, c1, weights), -rather, 1e-12)


@axiom
@given(slices, seeds, st.sampled_from([0.0, 0.25, 0.9]))
def test_linear_in_the_distribution(network_layer, seed, share):
    """Over a mixture of two distributions it is the mixture of the two influences."""
    network, layer = network_layer
    model, xs = build(network), inputs(network, 5, seed)
    a, b = (part1.class_influence(model, layer, rows, 1) for rows in (xs[:2], xs[2:]))
    mixture = [share / 2] * 2 + [(1 - share) / 3] * 3
    mixed = part1.class_influence(model, layer, xs, 1, [7 * p for p in mixture])
    assert_close(mixed, share * a + (1 - share) * b, 1e-12)


@axiom
@given(slices, seeds)
def test_the_uniform_distribution_is_the_mean_of_the_instances(network_layer, seed):
    network, layer = network_layer
    model, xs = build(network), inputs(network, 4, seed)
    mean = part1.instance_influence(model, layer, xs, 0).mean(0)
    assert_close(part1.class_influence(model, layer, xs, 0), mean, 1e-12)
    twice = part1.class_influence(model, layer, xs[[0, 1, 1, 2, 3]], 0)
    assert_close(part1.class_influence(model, layer, xs, 0, [1, 2, 1, 1]), twice, 1e-12)


@axiom
@given(st.sampled_from([("smooth_mlp", 1), ("smooth_cnn", -1), ("quadratic", 0)]), seeds)
def test_linear_in_the_network(family_layer, seed):
    """A network whose scores are 2 f - 3 g behind one h has 2 and -3 times their influences."""
    family, layer = family_layer
    network = Network(family, seed=seed, dtype="float64")
    f, g, both = (
        build(replace(network, mix=mix))
        for mix in (((1.0, 100),), ((1.0, 200),), ((2.0, 100), (-3.0, 200)))
    )
    x, baseline = inputs(network, 2, seed)
    for explain in (
        lambda m: part1.path_influence(m, layer, x, baseline, 2, steps=6),
        lambda m: part1.class_influence(m, layer, torch.stack([x, baseline]), 2),
    ):
        assert_close(explain(both), 2 * explain(f) - 3 * explain(g), WEIGHTS)


@axiom
@given(st.sampled_from(["affine", "deep_affine", "affine_image"]), seeds, classes)
def test_an_affine_network_has_its_coefficients(family, seed, pair):
    """Wherever and over whatever rows: g(z + e_j) - g(z), the change of the score by a unit."""
    network = Network(family, seed=seed, dtype="float64")
    model = build(network)
    x, baseline = inputs(network, 2, seed)
    units = torch.eye(x.numel(), dtype=torch.float64).view(-1, *x.shape)
    change = scores(network, x + units) - scores(network, x[None])
    coefficients = change[:, pair[0]].view(x.shape)
    influence = part1.path_influence(model, -1, x, baseline, pair[0], steps=3)
    assert_close(influence, coefficients, 1e-12)
    attribution = part1.integrated_gradients(model, x, baseline, pair[0], steps=3)
    assert_close(attribution, coefficients * (x - baseline), 1e-12)
