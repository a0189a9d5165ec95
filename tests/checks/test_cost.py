"""A student hears where a call takes many times what it needs, and loses nothing by it."""

import numpy as np
import pytest

from grader.checks.framework import pass_budget
from grader.grading import engine
from grader.homework import contract
from grader.homework.networks import Network
from grader.records import Call, NumPy, Passes, Reply, Status
from grading import FakeSession, make, outcomes, reference_files, with_needs

SPEC = Network("digits")
XS = np.zeros((4, 1, 8, 8), dtype=np.float32)

INTEGRALS = (
    *("path_influence", "integrated_gradients", "integrated_saliency_map"),
    "comparative_integrated_gradients",
)


def test_a_call_needs_a_pass_for_each_step_or_row():
    for name in INTEGRALS:
        assert pass_budget.needed(Call(name, {"model": SPEC})) == 50
        assert pass_budget.needed(Call(name, {"model": SPEC, "steps": 300})) == 300
    for name in ("class_influence", "comparative_influence", "binary_classifier", "evaluate"):
        assert pass_budget.needed(Call(name, {"xs": XS})) == 4
        assert pass_budget.needed(Call(name, {"xs": NumPy(XS)})) == 4
    assert pass_budget.needed(Call("saliency_map", {})) == 1


def test_of_other_functions_there_is_nothing_to_say():
    for name in ("split", "mask_slice", "top_neurons", "()", "drive:train"):
        call = Call(name, {"module": SPEC})
        assert pass_budget.needed(call) is None
        assert pass_budget.too_slow(call, Passes(10**6, 10**6)) == ""


@pytest.mark.parametrize("steps", [0, -3, None, 2.5, True, "many"])
def test_steps_that_are_none_are_no_reason_to_fail(steps):
    assert pass_budget.too_slow(Call("path_influence", {"steps": steps}), Passes(1, 1)) == ""
    assert pass_budget.needed(Call("class_influence", {"xs": XS[:0]})) == 1
    assert pass_budget.needed(Call("class_influence", {"xs": 3})) is None


def test_every_number_is_an_argument_of_its_function():
    for name, argument in pass_budget._ONE_EACH.items():
        names = [parameter for parameter, _ in contract.function(name).parameters]
        assert argument in ("", *names)


@pytest.mark.parametrize(
    ("call", "passes", "words"),
    [
        (
            Call("integrated_gradients", {"steps": 50}),
            Passes(600, 600),
            "integrated_gradients with 50 steps made 600 backward passes; 50 suffice: ",
        ),
        (
            Call("class_influence", {"xs": XS}),
            Passes(128, 0),
            "class_influence of 4 rows made 128 forward passes; 4 suffice: ",
        ),
        (
            Call("saliency_map", {}),
            Passes(1, 50),
            "saliency_map made 50 backward passes; 1 suffices: ",
        ),
    ],
)
def test_what_is_told(call, passes, words):
    assert pass_budget.too_slow(call, passes) == words + "this is slow, but costs no points."


@pytest.mark.parametrize(
    ("call", "passes"),
    [
        (Call("integrated_gradients", {"steps": 2}), Passes(6, 3)),  # a trapezoid, and a look
        (Call("integrated_gradients", {"steps": 50}), Passes(500, 501)),  # one for each class
        (Call("class_influence", {"xs": XS}), Passes(9, 40)),
        (Call("saliency_map", {}), Passes(16, 16)),
    ],
)
def test_what_is_not_told(call, passes):
    assert pass_budget.too_slow(call, passes) == ""


