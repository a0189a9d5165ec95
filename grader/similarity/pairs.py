"""Pairs of submissions that share much more than the class does.

What the template and the reference have counts for nothing.  A run of code counts the more, the
fewer submissions have it (its inverse document frequency).  The share of a pair is the cosine of
the angle between the two: 1 if both have the same runs.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median

from grader.similarity.fingerprints import Fingerprint, fingerprint

__all__ = ["Pair", "Ranking", "ranked"]

RARE = 0.1
"""The share of the class that may have a run that is still looked for in pairs."""

LEAST = 60
"""Runs of its own that a submission needs: below, two are alike by chance."""


@dataclass(frozen=True)
class Pair:
    """Two submissions, and how much they share.

    Args:
        one, other: their ids.
        share: from 0 to 1.
        runs: that both have and few others.
    """

    one: str
    other: str
    share: float
    runs: frozenset[int]


@dataclass(frozen=True)
class Ranking:
    """The pairs of a class.

    Args:
        pairs: those that share most, in that order.
        usual: what a submission shares with the one that is most like it; the median of the class.
        own: the runs of each submission that had enough code of its own, by id.
        prints: of each submission, by id.
    """

    pairs: Sequence[Pair]
    usual: float
    own: Mapping[str, frozenset[int]]
    prints: Mapping[str, Fingerprint]

    @property
    def compared(self) -> int:
        """How many submissions were compared."""
        return len(self.own)


def ranked(
    submissions: Mapping[str, Mapping[str, bytes]],
    known: Iterable[Mapping[str, bytes]],
    most: int = 25,
) -> Ranking:
    """The pairs that share most.

    Args:
        submissions: files by name, by the submission's id.
        known: files that everybody has, or that count for nothing.
        most: how many pairs are kept.

    Raises:
        BadMachine: the package that makes fingerprints is not installed.
    """
    prints = {key: fingerprint(files) for key, files in submissions.items()}
    nothing: frozenset[int] = frozenset().union(*(fingerprint(files).runs for files in known))
    own = {key: print_.runs - nothing for key, print_ in prints.items()}
    own = {key: runs for key, runs in own.items() if len(runs) >= LEAST}
    having = Counter(run for runs in own.values() for run in runs)
    weight = {run: math.log((len(own) + 1) / count) ** 2 for run, count in having.items()}
    length = {key: math.sqrt(sum(weight[run] for run in runs)) for key, runs in own.items()}
    owners: dict[int, list[str]] = {}
    few = max(2, round(RARE * len(own)))
    for key in sorted(own):
        for run in own[key]:
            if 1 < having[run] <= few:
                owners.setdefault(run, []).append(key)
    shared: dict[tuple[str, str], float] = defaultdict(float)
    for run, keys in owners.items():
        for pair in combinations(keys, 2):
            shared[pair] += weight[run]
    shares = {pair: common / (length[pair[0]] * length[pair[1]]) for pair, common in shared.items()}
    best = dict.fromkeys(own, 0.0)
    for pair, share in shares.items():
        for key in pair:
            best[key] = max(best[key], share)
    order = sorted(shares, key=lambda pair: (-shares[pair], pair))[:most]
    pairs = [
        Pair(*pair, shares[pair], frozenset(r for r in own[pair[0]] & own[pair[1]] if r in owners))
        for pair in order
    ]
    return Ranking(pairs, median(best.values()) if best else 0.0, own, prints)
