"""Attacks within the walls of each mode: what they earn, and what they leave behind.

``fixtures/attacks`` holds them; nothing here ever runs one without walls.  An attack that only lies
in what it gives back meets no wall, so it is tried within those of one mode.  All others are tried
within the walls of both: every run takes one mode for each, in turns, and the week both.
"""

import ast
import ctypes
import platform
import sys
from contextlib import closing

import psutil
import pytest

from attacks import ATTACKS, MODES, Counted, grade, honest, targets, working
from grader.checks.framework.expect import Unmet
from grader.checks.framework.student import Student
from grader.grading import engine
from grader.records import Status, Submission
from grader.report.redact import redacted
from grader.sandbox.host import process

BY_NAME = {attack.name: attack for attack in ATTACKS}

PR_SET_CHILD_SUBREAPER = 36

LIES = {
    *("array", "ast", "builtins", "datetime", "decimal", "fractions", "honest", "numpy"),
    *("reference", "torch", "types", "unittest"),
}
"""What an attack may import that only makes values, errors and sources to mislead the grader."""


def only_lies(attack):
    """Whether it never meets the kernel: no more imports, no limit of its own, and its guest lives.

    What cannot be parsed imports nothing, as the guest cannot run it.
    """
    if attack.limits != honest().limits or not attack.survives:
        return False
    for name, source in attack.files.items():
        if name not in honest().files or name == "part3_compression.py":
            try:
                nodes = list(ast.walk(ast.parse(source)))
            except (SyntaxError, ValueError):
                continue
            for node in nodes:
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                called = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
                if called and node.func.id in ("open", "exec", "eval", "__import__"):
                    return False
                if not {name.partition(".")[0] for name in names} <= LIES:
                    return False
    return True


TRIED = [
    (mode, attack)
    for mode in MODES
    for attack in ATTACKS
    if mode == MODES[-1] or not only_lies(attack)
]
AGAIN = [pair for pair in TRIED if pair[0] != MODES[-1]]
OTHER_MODE = {attack.name for _, attack in AGAIN[::2]}
IN_EVERY_RUN = {
    (mode, attack.name)
    for mode, attack in TRIED
    if (mode == MODES[-1]) != (attack.name in OTHER_MODE)
}


def whether_weekly(mode, attack):
    return () if (mode, attack.name) in IN_EVERY_RUN else pytest.mark.weekly


@pytest.fixture(scope="module", autouse=True)
def nothing_of_ours_is_written():
    """What this process imports meanwhile it does not keep, so that the checkout stays as it is."""
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    yield
    sys.dont_write_bytecode = before


@pytest.fixture(scope="module", autouse=True)
def whoever_gets_away_comes_to_us():
    """On Linux a process whose parent ends falls to the nearest one that asked for such."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        assert libc.prctl(PR_SET_CHILD_SUBREAPER, ctypes.c_ulong(1), 0, 0, 0) == 0
        yield
        assert libc.prctl(PR_SET_CHILD_SUBREAPER, ctypes.c_ulong(0), 0, 0, 0) == 0
    else:
        yield


@pytest.fixture(scope="module")
def aims():
    with pytest.MonkeyPatch.context() as patch, targets() as found:
        patch.setenv("HW3_ATTACK_TOKEN", "a token of the grader's")
        yield found


@pytest.fixture(scope="module")
def walls(request, aims):
    found = working(request.param)
    with process.with_secrets():  # what forks the guests of hidden checks is there before attacks
        assert_honest_is_unaffected(found, aims.source(0))
    assert_honest_is_unaffected(found, aims.source(0))
    return found


in_both_modes = pytest.mark.parametrize("walls", MODES, indirect=True, scope="module")


def zygote(mode):
    """The process that stands outside, and all that came out of it."""
    if mode not in process._zygotes:
        return 0, set()
    outside = psutil.Process(process._zygotes[mode]._process.pid)
    return outside.pid, {child.pid for child in outside.children(recursive=True)}


def children():
    """What this process started, and what came to it because its parent has gone."""
    return {child.pid for child in psutil.Process().children()}


def assert_honest_is_unaffected(walls, source):
    outcomes, opens = grade(honest(), walls, source)
    assert {o.status for o in outcomes.values()} == {Status.PASSED}, outcomes
    assert opens.guests == 1


@pytest.mark.parametrize(
    ("walls", "attack"),
    [
        pytest.param(mode, attack, id=f"{mode}-{attack.name}", marks=whether_weekly(mode, attack))
        for mode, attack in TRIED
    ],
    indirect=["walls"],
    scope="module",
)
def test_attack(attack, walls, aims):
    if attack.machine not in ("", platform.machine()):
        pytest.skip(f"made for {attack.machine}")
    pid, processes = zygote(walls.mode)
    source = aims.source(pid)
    before, started = aims.state(), children()

    outcomes, opens = grade(attack, walls, source)

    for check in attack.checks:
        outcome = outcomes[check.id]
        expected = attack.expected(check)
        assert outcome.status is expected, (check.id, outcome.feedback)
        words = outcome.feedback.message
        assert expected is Status.PASSED or check.hidden or attack.message in words
        assert len(words) < 4000
        assert len(outcome.feedback.stdout) <= 20_000
    assert not attack.survives or opens.guests == opens.sessions
    assert aims.state() == before
    assert aims.visitors() == 0
    assert zygote(walls.mode) == (pid, processes)
    assert children() == started
    assert_honest_is_unaffected(walls, source)


def test_most_attacks_are_tried_in_both_modes():
    lies = {attack.name for attack in ATTACKS if only_lies(attack)}
    assert {"always_equal", "lying_array", "prints_scores"} <= lies
    meets_walls = {attack.name for attack in ATTACKS if b"targets" in str(attack.files).encode()}
    assert not lies & meets_walls
    assert len(lies) < len(ATTACKS) / 3


@in_both_modes
def test_an_odd_value_is_wrong_and_the_guest_lives(walls, aims):
    attack = BY_NAME["odd_values"]
    opens = Counted({**attack.files, "targets.py": aims.source(0)}, attack.limits, walls)
    with closing(opens()) as session:
        student = Student(session)
        for seed in range(attack.seeds):
            with pytest.raises(Unmet, match="random_classes should"):
                student.random_classes(10, 5, seed)
    assert opens.guests == 1


@in_both_modes
def test_what_a_hidden_check_hands_over_is_shown_to_no_student(walls, aims):
    attack = BY_NAME["smuggles_inputs"]
    outcomes, _ = grade(attack, walls, aims.source(0))
    submission = Submission("smuggler", "", attack.files, "digest")
    report = engine.report(submission, attack.checks, list(outcomes.values()), walls.describe())
    assert "SMUGGLED" in str(report.outcomes)
    assert "SMUGGLED" not in str(redacted(report).outcomes)
