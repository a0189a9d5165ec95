"""The networks: the same everywhere, and each with the property that its spec promises."""

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from grader.gan_metrics.measure import digits
from grader.homework.families import FAMILIES, Square
from grader.homework.networks import (
    Network,
    build,
    depth,
    input_shape,
    num_classes,
    scores,
    slice_shape,
)
from grader.homework.torchvision_compat import torchvision_models
from grader.homework.vgg16 import vgg16

CLASSIFIERS = [name for name in FAMILIES if "margin" not in name]
DRAWN = [name for name in CLASSIFIERS if name not in ("clipped_sum", "digits", "no_weights")]
ENDS_LINEAR = [name for name in CLASSIFIERS if type(FAMILIES[name].layers()[-1]) is nn.Linear]
OTHER_WEIGHTS = ("rows", "normed_rows", "transposed", "no_weights")
"""The second dimension of their first weights is not the input's first one."""
SEVERAL_FEATURES = [
    name for name in CLASSIFIERS if input_shape(Network(name))[0] > 1 and name not in OTHER_WEIGHTS
]


def inputs(network, rows=4, seed=0):
    """Standard normal rows in the network's precision."""
    drawn = np.random.RandomState(seed).standard_normal((rows, *input_shape(network)))
    return torch.from_numpy(drawn).to(getattr(torch, network.dtype))


def close(network, actual, expected, factor=1.0):
    """Equal up to rounding, relative to the largest value."""
    bound = {"float32": 3e-6, "float64": 1e-14}[network.dtype] * factor
    scale = float(expected.detach().abs().max())
    torch.testing.assert_close(actual, expected, rtol=0, atol=bound * max(scale, 1))


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_known_of_a_family_without_building_it_is_so(family):
    network = Network(family)
    with torch.no_grad():
        rows = build(network)(inputs(network))
    assert depth(network) == len(build(network))
    assert rows.shape == ((4, num_classes(network)) if family in CLASSIFIERS else (4,))


# the same everywhere


@pytest.mark.parametrize(
    ("network", "layer", "weights", "bias"),
    [
        (Network("affine"), 0, [1.1833622, 0.2684336, 0.6565574], -1.2764949),
        (Network("smooth_mlp", seed=3), 2, [0.8873225, -0.3373637, 0.0753084], -0.0387205),
        (Network("smooth_cnn", seed=1), 3, [-0.0765510, 0.2069937, 0.0575237], 0.2461683),
        (Network("dropout_bn", seed=2), 7, [1.1456543, 0.9069033, 1.0673424], -0.0751638),
        (Network("clipped_sum"), 0, [-2.0, -3.0, 1.0], 1.0),
        (Network("digits"), 7, [0.2290948, -0.0618569, -0.1400154], 0.0996857),
    ],
)
def test_weights_are_the_ones_they_have_always_been(network, layer, weights, bias):
    module = build(network)[layer]
    torch.testing.assert_close(
        module.weight.flatten()[:3], torch.tensor(weights), rtol=0, atol=2e-7
    )
    assert float(module.bias.detach()[0]) == pytest.approx(bias, abs=2e-7)


@pytest.mark.parametrize("family", FAMILIES)
def test_equal_specs_are_equal_networks_whatever_state_torch_is_in(family):
    def state(network):
        return [value.numpy().tobytes() for value in build(network).state_dict().values()]

    spec = Network(family, seed=2)
    expected = state(spec)
    torch.manual_seed(99)
    before = torch.get_rng_state()
    try:
        torch.set_default_dtype(torch.float64)
        assert state(Network(family, seed=2)) == expected
    finally:
        torch.set_default_dtype(torch.float32)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("family", DRAWN)
def test_other_seeds_are_other_networks(family):
    one, other = (build(Network(family, seed=seed)) for seed in (0, 1))
    x = inputs(Network(family))
    assert not torch.allclose(one(x), other(x))


def test_networks_are_built_afresh():
    spec = Network("affine")
    with torch.no_grad():
        build(spec)[0].weight.zero_()
    assert bool(build(spec)[0].weight.any())


# shapes and modes


@pytest.mark.parametrize("family", FAMILIES)
def test_shapes_are_known_without_running_the_network(family):
    network = Network(family)
    model, z = build(network), inputs(network, 3)
    assert slice_shape(network, -1) == input_shape(network)
    for layer, module in enumerate(model):
        z = module(z)
        assert slice_shape(network, layer) == tuple(z.shape[1:])
    for layer in (-2, len(model)):
        with pytest.raises(IndexError):
            slice_shape(network, layer)


