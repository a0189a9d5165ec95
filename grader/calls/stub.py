"""Writes ``signatures.pyi`` from the contract: ``python -m grader.calls.stub``.

What ``student.`` and ``oracle.`` offer is made from the contract at run time, where no type checker
sees it.  The file is committed, and a test compares it with what this module makes.
"""

from __future__ import annotations

from pathlib import Path

from grader.homework import contract
from grader.homework.contract import REQUIRED, Array, Function, Module, Number, Returns, Tuple

__all__ = ["FILE", "made", "main"]

FILE = Path(__file__).with_name("signatures.pyi")

_BY_TYPE = {
    "Model": ("model", "classifier", "discriminator", "generator", "autoencoder"),
    "Given": (
        *("xs", "x", "baseline", "attribution", "saliency", "a", "b", "influence", "is_target"),
        *("real_logits", "fake_logits", "real", "fake", "images", "z", "points"),
    ),
    "Given | Sequence[float] | None": ("weights",),
    "Given | Sequence[int]": ("keep",),
    "int": (
        *("layer", "target", "c1", "c2", "neuron", "steps", "k", "num_classes", "seed"),
        *("positive", "negative", "latent_dim", "batch_size"),
    ),
    "object": ("opt_g", "opt_d", "optimizer"),
}
_TYPES = {name: type_ for type_, names in _BY_TYPE.items() for name in names}
"""What a check hands over, by the parameter's name."""

_HEAD = '''\
"""What ``student.`` and ``oracle.`` offer, by the contract.

Made by ``python -m grader.calls.stub``: change the contract, not this file.
"""

from collections.abc import Sequence

import numpy as np

from grader.calls.functions import Handle
from grader.homework.networks import Network
from grader.records import Call, NumPy

Given = np.ndarray | NumPy | Call
Model = Network | Call

class Signatures:
'''


def main() -> None:
    """Write the file."""
    FILE.write_text(made(), encoding="utf-8")


def made() -> str:
    """What the file has to hold.

    Raises:
        KeyError: a parameter of the contract has no type here.
    """
    return _HEAD + "".join(map(_method, contract.FUNCTIONS.values()))


def _method(function: Function) -> str:
    words = ["self", *(_parameter(name, default) for name, default in function.parameters)]
    if "seed" not in dict(function.parameters):
        words += ["*", "seed: int = 0"]
    whole = f"    def {function.name}({', '.join(words)}) -> {_returned(function.returns)}: ...\n"
    if len(whole) <= 101:
        return whole
    lines = "".join(f"        {word},\n" for word in words)
    return f"    def {function.name}(\n{lines}    ) -> {_returned(function.returns)}: ...\n"


def _parameter(name: str, default: object) -> str:
    return f"{name}: {_TYPES[name]}" + ("" if default is REQUIRED else f" = {default!r}")


def _returned(returns: Returns | None) -> str:
    if isinstance(returns, Array):
        return "np.ndarray"
    if isinstance(returns, Module):
        return "Handle"
    if isinstance(returns, Number):
        return "float"
    if isinstance(returns, Tuple):
        return f"tuple[{', '.join(map(_returned, returns.items))}]"
    return "object"


if __name__ == "__main__":
    main()
