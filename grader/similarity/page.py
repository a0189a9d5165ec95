"""The page of ``hw3 similar``: pairs side by side, and who knows the public checks only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from grader.report.writers.html import render
from grader.similarity.fingerprints import Fingerprint, hit_lines
from grader.similarity.fitted import Fitted
from grader.similarity.pairs import Pair, Ranking
from grader.text import one_line

__all__ = ["CLEAR", "STANDS_OUT", "page", "standing_out"]

STANDS_OUT = 2.0
"""A pair is listed if it shares so many times what is usual in the class,"""

CLEAR = 0.5
"""or so much in any case: in a small class the pair itself is what is usual."""

_AROUND = 2
"""Lines shown before and after what is shared."""

_LONGEST = 400
"""Lines shown of one submission in one pair."""


def standing_out(ranking: Ranking) -> list[Pair]:
    """The pairs that share much more than is usual in the class."""
    least = min(STANDS_OUT * ranking.usual, CLEAR)
    return [pair for pair in ranking.pairs if pair.share >= least]


def page(
    ranking: Ranking, names: Mapping[str, str], fitted: Sequence[Fitted], left_out: Iterable[str]
) -> str:
    """A page for instructors that loads nothing.

    Args:
        ranking: the pairs of the class.
        names: of the people, by the submission's id.
        fitted: who earns public checks alone.
        left_out: ids of submissions that were not compared.
    """

    def name(key: str) -> str:
        return one_line(names.get(key) or key, 80)

    pairs = standing_out(ranking)
    view = {
        "facts": [
            ("submissions compared", str(ranking.compared)),
            ("pairs that stand out", str(len(pairs))),
            ("usual share", _percent(ranking.usual)),
        ],
        "left_out": ", ".join(map(name, left_out)),
        "pairs": [
            {
                "title": f"{name(pair.one)} and {name(pair.other)}",
                "share": _percent(pair.share),
                "sides": [
                    {"id": key, "name": name(key), "files": _files(ranking.prints[key], pair.runs)}
                    for key in (pair.one, pair.other)
                ],
            }
            for pair in pairs
        ],
        "fitted": [
            {"id": one.id, "name": name(one.id), "functions": ", ".join(one.functions)}
            for one in fitted
        ],
    }
    return render("similar.html", view=view)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _files(of: Fingerprint, runs: frozenset[int]) -> list[dict[str, Any]]:
    """Of each file the lines that are shared, with those around them."""
    left, found = _LONGEST, []
    for file, hits in hit_lines(of, runs).items():
        lines = of.files[file].raw_code.split("\n")
        marked = set(hits)
        near = {at + by for at in hits for by in range(-_AROUND, _AROUND + 1)}
        shown = sorted(at for at in near if 1 <= at <= len(lines))[:left]
        left -= len(shown)
        rows = [
            {
                "number": str(at),
                "text": _line_of_code(lines[at - 1]),
                "hit": at in marked,
                "gap": bool(before) and at > before + 1,
            }
            for before, at in zip([0, *shown], shown, strict=False)
        ]
        if rows:
            found.append({"name": file, "lines": rows})
    return found


def _line_of_code(text: str) -> str:
    """A line as it is, its indentation kept, at most 160 characters."""
    indentation = len(text) - len(text.lstrip())
    return " " * min(indentation, 60) + one_line(text, 160)
