"""A table of what the public checks expect earns their points, and few of the hidden ones."""

import pytest

from grader.calls.digest import key
from grader.grading import engine
from grader.records import Reply, StudentError, Submission
from grader.report.analysis.statistics import to_look_at
from grader.sandbox.host.session import InProcessSession
from grading import CHECKS, few_cases, reference_files

FEW = ("top_neurons", "saliency_map", "random_classes", "evaluate")
UNKNOWN = StudentError("raised", "ValueError: not in the table", ("ValueError", "Exception"))


class Table:
    """Learns replies by heart while ``right`` is there; raises for what it does not know."""

    def __init__(self, right):
        self.right, self.known = right, {}

    def call(self, call, limits=None):
        name = key(call)
        if self.right is not None:
            self.known[name] = self.right.call(call, limits)
        return self.known.get(name, Reply(error=UNKNOWN))

    def close(self):
        pass


def report(functions):
    """The report on a table of the public checks of some functions."""
    checks = [c for c in CHECKS if c.part != "gan" and (not functions or c.function in functions)]
    table = Table(InProcessSession(reference_files()))
    list(engine.run([c for c in checks if not c.hidden], lambda part: table))
    table.right = None
    outcomes = list(engine.run(checks, lambda part: table))
    return engine.report(Submission("ada", "Ada", {}, "0" * 8), checks, outcomes, {})


def earned(made, *, hidden):
    """The share of the points of public or of hidden checks."""
    pairs = [
        (check.points, check.points * outcome.fraction)
        for check, outcome in zip(made.checks, made.outcomes, strict=True)
        if check.hidden is hidden
    ]
    return sum(got for _, got in pairs) / sum(points for points, _ in pairs)


@pytest.mark.parametrize(
    "functions", [FEW, pytest.param((), marks=pytest.mark.weekly, id="all of them")]
)
def test_a_table_earns_public_points_and_few_others(functions):
    with few_cases():
        made = report(functions)
    assert earned(made, hidden=False) == 1
    assert earned(made, hidden=True) < 0.1
    (look,) = to_look_at([made])
    assert any("passes the public checks of" in reason for reason in look.reasons)
