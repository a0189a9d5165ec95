"""How to declare a check: a decorated function with a docstring that students read.

``@check`` registers the function.  ``@for_all`` runs it on cases that Hypothesis draws, and shrinks
failures.  Checks keep the order in which they are declared; a wrong declaration fails at import.
Hypothesis is imported by the first check that draws: to declare checks needs none of it.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import pkgutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, wraps
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from grader import layout
from grader.checks.framework import trace
from grader.checks.framework.expect import StudentFault, Unmet
from grader.checks.framework.student import Student
from grader.homework import contract
from grader.records import Check, Feedback, Limits

__all__ = ["CHECKS", "assume", "check", "checks_of", "for_all", "load", "without_shrinking"]

Run = Callable[[Student], Feedback | None]
R = TypeVar("R", bound=Run)

CHECKS: dict[str, Check] = {}
"""Every check by id, as :func:`load` imported them; the hidden ones are those of the last seed."""

_DECLARED: dict[Any, Check] = {}

_HIDDEN: dict[str | int, dict[str, Check]] = {}
"""Hidden checks by the seed of their cases."""


def check(
    function: str,
    points: float,
    needs: Sequence[Run] = (),
    limits: Limits | None = None,
    causes: Sequence[str] = (),
) -> Callable[[R], R]:
    """Declare a check of one function of the homework.

    The id is ``function.name``; the docstring's first line is the title, the rest says what is
    tried.  A check is hidden when its module lies in ``grader.checks.hidden``.

    Args:
        function: its name in the contract.
        points: what it is worth; 0 for one that only comes before others, such as a shape, which
            any code can return.
        needs: checks of the same function, declared above; unless all of them pass, it is blocked.
        limits: of each call, where the defaults do not fit.
        causes: ids of checks whose failure may be the reason of this one's, the likeliest first.

    Raises:
        ValueError: the declaration is wrong.
    """

    def declare(run: R) -> R:
        name = f"{function}.{run.__name__}"
        title, _, about = (inspect.getdoc(run) or "").partition("\n")
        if function not in contract.FUNCTIONS:
            raise ValueError(f"{name}: the homework has no function {function!r}")
        if not title:
            raise ValueError(f"{name}: a check needs a docstring, which students read")
        if points < 0:
            raise ValueError(f"{name}: points must be >= 0 (got {points})")
        if name in CHECKS:
            raise ValueError(f"{name}: a check of that name exists already")
        needed = []
        for need in needs:
            before = _DECLARED.get(need)
            if before is None or before.function != function:
                words = getattr(need, "__name__", repr(need))
                raise ValueError(f"{name}: {words} is no check of {function} declared above")
            needed.append(before.id)
        made = Check(
            id=name,
            part=contract.function(function).part,
            function=function,
            title=title,
            points=float(points),
            hidden=layout.is_hidden(run.__module__),
            needs=tuple(needed),
            limits=limits,
            run=run,
            about=" ".join(about.split()),
            causes=tuple(causes),
        )
        CHECKS[name] = _DECLARED[run] = made
        return run

    return declare


def load(hidden_seed: str | int | None = None, *, optional: bool = False) -> list[Check]:
    """Import every module of checks; the checks come in the order of the homework's functions.

    Hidden checks are loaded only if they are installed; a student's package has none.

    Args:
        hidden_seed: from which the cases of hidden checks are drawn; ``None`` for the default. Each
            seed has its own hidden checks; public checks are the same for all.
        optional: whether those of optional parts are among them.
    """
    import grader.checks as package

    for name in _modules(package):
        importlib.import_module(name)
    checks = [c for c in CHECKS.values() if not c.hidden]
    if importlib.util.find_spec(layout.HIDDEN):
        checks += _load_hidden(importlib.import_module(layout.HIDDEN), hidden_seed).values()
    order = list(contract.FUNCTIONS)
    left_out = () if optional else [part.id for part in contract.PARTS if part.optional]
    checks = [c for c in checks if c.part not in left_out]
    return sorted(checks, key=lambda c: (order.index(c.function), c.hidden))


def _modules(package: ModuleType) -> Iterator[str]:
    """The modules of checks in a package, one folder after the other; hidden ones lie in theirs."""
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        if module.name in (layout.HIDDEN, f"{package.__name__}.framework"):
            continue
        yield module.name
        if module.ispkg:
            yield from _modules(importlib.import_module(module.name))


def _load_hidden(package: Any, seed: str | int | None) -> dict[str, Check]:
    """The hidden checks of a seed; their modules read it when they are imported."""
    seed = package.DEFAULT_SEED if seed is None else seed
    if seed not in _HIDDEN:
        for made in [c for c in CHECKS.values() if c.hidden]:
            del CHECKS[made.id]
        package.SEED = package.Secret(seed)
        names = list(_modules(package))
        # Import them anew instead of reloading: checks of another seed still read the old modules.
        for name in names:
            sys.modules.pop(name, None)
        for name in names:
            importlib.import_module(name)
        _HIDDEN[seed] = {c.id: c for c in CHECKS.values() if c.hidden}
    return _HIDDEN[seed]


def checks_of(checks: Sequence[Check], *, part: str = "", only: str = "") -> list[Check]:
    """The checks of a part or of a function, or a single one with those that it needs.

    Args:
        checks: to choose from.
        part: id of a part; "" takes all parts.
        only: id of a check, or name of a function; "" takes all.

    Returns:
        Those chosen, in the order of ``checks``.

    Raises:
        KeyError: there is none of that part or name.
    """
    chosen = [c for c in checks if not part or c.part == part]
    if only:
        wanted = {c.id for c in chosen if only in (c.id, c.function)}
        by_id = {c.id: c for c in checks}
        more = list(wanted)
        while more:
            more = [need for name in more for need in by_id[name].needs if need not in wanted]
            wanted.update(more)
        chosen = [c for c in checks if c.id in wanted]
    if not chosen:
        raise KeyError(only or part)
    return chosen


_SHRINK_CALLS, _SHRINK_SECONDS = 30, 2.0
_PHASES = ["generate", "shrink"]


@contextmanager
def without_shrinking() -> Iterator[None]:
    """Inside, the first counterexample is reported without making it smaller."""
    _PHASES.remove("shrink")
    try:
        yield
    finally:
        _PHASES.append("shrink")


class _Halt(BaseException):
    """Ends Hypothesis's search at once: a simpler crash or timeout is not worth the time."""

    def __init__(self, verdict: StudentFault | Unmet) -> None:
        super().__init__()
        self.verdict = verdict


