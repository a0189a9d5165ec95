"""Calls of the homework's functions in one bare process: no grader, no isolation, no feedback.

``harness.py`` times them; ``others.py`` gives them to other graders, each with the value that it
must have.
"""

from __future__ import annotations

import copy
import pickle
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from grader.homework import contract
from grader.homework.networks import Network, build
from grader.records import Call, NumPy

TOLERANCES = {np.dtype("float32"): 1e-4, np.dtype("float64"): 1e-9}
"""Relative L2, those of ``grader/checks/framework/expect.py``."""


class Plain:
    """Carries out calls: builds each network once, copies what it hands over, and seeds.

    Args:
        namespace: the names of a part's file, by the part's id.
    """

    def __init__(self, namespace: Callable[[str], Mapping[str, Any]]) -> None:
        self._namespace = namespace
        self._networks: dict[Network, torch.nn.Sequential] = {}
        self._values: dict[int, Any] = {}

    def forget(self) -> None:
        """Let go of all networks and values."""
        self._networks.clear()
        self.forget_values()

    def forget_values(self) -> None:
        """Let go of what calls have given; their numbers may be given again."""
        self._values.clear()

    def value(self, call: Call) -> Any:
        """What the function gives, or what it raises."""
        arguments = {name: self._made(value) for name, value in call.arguments.items()}
        torch.manual_seed(call.seed)
        np.random.seed(call.seed % 2**32)
        random.seed(call.seed)
        if call.function == "()":
            return arguments["module"].eval()(arguments["inputs"])
        if call.function == "[]":
            return arguments["of"][arguments["index"]]
        function = contract.function(call.function)
        return self._namespace(function.part)[function.name](**arguments)

    def _made(self, value: Any) -> Any:
        if isinstance(value, Network):
            if value not in self._networks:
                self._networks[value] = build(value)
            model = copy.deepcopy(self._networks[value])
            return model.forward if value.function else model
        if isinstance(value, NumPy):
            return value.array.copy()
        if isinstance(value, np.ndarray):
            return torch.from_numpy(value.copy())
        if isinstance(value, Call):  # a module that several calls share
            if id(value) not in self._values:
                self._values[id(value)] = self.value(value)
            return self._values[id(value)]
        if isinstance(value, list | tuple):
            return [self._made(one) for one in value]
        return value


def outcome(plain: Plain, call: Call) -> Any:
    """The value of a call as arrays and numbers, or the name of what it raises."""
    try:
        return _as_arrays(plain.value(call))
    except Exception as error:  # some calls have to be refused
        return f"raises {type(error).__name__}"


def _as_arrays(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.detach().numpy()
    if isinstance(value, list | tuple):
        return [_as_arrays(one) for one in value]
    return None if callable(value) else value


def assert_all(kept: Path, plain: Plain) -> None:
    """Compare the values of all calls in a file with those that they must have."""
    calls = pickle.loads(kept.read_bytes())
    plain.forget_values()
    for call, expected in calls:
        assert_same(outcome(plain, call), expected, call.function)


def assert_same(actual: Any, expected: Any, what: str) -> None:
    """Assert that a value is the expected one, arrays of floating point within a tolerance."""
    if isinstance(expected, list):
        assert len(actual) == len(expected), f"{what}: {len(actual)} values"
        for one, other in zip(actual, expected, strict=True):
            assert_same(one, other, what)
    elif isinstance(expected, np.ndarray) and expected.dtype in TOLERANCES:
        assert actual.shape == expected.shape, f"{what}: the shape is {actual.shape}"
        assert actual.dtype == expected.dtype, f"{what}: the dtype is {actual.dtype}"
        limit = TOLERANCES[expected.dtype] * float(np.linalg.norm(expected))
        difference = float(np.linalg.norm(actual - expected))
        assert difference <= limit or not np.isfinite(expected).all(), f"{what}: {difference}"
    else:
        assert np.array_equal(actual, expected), f"{what}: {actual}, not {expected}"
