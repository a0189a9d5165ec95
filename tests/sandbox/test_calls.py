"""Calls as data: keys, what they leave changed, the modules that they return, their values."""

import copy
import random
from collections import namedtuple
from dataclasses import replace
from enum import IntEnum

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from grader.calls.digest import key
from grader.homework.families import FAMILIES
from grader.homework.networks import Network, build
from grader.records import Call, NumPy, Other, Received
from grader.sandbox.guest.perform import Performer, to_sendable
from grader.sandbox.protocol.wire import MAX_REPLY, decode, encode

quick = settings(derandomize=True, deadline=None, database=None, max_examples=60)

MLP = Network("smooth_mlp", seed=3)
XS = np.random.RandomState(0).standard_normal((3, 6)).astype(np.float32)


def perform(function, call):
    """The value of a call, and what it left changed, of a submission with one function."""
    return Performer(lambda part: {call.function: function}).perform(call)


def changed_by(function, **arguments):
    call = Call("class_influence", {"model": MLP, "layer": 1, "xs": XS, "target": 0} | arguments)
    return perform(function, call)[1]


# keys


def test_equal_calls_have_equal_keys():
    def call(xs, dtype="float32"):
        inner = Call("split", {"model": Network("affine", 1, dtype), "layer": [1, (2, "x")]})
        return Call("()", {"module": Call("[]", {"of": inner, "index": 0}), "inputs": xs}, seed=4)

    assert key(call(XS)) == key(call(XS.copy()))
    assert key(call(XS)) == key(call(np.asfortranarray(XS)))
    swapped = Call("()", dict(reversed(call(XS).arguments.items())), seed=4)
    assert key(call(XS)) == key(swapped)
    assert key(call(XS)) == key(decode(*encode({"call": call(XS)}))["call"])
    assert len(key(call(XS))) == 64


def test_a_key_survives_frames_whatever_numbers_a_mix_was_written_with():
    call = Call("split", {"model": Network("affine", mix=((1, 2),)), "layer": 0})
    assert key(call) == key(decode(*encode({"call": call}))["call"])
    assert key(call) == key(
        Call("split", {"model": Network("affine", mix=((1.0, 2),)), "layer": 0})
    )


BASE = Call("top_neurons", {"attribution": XS, "k": 1})
OTHERS = {
    "function": replace(BASE, function="split"),
    "seed": replace(BASE, seed=1),
    "one more argument": Call("top_neurons", {**BASE.arguments, "z": None}),
    "name": Call("top_neurons", {"a": XS, "k": 1}),
    "a bit": Call("top_neurons", {"attribution": np.nextafter(XS, np.float32(9)), "k": 1}),
    "dtype": Call("top_neurons", {"attribution": XS.astype(np.float64), "k": 1}),
    "bits of another dtype": Call("top_neurons", {"attribution": XS.view(np.int32), "k": 1}),
    "shape": Call("top_neurons", {"attribution": XS.reshape(6, 3), "k": 1}),
    "NumPy": Call("top_neurons", {"attribution": NumPy(XS), "k": 1}),
    "list": Call("top_neurons", {"attribution": XS.tolist(), "k": 1}),
    "bool": Call("top_neurons", {"attribution": XS, "k": True}),
    "float": Call("top_neurons", {"attribution": XS, "k": 1.0}),
    "text": Call("top_neurons", {"attribution": XS, "k": "1"}),
    "None": Call("top_neurons", {"attribution": XS, "k": None}),
    "network": Call("top_neurons", {"attribution": MLP, "k": 1}),
    "its seed": Call("top_neurons", {"attribution": Network("smooth_mlp", seed=4), "k": 1}),
    "its dtype": Call("top_neurons", {"attribution": replace(MLP, dtype="float64"), "k": 1}),
    "its mix": Call("top_neurons", {"attribution": replace(MLP, mix=((1.0, 2),)), "k": 1}),
    "call": Call("top_neurons", {"attribution": BASE, "k": 1}),
    "call's seed": Call("top_neurons", {"attribution": replace(BASE, seed=1), "k": 1}),
    "a dict": Call("top_neurons", {"attribution": [{"a": XS}], "k": 1}),
    "what is in it": Call("top_neurons", {"attribution": [{"a": XS + 1}], "k": 1}),
    "flat": Call("top_neurons", {"attribution": [1, 2, 3], "k": 1}),
    "nested": Call("top_neurons", {"attribution": [1, [2, 3]], "k": 1}),
    "nested otherwise": Call("top_neurons", {"attribution": [[1, 2], 3], "k": 1}),
}


