"""The accepted rules: weights, nodes, and the polynomials that each integrates exactly."""

import numpy as np
import pytest

from grader.oracle.quadrature import RULES, rules

STEPS = (2, 3, 8, 50, 301)


def error(rule, degree):
    """How far a rule is from ∫ t^degree dt over [0, 1]."""
    nodes, weights = rule
    return float(weights @ nodes**degree - 1 / (degree + 1))


@pytest.mark.parametrize("m", STEPS)
@pytest.mark.parametrize("name", RULES)
def test_weights_are_positive_and_sum_to_one_and_nodes_lie_on_the_path(name, m):
    nodes, weights = RULES[name](m)
    assert nodes.dtype == weights.dtype == np.float64
    assert nodes.shape == weights.shape
    assert (weights > 0).all()
    assert weights.sum() == pytest.approx(1, abs=1e-13)
    assert (np.diff(nodes) > 0).all()
    assert nodes[0] >= 0
    assert nodes[-1] <= 1
    assert abs(len(nodes) - m) <= 1


@pytest.mark.parametrize("m", STEPS)
@pytest.mark.parametrize(
    "name", [name for name in RULES if name not in ("right-hand sum", "left-hand sum")]
)
def test_symmetric_rules_are_exact_on_lines(name, m):
    assert error(rules(m)[name], 1) == pytest.approx(0, abs=1e-13)


@pytest.mark.parametrize("m", STEPS)
def test_one_sided_sums_are_off_by_half_a_step_on_lines(m):
    assert error(rules(m)["right-hand sum"], 1) == pytest.approx(0.5 / m)
    assert error(rules(m)["left-hand sum"], 1) == pytest.approx(-0.5 / m)


@pytest.mark.parametrize("m", [2, 3, 8])
def test_gauss_legendre_is_exact_up_to_degree_2m_minus_1_and_no_further(m):
    rule = rules(m)["Gauss–Legendre"]
    for degree in range(2 * m):
        assert error(rule, degree) == pytest.approx(0, abs=1e-14)
    assert abs(error(rule, 2 * m)) > 1e-11


@pytest.mark.parametrize("m", STEPS)
@pytest.mark.parametrize(
    ("name", "factor"),
    [
        ("midpoint", lambda m: -1 / (12 * m**2)),
        ("trapezoid of m intervals", lambda m: 1 / (6 * m**2)),
        ("trapezoid of m points", lambda m: 1 / (6 * (m - 1) ** 2)),
        ("mean over linspace(0, 1, m)", lambda m: 1 / (6 * (m - 1))),
        ("mean over linspace(0, 1, m + 1)", lambda m: 1 / (6 * m)),
    ],
)
def test_the_error_on_squares_is_the_textbooks(name, factor, m):
    assert error(rules(m)[name], 2) == pytest.approx(factor(m), rel=1e-6)


@pytest.mark.parametrize("name", RULES)
def test_every_rule_converges(name):
    errors = [abs(error(RULES[name](m), 3)) for m in (5, 50, 500)]
    assert errors[2] < 1e-2
    assert errors[2] <= errors[1] * 0.2 + 1e-12
    assert errors[1] <= errors[0] * 0.2 + 1e-12


def test_the_rules_are_the_ones_of_the_slides_and_their_kin():
    m = 4
    np.testing.assert_allclose(rules(m)["right-hand sum"][0], [0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(rules(m)["left-hand sum"][0], [0, 0.25, 0.5, 0.75])
    np.testing.assert_allclose(rules(m)["midpoint"][0], [0.125, 0.375, 0.625, 0.875])
    np.testing.assert_allclose(rules(m)["trapezoid of m intervals"][1] * 8, [1, 2, 2, 2, 1])
    assert [len(rules(m)[name][0]) for name in rules(m)] == [4, 4, 4, 5, 4, 4, 5, 4]


@pytest.mark.parametrize("m", STEPS)
def test_m_and_m_plus_1_points_are_different_rules_and_one_step_apart(m):
    one, other = (rules(m)[f"mean over linspace(0, 1, {n})"] for n in ("m", "m + 1"))
    assert abs(error(one, 2) - error(other, 2)) > 1e-6
    np.testing.assert_array_equal(other[0], rules(m + 1)["mean over linspace(0, 1, m)"][0])
    one, other = (rules(m + d)[f"trapezoid of m {n}"] for d, n in ((1, "points"), (0, "intervals")))
    np.testing.assert_array_equal(one[1], other[1])
