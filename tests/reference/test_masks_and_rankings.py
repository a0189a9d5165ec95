"""What masks and rankings promise, for every network and every attribution."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from grader.homework.networks import build
from reference import part1_focused as part1
from reference import part2_comparative as part2
from reference import part3_compression as part3
from seeded import assert_close, axiom, classes, inputs, seeds, slices

# Masks


@axiom
@given(slices, seeds, st.sets(st.sampled_from(range(4)), max_size=4))
def test_a_mask_keeps_bits_and_zeroes_the_rest(network_layer, seed, keep):
    network, layer = network_layer
    model, xs = build(network), inputs(network, 3, seed)
    with torch.no_grad():
        z = part1.split(model, layer)[0](xs.clone())
        keep = {neuron for neuron in keep if neuron < z.shape[1]}
        masked = part3.mask_slice(model, layer, keep).eval()
        seen = part1.split(masked, layer + 1)[0](xs.clone())  # the mask is the layer after
    others = [neuron for neuron in range(z.shape[1]) if neuron not in keep]
    assert torch.equal(seen[:, sorted(keep)], z[:, sorted(keep)])
    assert not seen[:, others].any()


@axiom
@given(slices, seeds)
def test_a_mask_that_keeps_all_changes_nothing(network_layer, seed):
    network, layer = network_layer
    network = replace(network, head="softmax")
    model, xs = build(network), inputs(network, 3, seed)
    neurons = part1.split(model, layer)[0](xs.clone()).shape[1]
    kept = part3.mask_slice(model, layer, [*reversed(range(neurons)), 0, 0]).eval()
    with torch.no_grad():
        assert torch.equal(kept(xs.clone()), model(xs.clone()))


def test_a_mask_zeroes_even_infinity():
    masked = part3.mask_slice(torch.nn.Sequential(torch.nn.Identity()), 0, [1])
    z = torch.tensor([[torch.inf, 2.0, -torch.inf]])
    assert torch.equal(masked(z), torch.tensor([[0.0, 2.0, 0.0]]))


# Rankings

maps = st.builds(
    lambda shape, seed: torch.randn(shape, generator=torch.Generator().manual_seed(seed)),
    st.sampled_from([(6,), (5, 3, 3), (4, 2, 6)]),
    seeds,
)


@axiom
@given(maps, st.sampled_from([1, 3, 4]))
def test_rankings_are_signed_and_fall(attribution, k):
    """The positive are ranked by their largest feature, the negative by their smallest."""
    positive, negative = part3.influential_neurons(attribution, k, k)
    features = attribution.reshape(len(attribution), -1)
    largest, smallest = features.amax(1), features.amin(1)
    assert largest[positive].tolist() == sorted(largest.tolist(), reverse=True)[:k]
    assert smallest[negative].tolist() == sorted(smallest.tolist())[:k]
    assert part1.top_neurons(attribution, k).tolist() == positive.tolist()


@axiom
@given(slices, seeds, classes)
def test_swapping_the_classes_swaps_the_neurons(network_layer, seed, pair):
    network, layer = network_layer
    model, xs = build(network), inputs(network, 3, seed)
    for_c1, for_c2 = part2.distinguishing_neurons(model, layer, xs, *pair, k=2)
    swapped = part2.distinguishing_neurons(model, layer, xs, *reversed(pair), k=2)
    assert [n.tolist() for n in swapped] == [for_c2.tolist(), for_c1.tolist()]


@axiom
@given(maps)
def test_an_attribution_agrees_with_itself_and_not_with_its_opposite(attribution):
    same = part1.compare_attributions(attribution, attribution.exp(), 2)
    assert same == (pytest.approx(1.0), 1.0)
    assert part1.compare_attributions(attribution, -attribution, 1)[0] == pytest.approx(-1.0)
    constant = torch.zeros_like(attribution)
    assert part1.compare_attributions(attribution, constant, 1).rank_correlation == 0.0


@axiom
@given(st.sampled_from([(7,), (3, 4, 4)]), seeds, st.sampled_from([-3.0, 0.5, 1e-30]))
def test_pixels_scale_by_relative_strength(shape, seed, factor):
    """Sign and unit of the saliency do not matter, and its strongest pixel stays as it is."""
    x, saliency = torch.randn(2, *shape, generator=torch.Generator().manual_seed(seed)).double()
    scaled = part1.scale_pixels(x, saliency)
    assert_close(part1.scale_pixels(x, factor * saliency), scaled, 1e-12)
    strongest = int(saliency.abs().argmax())
    assert scaled.flatten()[strongest] == x.flatten()[strongest]
    assert bool((scaled.abs() <= x.abs()).all())


@axiom
@given(seeds, st.sampled_from([1, 5, 10]))
def test_random_classes_are_distinct_and_seeded(seed, k):
    drawn = part3.random_classes(10, k, seed)
    assert len(set(drawn)) == k
    assert set(drawn) <= set(range(10))
    assert drawn == part3.random_classes(10, k, seed)
    assert len({tuple(part3.random_classes(10, 5, s)) for s in range(20)}) > 15
