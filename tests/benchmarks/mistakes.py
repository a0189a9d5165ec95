"""Single mistakes for ``tolerances.py``: those that ``reference`` knows of, and where they show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from phrasings import DoubleInside, Way
from questions import CASES, INFLUENCES, INTEGRALS, Question, oracle
from torch import nn

from grader.checks.framework.expect import relative_error
from grader.homework.networks import build
from reference.mistakes.influences import (
    Absolute,
    Clipped,
    DropsRows,
    LayerAfter,
    LayerBefore,
    Overwritten,
    SumForMean,
    TimesActivation,
    TrainMode,
    WeightsIgnored,
    WeightsRaw,
)
from reference.mistakes.paths import (
    AtTheEnd,
    AtTheStart,
    NoDifference,
    OneTooFew,
    OneTooMany,
    StraightInside,
    TimesX,
    ZeroBaseline,
)
from reference.mistakes.quantities import (
    MapMean,
    MapSum,
    NextNeuron,
    OneClass,
    OtherSign,
    Predicted,
    SoftmaxKept,
)

__all__ = ["FLOAT32_INSIDE", "MISTAKES", "STEPS_IGNORED", "Mistake"]


@dataclass(frozen=True)
class Mistake:
    """A wrong way, the functions in which it is wrong, and the questions that it concerns.

    ``concerns`` leaves out what a mistake cannot show on, such as a softmax that is kept where
    there is none.
    """

    way: type[Way]
    functions: tuple[str, ...]
    concerns: Callable[[Question], bool] = lambda question: True


MEANS = ("class_influence", "comparative_influence")
BY_SCORE = (*INFLUENCES, *INTEGRALS[:3])
BY_NEURON = ("saliency_map", "integrated_saliency_map")
WITH_DIFFERENCE = INTEGRALS[1:]


class StepsIgnored(Way):
    """always 50 steps (right-hand sum)"""

    def rule(self, steps):
        nodes = torch.arange(1, 51).double() / 50
        return nodes, torch.full_like(nodes, 1 / 50)


class MiddlesIgnored(Way):
    """always 50 steps (midpoint rule)"""

    def rule(self, steps):
        return super().rule(50)


class Float32Inside(DoubleInside):
    """float32 inside, the result in float64"""

    inside = torch.float32


def _has_maps(q: Question) -> bool:
    return len(q.case.shape) > 1


def _has_negative(q: Question) -> bool:
    return bool((q.accepted[0] < 0).any())


def _goes_on(q: Question) -> bool:
    return q.case.layer + 1 < len(build(replace(q.case.network, head="")))


def _passed_on(q: Question, layer: int) -> bool:
    """The layer changes nothing in eval mode, so that slices before and behind it are the same."""
    return isinstance(build(q.case.network)[layer], nn.Dropout)


def _moves_back(q: Question) -> bool:
    return q.case.layer > -1 and not _passed_on(q, q.case.layer)


def _moves_on(q: Question) -> bool:
    return _goes_on(q) and not _passed_on(q, q.case.layer + 1)


def _overwrites(q: Question) -> bool:
    return _goes_on(q) and getattr(build(q.case.network)[q.case.layer + 1], "inplace", False)


def _bends(q: Question) -> bool:
    h = list(build(q.case.network))[: q.case.layer + 1]
    return any(isinstance(layer, nn.ReLU | nn.Softplus) for layer in h)


def _predicted(q: Question) -> np.ndarray:
    return q.case.scores(*q.rows).argmax(1) == q.case.target


def _needs_float64(q: Question) -> bool:
    return relative_error(q.accepted[0].astype(np.float32), q.accepted[0]) > 1e-9


def _drops(q: Question) -> bool:
    return not q.weighted and 0 < _predicted(q).sum() < len(q.rows) and _varies(q)


def _varies(q: Question) -> bool:
    """The gradient is not the same for every row, or all along the line."""
    if q.call.function in INTEGRALS:
        return relative_error(q.accepted[0], q.accepted[1]) > 1e-5  # right-hand and left-hand sum
    rows = oracle.instance_influence(q.case.network, q.case.layer, q.rows, q.case.target)
    if q.call.function == "comparative_influence":
        other = oracle.instance_influence(q.case.network, q.case.layer, q.rows, q.case.other)
        rows = rows - other
    return any(relative_error(row, rows[0]) > 1e-5 for row in rows)


MISTAKES = (
    Mistake(SumForMean, MEANS),
    Mistake(WeightsIgnored, MEANS, lambda q: q.weighted and _varies(q)),
    Mistake(WeightsRaw, MEANS, lambda q: q.weighted),
    Mistake(DropsRows, MEANS[:1], _drops),
    Mistake(TrainMode, BY_SCORE, lambda q: q.case.network.training),
    Mistake(SoftmaxKept, BY_SCORE, lambda q: q.case.network.head == "softmax"),
    Mistake(LayerBefore, BY_SCORE[:4], _moves_back),
    Mistake(LayerAfter, BY_SCORE[:4], _moves_on),
    Mistake(Overwritten, BY_SCORE[:4], _overwrites),
    Mistake(TimesActivation, BY_SCORE[:4]),
    Mistake(Absolute, (*INFLUENCES, "saliency_map"), _has_negative),
    Mistake(Clipped, (*INFLUENCES, "saliency_map"), _has_negative),
    Mistake(Predicted, INFLUENCES[:2], lambda q: not _predicted(q).all()),
    Mistake(OneClass, ("comparative_influence", "comparative_integrated_gradients")),
    Mistake(OtherSign, ("comparative_influence", "comparative_integrated_gradients")),
    Mistake(NextNeuron, BY_NEURON),
    Mistake(MapSum, BY_NEURON, _has_maps),
    Mistake(MapMean, BY_NEURON, _has_maps),
    Mistake(OneTooMany, INTEGRALS),
    Mistake(OneTooFew, INTEGRALS),
    Mistake(AtTheEnd, INTEGRALS, _varies),
    Mistake(AtTheStart, INTEGRALS, _varies),
    Mistake(ZeroBaseline, INTEGRALS),
    Mistake(TimesX, WITH_DIFFERENCE),
    Mistake(NoDifference, WITH_DIFFERENCE),
    Mistake(StraightInside, INTEGRALS[:1], _bends),
)

STEPS_IGNORED = (
    Mistake(StepsIgnored, INTEGRALS, _varies),
    Mistake(MiddlesIgnored, INTEGRALS, _varies),
)
"""Near an exact rule at any number of steps; checks find them by what does not change with it."""

FLOAT32_INSIDE = Mistake(Float32Inside, tuple(CASES), _needs_float64)
"""The smallest mistake in float64."""