@cache
def _hypothesis() -> ModuleType:
    """Hypothesis, with a folder of ours: it would make one wherever the student works."""
    from hypothesis.configuration import set_hypothesis_home_dir

    set_hypothesis_home_dir(Path.home() / ".cache" / "hw3-grader")
    return importlib.import_module("hypothesis")


def assume(holds: bool) -> None:
    """Leave out the case at hand, in a check of :func:`for_all`, unless this holds."""
    _hypothesis().assume(holds)


@contextmanager
def _nothing_of_this_process() -> Iterator[None]:
    """Keep Hypothesis from drawing numbers that it finds in the source of loaded modules.

    It reads all modules that are not installed, for example those of a checkout or a student's own
    tests.  With these numbers the same check would try other cases, and could give another mark.
    """
    providers = importlib.import_module("hypothesis.internal.conjecture.providers")
    collect = getattr(providers, "_get_local_constants", None)
    if collect is None:  # before 6.131 it drew none
        yield
        return
    none = providers.Constants()
    setattr(providers, "_get_local_constants", lambda: none)  # noqa: B010
    _forget_permitted(providers)
    try:
        yield
    finally:
        setattr(providers, "_get_local_constants", collect)  # noqa: B010
        _forget_permitted(providers)


def _forget_permitted(providers: ModuleType) -> None:
    """Clear Hypothesis's memory of which of these numbers fit which strategy."""
    permitted = getattr(providers, "CONSTANTS_CACHE", None)
    if permitted is not None:
        permitted.cache.clear()


def for_all(
    *lists: Sequence[Any], examples: int = 20
) -> Callable[[Callable[[Student, Any], None]], Run]:
    """Run a check ``(student, case)`` on cases that Hypothesis draws, derandomized.

    The outcome of a case is remembered.  Shrinking ends after 30 further cases or two seconds, so
    that failures report quickly.  An exception in the student's code ends the search.  The first
    failing case decides the score.  How far shrinking gets depends on the machine, but it only
    decides which example is shown.

    Args:
        *lists: of hashable cases, so that every machine draws the same ones; of several lists, a
            case is a tuple with one of each.
        examples: how many cases at most.
    """

    def decorate(body: Callable[[Student, Any], None]) -> Run:
        @wraps(body)
        def run(student: Student) -> None:
            seen: dict[Any, Unmet | None] = {}
            first: Unmet | None = None
            failed_at, since = 0.0, 0

            def outcome(case: Any) -> Unmet | None:
                nonlocal first, failed_at, since
                if case not in seen:
                    if first is not None:
                        since += 1
                        if since > _SHRINK_CALLS or time.monotonic() - failed_at > _SHRINK_SECONDS:
                            return None
                    trace.note(trace.Case(case))
                    try:
                        body(student, case)
                        seen[case] = None
                    except Unmet as unmet:
                        told = student.explain(unmet)
                        if first is None:
                            first, failed_at = told, time.monotonic()
                        seen[case] = told if told.fraction == first.fraction else None
                    except StudentFault as fault:
                        raise _Halt(first or fault) from None
                return seen[case]

            # Hypothesis draws by the text of this function: a change of it changes the cases.
            def holds(case: Any) -> None:
                unmet = outcome(case)
                if unmet is not None:
                    raise unmet

            try:
                with _nothing_of_this_process():
                    _searched(lists, examples)(holds)()
            except _Halt as halt:
                raise halt.verdict from None

        del run.__wrapped__  # its signature is that of a check
        return run

    return decorate


def _searched(
    lists: Sequence[Sequence[Any]], examples: int
) -> Callable[[Callable[[Any], None]], Callable[[], None]]:
    """What makes of a test of a case one of many cases: one list's, or tuples of several."""
    hypothesis = _hypothesis()
    drawn = [hypothesis.strategies.sampled_from(cases) for cases in lists]
    cases = drawn[0] if len(drawn) == 1 else hypothesis.strategies.tuples(*drawn)
    quick = hypothesis.settings(
        max_examples=examples,
        derandomize=True,
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        verbosity=hypothesis.Verbosity.quiet,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase[name] for name in _PHASES],
    )

    def search(holds: Callable[[Any], None]) -> Callable[[], None]:
        return quick(hypothesis.given(cases)(holds))  # type: ignore[no-any-return]

    return search