def test_different_calls_have_different_keys():
    keys = {name: key(call) for name, call in {"": BASE, **OTHERS}.items()}
    assert len(set(keys.values())) == len(keys)


def test_a_long_array_in_a_dict_counts_to_its_last_bit():
    def call(last):
        return Call("drive:steps", {"runs": [{"a": np.append(np.zeros(5000), last)}]})

    assert key(call(0)) != key(call(1))


texts = st.text(max_size=4)
arguments = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | texts | st.floats(0, 1),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=5,
)


def form(value):
    """Type and value, so that 1, 1.0 and True differ."""
    if isinstance(value, dict):
        return ("dict", frozenset((k, form(v)) for k, v in value.items()))
    return ("list", *map(form, value)) if isinstance(value, list) else (type(value), repr(value))


@quick
@given(st.dictionaries(texts, arguments, max_size=3), st.dictionaries(texts, arguments, max_size=3))
def test_keys_are_equal_exactly_where_arguments_are(a, b):
    assert key(Call("f", a)) == key(Call("f", copy.deepcopy(a)))
    assert (key(Call("f", a)) == key(Call("f", b))) == (form(a) == form(b))


@pytest.mark.parametrize("value", [object(), {1, 2}, torch.zeros(1), b""])
def test_a_call_that_cannot_be_sent_has_no_key(value):
    with pytest.raises(TypeError, match="a call cannot hold a"):
        key(Call("f", {"a": [value]}))


# arguments


def test_arguments_arrive_by_position_as_what_the_homework_says():
    got = []

    def influence(net, depth, batch, klass, w="not given"):
        got.extend([net, depth, batch, klass, w])

    perform(influence, Call("class_influence", {"target": 2, "xs": XS, "layer": 1, "model": MLP}))
    assert isinstance(got[0], nn.Sequential)
    assert got[1::2] == [1, 2]
    assert isinstance(got[2], torch.Tensor)
    np.testing.assert_array_equal(got[2].numpy(), XS)
    assert got[4] == "not given"


def test_a_default_before_a_given_argument_is_the_homeworks():
    def classes(*given):
        return list(given)

    assert perform(classes, Call("random_classes", {"num_classes": 9, "seed": 3}))[0] == [9, 5, 3]
    assert perform(classes, Call("random_classes", {"num_classes": 9}))[0] == [9]


def test_numpy_and_lists_arrive_as_such_and_nothing_is_shared():
    kept = {"attribution": NumPy(XS.copy()), "k": [[1.0, 2.0], [3.0]]}

    def neurons(attribution, k):
        assert isinstance(attribution, np.ndarray)
        attribution[:] = 0
        k[0].clear()

    changed = perform(neurons, Call("top_neurons", kept))[1]
    assert changed == ("the values of attribution and k",)
    np.testing.assert_array_equal(kept["attribution"].array, XS)
    assert kept["k"] == [[1.0, 2.0], [3.0]]


