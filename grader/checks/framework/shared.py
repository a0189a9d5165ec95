"""What checks of several functions share: groups of cases, side effects, bad arguments, dtypes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from grader.checks.framework import expect
from grader.checks.framework.cases import Case, normal
from grader.checks.framework.expect import HALF
from grader.checks.framework.student import Student
from grader.homework import contract
from grader.records import Call, Received, Reply

__all__ = [
    "STATEFUL",
    "averages",
    "by_slice",
    "dtype_kept",
    "leaves_as_found",
    "of_all_sizes",
    "refuses",
    "right_on",
    "right_on_each",
]

T = TypeVar("T")


FURTHER = 24
"""Cases that are tried after one that fails: enough to tell mistakes apart."""


def right_on_each(student: Student, cases: Iterable[T], holds: Callable[[T], None]) -> None:
    """Every case holds.  After one that does not, up to :data:`FURTHER` others are tried as well.

    They change neither points nor the message, but what is said to be wrong with a function has to
    explain all of its answers, and few answers do not tell mistakes apart.

    Args:
        student: knows what was called.
        cases: in their order.
        holds: raises :class:`expect.Unmet` if a case has a wrong answer.

    Raises:
        Unmet: of the first case that fails.
        StudentFault: the student's code raised, and no case before it failed.
    """
    first: expect.Unmet | None = None
    further = 0
    for case in cases:
        further += first is not None
        if further > FURTHER:
            break
        try:
            holds(case)
        except expect.Unmet as unmet:
            first = first or student.explain(unmet)
        except expect.StudentFault:
            if first is None:
                raise
            break
    if first is not None:
        raise first


def right_on(
    student: Student,
    groups: Mapping[str, Sequence[T]],
    holds: Callable[[T], None],
    special: Mapping[str, Sequence[T]] | None = None,
) -> None:
    """Every case holds.  If a group fails and another one is right, the answer earns at most half.

    Args:
        student: knows what was called.
        groups: the cases in groups, by words such as "linear slices".
        holds: raises :class:`expect.Unmet` if a case has a wrong answer.
        special: further cases of a group, which earn nothing by themselves.

    Raises:
        Unmet: a case fails.
    """
    wrong: dict[str, expect.Unmet] = {}
    for words, cases in groups.items():
        try:
            right_on_each(student, cases, holds)
        except expect.Unmet as unmet:
            wrong[words] = unmet
        else:
            for case in (special or {}).get(words, ()):
                holds(case)
    if not wrong:
        return
    first = next(iter(wrong.values()))
    earned = [wrong[words].fraction if words in wrong else 1.0 for words in groups]
    feedback = first.feedback
    if len(wrong) < len(groups):
        right = " and ".join(words for words in groups if words not in wrong)
        message = f"right for {right}, but not for {next(iter(wrong))}: {feedback.message}"
        feedback = replace(feedback, message=message)
    fraction = min(HALF, sum(earned) / len(earned))
    raise expect.Unmet(feedback, fraction, of_values=first.of_values)


def by_slice(cases: Sequence[Case]) -> dict[str, list[Case]]:
    """Cases by the kind of their slice, for :func:`right_on`."""
    flat, maps = ([c for c in cases if (len(c.shape) > 1) == kind] for kind in (False, True))
    return {
        words: of for words, of in (("linear slices", flat), ("convolutional slices", maps)) if of
    }


def of_all_sizes(seed: int) -> list[np.ndarray]:
    """Influences of 12 neurons whose order does not depend on their size, float32.

    Very small ones, very large ones, large ones of one sign, and ones that are nearly equal: code
    that rounds, clips or computes in half precision ranks them in another order.
    """
    order = np.random.RandomState(seed).permutation(12).astype(np.float64)
    rows = normal(seed, 12).astype(np.float64)
    made = (1e-9 * rows, 1e6 * rows, 50 * rows - 1000, 50 * rows + 1000, 1 + 1e-5 * order)
    return [one.astype(np.float32) for one in made]


STATEFUL: tuple[tuple[str, dict[str, Any]], ...] = (
    ("dropout_bn", {"training": True, "grads": True}),
    ("dropout_bn", {"mixed": True}),
    ("inplace_cnn", {"grads": True}),
    ("smooth_mlp", {"training": True, "head": "softmax"}),
    ("inplace_mlp", {}),
    ("blocks", {"mixed": True}),
    ("smooth_mlp", {"hooked": True}),
    ("smooth_mlp", {"dtype": "float64", "mix": ((0.1, 1),)}),
)
"""Networks on which careless code changes something: modes, statistics, gradients, inputs."""


def leaves_as_found(student: Student, calls: Sequence[Call], *, may_raise: bool = False) -> None:
    """Arguments, parameters, buffers, ``.grad``, hooks and modes are the same after each call.

    A tensor that comes back has the floating dtype of the input, or int64 if it holds neurons.

    This ends a check of values: what changed is seen in the student's own process, where code can
    hide it.  So the right values earn the points, and a change that is seen leaves half of them.

    Args:
        student: whose calls they are.
        calls: what is called.
        may_raise: whether a call may raise, as on a tensor that the network cannot take.

    Raises:
        Unmet: something changed, or a dtype is another one; half the points.
        StudentFault: the student's code raised, ended the process or is missing.
    """
    for call in calls:
        reply = student.reply(call)
        if reply.error is not None and not (may_raise and reply.error.kind == "raised"):
            raise expect.StudentFault(reply.error)
        if reply.changed:
            changed = ", ".join(reply.changed)
            expect.partial(
                HALF,
                f"the values are right, but the call changed {changed}",
                expected="everything as before the call",
                actual=changed,
            )
        for expected, actual in _dtypes(call, reply):
            if actual != expected:
                expect.partial(
                    HALF,
                    f"the values are right, but the result is {actual}",
                    expected=expected,
                    actual=actual,
                    hint=_KEEP_FLOAT if expected.startswith("float") else "use dtype=torch.int64",
                )


def _dtypes(call: Call, reply: Reply) -> Iterator[tuple[str, str]]:
    """Of each tensor that came back, the dtype that it should have, and its own."""
    returns, value = contract.function(call.function).returns, reply.value
    pairs = [(returns, value)]
    if isinstance(returns, contract.Tuple):
        pairs = list(zip(returns.items, value, strict=False)) if type(value) is list else []
    inputs = [call.arguments[name] for name in ("x", "xs") if name in call.arguments]
    for kind, one in pairs:
        if not isinstance(kind, contract.Array) or not isinstance(one, Received):
            continue
        if one.origin == "tensor" and kind.kind == "int":
            yield "int64", one.dtype
        elif one.origin == "tensor" and inputs:
            yield inputs[0].dtype.name, one.dtype


def refuses(student: Student, calls: Sequence[tuple[str, Call]]) -> None:
    """Each call raises ValueError or IndexError, and changes nothing.

    Each one that does earns its share.  A call without words has good arguments, and must not
    raise: code that raises for whatever it does not know, such as a table of answers, refuses
    nothing.
    """
    kept: list[expect.Unmet] = []
    for _, call in (pair for pair in calls if not pair[0]):
        error = student.reply(call).error
        if error is not None and error.kind != "raised":
            raise expect.StudentFault(error)
        expect.that(
            error is None,
            "the call raises for good arguments, too",
            expected="a value",
            actual="" if error is None else error.message,
            where="" if error is None else expect.where(error),
        )
    calls = [pair for pair in calls if pair[0]]
    for words, call in calls:
        try:
            reply = student.reply(call)
            expect.raises(reply, words)
            expect.that(
                not reply.changed,
                f"{words} raises an error as it should, but the call changed "
                f"{', '.join(reply.changed)}",
                expected="everything as before the call, also after an error",
                actual=", ".join(reply.changed),
                hint="restore in `finally:` what you change, or refuse arguments before you "
                "change anything",
            )
        except expect.Unmet as unmet:
            kept.append(student.explain(unmet))
    if not kept:
        return
    refused = len(calls) - len(kept)
    raise expect.Unmet(kept[0].feedback, refused / len(calls) if refused else 0.0)


def averages(ask: Callable[[Any], np.ndarray], rows: np.ndarray, given: Sequence[Any]) -> None:
    """The influence under weights is the mean of the rows, after the weights are normalised.

    Args:
        ask: the student's influence under weights.
        rows: (N, D) the influence of each row.
        given: weights of the N rows, of several kinds and sums.

    Raises:
        Unmet: it is another one; half is earned if all are off by one factor.
    """
    pairs = []
    for weights in given:
        share = np.asarray(weights, dtype=np.float64)
        total = float(share.sum())
        sizes = (total, total / float(share.max()))
        right = share @ rows / total
        pairs.append(expect.Pair(ask(weights), right, "the influence under weights", sizes))
    expect.up_to_a_factor(pairs, HALF)
    for pair in pairs:
        expect.close(pair.actual, pair.expected, what=pair.what)


def dtype_kept(reply: Reply, dtype: str) -> None:
    """A tensor comes back in the input's floating dtype; lists and NumPy arrays may have any."""
    if reply.error is not None:
        raise expect.StudentFault(reply.error)
    value: Any = reply.value
    if getattr(value, "origin", "") != "tensor":
        return
    expect.that(
        value.dtype == dtype,
        f"for {dtype} input the result is {value.dtype}",
        expected=dtype,
        actual=value.dtype,
        hint=_KEEP_FLOAT,
    )


_KEEP_FLOAT = (
    "make new tensors in the input's dtype, as in torch.linspace(…, dtype=x.dtype), and do not "
    "convert numbers to another dtype on the way"
)
