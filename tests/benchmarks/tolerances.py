"""How far honest phrasings of the same formula differ, and how far single mistakes go.

    python tests/benchmarks/tolerances.py             # two tables, and what follows for expect.py
    python tests/benchmarks/tolerances.py --seeds 0   # the public cases alone

Between the two lie the tolerances of ``grader/checks/expect.py``.  A difference is what the checks
compare: relative L2, on the cases on which the public checks ask the reference; for an integral, at
8 steps, to the nearest rule that they accept, so that every phrasing is compared with its own rule.
In float64 the networks and inputs of the same cases have that dtype.  Honest phrasings are the
submissions of ``fixtures/bases`` and those of ``phrasings.py``; since hidden checks draw weights
and inputs from an instructor's seed, they are asked on further ones too (``--seeds``).

Everything is seeded; torch runs on one thread.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from mistakes import MISTAKES, Mistake
from phrasings import HONEST, Way
from questions import INTEGRALS, Question, questions

from grader.calls import Performer
from grader.checks import expect
from grader.checks.student import Student
from grader.records import Call
from grader.sandbox.session import InProcessSession

BASES = Path(__file__).parents[2] / "fixtures" / "bases"
TOLERANCE = {"float32": expect.FLOAT32, "float64": expect.FLOAT64}

Answer = Callable[[Call], np.ndarray]


def written(way: type[Way]) -> Answer:
    """Answers of a way of ``phrasings.py`` or ``mistakes.py``."""
    names = way().names()
    performer = Performer(lambda part: names)
    return lambda call: np.asarray(performer.perform(call)[0].detach())


def submitted(base: str) -> Answer:
    """Answers of a submission of ``fixtures/bases``."""
    files = {path.name: path.read_bytes() for path in (BASES / base).glob("*.py")}
    return Student(InProcessSession(files)).answer


def words(way: type[Way]) -> str:
    """What a way says of itself."""
    return (way.__doc__ or "").rstrip(".")


def phrasings() -> dict[str, Answer]:
    """All honest ones, by what they are."""
    bases = sorted(path.name for path in BASES.iterdir() if (path / "part1_focused.py").is_file())
    made = {f"fixtures/bases/{base}": submitted(base) for base in bases}
    return made | {words(way): written(way) for way in HONEST}


def largest(answer: Answer, asked: list[Question]) -> tuple[float, float]:
    """The largest difference of gradients, and of integrals."""
    found = {True: 0.0, False: 0.0}
    for question in asked:
        integral = question.call.function in INTEGRALS
        found[integral] = max(found[integral], question.difference(answer(question.call)))
    return found[False], found[True]


def effect(mistake: Mistake, asked: list[Question]) -> list[float]:
    """The differences that a mistake makes, rising; another shape is no difference, but an error."""
    answer = written(mistake.way)
    found = []
    for question in asked:
        if question.call.function in mistake.functions and mistake.concerns(question):
            got = answer(question.call)
            if got.shape == question.accepted[0].shape:
                found.append(question.difference(got))
    return sorted(found)


def honest_table(asked: dict[str, list[Question]]) -> dict[str, dict[str, tuple[float, float]]]:
    """Print a row per phrasing; the differences by phrasing and dtype."""
    print(f"{'':76} {'gradients':>19} {'integrals':>19}")
    print(
        f"{'largest difference of an honest phrasing':76}" + f"{'float32':>10}{'float64':>10}" * 2
    )
    found = {}
    for name, answer in phrasings().items():
        found[name] = {dtype: largest(answer, asked[dtype]) for dtype in asked}
        numbers = [found[name][dtype][i] for i in (0, 1) for dtype in asked]
        print(f"{name:76}" + "".join(f"{number:10.1e}" for number in numbers), flush=True)
    tolerances = list(TOLERANCE.values())
    print(f"{'tolerance':76}" + "".join(f"{t:10.0e}" for t in tolerances * 2))
    return found


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=3, help="further weights and inputs (3)")
    options = parser.parse_args()
    torch.set_num_threads(1)
    started = time.monotonic()
    asked = {dtype: questions(dtype) for dtype in TOLERANCE}
    print(f"{len(asked['float32'])} comparisons in each dtype.\n")
    honest_table(asked)
    print()
    for m in MISTAKES:
        e = effect(m, asked["float32"])
        print(f"{words(m.way):60}{len(e):4d}{e[0]:10.1e}{e[-1]:10.1e}", [f"{v:.1e}" for v in e[:6]])
    print(time.monotonic() - started)


if __name__ == "__main__":
    main()
