"""What the public checks compare with the reference, as calls with the answers they accept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from grader.checks import part2
from grader.checks.framework import expect
from grader.checks.framework.cases import Case, distribution
from grader.checks.framework.path_rules import M
from grader.checks.part1 import influence, neurons, paths
from grader.homework.networks import num_classes
from grader.oracle.live import LiveOracle
from grader.oracle.quadrature import rules
from grader.records import Call

__all__ = ["CASES", "INFLUENCES", "INTEGRALS", "Question", "oracle", "questions"]

GRADIENTS = (
    *influence.SLICES,
    *influence.IN_PLACE,
    *influence.SOFTMAX,
    *influence.TRAIN,
    *influence.DOUBLE,
)
CASES: dict[str, Sequence[Case]] = {
    "instance_influence": GRADIENTS,
    "class_influence": GRADIENTS,
    "comparative_influence": (*part2.SLICES, *part2.SPECIAL),
    "saliency_map": neurons.MAPS,
    "path_influence": paths.PATHS,
    "integrated_gradients": paths.PATHS,
    "comparative_integrated_gradients": part2.PATHS,
    "integrated_saliency_map": neurons.MAPS,
}
INFLUENCES = tuple(CASES)[:3]
INTEGRALS = tuple(CASES)[4:]

oracle = LiveOracle()


@dataclass(frozen=True)
class Question:
    """A call, the rows of input that it averages over, and the answers that count as right."""

    case: Case
    call: Call
    rows: np.ndarray
    accepted: tuple[np.ndarray, ...]

    @property
    def weighted(self) -> bool:
        """The rows come with weights."""
        return "weights" in self.call.arguments

    def difference(self, answer: np.ndarray) -> float:
        """Relative L2 difference to the nearest of the accepted answers; infinite for NaN."""
        return min(expect.relative_error(answer, right) for right in self.accepted)


def questions(dtype: str, shift: int = 0) -> list[Question]:
    """All of them in one dtype; a ``shift`` takes other weights and inputs for the same cases."""
    asked: list[Question] = []
    for function, cases in CASES.items():
        for case in cases:
            seed = case.seed + 1000 * shift
            network = replace(case.network, dtype=dtype, seed=seed)
            moved = Case(network, case.layer, seed % num_classes(network), seed)
            asked += _integral(function, moved) if function in INTEGRALS else _at(function, moved)
    return asked


def _at(function: str, case: Case) -> Iterator[Question]:
    if function == "saliency_map":
        yield _equal(case, case.x[None], function, case.network, case.layer, case.neuron, case.x)
        return
    xs = case.xs(4 if function == "class_influence" else 3)
    classes = (case.target, case.other) if function.startswith("comp") else (case.target,)
    yield _equal(case, xs, function, case.network, case.layer, xs, *classes)
    if function != "instance_influence":
        p = distribution(case.seed, len(xs))
        yield _equal(case, xs, function, case.network, case.layer, xs, *classes, p)


def _equal(case: Case, rows: np.ndarray, function: str, *arguments: Any) -> Question:
    right = np.asarray(getattr(oracle, function)(*arguments))
    return Question(case, oracle.call(function, *arguments), rows, (right,))


def _integral(function: str, case: Case) -> Iterator[Question]:
    network, x, baseline, target = case.network, case.x, case.baseline, case.target
    change = x - baseline

    def influence(xs: np.ndarray, p: np.ndarray) -> np.ndarray:
        return np.asarray(oracle.class_influence(network, case.layer, xs, target, p))

    def attribution(xs: np.ndarray, p: np.ndarray) -> np.ndarray:
        return np.asarray(change * oracle.class_influence(network, -1, xs, target, p))

    def comparison(xs: np.ndarray, p: np.ndarray) -> np.ndarray:
        mean = oracle.comparative_influence(network, -1, xs, target, case.other, p)
        return np.asarray(change * mean)

    def saliency(xs: np.ndarray, p: np.ndarray) -> np.ndarray:
        maps = [oracle.saliency_map(network, case.layer, case.neuron, point) for point in xs]
        return np.asarray(change * np.tensordot(p, np.stack(maps), 1))

    arguments, by = {
        "path_influence": ((case.layer, x, baseline, target), influence),
        "integrated_gradients": ((x, baseline, target), attribution),
        "comparative_integrated_gradients": ((x, baseline, target, case.other), comparison),
        "integrated_saliency_map": ((case.layer, case.neuron, x, baseline), saliency),
    }[function]
    # As `rules.follows_a_rule` has it: by every accepted rule, and by Captum's trapezoid.
    accepted = {name: by(case.on_line(nodes), p) for name, (nodes, p) in rules(M).items()}
    accepted["Captum's trapezoid"] = (M - 1) / M * accepted["trapezoid of m points"]
    call = oracle.call(function, network, *arguments, M)
    yield Question(case, call, x[None], tuple(accepted.values()))
