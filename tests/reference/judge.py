"""What judges a submission without checks and reference: networks, calls, what must stay.

The rules of the homework's page are in ``judge_rules.py``.
"""

from __future__ import annotations

import copy
import hashlib
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import nn

__all__ = [
    "SLICES",
    "Judge",
    "as_array",
    "cnn",
    "dressed",
    "instances",
    "loaded",
    "mlp",
    "plain_twin",
]

FILES = ("part1_focused", "part2_comparative", "part3_compression")
NEAR = 1e-5
Namespace = Mapping[str, Any]


@contextmanager
def loaded(files: Mapping[str, bytes]) -> Iterator[dict[str, Any]]:
    """The functions of a submission by name; its modules are importable meanwhile."""
    own = [name.removesuffix(".py") for name in files if name.endswith(".py") and name != "gan.py"]
    before = {name: sys.modules.pop(name, None) for name in own}

    try:
        found: dict[str, Any] = {}
        for name in sorted(own, key=lambda n: (n in FILES, n)):
            module = ModuleType(name)
            module.__file__ = f"{name}.py"
            sys.modules[name] = module
            exec(compile(files[f"{name}.py"], f"{name}.py", "exec"), vars(module))
            found.update(vars(module) if name in FILES else {})
        yield found
    finally:
        for name, module in before.items():
            sys.modules.pop(name, None)
            if module is not None:
                sys.modules[name] = module


# Networks: each with its twin, in eval mode and without a softmax, for the slow one.


def _filled(model: nn.Sequential, seed: int) -> nn.Sequential:
    generator = torch.Generator().manual_seed(seed)
    for tensor in [*model.parameters(), *model.buffers()]:
        if tensor.dtype.is_floating_point:
            tensor.data = torch.randn(tensor.shape, generator=generator).to(tensor.dtype) * 0.7
    for m in model.modules():
        if isinstance(m, nn.BatchNorm1d):
            m.running_var.data = m.running_var.abs() + 0.5
    return model


def mlp() -> nn.Sequential:
    layers = nn.Linear(5, 6), nn.Tanh(), nn.Linear(6, 7), nn.Softplus(), nn.Linear(7, 4)
    return _filled(nn.Sequential(*layers).double(), 1)


def dressed() -> nn.Sequential:
    layers = nn.Linear(5, 6), nn.BatchNorm1d(6), nn.ReLU(inplace=True), nn.Dropout(0.5)
    return _filled(nn.Sequential(*layers, nn.Linear(6, 4), nn.Softmax(dim=1)).double(), 2)


def cnn() -> nn.Sequential:
    layers = nn.Conv2d(2, 3, 3, padding=1), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten()
    return _filled(nn.Sequential(*layers, nn.Linear(12, 4)).double(), 3)


def overwriting() -> nn.Sequential:
    """A network whose first layer works in place."""
    layers = nn.ReLU(inplace=True), nn.Linear(5, 6), nn.ReLU(inplace=True), nn.Linear(6, 4)
    return _filled(nn.Sequential(*layers).double(), 4)


def plain_twin(model: nn.Sequential) -> nn.Sequential:
    layers = list(copy.deepcopy(model).eval())
    if isinstance(layers[-1], nn.Softmax | nn.LogSoftmax):
        layers.pop()
    return nn.Sequential(*layers)


def instances(model: nn.Sequential, number: int, seed: int = 7) -> torch.Tensor:
    shape = (2, 4, 4) if isinstance(model[0], nn.Conv2d) else (5,)
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(number, *shape, generator=generator).double()


SLICES: tuple[tuple[Callable[[], nn.Sequential], int], ...] = (
    (mlp, 1),
    (mlp, -1),
    (dressed, 1),
    (dressed, 2),
    (cnn, 1),
    (overwriting, -1),
    (overwriting, 1),
)


# What a call may not change, and how it is called.


def _state(model: Any) -> list[Any]:
    """Everything that is to stay as found."""
    if not isinstance(model, nn.Module):
        return []
    found: list[Any] = []
    for name, m in model.named_modules():
        plain = {
            k: v
            for k, v in vars(m).items()
            if isinstance(v, bool | int | float | str | tuple) and k != "_is_full_backward_hook"
        }
        added = sorted(k for k in vars(m) if k != "_is_full_backward_hook")
        hooks = [
            len(v) for k, v in vars(m).items() if k.endswith("hooks") and hasattr(v, "__len__")
        ]
        found.append((name, type(m).__name__, plain, added, hooks))
    tensors = [*model.named_parameters(), *model.named_buffers()]
    found += [(n, t.detach().clone().flatten().tolist(), t.grad is None) for n, t in tensors]
    return found


class Judge:
    """Calls one function, and notes which rules it breaks.

    Args:
        namespace: the functions of the submission.
        function: that is judged.
    """

    def __init__(self, namespace: Namespace, function: str) -> None:
        self._namespace, self.function = namespace, function
        self.broken: dict[str, None] = {}
        self.digest = hashlib.sha256()

    def note(self, holds: bool, rule: str) -> None:
        """Note a rule that does not hold."""
        if not holds:
            self.broken.setdefault(rule)

    def call(self, *arguments: Any) -> Any:
        """The value, or ``None`` where it raises; what was handed over must stay as it is."""
        given = [a.clone() if isinstance(a, torch.Tensor) else a for a in arguments]
        before = [_state(a) for a in arguments], [copy.deepcopy(a) for a in given if _data(a)]
        value = None
        try:
            value = self._namespace[self.function](*given)
        except Exception as error:
            self.note(False, f"it raises {type(error).__name__}")
        self.note([_state(a) for a in arguments] == before[0], "the model is left as found")
        after = [a for a in given if _data(a)]
        same = all(_same(a, b) for a, b in zip(after, before[1], strict=True))
        self.note(same, "arguments are left as found")
        return value

    def refuses(self, *arguments: Any) -> None:
        """Bad arguments raise ValueError or IndexError, and leave the model as found."""
        before = [_state(a) for a in arguments]
        try:
            value = self._namespace[self.function](*arguments)
        except (ValueError, IndexError):
            value = None
        except Exception:
            self.note(False, "bad arguments are refused")
            return
        else:
            self.note(isinstance(value, nn.Module), "bad arguments are refused")
        self.note([_state(a) for a in arguments] == before, "the model is left as found")
        if isinstance(value, nn.Module):  # an index may be refused when the module is called
            try:
                value.eval()(instances(arguments[0], 2))
                self.note(False, "bad arguments are refused")
            except (ValueError, IndexError):
                pass
            except Exception:
                self.note(False, "bad arguments are refused")

    def near(self, given: Any, *right: Any, rule: str = "the value is right") -> None:
        """The value is one of those that are right."""
        array = as_array(given)
        shown = repr(type(given)) if array is None else np.array2string(array, precision=6)
        self.digest.update(shown.encode())
        self.note(any(_close(array, as_array(one)) for one in right), rule)


def _data(value: Any) -> bool:
    return isinstance(value, torch.Tensor | np.ndarray | list)


def _same(one: Any, two: Any) -> bool:
    return bool(np.array_equal(np.asarray(one), np.asarray(two)))


def as_array(value: Any) -> np.ndarray | None:
    try:
        if isinstance(value, torch.Tensor):
            value = value.detach().numpy()
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        return None


def _close(one: np.ndarray | None, two: np.ndarray | None) -> bool:
    if one is None or two is None or one.shape != two.shape or not np.isfinite(one).all():
        return False
    return float(np.linalg.norm(one - two)) <= NEAR * max(float(np.linalg.norm(two)), 1e-9)
