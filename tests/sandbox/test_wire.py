"""Frames: what goes in comes out, and whatever else comes in is Garbage."""

import io
import json
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from grader.homework.families import FAMILIES
from grader.homework.networks import Network
from grader.records import Call, NumPy, Other, Received
from grader.sandbox.protocol import wire
from grader.sandbox.protocol.wire import (
    MAX_DEPTH,
    MAX_HEADER,
    MAX_PAYLOAD,
    MAX_REPLY,
    Garbage,
    decode,
    encode,
    most_of,
    read_frame,
    write_frame,
)

quick = settings(derandomize=True, deadline=None, database=None, max_examples=60)

DTYPES = ("float32", "float64", "float16", "int64", "int32", "int16", "int8", "uint8", "bool")

arrays = st.sampled_from(DTYPES).flatmap(
    lambda name: hnp.arrays(name, hnp.array_shapes(min_dims=0, min_side=0, max_side=4))
)
words = st.text(st.characters(exclude_categories=()), max_size=8)
scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | words
networks = st.builds(
    Network,
    st.sampled_from(sorted(FAMILIES)),
    seed=st.integers(0, 9),
    dtype=st.sampled_from(("float32", "float64")),
    training=st.booleans(),
    mix=st.lists(st.tuples(st.floats(-2, 2), st.integers(0, 9)), max_size=3).map(tuple),
)
leaves = (
    scalars
    | arrays
    | arrays.map(NumPy)
    | networks
    | st.builds(Received, arrays, st.sampled_from(("tensor", "array", "list")), words)
    | st.builds(Other, st.sampled_from(("module", "value", "words")), words)
)
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(words, inner, max_size=3)
        | st.builds(Call, words, st.dictionaries(words, inner, max_size=3), st.integers(0, 99))
    ),
    max_leaves=8,
)


def same(a, b):
    """Equal to the bit, in type, dtype and shape."""
    if isinstance(a, np.ndarray):
        return (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, (Call, NumPy, Received)):
        return type(a) is type(b) and same(vars(a), vars(b))
    return type(a) is type(b) and (a == b or (a != a and b != b))


def frame(message, payload=b""):
    """A frame of JSON that ``encode`` would not write."""
    return json.dumps(message).encode(), payload


def message_of(header, payload):
    """What ``decode`` makes of it: a message or Garbage, and no other exception."""
    try:
        return decode(header, payload)
    except Garbage as error:
        return error


