"""``assignment.toml``: what an instructor changes about the homework without touching code.

::

    seed = "TEXT"                 # hidden cases are drawn from it; or a number
    packages = ["scipy"]          # what submissions may import beside the promised packages
    [points]                      # of a check, a function or a part; the most specific holds
    "FUNCTION.CHECK" = 2
    part3 = 30
    [visibility]                  # of a check or a function: "public" or "hidden"
    "FUNCTION.CHECK" = "hidden"
    [late]                        # when it is due, and what it costs to be late
    due = "2026-03-01 23:59"
    [limits]                      # of every call; a check's own: [limits."FUNCTION.CHECK"]
    wall_seconds = 30

Importing this module does not import the checks: a guest that is started first imports torch at
the same time as the grader does.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import math
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from grader.errors import BadAssignment
from grader.grading.late import Late
from grader.homework import contract
from grader.records import Check, Limits

__all__ = ["Assignment", "declared", "drawn_seed", "hundredths"]


@dataclass(frozen=True)
class Assignment:
    """Points, visibility, limits, and what hidden cases are drawn from; without arguments, ours.

    Args:
        seed: of the cases of hidden checks, a text or a number; ``None`` for the default, which
            anybody can read.
        points: by check id, function or part.  The checks of a function or part are scaled so that
            they add up to it; those with a more specific rule keep their points, the others fill
            what is left.  A check of 0 points is left out.
        visibility: by check id or function, ``"public"`` or ``"hidden"``.
        limits: of every call, but for those of checks that have limits of their own.
        seconds: ``wall_seconds`` and ``cpu_seconds`` of each call, by check id or function.
        packages: what submissions may import beside the packages that the homework promises.
        late: when it is due, and what it costs to be late.
    """

    seed: str | int | None = None
    points: Mapping[str, float] = field(default_factory=dict)
    visibility: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    seconds: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    packages: Sequence[str] = ()
    late: Late = field(default_factory=Late)

    @property
    def not_installed(self) -> list[str]:
        """The packages that submissions may import, and that are not there."""
        return [name for name in self.packages if importlib.util.find_spec(name) is None]

    def checks(self) -> list[Check]:
        """The checks as the assignment has them, public ones of a function before its hidden ones.

        A public check never waits for a hidden one, nor any check for one that is left out.

        Raises:
            BadAssignment: the points cannot be given so.
        """
        ours = declared(self.seed)
        cents = {
            **{c.id: 0 for c in ours if contract.part(c.part).optional},
            **_scaled(ours, self.points),
        }
        hidden = {c.id: self._hides(c) for c in ours}

        def worth(check: Check) -> bool:
            """Whether its function has points: then what comes before others stays."""
            return any(cents.get(c.id) != 0 for c in ours if c.function == check.function)

        if self.seed is not None and any(c.hidden and not hidden[c.id] for c in ours):
            # Whoever reads the feedback reads the cases, and from them the seed.
            known = {c.id: c for c in declared(None)}
            ours = [c if hidden[c.id] else known[c.id] for c in ours]
        made = {
            c.id: replace(
                c,
                points=cents[c.id] / 100 if c.id in cents else c.points,
                hidden=hidden[c.id],
                limits=self._limits(c),
            )
            for c in ours
            if cents.get(c.id) != 0 or (c.points == 0 and c.id not in self.points and worth(c))
        }
        if not made:
            raise BadAssignment("[points] leaves out every check; give some of them points")

        def waits_for(check: Check, need: str) -> bool:
            return need in made and (check.hidden or not made[need].hidden)

        order = list(contract.FUNCTIONS)
        return sorted(
            (
                replace(c, needs=tuple(need for need in c.needs if waits_for(c, need)))
                for c in made.values()
            ),
            key=lambda c: (order.index(c.function), c.hidden),
        )

    def describe(self) -> dict[str, str]:
        """As it stands in a report, for students too.

        Its digest leaves out the seed: a short one could be found from it by trying all.
        """
        rules = replace(self, seed=None)
        text = json.dumps(asdict(rules), sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:16]
        return {
            "assignment": "as delivered" if rules == Assignment() else digest,
            "hidden cases": "the default seed" if self.seed is None else "the instructor's seed",
        }

    def _hides(self, check: Check) -> bool:
        shown = _of(check, self.visibility)
        return check.hidden if shown is None else shown == "hidden"

    def _limits(self, check: Check) -> Limits | None:
        seconds = {**self.seconds.get(check.function, {}), **self.seconds.get(check.id, {})}
        if not seconds:
            return check.limits
        made = check.limits or self.limits
        return replace(
            made,
            wall_seconds=seconds.get("wall_seconds", made.wall_seconds),
            cpu_seconds=seconds.get("cpu_seconds", made.cpu_seconds),
        )


def declared(seed: str | int | None) -> list[Check]:
    """The checks of all parts as they are declared, hidden ones with the cases of a seed."""
    from grader.checks.framework import registry

    return registry.load(hidden_seed=seed, optional=True)


def drawn_seed() -> str:
    """A seed that nobody finds by trying: 128 random bits, in hexadecimal digits."""
    return secrets.token_hex(16)


def hundredths(points: float) -> Decimal:
    """Points in hundredths, of the number as it is written."""
    return Decimal(repr(points)) * 100


def _of(check: Check, rules: Mapping[str, Any]) -> Any:
    """What the rules say of a check, else of its function, else ``None``."""
    return rules.get(check.id, rules.get(check.function))


def _scaled(checks: Sequence[Check], rules: Mapping[str, float]) -> dict[str, int]:
    """Hundredths of a point by check id, of the checks that a rule is about.

    Whole hundredths, so that the checks of a function or part add up to exactly what was written.
    """
    grouped = any("." not in name and points > 0 for name, points in rules.items())
    if grouped and not any(check.hidden for check in checks):
        raise BadAssignment(
            "[points] of a part or function count its hidden checks too, which are not installed "
            "here; give the points of single checks"
        )
    cents: dict[str, int] = {}
    levels: tuple[Callable[[Check], str], ...] = (
        lambda check: check.id,
        lambda check: check.function,
        lambda check: check.part,
    )
    for level in levels:
        for name in dict.fromkeys(map(level, checks)):
            if name in rules:
                of = [check for check in checks if level(check) == name]
                total = int(hundredths(rules[name]))
                kept = sum(cents[check.id] for check in of if check.id in cents)
                rest = [check for check in of if check.id not in cents]
                _refuse_impossible(name, total, kept, rest)
                cents.update(_shared(name, total - kept, rest))
    return cents


def _refuse_impossible(name: str, total: int, kept: int, rest: Sequence[Check]) -> None:
    said = f"[points] {name} = {total / 100:g}, but what is set inside it adds up to {kept / 100:g}"
    if kept > total:
        raise BadAssignment(f"{said}; give {name} more, or what is inside it less")
    if kept < total and not rest:
        raise BadAssignment(f"{said} and leaves no check to scale; change one of them")
    if kept == total and kept and rest:
        raise BadAssignment(
            f"{said} and leaves nothing for {rest[0].id}{_more(rest)}; "
            "give 0 to what shall be left out"
        )


def _more(rest: Sequence[Check]) -> str:
    return f" and {len(rest) - 1} more" if len(rest) > 1 else ""


def _shared(name: str, cents: int, checks: Sequence[Check]) -> dict[str, int]:
    """``cents`` shared out in proportion to the checks' points, by the largest remainders."""
    if not cents:
        return {check.id: 0 for check in checks}
    parts = {check.id: Fraction(check.points) for check in checks}
    if not any(parts.values()):  # they only come before others, unless they are given points
        parts = dict.fromkeys(parts, Fraction(1))
    exact = {check_id: cents * part / sum(parts.values()) for check_id, part in parts.items()}
    given = {check_id: math.floor(share) for check_id, share in exact.items()}
    by_remainder = sorted(exact, key=lambda check_id: given[check_id] - exact[check_id])
    for check_id in by_remainder[: cents - sum(given.values())]:
        given[check_id] += 1
    nothing = [key for key, share in given.items() if share == 0 and parts[key]]
    if nothing:
        raise BadAssignment(
            f"[points] {name} is so little that {nothing[0]} would be worth less than 0.01; "
            f"give {name} more, or {nothing[0]} 0 to leave it out"
        )
    return given
