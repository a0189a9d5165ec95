"""Judges a submission of parts 1 to 3 by the homework's page alone, slowly, with ``slow.py``.

It shares no code with the checks and none with the reference: networks are made for it, calls are
made directly, and right values come from central differences, loops and searches.  It is what says
that a wrong submission is wrong, and an honest one honest, where checks are put to the test.
"""

from __future__ import annotations

import copy
import itertools
import math
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import numpy as np
import torch
from judge import SLICES, Judge, as_array, cnn, dressed, instances, mlp, plain_twin
from torch import nn

import slow

__all__ = ["FUNCTIONS", "answers", "broken_rules"]


def _towards(target: int) -> Callable[[torch.Tensor], float]:
    return lambda scores: slow.score(scores, target)


def _rather(c1: int, c2: int) -> Callable[[torch.Tensor], float]:
    return lambda scores: slow.difference(scores, c1, c2)


def _made(make: Callable[[], nn.Sequential]) -> tuple[nn.Sequential, nn.Sequential]:
    model = make()
    twin = plain_twin(model)
    model.train()
    if len(model) > 1:
        model[1].eval()  # modes differ: each is to be put back
    return model, twin


def linear_scores(j: Judge) -> None:
    ends = (
        [nn.Softmax(dim=1)],
        [nn.LogSoftmax(dim=1)],
        [],
        [nn.Tanh()],
        [nn.Softplus()],
        [nn.ReLU()],
    )
    more = (
        [nn.Softmax(dim=1), nn.Softmax(dim=1)],
        [nn.Dropout(0.5)],
        [nn.Sigmoid()],
        [nn.Softsign()],
    )
    inside = [nn.Softmax(dim=1), nn.Linear(4, 3).double()]
    for tail in (*ends, *more, inside):
        model = nn.Sequential(*mlp(), *tail).eval()
        last = list(model)
        right = last[:-1] if isinstance(last[-1], nn.Softmax | nn.LogSoftmax) else last
        made = j.call(model)
        if isinstance(made, nn.Module):
            xs = instances(model, 3)
            with torch.no_grad(), suppress(Exception):
                j.near(made.eval()(xs), torch.stack([slow.run(right, x) for x in xs]))
                continue
        j.note(False, "it returns a module that takes the input")


def split(j: Judge) -> None:
    for make, layer in SLICES:
        model, _ = _made(make)
        made = j.call(model, layer)
        layers = list(copy.deepcopy(model).eval())
        xs = instances(model, 2)
        try:
            h, g = made
            with torch.no_grad():
                z = h.eval()(xs.clone()).clone()
                j.near(z, torch.stack([slow.run(layers[: layer + 1], x) for x in xs]))
                j.near(g.eval()(z.clone()), torch.stack([slow.run(layers, x) for x in xs]))
        except Exception:
            j.note(False, "h and g can be called")
    j.refuses(mlp(), -2)
    j.refuses(mlp(), 5)


def instance_influence(j: Judge) -> None:
    for make, layer in SLICES:
        model, twin = _made(make)
        xs = instances(model, 3)
        right = [slow.influence(twin, layer, x, _towards(2)) for x in xs]
        j.near(j.call(model, layer, xs, 2), torch.stack(right))
    j.refuses(_made(dressed)[0], 1, instances(mlp(), 2), 4)
    j.refuses(mlp(), 1, instances(mlp(), 2), -1)
    j.refuses(mlp(), 7, instances(mlp(), 2), 1)
    j.refuses(mlp(), 1, instances(mlp(), 0), 1)


def _of_rows(j: Judge, classes: tuple[int, ...], quantity: Any) -> None:
    many = [0.5, 0.0, 3.0, 1.2, 0.1, 0.7, 2.0]
    for (make, layer), weights in itertools.product(SLICES[:4], (None, many)):
        model, twin = _made(make)
        xs = instances(model, 7)
        right = slow.average(twin, layer, xs, quantity, weights or [1.0] * 7)
        given = () if weights is None else (weights,)
        j.near(j.call(model, layer, xs, *classes, *given), right)
    xs = instances(mlp(), 2)
    for bad in ([1.0], [1.0, -1.0], [0.0, 0.0], [1.0, math.nan], [1.0, math.inf]):
        j.refuses(mlp(), 1, xs, *classes, bad)
    j.refuses(mlp(), 1, xs, 4, *classes[1:])
    j.refuses(mlp(), 1, xs[:0], *classes)


def class_influence(j: Judge) -> None:
    _of_rows(j, (1,), _towards(1))


def comparative_influence(j: Judge) -> None:
    _of_rows(j, (3, 0), _rather(3, 0))


