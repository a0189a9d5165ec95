"""The reference against Captum, the field's own implementation, as a Markdown table.

    python tests/benchmarks/against_captum.py                # the zoo and VGG16
    python tests/benchmarks/against_captum.py --vgg none     # the zoo alone
    python tests/benchmarks/against_captum.py --vgg cache    # torchvision's trained weights

Captum hooks a network while the reference cuts it, so the two share no route to a gradient.  A cell
is the largest relative L2 difference between them: on the zoo, over every family of
``grader/homework/networks.py`` that has class scores, every slice from the input to the scores,
and several seeds; on VGG16, at one input, behind ``features[22]``.  Captum's midpoint rule has the
reference's points, and it keeps 1/steps in float32, which is exact for a power of two.

The reference gets a zoo network as students do: in train mode, with a log-softmax at the end and
layers in place.  Captum gets the scores alone, in eval mode, with the input as a layer and no layer
in place, since its hooks would read features that the next layer has overwritten.  Everything is
seeded; torch runs on one thread.
"""

from __future__ import annotations

import argparse
import copy
from dataclasses import dataclass
from typing import Any

import captum
import torch
from captum import attr
from torch import Tensor, nn

from grader.checks.framework.cases import Case, normal, slices_of
from grader.checks.framework.expect import relative_error
from grader.homework.families import FAMILIES
from grader.homework.networks import Network, build, num_classes
from grader.homework.vgg16 import vgg16
from reference import part1_focused as part1
from reference import part2_comparative as part2

ZOO = [name for name in FAMILIES if "margin" not in name]
DTYPES = ("float32", "float64")
ZOO_STEPS, VGG_STEPS, VGG_LAYER = 32, 2, 22

METHODS = {
    "LayerGradientXActivation": "instance_influence",
    "LayerGradientXActivation of a difference": "comparative_influence",
    "InternalInfluence": "path_influence",
    "NeuronGradient": "saliency_map",
    "NeuronIntegratedGradients": "integrated_saliency_map",
    "IntegratedGradients": "integrated_gradients",
    "IntegratedGradients of a difference": "comparative_integrated_gradients",
}
"""Captum's method, without a factor of activations, and the function that is the same."""


@dataclass(frozen=True)
class Task:
    """What both are asked: explain ``xs``, or the line from ``xs[1]`` to ``xs[0]``."""

    model: nn.Sequential
    layer: int
    xs: Tensor
    steps: int
    target: int
    other: int
    neuron: int

    def by_captum(self, method: str, network: nn.Sequential | None = None) -> Tensor:
        """What a method of Captum gives, in the shape that the homework asks for.

        Args:
            method: its name in :data:`METHODS`.
            network: what :func:`explainable` makes of the model, where it is asked more than once.
        """
        network = explainable(self.model) if network is None else network
        slice_ = (network, network[self.layer + 1])
        xs = self.xs.clone().requires_grad_()
        x, baseline = xs[:1].detach().requires_grad_(), self.xs[1:2]
        line: dict[str, Any] = {"n_steps": self.steps, "method": "riemann_middle"}

        def ahead(rows: Tensor) -> Tensor:
            scores = network(rows)
            return scores[:, self.target] - scores[:, self.other]

        def peak(z: Tensor) -> Tensor:
            return z[:, self.neuron].reshape(len(z), -1).amax(1)

        if method == "LayerGradientXActivation":
            gradient = attr.LayerGradientXActivation(*slice_, multiply_by_inputs=False)
            return gradient.attribute(xs, self.target)
        if method == "LayerGradientXActivation of a difference":
            gradient = attr.LayerGradientXActivation(ahead, slice_[1], multiply_by_inputs=False)
            return gradient.attribute(xs).mean(0)
        if method == "InternalInfluence":
            internal = attr.InternalInfluence(*slice_)
            return internal.attribute(x, baseline, self.target, **line)[0]
        if method == "NeuronGradient":
            return attr.NeuronGradient(*slice_).attribute(x, peak)[0]
        if method == "NeuronIntegratedGradients":
            integrated = attr.NeuronIntegratedGradients(*slice_)
            return integrated.attribute(x, peak, baseline, **line)[0]
        if method == "IntegratedGradients":
            whole = attr.IntegratedGradients(network)
            return whole.attribute(x, baseline, self.target, **line)[0]
        whole = attr.IntegratedGradients(ahead)
        return whole.attribute(x, baseline, **line)[0]

    def by_reference(self, function: str) -> Tensor:
        """What a function of the reference gives."""
        given: dict[str, Any] = {
            **{"model": self.model, "layer": self.layer, "neuron": self.neuron},
            **{"xs": self.xs, "x": self.xs[0], "baseline": self.xs[1], "steps": self.steps},
            **{"target": self.target, "c1": self.target, "c2": self.other},
        }
        implementation = getattr(part1, function, None) or getattr(part2, function)
        names = implementation.__code__.co_varnames[: implementation.__code__.co_argcount]
        return implementation(**{name: given[name] for name in names if name in given})

    def difference(self, method: str) -> list[float]:
        """Between the two, relative L2; none where both are zero, behind a ReLU that is off."""
        expected, actual = self.by_captum(method), self.by_reference(METHODS[method])
        assert expected.shape == actual.shape, (method, expected.shape, actual.shape)
        assert expected.dtype == actual.dtype, (method, expected.dtype, actual.dtype)
        if not (expected.any() or actual.any()):
            return []
        return [relative_error(actual.detach().numpy(), expected.detach().numpy())]


