"""The conventions of the homework, one by one, for every function that they speak of."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from grader.homework.networks import Network, build
from reference import part1_focused as part1
from reference import part2_comparative as part2
from reference import part3_compression as part3
from seeded import assert_close, inputs

# What each function finds, as a tensor: (model, layer, xs) -> tensor.
FINDINGS = {
    "instance_influence": lambda m, s, xs: part1.instance_influence(m, s, xs, 1),
    "class_influence": lambda m, s, xs: part1.class_influence(m, s, xs, 1),
    "class_influence, weights": lambda m, s, xs: part1.class_influence(m, s, xs, 1, [1, 2, 3]),
    "path_influence": lambda m, s, xs: part1.path_influence(m, s, xs[0], xs[1], 2, steps=5),
    "integrated_gradients": lambda m, _, xs: part1.integrated_gradients(m, xs[0], xs[1], 2),
    "saliency_map": lambda m, s, xs: part1.saliency_map(m, s, 1, xs[0]),
    "integrated_saliency_map": lambda m, s, xs: part1.integrated_saliency_map(
        m, s, 1, xs[0], xs[1]
    ),
    "comparative_influence": lambda m, s, xs: part2.comparative_influence(m, s, xs, 0, 3),
    "comparative_integrated_gradients": lambda m, _, xs: part2.comparative_integrated_gradients(
        m, xs[0], xs[1], 0, 3
    ),
    "distinguishing_neurons": lambda m, s, xs: torch.cat(
        part2.distinguishing_neurons(m, s, xs, 0, 3, k=2)
    ),
    "compare_with_single_class": lambda m, s, xs: torch.tensor(
        part2.compare_with_single_class(m, s, xs, 0, 3, k=2), dtype=xs.dtype
    ),
}

# What each function that returns a module does, likewise; these leave the model in eval mode.
MODULES = {
    "linear_scores": lambda m, _, xs: part1.linear_scores(m).eval()(xs.clone()),
    "split": lambda m, s, xs: part1.split(m, s)[0].eval()(xs.clone()),
    "mask_slice": lambda m, s, xs: part1.linear_scores(part3.mask_slice(m, s, [1])).eval()(
        xs.clone()
    ),
    "binary_classifier": lambda m, s, xs: part3.binary_classifier(m, s, xs, 2, 1, 1).eval()(
        xs.clone()
    ),
}

finding = pytest.mark.parametrize("find", FINDINGS.values(), ids=FINDINGS)
anything = pytest.mark.parametrize(
    "find", [*FINDINGS.values(), *MODULES.values()], ids=[*FINDINGS, *MODULES]
)
dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])


# As found


def snapshot(model, *arguments):
    """Everything that a call could leave behind, as comparable values."""
    hooks = [
        [
            list(value)
            for key, value in vars(part).items()
            if "hook" in key and hasattr(value, "keys")
        ]
        for part in model.modules()
    ]
    return {
        "modes": [part.training for part in model.modules()],
        "flags": [p.requires_grad for p in model.parameters()],
        "grads": [None if p.grad is None else p.grad.tolist() for p in model.parameters()],
        "state": {key: value.tolist() for key, value in model.state_dict().items()},
        "hooks": hooks,
        "arguments": [(a.tolist(), a.requires_grad, a.grad) for a in arguments],
        "generator": torch.get_rng_state().tolist(),
        "gradients on": torch.is_grad_enabled(),
    }


def lived_in():
    """A network in train mode but for one layer, with gradients, a frozen layer and a hook."""
    model = build(Network("dropout_bn", seed=1, dtype="float64", head="softmax", training=True))
    model[1].eval()
    model[6].requires_grad_(False)
    for parameter in model[0].parameters():
        parameter.grad = torch.full_like(parameter, 0.5)
    model[3].register_forward_hook(lambda *_: None)
    return model


class Largest(nn.Module):
    """The largest output of a model as a margin."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, xs):
        return self.model(xs).amax(1)


BUILDERS = {
    "linear_scores": lambda m, s, xs: part1.linear_scores(m),
    "split": lambda m, s, xs: part1.split(m, s),
    "mask_slice": lambda m, s, xs: part3.mask_slice(m, s, [0, 2]),
    "binary_classifier": lambda m, s, xs: part3.binary_classifier(m, s, xs, 2, 1, 1),
    "evaluate": lambda m, s, xs: part3.evaluate(Largest(m), xs, [1, 0, 1]),
}


@pytest.mark.parametrize(
    "call", [*FINDINGS.values(), *BUILDERS.values()], ids=[*FINDINGS, *BUILDERS]
)
def test_everything_is_left_as_found(call):
    model = lived_in()
    xs = inputs(Network("dropout_bn", dtype="float64"), 3).requires_grad_()
    before = snapshot(model, xs)
    call(model, 4, xs)
    assert snapshot(model, xs) == before