def _rules(steps: int) -> Iterator[tuple[list[float], list[float]]]:
    """Points and weights of every rule that the page names."""
    ones, m = [1.0] * steps, steps
    yield [k / m for k in range(1, m + 1)], ones
    yield [k / m for k in range(m)], ones
    yield [(k + 0.5) / m for k in range(m)], ones
    for parts in (m, m - 1):
        if parts > 0:
            inside = [1.0] * (parts - 1)
            yield [k / parts for k in range(parts + 1)], [0.5, *inside, 0.5]
            yield [k / parts for k in range(parts + 1)], [1.0] * (parts + 1)
    points, weights = np.polynomial.legendre.leggauss(m)
    yield ((points + 1) / 2).tolist(), weights.tolist()


def _paths(model: Any, layer: int, x: Any, baseline: Any, quantity: Any, m: int) -> Iterator[Any]:
    for alphas, weights in _rules(m):
        points = [baseline * (1 - a) + x * a for a in alphas]
        yield slow.average(model, layer, points, quantity, weights)


def path_influence(j: Judge) -> None:
    for (make, layer), steps in itertools.product(SLICES[:3], (8, 40)):
        model, twin = _made(make)
        x, baseline = instances(model, 2)
        right = _paths(twin, layer, x, baseline, _towards(1), steps)
        j.near(j.call(model, layer, x, baseline, 1, steps), *right)
    x, baseline = instances(mlp(), 2)
    one = as_array(j.call(mlp(), 1, x, baseline, 1, 1))
    j.note(one is not None and bool(np.isfinite(one).all()), "one step is finite")
    j.refuses(mlp(), 1, x, baseline, 1, 0)
    j.refuses(mlp(), 1, x, baseline, 9, 5)


def _integral(j: Judge, classes: tuple[int, ...], quantity: Any) -> None:
    for make, steps in ((mlp, 8), (mlp, 40), (dressed, 8), (cnn, 4)):
        model, twin = _made(make)
        x, baseline = instances(model, 2)
        right = [(x - baseline) * p for p in _paths(twin, -1, x, baseline, quantity, steps)]
        j.near(j.call(model, x, baseline, *classes, steps), *right)
    x, baseline = instances(mlp(), 2)
    j.refuses(mlp(), x, baseline, *classes, 0)
    j.refuses(mlp(), x, baseline, -1, *classes[1:], 5)


def integrated_gradients(j: Judge) -> None:
    _integral(j, (1,), _towards(1))


def comparative_integrated_gradients(j: Judge) -> None:
    _integral(j, (3, 0), _rather(3, 0))


MAPS = [
    [[[0.5, -3.0], [0.25, 0.1]], [[0.5, 0.4], [0.3, -0.2]], [[-1.0, -2.0], [-0.5, -4.0]]],
    [[1e-7, 2e-7], [3e-7, -9.0], [2e-7, 1e-7], [-1.0, -1.0]],
    [-300.0, -200.0, 0.0, 5.0, 5.0],
    [-0.5, -0.25, -4.0],
]


def top_neurons(j: Judge) -> None:
    for values in MAPS:
        a = torch.tensor(values).double()
        for k in range(1, len(a) + 1):
            j.near(j.call(a, k), slow.strongest(a, k))
    for bad in (0, 6, -1):
        j.refuses(torch.tensor(MAPS[2]), bad)


def _firing(neuron: int) -> Callable[[torch.Tensor], float]:
    return lambda z: slow.activation(z, neuron)


def _of_neuron(j: Judge, integrated: bool) -> None:
    of_mlp = [(mlp, 1, neuron) for neuron in range(0, 6, 2 if integrated else 1)]
    for make, layer, neuron in (*of_mlp, (dressed, 1, 2), (cnn, 0, 1), (cnn, 0, 2)):
        model, twin = _made(make)
        x, baseline = instances(model, 2, seed=8 + neuron)
        h = list(twin)[: layer + 1]
        quantity = _firing(neuron)
        if integrated:
            steps = 6
            right = [(x - baseline) * p for p in _paths(h, -1, x, baseline, quantity, steps)]
            j.near(j.call(model, layer, neuron, x, baseline, steps), *right)
        else:
            j.near(j.call(model, layer, neuron, x), slow.influence(h, -1, x, quantity))
    x, baseline = instances(mlp(), 2)
    more = (baseline, 5) if integrated else ()
    j.refuses(mlp(), 1, 6, x, *more)
    j.refuses(mlp(), 1, -1, x, *more)


def saliency_map(j: Judge) -> None:
    _of_neuron(j, integrated=False)


def integrated_saliency_map(j: Judge) -> None:
    _of_neuron(j, integrated=True)


