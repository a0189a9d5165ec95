"""What the drivers of a student's ``gan.py`` are built from.

Networks, optimizers, states, and losses under watch: it runs in the guest and judges nothing.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from grader.homework.contract import LEARNING_RATES
from grader.sandbox.gan import MOST

__all__ = [
    "LOSSES",
    "MOST",
    "Fed",
    "Gan",
    "Modes",
    "Result",
    "adam",
    "batches_seen",
    "builder",
    "clear_gradients",
    "function",
    "gradients_arrive",
    "has_batch_norm",
    "is_wrapped",
    "logit_shape",
    "loss_curve",
    "loss_pair",
    "materialised",
    "module",
    "multiplied",
    "scaled",
    "seed_all",
    "state",
    "updates",
    "value_and_gradients",
]

Gan = Mapping[str, Any]
"""What a student's ``gan.py`` defines, by name."""

Result = dict[str, Any]
"""Tensors, numbers and texts by name."""

LOSSES = ("discriminator_loss", "generator_loss", "discriminator_penalty")
"""The functions that ``train_step`` may call by name."""


def function(gan: Gan, name: str) -> Callable[..., Any]:
    """The student's function of that name.

    Raises:
        LookupError: there is none.
    """
    found = gan.get(name)
    if not callable(found):
        raise LookupError(name)
    return found  # type: ignore[no-any-return]


def module(gan: Gan, name: str, *arguments: int) -> nn.Module:
    """The network that a student's function makes.

    Args:
        gan: what ``gan.py`` defines.
        name: of the function.
        *arguments: of the function.

    Raises:
        LookupError: there is no such function.
        TypeError: it makes something else.
    """
    made = function(gan, name)(*arguments)
    if not isinstance(made, nn.Module):
        raise TypeError(f"{name} should return a module (nn.Module), but returned {_words(made)}")
    return made


def builder(gan: Gan, latent_dim: int) -> Callable[[], tuple[nn.Module, nn.Module]]:
    """A function that makes the same generator and discriminator each time, in train mode.

    Their weights follow from the global random state that it finds here.
    """
    seed = torch.initial_seed() % 2**31
    kept: list[dict[str, Any]] = []

    def build() -> tuple[nn.Module, nn.Module]:
        seed_all(seed)
        pair = module(gan, "make_generator", latent_dim), module(gan, "make_discriminator")
        for made, name in zip(pair, ("generator", "discriminator"), strict=True):
            if not any(True for _ in made.parameters()):
                raise TypeError(f"the {name} has no parameters that an optimizer could train")
        materialised(pair[0], latent_dim)
        materialised(pair[1], 1, 8, 8)
        if not kept:
            kept.extend({k: v.clone() for k, v in m.state_dict().items()} for m in pair)
        for made, weights in zip(pair, kept, strict=True):
            made.load_state_dict(weights)  # also where weights are drawn by an own generator
        return pair

    return build


