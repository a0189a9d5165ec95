"""How nearly integrated gradients add up on a real photograph's network, as steps grow.

    python tests/benchmarks/completeness.py                       # some ten minutes on one core
    python tests/benchmarks/completeness.py --photo rocket --steps 20 50

takes the reference's ``integrated_gradients`` of the class that EfficientNet-Lite0 sees in a
photograph of scikit-image's, from a black image, and prints for each number of steps the sum, how
far it is from the change of the score, and the seconds.  It needs the extra ``photos``.
"""

from __future__ import annotations

import argparse
import sys
import time

import torch

from grader.explore import photographs
from grader.homework import efficientnet, vgg16
from grader.oracle import solution


def main() -> int:
    """Print a line for each number of steps."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--photo", choices=efficientnet.PHOTOS, default="cat")
    parser.add_argument("--steps", type=int, nargs="+", default=[20, 50, 300, 1000])
    given = parser.parse_args()
    path = efficientnet.photo(given.photo)
    if path is None:
        sys.exit(f"this needs more packages: {efficientnet.INSTALL}")
    network = efficientnet.trained()
    pixels, _ = photographs.read(path, efficientnet.SIDE)
    x = efficientnet.normalised(pixels)
    black = efficientnet.normalised(torch.zeros_like(pixels))
    with torch.no_grad():
        scores, before = network(x[None])[0], network(black[None])[0]
    target = int(scores.argmax())
    change = float(scores[target] - before[target])
    print(f"{given.photo}: the score of “{vgg16.classes()[target]}” changes by {change:.3f}")
    integrate = solution.load("part1_focused").integrated_gradients
    for steps in given.steps:
        started = time.process_time()
        total = float(integrate(network, x, black, target, steps).sum(dtype=torch.float64))
        print(
            f"{steps:5} steps: sum {total:7.3f}, off by {abs(total / change - 1):6.1%}, "
            f"{time.process_time() - started:.0f} s",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
