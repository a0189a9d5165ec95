"""What tells an honest rule of one's own from one that stands still.

    python tests/benchmarks/own_rules.py

A path integral may follow any honest rule.  One that is none of the named ones is judged by how
its error falls (``grader/checks/framework/path_rules.py``).  CONVERGES bounds the error at 300
steps ÷ that at 8, both root mean squares over the cases of a check; NO_WORSE bounds that at 50
steps ÷ that of the left-hand or the right-hand sum, whichever is larger, over the cases without
kinks; AT_50 and AT_300 bound the error of each case.  The table shows, for each rule, the largest
of these over the four functions that integrate (for wrong rules, the smallest).

Honest rules come nearer with more steps; wrong ones use a fixed number of points, crowd them in one
part of the line, leave a part out or step off it.  Points drawn independently from the whole line
come nearer too slowly (as 1 / sqrt(steps)) to be told from wrong ones: they are not accepted.
Everything is seeded; torch runs on one thread.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch

from grader.checks import part2
from grader.checks.framework.cases import Case
from grader.checks.framework.expect import relative_error
from grader.checks.framework.path_rules import AT_50, AT_300, CONVERGES, NO_WORSE, Integral
from grader.checks.part1 import neurons, paths
from grader.oracle.live import oracle
from grader.oracle.quadrature import RULES, Rule, midpoint

MakeRule = Callable[[int], Rule]


def even(nodes: np.ndarray) -> Rule:
    """All points count the same."""
    return nodes, np.full(len(nodes), 1 / len(nodes))


def simpson(m: int) -> Rule:
    """Simpson's rule on an odd number of points."""
    intervals = max(2, (m - 1) // 2 * 2)
    weights = np.ones(intervals + 1)
    weights[1:-1:2], weights[2:-1:2] = 4, 2
    return np.linspace(0, 1, intervals + 1), weights / weights.sum()


def clenshaw_curtis(m: int) -> Rule:
    """Points at the extrema of a Chebyshev polynomial, weights exact for polynomials."""
    nodes = (1 - np.cos(np.pi * np.arange(m) / (m - 1))) / 2
    moments = np.zeros(m)
    moments[0] = 1
    legendre = np.polynomial.legendre.legvander(2 * nodes - 1, m - 1)
    return nodes, np.linalg.solve(legendre.T, moments)


def one_in_each_part(seed: int) -> MakeRule:
    """A point drawn from each of m equal parts."""
    return lambda m: even((np.arange(m) + np.random.RandomState(seed + m).rand(m)) / m)


def drawn(seed: int) -> MakeRule:
    """Points drawn from the whole line."""
    return lambda m: even(np.random.RandomState(seed + m).rand(m))


HONEST: dict[str, MakeRule] = {
    "Simpson": simpson,
    "Clenshaw-Curtis": clenshaw_curtis,
    "a quarter into each part": lambda m: even((np.arange(m) + 0.25) / m),
    "k / (m + 1), ends left out": lambda m: even(np.arange(1, m + 1) / (m + 1)),
    "two Gauss points in each part": lambda m: even(
        np.sort(
            np.concatenate([(np.arange(m // 2) + 0.5 + s * 0.288675) / (m // 2) for s in (-1, 1)])
        )
    ),
    **{f"one drawn from each part, seed {s}": one_in_each_part(1000 * s) for s in range(6)},
}
WRONG: dict[str, MakeRule] = {
    "always 20, right-hand sum": lambda m: RULES["right-hand sum"](20),
    "always 50, right-hand sum": lambda m: RULES["right-hand sum"](50),
    "always 50, midpoint": lambda m: midpoint(50),
    "always 100, midpoint": lambda m: midpoint(100),
    "squares (k / m)^2": lambda m: even(((np.arange(m) + 0.5) / m) ** 2),
    "roots sqrt(k / m)": lambda m: even(((np.arange(m) + 0.5) / m) ** 0.5),
    "the last 5 % left out": lambda m: even(0.95 * (np.arange(m) + 0.5) / m),
    "the first 5 % left out": lambda m: even(0.05 + 0.95 * (np.arange(m) + 0.5) / m),
    "x alone": lambda m: even(np.ones(1)),
    "half a step before the baseline": lambda m: even((np.arange(m) - 0.5) / m),
}
DRAWN: dict[str, MakeRule] = {f"drawn, seed {s}": drawn(1000 * s) for s in range(6)}


def integrals() -> Iterator[tuple[str, list[Integral]]]:
    """Those that the public checks ask for, by function."""

    def made(case: Case, average: Callable[..., np.ndarray], times: bool) -> Integral:
        kinks = average.__name__ == "saliencies" and len(case.shape) > 1
        return Integral(case, lambda steps: np.zeros(0), average, times, kinks)

    def influence(case: Case, layer: int) -> Callable[..., np.ndarray]:
        return lambda xs, p: oracle.class_influence(case.network, layer, xs, case.target, p)

    def difference(case: Case) -> Callable[..., np.ndarray]:
        pair = (case.target, case.other)
        return lambda xs, p: oracle.comparative_influence(case.network, -1, xs, *pair, p)

    def saliency(case: Case) -> Callable[..., np.ndarray]:
        call = (case.network, case.layer, case.neuron)

        def saliencies(xs: np.ndarray, p: np.ndarray) -> np.ndarray:
            return np.tensordot(p, [oracle.saliency_map(*call, x) for x in xs], 1)

        return saliencies

    lines = paths.PATHS
    yield "path_influence", [made(c, influence(c, c.layer), False) for c in lines]
    yield "integrated_gradients", [made(c, influence(c, -1), True) for c in lines]
    pairs = part2.PATHS
    yield "comparative_integrated_gradients", [made(c, difference(c), True) for c in pairs]
    maps = neurons.MAPS
    yield "integrated_saliency_map", [made(c, saliency(c), True) for c in maps]


def size(errors: Sequence[float]) -> float:
    """Their root mean square."""
    return float(np.sqrt(np.mean(np.square(errors))))


def ratios(rule: MakeRule, asked: Sequence[Integral], exact: Sequence[np.ndarray]) -> list[float]:
    """CONVERGES' ratio, NO_WORSE's, and the largest errors at 50 and at 300 steps."""

    def errors(one: MakeRule, m: int) -> list[float]:
        made = one(m)
        return [relative_error(i.by(made), e) for i, e in zip(asked, exact, strict=True)]

    smooth = [i.smooth for i in asked]
    at_8, at_50, at_300 = (errors(rule, m) for m in (8, 50, 300))
    ours, left, right = (
        size([error for error, counts in zip(found, smooth, strict=True) if counts])
        for found in (at_50, *(errors(RULES[f"{side}-hand sum"], 50) for side in ("left", "right")))
    )
    return [size(at_300) / size(at_8), ours / max(left, right), max(at_50), max(at_300)]


def main() -> None:
    """Print the table."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    torch.set_num_threads(1)
    asked = [of for _, of in integrals()]
    exact = [[integral.by(midpoint(1000)) for integral in of] for of in asked]
    print(f"{'rule':36}{'300 / 8':>10}{'50 / sum':>10}{'at 50':>10}{'at 300':>10}")
    print(f"{'bound':36}{CONVERGES:10.2f}{NO_WORSE:10.2f}{AT_50:10.2f}{AT_300:10.2f}")
    for words, chosen, choose in (
        ("honest", HONEST, max),
        ("wrong", WRONG, min),
        ("drawn from the whole line", DRAWN, max),
    ):
        print(words)
        for name, rule in chosen.items():
            rows = [ratios(rule, of, e) for of, e in zip(asked, exact, strict=True)]
            columns = [choose(column) for column in zip(*rows, strict=True)]
            print(f"  {name:34}" + "".join(f"{c:10.3f}" for c in columns), flush=True)


if __name__ == "__main__":
    main()
