"""Passes through the network are counted as they are run, and nothing else changes by that."""

import copy
import inspect
import io
import pickle
import warnings

import pytest
import torch
from torch import nn
from torch.func import functional_call, grad, jacrev, vmap

from grader.homework.networks import Network, build
from grader.records import Call, Passes
from grader.sandbox.guest import pass_counter
from grader.sandbox.host.session import InProcessSession, ProcessSession

SPEC = Network("smooth_cnn", seed=3)
ROWS = 5


@pytest.fixture(autouse=True)
def installed():
    pass_counter.install()


def model():
    return pass_counter.number_layers(build(SPEC))


def rows(number=ROWS):
    return torch.linspace(-1, 1, number * 72).reshape(number, 2, 6, 6).requires_grad_(True)


def score(network, xs):
    return network(xs)[:, 1].sum()


def batch(network):
    xs = rows()
    torch.autograd.grad(score(network, xs), xs)


def loop(network):
    for x in rows().detach():
        batch_of_one = x[None].requires_grad_(True)
        score(network, batch_of_one).backward()


def loop_over_slices(network):
    for x in rows().detach():
        z = network[:3](x[None])
        torch.autograd.grad(nn.Sequential(*list(network)[3:])(z)[0, 1], network[0].weight)


def layer_by_layer(network):
    xs = z = rows()
    for layer in network:
        z = layer(z)
    torch.autograd.backward([z[:, 1].sum()], inputs=[xs])


def copies(network):
    for _ in range(4):
        loop_of_one = copy.deepcopy(copy.deepcopy(network))
        xs = rows(1)
        torch.autograd.grad(score(loop_of_one, xs), xs)


def hooks(network):
    kept = []
    with network[2].register_forward_hook(lambda module, inputs, output: kept.append(output)):
        torch.autograd.grad(score(network, rows()), kept[0])


def forward_by_name(network):
    network.forward(rows())


def functional(network):
    values = dict(network.named_parameters())
    functional_call(network, values, rows())


def vmapped(network):
    vmap(grad(lambda x: network(x[None])[0, 1]))(rows().detach())


def jacobian(network):
    jacrev(lambda x: network(x[None])[0])(rows().detach()[0])


def jacobian_row_by_row(network):
    torch.autograd.functional.jacobian(lambda x: network(x[None])[0], rows().detach()[0])


def per_class(network):
    xs = rows()
    scores = network(xs)
    for column in scores.T:
        torch.autograd.grad(column.sum(), xs, retain_graph=True)


def differences(network):
    x = rows(1).detach()
    with torch.no_grad():
        for step in torch.eye(72).reshape(72, 1, 2, 6, 6):
            network(x + step)


def nothing(network):
    list(network)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (batch, (1, 1)),
        (loop, (5, 5)),
        (loop_over_slices, (5, 5)),
        (layer_by_layer, (1, 1)),
        (copies, (4, 4)),
        (hooks, (1, 1)),
        (forward_by_name, (1, 0)),
        (functional, (1, 0)),
        (vmapped, (1, 1)),
        (jacobian, (1, 1)),
        (jacobian_row_by_row, (1, 5)),
        (per_class, (1, 5)),
        (differences, (72, 0)),
        (nothing, (0, 0)),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_is_run_is_counted(body, expected):
    pass_counter.start()
    body(model())
    assert tuple(pass_counter.taken()) == expected


def test_captum_s_integrated_gradients_is_one_batch():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from captum.attr import IntegratedGradients

        x = rows(1).detach()
        pass_counter.start()
        IntegratedGradients(model()).attribute(x, torch.zeros_like(x), target=1, n_steps=50)
    forward, backward = pass_counter.taken()
    assert 1 <= forward <= 3
    assert backward == 1


def test_a_network_that_is_not_numbered_is_not_counted():
    pass_counter.start()
    build(SPEC)(rows())
    assert pass_counter.taken() == [0, 0]


def test_every_call_counts_from_zero():
    pass_counter.start()
    batch(model())
    pass_counter.start()
    assert pass_counter.taken() == [0, 0]


def test_counting_changes_no_value():
    counted, plain = model(), build(SPEC)
    for network in (counted, plain):
        network.zero_grad()
        score(network, rows()).backward()
    assert torch.equal(counted(rows()), plain(rows()))
    for one, other in zip(counted.parameters(), plain.parameters(), strict=True):
        assert torch.equal(one.grad, other.grad)


def test_installing_twice_counts_once():
    pass_counter.install()
    pass_counter.start()
    batch(model())
    assert pass_counter.taken() == [1, 1]


def test_torch_s_own_functions_are_as_they_were():
    assert inspect.getmodule(torch.autograd.grad) is torch.autograd
    assert "retain_graph" in inspect.signature(torch.autograd.grad).parameters
    assert "retain_graph" in inspect.signature(torch.Tensor.backward).parameters
    assert not torch.nn.modules.module._global_forward_pre_hooks


def test_networks_can_be_pickled_saved_traced_and_scripted():
    network = model()
    xs = rows().detach()
    expected = network(xs)
    stored = io.BytesIO()
    torch.save(network, stored)
    stored.seek(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = [
            pickle.loads(pickle.dumps(network)),
            torch.load(stored, weights_only=False),
            torch.fx.symbolic_trace(network),
            torch.jit.trace(network, xs),
            torch.jit.script(network),
        ]
        for other in made:
            torch.testing.assert_close(other(xs), expected)


def test_a_layer_s_own_hooks_go_off():
    seen = []
    network = model()
    network[1].register_forward_pre_hook(lambda module, inputs: seen.append("before"))
    network[1].register_forward_hook(lambda module, inputs, output: seen.append("behind"))
    network[1].register_full_backward_hook(lambda module, ins, outs: seen.append("back"))
    batch(network)
    assert seen == ["before", "behind", "back"]


FILE = b"""
import copy
import torch

def class_influence(model, layer, xs, target, weights=None):
    total = 0
    for x in xs:
        x = x[None].clone().requires_grad_(True)
        model.eval()(x)[0, target].backward()
        total = total + x.grad[0]
    model.zero_grad()
    return total / len(xs)

def linear_scores(model):
    return copy.deepcopy(model)

def scale_pixels(x, saliency):
    return x
"""


@pytest.mark.parametrize("session_of", [InProcessSession, ProcessSession])
def test_counts_come_with_the_reply(session_of):
    session = session_of({"part1_focused.py": FILE})
    xs = rows().detach().numpy()
    arguments = {"model": SPEC, "layer": -1, "xs": xs, "target": 1}
    call = Call("class_influence", arguments)
    assert session.call(call).passes == Passes(5, 5)
    assert session.call(call).changed == ()
    assert session.call(Call("scale_pixels", {"x": xs, "saliency": xs})).passes == Passes()
    scores = Call("()", {"module": Call("linear_scores", {"model": SPEC}), "inputs": xs})
    assert session.call(scores).passes == Passes(1, 0)
    session.close()


def test_a_call_inside_an_argument_is_not_counted():
    session = InProcessSession({"part1_focused.py": FILE})
    xs = rows().detach().numpy()
    influence = Call("class_influence", {"model": SPEC, "layer": -1, "xs": xs, "target": 1})
    reply = session.call(Call("scale_pixels", {"x": xs, "saliency": influence}))
    assert reply.error is None
    assert reply.passes == Passes()
    session.close()