def test_networks_are_fresh_each_time():
    def ruin(model):
        with torch.no_grad():
            model[0].weight.zero_()
        return model

    performer = Performer(lambda part: {"linear_scores": ruin})
    call = Call("linear_scores", {"model": MLP})
    first, second = performer.perform(call), performer.perform(call)
    assert first[0] is not second[0]
    assert first[1] == second[1] == ("the parameters of model[0]",)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_network_arrives_as_it_was_built(family):
    spec = Network(family, training=True, mixed=True, dtype="float64", head="softmax")
    built = build(spec)
    arrived = perform(lambda model: model, Call("linear_scores", {"model": spec}))[0]
    assert str(arrived) == str(built)
    for ours, other in zip(built.modules(), arrived.modules(), strict=True):
        assert vars(other).keys() - {"_hw3_layer"} == vars(ours).keys()
        assert other.training is ours.training
    state = arrived.state_dict()
    assert all(torch.equal(state[name], value) for name, value in built.state_dict().items())
    parameters = list(arrived.parameters())
    assert [p.requires_grad for p in parameters] == [p.requires_grad for p in built.parameters()]
    assert all(type(p) is nn.Parameter and p.is_leaf for p in parameters)


def test_a_function_that_is_not_there_is_named():
    with pytest.raises(LookupError, match="top_neurons"):
        Performer(lambda part: {}).perform(Call("top_neurons", {}))
    with pytest.raises(LookupError, match="top_neurons"):
        Performer(lambda part: {"top_neurons": 3}).perform(Call("top_neurons", {}))
    with pytest.raises(KeyError):
        Performer(lambda part: {}).perform(Call("nonsense", {}))


# what a call leaves changed


def gradients(model, layer, xs, target):
    model.train(False)
    xs = xs.clone().requires_grad_(True)
    return torch.autograd.grad(model(xs)[:, target].sum(), xs)[0]


def leaves_grad(model, layer, xs, target):
    model(xs).sum().backward()


def leaves_grad_of_xs(model, layer, xs, target):
    xs.requires_grad_(True)
    torch.autograd.backward(model(xs).sum(), inputs=[xs])


def leaves_hook(model, layer, xs, target):
    model[1].register_forward_hook(lambda *_: None)


def leaves_backward_hook(model, layer, xs, target):
    model[1].register_full_backward_hook(lambda *_: None)


def leaves_pre_hook(model, layer, xs, target):
    model.register_forward_pre_hook(lambda *_: None)


def leaves_mode(model, layer, xs, target):
    model[2].train()


def changes_weights(model, layer, xs, target):
    model[0].weight.data.mul_(2)


def changes_dtype(model, layer, xs, target):
    model.double()


def changes_xs(model, layer, xs, target):
    xs += 1


def changes_shape_of_xs(model, layer, xs, target):
    xs.unsqueeze_(0)


def makes_xs_a_result(model, layer, xs, target):
    xs *= model[0].weight[0]


def removes_layer(model, layer, xs, target):
    del model[-1]


def replaces_layer(model, layer, xs, target):
    model[1] = nn.ReLU().eval()


def restores(model, layer, xs, target):
    handle = model[0].register_forward_hook(lambda *_: None)
    training = model.training
    model.train()(xs).sum().backward()
    model.train(training).zero_grad()
    handle.remove()


@pytest.mark.parametrize(
    ("function", "changed"),
    [
        (gradients, ()),
        (restores, ()),
        (leaves_grad, ("the .grad of parameters of model[0], model[2] and model[4]",)),
        (leaves_grad_of_xs, ("the .grad of xs",)),
        (leaves_hook, ("the hooks of model[1]",)),
        (leaves_backward_hook, ("the hooks of model[1]",)),
        (leaves_pre_hook, ("the hooks of model",)),
        (leaves_mode, ("the train/eval mode of model[2]",)),
        (changes_weights, ("the parameters of model[0]",)),
        (changes_dtype, ("the parameters of model[0], model[2] and model[4]",)),
        (changes_xs, ("the values of xs",)),
        (changes_shape_of_xs, ("the values of xs",)),
        (makes_xs_a_result, ("the values of xs",)),
        (replaces_layer, ("the layers of model",)),
    ],
)
def test_what_a_function_leaves_changed_is_named(function, changed):
    assert changed_by(function) == changed


def test_a_removed_layer_is_noticed():
    assert "the layers of model" in changed_by(removes_layer)


