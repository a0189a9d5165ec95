"""Replies against the contract: what is accepted, and the sentence where something is not."""

import numpy as np
import pytest

from grader.calls.validate import WrongKind, number, shapes_of, to_array, validate, words
from grader.homework.contract import FUNCTIONS, Array, Module, Number, Tuple
from grader.homework.networks import Network
from grader.records import Call, NumPy, Other, Received

CNN = Network("smooth_cnn")
ZS = np.zeros((3, 4, 6, 6), np.float32)
SHAPES = {"Z": (2, 3), "k": (2,), "N": (4,), "positive": (1,), "negative": (0,)}
FLOATS, INTEGERS = Array(("Z",)), Array(("k",), "int")


def tensor(values, dtype="float32", origin="tensor"):
    array = np.asarray(values, dtype)
    return Received(array, origin, array.dtype.name)


def wrong(returns, value):
    """The sentence with which a value is refused."""
    with pytest.raises(WrongKind) as caught:
        validate(returns, value, SHAPES)
    return str(caught.value)


# what shapes stand for


def test_shapes_come_from_the_arguments():
    xs, x = np.zeros((3, 2, 6, 6)), np.zeros((2, 6, 6))
    call = Call("distinguishing_neurons", {"model": CNN, "layer": 0, "xs": xs, "k": 2})
    assert shapes_of(call) == {"N": (3,), "Z": (4, 6, 6), "k": (2,)}
    call = Call("path_influence", {"model": CNN, "layer": -1, "x": x})
    assert shapes_of(call) == {"x": (2, 6, 6), "Z": (2, 6, 6)}
    call = Call("influential_neurons", {"positive": 2, "negative": 0})
    assert shapes_of(call) == {"positive": (2,), "negative": (0,)}
    call = Call("scale_pixels", {"x": NumPy(x), "saliency": x})
    assert shapes_of(call) == {"x": (2, 6, 6)}
    call = Call("class_influence", {"xs": NumPy(xs)})
    assert shapes_of(call) == {"N": (3,)}


def test_a_length_that_is_not_given_is_the_homeworks_default():
    assert shapes_of(Call("top_neurons", {"attribution": [1.0]})) == {"k": (1,)}
    assert shapes_of(Call("random_classes", {"num_classes": 9})) == {"k": (5,)}


@pytest.mark.parametrize("layer", [-3, -2, 7, 99])
def test_a_layer_that_does_not_exist_allows_no_result(layer):
    call = Call("instance_influence", {"model": CNN, "layer": layer, "xs": ZS})
    assert shapes_of(call) == {"N": (3,)}
    returns = FUNCTIONS["instance_influence"].returns
    with pytest.raises(WrongKind, match="should raise an error: "):
        validate(returns, tensor(ZS), shapes_of(call))


# what is accepted


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int64", "uint8"])
@pytest.mark.parametrize("origin", ["tensor", "array", "list"])
def test_an_array_of_numbers_is_taken_as_it_is(dtype, origin):
    value = validate(FLOATS, tensor(np.ones((2, 3)), dtype, origin), SHAPES)
    assert value.dtype == dtype
    np.testing.assert_array_equal(value, np.ones((2, 3)))


def test_lists_of_numbers_or_of_arrays_are_arrays():
    rows = [[1.0, 2.0, 3.0], [4, 5, 6]]
    np.testing.assert_array_equal(validate(FLOATS, rows, SHAPES), rows)
    np.testing.assert_array_equal(validate(FLOATS, [tensor(row) for row in rows], SHAPES), rows)
    neurons = validate(INTEGERS, [3, tensor(1, "int64")], SHAPES)
    np.testing.assert_array_equal(neurons, [3, 1])


@pytest.mark.parametrize("value", [[], tensor([], "float32"), tensor([], "int64")])
def test_no_neurons_are_integers_whatever_the_dtype_of_nothing(value):
    neurons = validate(Array(("negative",), "int"), value, SHAPES)
    assert neurons.shape == (0,)
    assert neurons.dtype == np.int64


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, 1e300, -(2.0**64)])
def test_numbers_beyond_all_integers_are_none(value):
    assert "should hold integers" in wrong(INTEGERS, [value, 1.0])
    assert "should hold integers" in wrong(INTEGERS, tensor([value, 1], "float64", "list"))


@pytest.mark.parametrize("dtype", ["int8", "int32", "uint8", "int64"])
def test_integers_come_as_int64(dtype):
    assert validate(INTEGERS, tensor([1, 2], dtype), SHAPES).dtype == np.int64


@pytest.mark.parametrize(
    "value",
    [2, 2.0, tensor(2.0), tensor([2], "int64"), tensor([[2.0]]), [2.0], tensor(2, "float16")],
)
def test_a_number_may_come_in_any_form(value):
    assert validate(Number(), value, SHAPES) == 2.0
    assert type(validate(Number(), value, SHAPES)) is float


@pytest.mark.parametrize(
    "value",
    [
        [0.5, 1.0],
        tensor([0.5, 1.0]),
        tensor([0.5, 1.0], "float64", "array"),
        [tensor(0.5), tensor([1.0])],
        tensor([[0.5], [1.0]]),
    ],
)
def test_a_pair_may_come_as_a_tuple_a_list_or_an_array(value):
    assert validate(Tuple((Number(), Number())), value, SHAPES) == (0.5, 1.0)


