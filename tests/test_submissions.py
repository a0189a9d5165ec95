"""The grader is held to what each sample submission must earn, check by check.

The samples of ``fixtures/submissions`` are graded whole and behind walls, as a class is.  All other
cases differ from a right solution in a few functions: those run on these alone, in this process,
after it is shown that the edit can reach no other function.

A check that a case fails tries all its cases until it does.  One that it passes tries a few, and
all of them every week, as do the checks that say nothing new of a case in which nothing is wrong.
"""

import ast
import importlib.util
from contextlib import nullcontext
from functools import cache

import pytest

import cases
from cases.corners import CORNERS, ONE_FUNCTION
from grader.checks.framework import registry
from grader.diagnosis import match
from grader.grading import batch, engine
from grader.grading.weights import Assignment
from grader.homework import contract
from grader.records import Feedback, Limits, Outcome, Status, Submission
from grader.sandbox.host.session import InProcessSession
from grader.submissions import intake
from grading import CHECKS, ROOT, few_cases, walls

IN_FOLDERS = sorted(path.name for path in (ROOT / "fixtures" / "submissions").iterdir())
WEEKLY = ("empty_template", "keeps_softmax", "weakest_first")
"""Graded inside walls every week; they end as well in this process."""
MADE = sorted({*cases.SAMPLES, *WEEKLY} - {*IN_FOLDERS} | {*WEEKLY})
MANY_FUNCTIONS = CORNERS.keys() - {*ONE_FUNCTION}
"""Kinds of mistakes that show in corners of many functions."""
ALL_FUNCTIONS = ("gan_everything_wrong", "lists_and_arrays", "prints_a_lot")
"""Cases that change every function of a part by what other tests try one by one: mistakes of the
GAN (``test_gan_checks.py``), forms of a result (``test_validation.py``), output
(``test_session.py``)."""
EXPECTED = {name: cases.load(name).expected for name in cases.SAMPLES}
FILE = {check.id: part.file for part in contract.PARTS for check in CHECKS if check.part == part.id}
RIGHT = [cases.load(name).files for name in ("plain", "twin_hooks")]
"""Solutions that are graded whole."""

all_of_it = pytest.mark.parametrize(
    "whole",
    [pytest.param(False, id="few"), pytest.param(True, id="whole", marks=pytest.mark.weekly)],
)


@pytest.fixture
def in_short(whole, name, monkeypatch):
    """Unless it is the week's run, what a case passes is tried on few of the checks' cases."""
    run, lost = engine._run, EXPECTED[name].status

    def tries(check, *arguments):
        passes = check.id not in lost and not whole
        with few_cases() if passes else nullcontext():
            return run(check, *arguments)

    monkeypatch.setattr(engine, "_run", tries)


@pytest.fixture(scope="module")
def class_():
    return {s.id: s for s in intake.read_many([ROOT / "fixtures" / "submissions"])}


def assert_as_expected(name, report):
    """A report says of a case what it must, in every check and every part."""
    expected = EXPECTED[name]
    assert report.total.undecided == 0
    found = {
        outcome.check_id: outcome.status.value
        for outcome in report.outcomes
        if outcome.status not in (Status.PASSED, Status.BLOCKED)
        and FILE[outcome.check_id] in report.submission.files
    }
    assert found == expected.status
    assert {part: round(s.earned, 2) for part, s in report.scores.items()} == expected.score
    assert not [outcome.feedback.cost for outcome in report.outcomes if outcome.feedback.cost]
    for outcome in report.outcomes:
        assert "Traceback" not in outcome.feedback.message
        assert outcome.status is Status.PASSED or outcome.feedback.message


@all_of_it
@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=pytest.mark.weekly) if n in WEEKLY else n for n in IN_FOLDERS],
)
@pytest.mark.usefixtures("in_short")
def test_a_sample_inside_walls(name, class_):
    # Whoever never comes to an end is believed sooner than in a class.
    limits = Limits(cpu_seconds=1.0) if name == "endless_loop" else Limits()
    report = batch.grade_one(class_[name], batch.Job(walls(), assignment=Assignment(limits=limits)))
    assert report.submission.reason == EXPECTED[name].reason
    assert_as_expected(name, report)


@cache
def statements(content):
    """What stands at the top of a file: each name that a statement binds, with its syntax tree.

    What binds no name, and the modules that are imported, come under "": they concern the file.
    """
    found = set()
    for top in ast.parse(content).body:
        if isinstance(top, ast.FunctionDef | ast.ClassDef):
            found.add((top.name, ast.dump(top)))
        elif isinstance(top, ast.Import | ast.ImportFrom):
            module = (
                [top.module] if isinstance(top, ast.ImportFrom) else [a.name for a in top.names]
            )
            found |= {("", name) for name in module}
            found |= {(alias.asname or alias.name, ast.dump(alias)) for alias in top.names}
        elif isinstance(top, ast.Assign) and isinstance(top.targets[0], ast.Name):
            found.add((top.targets[0].id, ast.dump(top)))
        elif not (isinstance(top, ast.Expr) and isinstance(top.value, ast.Constant)):
            found.add(("", ast.dump(top)))
    return frozenset(found)


