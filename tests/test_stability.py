"""The same submission gets the same score, whenever, in whatever order and on however many threads.

Part 4 trains a network, which is chaotic across numbers of threads; the guest trains with one.
"""

import pytest
import torch

import cases
from grader.grading import engine
from grader.oracle.live import oracle
from grader.records import Limits, Reply, Status, StudentError
from grader.sandbox.host import process
from grader.sandbox.host.session import InProcessSession, ProcessSession
from grader.sandbox.isolation import surroundings
from grading import BY_ID, CHECKS, FakeSession, reference_files

PARTS_1_TO_3 = [check for check in CHECKS if check.part != "gan"]


def files(name):
    if name == "reference":
        return reference_files()
    return cases.load(name).files


def scores(checks, open_session):
    """Status and fraction of each check, to the last digit."""
    return {o.check_id: (o.status, o.fraction) for o in engine.run(checks, open_session)}


def alone(checks, open_session):
    """The same, the last check first, each in a session of its own and without what it needs."""
    found = {}
    for check in reversed(checks):
        found.update(scores([check], open_session))
    return found


@pytest.fixture
def with_two_threads(monkeypatch):
    """What runs with two torch threads in grader, reference and student's code alike."""
    set_num_threads, before = torch.set_num_threads, torch.get_num_threads()

    def run(body):
        with monkeypatch.context() as patch:
            set_num_threads(2)
            patch.setattr(torch, "set_num_threads", lambda number: None)
            patch.setattr(
                oracle.source, "_values", {}
            )  # so that the reference computes with two, too
            found = body()
            assert torch.get_num_threads() == 2
            return found

    yield run
    set_num_threads(before)


@pytest.mark.parametrize(
    ("name", "of"),
    [
        # Partial credit; the other functions are the reference's.
        pytest.param("weakest_first", "part2", marks=pytest.mark.weekly),
        ("careless", "part3"),  # partial credit in quarters, ninths and thirds
        ("ignores_steps", "integrated_gradients"),  # wrong in what Hypothesis draws
    ],
)
def test_alone_backwards_and_with_two_threads_the_score_is_the_same(name, of, with_two_threads):
    contents = files(name)
    checks = [check for check in PARTS_1_TO_3 if of in (check.part, check.function)]
    first = scores(checks, lambda part: InProcessSession(contents))
    again = with_two_threads(lambda: alone(checks, lambda part: InProcessSession(contents)))
    judged = {check for check, (status, _) in first.items() if status is not Status.BLOCKED}
    assert {check: again[check] for check in judged} == {check: first[check] for check in judged}
    assert len(judged) > len(first) / 2


THREADED = """

def _with_two_threads(function):
    def run(*arguments):
        torch.set_num_threads(2)
        return function(*arguments)
    return run

for _name in __all__:
    globals()[_name] = _with_two_threads(globals()[_name])
"""


@pytest.fixture
def guests_whose_threads_sleep(monkeypatch):
    """Tests run side by side: a thread that waits must not keep a core busy."""
    monkeypatch.setitem(surroundings._SET, "OMP_WAIT_POLICY", "PASSIVE")
    monkeypatch.setattr(process, "_zygotes", {})
    yield
    for one in process._zygotes.values():
        one.close()


@pytest.mark.usefixtures("guests_whose_threads_sleep")
def test_a_submission_that_takes_two_threads_gets_the_same_score_run_by_run():
    plain = files("reference")
    threaded = {**plain, "part1_focused.py": plain["part1_focused.py"] + THREADED.encode()}
    checks = [check for check in PARTS_1_TO_3 if check.function == "integrated_gradients"]
    first = scores(checks, lambda part: ProcessSession(plain))
    assert set(first.values()) == {(Status.PASSED, 1.0)}
    for _ in range(2):
        assert scores(checks, lambda part: ProcessSession(threaded)) == first


@pytest.mark.parametrize(
    ("name", "check"),
    [
        ("hard_exit", "class_influence.is_the_mean_over_the_rows"),
        ("endless_loop", "integrated_gradients.is_complete"),
    ],
)
def test_a_crash_and_a_hang_are_the_same_run_by_run(name, check):
    contents, tiny = files(name), Limits(wall_seconds=0.5)
    found = [scores([BY_ID[check]], lambda part: ProcessSession(contents, tiny)) for _ in range(2)]
    assert found == [{check: (Status.CRASHED, 0.0)}] * 2


MOST_CALLS = 40
"""Of a check that fails whatever it asks: 31 cases, and a few that ask more than once."""


class Always(dict):
    """The same reply whatever is asked."""

    def __init__(self, reply):
        super().__init__()
        self.reply = reply

    def __missing__(self, function):
        return self.reply


def asked(check, reply):
    """How the check ends where every call gets this reply, and how many it makes."""
    session = FakeSession()
    session.replies = Always(reply)
    (outcome,) = engine.run([check], lambda part: session)
    return outcome.status, len(session.asked)


# All checks in one test: each takes milliseconds, less than pytest needs to hand out a test.
def test_a_check_that_always_fails_costs_little():
    reply = Reply("nonsense", changed=("the parameters of model",))
    ended = {check.id: asked(check, reply) for check in PARTS_1_TO_3}
    assert len(ended) > 90
    assert {
        name: status for name, (status, _) in ended.items() if status is not Status.FAILED
    } == {}
    assert {name: calls for name, (_, calls) in ended.items() if calls > MOST_CALLS} == {}


@pytest.mark.parametrize("kind", ["timeout", "died", "garbage", "load"])
def test_a_crash_is_not_looked_for_again(kind):
    reply = Reply(error=StudentError(kind, "gone"))
    ended = {check.id: asked(check, reply) for check in CHECKS}
    assert {name: how for name, how in ended.items() if how != (Status.CRASHED, 1)} == {}