def scale_pixels(j: Judge) -> None:
    generator = torch.Generator().manual_seed(5)
    for size in (1.0, 1e-6, 1e5):
        x, s = torch.randn(2, 3, 4, 5, generator=generator).double()
        j.near(j.call(x, s * size), slow.scale(x, s * size))
    x, s = torch.randn(2, 6, generator=generator).double()
    j.near(j.call(x, s), x * s.abs() / s.abs().max())
    j.near(j.call(x, s * 0), x * 0)


def compare_attributions(j: Judge) -> None:
    a = torch.tensor(MAPS[0]).double()
    b = a.flip(0) + torch.linspace(-1, 1, 12).reshape(3, 2, 2).double()
    pairs = [(a, b, 2), (a, -a, 1), (a.round(), b.round(), 2), (-a.abs(), b, 3)]
    for one, two, k in pairs:
        both = set(slow.strongest(one, k)) & set(slow.strongest(two, k))
        j.near(j.call(one, two, k), [slow.spearman(one, two), len(both) / k])
    j.near(j.call(a, a * 0 + 2, 3), [0.0, 1.0])
    j.refuses(a, b, 0)
    j.refuses(a, b, 4)


def _influences(make: Any, layer: int, rows: int) -> tuple[Any, Any, Any]:
    model, twin = _made(make)
    xs = instances(model, rows, seed=11)
    return model, xs, lambda q: slow.average(twin, layer, xs, q, [1.0] * rows)


def distinguishing_neurons(j: Judge) -> None:
    for (make, layer), (c1, c2) in itertools.product((*SLICES, (cnn, 0)), ((3, 0), (1, 2))):
        model, xs, mean = _influences(make, layer, 4)
        a = mean(_rather(c1, c2))
        for k in (1, 2, 3):
            right = [slow.strongest(a, k), slow.strongest(a, k, sign=-1)]
            j.near(j.call(model, layer, xs, c1, c2, k), right)
    j.refuses(mlp(), 1, instances(mlp(), 2), 3, 0, 0)
    j.refuses(mlp(), 1, instances(mlp(), 2), 3, 0, 7)


def compare_with_single_class(j: Judge) -> None:
    for make, layer in SLICES[:4]:
        model, xs, mean = _influences(make, layer, 4)
        a, b = mean(_rather(3, 0)), mean(_towards(3))
        for k in (1, 2, 3):
            both = set(slow.strongest(a, k)) & set(slow.strongest(b, k))
            right = [slow.spearman(a, b), len(both) / k]
            j.near(j.call(model, layer, xs, 3, 0, k), right)


def random_classes(j: Judge) -> None:
    for number, k in ((10, 3), (7, 5), (120, 5), (2, 1)):
        counts, pairs, draws = np.zeros(number), np.zeros((number, number)), 1500
        for seed in range(draws):
            chosen = list(j.call(number, k, seed))
            whole = all(float(c).is_integer() and 0 <= c < number for c in chosen)
            j.note(
                whole and len({int(c) for c in chosen}) == k == len(chosen), "k distinct classes"
            )
            if not whole or len(set(chosen)) != k:
                return
            counts[chosen] += 1
            pairs[np.ix_(chosen, chosen)] += 1
        share = k / number
        off = np.abs(counts - draws * share) / math.sqrt(draws * share * (1 - share))
        j.note(bool((off < 6).all()), "every class comes up equally often")
        both = draws * k * (k - 1) / (number * (number - 1))
        apart = np.abs(pairs - both)[~np.eye(number, dtype=bool)] if number < 20 else np.zeros(1)
        j.note(bool((apart < 6 * math.sqrt(both) + 6).all()), "classes are drawn independently")
    for state in (1, 2):
        torch.manual_seed(state), np.random.seed(state), random.seed(state)
        first = j.call(10, 3, 5)
        torch.manual_seed(9), np.random.seed(9), random.seed(9)
        j.near(j.call(10, 3, 5), first, rule="the same seed draws the same")
    for bad in ((5, 6), (5, 0), (5, -1)):
        j.refuses(*bad)


def influential_neurons(j: Judge) -> None:
    for values in MAPS:
        a = torch.tensor(values).double()
        for positive, negative in ((1, 2), (0, 3), (3, 0), (3, 3), (2, 1)):
            made = j.call(a, positive, negative)
            right = slow.strongest(a, positive), slow.strongest(a, negative, sign=-1)
            if isinstance(made, tuple | list) and len(made) == 2:
                for mine, theirs in zip(made, right, strict=True):
                    j.near(mine, theirs)
            else:
                j.note(False, "two lists are returned")
    j.refuses(torch.tensor(MAPS[2]), 6, 0)
    j.refuses(torch.tensor(MAPS[2]), 0, -1)


