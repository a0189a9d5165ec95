"""The audit's page, and as data what its template prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from grader.report import labels, numbers
from grader.report.writers.html import render

__all__ = ["audit_page", "audit_view"]

Found = Mapping[str, Any]


def audit_page(found: Found) -> str:
    """What ``hw3 audit`` found, as a page for instructors."""
    return render("audit.html", view=audit_view(found))


def audit_view(found: Found) -> dict[str, Any]:
    """The view of a document of ``hw3 audit``: texts and rows of cells."""
    reasons: dict[str, list[str]] = {}
    for one in found["equivalent"]:
        reasons.setdefault(one["reason"], []).append(one["name"])
    said, counts = found["diagnoses"], found["numbers"]

    def counted(what: str, among: str) -> str:
        return f"{counts[what]} of {counts[among]}"

    return {
        "facts": [
            ("wrong, and not noticed", counted("wrong_with_full_marks", "wrong")),
            (
                "honest, and below full marks",
                counted("honest_below_full", "honest"),
            ),
            ("mistakes named", f"{said['rightly']} rightly, {said['wrongly']} wrongly"),
            ("mistakes not named", str(said["none"])),
            ("took", f"{found['seconds']:.0f} s"),
        ],
        "survivors": [
            {**one, "functions": ", ".join(one["functions"])} for one in found["survivors"]
        ],
        "below": found["honest_below_full"],
        "honest": counts["honest"],
        "parts_head": ("part", "mutants", "killed", "equivalent", "survived", "public", "hidden"),
        "parts": [
            (
                labels.part_label(part),
                *(str(row[key]) for key in ("mutants", "killed", "equivalent", "survived")),
                numbers.number(row["public"]),
                numbers.number(row["hidden"]),
            )
            for part, row in found["parts"].items()
        ],
        "checks_head": ("check", "points", "notices", "alone", "honest", "nearest mistake"),
        "checks": [
            (
                check["id"],
                numbers.number(check["points"]),
                str(check["kills"]),
                str(check["alone"]),
                f"{check['room']:.1e}" if check["room"] else "",
                f"{check['nearest']:.3g}" if check["nearest"] else "",
            )
            for check in found["checks"]
            if check["kills"]
        ],
        "matrix": _matrix(found),
        "equivalent": list(reasons.items()),
    }


def _matrix(found: Found) -> list[dict[str, Any]]:
    made: dict[str, dict[str, Any]] = {}
    for mutant in found["mutants"]:
        for function, one in mutant["functions"].items():
            if function not in made:
                ids = [c["id"] for c in found["checks"] if c["id"].startswith(f"{function}.")]
                made[function] = {
                    "name": function,
                    "ids": ids,
                    "checks": [check.partition(".")[2] for check in ids],
                    "head": ("mutant", *(str(i) for i in range(1, len(ids) + 1))),
                    "rows": [],
                }
            idle = "=" if one["equivalent"] else "·"
            cells = ["●" if c in one["killed_by"] else idle for c in made[function]["ids"]]
            made[function]["rows"].append((mutant["name"], *cells))
    return list(made.values())