class Fed:
    """A hook that keeps what a network is fed with.

    A copy of the network shares it, and a network that is written to a file leaves it out.
    """

    def __init__(self) -> None:
        self.inputs: list[Tensor] = []

    def __call__(self, _: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        """Keep the first tensor, unless it ends with the call of ``torch.func`` around this one."""
        tensors = [v for v in (*given, *named.values()) if isinstance(v, Tensor)]
        tensors = [tensor for tensor in tensors if not is_wrapped(tensor)]
        self.inputs += [tensors[0].detach()] if tensors else []

    def __deepcopy__(self, _: Any) -> Fed:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return getattr, (nullcontext(), "__exit__")  # takes three arguments and does nothing


class Modes(Fed):
    """A hook that counts how often layers that have two modes are called in eval mode.

    Calls without gradients do not count, nor do those of copies: to look at images in eval mode,
    or to draw earlier ones, trains nothing.

    Args:
        network: whose dropout and batch norm are watched.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.still = 0
        self.layers = {id(layer) for layer in network.modules()}
        for layer in network.modules():
            if isinstance(layer, _OF_TWO_MODES):
                layer.register_forward_pre_hook(self, with_kwargs=True)

    def __call__(self, layer: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        """Count the call."""
        if id(layer) in self.layers and torch.is_grad_enabled() and not layer.training:
            self.still += 1


_OF_TWO_MODES = (nn.modules.batchnorm._BatchNorm, nn.modules.dropout._DropoutNd)


def has_batch_norm(network: nn.Module) -> bool:
    """Whether a layer of it is batch norm."""
    return any(isinstance(m, nn.modules.batchnorm._BatchNorm) for m in network.modules())


def gradients_arrive(network: nn.Module) -> list[bool]:
    """A list of one truth: whether a backward pass has filled a ``.grad`` since."""
    arrived = [False]

    def note(parameter: Tensor) -> None:
        grad = parameter.grad
        arrived[0] = arrived[0] or (grad is not None and bool(grad.abs().max() > 0))

    for parameter in network.parameters():
        if parameter.requires_grad and parameter.numel():
            parameter.register_post_accumulate_grad_hook(note)  # type: ignore[no-untyped-call]
    return arrived


def materialised(network: nn.Module, *row: int) -> nn.Module:
    """The network in train mode, its lazy layers with parameters, for rows of that shape."""
    with torch.no_grad():
        network.eval()(torch.zeros(2, *row))
    return network.train()


def adam(network: nn.Module, rate: float = LEARNING_RATES[0]) -> torch.optim.Adam:
    """The optimizer with which every submission is trained, in its quickest form."""
    parameters = list(network.parameters())
    fused = all(p.is_floating_point() for p in parameters)
    return torch.optim.Adam(parameters, lr=rate, betas=(0.5, 0.999), fused=fused)


def updates(optimizer: torch.optim.Optimizer) -> int:
    """How often an Adam has stepped."""
    return max((int(s["step"]) for s in optimizer.state.values() if "step" in s), default=0)


def seed_all(seed: int) -> None:
    """Seed the global random states of torch, NumPy and Python."""
    # The CPU's alone: torch.manual_seed also queues a call, with its stack, for every GPU backend.
    torch.default_generator.manual_seed(seed)
    np.random.seed(seed)
    random.seed(seed)


def state(network: nn.Module) -> Tensor:
    """Its parameters, (P,): all of them, or :data:`MOST` spread evenly over it."""
    flat = torch.cat([p.detach().flatten().float() for p in network.parameters()])
    if len(flat) > MOST:
        flat = flat[torch.linspace(0, len(flat) - 1, MOST, dtype=torch.float64).long()]
    return flat.clone()


def clear_gradients(network: nn.Module) -> None:
    """Zero every ``.grad`` that there is."""
    for parameter in network.parameters():
        if parameter.grad is not None:
            parameter.grad = torch.zeros_like(parameter.grad)


def logit_shape(gan: Gan) -> tuple[int, ...]:
    """(−1,) or (−1, 1), as the student's discriminator returns logits.

    (−1, 1) where it cannot be asked.
    """
    try:
        with torch.no_grad():
            logits = module(gan, "make_discriminator").eval()(torch.zeros(2, 1, 8, 8))
        return (-1, *logits.shape[1:]) if logits.numel() == 2 else (-1, 1)
    except Exception:  # what is wrong with it is said elsewhere; the losses are graded on their own
        return (-1, 1)


def value_and_gradients(loss: Any, inputs: tuple[Tensor, ...]) -> tuple[Tensor, list[Tensor]]:
    """A loss as a scalar, and its gradients.

    They are zeros for what it does not depend on, and NaN where it is cut off entirely.

    Raises:
        TypeError: it is no scalar tensor.
    """
    if not isinstance(loss, Tensor) or loss.numel() != 1:
        raise TypeError(f"the loss should be a scalar tensor, but is {_words(loss)}")
    value = loss.detach().reshape(()).float()
    if not loss.requires_grad:
        return value, [torch.full_like(i, torch.nan) for i in inputs]
    found = torch.autograd.grad(loss.sum(), inputs, allow_unused=True)
    return value, [
        torch.zeros_like(i) if g is None else g for g, i in zip(found, inputs, strict=True)
    ]


def loss_pair(result: Any) -> tuple[Tensor, str]:
    """What ``train_step`` returned, as (2,) d_loss and g_loss, and what is wrong with it.

    NaN stands where there is no number.
    """
    pair = torch.full((2,), torch.nan)
    if not isinstance(result, Mapping):
        return pair, f"train_step returned {_words(result)}"
    for i, name in enumerate(("d_loss", "g_loss")):
        if name not in result:
            return pair, f"what train_step returned has no {name!r}"
        value = result[name]
        try:
            pair[i] = float(value.detach() if isinstance(value, Tensor) else value)
        except (TypeError, ValueError, RuntimeError):
            return pair, f"{name!r} is {_words(value)}, not one number"
    return pair, ""


def loss_curve(results: Any) -> tuple[Tensor, str]:
    """What ``train`` returned, as (steps, 2), and what is wrong with it."""
    if not isinstance(results, (list, tuple)):
        return torch.empty(0, 2), f"train returned {_words(results)}"
    pairs = [loss_pair(result) for result in results[:MOST]]
    problems = [problem for _, problem in pairs if problem]
    curve = torch.stack([pair for pair, _ in pairs]) if pairs else torch.empty(0, 2)
    return curve, problems[0] if problems else ""


def multiplied(loss: Tensor, scale: float) -> Tensor:
    """The same value, to the bit, with a gradient that is ``scale`` times as large.

    A gradient of which a graph is made stays as it is: it is part of another loss, as where the
    generator looks ahead to the discriminator's next steps (unrolled GANs, arXiv:1611.02163).
    """
    if is_wrapped(loss):  # by torch.func, whose gradients always have a graph
        return loss + (scale - 1) * (loss - loss.detach())
    same = loss.view_as(loss)
    if same.requires_grad:
        same.register_hook(  # type: ignore[no-untyped-call]
            lambda g: g if torch.is_grad_enabled() else scale * g
        )
    return same


def is_wrapped(tensor: Tensor) -> bool:
    """Whether it only lives inside a call of ``torch.func``, as under ``vmap``."""
    return bool(torch._C._functorch.is_functorch_wrapped_tensor(tensor))


@contextmanager
def scaled(
    gan: Gan, scale_d: float = 1.0, scale_g: float = 1.0, scale_p: float | None = None
) -> Iterator[list[str]]:
    """Give the losses that ``train_step`` calls by name multiplied gradients and the same values.

    Args:
        gan: the student's namespace.
        scale_d: factor on the gradient of ``discriminator_loss``.
        scale_g: factor on the gradient of ``generator_loss``.
        scale_p: factor on the gradient of ``discriminator_penalty``; that of the loss by default.

    Yields:
        A list that gets the name of every loss that is called.
    """
    called: list[str] = []
    depth = 0
    scales = dict(
        zip(LOSSES, (scale_d, scale_g, scale_d if scale_p is None else scale_p), strict=True)
    )

    def watch(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        scale = scales[name]

        def watched(*arguments: Any, **named: Any) -> Any:
            nonlocal depth
            depth += 1
            try:
                loss = original(*arguments, **named)
            finally:
                depth -= 1
            called.append(name)
            if depth or not isinstance(loss, Tensor):  # a loss may be written by means of the other
                return loss
            return multiplied(loss, scale)

        return watched

    with _replaced(gan, "train_step", LOSSES, watch):
        yield called


@contextmanager
def batches_seen(gan: Gan) -> Iterator[list[tuple[Tensor, Tensor, Tensor]]]:
    """The images and the noise that each ``train_step`` gets that ``train`` calls.

    Yields:
        A list that gets both and the losses that come back, (2,), for every call by name.
    """
    seen: list[tuple[Tensor, Tensor, Tensor]] = []

    def watch(_: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*arguments: Any, **named: Any) -> Any:
            given = {**dict(zip(("real", "z"), arguments[4:], strict=False)), **named}
            known = isinstance(given.get("real"), Tensor) and isinstance(given.get("z"), Tensor)
            # Before the call: the step may write into them.
            both = [given["real"].detach().clone(), given["z"].detach()] if known else []
            result = original(*arguments, **named)
            if known:
                seen.append((both[0], both[1], loss_pair(result)[0]))
            return result

        return watched

    with _replaced(gan, "train", ("train_step",), watch):
        yield seen


@contextmanager
def _replaced(
    gan: Gan,
    user: str,
    names: tuple[str, ...],
    watch: Callable[[str, Callable[..., Any]], Callable[..., Any]],
) -> Iterator[None]:
    """Put others in the place of functions, also where another file of the student's has them."""
    spaces: list[MutableMapping[str, Any]] = []
    for space in (gan, getattr(gan[user], "__globals__", gan)):
        if isinstance(space, MutableMapping) and not any(space is s for s in spaces):
            spaces.append(space)
    kept: list[tuple[MutableMapping[str, Any], str, Any]] = []
    for space in spaces:
        for name in names:
            if callable(space.get(name)):
                kept.append((space, name, space[name]))
                space[name] = watch(name, space[name])
    try:
        yield
    finally:
        for space, name, original in kept:
            space[name] = original


def _words(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    return (
        "None (is a return missing?)"
        if value is None
        else f"a value of type {type(value).__name__}"
    )