def mask_slice(j: Judge) -> None:
    for (make, layer), keep in itertools.product(SLICES, ([2, 0, 2], [], [1])):
        if layer < 0:
            keep = [n for n in keep if n < 5]
        model, _ = _made(make)
        layers = list(copy.deepcopy(model).eval())
        xs = instances(model, 3)
        made = j.call(model, layer, keep)
        try:
            with torch.no_grad():
                right = torch.stack([slow.masked(layers, layer, keep, x) for x in xs])
                j.near(made.eval()(xs.clone()), right)
        except Exception:
            j.note(False, "the masked network can be called")
    j.refuses(mlp(), 1, [6])
    j.refuses(mlp(), 1, [-1])


def binary_classifier(j: Judge) -> None:
    for (make, layer), target in itertools.product(SLICES[:4], (0, 2)):
        model, xs, mean = _influences(make, layer, 4)
        a = mean(_towards(target))
        keep = slow.strongest(a, 2) + slow.strongest(a, 1, sign=-1)
        made = j.call(model, layer, xs, target, 2, 1)
        ask = instances(model, 6, seed=13)
        twin = plain_twin(model)
        try:
            right = [slow.margin(slow.masked(twin, layer, keep, x), target) for x in ask]
            with torch.no_grad():
                j.near(made.eval()(ask.clone()), right)
        except Exception:
            j.note(False, "the classifier can be called")
    j.refuses(mlp(), 1, instances(mlp(), 2), 4, 1, 1)
    j.refuses(mlp(), 1, instances(mlp(), 2), 1, 7, 1)


class _Given(nn.Module):
    """Margins that are handed in, through a part with a mode of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.parts = nn.Sequential(nn.Dropout(0.5), nn.Dropout(0.9))

    def forward(self, xs: torch.Tensor) -> torch.Tensor:
        return self.parts(xs[:, 0])


def evaluate(j: Judge) -> None:
    margins = [0.5, -1.0, 0.0, 2.0, 3.0, -0.5, 1e-3, 4.0, -2.0]
    cases = [
        (margins, [1, 1, 1, 0, 1, 0, 1, 0, 0]),
        (margins, [1, 1, 1, 1, 1, 1, 1, 0, 1]),
        (margins, [0] * 9),
        ([-1.0] * 9, [1, 0, 1, 0, 0, 0, 0, 0, 0]),
        ([-1.0] * 9, [0] * 9),
        ([0.4, 0.2, -3.0], [1, 0, 1]),
    ]
    for (values, truth), as_module in itertools.product(cases, (True, False)):
        xs, labels = torch.tensor(values).double()[:, None], [bool(t) for t in truth]
        said = [v > 0 for v in values]
        hits = sum(s and t for s, t in zip(said, labels, strict=True))
        right = [
            sum(s == t for s, t in zip(said, labels, strict=True)) / len(said),
            hits / sum(said) if any(said) else 0.0,
            hits / sum(labels) if any(labels) else 0.0,
        ]
        module = _Given().train()
        module.parts[0].eval()
        classifier = module if as_module else lambda rows: rows[:, 0]
        j.near(j.call(classifier, xs, labels), right)
    j.refuses(_Given(), torch.zeros(3, 1), [True])
    j.refuses(_Given(), torch.zeros(0, 1), [])


FUNCTIONS: dict[str, Callable[[Judge], None]] = {
    f.__name__: f
    for f in (
        *(linear_scores, split, instance_influence, class_influence, path_influence),
        *(integrated_gradients, top_neurons, saliency_map, integrated_saliency_map),
        *(scale_pixels, compare_attributions, comparative_influence),
        *(comparative_integrated_gradients, distinguishing_neurons, compare_with_single_class),
        *(random_classes, influential_neurons, mask_slice, binary_classifier, evaluate),
    )
}
"""What judges each function of the homework's parts 1 to 3."""


def broken_rules(namespace: Mapping[str, Any], function: str) -> list[str]:
    """The rules of the homework's page that a function breaks, each once.

    Args:
        namespace: the functions of a submission, by name.
        function: the one to judge.
    """
    judge = Judge(namespace, function)
    FUNCTIONS[function](judge)
    return list(judge.broken)


def answers(namespace: Mapping[str, Any], function: str) -> str:
    """What a function gave in all calls of the judge, to tell two of them apart.

    Args:
        namespace: the functions of a submission, by name.
        function: the one that is asked.
    """
    judge = Judge(namespace, function)
    FUNCTIONS[function](judge)
    return f"{judge.digest.hexdigest()} {list(judge.broken)}"