@pytest.mark.parametrize("family", CLASSIFIERS)
def test_a_classifier_gives_a_score_per_class_with_a_gradient_in_every_pixel(family):
    network = Network(family, dtype="float64")
    x = inputs(network, 5).requires_grad_(True)
    out = build(network)(x * 1)  # the first layer may work in place
    assert out.shape == (5, num_classes(network))
    assert bool(out.isfinite().all())
    assert out.std(dim=0).min() > (0 if family == "clipped_sum" else 0.05)
    weights = torch.arange(1.0, 1 + num_classes(network), dtype=torch.float64)
    gradient = torch.autograd.grad((out * weights).sum(), x)[0]
    assert bool(gradient.abs().sum(0).bool().all())


@pytest.mark.parametrize("family", FAMILIES)
def test_a_network_is_in_eval_mode_unless_its_spec_says_otherwise(family):
    assert not any(m.training for m in build(Network(family)).modules())
    assert all(m.training for m in build(Network(family, training=True)).modules())


def test_train_mode_changes_the_answers_of_dropout_and_batch_norm():
    network = Network("dropout_bn")
    x = inputs(network)
    assert not torch.allclose(build(network)(x), build(replace(network, training=True))(x))


@pytest.mark.parametrize(
    ("head", "layer"), [("softmax", nn.Softmax), ("log_softmax", nn.LogSoftmax)]
)
def test_a_head_is_one_more_layer_over_the_same_scores(head, layer):
    network = Network("relu_max_cnn", seed=4, head=head)
    model, x = build(network), inputs(network)
    assert type(model[-1]) is layer
    plain = build(replace(network, head=""))(x)
    torch.testing.assert_close(model(x), layer(dim=1)(plain))
    np.testing.assert_allclose(scores(network, x.numpy()), plain.detach().numpy(), atol=1e-5)
    assert scores(network, x.numpy()).dtype == np.float64


def test_double_precision_is_the_same_weights():
    one = build(Network("slides", seed=1)).state_dict()
    other = build(Network("slides", seed=1, dtype="float64")).state_dict()
    for name, value in one.items():
        assert torch.equal(value.double(), other[name])


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (Network("nonsense"), "no network family 'nonsense'; there are: affine"),
        (Network("affine", head="sigmoid"), "head must be one of"),
        (Network("affine", dtype="float16"), "dtype must be 'float32' or 'float64'"),
    ],
)
def test_a_spec_that_does_not_exist_is_refused(spec, words):
    with pytest.raises(ValueError, match=words):
        build(spec)


def test_a_spec_reads_as_the_code_that_makes_it():
    spec = Network("affine", 3, training=True, mix=((0.5, 1),))
    assert str(spec) == "Network('affine', seed=3, training=True, mix=((0.5, 1),))"
    assert eval(str(spec)) == spec
    assert str(Network("digits")) == "Network('digits')"


# what a spec promises


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("family", ENDS_LINEAR)
def test_a_rewritten_network_is_the_same_function_in_other_layers(family, dtype):
    network = Network(family, seed=3, dtype=dtype)
    rewritten = replace(network, rewritten=True)
    x = inputs(network)
    assert len(build(rewritten)) == len(build(network)) + 1
    assert build(rewritten)(x.clone()).dtype == x.dtype
    close(network, build(rewritten)(x.clone()), build(network)(x.clone()), factor=10)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("family", [name for name in DRAWN if name in ENDS_LINEAR])
def test_a_mix_is_linear_in_the_last_layer(family, dtype):
    network = Network(family, seed=3, dtype=dtype)
    x = inputs(network)

    def mixed(*mix):
        return build(replace(network, mix=mix))(x.clone())

    parts = 2 * mixed((1.0, 7)) - 0.3 * mixed((1.0, 8))
    close(network, mixed((2.0, 7), (-0.3, 8)), parts, factor=10)
    close(network, mixed((0.7, 7), (0.3, 7)), mixed((1.0, 7)), factor=10)
    assert not torch.allclose(mixed((1.0, 7)), mixed((1.0, 8)))
    for one, other in zip(
        build(network)[:-1], build(replace(network, mix=((2.0, 7),))), strict=False
    ):
        assert all(map(torch.equal, one.parameters(), other.parameters()))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("family", SEVERAL_FEATURES)
def test_an_ignored_feature_has_no_gradient_and_all_others_have_one(family, dtype):
    network = Network(family, seed=5, dtype=dtype, ignores=True)
    x = inputs(network, 16).requires_grad_(True)
    gradient = torch.autograd.grad(build(network)(x * 1)[:, 0].sum(), x)[0]
    assert not bool(gradient[:, 0].any())
    assert bool(gradient[:, 1:].abs().sum(0).bool().all())


@pytest.mark.parametrize("grads", [False, True])
def test_gradients_are_not_there_before_the_network_is_handed_over(grads):
    assert all(p.grad is None for p in build(Network("affine", grads=grads)).parameters())