def tensors(header, data=b""):
    """A safetensors payload with a header of one's own."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def dtype_and_shape(dtype="F32", shape=(2,), end=8):
    return {"0": {"dtype": dtype, "shape": list(shape), "data_offsets": [0, end]}}


NAMED = {"$dict": [["value", {"$array": "0"}]]}


@quick
@given(st.dictionaries(words, values, max_size=4))
def test_what_is_encoded_is_decoded_to_the_bit(message):
    stream = io.BytesIO()
    write_frame(stream, *encode(message))
    stream.seek(0)
    assert same(message, decode(*read_frame(stream)))
    assert read_frame(stream) is None


@quick
@given(st.binary(max_size=200), st.binary(max_size=200))
def test_arbitrary_bytes_are_a_message_or_garbage(header, payload):
    assert isinstance(message_of(header, payload), (dict, Garbage))


OTHER_KEYS = ("origin", "dtype", "arguments", "seed", "name", "x")
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(("0", "tensor", "")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["$array", "$numpy", "$network", "$call", "$other", "$dict", *OTHER_KEYS]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@quick
@given(json_values)
def test_json_of_the_wrong_structure_is_a_message_or_garbage(value):
    payload = encode({"a": np.zeros(2)})[1]
    got = message_of(*frame({"$dict": [["a", value]]}, payload))
    assert isinstance(got, (dict, Garbage))


@quick
@given(st.data())
def test_a_payload_with_changed_bytes_is_a_message_or_garbage(data):
    header, payload = encode({"a": np.arange(6.0), "b": np.array([True, False])})
    broken = bytearray(payload)
    for _ in range(data.draw(st.integers(1, 4))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    assert isinstance(message_of(header, bytes(broken)), (dict, Garbage))


STREAM = io.BytesIO()
write_frame(STREAM, *encode({"a": np.arange(300.0), "b": "text"}))


@quick
@given(st.integers(1, len(STREAM.getvalue()) - 1))
def test_a_frame_that_ends_early_is_garbage(cut):
    with pytest.raises(Garbage, match="truncated"):
        read_frame(io.BytesIO(STREAM.getvalue()[:cut]))


def test_a_stream_that_ends_between_frames_is_over():
    assert read_frame(io.BytesIO()) is None


@pytest.mark.parametrize(
    ("lengths", "most"),
    [
        ((MAX_HEADER + 1, 0), MAX_PAYLOAD),
        ((0, MAX_PAYLOAD + 1), MAX_PAYLOAD),
        ((0, MAX_REPLY + 1), MAX_REPLY),
        ((2**32 - 1, 2**32 - 1), MAX_PAYLOAD),
    ],
)
def test_lengths_are_refused_before_anything_is_read(lengths, most):
    class Stream(io.BytesIO):
        def read(self, size=-1):
            assert size <= 8
            return super().read(size)

    with pytest.raises(Garbage, match="oversized"):
        read_frame(Stream(struct.pack(">II", *lengths)), most)


@pytest.mark.parametrize(
    ("header", "payload"),
    [
        (b"", b""),
        (b"{", b""),
        (b"[]", b""),
        (b'"text"', b""),
        (b"null", b""),
        (b"\xff\xfe", b""),
        (b"[" * 60_000, b""),
        (b'{"a":' * 10_000, b""),
        (b"9" * 60_000, b""),
        frame({"a": 1}),
        frame({"$dict": 3}),
        frame({"$dict": [[1, 2, 3]]}),
        frame({"$dict": [["a", {"$array": "0"}]]}),
        frame({"$dict": [["a", {"$array": ["0"]}]]}),
        frame({"$dict": [["a", {"$array": "0", "origin": "moon", "dtype": "float32"}]]}),
        frame({"$dict": [["a", {"$array": "0", "extra": 1}]]}),
        frame({"$dict": [["a", {"$network": {"family": "affine"}}]]}),
        frame({"$dict": [["a", {"$network": {"family": "affine", "mix": [], "evil": 1}}]]}),
        frame({"$dict": [["a", {"$call": "f", "arguments": [], "seed": 0}]]}),
        frame({"$dict": [["a", {"$call": "f", "arguments": {}, "seed": "x"}]]}),
        frame({"$dict": [["a", {"$other": "nonsense", "name": "x"}]]}),
    ],
)
def test_a_header_that_is_no_message_is_garbage(header, payload):
    with pytest.raises(Garbage):
        decode(header, payload)


@pytest.mark.parametrize(
    "payload",
    [
        b"short",
        b"\xff" * 8 + b"{}",
        tensors(b"not json"),
        tensors(b" " * (MAX_HEADER + 1)),
        tensors({"0": {}}),
        tensors(dtype_and_shape(), b"\0" * 7),
        tensors(dtype_and_shape(), b"\0" * 9),
        tensors(dtype_and_shape(end=2**60), b"\0" * 8),
        tensors(dtype_and_shape(shape=(2**62, 4)), b"\0" * 8),
        tensors(dtype_and_shape(shape=(-2,)), b"\0" * 8),
        tensors(dtype_and_shape(shape=(1,) * 65, end=4), b"\0" * 4),
        tensors(dtype_and_shape("BF16", (4,)), b"\0" * 8),
        tensors(dtype_and_shape("U16", (4,)), b"\0" * 8),
        tensors(dtype_and_shape("F8_E4M3", (8,)), b"\0" * 8),
        tensors(dtype_and_shape("O", (1,)), b"\0" * 8),
    ],
    ids=lambda payload: repr(payload[:40]),
)
def test_a_payload_that_lies_or_is_of_another_dtype_is_garbage(payload):
    with pytest.raises(Garbage):
        decode(*frame(NAMED, payload))


KEYS = json.dumps(dict.fromkeys(map(str, range(200_000)))).encode()


@pytest.mark.parametrize("where", ["header", "payload"])
def test_a_header_of_many_keys_is_refused_before_it_is_parsed(where, monkeypatch):
    def parsed(*_):
        raise AssertionError("it was parsed")

    monkeypatch.setattr(wire.json, "loads", parsed)
    monkeypatch.setattr(wire, "load", parsed)
    stream = io.BytesIO()
    write_frame(stream, *((KEYS, b"") if where == "header" else (b"{}", tensors(KEYS))))
    stream.seek(0)
    with pytest.raises(Garbage, match=r"oversized|sound header"):
        decode(*read_frame(stream))


@pytest.mark.parametrize("digits", [4000, 10_000, 60_000])
def test_a_huge_integer_is_an_integer_or_garbage(digits):
    got = message_of(b'{"$dict":[["a",1%s]]}' % (b"0" * digits), b"")
    assert isinstance(got, (dict, Garbage))
    call = b'{"$dict":[["a",{"$call":"f","arguments":{},"seed":1%s}]]}' % (b"0" * digits)
    assert isinstance(message_of(call, b""), (dict, Garbage))


@pytest.mark.parametrize("number", [b"1e999", b"-1e999", b"NaN", b"Infinity"])
def test_numbers_beyond_all_floats_stay_numbers_and_are_no_seed(number):
    value = decode(b'{"$dict":[["a",%s]]}' % number, b"")["a"]
    assert type(value) is float
    assert not np.isfinite(value)
    with pytest.raises(Garbage):
        decode(b'{"$dict":[["a",{"$call":"f","arguments":{},"seed":%s}]]}' % number, b"")


def test_of_a_key_given_twice_the_last_counts_and_no_array_is_lost():
    assert decode(b'{"$dict":[["a",1],["a",2]]}', b"") == {"a": 2}
    assert decode(b'{"$dict":3,"$dict":[]}', b"") == {}
    payload = encode({"a": np.zeros(1), "b": np.ones(1)})[1]
    with pytest.raises(Garbage, match="no value names"):
        decode(b'{"$dict":[["a",{"$array":"0","$array":"1"}]]}', payload)
    twice = json.dumps(dtype_and_shape())[:-1] + "," + json.dumps(dtype_and_shape())[1:]
    got = message_of(*frame(NAMED, tensors(twice.encode(), bytes(8))))
    assert isinstance(got, (dict, Garbage))


def test_an_array_is_named_exactly_once():
    header, payload = encode({"a": np.zeros(2)})
    with pytest.raises(Garbage, match="no value names"):
        decode(frame({"$dict": []})[0], payload)
    twice = {"$dict": [["a", [{"$array": "0"}, {"$array": "0"}]]]}
    with pytest.raises(Garbage):
        decode(frame(twice)[0], payload)
    assert decode(header, payload)["a"].shape == (2,)


def test_a_boolean_is_true_or_false_whatever_its_byte():
    payload = tensors(dtype_and_shape("BOOL", (3,), 3), b"\0\1\2")
    value = decode(*frame(NAMED, payload))["value"]
    assert value.dtype == bool
    np.testing.assert_array_equal(value.view(np.uint8), [0, 1, 1])


def test_an_empty_array_may_claim_any_shape():
    payload = tensors(dtype_and_shape(shape=(0, 2**60), end=0))
    assert decode(*frame(NAMED, payload))["value"].shape == (0, 2**60)


def test_what_is_nested_too_deep_is_garbage_on_either_side():
    deep = value = []
    for _ in range(MAX_DEPTH):
        value.append([])
        value = value[0]
    with pytest.raises(Garbage, match="deep"):
        encode({"a": deep})
    with pytest.raises(Garbage, match="deep"):
        decode(*frame({"$dict": [["a", deep]]}))
    assert decode(*encode({"a": deep[0]})) == {"a": deep[0]}


def test_what_is_too_large_is_garbage_before_it_takes_memory():
    with pytest.raises(Garbage, match="bytes"):
        encode({"a": "x" * MAX_HEADER})
    with pytest.raises(Garbage, match="bytes"):
        encode(
            {"a": np.broadcast_to(np.float32(1), (2**20, 2**20))}
        )  # 4 TiB if it were written out
    half = np.broadcast_to(np.uint8(1), MAX_PAYLOAD // 2 + 1)
    with pytest.raises(Garbage, match="bytes"):
        encode({"a": half, "b": half})
    with pytest.raises(Garbage):
        encode({"a": [np.zeros(0)] * 2000})  # the arrays' own header would be over the cap


@pytest.mark.parametrize(
    "value",
    [object(), {1, 2}, 1j, b"bytes", np.zeros(2, "u2"), np.zeros(1, "M8[s]"), np.zeros(1, object)],
)
def test_nothing_else_can_be_sent(value):
    with pytest.raises(TypeError, match="cannot be sent"):
        encode({"a": value})


def test_byte_order_and_strides_do_not_matter():
    array = np.arange(12, dtype=">f4").reshape(3, 4)[::-1, ::2]
    back = decode(*encode({"a": array}))["a"]
    assert back.dtype == np.dtype("<f4")
    np.testing.assert_array_equal(back, array)


def test_a_lone_surrogate_and_control_characters_survive():
    text = "\ud800 \x1b[31m \0 █"
    assert decode(*encode({text: text})) == {text: text}


def test_text_outside_ascii_takes_no_more_than_its_utf_8():
    assert len(encode({"a": "█" * 10_000})[0]) < 30_100


def test_only_the_reply_to_a_driver_may_be_as_large_as_a_state():
    state = {"value": np.zeros(MAX_REPLY + 8, np.uint8)}
    driven = {"op": "call", "call": Call("drive:whole", {})}
    frame = encode(state, most_of(driven))
    assert decode(*frame, most_of(driven))["value"].nbytes == MAX_REPLY + 8
    other = {"op": "call", "call": Call("train", {})}
    with pytest.raises(Garbage, match="more arrays"):
        decode(*frame, most_of(other))
    with pytest.raises(Garbage):
        encode(state, most_of(other))
