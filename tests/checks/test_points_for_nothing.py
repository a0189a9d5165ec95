"""Zeros, noise or the first argument in the right shape earn next to nothing, and so do errors."""

import pytest

from grader.checks.framework import registry
from grader.diagnosis import match
from grader.grading import engine
from grader.sandbox.host.session import InProcessSession
from grading import CHECKS, few_cases

OURS = [check for check in CHECKS if check.part != "gan"]

LAZY = '''
import torch
from torch import nn


def made(like, shape):
    """{words}"""
    if not shape:
        return float({number})
    like = torch.as_tensor(like)
    return {array}


class Made(nn.Module):
    def __init__(self, model, flat):
        super().__init__()
        self.model, self.flat = [model], flat

    def forward(self, xs):
        with torch.no_grad():
            out = self.model[0].eval()(xs.clone())
        return made(xs, out.shape[:1] if self.flat else out.shape)


def of_slice(model, layer, xs):
    was = [(m, m.training) for m in model.modules()]
    with torch.no_grad():
        shape = nn.Sequential(*list(model.eval())[: layer + 1])(xs[:1].clone()).shape[1:]
    for m, training in was:
        m.training = training
    return made(xs, shape)


def neurons(like, k):
    return {neurons}


def linear_scores(model):
    return {module}(model, False)


def split(model, layer):
    return {module}(model, False), {module}(model, False)


def instance_influence(model, layer, xs, target):
    return torch.stack([of_slice(model, layer, xs) for _ in xs])


def class_influence(model, layer, xs, target, weights=None):
    return of_slice(model, layer, xs)


def path_influence(model, layer, x, baseline, target, steps=50):
    return of_slice(model, layer, x[None])


def integrated_gradients(model, x, baseline, target, steps=50):
    return made(x, x.shape)


def top_neurons(attribution, k=1):
    return neurons(attribution, k)


def saliency_map(model, layer, neuron, x):
    return made(x, x.shape)


def integrated_saliency_map(model, layer, neuron, x, baseline, steps=50):
    return made(x, x.shape)


def scale_pixels(x, saliency):
    return made(x, x.shape)


def compare_attributions(a, b, k):
    return made(a, ()), made(b, ())


def comparative_influence(model, layer, xs, c1, c2, weights=None):
    return of_slice(model, layer, xs)


def comparative_integrated_gradients(model, x, baseline, c1, c2, steps=50):
    return made(x, x.shape)


def distinguishing_neurons(model, layer, xs, c1, c2, k):
    return neurons(xs, k), neurons(xs, k)


def compare_with_single_class(model, layer, xs, c1, c2, k):
    return made(xs, ()), made(xs, ())


def random_classes(num_classes, k=5, seed=0):
    return neurons([0.0], k).tolist()


def influential_neurons(influence, positive, negative):
    return neurons(influence, positive), neurons(influence, negative)


def mask_slice(model, layer, keep):
    return {module}(model, False)


def binary_classifier(model, layer, xs, target, positive, negative):
    return Made(model, True)


def evaluate(classifier, xs, is_target):
    return made(xs, ()), made(xs, ()), made(xs, ())
'''
ZEROS, INDICES = "torch.zeros(shape, dtype=like.dtype)", "torch.zeros(k, dtype=torch.int64)"
KINDS = {
    "zeros": {"number": "0", "array": ZEROS, "neurons": INDICES, "module": "Made"},
    "noise": {
        "number": "torch.rand(())",
        "array": "torch.randn(shape, dtype=like.dtype)",
        "neurons": "torch.randint(0, 3, (k,))",
        "module": "Made",
    },
    "the first argument": {
        "number": "1",
        "array": "like.clone() if like.shape == torch.Size(shape) else "
        "like.flatten().repeat(10000)[: torch.Size(shape).numel()].reshape(shape)",
        "neurons": "torch.arange(k)",
        "module": "(lambda model, flat: model)",
    },
}
REFUSES = "{name} = lambda *arguments, **named: (_ for _ in ()).throw(ValueError('no'))"


def earned(source, monkeypatch):
    monkeypatch.setattr(match, "diagnose", lambda answers: "")
    names = ("part1_focused.py", "part2_comparative.py", "part3_compression.py")
    files = {name: source.encode() for name in names}
    with registry.without_shrinking(), few_cases():
        ended = list(engine.run(OURS, lambda part: InProcessSession(files)))
    points = {check.id: check.points for check in OURS}
    return {o.check_id: points[o.check_id] * o.fraction for o in ended if o.fraction}


@pytest.mark.parametrize(
    "kind", [pytest.param(k, marks=() if k == "zeros" else pytest.mark.weekly) for k in KINDS]
)
def test_what_takes_no_thought_earns_two_points_at_most(kind, monkeypatch):
    found = earned(LAZY.format(words=kind, **KINDS[kind]), monkeypatch)
    assert sum(found.values()) <= 2, found


def test_who_refuses_everything_earns_nothing(monkeypatch):
    names = dict.fromkeys(check.function for check in OURS)
    source = "\n".join(REFUSES.format(name=name) for name in names)
    assert sum(earned(source, monkeypatch).values()) == 0