def test_batch_statistics_that_moved_are_noticed():
    images = np.random.RandomState(0).standard_normal((3, 2, 6, 6)).astype(np.float32)

    def forward(model, layer, xs, target):
        model(xs)

    network = Network("dropout_bn", training=True)
    assert changed_by(forward, model=network, xs=images) == (
        "the buffers of model[1] and model[7]",
    )


def test_gradients_that_were_there_before_must_stay():
    def clears(model, layer, xs, target):
        model.zero_grad()

    network = replace(MLP, grads=True)
    grads = ("the .grad of parameters of model[0], model[2] and model[4]",)
    assert changed_by(clears, model=network) == grads
    assert changed_by(leaves_grad, model=network) == grads
    assert changed_by(gradients, model=network) == ()


def test_a_gradient_of_an_argument_or_of_a_frozen_parameter_must_stay():
    def forgets(model, layer, xs, target):
        xs.grad = None

    def forgets_the_frozen(model, layer, xs, target):
        for parameter in model.parameters():
            parameter.grad = parameter.grad if parameter.requires_grad else None

    network = replace(MLP, grads=True)
    assert changed_by(forgets, model=network) == ("the .grad of xs",)
    assert changed_by(forgets, model=MLP) == ()
    grads = ("the .grad of parameters of model[0], model[2] and model[4]",)
    assert changed_by(forgets_the_frozen, model=network) == grads


def test_a_hook_of_all_modules_is_noticed():
    left = []

    def leaves(model, layer, xs, target):
        hook = nn.modules.module.register_module_forward_hook
        left.append(hook(lambda *_: None))

    try:
        assert changed_by(leaves) == ("torch's hooks of all modules",)
    finally:
        for handle in left:
            handle.remove()


def switches_in_place_off(model, layer, xs, target):
    for module in model:
        if hasattr(module, "inplace"):
            module.inplace = False


def drops_nothing(model, layer, xs, target):
    model[3].p = 0


def forgets_slowly(model, layer, xs, target):
    model[1].momentum = 0.0


def keeps_its_input(model, layer, xs, target):
    model.saved = xs


def wraps_forward(model, layer, xs, target):
    model[0].forward = lambda xs: xs


def forgets_a_part(model, layer, xs, target):
    was = model.training
    model.eval()
    model.train(was)


@pytest.mark.parametrize(
    ("function", "family", "changed"),
    [
        (switches_in_place_off, "inplace_mlp", "`inplace` of model[0] (True before, False after)"),
        (drops_nothing, "dropout_bn", "`p` of model[3] (0.5 before, 0 after)"),
        (forgets_slowly, "dropout_bn", "`momentum` of model[1] (0.1 before, 0.0 after)"),
        (keeps_its_input, "smooth_mlp", "`saved` of model (added)"),
        (wraps_forward, "smooth_mlp", "`forward` of model[0] (added)"),
        (forgets_a_part, "blocks", "the train/eval mode of model[0][1], model[1]"),
    ],
)
def test_every_attribute_of_every_module_is_compared(function, family, changed):
    (words,) = changed_by(function, model=Network(family, mixed=family == "blocks"))
    assert words.startswith(changed)


def test_what_a_call_that_raises_leaves_changed_is_named():
    def refuses(model, layer, xs, target):
        model.eval()
        raise ValueError("no such class")

    performer = Performer(lambda part: {"instance_influence": refuses})
    model = Network("smooth_mlp", training=True)
    call = Call("instance_influence", {"model": model, "layer": 1, "xs": XS, "target": 9})
    with pytest.raises(ValueError, match="no such class"):
        performer.perform(call)
    assert performer.changed[0].startswith("the train/eval mode of model, model[0]")


def test_values_that_are_not_numbers_do_not_count_as_changed():
    assert changed_by(gradients, xs=np.full((1, 6), np.nan, np.float32)) == ()


# returned modules


