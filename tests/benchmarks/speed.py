"""How fast the reference is, as ratios of times measured side by side in this run.

    python tests/benchmarks/speed.py                # all of it, in about two minutes
    python tests/benchmarks/speed.py --repeats 21   # steadier numbers

The loop is what one writes first: one row at a time, h(x) included, and a backward pass for each.
The two sides of a comparison take turns and are checked to give the same; the ratio is that of
their medians, and the range behind it that of the middle half of single turns.  A ratio above 1
says how many times as long the other side takes.  ``hw3 check reference`` is timed in a process of
its own per part, beside ``python -c "import torch"``.

Inputs are seeded; torch runs on one thread.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from captum.attr import LayerGradientXActivation
from torch import Tensor, nn

from grader.checks.framework.cases import normal
from grader.checks.framework.expect import relative_error
from grader.homework.networks import Network, build, input_shape
from grader.homework.vgg16 import vgg16
from reference import part1_focused as part1

ROOT = Path(__file__).parents[2]
VGG_LAYER, VGG_ROWS = 22, 2


def gradient(model: nn.Sequential, layer: int, x: Tensor, target: int) -> Tensor:
    """One row's gradient: through h, then through g."""
    z = model[: layer + 1](x[None].clone()).detach().requires_grad_()
    (of_row,) = torch.autograd.grad(model[layer + 1 :](z.clone())[0, target], z)
    return of_row[0]


def class_by_loop(model: nn.Sequential, layer: int, xs: Tensor, target: int) -> Tensor:
    """Class influence, row by row."""
    total = sum(gradient(model, layer, x, target) for x in xs)
    return total / len(xs)


def path_by_loop(
    model: nn.Sequential, layer: int, x: Tensor, baseline: Tensor, target: int, steps: int
) -> Tensor:
    """Path influence, point by point, by the reference's rule."""
    points = [baseline + (k + 0.5) / steps * (x - baseline) for k in range(steps)]
    return class_by_loop(model, layer, torch.stack(points), target)


def by_captum(model: nn.Sequential, layer: int, xs: Tensor, target: int) -> Tensor:
    """Instance influence, by Captum."""
    method = LayerGradientXActivation(model, model[layer], multiply_by_inputs=False)
    return method.attribute(xs, target)


def seconds(run: Callable[[], object]) -> float:
    """How long it takes, once."""
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def compare(
    words: str, reference: Callable[[], Tensor], other: Callable[[], Tensor], repeats: int
) -> None:
    """Print how many times as long the other takes."""
    for _ in range(2):  # the first passes choose kernels and fill caches
        ours, theirs = reference(), other()
    error = relative_error(ours.detach().numpy(), theirs.detach().numpy())
    assert error < 1e-5, f"{words}: the two sides differ by {error}"
    turns = [(seconds(other), seconds(reference)) for _ in range(repeats)]
    ratio = statistics.median(o for o, _ in turns) / statistics.median(r for _, r in turns)
    low, _, high = statistics.quantiles([o / r for o, r in turns], n=4)
    print(f"{words:66}{ratio:6.1f} ({low:.1f} … {high:.1f})", flush=True)


def against_the_loop(repeats: int) -> None:
    """The networks of the checks."""
    for family, layer in (("digits", 1), ("digits", -1), ("relu_max_cnn", 2), ("relu_avg_cnn", 1)):
        network = Network(family)
        model = build(network)
        xs = torch.from_numpy(normal(0, 64, *input_shape(network)))
        compare(
            f"class_influence, 64 rows, {family}, layer {layer}: loop",
            lambda m=model, at=layer, rows=xs: part1.class_influence(m, at, rows, 3),
            lambda m=model, at=layer, rows=xs: class_by_loop(m, at, rows, 3),
            repeats,
        )
        compare(
            f"path_influence, 50 steps, {family}, layer {layer}: loop",
            lambda m=model, at=layer, rows=xs: part1.path_influence(m, at, rows[0], rows[1], 3, 50),
            lambda m=model, at=layer, rows=xs: path_by_loop(m, at, rows[0], rows[1], 3, 50),
            repeats,
        )


def against_captum(repeats: int) -> None:
    """VGG16 with seeded weights, behind features[22], a layer in place before max pooling."""
    model = vgg16()
    xs = torch.from_numpy(normal(0, VGG_ROWS, 3, 224, 224))
    compare(
        f"instance_influence, {VGG_ROWS} rows, VGG16, features[{VGG_LAYER}]: Captum",
        lambda: part1.instance_influence(model, VGG_LAYER, xs, 281),
        lambda: by_captum(model, VGG_LAYER, xs, 281),
        repeats,
    )


def of_the_command(repeats: int) -> None:
    """Print the wall time of the command, beside that of importing torch."""
    hw3 = Path(sys.executable).parent / "hw3"
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    commands = {"import torch": [sys.executable, "-c", "import torch"]}
    for part in ("part1", "part2", "part3"):
        commands[part] = [str(hw3), "check", str(ROOT / "reference"), "--part", part]
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(repeats):
        for name, command in commands.items():

            def run(command: list[str] = command) -> None:
                subprocess.run(command, check=True, capture_output=True, env=environment)

            taken[name].append(seconds(run))
    medians = {name: statistics.median(times) for name, times in taken.items()}
    base = medians.pop("import torch")
    words = 'python -c "import torch"'
    print(f"{words:66}{base:6.2f} s")
    for part, median in medians.items():
        words = f"hw3 check reference --part {part}"
        print(f"{words:66}{median:6.2f} s, {median / base:.1f} times that")
    total = sum(medians.values())
    print(f"{'the three':66}{total:6.2f} s, {total / base:.1f} times that")


def main() -> None:
    """Print all ratios."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--repeats",
        type=int,
        default=11,
        help="turns with VGG16; ten times as many with small networks (11)",
    )
    parser.add_argument("--runs", type=int, default=3, help="of each command (3); 0 for none")
    options = parser.parse_args()
    if options.repeats < 2:
        parser.error("--repeats must be at least 2")
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, one thread of {os.cpu_count()}")
    print(f"\n{'times as long as the reference takes':66}ratio (middle half)")
    against_the_loop(10 * options.repeats)  # milliseconds each
    against_captum(options.repeats)
    if options.runs > 0:
        print(f"\nwall time, median of {options.runs}")
        of_the_command(options.runs)


if __name__ == "__main__":
    main()
