"""What counting passes costs a call: the same calls with and without it, side by side.

    python tests/benchmarks/passes.py                # in about a minute
    python tests/benchmarks/passes.py --repeats 201  # steadier numbers

Calls go through a session in this process, with frames and all; they take turns, and the ratio is
that of the smallest times of this thread, which other work on the machine disturbs least.  The
submissions are the reference (batches) and the sample that goes through rows one by one, where a
network is called most often.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch
from torch import nn

from grader.checks.framework.cases import Case
from grader.homework.networks import Network
from grader.records import Call
from grader.sandbox.guest import pass_counter
from grader.sandbox.host.session import InProcessSession

ROOT = Path(__file__).parents[2]
FOLDERS = {"batches": ROOT / "reference", "loops": ROOT / "fixtures/submissions/twin_hooks"}
PATCHED = (nn.Module, "__call__"), (torch.autograd, "_engine_run_backward")
PLAIN = [getattr(*place) for place in PATCHED]


def calls() -> dict[str, Call]:
    """Those of most passes: integrals at 50 steps, and an influence over 64 rows."""
    made = {}
    for family in ("smooth_mlp", "smooth_cnn", "digits"):
        case = Case(Network(family), 0, 1, 1)
        line = {"model": case.network, "x": case.x, "baseline": case.baseline, "target": 1}
        made[f"integrated_gradients, {family}"] = Call("integrated_gradients", line)
        rows = {"model": case.network, "layer": 0, "xs": case.xs(64), "target": 1}
        made[f"class_influence, {family}"] = Call("class_influence", rows)
    return made


def seconds(session: InProcessSession, call: Call) -> float:
    """One call's time of the processor."""
    started = time.thread_time()
    assert session.call(call).error is None
    return time.thread_time() - started


def main() -> None:
    """Print a line for each call."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--repeats", type=int, default=61)
    repeats = parser.parse_args().repeats
    torch.set_num_threads(1)
    for words, folder in FOLDERS.items():
        files = {path.name: path.read_bytes() for path in folder.glob("[!_]*.py")}
        session = InProcessSession(files)
        for name, call in calls().items():
            times: dict[bool, list[float]] = {False: [], True: []}
            for turn in range(2 * repeats + 2):
                counted = turn % 2 == 1
                for place, plain in zip(PATCHED, PLAIN, strict=True):
                    setattr(*place, plain)
                if counted:
                    pass_counter.install()
                times[counted].append(seconds(session, call))
            without, with_ = (min(times[counted][1:]) for counted in (False, True))
            print(
                f"{words:8} {name:34} {1e3 * without:7.2f} ms, counted {1e3 * with_:7.2f} ms "
                f"({100 * (with_ / without - 1):+.1f} %)"
            )
        session.close()


if __name__ == "__main__":
    main()
