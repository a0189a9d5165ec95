"""What a call left changed: its arguments are compared before and after, by value.

A module is compared in every attribute of every module in it: parameters, buffers, hooks, modes,
numbers such as ``p`` or
``momentum``, and whatever was added or taken away.  Three things are left
out, each for a reason:

- ``requires_grad`` of a parameter or an argument: the homework leaves it open;
- ``_is_full_backward_hook``: torch sets it when a backward hook is registered, and leaves it set
  when the hook is removed;
- the number by which :mod:`grader.sandbox.guest.pass_counter` knows a layer, which is ours.

Most calls change nothing.  So an argument that is a copy of something is first
compared with that, without copying anything; only what differs is described.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

__all__ = ["watch"]

_BOOKKEEPING = {"_is_full_backward_hook", "_hw3_layer"}
_NAMED = {
    "training": "the train/eval mode",
    "_buffers": "the buffers",
}
_HOLDERS = (dict, OrderedDict, set)
_HOOKS = ("_hooks", "_hooks_with_kwargs", "_hooks_always_called")
_MOST = 3
"""Modules that a sentence names; of more it says how many there are."""


def watch(
    arguments: Mapping[str, Any], copied: Mapping[str, Any] | None = None
) -> Callable[[], tuple[str, ...]]:
    """Remember how arguments look.

    Args:
        arguments: of a call, by name.
        copied: of arguments that are copies, what they were copied from, which nobody changes.

    Returns:
        A function that says what has changed since, in words such as ``the train/eval mode of
        model[1]``.
    """
    copied = copied or {}
    hooks = _hooks_of_all()
    before = _looks({name: of for name, of in arguments.items() if name not in copied})

    def changed() -> tuple[str, ...]:
        same = [name for name, of in copied.items() if _as_copied(of, arguments[name])]
        then = {name: of for name, of in copied.items() if name not in same}
        looked = {**_looks(then), **before} if then else before
        now = _looks({name: of for name, of in arguments.items() if name not in same})
        global_ones = [] if _hooks_of_all() == hooks else ["torch's hooks of all modules"]
        return (*_words(looked, now), *global_ones)

    return changed


def _hooks_of_all() -> list[list[int]]:
    """The numbers of the hooks that torch calls for every module there is."""
    return [list(hooks) for hooks in _OF_ALL]


_OF_ALL = [
    hooks
    for name, hooks in vars(nn.modules.module).items()
    if name.startswith("_global_") and name.endswith("_hooks")
]


def _as_copied(original: Any, copy: Any) -> bool:
    """Whether a copy is what its original is, in everything that is watched; only ever too strict.

    Objects that are neither tensors nor simple count as different, and so does NaN.
    """
    if type(original) is not type(copy):
        return False
    if isinstance(original, Tensor):
        return _same_tensor(original, copy)
    if isinstance(original, nn.Module):
        return _same_state(original.__dict__, copy.__dict__)
    if isinstance(original, dict):
        return _same_state(original, copy)
    if isinstance(original, list | tuple):
        return len(original) == len(copy) and all(map(_as_copied, original, copy))
    return isinstance(original, (*_SIMPLE, set)) and bool(original == copy)


def _same_state(original: Mapping[str, Any], copy: Mapping[str, Any]) -> bool:
    if list(original) != list(copy):
        return False
    for name, value in original.items():
        other = copy[name]
        if value is other or name in _BOOKKEEPING:
            continue
        if type(value) is type(other) and type(value) in _HOLDERS and not value and not other:
            continue  # the many dicts for hooks, of which none is used
        if not _as_copied(value, other):
            return False
    return True


def _same_tensor(original: Tensor, copy: Tensor) -> bool:
    if original.dtype != copy.dtype or original.shape != copy.shape:
        return False
    if not torch.equal(original, copy):
        return False
    grad = copy.grad if copy.is_leaf else None
    if original.grad is None or grad is None:
        return original.grad is grad
    return _same_tensor(original.grad, grad)


@dataclass(frozen=True)
class _Look:
    """How a thing looks: its class, and what there is of it (``the hooks``, ``p``)."""

    kind: type
    of: dict[str, Any]


def _looks(arguments: Mapping[str, Any]) -> dict[str, _Look]:
    """By what the thing is called (``model[1]``)."""
    return {path: look for name, value in arguments.items() for path, look in _of(name, value)}


def _words(before: Mapping[str, _Look], now: Mapping[str, _Look]) -> list[str]:
    found: dict[str, list[str]] = {}
    for path, old in before.items():
        new = now.get(path)
        if new is None or (new.kind is not old.kind and "the layers" in old.of and "[" in path):
            continue  # the layer is another one: its parent's layers have changed
        for what in dict.fromkeys([*old.of, *new.of]):
            values = old.of.get(what, _NOTHING), new.of.get(what, _NOTHING)
            if not _same(*values):
                found.setdefault(what, []).append(f"{path}{_told(what, *values)}")
    return [f"{what} of {_listed(paths)}" for what, paths in found.items()]


def _told(what: str, old: Any, new: Any) -> str:
    if old is _NOTHING or new is _NOTHING:
        return " (added)" if old is _NOTHING else " (gone)"
    simple = (bool, int, float, str, type(None))
    if what.startswith("`") and isinstance(old, simple) and isinstance(new, simple):
        return f" ({old!r:.20} before, {new!r:.20} after)"
    return ""


def _listed(whose: list[str]) -> str:
    if len(whose) > _MOST:
        return f"{', '.join(whose[:_MOST])} and {len(whose) - _MOST} more"
    return " and ".join([", ".join(whose[:-1]), whose[-1]] if len(whose) > 1 else whose)


def _of(name: str, value: Any) -> Iterator[tuple[str, _Look]]:
    if isinstance(value, nn.Module):
        for path, module in _modules(name, value, set()):
            yield path, _Look(type(module), _of_module(module))
    elif isinstance(value, Tensor):
        grad = value.grad if value.is_leaf else None  # torch warns about asking others
        yield name, _Look(Tensor, {"the values": _kept(value), "the .grad": _kept(grad)})
    elif isinstance(value, np.ndarray | list):
        yield name, _Look(type(value), {"the values": _kept(value)})


def _modules(path: str, module: nn.Module, seen: set[int]) -> Iterator[tuple[str, nn.Module]]:
    if id(module) in seen:
        return
    seen.add(id(module))
    yield path, module
    for name, child in module._modules.items():
        if child is not None:
            inner = f"{path}[{name}]" if name.isdecimal() else f"{path}[{name!r}]"
            yield from _modules(inner, child, seen)


def _of_module(module: nn.Module) -> dict[str, Any]:
    found: dict[str, Any] = {"the hooks": []}
    for name, value in module.__dict__.items():
        if name in _BOOKKEEPING:
            continue
        if name.startswith("_") and name.endswith(_HOOKS):
            found["the hooks"].append((name, _kept(list(value.values()))))
        elif name == "_parameters":
            there = {n: p for n, p in value.items() if p is not None}
            found["the parameters"] = _kept(there)
            found["the .grad of parameters"] = _kept({n: p.grad for n, p in there.items()})
        elif name == "_modules":
            kinds = [(n, _kept(type(child))) for n, child in value.items()]
            found["the layers"] = (type(module), kinds)
        else:
            found[_NAMED.get(name, f"`{name}`")] = _kept(value)
    return found


def _kept(value: Any) -> Any:
    """A value as it is now, however it is changed later; other objects stand for themselves."""
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, dict):
        return {key: _kept(of) for key, of in value.items()}
    if isinstance(value, list | tuple):
        return [_kept(of) for of in value]
    if isinstance(value, set | frozenset):
        return frozenset(value)
    if isinstance(value, np.ndarray):
        return value.copy()
    return value if isinstance(value, _SIMPLE) else _Itself(value)


_SIMPLE = (bool, int, float, complex, str, bytes, type(None), torch.dtype, type)


@dataclass(frozen=True, eq=False)
class _Itself:
    """An object that is compared by identity; it is kept, so that no other can take its place."""

    value: Any


_NOTHING = _Itself(None)


def _same(old: Any, new: Any) -> bool:
    if isinstance(old, _Itself) and isinstance(new, _Itself):
        return old.value is new.value and (old is _NOTHING) == (new is _NOTHING)
    if isinstance(old, Tensor) and isinstance(new, Tensor):
        if old.dtype != new.dtype or old.shape != new.shape:
            return False
        equal = torch.equal(old, new)
        return equal or bool(((old == new) | (old.isnan() & new.isnan())).all())
    if isinstance(old, np.ndarray) and isinstance(new, np.ndarray):
        if old.dtype != new.dtype or old.shape != new.shape:
            return False
        return _same(torch.from_numpy(old), torch.from_numpy(new))
    if type(old) is not type(new):
        return False
    if isinstance(old, dict):
        return old.keys() == new.keys() and all(_same(of, new[key]) for key, of in old.items())
    if isinstance(old, list | tuple):
        return len(old) == len(new) and all(map(_same, old, new))
    return old is new or bool(old == new) or bool(old != old and new != new)
