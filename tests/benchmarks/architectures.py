"""What public GANs, rewritten in our words, earn: those of ``fixtures/gan/bank.py``.

    python tests/benchmarks/architectures.py                  # all, some minutes each
    python tests/benchmarks/architectures.py --only dcgan r1  # names with one of these in them
    python tests/benchmarks/architectures.py --old            # as an older processor computes
    python tests/benchmarks/architectures.py --cheats         # those that must lose the training

prints the points of each and the share of both trainings, what is lost and why, the steps of the
generator that the trainings took, as a multiple of 4,000, and the processor time of each of both
checks (of this process and its guests) as a multiple of that of 4,000 bare steps: ``train`` of the
same networks without a grader, for 200 steps in the same run.  Trainings are chaotic: another
processor gives other ones.  Exit status 1 if an honest one loses points of a training, or a cheat
keeps some.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
import types
from collections.abc import Iterator
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))
sys.path.insert(0, str(ROOT / "fixtures" / "gan"))

import bank  # noqa: E402 - from fixtures
import torch  # noqa: E402
from start import of_tree  # noqa: E402 - beside this file

import cheats  # noqa: E402
import processor_marks  # noqa: E402 - from the folder above
from grader.checks.framework import registry  # noqa: E402
from grader.checks.gan.evidence import BATCH, LATENT, STEPS  # noqa: E402
from grader.gan_metrics.measure import digits  # noqa: E402
from grader.grading import engine  # noqa: E402
from grader.records import Call, Check, Limits, Outcome, Reply  # noqa: E402
from grader.sandbox.gan.helpers import adam, builder  # noqa: E402
from grader.sandbox.host.session import ProcessSession  # noqa: E402

TRAININGS = ("train.learns_the_digits", "train.learns_what_it_is_given")


class Counted(ProcessSession):
    """Counts the generator's steps in the trainings of all its sessions."""

    taken: dict[int, float]

    def call(self, call: Call, limits: Limits | None = None) -> Reply:
        """Carry out one call, and keep how far its training is."""
        reply = super().call(call, limits)
        value = reply.value
        if call.function in ("drive:begin_training", "drive:go_on") and isinstance(value, dict):
            updates = getattr(value.get("updates"), "array", None)
            if updates is not None and updates.shape == (2,):
                self.taken[id(self)] = float(updates[0])
        return reply

    def fresh(self) -> ProcessSession:
        """Another one that counts into the same."""
        other = super().fresh()
        assert isinstance(other, Counted)
        other.taken = self.taken
        self.kept = [*getattr(self, "kept", []), other]  # so that no id comes twice
        return other


def bare(text: str, steps: int = 200) -> float:
    """Processor seconds of 4,000 steps without a grader, from a few of them; NaN if they raise."""
    module = types.ModuleType("gan")
    try:
        exec(compile(text, "gan.py", "exec"), vars(module))
        torch.manual_seed(0)
        pair = builder(vars(module), LATENT)()
        images = torch.from_numpy(digits().train)
        for some in (steps // 10, steps):  # the first ones choose kernels and fill caches
            started = time.process_time()
            module.train(*pair, *map(adam, pair), images, some, BATCH, LATENT, 0)
        return (time.process_time() - started) / steps * STEPS
    except Exception:
        return float("nan")


def graded(text: str, checks: list[Check]) -> Iterator[tuple[Outcome, float, float]]:
    """Each outcome, the steps that its trainings took, in multiples of the budget, and seconds."""
    files = {"gan.py": text.encode()}
    for check in checks:
        taken: dict[int, float] = {}

        def opened(part: str, taken: dict[int, float] = taken) -> ProcessSession:
            session = Counted(files, part=part)
            session.taken = taken
            return session

        started = of_tree(os.getpid())
        (outcome,) = engine.run([check], opened)
        yield outcome, sum(taken.values()) / STEPS, of_tree(os.getpid()) - started


def report(name: str, text: str, checks: list[Check], *, honest: bool) -> bool:
    """Print a line for one, and one for each check that it does not pass; whether it is right."""
    points, trained, lost, steps, costs = 0.0, [], [], 0.0, []
    for outcome, taken, seconds in graded(text, checks):
        check = next(c for c in checks if c.id == outcome.check_id)
        points += check.points * outcome.fraction
        steps += taken
        if check.id in TRAININGS:
            trained.append(outcome.fraction)
            costs.append(seconds)
        if outcome.fraction < 1:
            told = outcome.feedback
            lost.append(f"    {check.id}: {outcome.fraction:.2f} {told.message} {told.diagnosis}")
    whole = sum(c.points for c in checks)
    shares = " ".join(f"{share:.2f}" for share in trained)
    whole_training = bare(text)
    times = " ".join(f"{seconds / whole_training:.2f}" for seconds in costs)
    print(
        f"{name:34} {points:5.2f} of {whole:g}  trainings {shares}  steps {steps:.2f}  "
        f"time {times}",
        flush=True,
    )
    if honest:
        print(*lost, sep="\n", end="\n" if lost else "", flush=True)
    return all(share == 1 for share in trained) if honest else not any(trained)


def main() -> int:
    """Grade, and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", nargs="+", default=[""], help="names with one of these in them")
    parser.add_argument("--old", action="store_true", help="as an older processor computes")
    parser.add_argument("--cheats", action="store_true", help="those that must lose the training")
    parser.add_argument("--trainings", action="store_true", help="the checks that train alone")
    given = parser.parse_args()
    if given.old and "ATEN_CPU_CAPABILITY" not in os.environ:
        environment = {**os.environ, **processor_marks.OLD}
        return subprocess.run([sys.executable, *sys.argv], env=environment).returncode
    torch.set_num_threads(1)
    checks = [c for c in registry.load() if c.part == "gan"]
    if given.trainings or given.cheats:
        checks = [c for c in checks if c.id in TRAININGS]
    texts = (
        {name: cheats.source(name) for name in cheats.CHEATS}
        if given.cheats
        else {name: bank.source(name) for name in bank.NAMES}
    )
    right = [
        report(name, text, checks, honest=not given.cheats)
        for name, text in texts.items()
        if any(part in name for part in given.only)
    ]
    print(f"{sum(right)} of {len(right)} as they should be")
    return int(not all(right))


if __name__ == "__main__":
    sys.exit(main())