class Counting:
    """Part 3 of a submission, counting its calls."""

    def __init__(self):
        self.calls = []

    def mask_slice(self, model, layer, keep):
        self.calls.append(("mask_slice", list(keep)))
        return nn.Sequential(*model, nn.Dropout(0.5)).train()

    def split(self, model, layer):
        self.calls.append(("split", layer))
        return model[: layer + 1], model[layer + 1 :]

    def evaluate(self, classifier, xs, is_target):
        return classifier, xs, is_target

    def namespace(self, part):
        return {name: getattr(self, name) for name in ("mask_slice", "split", "evaluate")}


def masked(keep):
    return Call("mask_slice", {"model": MLP, "layer": 1, "keep": [keep]})


def on(module, inputs=XS, seed=0):
    return Call("()", {"module": module, "inputs": inputs}, seed)


def test_a_returned_module_is_called_in_eval_mode_and_made_once():
    student = Counting()
    performer = Performer(student.namespace)
    expected = build(MLP)(torch.from_numpy(XS))
    for _ in range(3):
        torch.testing.assert_close(performer.perform(on(masked(0)))[0], expected, rtol=0, atol=0)
    assert student.calls == [("mask_slice", [0])]


def test_both_halves_of_a_tuple_are_of_one_call():
    student = Counting()
    performer = Performer(student.namespace)
    halves = [
        Call("[]", {"of": Call("split", {"model": MLP, "layer": 1}), "index": i}) for i in (0, 1)
    ]
    z = performer.perform(on(halves[0]))[0]
    scores = performer.perform(on(halves[1], z.detach().numpy()))[0]
    torch.testing.assert_close(scores, build(MLP)(torch.from_numpy(XS)))
    nested = performer.perform(on(halves[1], on(halves[0])))[0]
    torch.testing.assert_close(nested, scores)
    assert student.calls == [("split", 1)]


def test_a_module_can_be_an_argument():
    classifier, xs, is_target = Performer(Counting().namespace).perform(
        Call("evaluate", {"classifier": masked(0), "xs": XS, "is_target": [True, False, True]})
    )[0]
    assert isinstance(classifier, nn.Module)
    assert xs.shape == (3, 6)
    assert is_target == [True, False, True]


def test_what_was_not_used_for_long_is_made_again():
    student = Counting()
    performer = Performer(student.namespace)
    for keep in [*range(20), 19, 0]:
        performer.perform(on(masked(keep)))
    assert [keep for _, (keep,) in student.calls] == [*range(20), 0]


def test_what_is_no_module_cannot_be_called_and_its_function_is_named():
    for call in (masked(0), Call("[]", {"of": masked(0), "index": 1})):
        performer = Performer(lambda part: {"mask_slice": lambda *_: (None, "text")})
        with pytest.raises(TypeError, match=r"mask_slice should return a module .* of type"):
            performer.perform(on(call))


# random numbers


def draw(*_):
    return [torch.rand(1).item(), float(np.random.rand()), random.random()]


@pytest.mark.parametrize("seed", [0, 7, 2**32 + 1, -1])
def test_the_seed_decides_what_is_drawn(seed):
    call = Call("linear_scores", {"model": MLP}, seed)
    first = perform(draw, call)[0]
    random.seed(99)
    torch.manual_seed(99)
    assert perform(draw, call)[0] == first
    assert perform(draw, replace(call, seed=seed + 1))[0] != first


def test_the_seed_holds_whether_the_arguments_were_made_or_kept():
    class Noise(nn.Module):
        def forward(self, x):
            return x + torch.rand(1)

    namespace = {"mask_slice": lambda *_: (torch.rand(5), Noise())[1], "evaluate": draw}
    performer = Performer(lambda part: namespace)
    call = on(masked(0), seed=5)
    torch.testing.assert_close(performer.perform(call)[0], performer.perform(call)[0])
    evaluated = Call("evaluate", {"classifier": masked(1)}, 5)
    assert performer.perform(evaluated)[0] == performer.perform(evaluated)[0]


