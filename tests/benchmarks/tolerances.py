"""How far honest phrasings of the same formula differ, and how far single mistakes go.

    python tests/benchmarks/tolerances.py             # two tables, and what follows for expect.py
    python tests/benchmarks/tolerances.py --seeds 0   # the public cases alone

Between the two lie the tolerances of ``grader/checks/framework/expect.py``.  A difference is what
the checks compare: relative L2, on the cases on which the public checks ask the reference; for an
integral, at 8 steps, to the nearest rule that they accept, so that every phrasing is compared with
its own rule. In float64 the networks and inputs of the same cases have that dtype.  Honest
phrasings are the solutions of which ``fixtures/cases`` makes others and those of ``phrasings.py``,
float64 inside (so float32 against float64) and two threads rather than one among them; since hidden
checks draw weights and inputs from an instructor's seed, they are asked on further ones too
(``--seeds``).

Everything is seeded; torch runs on one thread.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from mistakes import FLOAT32_INSIDE, MISTAKES, STEPS_IGNORED, Mistake
from phrasings import HONEST, Way
from questions import INTEGRALS, Question, questions

from grader.checks.framework import expect
from grader.checks.framework.student import Student
from grader.records import Call
from grader.sandbox.guest.perform import Performer
from grader.sandbox.host.session import InProcessSession

sys.path.insert(0, str(Path(__file__).parents[2] / "fixtures"))

from cases.files import bases

TOLERANCE = {"float32": expect.FLOAT32, "float64": expect.FLOAT64}
OF_CAPTUM = 1e-6
"""What checks allow an integral in float64: Captum keeps the weights of its steps in float32."""

Answer = Callable[[Call], np.ndarray]


def written(way: type[Way]) -> Answer:
    """Answers of a way of ``phrasings.py`` or ``mistakes.py``."""
    names = way().names()
    performer = Performer(lambda part: names)
    return lambda call: np.asarray(performer.perform(call)[0].detach())


def submitted(base: str) -> Answer:
    """Answers of one of the solutions that cases are made of."""
    files = {path.name: path.read_bytes() for path in bases()[base].glob("*.py")}
    return Student(InProcessSession(files)).answer


def words(way: type[Way]) -> str:
    """What a way says of itself."""
    said = (way.__doc__ or "").rstrip(".")
    return said[0].lower() + said[1:]


def phrasings() -> dict[str, Answer]:
    """All honest ones, by what they are."""
    whole = sorted(n for n, p in bases().items() if (p / "part1_focused.py").is_file())
    made = {f"the cases' {base}": submitted(base) for base in whole if base != "template"}
    return made | {words(way): written(way) for way in HONEST}


def largest(answer: Answer, asked: list[Question], *, integrals: bool) -> float:
    """The largest difference that an answer has, among the integrals or among the rest."""
    of_kind = [q for q in asked if (q.call.function in INTEGRALS) == integrals]
    return max(question.difference(answer(question.call)) for question in of_kind)


def effect(mistake: Mistake, asked: list[Question]) -> list[float]:
    """The differences that a mistake makes where it concerns, rising.

    An answer of another shape is left out: a check refuses it before it compares.
    """
    answer, found = written(mistake.way), []
    for question in asked:
        if question.call.function in mistake.functions and mistake.concerns(question):
            got = answer(question.call)
            if got.shape == question.accepted[0].shape:
                found.append(question.difference(got))
    return sorted(found)


def honest_table(asked: dict[str, list[Question]]) -> None:
    """The largest difference of every phrasing: four numbers in a row."""
    print(f"{'honest phrasing: largest difference of':64}{'gradients':^18}{'integrals':^18}")
    print(f"{'':64}" + "".join(f"{dtype:>9}" for dtype in asked) * 2)
    most = [0.0] * 4
    for name, answer in phrasings().items():
        row = [largest(answer, asked[d], integrals=i) for i in (False, True) for d in asked]
        print(f"{name:64}" + "".join(f"{difference:9.1e}" for difference in row), flush=True)
        if "captum" not in name:
            most = [max(pair) for pair in zip(most, row, strict=True)]
    print(f"{'largest but for Captum':64}" + "".join(f"{difference:9.1e}" for difference in most))
    tolerances = (*TOLERANCE.values(), expect.FLOAT32, OF_CAPTUM)
    print(f"{'tolerance':64}" + "".join(f"{tolerance:9.0e}" for tolerance in tolerances))


def mistake_rows(mistakes: Sequence[Mistake], asked: list[Question], tolerance: float) -> float:
    """Print a row per mistake; the smallest difference of all."""
    smallest = float("inf")
    for mistake in mistakes:
        found = effect(mistake, asked)
        beyond = sum(difference > tolerance for difference in found)
        print(
            f"{words(mistake.way):55}{found[0]:9.1e} {found[-1]:9.1e}{beyond:7} of {len(found)}",
            flush=True,
        )
        smallest = min(smallest, found[0])
    return smallest


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=3, help="further weights and inputs (3)")
    options = parser.parse_args()
    torch.set_num_threads(1)
    asked = {dtype: questions(dtype) for dtype in TOLERANCE}
    print(f"The public cases: {len(asked['float32'])} comparisons in each dtype.")
    honest_table(asked)
    if options.seeds > 0:
        shifts = range(1, options.seeds + 1)
        further = {d: [q for s in shifts for q in questions(d, s)] for d in TOLERANCE}
        print(
            f"\nThe same with {options.seeds} other seeds: {len(further['float32'])} comparisons."
        )
        honest_table(further)
    print(f"\n{'single mistake':55}{'smallest':>9} {'largest':>9}  beyond the tolerance")
    print(f"in float32 ({expect.FLOAT32:.0e})")
    smallest = mistake_rows(MISTAKES, asked["float32"], expect.FLOAT32)
    print(f"{'smallest of these':55}{smallest:9.1e}")
    print("in float32, where checks also ask at 50 and 300 steps")
    mistake_rows(STEPS_IGNORED, asked["float32"], expect.FLOAT32)
    print(f"in float64 ({expect.FLOAT64:.0e})")
    mistake_rows([FLOAT32_INSIDE], asked["float64"], expect.FLOAT64)


if __name__ == "__main__":
    main()
