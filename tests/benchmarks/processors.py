"""Does a mark depend on the processor?

    python tests/benchmarks/processors.py           # some 20 minutes on two cores
    python tests/benchmarks/processors.py --gan     # some 30 more: trainings

grades every sample and honest variant (parts 1 to 3) with all that this processor can do and with
what each has had since 2008 (``tests/processor_marks.py``), and names every check that ends
otherwise; exit status 1 if one does.  With ``--gan`` GANs are trained instead, as
``fixtures/calibrate_gan.py`` does.  Training is chaotic: the last digit decides which GAN comes
out, so what is published is how many get other points.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ["OMP_NUM_THREADS"] = "1"
ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))
sys.path.insert(0, str(ROOT / "fixtures"))
sys.path.insert(0, str(ROOT / "fixtures" / "gan"))

import cases  # noqa: E402 - from fixtures
import processor_marks  # noqa: E402 - from the folder above

GROUP = 4
WITHOUT_AN_END = ("endless_loop", "hard_exit")
"""They would end this process, or never end, whatever the processor."""
Trained = tuple[str, str, float]
"""Kind, name, and the share of the points that a training earned."""


def main() -> int:
    """Print what differs."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--gan", action="store_true", help="GANs are trained instead")
    parser.add_argument("--seeds", type=int, default=1, help="of each training (default: 1)")
    parser.add_argument("--only", default="", help="names with this in them")
    given = parser.parse_args()
    return trainings(given.seeds, given.only) if given.gan else grades(given.only)


def grades(only: str) -> int:
    """Grade all submissions under both settings."""
    with TemporaryDirectory() as made:
        all_names = [name for kind in cases.KINDS.values() for name in kind if only in name]
        names = [name for name in all_names if name not in WITHOUT_AN_END]
        folders = [cases.write(name, Path(made)) for name in names]
        return _grades([ROOT / "reference", *folders] if only in "reference" else folders)


def _grades(folders: list[Path]) -> int:
    groups = [folders[i : i + GROUP] for i in range(0, len(folders), GROUP)]

    def both(group: Sequence[Path]) -> tuple[int, list[str]]:
        here = processor_marks.marks(group)
        there = processor_marks.marks(group, **processor_marks.OLD)
        return sum(map(len, here.values())), processor_marks.differing(here, there)

    count, found = 0, []
    with ThreadPoolExecutor(2) as pool:
        for ended, differing in pool.map(both, groups):
            count += ended
            found += differing
            print(f"{count} checks, {len(found)} end otherwise", file=sys.stderr, flush=True)
    for line in found:
        print(line)
    print(f"{len(folders)} submissions, {count} checks, {len(found)} end otherwise")
    return bool(found)


def trainings(seeds: int, only: str) -> int:
    """Train under both settings."""
    import calibrate_gan

    wanted = [
        (kind, name, seed, calibrate_gan.LOOKS[-1])
        for kind, name, seed, steps in calibrate_gan.plan(seeds)
        if kind in ("honest", "broken") and only in name
        if kind == "honest" or name not in calibrate_gan.HARMLESS
    ]
    here, there = (_trained(wanted, more) for more in ({}, processor_marks.OLD))
    print(f"{'':34} {'here':>6} {'older':>6}")
    for (kind, name, one), (_, _, other) in zip(here, there, strict=True):
        if one != other:
            print(f"{kind:8} {name:25} {one:6.2f} {other:6.2f}")
    for kind, words in (("honest", "honest trainings"), ("broken", "trainings with a mistake")):
        pairs = [(a, b) for (k, _, a), (_, _, b) in zip(here, there, strict=True) if k == kind]
        if pairs:
            other = sum(a != b for a, b in pairs)
            means = [sum(side) / len(pairs) for side in zip(*pairs, strict=True)]
            print(
                f"{words}: {len(pairs)}, with other points {other} ({other / len(pairs):.1%}), "
                f"mean share {means[0]:.3f} here and {means[1]:.3f} there"
            )
    return 0


def _trained(wanted: Sequence[tuple[str, str, int, int]], more: dict[str, str]) -> list[Trained]:
    os.environ.update(more)  # started anew, the workers read it before torch
    try:
        with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
            return list(pool.map(_train, *zip(*wanted, strict=True)))
    finally:
        for name in more:
            del os.environ[name]


def _train(kind: str, name: str, seed: int, steps: int) -> Trained:
    import calibrate_gan

    row = calibrate_gan.train(kind, name, seed, steps)[-1]
    return kind, name, calibrate_gan.earned({**dict.fromkeys(calibrate_gan.FIELDS, ""), **row})


if __name__ == "__main__":
    sys.exit(main())
