"""Calls to the functions of parts 1 to 3 that no check makes, to put diagnoses to the test."""

import numpy as np

from grader.checks.framework.cases import Case, case_list, distribution, normal
from grader.homework.networks import Network
from grader.oracle.live import LiveOracle
from grader.records import Call

__all__ = ["CALLS", "ORACLE", "PATHS"]

ORACLE = LiveOracle()
SLICES = case_list(
    ("smooth_mlp", 1, 1), ("smooth_cnn", 3, 5), ("inplace_cnn", 0, 4), ("inplace_mlp", 1, 8)
)
SLICES += case_list(("smooth_cnn", 0, 8), head="softmax")
SLICES += case_list(("smooth_mlp", 1, 9), head="log_softmax")
SLICES += case_list(("dropout_bn", 1, 2), training=True)
PATHS = case_list(("smooth_cnn", 1, 5), ("smooth_mlp", 1, 6), ("inplace_cnn", 0, 2))
PATHS += case_list(("inplace_mlp", -1, 9))
PATHS += case_list(("relu_avg_cnn", 3, 3), head="softmax")
PATHS += case_list(("smooth_mlp", 1, 9), head="log_softmax")
PATHS += case_list(("dropout_bn", 1, 2), training=True)
NEURONS = case_list(("smooth_cnn", 0, 2), ("smooth_cnn", 3, 3), ("smooth_mlp", 1, 5))
NEURONS += case_list(("dropout_bn", 1, 2), training=True)
TIES = np.array([1.0, -3.0, 2.0, -3.0, 2.0, 1.0, -3.0, 2.0] * 4, dtype=np.float32)
MAPS = [normal(seed, 8, 4, 4) for seed in (31, 32, 33)]


def module(call: Call, xs: np.ndarray) -> Call:
    return Call("()", {"module": call, "inputs": xs})


def _calls() -> dict[str, list[Call]]:
    ask, made = ORACLE.call, {}
    made["linear_scores"] = [
        module(ask("linear_scores", Network(family, seed=3, head=head)), Case(Network(family)).xs())
        for family in ("affine", "smooth_cnn")
        for head in ("softmax", "log_softmax", "")
    ]
    made["split"] = [
        module(Call("[]", {"of": ask("split", c.network, c.layer), "index": 0}), c.xs())
        for c in SLICES
    ]
    whole = case_list(("smooth_cnn", -1, 8), head="softmax")[0]
    made["split"] += [
        module(Call("[]", {"of": ask("split", whole.network, -1), "index": 1}), whole.xs())
    ]
    one = [(c.network, c.layer, c.xs(4), c.target) for c in SLICES]
    two = [(*call, c.other) for call, c in zip(one, SLICES, strict=True)]
    weights = distribution(9, 4)
    three = [(c.network, c.layer, c.xs(3), c.target) for c in SLICES[:2]]
    made["instance_influence"] = [ask("instance_influence", *call) for call in (*one, *three)]
    made["class_influence"] = [ask("class_influence", *call) for call in (*one, *three)]
    made["class_influence"] += [ask("class_influence", *call, weights) for call in one]
    made["comparative_influence"] = [ask("comparative_influence", *call) for call in two]
    made["comparative_influence"] += [
        ask("comparative_influence", *call, c.other) for call, c in zip(three, SLICES, strict=False)
    ]
    made["comparative_influence"] += [ask("comparative_influence", *c, weights) for c in two]
    made["distinguishing_neurons"] = [ask("distinguishing_neurons", *call, 4) for call in two]
    made["compare_with_single_class"] = [ask("compare_with_single_class", *c, 3) for c in two]
    made["compare_with_single_class"] += [
        ask("compare_with_single_class", c.network, c.layer, c.xs(3), c.target, c.other, 2)
        for c in SLICES[4:]
    ]
    line = [(c, (c.x, c.baseline)) for c in PATHS]
    made["path_influence"] = [
        ask("path_influence", c.network, c.layer, *xs, c.target, m)
        for m in (9, 20)
        for c, xs in line
    ]
    made["integrated_gradients"] = [
        ask("integrated_gradients", c.network, *xs, c.target, m) for m in (9, 20) for c, xs in line
    ]
    made["comparative_integrated_gradients"] = [
        ask("comparative_integrated_gradients", c.network, *xs, c.target, c.other, m)
        for m in (9, 20)
        for c, xs in line
    ]
    neurons = [(c.network, c.layer, c.neuron, c.x) for c in NEURONS]
    made["saliency_map"] = [ask("saliency_map", *call) for call in neurons]
    made["integrated_saliency_map"] = [
        ask("integrated_saliency_map", *call, c.baseline, m)
        for m in (9, 20)
        for call, c in zip(neurons, NEURONS, strict=True)
    ]
    made["top_neurons"] = [ask("top_neurons", a, k) for a in (*MAPS, TIES) for k in (4, 6)]
    made["influential_neurons"] = [
        ask("influential_neurons", a, 4, k) for a in (*MAPS, TIES, TIES[:6]) for k in (4, 6)
    ]
    made["compare_attributions"] = [
        ask("compare_attributions", MAPS[0], MAPS[1], 3),
        ask("compare_attributions", MAPS[1], (MAPS[1] + MAPS[2]), 5),
        ask("compare_attributions", MAPS[0] - 2, MAPS[0] - 2 + MAPS[1] / 2, 2),
        ask("compare_attributions", TIES, TIES[::-1].copy(), 12),
        ask("compare_attributions", TIES, np.roll(TIES, 3), 9),
        ask("compare_attributions", MAPS[2], MAPS[0], 3),
        ask("compare_attributions", MAPS[0], MAPS[2] - MAPS[1], 4),
    ]
    made["scale_pixels"] = [
        ask("scale_pixels", normal(6, 3, 5, 5), normal(7, 3, 5, 5)),
        ask("scale_pixels", normal(8, 7), normal(9, 7)),
    ]
    made["mask_slice"] = [
        module(ask("mask_slice", c.network, c.layer, [0, 2, 3]), c.xs(4)) for c in SLICES
    ]
    made["binary_classifier"] = [
        module(ask("binary_classifier", *call, *kept), c.xs(20))
        for kept in ((2, 1), (1, 2))
        for call, c in zip(one, SLICES, strict=True)
    ]
    margins = Network("identity_margin")
    rows = np.array([1.0, 2.0, -1.0, 3.0, 0.5, 0.1, -2.0, 0.0], dtype=np.float32)[:, None]
    truth = [True, True, True, False, False, False, False, False]
    stochastic = Network("margin", seed=7, training=True)
    made["evaluate"] = [
        ask("evaluate", margins, rows, truth),
        ask("evaluate", margins, -rows, truth),
        ask("evaluate", margins, -np.abs(rows), truth),
        ask("evaluate", margins, rows, [False] * 8),
        ask(
            "evaluate", stochastic, normal(41, 60, 4, scale=2.0), (np.arange(60) % 3 == 0).tolist()
        ),
    ]
    return made


CALLS = _calls()
"""By function; calls of returned modules where a function returns one."""
