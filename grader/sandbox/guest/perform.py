"""Carrying out a call: the same in the guest, in the in-process session and in the live oracle.

A call names a function of the contract, or one of these:

- ``()``: put a returned module in eval mode and call it on ``inputs``;
- ``[]``: one element of a tuple that a function returned;
- ``drive:<name>``: run one of our drivers on the student's ``gan.py``; ``drive:<part>/<name>``
  runs one on the file of another part.

An argument that is itself a call stands for its value.  Such values are kept, by the call's
content, as long as they are recent; whoever lost them (a restarted guest) makes them again.
"""

from __future__ import annotations

import copy
import random
from collections import OrderedDict
from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache, partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from grader.calls.digest import key, maker
from grader.homework import contract
from grader.homework.building import build
from grader.homework.networks import Network
from grader.records import Call, NumPy, Other, Received
from grader.sandbox import again, warmup
from grader.sandbox.gan.drivers import DRIVERS
from grader.sandbox.guest import pass_counter
from grader.sandbox.guest.watch import watch
from grader.sandbox.protocol.wire import MAX_REPLY

__all__ = ["Performer", "to_sendable"]

_KEPT = 16
_DEPTH = 8
"""How deep the lists and dicts of a result may nest."""


class Performer:
    """Carries out calls on given namespaces.

    Args:
        namespace_of: the names that a part's file defines, by part id; it may raise what loading
            the file raises.
        watching: whether to notice what a call leaves changed.  Functions of ours change nothing,
            and to look costs about as much as such a call.
        copying: whether each call gets networks of its own.  A function of ours leaves them as they
            were; a module that it returns may hold layers of theirs.
    """

    def __init__(
        self,
        namespace_of: Callable[[str], Mapping[str, Any]],
        *,
        watching: bool = True,
        copying: bool = True,
    ) -> None:
        self._namespace_of = namespace_of
        self._watching = watching
        self._copying = copying
        self._kept: OrderedDict[str, Any] = OrderedDict()
        self.changed: tuple[str, ...] = ()
        """What the last call that raised left changed."""

    def perform(self, call: Call) -> tuple[Any, tuple[str, ...]]:
        """The call's value, and what it left changed (see :func:`watch`).

        What a call that raises left changed is in ``changed``.

        Raises:
            LookupError: the function is not there.
            BaseException: whatever the student's code raises.
        """
        _seed(call.seed)
        arguments = {k: self._resolve(v) for k, v in call.arguments.items()}
        if any(isinstance(v, Network) and v.grads for v in call.arguments.values()):
            _with_gradients(arguments)
        _seed(call.seed)  # again: making the arguments may have drawn numbers, or found them kept
        pass_counter.start()
        if call.function.startswith("drive:"):
            driver = {**DRIVERS, **again.DRIVERS, **warmup.DRIVERS}[call.function.partition(":")[2]]
            return driver(self._namespace_of(call.driven), **arguments), ()
        if call.function == "()":
            module = arguments["module"]
            if not isinstance(module, nn.Module):
                raise TypeError(
                    f"{maker(call)} should return a module (nn.Module), but returned "
                    f"a value of type {type(module).__name__}"
                )
            module.eval()
            return module(arguments["inputs"]), ()
        if call.function == "[]":
            return arguments["of"][arguments["index"]], ()
        function = contract.function(call.function)
        student_function = self._namespace_of(function.part).get(function.name)
        if not callable(student_function):
            raise LookupError(function.name)
        changed = self._watch(call, arguments)
        try:
            value = student_function(*_positional(function, arguments))
        except BaseException:
            self.changed = changed()
            raise
        return value, changed()

    def _watch(self, call: Call, arguments: Mapping[str, Any]) -> Callable[[], tuple[str, ...]]:
        if not self._watching:
            return tuple
        networks = {k: v for k, v in call.arguments.items() if isinstance(v, Network)}
        whole = {k: v for k, v in networks.items() if not v.function and not v.held}
        return watch(arguments, {k: _prototype(v) for k, v in whole.items()})

    def _resolve(self, value: Any) -> Any:
        if isinstance(value, Network):
            model = _prototype(value)
            if self._copying:
                model = _copy(model, {})
            if value.held:
                return torch.optim.swa_utils.AveragedModel(model)  # a copy, which it calls
            return partial(model.forward) if value.function else model
        if isinstance(value, NumPy):
            return value.array.copy()
        if isinstance(value, np.ndarray):
            return torch.from_numpy(value.copy())
        if isinstance(value, Call):
            name = key(value)
            if name not in self._kept:
                self._kept[name] = self.perform(value)[0]
                while len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(name)
            return self._kept[name]
        if isinstance(value, (list, tuple)):
            return [self._resolve(v) for v in value]
        if isinstance(value, Mapping):
            return {k: self._resolve(v) for k, v in value.items()}
        return value


@lru_cache(maxsize=1024)
def _prototype(network: Network) -> nn.Sequential:
    """A network that is handed to nobody; calls get copies of it."""
    model = pass_counter.number_layers(build(network))
    for number, parameter in enumerate(model.parameters() if network.grads else ()):
        parameter.grad = torch.ones_like(parameter)
        parameter.requires_grad_(number % 2 == 0)
    return model