def test_a_tuple_of_arrays_may_come_as_one():
    first, second = validate(Tuple((INTEGERS, INTEGERS)), tensor([[1, 2], [3, 4]], "int64"), SHAPES)
    np.testing.assert_array_equal(first, [1, 2])
    np.testing.assert_array_equal(second, [3, 4])


def test_a_module_stays_a_module_and_what_has_no_contract_stays_itself():
    module = Other("module", "Sequential")
    assert validate(Module(), module, SHAPES) is module
    assert validate(Tuple((Module(), Module())), [module] * 2, SHAPES) == (module, module)
    assert validate(None, {"d_loss": 1.0}, SHAPES) == {"d_loss": 1.0}


# the sentences


@pytest.mark.parametrize(
    ("returns", "value", "sentence"),
    [
        (FLOATS, tensor(np.zeros((3, 2))), "should have the shape (2, 3), but has (3, 2)"),
        (FLOATS, tensor(np.zeros((1, 2, 3))), "should have the shape (2, 3), but has (1, 2, 3)"),
        (FLOATS, 1.0, "should have the shape (2, 3), but has ()"),
        (FLOATS, [], "should have the shape (2, 3), but has (0,)"),
        (FLOATS, tensor(np.ones((2, 3)), "bool"), "should hold floats, but holds bool"),
        (INTEGERS, tensor([1.0, 2.0]), "should hold integers (int64), but holds float32"),
        (INTEGERS, [1.0, 2.5], "should hold integers (int64), but holds float64"),
        (INTEGERS, tensor([1, 0], "bool"), "should hold integers (int64), but holds bool"),
        (INTEGERS, tensor([1, 2, 3], "int64"), "should have the shape (2,), but has (3,)"),
        (FLOATS, None, "should be a tensor, but is None (is a return missing?)"),
        (FLOATS, "text", "should be a tensor, but is the str 'text'"),
        (FLOATS, {"a": 1}, "should be a tensor, but is a dict"),
        (FLOATS, [[1.0], [1.0, 2.0]], "should be a tensor, but is a list or tuple of 2"),
        (FLOATS, Other("module", "ReLU"), "should be a tensor, but is a module (ReLU)"),
        (FLOATS, Other("value", "set"), "should be a tensor, but is a value of type set"),
        (
            FLOATS,
            Other("words", "a tensor of complex64"),
            "should be a tensor, but is a tensor of complex64",
        ),
        (Number(), tensor([1.0, 2.0]), "should be one number, but is a tensor of shape (2,)"),
        (
            Number(),
            tensor([], "float32", "array"),
            "should be one number, but is an array of shape",
        ),
        (Number(), float("nan"), "should be a finite number, but is nan"),
        (Number(), tensor(-np.inf), "should be a finite number, but is -inf"),
        (Number(), None, "should be a tensor, but is None"),
        (
            Module(),
            tensor([1.0, 2.0], origin="list"),
            "should return a module (nn.Module), but returned a list of shape (2,)",
        ),
        (Module(), None, "should return a module (nn.Module), but returned None (is a return"),
        (
            Module(),
            Other("value", "function"),
            "should return a module (nn.Module), but returned a value of type function",
        ),
        (
            Tuple((Number(), Number())),
            [1.0],
            "should return a tuple of 2, but returned a list or tuple of 1",
        ),
        (
            Tuple((Number(), Number())),
            tensor([1.0, 2.0, 3.0]),
            "should return a tuple of 2, but returned a tensor of shape (3,)",
        ),
        (
            Tuple((Number(), Number())),
            3.5,
            "should return a tuple of 2, but returned the float 3.5",
        ),
        (
            Tuple((Number(), Number())),
            tensor(1.0),
            "should return a tuple of 2, but returned a tensor",
        ),
        (Tuple((Module(), Module())), [None, None], "should return a module (nn.Module), but"),
    ],
)
def test_what_came_instead_is_said_in_a_sentence(returns, value, sentence):
    assert wrong(returns, value).startswith(sentence)


@pytest.mark.parametrize("shape", [(0, 2**60), (2**40, 0), (0,), (2, 0, 2**50)])
@pytest.mark.parametrize(
    "returns", [FLOATS, INTEGERS, Number(), Tuple((Number(), Number())), Module()]
)
def test_an_empty_array_of_any_shape_is_refused_without_work(returns, shape):
    empty = Received(np.zeros(0, np.float32).reshape(shape), "tensor", "float32")
    assert wrong(returns, empty)
    assert wrong(returns, [empty, empty])


def test_empty_arrays_beyond_numpys_sizes_are_no_array():
    empty = Received(np.zeros(0, np.float32).reshape(0, 2**60), "tensor", "float32")
    with pytest.raises(WrongKind, match="a list or tuple of 8"):
        to_array([empty] * 8)


def test_a_huge_number_is_no_number():
    assert wrong(FLOATS, 10**400).startswith("should have the shape")
    with pytest.raises(WrongKind, match="one number"):
        number(10**400)


def test_words_are_short():
    assert len(words("x" * 9000)) <= 100
    assert len(words(10**400)) <= 100


def test_whole_numbers_of_another_dtype_are_accepted_in_lists_and_arrays():
    """Their dtype is not graded; a tensor's is."""
    assert validate(Array(("k",), "int"), [3.0, 1.0], {"k": (2,)}).tolist() == [3, 1]
