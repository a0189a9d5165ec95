"""Counts the rows: which mistakes keep full marks, which honest submissions lose points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from grader.audit.bank import Bank, Specimen
from grader.audit.run import Row
from grader.homework.contract import PARTS
from grader.records import Check

__all__ = ["document", "unseen_share"]

FORMAT = 1
"""Version of the document.

1: the first one.
"""


def document(
    bank: Bank, rows: Sequence[tuple[Specimen, Row]], checks: Sequence[Check], seconds: float
) -> dict[str, Any]:
    """Everything that the terminal, the page and the file show, as JSON.

    Args:
        bank: knows the equivalent mutants.
        rows: of the specimens that were graded.
        checks: all of them.
        seconds: how long it took.

    Returns:
        ``numbers``: wrong submissions with full marks, honest ones below, and the totals;
        ``kinds``: how many submissions of each kind the bank holds, mutants by operator;
        ``mutants`` and ``mistakes`` with the checks that took points; ``survivors`` of both with
        their diffs; ``equivalent``; ``honest`` with their scores; ``honest_below_full``;
        ``diagnoses``; ``checks`` with what each notices; ``parts``; ``invalid``; ``seconds``; and
        ``whole``, whether the whole bank was graded.
    """
    points = {check.id: check.points for check in checks}
    mutants = [_mutant(bank, s, r) for s, r in rows if s.kind == "mutant"]
    mistakes = [_mistake(s, r) for s, r in rows if s.kind == "mistake"]
    honest = [_honest(s, r, points) for s, r in rows if s.kind == "honest"]
    unseen = [(m, _unseen(m["functions"])) for m in mutants]
    survivors = [
        {"name": m["name"], "functions": functions, "about": m["diff"]}
        for m, functions in unseen
        if functions
    ]
    survivors += [
        {"name": m["name"], "functions": [], "about": m["about"]}
        for m in mistakes
        if not m["killed_by"]
    ]
    below = [
        {"name": one["name"], "check": check, "message": message}
        for one in honest
        for check, message in one["lost"].items()
    ]
    return {
        "format": FORMAT,
        "seconds": round(seconds, 1),
        "graded": len(rows),
        "whole": len(rows) == len(bank.specimens),
        "numbers": {
            "wrong": len(mutants) + len(mistakes),
            "wrong_with_full_marks": len(survivors),
            "honest": len(honest),
            "honest_below_full": len({one["name"] for one in below}),
        },
        "kinds": _kinds([s for s, _ in rows]),
        "mutants": mutants,
        "mistakes": mistakes,
        "survivors": survivors,
        "equivalent": _equivalent(mutants),
        "honest": honest,
        "honest_below_full": below,
        "diagnoses": _diagnoses(rows),
        "checks": [_check(check, rows) for check in checks],
        "parts": {
            part.id: _part(part.id, mutants, checks)
            for part in PARTS
            if not part.optional or part.id in {check.part for check in checks}
        },
        "left_out": list(bank.left_out),
        "invalid": [
            {"name": s.name, "check": check, "message": ended.message}
            for s, r in rows
            for check, ended in r.ended.items()
            if ended.status == "invalid"
        ],
    }


def unseen_share(bad: int, among: int) -> float | None:
    """The largest share of such submissions that may be there and was not seen, or ``None``.

    The rule of three: of ``among`` independent ones none was found, so with 95 % confidence fewer
    than 3 / ``among`` of all others like them are.  Mutants of one program are alike, so this
    speaks of mistakes that the bank's makers would think of, and no others.
    """
    return None if bad or not among else min(1.0, 3 / among)


def _kinds(specimens: Sequence[Specimen]) -> dict[str, int]:
    """How many there are of each kind; mutants by the operator that made them."""
    names = [
        f"mutant: {s.name.rpartition('.')[2].partition('-')[0]}" if s.kind == "mutant" else s.kind
        for s in specimens
    ]
    return {name: names.count(name) for name in sorted(set(names))}


def _unseen(functions: Mapping[str, Any]) -> list[str]:
    """The functions in which a mutant loses no points and is not listed as equivalent."""
    return [f for f, one in functions.items() if not one["killed_by"] and not one["equivalent"]]


def _mutant(bank: Bank, specimen: Specimen, row: Row) -> dict[str, Any]:
    return {
        "name": specimen.name,
        "part": specimen.part,
        "diff": specimen.about,
        "functions": {
            function: {
                "killed_by": row.lost(function),
                "equivalent": bank.reason(specimen.name, function),
            }
            for function in specimen.functions
        },
    }


def _mistake(specimen: Specimen, row: Row) -> dict[str, Any]:
    lost = [check for check, ended in row.ended.items() if ended.fraction < 1]
    return {"name": specimen.name, "about": specimen.about, "killed_by": lost}


def _honest(specimen: Specimen, row: Row, points: Mapping[str, float]) -> dict[str, Any]:
    allowed = {c for c in row.ended if c in specimen.allowed}
    lost = {
        check: ended.message or ended.status
        for check, ended in row.ended.items()
        if ended.fraction < 1 and check not in allowed
    }
    return {
        "name": specimen.name,
        "about": specimen.about,
        "earned": sum(points[check] * ended.fraction for check, ended in row.ended.items()),
        "possible": sum(points[check] for check in row.ended),
        "allowed": sorted(allowed),
        "lost": lost,
    }


def _equivalent(mutants: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Mutants that are listed as equivalent.  If a check notices one, the list is wrong."""
    found = []
    for mutant in mutants:
        of = {f: one for f, one in mutant["functions"].items() if one["equivalent"]}
        if of:
            found.append(
                {
                    "name": mutant["name"],
                    "functions": list(of),
                    "reason": next(iter(of.values()))["equivalent"],
                    "killed_by": [check for one in of.values() for check in one["killed_by"]],
                }
            )
    return found


