"""Are the hidden checks fair whatever seed an instructor chooses?

Runs them on submissions that are right (the reference, and samples that share no code with it)
under many seeds, and names every check that one of them loses: such a check is wrong, not the
submission.  Parts 1 to 3: the GAN's training takes too long for many seeds.  Half of the seeds are
texts, the others numbers.

    python tests/benchmarks/seeds.py --seeds 25
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterator
from pathlib import Path

from grader.checks.framework import registry
from grader.grading import engine
from grader.records import Check, Outcome, Status
from grader.sandbox.host.session import InProcessSession

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "fixtures"))

import cases  # noqa: E402 - from the folder above

HONEST = {
    "reference": {p.name: p.read_bytes() for p in (ROOT / "reference").glob("[!_]*.py")},
    **{n: cases.load(n).files for n in ("twin_hooks", "twin_captum", "lists_and_arrays")},
}
"""Submissions that deserve every point of the hidden checks of parts 1 to 3."""


def seeds(number: int) -> list[str | int]:
    """That many of them, the same every time: the ends of the numbers, some between, and texts."""
    numbers = [100, 2**31 - 1, *random.Random(0).sample(range(101, 2**31 - 1), number)]
    both = zip(numbers, (f"{random.Random(n).getrandbits(128):032x}" for n in numbers), strict=True)
    return [seed for pair in both for seed in pair][:number]


def hidden_checks(seed: str | int, only: str = "") -> list[Check]:
    """Hidden checks of parts 1 to 3 on the cases of a seed."""
    return [
        c
        for c in registry.load(hidden_seed=seed)
        if c.hidden and c.part != "gan" and only in ("", c.id, c.function)
    ]


def lost(name: str, seed: str | int, only: str = "") -> Iterator[Outcome]:
    """What a submission loses under a seed."""
    outcomes = engine.run(hidden_checks(seed, only), lambda part: InProcessSession(HONEST[name]))
    return (outcome for outcome in outcomes if outcome.status is not Status.PASSED)


def main() -> int:
    """Print what is lost; exit status 1 if anything is."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=25, help="how many (default: 25)")
    parser.add_argument("--seed", help="only this one: a number, or a text")
    parser.add_argument("--only", default="", help="only this check, or this function's")
    parser.add_argument("--names", nargs="+", choices=HONEST, default=list(HONEST))
    arguments = parser.parse_args()
    one = arguments.seed
    tried = seeds(arguments.seeds) if one is None else [int(one) if one.isdigit() else one]
    losses: dict[str, list[str | int]] = {}
    for seed in tried:
        for name in arguments.names:
            for outcome in lost(name, seed, arguments.only):
                losses.setdefault(outcome.check_id, []).append(seed)
                told = outcome.feedback
                print(f"seed {seed}, {name}: {outcome.status.value} {outcome.check_id}")
                for words in (told.tried, told.message, told.details):
                    if words:
                        print(f"    {words}")
        print(f"seed {seed} done", file=sys.stderr, flush=True)
    checks = len(hidden_checks(tried[0], arguments.only))
    print(f"\n{checks} hidden checks, {len(tried)} seeds, {len(arguments.names)} submissions")
    for check_id, of_seeds in sorted(losses.items()):
        print(f"  {check_id}: lost {len(of_seeds)} times, under {len(set(of_seeds))} seeds")
    if not losses:
        print("  nothing is lost")
    return 1 if losses else 0


if __name__ == "__main__":
    sys.exit(main())
