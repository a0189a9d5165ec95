"""What tells an honest rule of one's own from one that stands still.

    python tests/benchmarks/own_rules.py

A path integral may follow any honest rule.  One that is none of the named ones is judged by its
error on networks without kinks (``grader/checks/framework/path_rules.py``): AT_50 and AT_300 bound
that of each case, and CONVERGES bounds the error at 300 steps ÷ the larger one of 8 and 50 steps,
all root mean squares over the cases of a check, unless the one at 300 steps is below CLOSE.  On
networks with kinks ROUGHLY bounds the error at 300 steps.  The table shows, for each rule, the
largest of these over the functions that integrate (for wrong rules, the smallest).

Honest rules come nearer with more steps; wrong ones use a fixed number of points, crowd them in one
part of the line or leave a part out.  (Points off the line are found on a network that is flat on
it.)  Points drawn independently from the whole line come nearer too slowly (as 1 / sqrt(steps)) to
be told from wrong ones: they are not accepted.
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
from grader.checks.framework.path_rules import (
    AT_50,
    AT_300,
    CLOSE,
    CONVERGES,
    ROUGHLY,
    Integral,
)
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


def radical_inverse(k: int, base: int) -> float:
    """The digits of k in the other order, after the point."""
    found, place = 0.0, 1 / base
    while k:
        found, k, place = found + place * (k % base), k // base, place / base
    return found


def van_der_corput(first: int, base: int, shift: float = 0.0) -> MakeRule:
    """The best known low-discrepancy sequence, shifted on the circle."""
    return lambda m: even(
        (np.array([radical_inverse(k + first, base) for k in range(m)]) + shift) % 1
    )


def golden(shift: float) -> MakeRule:
    """Multiples of the golden ratio, shifted on the circle."""
    return lambda m: even((np.arange(m) * 0.6180339887498949 + shift) % 1)


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
    "van der Corput": van_der_corput(0, 2),
    "van der Corput in base 3, from 1": van_der_corput(1, 3),
    "golden ratio": golden(0.0),
    **{f"golden ratio, shift {s / 6:.2f}": golden(s / 6) for s in range(1, 6)},
    **{f"van der Corput, shift {s / 6:.2f}": van_der_corput(0, 2, s / 6) for s in range(1, 6)},
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
    """The errors at 50 and 300 steps, CONVERGES' ratio, and the error at 300 steps with kinks."""
    found: dict[tuple[bool, int], list[float]] = {}
    for m in (8, 50, 300):
        made = rule(m)
        for integral, e in zip(asked, exact, strict=True):
            error = relative_error(integral.by(made), e)
            found.setdefault((integral.smooth, m), []).append(error)
    at_8, at_50, at_300 = (size(found[True, m]) for m in (8, 50, 300))
    ratio = at_300 / max(at_8, at_50) if at_300 > CLOSE else 0.0
    return [max(found[True, 50]), max(found[True, 300]), ratio, max(found[False, 300])]


def main() -> None:
    """Print the table."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    torch.set_num_threads(1)
    asked = [of for _, of in integrals()]
    exact = [[integral.by(midpoint(1000)) for integral in of] for of in asked]
    print(f"{'rule':36}{'at 50':>10}{'at 300':>10}{'ratio':>10}{'kinks':>10}")
    print(f"{'bound':36}{AT_50:10.2f}{AT_300:10.2f}{CONVERGES:10.2f}{ROUGHLY:10.2f}")
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
