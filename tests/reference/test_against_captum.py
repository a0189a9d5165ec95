"""The reference equals Captum, the field's own implementation, where Captum has the same notion.

Captum hooks the model while the reference cuts it, so the two share no route to a gradient.  Its
midpoint rule has the reference's points; at 32 steps the weight 1/32 is exact in float32, in which
Captum keeps it.  Networks with in-place layers are compared with Captum on the same weights without
them, since hooks would read the overwritten features.

Measured: up to 5e-16 in float64 and 3e-7 in float32.
"""

import pytest

from grader.homework.networks import Network, build
from reference import part1_focused as part1
from reference import part2_comparative as part2
from seeded import assert_close, inputs

STEPS = 32
TOLERANCE = {"float32": 2e-6, "float64": 1e-13}

# The network that Captum reads, the one that the reference reads, and a layer.
PAIRS = [
    ("smooth_mlp", "smooth_mlp", 1),
    ("smooth_cnn", "smooth_cnn", 2),
    ("smooth_cnn", "smooth_cnn", 3),
    ("relu_avg_cnn", "inplace_cnn", 0),
    ("relu_avg_cnn", "inplace_cnn", 3),
    ("relu_max_cnn", "relu_max_cnn", 2),
    ("dropout_bn", "dropout_bn", 1),
    ("dropout_bn", "dropout_bn", 6),
]


@pytest.fixture(scope="module")
def attr():
    """``captum.attr``: imported here, so that only the process that compares waits for it."""
    from captum import attr

    return attr


@pytest.fixture(params=["float32", "float64"])
def dtype(request):
    return request.param


@pytest.fixture(params=PAIRS, ids=lambda p: f"{p[1]}-{p[2]}")
def case(request, dtype):
    """(Captum's model, the reference's, layer, inputs, tolerance)."""
    theirs, ours, layer = request.param
    network = Network(theirs, seed=11, dtype=dtype)
    model = build(Network(ours, seed=11, dtype=dtype, training=True, head="log_softmax"))
    return build(network), model, layer, inputs(network, rows=4, seed=2), TOLERANCE[dtype]


def peak(neuron):
    return lambda z: z[:, neuron].flatten(1).amax(1) if z.dim() > 2 else z[:, neuron]


def test_integrated_gradients(attr, case):
    theirs, ours, _, xs, tolerance = case
    expected = attr.IntegratedGradients(theirs).attribute(
        xs[:1], xs[1:2], target=3, n_steps=STEPS, method="riemann_middle"
    )
    actual = part1.integrated_gradients(ours, xs[0], xs[1], 3, steps=STEPS)
    assert_close(actual, expected[0], tolerance)


def test_comparative_integrated_gradients(attr, case):
    theirs, ours, _, xs, tolerance = case
    expected = attr.IntegratedGradients(
        lambda rows: theirs(rows)[:, 3] - theirs(rows)[:, 0]
    ).attribute(xs[:1], xs[1:2], n_steps=STEPS, method="riemann_middle")
    actual = part2.comparative_integrated_gradients(ours, xs[0], xs[1], 3, 0, steps=STEPS)
    assert_close(actual, expected[0], tolerance)


def test_path_influence_is_internal_influence(attr, case):
    theirs, ours, layer, xs, tolerance = case
    expected = attr.InternalInfluence(theirs, theirs[layer]).attribute(
        xs[:1], xs[1:2], target=2, n_steps=STEPS, method="riemann_middle"
    )
    actual = part1.path_influence(ours, layer, xs[0], xs[1], 2, steps=STEPS)
    assert_close(actual, expected[0], tolerance)


def test_instance_influence_is_the_layer_gradient(attr, case):
    theirs, ours, layer, xs, tolerance = case
    gradient = attr.LayerGradientXActivation(theirs, theirs[layer], multiply_by_inputs=False)
    expected = gradient.attribute(xs, target=1)
    assert_close(part1.instance_influence(ours, layer, xs, 1), expected, tolerance)
    assert_close(part1.class_influence(ours, layer, xs, 1), expected.mean(0), tolerance)


def test_saliency_map_is_the_neuron_gradient(attr, case):
    theirs, ours, layer, xs, tolerance = case
    expected = attr.NeuronGradient(theirs, theirs[layer]).attribute(
        xs[:1].requires_grad_(), peak(2)
    )
    assert_close(part1.saliency_map(ours, layer, 2, xs[0]), expected[0], tolerance)


def test_integrated_saliency_map_is_neuron_integrated_gradients(attr, case):
    theirs, ours, layer, xs, tolerance = case
    expected = attr.NeuronIntegratedGradients(theirs, theirs[layer]).attribute(
        xs[:1], peak(2), xs[1:2], n_steps=STEPS, method="riemann_middle"
    )
    actual = part1.integrated_saliency_map(ours, layer, 2, xs[0], xs[1], steps=STEPS)
    assert_close(actual, expected[0], tolerance)