def explainable(model: nn.Sequential) -> nn.Sequential:
    """What Captum gets: layer l of the model is number l + 1 here, and number 0 is the input."""
    network = nn.Sequential(nn.Identity(), *copy.deepcopy(part1.linear_scores(model))).eval()
    for module in network.modules():
        if hasattr(module, "inplace"):
            module.inplace = False
    return network


def methods_at(layer: int) -> list[str]:
    """Captum's methods; integrated gradients know of no slice but the input."""
    return [method for method in METHODS if layer == -1 or not method.startswith("Integrated")]


def zoo(dtype: str, seeds: int) -> dict[str, list[float]]:
    """The differences of each method on the zoo."""
    found: dict[str, list[float]] = {method: [] for method in METHODS}
    for family in ZOO:
        for layer in slices_of(family):
            for seed in range(seeds):
                spec = Network(family, seed, dtype, head="log_softmax", training=True)
                case = Case(spec, layer, seed % num_classes(spec), seed)
                which = (case.target, case.other, case.neuron)
                xs = torch.from_numpy(case.xs(3))
                task = Task(build(spec), layer, xs, ZOO_STEPS, *which)
                for method in methods_at(layer):
                    found[method] += task.difference(method)
    return found


def vgg(dtype: str, weights: str | None) -> dict[str, float]:
    """The difference of each method on VGG16."""
    model = vgg16(weights).to(getattr(torch, dtype))
    xs = torch.from_numpy(normal(0, 2, 3, 224, 224, dtype=dtype))
    found = {}
    for method in METHODS:
        if not method.endswith("of a difference"):
            layer = -1 if method.startswith("Integrated") else VGG_LAYER
            task = Task(model, layer, xs, VGG_STEPS, target=281, other=0, neuron=100)
            (found[method],) = task.difference(method)
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=5, help="of the zoo (5)")
    words = "VGG16's weights: seeded, cache, a .pth file, or none to leave it out (seeded)"
    parser.add_argument("--vgg", metavar="WEIGHTS", default="seeded", help=words)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, captum {captum.__version__}; zoo: {', '.join(ZOO)};")
    print(f"{options.seeds} seeds, {ZOO_STEPS} steps; VGG16: {options.vgg}, {VGG_STEPS} steps\n")
    on_zoo = {dtype: zoo(dtype, options.seeds) for dtype in DTYPES}
    on_vgg: dict[str, dict[str, float]] = {dtype: {} for dtype in DTYPES}
    if options.vgg != "none":
        weights = None if options.vgg == "seeded" else options.vgg
        on_vgg = {dtype: vgg(dtype, weights) for dtype in DTYPES}
    heads = ("zoo, float32", "zoo, float64", "VGG16, float32", "VGG16, float64")
    print(f"| Captum | reference | comparisons | {' | '.join(heads)} |")
    print("|---|---|---|" + "---|" * len(heads))
    for method, function in METHODS.items():
        cells = [f"{max(on_zoo[dtype][method]):.1e}" for dtype in DTYPES]
        cells += [f"{on_vgg[d][method]:.1e}" if method in on_vgg[d] else "–" for d in DTYPES]
        number = len(on_zoo["float32"][method])
        print(f"| {method} | `{function}` | {number} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