SLOW = {
    "by finite differences": """
def integrated_gradients(model, x, baseline, target, steps=50):
    network = copy.deepcopy(linear_scores(model)).double().eval()
    total = torch.zeros(x.numel(), dtype=torch.float64)
    with torch.no_grad():
        for i in range(steps):
            point = (baseline + (i + 0.5) / steps * (x - baseline)).double()
            for j in range(x.numel()):
                step = torch.zeros_like(total)
                step[j] = 1e-5
                step = step.reshape(x.shape)
                ends = [network((point + s)[None])[0, target] for s in (step, -step)]
                total[j] += (ends[0] - ends[1]) / 2e-5 / steps
    return (x - baseline) * total.reshape(x.shape).to(x.dtype)
""",
    "feature by feature": """
def integrated_gradients(model, x, baseline, target, steps=50):
    network = copy.deepcopy(linear_scores(model)).eval()
    total = torch.zeros(x.numel(), dtype=x.dtype)
    for j in range(x.numel()):
        for i in range(steps):
            point = (baseline + (i + 0.5) / steps * (x - baseline))[None].requires_grad_(True)
            score = network(point.clone())[0, target]
            total[j] += torch.autograd.grad(score, point)[0].flatten()[j] / steps
    return (x - baseline) * total.reshape(x.shape)
""",
    "all of it at each step": """
def integrated_gradients(model, x, baseline, target, steps=50):
    network = copy.deepcopy(linear_scores(model)).eval()
    mean = torch.zeros_like(x)
    for i in range(steps):
        gradients = []
        for k in range(i + 1):
            point = (baseline + (k + 0.5) / steps * (x - baseline))[None].requires_grad_(True)
            gradients += torch.autograd.grad(network(point.clone())[0, target], point)
        mean = torch.cat(gradients).sum(0) / steps
    return (x - baseline) * mean
""",
}

TRIED = with_needs("integrated_gradients.has_a_value_per_feature")


def with_(code):
    files = reference_files()
    return {**files, "part1_focused.py": b"import copy\n" + files["part1_focused.py"] + code}


@pytest.mark.parametrize(
    "code",
    [
        pytest.param(c, id=n, marks=() if "each" in n else pytest.mark.weekly)
        for n, c in SLOW.items()
    ],
)
def test_slow_code_keeps_every_point_and_gets_a_warning(code):
    ended = outcomes(with_(code.encode()), TRIED)
    assert [o.status for o in ended.values()] == [Status.PASSED]
    told = ended[TRIED[0]].feedback.cost
    assert told.startswith("integrated_gradients with 50 steps made ")
    assert told.endswith("; 50 suffice: this is slow, but costs no points.")


FORGED = b"""
_honest = integrated_gradients

def integrated_gradients(model, x, baseline, target, steps=50):
    model = copy.deepcopy(model)
    for layer in model:
        layer._hw3_layer = 0
    with torch.no_grad():
        for _ in range(900):
            model[0].__call__(x[None])
    return _honest(model, x, baseline, target, steps)
"""


def test_a_forged_count_changes_the_hint_alone():
    ids = with_needs("integrated_gradients.is_exact_on_linear_networks")
    honest, forged = outcomes(reference_files(), ids), outcomes(with_(FORGED), ids)
    assert [o.feedback.cost for o in honest.values()] == ["", ""]
    assert "passes; 50 suffice" in forged[ids[0]].feedback.cost
    for name in ids:
        assert forged[name].status is honest[name].status is Status.PASSED
        assert forged[name].fraction == honest[name].fraction


def ask(student):
    student.reply(Call("class_influence", {"xs": XS}))


def ask_and_fail(student):
    ask(student)
    student.reply(Call("saliency_map", {}))
    student.random_classes(10, 2)


def test_a_function_s_cost_is_told_once_and_also_where_a_check_fails():
    slow = Reply([1.0], passes=Passes(0, 900))
    checks = [make("a", ask), make("b", ask_and_fail), make("c", ask_and_fail, hidden=True)]
    replies = {"class_influence": slow, "saliency_map": slow, "random_classes": Reply("wrong")}
    a, b, c = (o for o in engine.run(checks, lambda part: FakeSession(**replies)))
    assert (a.status, b.status, c.status) == (Status.PASSED, Status.FAILED, Status.FAILED)
    assert a.feedback.cost.startswith("class_influence of 4 rows made 900 backward passes")
    assert b.feedback.cost.startswith("saliency_map made 900")
    assert "class_influence" not in b.feedback.cost
    assert c.feedback.cost == ""