@pytest.mark.parametrize("layer", [-1, 0, 3])
def test_a_network_that_ends_after_a_layer_gives_its_features(layer):
    network = Network("smooth_cnn", seed=2, ends=layer)
    x = inputs(network)
    features = build(replace(network, ends=-2))[: layer + 1](x).flatten(1)
    torch.testing.assert_close(build(network)(x), features)
    assert num_classes(network) == features.shape[1]


@pytest.mark.parametrize("family", ["smooth_mlp", "smooth_cnn", "dropout_bn", "slides"])
def test_smooth_families_have_no_kinks(family):
    kinks = (nn.ReLU, nn.MaxPool2d)
    assert not any(isinstance(m, kinks) for m in build(Network(family)).modules())


def test_in_place_families_work_in_place():
    for family in ("inplace_mlp", "inplace_cnn"):
        assert any(getattr(m, "inplace", False) for m in build(Network(family)).modules())


# closed forms


def test_the_clipped_sum_is_min_of_2a_plus_3b_and_1():
    a, b = np.random.RandomState(0).uniform(0, 1, (2, 50))
    out = scores(Network("clipped_sum"), np.stack([a, b], 1))
    np.testing.assert_allclose(out[:, 0], np.minimum(2 * a + 3 * b, 1), atol=1e-12)
    np.testing.assert_allclose(out[:, 1], np.maximum(a - b, 0), atol=1e-12)


def test_affine_families_are_affine_and_the_quadratic_one_is_quadratic():
    t = np.linspace(-1, 2, 7)[:, None]
    for family, degree in (("affine", 1), ("deep_affine", 1), ("quadratic", 2)):
        x, y = inputs(Network(family), 2).numpy()
        out = scores(Network(family), x + t * (y - x))
        assert np.abs(np.diff(out, degree + 1, axis=0)).max() < 1e-9
        assert np.abs(np.diff(out, degree, axis=0)).max() > 1e-3
    assert torch.equal(Square()(torch.tensor([-3.0])), torch.tensor([9.0]))


def test_the_identity_margin_is_its_input():
    x = torch.tensor([[2.0], [-1.0]])
    assert torch.equal(build(Network("identity_margin"))(x), torch.tensor([2.0, -1.0]))


# trained networks


def test_the_digits_network_knows_97_percent_of_the_held_out_digits():
    data = digits()
    seen = scores(Network("digits"), data.held_out).argmax(1)
    assert (seen == data.held_out_labels).mean() >= 0.97
    assert len(data.held_out) == 600


def test_what_comes_with_the_grader_is_small():
    from grader.homework import building

    for name in ("digits_cnn.safetensors", "digits.safetensors"):
        assert len(building._data(name)) <= 300 * 1024
    weights = build(Network("digits")).state_dict().values()
    assert len(building._data("digits_cnn.safetensors")) < 4 * sum(map(torch.numel, weights)) + 2000


@pytest.fixture
def torchvisions_vgg16(monkeypatch):
    """The network of torchvision from which ``vgg16`` is made, with weights that are quick to make.

    Its own ones, 138 million normal numbers, take seconds.
    """
    with torch.device("meta"):
        whole = torchvision_models().vgg16(weights=None).eval()
    whole.to_empty(device="cpu")
    draw = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in whole.parameters():
            weight.copy_(torch.randn(weight.shape[1:], generator=draw))
            weight += torch.randn(weight.shape[0], *[1] * (weight.dim() - 1), generator=draw)
            weight *= math.prod(weight.shape[1:]) ** -0.5
    models = SimpleNamespace(vgg16=lambda weights: whole)
    monkeypatch.setattr("grader.homework.vgg16.torchvision_models", lambda: models)
    return whole


def test_vgg16_is_torchvisions_as_one_flat_sequence(torchvisions_vgg16, tmp_path):
    flat = vgg16()
    assert len(flat) == 31 + 1 + 1 + 7
    assert not any(len(list(module.children())) for module in flat)
    assert not any(module.training for module in flat.modules())
    x = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        scores = flat(x)
        torch.testing.assert_close(scores, torchvisions_vgg16(x), rtol=0, atol=0)
    assert scores.shape == (1, 1000)
    assert float(scores.std()) > 0.01
    with pytest.raises(FileNotFoundError, match="no VGG16 weights at"):
        vgg16(tmp_path / "absent.pth")


def test_weights_have_the_gain_that_keeps_a_network_from_going_flat():
    weight = build(Network("slides", seed=0))[4].weight.detach()
    assert float(weight.std()) * math.sqrt(weight.shape[1]) == pytest.approx(1.5, rel=0.05)