def is_import(name, tree):
    return not name or tree.startswith("alias")


def changed(file, content, right):
    """The names that mean something else in a file than in a solution's."""
    of_part = {check.function for check in CHECKS if FILE[check.id] == file}
    try:
        now, before = statements(content), statements(right[file])
    except (SyntaxError, ValueError, KeyError):  # unreadable, or the solution has no such file
        return of_part
    # An import that another file of the solution has means the same here.
    texts = [right[name] for name in contract.FILES if name in right]
    known = {(name, tree) for t in texts for name, tree in statements(t) if is_import(name, tree)}
    names = {name for name, _ in (now - before - known) | (before - now)}
    if "" not in names:
        return names
    return of_part | names | {name for name, tree in now | before if not is_import(name, tree)}


def reached(files):
    """The functions of the homework that an edit can reach: all others are a solution's.

    That is every function that differs from the solution's, or names something that does, or names
    something that names it.  A name counts as the same wherever it stands.
    """
    code = {name: content for name, content in files.items() if name in contract.FILES}
    found = min(
        (set().union(*(changed(f, c, right) for f, c in code.items())) for right in RIGHT), key=len
    )
    names = {}
    for content in code.values():
        try:
            tree = ast.parse(content)
        except (SyntaxError, ValueError):
            continue
        for top in tree.body:
            if isinstance(top, ast.FunctionDef | ast.ClassDef | ast.Assign):
                used = {n.id for n in ast.walk(top) if isinstance(n, ast.Name)}
                used |= {n.attr for n in ast.walk(top) if isinstance(n, ast.Attribute)}
                targets = getattr(top, "targets", [ast.Name(getattr(top, "name", ""))])
                for target in targets:
                    names.setdefault(target.id, set()).update(used)
    while more := {name for name, used in names.items() if used & found} - found:
        found |= more
    return found & contract.FUNCTIONS.keys()


def in_part(check, functions, files):
    """Whether a check of these functions can be run on these files."""
    return check.function in functions and FILE[check.id] in files


def says_something(check):
    """Where nothing is wrong: whether what a function gives can be read, and on hidden networks."""
    return check.hidden or not check.needs


@all_of_it
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(n, marks=pytest.mark.weekly) if n in (*MANY_FUNCTIONS, *ALL_FUNCTIONS) else n
        for n in MADE
    ],
)
@pytest.mark.usefixtures("in_short")
def test_a_case_in_the_functions_that_it_changes(name, whole, monkeypatch):
    # Which known mistake it is decides no status, and takes four fifths of the time to find out.
    monkeypatch.setattr(match, "diagnose", lambda answers: "")
    sample = cases.load(name)
    needs = sample.expected.requires
    assert not needs or importlib.util.find_spec(needs), f"{name} needs {needs}"
    functions = reached(sample.files)
    asked = [check for check in CHECKS if in_part(check, functions, sample.files)]
    if not whole and not sample.expected.status:
        asked = [check for check in asked if says_something(check)]
    with registry.without_shrinking():
        found = list(engine.run(asked, lambda part: InProcessSession(sample.files)))
    ended = {outcome.check_id: outcome for outcome in found}
    for check in CHECKS:
        if check.id not in ended:  # a solution's own function passes; a missing file fails
            there = FILE[check.id] in sample.files
            status = Status.PASSED if there else Status.FAILED
            feedback = Feedback(message="" if there else "missing")
            ended[check.id] = Outcome(check.id, status, float(there), feedback)
    submission = Submission(name, name, dict(sample.files), "")
    assert_as_expected(name, engine.report(submission, CHECKS, list(ended.values()), {}))


def test_every_check_fails_for_a_sample_that_answers_wrongly():
    """Not only where nothing is written, and not only behind a check that it waits for."""
    unwritten = {"empty_template", "unfinished", "syntax_error", "import_error", "not_utf8"}
    caught = {c for name, e in EXPECTED.items() if name not in unwritten for c in e.status}
    assert {check.id for check in CHECKS} - caught == set()


def test_each_part_is_earned_in_full_by_code_that_is_not_the_reference_s():
    # Of an optional part, by the honest variants of ``fixtures/unsupervised.py``.
    for part in (part for part in contract.PARTS if not part.optional):
        full = [name for name, e in EXPECTED.items() if e.score[part.id] == part.points]
        assert "twin_hooks" in full


def test_an_untouched_template_earns_nothing_and_is_the_template():
    assert set(EXPECTED["empty_template"].score.values()) == {0}
    for file, content in cases.load("empty_template").files.items():
        assert content == (ROOT / "student_template" / file).read_bytes()


def test_one_sample_for_each_kind_of_outcome_lies_there():
    """The README's first command grades these; the others are made."""
    statuses = {status for name in IN_FOLDERS for status in EXPECTED[name].status.values()}
    assert statuses == {"failed", "partial", "crashed"}
    assert [name for name in IN_FOLDERS if "gan.py" in cases.load(name).files] == [
        "empty_template",
        "gan_mistake",
        "twin_hooks",
    ]
    assert EXPECTED["named_differently"].score["part1"] == 32
