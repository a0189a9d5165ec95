"""Every rule of integration that the homework allows keeps every point; others keep what they earn.

The reference, with its midpoint rule replaced.  Honest rules keep every point on a few of the cases
that Hypothesis draws, and every week on all of them.
"""

import pytest

from grader.grading import engine
from grader.homework.contract import FUNCTIONS
from grader.records import Status
from grader.sandbox.host.session import InProcessSession
from grading import CHECKS, few_cases, not_passed, outcomes, reference_files

PATHS = [
    "path_influence",
    "integrated_gradients",
    "integrated_saliency_map",
    "comparative_integrated_gradients",
]
OURS = [c.id for c in CHECKS if c.function in PATHS]

MEAN = "torch.ones(len(a), dtype=torch.float64)"
HONEST = {
    "right-hand sum": ("torch.arange(1, m + 1) / m", MEAN),
    "left-hand sum": ("torch.arange(m) / m", MEAN),
    "midpoint": ("(torch.arange(m) + 0.5) / m", MEAN),
    "mean over m points": ("torch.linspace(0, 1, m) if m > 1 else torch.zeros(1)", MEAN),
    "mean over m + 1 points": ("torch.linspace(0, 1, m + 1)", MEAN),
    "trapezoid of m intervals": ("torch.linspace(0, 1, m + 1)", "ends(len(a))"),
    "trapezoid of m points": ("torch.linspace(0, 1, max(2, m))", "ends(len(a))"),
    "Gauss-Legendre": (
        "torch.from_numpy(np.polynomial.legendre.leggauss(m)[0] + 1) / 2",
        "torch.from_numpy(np.polynomial.legendre.leggauss(m)[1])",
    ),
    "Simpson, which is none of these": (
        "torch.linspace(0, 1, 2 * ((m + 1) // 2) + 1)",
        "simpson(len(a))",
    ),
    "midpoint of twice as many steps": ("(torch.arange(2 * m) + 0.5) / (2 * m)", MEAN),
}

HELPERS = """
def ends(n):
    w = torch.ones(n, dtype=torch.float64)
    w[0] = w[-1] = 0.5
    return w


def simpson(n):
    w = torch.full((n,), 2.0, dtype=torch.float64)
    w[1::2] = 4.0
    w[0] = w[-1] = 1.0
    return w


def nodes(x, baseline, m):
    if m < 1:
        raise ValueError("steps")
    a = ({alpha}).double()
    w = {weights}
    points = baseline + a.to(x.dtype).view(-1, *[1] * x.dim()) * (x - baseline)
    return points.detach(), w


def line("""


def files(alpha, weights):
    """The reference with other points and weights on its lines."""
    changed = reference_files()
    text = changed["part1_focused.py"].decode()
    text = text.replace("\ndef line(", HELPERS.format(alpha=alpha, weights=weights), 1)
    assert text.count("xs = line(x, baseline, steps)") == 2
    text = text.replace("xs = line(x, baseline, steps)", "xs, w = nodes(x, baseline, steps)")
    for old in ("xs, score(target))\n\n\ndef integrate", "network, -1, xs, quantity)"):
        assert text.count(old) == 1
        text = text.replace(old, old.replace(")", ", w)", 2 if "score" in old else 1))
    text = text.replace("score(target, w), w)", "score(target), w)")
    return {**changed, "part1_focused.py": text}


ALIKE = ("left-hand sum", "mean over m points", "mean over m + 1 points", "trapezoid of m points")
"""Rules that differ from one that is tried in every run by an end of the line."""


@pytest.mark.parametrize(
    "rule", [pytest.param(n, marks=pytest.mark.weekly if n in ALIKE else ()) for n in HONEST]
)
def test_honest_rules_keep_every_point(rule):
    """In two of the functions, which take turns: all of them ask for a rule in the same way."""
    first = list(HONEST).index(rule)
    functions = {PATHS[(first + n) % len(PATHS)] for n in (0, 1)}
    with few_cases():
        ours = [check.id for check in CHECKS if check.function in functions]
        assert not_passed(outcomes(files(*HONEST[rule]), ours)) == {}


@pytest.mark.weekly
@pytest.mark.parametrize("rule", HONEST)
def test_honest_rules_keep_every_point_on_all_cases(rule):
    assert not_passed(outcomes(files(*HONEST[rule]), OURS)) == {}


def test_captums_trapezoid_loses_the_normalisation_alone():
    """Its weights add up to (m - 1)/m."""
    alpha, weights = HONEST["trapezoid of m points"]
    changed = files(alpha, weights)
    text = changed["part1_focused.py"]
    for old in ("xs, score(target), w)", "network, -1, xs, quantity, w)"):
        assert text.count(old) == 1
        text = text.replace(old, old + " * ((steps - 1) / steps)")
    lost = set(not_passed(outcomes({**changed, "part1_focused.py": text}, OURS)))
    assert lost <= {
        "path_influence.weighs_its_points_to_one",
        "integrated_gradients.is_exact_on_linear_networks",
        "integrated_saliency_map.weighs_its_points_to_one",
        "comparative_integrated_gradients.is_exact_on_linear_networks",
    }
    assert "integrated_gradients.is_exact_on_linear_networks" in lost


DISHONEST = {
    "ignores steps": ("(torch.arange(50) + 0.5) / 50", MEAN),
    "stands still at many steps": ("(torch.arange(1000) + 0.5) / 1000", MEAN),
    "the end alone": ("torch.ones(m)", MEAN),
    "the middle alone": ("torch.full((m,), 0.5)", MEAN),
    "half of the way": ("(torch.arange(m) + 0.5) / (2 * m)", MEAN),
    "no more than 100 steps": ("(torch.arange(min(m, 100)) + 0.5) / min(m, 100)", MEAN),
    "half a step off the line": ("(torch.arange(m) - 0.5) / m", MEAN),
    "the first of the way left out": ("0.03 + 0.97 * (torch.arange(m) + 0.5) / m", MEAN),
    "squares of the way": ("((torch.arange(m) + 0.5) / m) ** 2", MEAN),
}


def in_turns(rules, functions):
    """Each of these rules in each function; in every run in two of the four, which take turns."""
    for n, rule in enumerate(rules):
        for k, function in enumerate(functions):
            now = (k - n) % len(functions) < 2
            yield pytest.param(rule, function, marks=() if now else pytest.mark.weekly)


@pytest.mark.parametrize(("rule", "name"), list(in_turns(DISHONEST, PATHS)))
def test_others_lose_points(rule, name):
    """By one check at least; the others are not waited for."""
    wrong = files(*DISHONEST[rule])
    wrong["part1_focused.py"] = wrong["part1_focused.py"].encode()
    mine = [check for check in CHECKS if check.function == name]
    ended = engine.run(mine, lambda part: InProcessSession(wrong))
    first = next((o for o in ended if o.status is not Status.PASSED), None)
    assert first is not None
    assert first.status in (Status.FAILED, Status.PARTIAL), first.feedback


def test_every_function_with_steps_is_tried():
    """Steps of an integral have a default; those of a training are the caller's."""
    takes_steps = {
        f.name for f in FUNCTIONS.values() if isinstance(dict(f.parameters).get("steps"), int)
    }
    assert set(PATHS) == takes_steps
