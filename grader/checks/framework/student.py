"""A submission as checks see it: the homework's functions; every failure is an exception."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from grader.calls.functions import Functions
from grader.calls.snippet import one_line, script
from grader.calls.validate import WrongKind, shapes_of, to_array, validate
from grader.checks.framework import expect, pass_budget, trace
from grader.checks.framework.expect import StudentFault, Unmet
from grader.homework import contract
from grader.homework.contract import Array, Module, Returns
from grader.records import Call, Limits, Reply, StudentError
from grader.sandbox.host.session import Session

__all__ = ["Student"]

_REMEMBERED = 100
"""The latest answers of a check, at most: a diagnosis has to explain all of them."""


class Student(Functions):
    """The functions of one submission, for one check.

    Every method of the homework's names raises :class:`StudentFault` if the student's code
    raised, ended the process or is missing, and :class:`Unmet` if the value is of another type or
    shape than the homework's.

    Args:
        session: carries out the calls.
        limits: of each call; ``None`` leaves them to the session.
    """

    def __init__(self, session: Session, limits: Limits | None = None) -> None:
        self._session, self._limits = session, limits
        self.last: Call | None = None
        self.printed = ""
        self.answers: deque[tuple[Call, Any]] = deque(maxlen=_REMEMBERED)
        """The calls that returned something, and what; latest last."""
        self.slow: dict[str, str] = {}
        """The warning about the cost of a function, by its name."""

    def reply(self, call: Call) -> Reply:
        """Carry out a call, and return the reply, also if it is an error."""
        self.last = call
        reply = self._session.call(call, self._limits)
        trace.note(trace.Called(call, reply))
        self.printed = reply.stdout or self.printed
        if words := pass_budget.too_slow(call, reply.passes):
            self.slow.setdefault(call.function, words)
        return reply

    def value(self, call: Call, returns: Returns | None, shapes: dict[str, Any]) -> Any:
        """What the student's function gives; the arguments are those of :meth:`Functions.value`.

        Raises:
            StudentFault: the student's code raised, ended the process or is missing.
            Unmet: the value has another type or shape.
        """
        reply = self.reply(call)
        if reply.error is not None:
            raise StudentFault(reply.error)
        self.answers.append((call, reply.value))
        return _read(returns, reply.value, shapes, call)

    def answer(self, call: Call) -> Any:
        """The value of a call to one of the homework's functions."""
        return self.value(call, contract.function(call.function).returns, shapes_of(call))

    def drive(self, driver: str, *, seed: int, **arguments: Any) -> Mapping[str, Any]:
        """What one of our drivers measures on the student's ``gan.py``, or on another part's file.

        Args:
            driver: its name, a function of ``grader/sandbox/gan``, or ``part/name`` of another one.
            seed: of the guest's generators.
            **arguments: of the driver, arrays and numbers.

        Returns:
            What it measured, by name.  Arrays come as they are, unchecked: see
            :func:`grader.checks.gan.evidence.field`.

        Raises:
            StudentFault: the student's code raised, ended the process or is missing.
        """
        value = self._measured(Call(f"drive:{driver}", arguments, seed))
        return {k: getattr(v, "array", v) for k, v in value.items()}

    def _measured(self, call: Call) -> Mapping[str, Any]:
        reply = self.reply(call)
        if reply.error is not None:
            raise StudentFault(reply.error)
        value = reply.value
        if not isinstance(value, dict):
            raise StudentFault(StudentError("garbage", "the process of your code sent a bad reply"))
        return value

    def driven(self, driver: str, *calls: Call, **arguments: Any) -> list[Any]:
        """The answers to calls of one function that are carried out in another manner.

        Args:
            driver: its name in ``grader/sandbox/again.py``.
            *calls: one for each answer.
            **arguments: of the driver; with ``inputs`` among them the answers are outputs of a
                module.

        Returns:
            The answers, as those of the function.

        Raises:
            StudentFault: the student's code raised, ended the process or is missing.
            Unmet: an answer has another type or shape.
        """
        function = contract.function(calls[0].function)
        named = {"function": function.name, **arguments}
        got = self._measured(Call(f"drive:{function.part}/{driver}", named))
        answers = []
        for name, call in zip(("first", "second"), calls, strict=False):
            value = got.get(name)
            if "inputs" in arguments:
                answers.append(_read(None, value, {}, Call("()", {})))
            else:
                answers.append(_read(function.returns, value, shapes_of(call), call))
        return answers

    @contextmanager
    def apart(self) -> Iterator[Student]:
        """The same submission in a fresh process, which nothing of this one reaches."""
        session = self._session.fresh()
        other = Student(session, self._limits)
        try:
            yield other
        finally:
            self.last, self.printed = other.last or self.last, other.printed or self.printed
            session.close()

    def explain(self, unmet: Unmet) -> Unmet:
        """Add the call and an example to an unmet expectation, unless the check gives its own."""
        if self.last is None:
            return unmet
        return expect.add(
            unmet,
            tried=one_line(self.last),
            counterexample=script(self.last),
            stdout=self.printed,
        )


def _read(returns: Returns | None, value: Any, shapes: Mapping[str, Any], call: Call) -> Any:
    """The value of a call in the contract's form; ``()`` is the output of a returned module."""
    module_called = call.function == "()"
    what = "the output of the returned module" if module_called else call.function
    try:
        if not module_called:
            return validate(returns, value, shapes)
        if isinstance(returns, Module) and returns.rows:
            return validate(Array(returns.rows), value, shapes)
        return to_array(value)
    except WrongKind as error:
        raise expect.wrong_kind(error, what) from None