def test_a_call_starts_with_gradients_and_single_precision():
    def leaves(*_):
        torch.set_grad_enabled(False)
        torch.set_default_dtype(torch.float64)

    def state(*_):
        return torch.is_grad_enabled(), str(torch.get_default_dtype())

    try:
        performer = Performer(lambda part: {"linear_scores": leaves, "split": state})
        performer.perform(Call("linear_scores", {"model": MLP}))
        assert performer.perform(Call("split", {"model": MLP}))[0] == (True, "torch.float32")
    finally:
        torch.set_grad_enabled(True)
        torch.set_default_dtype(torch.float32)


# values


class Number(IntEnum):
    THREE = 3


class Real(float):
    def __repr__(self):
        raise RuntimeError


class Whole(int):
    def __str__(self):
        raise RuntimeError


class Lying(torch.Tensor):
    pass


Pair = namedtuple("Pair", "a b")


def arrives(value):
    """A value as the grader gets it."""
    return decode(*encode({"value": to_sendable(value)}))["value"]


@pytest.mark.parametrize(
    ("value", "array", "origin", "dtype"),
    [
        (torch.ones(2, requires_grad=True), np.ones(2, np.float32), "tensor", "float32"),
        (nn.Parameter(torch.ones(2)), np.ones(2, np.float32), "tensor", "float32"),
        (torch.ones(2).as_subclass(Lying), np.ones(2, np.float32), "tensor", "float32"),
        (torch.ones(2, dtype=torch.bfloat16), np.ones(2, np.float32), "tensor", "bfloat16"),
        (torch.ones(2, dtype=torch.float16), np.ones(2, np.float16), "tensor", "float16"),
        (torch.ones(2, dtype=torch.uint16), np.ones(2, np.int64), "tensor", "uint16"),
        (torch.tensor([True, False]), np.array([True, False]), "tensor", "bool"),
        (torch.eye(2).to_sparse(), np.eye(2, dtype=np.float32), "tensor", "float32"),
        (torch.zeros(0, 3), np.zeros((0, 3), np.float32), "tensor", "float32"),
        (torch.tensor(2.5), np.array(2.5, np.float32), "tensor", "float32"),
        (torch.ones(1).expand(3), np.ones(3, np.float32), "tensor", "float32"),
        (torch.arange(6).reshape(2, 3).T, np.arange(6).reshape(2, 3).T, "tensor", "int64"),
        (torch.view_as_complex(torch.ones(2, 2)).imag, np.ones(2, np.float32), "tensor", "float32"),
        (torch.view_as_complex(torch.ones(2, 2)).conj().imag, -np.ones(2), "tensor", "float32"),
        (torch.tensor([np.nan, np.inf]), np.array([np.nan, np.inf]), "tensor", "float32"),
        (np.ones(2, ">f4"), np.ones(2, np.float32), "array", "float32"),
        (np.ones(2, np.uint32), np.ones(2, np.int64), "array", "uint32"),
        (np.float32(1.5), np.array(1.5, np.float32), "array", "float32"),
        (np.ma.masked_array([1.0, 2.0], [True, False]), np.array([1.0, 2.0]), "array", "float64"),
        (np.ones((2, 2))[::-1, ::-1], np.ones((2, 2)), "array", "float64"),
        ([1, 2, 3, 4], np.arange(1, 5), "list", "int64"),
        ((1.0, 2, 3, 4), np.arange(1.0, 5), "list", "float64"),
        ([[1, 2]] * 4, np.array([[1, 2]] * 4), "list", "int64"),
        ([np.float32(1)] * 4, np.ones(4, np.float32), "list", "float32"),
        ([True] * 4, np.ones(4, bool), "list", "bool"),
    ],
)
def test_arrays_arrive_with_their_origin_and_their_dtype_there(value, array, origin, dtype):
    got = arrives(value)
    assert (got.origin, got.dtype) == (origin, dtype)
    np.testing.assert_array_equal(got.array, array)
    assert got.array.dtype.kind == array.dtype.kind