def test_everything_is_left_as_found_after_an_error():
    model, xs = lived_in(), inputs(Network("dropout_bn", dtype="float64"), 3)
    before = snapshot(model, xs)
    with pytest.raises(IndexError, match="'target' must be"):
        part1.class_influence(model, 4, xs, 5)
    assert snapshot(model, xs) == before


@finding
def test_in_place_layers_leave_the_input_alone(find):
    model, xs = build(Network("inplace_mlp", seed=1)), inputs(Network("inplace_mlp"), 3)
    before = xs.clone()
    find(model, -1, xs)
    find(model, 1, xs)
    assert torch.equal(xs, before)


def test_evaluation_leaves_the_input_alone():
    classifier = nn.Sequential(nn.ReLU(inplace=True), nn.Flatten(0))
    xs = torch.tensor([[-1.0], [2.0]])
    assert part3.evaluate(classifier, xs, [False, True]) == (1.0, 1.0, 1.0)
    assert xs.tolist() == [[-1.0], [2.0]]
    assert classifier.training


# The network as it is handed over does not matter


@anything
@pytest.mark.parametrize("head", ["softmax", "log_softmax"])
def test_train_mode_and_a_softmax_change_nothing(find, head):
    xs = inputs(Network("dropout_bn", dtype="float64"), 3)
    plain = build(Network("dropout_bn", seed=2, dtype="float64"))
    dressed = build(Network("dropout_bn", seed=2, dtype="float64", head=head, training=True))
    assert_close(find(dressed, 4, xs), find(plain, 4, xs), 1e-13)


@anything
@pytest.mark.parametrize("layer", [-1, 0, 1, 2])
def test_in_place_layers_change_nothing(find, layer):
    model = build(Network("inplace_mlp", seed=3, dtype="float64"))
    plain = copy.deepcopy(model)
    for part in (plain[0], plain[2], plain[4]):
        part.inplace = False
    xs = inputs(Network("inplace_mlp", dtype="float64"), 3, seed=8)  # neuron 1 lives
    assert_close(find(model, layer, xs), find(plain, layer, xs), 1e-13)


@finding
@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_gradients_may_be_off(find, mode):
    model, xs = build(Network("smooth_cnn", seed=2)), inputs(Network("smooth_cnn"), 3)
    expected = find(model, 2, xs)
    with mode():
        assert_close(find(model, 2, xs), expected, 0.0)


@finding
def test_parameters_may_be_frozen(find):
    model, xs = build(Network("smooth_cnn", seed=2)), inputs(Network("smooth_cnn"), 3)
    expected = find(model, 2, xs)
    assert_close(find(model.requires_grad_(False), 2, xs), expected, 0.0)


@finding
def test_the_number_of_rows_in_a_pass_changes_nothing(find, monkeypatch):
    model = build(Network("smooth_cnn", seed=2, dtype="float64"))
    xs = inputs(Network("smooth_cnn", dtype="float64"), 3)
    expected = find(model, 2, xs)
    monkeypatch.setattr(part1, "PASS_ELEMENTS", 2 * xs[0].numel())
    assert_close(find(model, 2, xs), expected, 1e-13)


def test_a_softmax_inside_the_network_stays():
    model = nn.Sequential(nn.Linear(3, 4), nn.Softmax(dim=1), nn.Linear(4, 3)).double()
    x = torch.tensor([0.5, -1.0, 2.0]).double()
    expected = torch.autograd.functional.jacobian(lambda x: model[0](x).softmax(0)[2], x)
    assert_close(part1.saliency_map(model, 1, 2, x), expected, 1e-12)
    line = x + 0.5, x - 0.5  # whose middle, the only node of one step, is x
    assert_close(part1.integrated_saliency_map(model, 1, 2, *line, steps=1), expected, 1e-12)


# Shapes, dtypes, ways to hand over numbers


@finding
@dtypes
def test_results_are_detached_and_of_the_dtype_of_the_input(find, dtype):
    model = build(Network("smooth_cnn", seed=2, dtype=dtype))
    found = find(model, 2, inputs(Network("smooth_cnn", dtype=dtype), 3).requires_grad_())
    assert not found.requires_grad
    assert found.dtype in (torch.int64, getattr(torch, dtype))


