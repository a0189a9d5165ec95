"""The rules that may approximate a path integral, as nodes and weights on [0, 1].

The slides give two of them: the right-hand sum (formula) and the left-hand sum (code).  Every usual
rule with about ``m`` gradient evaluations earns full marks, so checks compare a result with the
nearest of these rules at the same ``m``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

__all__ = ["RULES", "Rule", "gauss_legendre", "midpoint", "rules", "together"]

Rule = tuple[np.ndarray, np.ndarray]
"""Nodes (n,) and weights (n,), float64; the weights sum to 1."""


def _mean(nodes: np.ndarray) -> Rule:
    return nodes, np.full(len(nodes), 1 / len(nodes))


def _trapezoid(intervals: int) -> Rule:
    weights = np.full(intervals + 1, 1 / intervals)
    weights[[0, -1]] /= 2
    return np.linspace(0, 1, intervals + 1), weights


def midpoint(m: int) -> Rule:
    """The middles of m equal parts."""
    return _mean((np.arange(m) + 0.5) / m)


def gauss_legendre(m: int) -> Rule:
    """Gauss–Legendre's nodes and weights: exact for polynomials of degree 2m − 1."""
    nodes, weights = _leggauss(m)
    return (nodes + 1) / 2, weights / 2


_leggauss = cache(np.polynomial.legendre.leggauss)


RULES: dict[str, Callable[[int], Rule]] = {
    "right-hand sum": lambda m: _mean(np.arange(1, m + 1) / m),
    "left-hand sum": lambda m: _mean(np.arange(m) / m),
    "midpoint": midpoint,
    "trapezoid of m intervals": _trapezoid,
    "trapezoid of m points": lambda m: _trapezoid(m - 1),
    "mean over linspace(0, 1, m)": lambda m: _mean(np.linspace(0, 1, m)),
    "mean over linspace(0, 1, m + 1)": lambda m: _mean(np.linspace(0, 1, m + 1)),
    "Gauss–Legendre": gauss_legendre,
}


def rules(m: int) -> dict[str, Rule]:
    """All rules of ``m`` steps; ``m`` ≥ 2."""
    return {name: rule(m) for name, rule in RULES.items()}


def together(m: int) -> Rule:
    """All rules of ``m`` steps at once: nodes (n,), rising, and weights (rules, n).

    The last row is Captum's trapezoid, which leaves out one interval.
    """
    made = list(rules(m).values())
    nodes = np.unique(np.concatenate([at for at, _ in made]).round(12))
    weights = np.zeros((len(made) + 1, len(nodes)))
    for row, (at, w) in zip(weights, made, strict=False):
        np.add.at(row, np.searchsorted(nodes, at.round(12)), w)
    weights[-1] = (m - 1) / m * weights[list(RULES).index("trapezoid of m points")]
    return nodes, weights