@pytest.mark.parametrize(
    ("value", "arrived"),
    [
        (None, None),
        (True, True),
        (3, 3),
        (2.5, 2.5),
        ("text", "text"),
        ("x" * 5000, "x" * 2000),
        (Number.THREE, 3),
        (Whole(3), 3),
        (Real(2.5), 2.5),
        (float("inf"), float("inf")),
        ([], []),
        ((1, 2.5), [1, 2.5]),
        (Pair(0.5, 1), [0.5, 1]),
        ({1: 2, None: [3], (4,): {"a": 5.0}}, {"1": 2, "None": [3], "(4,)": {"a": 5.0}}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_plain_values_arrive_as_they_are(value, arrived):
    got = arrives(value)
    assert got == arrived
    assert type(got) is type(arrived)


@pytest.mark.parametrize(
    ("value", "other"),
    [
        (nn.ReLU(), Other("module", "ReLU")),
        (nn.ReLU, Other("value", "type")),
        (print, Other("value", "builtin_function_or_method")),
        (object(), Other("value", "object")),
        (1j, Other("value", "complex")),
        (b"bytes", Other("value", "bytes")),
        ({1, 2}, Other("value", "set")),
        (2**63, Other("words", "an integer of more than 64 bits")),
        (-(10**5000), Other("words", "an integer of more than 64 bits")),
        (torch.ones(2, dtype=torch.complex64), Other("words", "a tensor of complex64")),
        (np.ones(2, complex), Other("words", "an array of complex128")),
        (np.array(["a"]), Other("words", "an array of str32")),
        (np.array([None]), Other("words", "an array of object")),
        ([2**70] * 4, Other("words", "a list of object")),
        ([[1, 2], [3], [4], [5]], Other("words", "a list of lists of different lengths")),
        (torch.ones(2, device="meta"), Other("words", "a tensor of float32 that cannot be sent")),
        (
            torch.ones(1).expand(2**20, 2**20),
            Other("words", "a tensor too large to be sent, of shape (1048576, 1048576)"),
        ),
        (
            torch.ones(2**20, 2**20, device="meta").to(torch.bfloat16),
            Other("words", "a tensor too large to be sent, of shape (1048576, 1048576)"),
        ),
        (
            torch.sparse_coo_tensor(torch.zeros(2, 0), [], (2**20, 2**20), check_invariants=True),
            Other("words", "a tensor too large to be sent, of shape (1048576, 1048576)"),
        ),
        (
            np.broadcast_to(np.uint8(1), MAX_REPLY + 1),
            Other("words", f"an array too large to be sent, of shape ({MAX_REPLY + 1},)"),
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_rest_arrives_in_words(value, other):
    assert arrives(value) == other


def test_a_few_values_of_different_kinds_arrive_one_by_one():
    got = arrives([torch.ones(2), nn.ReLU(), [torch.zeros(1), None]])
    assert isinstance(got[0], Received)
    assert got[1] == Other("module", "ReLU")
    assert isinstance(got[2][0], Received)
    assert got[2][1] is None


def nested(depth):
    value = [1.0, 2.0]
    for _ in range(depth):
        value = [value]
    return value


def own_list(width):
    value = []
    value.extend([value] * width)
    return value


def own_dict():
    value = {}
    value["a"] = [value, value]
    return value


@pytest.mark.parametrize(
    "value",
    [nested(9), nested(5000), own_list(1), own_list(3), own_list(4), own_list(1000), own_dict()],
    ids=["9", "5000", "1 of itself", "3", "4", "1000", "a dict"],
)
def test_lists_nested_too_deep_arrive_in_words(value):
    assert arrives(value) == Other("words", "lists nested too deep")


def test_lists_nested_deep_enough_for_any_picture_arrive():
    assert arrives(nested(7)) == nested(7)
    assert arrives([[[[[0.5]]]]] * 4).array.shape == (4, 1, 1, 1, 1)
