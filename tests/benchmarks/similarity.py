"""How many planted pairs ``hw3 similar`` lists first, among submissions of authors who work alone.

The authors and the copies are made by ``tests/authors.py``.  Exits with 1 if fewer than 18 of 20
planted pairs are among the first 25.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "fixtures")]

import authors  # noqa: E402 - from the folder above
from grader.similarity import everybody  # noqa: E402
from grader.similarity.page import standing_out  # noqa: E402
from grader.similarity.pairs import ranked  # noqa: E402

FIRST, ENOUGH = 25, 0.9


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--authors", type=int, default=200, help="who work alone")
    parser.add_argument("--copies", type=int, default=20, help="of the work of some of them")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    submissions = {f"author{n:03}": authors.author((given.seed, n)) for n in range(given.authors)}
    planted = {}
    for n in range(given.copies):
        kind = authors.KINDS[n % len(authors.KINDS)]
        of = f"author{n:03}"
        submissions[f"copy{n:03}"] = authors.copy_of(submissions[of], kind, (given.seed, n))
        planted[of, f"copy{n:03}"] = kind
    started = time.process_time()
    ranking = ranked(submissions, everybody.known(), most=FIRST)
    seconds = time.process_time() - started
    found = [(pair.one, pair.other) for pair in ranking.pairs]
    for pair in ranking.pairs:
        kind = planted.get((pair.one, pair.other), "worked alone")
        print(f"{pair.share:6.3f}  {pair.one}  {pair.other:10}  {kind}")
    hits = Counter(planted[pair] for pair in found if pair in planted)
    of_kind = Counter(planted.values())
    print(f"\n{len(submissions)} submissions, {seconds:.0f} s of the processor")
    print(f"usual share: {ranking.usual:.3f}; listed: {len(standing_out(ranking))} pairs")
    for kind in authors.KINDS:
        print(f"{kind:14} {hits[kind]} of {of_kind[kind]}")
    total = sum(hits.values())
    print(f"{total} of {len(planted)} planted pairs are among the first {FIRST}")
    return 0 if total >= ENOUGH * len(planted) else 1


if __name__ == "__main__":
    sys.exit(main())
