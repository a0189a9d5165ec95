"""Prints the audit; the two main numbers come last, where they stay on the screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from grader.audit.summary import unseen_share
from grader.report import labels, numbers

__all__ = ["show"]

Found = Mapping[str, Any]


def show(found: Found, console: Console, *, matrix: bool = False) -> None:
    """Print a document of :mod:`grader.audit.summary`.

    Args:
        found: the document.
        console: where to.
        matrix: a row per mutant, rather than one per changed definition.
    """
    _matrix(found, console, matrix)
    _checks(found, console)
    _parts(found, console)
    for title, words in (
        ("No check notices", _survivors(found)),
        ("Honest, and below full marks", _below(found)),
        ("Listed as equivalent, yet a check notices", _stale(found)),
        ("The grader failed", _invalid(found)),
        ("Left out", found["left_out"]),
    ):
        if words:
            console.print(Text(f"\n{title}", "bold"))
            for line in words:
                console.print(Text(f"  {line}"), soft_wrap=True)
    _numbers(found, console)


def _matrix(found: Found, console: Console, every: bool) -> None:
    """One table per function: which of its checks notice which changes."""
    functions = list(dict.fromkeys(f for m in found["mutants"] for f in m["functions"]))
    for function in functions:
        names = [c["id"] for c in found["checks"] if c["id"].startswith(f"{function}.")]
        rows: dict[str, list[Mapping[str, Any]]] = {}
        for mutant in found["mutants"]:
            if function in mutant["functions"]:
                name = mutant["name"] if every else mutant["name"].rpartition(".")[0]
                rows.setdefault(name, []).append(mutant["functions"][function])
        console.print(Text(f"\n{function}", "bold"))
        for i, name in enumerate(names, 1):
            console.print(Text(f"  {i:2} {name.partition('.')[2]}", "dim"))
        table = Table.grid(padding=(0, 1))
        table.add_row("", *(Text(str(i), "dim") for i in range(1, len(names) + 1)), "")
        for name, ones in rows.items():
            hits = [sum(check in one["killed_by"] for one in ones) for check in names]
            left = sum(not one["killed_by"] and not one["equivalent"] for one in ones)
            equal = sum(bool(one["equivalent"]) for one in ones)
            words = f"of {len(ones)}" + (f", {equal} equivalent" if equal else "")
            cells = [Text(str(hit) if hit else "·") for hit in hits]
            table.add_row(name, *cells, Text(words + (f", {left} SURVIVE" if left else "")))
        console.print(table)


def _checks(found: Found, console: Console) -> None:
    console.print(Text("\nHow many wrong submissions each check notices", "bold"))
    table = Table.grid(padding=(0, 2))
    table.add_row("", "check", "notices", "no other", "largest honest", "smallest wrong")
    for check in found["checks"]:
        if check["kills"]:
            room = f"{check['room']:.0e}" if check["room"] else ""
            nearest = f"{check['nearest']:.3g}" if check["nearest"] else ""
            table.add_row("", check["id"], str(check["kills"]), str(check["alone"]), room, nearest)
    console.print(table)
    if found["whole"]:  # for a part of the bank this would mean nothing
        idle = [c["id"] for c in found["checks"] if c["kills"] and not c["alone"]]
        console.print(Text(f"Checks that notice nothing alone: {', '.join(idle)}"))


def _parts(found: Found, console: Console) -> None:
    console.print(Text("\nParts", "bold"))
    table = Table.grid(padding=(0, 2))
    heads = ("mutants", "killed", "equivalent", "survived", "public points", "hidden points")
    table.add_row("", *heads)
    for part, row in found["parts"].items():
        counts = [row[head] for head in heads[:4]]
        points = [numbers.number(row[key]) for key in ("public", "hidden")]
        table.add_row(labels.part_label(part), *map(str, counts), *points)
    console.print(table)


def _survivors(found: Found) -> list[str]:
    lines = []
    for one in found["survivors"]:
        lines.append(f"{one['name']} ({', '.join(one['functions'])})".removesuffix(" ()"))
        lines += [f"    {line}" for line in one["about"].splitlines()]
    return lines


def _below(found: Found) -> Sequence[str]:
    return [f"{o['name']}: {o['check']}: {o['message']}" for o in found["honest_below_full"]]


def _stale(found: Found) -> Sequence[str]:
    return [
        f"{o['name']}: {', '.join(o['killed_by'])}" for o in found["equivalent"] if o["killed_by"]
    ]


def _invalid(found: Found) -> Sequence[str]:
    return [f"{o['name']}: {o['check']}: {o['message']}" for o in found["invalid"]]


def _numbers(found: Found, console: Console) -> None:
    said, counts = found["diagnoses"], found["numbers"]
    equivalent = sum(row["equivalent"] for row in found["parts"].values())
    lines = (
        f"\n{len(found['mutants'])} mutants ({equivalent} of them equivalent), "
        f"{len(found['mistakes'])} mistakes and {counts['honest']} honest submissions in "
        f"{found['seconds']:.0f} s",
        f"mistakes named: {said['rightly']} rightly, {said['wrongly']} wrongly, "
        f"{said['none']} not at all; honest submissions accused: {len(said['of_honest'])}",
    )
    for line in lines:
        console.print(Text(line))
    kinds = ", ".join(f"{count} {kind}" for kind, count in found["kinds"].items())
    console.print(Text(f"the bank by kind: {kinds}"))
    for words, bad, among in (
        (
            "wrong submissions that no check of the function notices",
            "wrong_with_full_marks",
            "wrong",
        ),
        ("honest submissions below full marks", "honest_below_full", "honest"),
    ):
        style = "bold red" if counts[bad] else "bold green"
        counted = f"{counts[bad]} of {counts[among]}" if counts[among] else "none were graded"
        share = unseen_share(counts[bad], counts[among])
        if share is not None:
            counted += f" (rule of three: fewer than {100 * share:.1g} % of others like them)"
        console.print(Text(f"{words}: {counted}", style if counts[among] else ""))