def _copy(module: Any, made: dict[nn.Module, nn.Module]) -> Any:
    """A deep copy of a network of ours, in a tenth of the time that ``copy.deepcopy`` takes.

    Args:
        module: its attributes are parameters, buffers, modules, and what is empty or immutable;
            whatever else there is is copied as ``copy.deepcopy`` copies it.  No two of its layers
            share a parameter.
        made: the copies so far.
    """
    if module in made:
        return made[module]
    made[module] = new = module.__class__.__new__(module.__class__)
    for name, value in module.__dict__.items():
        if name == "_modules":
            value = {child: _copy(of, made) for child, of in value.items()}
        elif name == "_parameters":
            value = {n: of if of is None else _parameter(of) for n, of in value.items()}
        elif name == "_buffers":
            value = {n: of if of is None else of.clone() for n, of in value.items()}
        elif isinstance(value, dict | set):
            value = copy.deepcopy(value) if value else type(value)()
        elif not (isinstance(value, _IMMUTABLE) or _of_numbers(value)):
            value = copy.deepcopy(value)
        new.__dict__[name] = value
    return new


_IMMUTABLE = (bool, int, float, str, type(None), torch.dtype)


def _of_numbers(value: Any) -> bool:
    return type(value) is tuple and all(type(item) is int for item in value)


def _parameter(parameter: nn.Parameter) -> nn.Parameter:
    made = nn.Parameter(parameter.detach().clone(), parameter.requires_grad)
    if parameter.grad is not None:
        made.grad = parameter.grad.clone()
    return made


def _with_gradients(arguments: Mapping[str, Any]) -> None:
    """Give a ``.grad`` to the tensors among them, as to the parameters of the network beside."""
    for value in arguments.values():
        if isinstance(value, Tensor) and value.is_floating_point():
            value.grad = torch.ones_like(value)


def _seed(seed: int) -> None:
    # A call must not depend on what an earlier one left behind.
    torch.set_grad_enabled(True)
    torch.set_default_dtype(torch.float32)
    torch.set_num_threads(1)
    if torch.get_default_device().type != "cpu":
        torch.set_default_device(None)
    # The CPU's alone: torch.manual_seed also queues a call, with its stack, for every GPU backend.
    torch.default_generator.manual_seed(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)


def _positional(function: contract.Function, arguments: Mapping[str, Any]) -> list[Any]:
    # By position, in the homework's order: a parameter that a student renamed still gets its value.
    values = []
    given = [i for i, (name, _) in enumerate(function.parameters) if name in arguments]
    for name, default in function.parameters[: max(given, default=-1) + 1]:
        values.append(arguments.get(name, default))
    return values


class _TooDeepError(Exception):
    pass


def to_sendable(value: Any, most: int = MAX_REPLY) -> Any:
    """A student's value as the wire can carry it: arrays as ``Received``, the rest in words.

    An array of more bytes than ``most`` is left out.
    """
    try:
        return _sendable(value, 0, most)
    except _TooDeepError:
        return Other("words", "lists nested too deep")


def _sendable(value: Any, depth: int, most: int) -> Any:
    if depth > _DEPTH:
        raise _TooDeepError
    if isinstance(value, nn.Module):
        return Other("module", type(value).__name__)
    if isinstance(value, Tensor):
        return _tensor(value, most)
    if isinstance(value, (np.ndarray, np.generic)):
        return _array(np.asarray(value), "array", most)
    if value is None or type(value) in (bool, float, str):
        return value if not isinstance(value, str) else value[:2000]
    if type(value) is int:
        whole = -(2**63) <= value < 2**63
        return value if whole else Other("words", "an integer of more than 64 bits")
    if isinstance(value, Mapping):
        items = list(value.items())[:200]
        return {str(k)[:100]: _sendable(v, depth + 1, most) for k, v in items}
    if isinstance(value, (list, tuple)):
        return _sequence(value, depth, most)
    if isinstance(value, int):
        return _sendable(int(value), depth, most)
    if isinstance(value, float):
        return float(value)
    if type(value) in (Fraction, Decimal):
        try:
            return float(value)
        except (OverflowError, ValueError):  # a fraction beyond all floats, a signalling NaN
            return Other("words", "a number that is no float")
    return Other("value", type(value).__name__)


def _tensor(value: Tensor, most: int) -> Any:
    name = str(value.dtype).removeprefix("torch.")
    if value.numel() * value.element_size() > most:
        return Other("words", f"a tensor too large to be sent, of shape {tuple(value.shape)}")
    try:
        value = value.detach().to_dense().cpu()
        if value.dtype is torch.bfloat16:
            value = value.float()
        array = value.resolve_conj().resolve_neg().numpy()
    except Exception:  # a dtype that NumPy does not have, a meta tensor, a nested one
        return Other("words", f"a tensor of {name} that cannot be sent")
    return _array(np.asarray(array), "tensor", most, name)


def _array(value: np.ndarray, origin: str, most: int, name: str = "") -> Any:
    name = name or value.dtype.name
    long_double = value.dtype.kind == "f" and value.dtype.itemsize > 8
    if long_double and value.nbytes <= 2 * most:
        value, name = value.astype(np.float64), "float64"
    if value.dtype.kind not in "fiub" or value.dtype.itemsize > 8:
        article = "an" if origin == "array" else "a"
        return Other("words", f"{article} {origin} of {name}")
    if value.nbytes > most:
        return Other("words", f"an array too large to be sent, of shape {value.shape}")
    if value.dtype.kind == "u" and value.dtype.itemsize > 1:
        value = value.astype(np.int64)
    return Received(value, origin, name)


def _sequence(value: list[Any] | tuple[Any, ...], depth: int, most: int) -> Any:
    if len(value) > 3 and _plain(value, depth):
        try:
            return _array(np.asarray(value), "list", most)
        except (ValueError, OverflowError):
            return Other("words", "a list of lists of different lengths")
    return [_sendable(v, depth + 1, most) for v in value[:1000]]


def _plain(value: Any, depth: int) -> bool:
    if isinstance(value, (list, tuple)):
        return depth <= _DEPTH and all(_plain(v, depth + 1) for v in value)
    return isinstance(value, (bool, int, float, np.generic))
