"""Calls that follow each other on the same objects, in which other numbers stand meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from grader.checks.framework import expect
from grader.checks.framework.cases import Case
from grader.checks.framework.student import Student
from grader.checks.hidden import SEED as SECRET
from grader.checks.hidden.arguments import redrawn
from grader.homework.networks import Network
from grader.oracle.live import oracle

__all__ = ["answers_anew", "module_answers_anew"]

SEED = SECRET.of("anew")

EARLIER = "that an earlier call gave, once a later one has been made"
LATER = "of a second call, with other numbers in the same objects,"

Arguments = Callable[[Case], Sequence[Any]]


def answers_anew(
    student: Student,
    name: str,
    arguments: Arguments,
    what: str,
    *,
    accepted: Callable[[Case], Mapping[str, np.ndarray]] | None = None,
    tolerance: float = expect.FLOAT32,
    clearly: Callable[[Case], bool] = lambda case: True,
) -> None:
    """A function answers what it is asked, whatever it was asked before.

    It is called twice on the same network and arrays, which get other numbers or other layers in
    between.

    Args:
        student: who makes the calls.
        name: of the function.
        arguments: of a call on a case: the network first, if the function takes one.
        what: how the sentence calls the result.
        accepted: the right answers for a case, by name; by default the reference's alone.
        tolerance: of the result.
        clearly: what has to hold of a case, for example that no neurons are nearly tied.

    Raises:
        Unmet: an answer is another one.
        StudentFault: the student's code raised.
    """

    def judged(value: Any, case: Case, when: str) -> None:
        right = accepted(case) if accepted else None
        if right is None:
            asked = getattr(oracle, name)(*arguments(case))
            if isinstance(asked, tuple):
                for got, expected in zip(value, asked, strict=True):
                    expect.close(got, expected, tolerance, f"{what} {when}", scale=1)
                return
            right = {"": asked}
        expect.nearest(value, right, tolerance, f"{what} {when}")

    drawn = (Case(Network("smooth_mlp", seed=SEED + n), 2, 1, SEED + n) for n in (1, 2))
    one, other = (redrawn(case, clearly) for case in drawn)
    if one is None or other is None:
        return
    calls = [student.call(name, *arguments(case)) for case in (one, other)]
    for replaced in (False, True):
        lists = {"first": list(arguments(one)), "second": list(arguments(other))}
        got = student.driven("again", *calls, **lists, replaced=replaced)
        judged(got[0], one, EARLIER)
        judged(got[1], other, LATER)


def module_answers_anew(
    student: Student,
    name: str,
    arguments: Arguments,
    what: str,
    *,
    clearly: Callable[[Case], bool] = lambda case: True,
) -> None:
    """The same of a function that returns a module; the module answers anew, too.

    A module that was made is called again once another one has been made, also on more rows; and if
    it raises, the network that was handed over is as it was.

    Args:
        student: who makes the calls.
        name: of the function.
        arguments: of a call on a case, whose target is 1 or 2: the network first.
        what: how the sentence calls the module's output.
        clearly: what has to hold of a case.

    Raises:
        Unmet: an output is another one; half the points where it is the network's own.
        StudentFault: the student's code raised where it may not.
    """
    drawn = (Case(Network("smooth_mlp", seed=SEED + 3 + n), 1, n, SEED + 3 + n) for n in (1, 2))
    one, other = (redrawn(case, clearly) for case in drawn)
    if one is None or other is None:
        return
    calls = [student.call(name, *arguments(case)) for case in (one, other)]
    batches = [one.xs(3), other.xs(3)]
    of_one, of_other = (getattr(oracle, name)(*arguments(case)) for case in (one, other))
    first, second = list(arguments(one)), list(arguments(other))
    lists = {"first": first, "second": second, "inputs": batches}
    for replaced in (False, True):
        got = student.driven("again", *calls, **lists, replaced=replaced)
        expect.close(got[1], _output(of_other, batches[1]), what=f"{what} {LATER}")
    got = student.driven("again", calls[0], calls[0], first=first, second=[], inputs=batches)
    expect.close(got[0], _output(of_one, batches[0]), what=f"{what} {EARLIER}")
    expect.close(got[1], _output(of_one, batches[1]), what=f"{what} {LATER}")
    made, beside = (getattr(student, name)(*arguments(case)) for case in (one, other))
    for module, right, xs in (
        (made, of_one, one.xs(2)),
        (beside, of_other, other.xs(3)),
        (made, of_one, one.xs(5)),
    ):
        words = f"{what} of a module, once another one has been made"
        expect.close(_output(module, xs), _output(right, xs), what=words)
    bad = one.xs(3)[:, :2]
    got = student.driven("after_an_error", calls[0], arguments=first, inputs=one.xs(3), bad=bad)
    words = "the output of the network itself, once the module got rows that are too short"
    try:
        expect.close(got[0], _output(oracle.split(first[0], -1), one.xs(3)), what=words)
    except expect.Unmet as unmet:
        raise expect.Unmet(unmet.feedback, expect.HALF) from None


def _output(module: Any, xs: np.ndarray) -> np.ndarray:
    for one in module if isinstance(module, tuple) else (module,):
        xs = one(xs)
    return xs