@dtypes
def test_shapes(dtype):
    network = Network("smooth_cnn", dtype=dtype)
    model, xs = build(network), inputs(network, 3)
    assert part1.instance_influence(model, 0, xs, 1).shape == (3, 4, 6, 6)
    assert part1.instance_influence(model, 0, xs[:1], 1).shape == (1, 4, 6, 6)
    assert part1.class_influence(model, 2, xs, 1).shape == (4, 3, 3)
    assert part1.class_influence(model, 6, xs, 1).tolist() == [0, 1, 0, 0, 0]
    assert part1.path_influence(model, 5, xs[0], xs[1], 1).shape == (54,)
    assert part1.saliency_map(model, 3, 5, xs[0]).shape == (2, 6, 6)
    assert part1.saliency_map(model, -1, 1, xs[0]).sum() == 1
    assert part1.scale_pixels(xs[0], xs[1]).dtype == xs.dtype
    assert part1.top_neurons(xs[0]).dtype == torch.int64
    assert [n.dtype for n in part3.influential_neurons(xs[0], 1, 0)] == [torch.int64] * 2
    assert part3.binary_classifier(model, 2, xs, 1, 2, 2).eval()(xs).shape == (3,)


@pytest.mark.parametrize("form", [list, np.array, torch.tensor], ids=["list", "array", "tensor"])
def test_numbers_may_be_lists_arrays_or_tensors(form):
    network = Network("smooth_mlp", seed=1, dtype="float64")
    model, xs = build(network), inputs(network, 3)
    weighted = part1.class_influence(model, 1, xs, 1, form([1.0, 0.0, 3.0]))
    assert_close(weighted, part1.class_influence(model, 1, xs[[0, 2, 2, 2]], 1), 1e-12)
    # 1 + 1e-12 is 1 in float32, which would make a tie of it.
    close = form(np.array([[1.0, -5.0], [1.0 + 1e-12, 0.0], [-2.0, 1.0]]))
    assert part1.top_neurons(close, 3).tolist() == [1, 0, 2]
    assert part3.influential_neurons(close, 1, 1)[1].tolist() == [0]
    masks = [part3.mask_slice(model, 1, form(keep))(xs) for keep in ([3, 1], [1, 3, 3])]
    assert torch.equal(*masks)
    margins = torch.tensor([[1.0], [2.0], [-1.0]])
    said = part3.evaluate(nn.Flatten(0), margins, form([True, False, True]))
    assert said == (pytest.approx(1 / 3), 0.5, 0.5)
    assert part1.scale_pixels(xs[0], form([0.0, 0.0, 2.0, -4.0, 0.0, 0.0]))[3] == xs[0, 3]
    assert part1.compare_attributions(form([1.0, 2.0]), form([3.0, 4.0]), 1) == (1.0, 1.0)


def test_ties_go_to_the_lower_index():
    tied = torch.tensor([0.0, 2.0, -0.0, 2.0, -3.0, -3.0])
    assert part1.top_neurons(tied, 4).tolist() == [1, 3, 0, 2]
    assert [n.tolist() for n in part3.influential_neurons(tied, 2, 3)] == [[1, 3], [4, 5, 0]]


def test_nothing_becomes_nan():
    x = torch.tensor([[[1.0, 2.0]]])
    assert part1.scale_pixels(x, torch.zeros(1, 1, 2)).tolist() == [[[0.0, 0.0]]]
    assert part1.scale_pixels(x, torch.tensor([[[1e-45, 0.0]]])).tolist() == [[[1.0, 0.0]]]
    assert part1.compare_attributions([1.0], [2.0], 1) == (0.0, 1.0)
    network = Network("smooth_mlp")
    huge = part1.class_influence(build(network), 1, inputs(network, 2), 0, [1e308, 1e308])
    assert_close(huge, part1.class_influence(build(network), 1, inputs(network, 2), 0), 1e-6)


# Evaluation of a classifier

VERDICTS = [
    ([1.0, 2.0, -1.0, 0.0], [1, 0, 1, 0], (0.5, 0.5, 0.5)),
    ([3.0, 1e-9, -1.0, -2.0], [1, 1, 0, 1], (0.75, 1.0, 2 / 3)),
    ([0.0, 0.0], [1, 1], (0.0, 0.0, 0.0)),
    ([-1.0, -2.0], [0, 0], (1.0, 0.0, 0.0)),
    ([1.0, 2.0], [0, 0], (0.0, 0.0, 0.0)),
]


@pytest.mark.parametrize(("margins", "truth", "expected"), VERDICTS)
def test_evaluate(margins, truth, expected):
    column = torch.tensor(margins)[:, None]
    for classifier in (nn.Flatten(0), nn.Identity(), lambda xs: xs[:, 0]):
        assert part3.evaluate(classifier, column, truth) == pytest.approx(expected)


def test_a_margin_is_the_score_minus_the_highest_other():
    model = nn.Sequential(nn.Identity(), nn.Softmax(dim=1))
    xs = torch.tensor([[3.0, 5.0, 4.0], [7.0, -1.0, 2.0]])
    margins = [part3.binary_classifier(model, 0, xs, c, 3, 0)(xs).tolist() for c in range(3)]
    assert margins == [[-2.0, 5.0], [1.0, -8.0], [-1.0, -5.0]]