def _diagnoses(rows: Sequence[tuple[Specimen, Row]]) -> dict[str, Any]:
    """How often feedback named the mistake of a sample rightly, wrongly or not at all.

    Every failed or partial check counts, also those about bad arguments and side effects, for which
    there is no diagnosis.
    """
    from grader.diagnosis.sentences import SENTENCES

    names = {sentence: name for name, sentence in SENTENCES.items()}
    samples: list[dict[str, Any]] = []
    for specimen, row in rows:
        if specimen.mistakes:
            lost = [e for e in row.ended.values() if e.status in ("failed", "partial")]
            said = [names.get(ended.diagnosis, "") for ended in lost]
            rightly = sum(1 for name in said if name in specimen.mistakes)
            none = said.count("")
            samples.append(
                {
                    "name": specimen.name,
                    "mistakes": list(specimen.mistakes),
                    "rightly": rightly,
                    "wrongly": len(said) - rightly - none,
                    "none": none,
                }
            )
    words = ("rightly", "wrongly", "none")
    total = {word: sum(int(s[word]) for s in samples) for word in words}
    of_honest = [
        {"name": s.name, "check": check, "diagnosis": ended.diagnosis}
        for s, r in rows
        if s.kind == "honest"
        for check, ended in r.ended.items()
        if ended.diagnosis in names
    ]
    return {**total, "samples": samples, "of_honest": of_honest}


def _check(check: Check, rows: Sequence[tuple[Specimen, Row]]) -> dict[str, Any]:
    """How many wrong submissions a check notices, and how many no other check notices.

    ``room`` is the largest error ÷ tolerance of an honest submission.  ``nearest`` is the smallest
    one among wrong submissions that failed a comparison; 0 if there is none.
    """
    kills = alone = 0
    room, nearest = 0.0, float("inf")
    for specimen, row in rows:
        ended = row.ended.get(check.id)
        if ended is None:
            continue
        if specimen.kind == "honest":
            if check.id not in specimen.allowed:
                room = max(room, ended.ratio)
        elif ended.fraction < 1:
            kills += 1
            alone += row.lost(check.function) == [check.id]
            if ended.ratio > 1:
                nearest = min(nearest, ended.ratio)
    return {
        "id": check.id,
        "part": check.part,
        "points": check.points,
        "hidden": check.hidden,
        "kills": kills,
        "alone": alone,
        "room": room,
        "nearest": nearest if nearest < float("inf") else 0.0,
    }


def _part(
    part: str, mutants: Sequence[Mapping[str, Any]], checks: Sequence[Check]
) -> dict[str, Any]:
    """Counts a part's mutants.  Killed: noticed in every function that can show it."""
    of = [m for m in mutants if m["part"] == part]
    meant = [[o for o in m["functions"].values() if not o["equivalent"]] for m in of]
    killed = sum(bool(ones) and all(one["killed_by"] for one in ones) for ones in meant)
    equivalent = sum(not ones for ones in meant)
    points = {
        hidden: sum(c.points for c in checks if c.part == part and c.hidden is hidden)
        for hidden in (False, True)
    }
    return {
        "mutants": len(of),
        "killed": killed,
        "equivalent": equivalent,
        "survived": len(of) - killed - equivalent,
        "public": points[False],
        "hidden": points[True],
    }
